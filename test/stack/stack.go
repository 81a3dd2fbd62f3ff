// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package stack is a whole Behalf as its users run it: a control plane, the manager, two authorizers and an OpenID
// Connect issuer, each a real process with an identity and rights of its own. The demo shows it, the end-to-end tests
// judge it.
package stack

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/test/cluster"
)

// Namespace is where Behalf's own programs live.
const Namespace = "behalf-system"

// readyPatience is how long one part may take to become ready.
const readyPatience = time.Minute

// Options of Start.
type Options struct {
	// Binaries is the folder with manager, authorizer and issuer.
	Binaries string
	// Repository is the root of the checkout, for config/.
	Repository string
	// Dir is an existing, empty folder for all that the run writes.
	Dir string
	// Replicas of the manager, behind a stand-in for their Service; one without where zero.
	Replicas int
	// Outlive lets the processes go on when this one ends.
	Outlive bool
	// Lease is for how long authorizers may serve a bundle that is not renewed; the manager's default where 0.
	Lease time.Duration
	// Progress is told what is being waited for.
	Progress io.Writer
}

// Stack is a running Behalf.
type Stack struct {
	Cluster *cluster.Cluster
	// Admin may do everything. People act through As.
	Admin       client.WithWatch
	Authorizers []*Authorizer
	// Managers are the replicas, and Manager is the first of them.
	Managers []*Manager
	Manager  *Manager
	Issuer   *Issuer

	options Options
	scheme  *runtime.Scheme
	tokens  tokenCache
	// webhook and distribution are the addresses under which the managers' servers are reached.
	webhook, distribution string
	services              []*service
}

// Start brings everything up and waits until the authorizers are connected. On an error nothing is left running.
func Start(ctx context.Context, options Options) (*Stack, error) {
	s := &Stack{options: options, scheme: runtime.NewScheme()}
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(s.scheme); err != nil {
			return nil, fmt.Errorf("registering kinds: %w", err)
		}
	}
	if err := s.start(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context) error {
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"control plane: etcd, kube-apiserver, kube-controller-manager", s.startCluster},
		{"custom resources, roles and service accounts", s.install},
		{"people: security, API and service teams, an approver, incident response", s.hire},
		{"OpenID Connect issuer", s.startIssuer},
		{"admission webhooks", s.installWebhooks},
		{"manager", s.startManagers},
		{"authorizers", s.startAuthorizers},
	}
	for _, step := range steps {
		began := time.Now()
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
		fmt.Fprintf(s.options.Progress, "  %5.1fs  %s\n", time.Since(began).Seconds(), step.what)
	}
	return nil
}

// Stop ends every process. It may be called twice.
func (s *Stack) Stop() {
	for _, service := range s.services {
		service.stop()
	}
	if s.Cluster != nil {
		s.Cluster.Stop()
	}
}

func (s *Stack) startCluster(ctx context.Context) error {
	var err error
	if s.Cluster, err = cluster.Start(ctx, cluster.Options{Dir: s.options.Dir, Outlive: s.options.Outlive}); err != nil {
		return err
	}
	s.Admin, err = client.NewWithWatch(s.Cluster.Admin, client.Options{Scheme: s.scheme})
	if err != nil {
		return fmt.Errorf("making the admin's client: %w", err)
	}
	return nil
}

// As gives a client that acts as somebody, with their rights and no more.
func (s *Stack) As(person Person) (client.Client, error) {
	config := rest.CopyConfig(s.Cluster.Admin)
	config.Impersonate = rest.ImpersonationConfig{UserName: person.Username, Groups: person.Groups}
	c, err := client.New(config, client.Options{Scheme: s.scheme})
	if err != nil {
		return nil, fmt.Errorf("making the client of %s: %w", person.Username, err)
	}
	return c, nil
}

// File is a path below the repository.
func (s *Stack) File(parts ...string) string {
	return filepath.Join(append([]string{s.options.Repository}, parts...)...)
}

func (s *Stack) binary(name string) (string, error) {
	path := filepath.Join(s.options.Binaries, name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is not built: %w; run make build", name, err)
	}
	return path, nil
}

// eventually asks until there is no error, the process concerned has ended, or patience is at its end.
func eventually(ctx context.Context, process *cluster.Process, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyPatience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if process != nil {
			if exited := process.Exited(); exited != nil {
				return exited
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; last: %w", ctx.Err(), err)
		case <-tick.C:
		}
	}
}
