// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authorizer

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"go.uber.org/zap/zapcore"

	"behalf.dev/behalf/internal/authz"
)

// Options are what the command line says.
type Options struct {
	ManagerAddress    string
	ManagerCAFile     string
	ManagerServerName string
	TokenFile         string
	BundleKeysFile    string
	NodeID            string
	// StateDir is where bundles and revisions are kept; empty keeps them in memory only.
	StateDir string

	ExtAuthzAddress string
	AuthZENAddress  string
	AuthZENURL      string
	AuthZENPeers    []authz.Actor
	HealthAddress   string
	TLSCertFile     string
	TLSKeyFile      string

	// DecisionLog is a file, "-" for standard output, or empty for none.
	DecisionLog string
	LogLevel    zapcore.Level
}

// ParseOptions reads the command line without the program's name. What is wrong is an error that names the flag and the
// remedy; flag.ErrHelp means that help was asked for and given.
func ParseOptions(arguments []string, help io.Writer) (Options, error) {
	var o Options
	flags := o.flags(help)
	if err := flags.Parse(arguments); err != nil {
		return Options{}, err
	}
	if flags.NArg() > 0 {
		return Options{}, fmt.Errorf("argument %q is not understood: the authorizer takes flags only", flags.Arg(0))
	}
	if o.NodeID == "" {
		host, err := os.Hostname()
		if err != nil {
			return Options{}, fmt.Errorf("--node-id is not set and the host has no name: %w", err)
		}
		o.NodeID = host
	}
	return o, o.validate()
}

func (o *Options) flags(help io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet("authorizer", flag.ContinueOnError)
	f.SetOutput(help)
	f.StringVar(&o.ManagerAddress, "manager-address", "", "`host:port` of the manager's distribution server")
	f.StringVar(&o.ManagerCAFile, "manager-ca-file", "", "PEM `file` with the authorities that vouch for the manager")
	f.StringVar(&o.ManagerServerName, "manager-server-name", "", "`name` that the manager's certificate must have (default: the host of --manager-address)")
	f.StringVar(&o.TokenFile, "token-file", "", "`file` with the projected service account token for the audience behalf-distribution; read anew for each connection")
	f.StringVar(&o.BundleKeysFile, "bundle-keys-file", "", "`file` with the public keys that sign bundles, a line of base64 each; read anew when it changes")
	f.StringVar(&o.NodeID, "node-id", "", "`name` of this instance (default: the host's name, which is the pod's)")
	f.StringVar(&o.StateDir, "state-dir", "", "`folder` of this instance alone, where bundles and the highest revisions seen are kept, so that it starts without a manager; empty for memory only")
	f.StringVar(&o.ExtAuthzAddress, "extauthz-address", ":9191", "`address` of the Envoy ext_authz gRPC server; empty for none")
	f.StringVar(&o.AuthZENAddress, "authzen-address", "", "`address` of the AuthZEN HTTP server; empty for none")
	f.StringVar(&o.AuthZENURL, "authzen-url", "", "https `URL` under which enforcement points know the AuthZEN server (default: the host that they ask)")
	f.Func("authzen-peers", "service accounts that may ask the AuthZEN server: `namespace/name,...`", o.parsePeers)
	f.StringVar(&o.HealthAddress, "health-address", ":9190", "`address` of /healthz, /livez, /readyz and /metrics")
	f.StringVar(&o.TLSCertFile, "tls-cert-file", "", "PEM `file` with the certificate that ext_authz and AuthZEN are served with; read anew when it changes")
	f.StringVar(&o.TLSKeyFile, "tls-key-file", "", "PEM `file` with its private key")
	f.StringVar(&o.DecisionLog, "decision-log", "", "`file` that gets a JSON line for every decision; - is standard output, empty is none")
	f.TextVar(&o.LogLevel, "log-level", zapcore.InfoLevel, "least `level` that is logged: debug, info, warn or error")
	return f
}

func (o *Options) parsePeers(list string) error {
	for name := range strings.SplitSeq(list, ",") {
		peer, err := authz.ParseActor(strings.TrimSpace(name))
		if err != nil {
			return err
		}
		o.AuthZENPeers = append(o.AuthZENPeers, peer)
	}
	return nil
}

func (o *Options) validate() error {
	return errors.Join(o.validateManager(), o.validateDoors())
}

func (o *Options) validateManager() error {
	var problems []error
	for _, needed := range []struct{ flag, value, remedy string }{
		{"manager-address", o.ManagerAddress, "give host:port of the manager's distribution server, such as behalf-manager.behalf-system.svc:9443"},
		{"manager-ca-file", o.ManagerCAFile, "mount the key ca.crt of the ConfigMap behalf-ca and name the file"},
		{"token-file", o.TokenFile, "mount a projected service account token with the audience behalf-distribution and name the file"},
		{"bundle-keys-file", o.BundleKeysFile, "mount the ConfigMap with the manager's public bundle keys and name the file"},
	} {
		if needed.value == "" {
			problems = append(problems, fmt.Errorf("--%s is not set: %s", needed.flag, needed.remedy))
		}
	}
	return errors.Join(problems...)
}

func (o *Options) validateDoors() error {
	var problems []error
	if o.ExtAuthzAddress == "" && o.AuthZENAddress == "" {
		problems = append(problems, errors.New("--extauthz-address and --authzen-address are both empty: nobody could ask; set one"))
	}
	if o.AuthZENAddress != "" && len(o.AuthZENPeers) == 0 {
		problems = append(problems, errors.New("--authzen-peers is not set: name the service accounts that may ask the AuthZEN server, or leave --authzen-address empty"))
	}
	if o.HealthAddress == "" {
		problems = append(problems, errors.New("--health-address is empty: give an address of its own, such as :9190"))
	}
	if (o.TLSCertFile == "") != (o.TLSKeyFile == "") {
		problems = append(problems, errors.New("--tls-cert-file and --tls-key-file go together: set both, or neither"))
	}
	return errors.Join(problems...)
}
