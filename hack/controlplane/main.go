// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Controlplane is a Kubernetes control plane in one program: etcd,
// kube-apiserver, kube-controller-manager, kube-scheduler and kubectl. Which of
// them it is, is decided by the name it is run under, so build.sh makes one
// symbolic link for each; see README.md for why.
package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	_ "time/tzdata" // time zones of CronJobs, on machines without a zone database

	"go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // kubectl's client auth plugins
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client-go's metrics
	_ "k8s.io/component-base/metrics/prometheus/version"  // kubernetes_build_info
	"k8s.io/kubectl/pkg/cmd"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// programs holds the main function of each program by the name it is run under.
// Each reads os.Args itself, as it does upstream; its answer is the exit code.
var programs = map[string]func() int{
	"etcd":                    runEtcd,
	"kube-apiserver":          func() int { return cli.Run(apiserver.NewAPIServerCommand()) },
	"kube-controller-manager": func() int { return cli.Run(controllermanager.NewControllerManagerCommand()) },
	"kube-scheduler":          func() int { return cli.Run(scheduler.NewSchedulerCommand()) },
	"kubectl":                 runKubectl,
}

func main() {
	run, err := choose(os.Args)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(run())
}

// choose returns the program that the first of args names, whatever its directory.
func choose(args []string) (func() int, error) {
	if len(args) == 0 {
		return nil, errors.New("controlplane: started without a name, so there is nothing to choose a program by")
	}
	name := filepath.Base(args[0])
	if run, ok := programs[name]; ok {
		return run, nil
	}
	return nil, fmt.Errorf("controlplane: there is no program %q here; run this file through a link named one of: %s",
		name, strings.Join(slices.Sorted(maps.Keys(programs)), ", "))
}

// runEtcd returns only after a shutdown that was asked for; etcd exits by itself on errors.
func runEtcd() int {
	etcdmain.Main(os.Args)
	return 0
}

// runKubectl does what upstream's cmd/kubectl does: the verbosity is read before
// cobra parses, so that building the command is logged too.
func runKubectl() int {
	_, _ = logs.GlogSetter(cmd.GetLogVerbosity(os.Args))
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		cmdutil.CheckErr(err) // prints, and exits with the error's code
	}
	return 0
}
