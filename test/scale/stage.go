// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/test/cluster"
	"behalf.dev/behalf/test/stack"
	"behalf.dev/behalf/test/worlds"
)

// Namespace and service accounts of Behalf's own programs, as config/rbac has them.
const (
	system            = "behalf-system"
	managerAccount    = "behalf-manager"
	authorizerAccount = "behalf-authorizer"
)

// stage is a control plane that holds the objects of a world, with a manager.
type stage struct {
	dir     string
	cluster *cluster.Cluster
	admin   client.WithWatch
	rest    rest.Interface
	world   worlds.World
	objects compile.World
	manager *manager
}

// startStage brings it up. On an error nothing is left running.
func startStage(ctx context.Context, dir string, w worlds.World, binary string) (*stage, error) {
	s := &stage{dir: dir, world: w, objects: w.Compilable()}
	for _, step := range []func(context.Context) error{
		s.startCluster, s.install, s.populate,
		func(ctx context.Context) error { return s.startManager(ctx, binary) },
	} {
		if err := step(ctx); err != nil {
			s.stop()
			return nil, err
		}
	}
	return s, nil
}

func (s *stage) stop() {
	if s.cluster != nil {
		s.cluster.Stop()
	}
}

func (s *stage) startCluster(ctx context.Context) error {
	var err error
	if s.cluster, err = cluster.Start(ctx, cluster.Options{Dir: s.dir}); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return fmt.Errorf("registering kinds: %w", err)
	}
	config := rest.CopyConfig(s.cluster.Admin)
	config.QPS = -1 // the API server says itself when it is too much
	if s.admin, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("making the admin's client: %w", err)
	}
	config.GroupVersion, config.NegotiatedSerializer = &v1alpha1.GroupVersion, clientgoscheme.Codecs.WithoutConversion()
	if s.rest, err = rest.RESTClientFor(config); err != nil {
		return fmt.Errorf("making the client of the API server's metrics: %w", err)
	}
	return nil
}

// install applies the kinds, roles and service accounts of Behalf itself.
func (s *stage) install(ctx context.Context) error {
	files, err := filepath.Glob(filepath.Join("config", "crd", "bases", "*.yaml"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("looking for config/crd/bases: found %d files; run this in the root of the repository: %w", len(files), err)
	}
	for _, name := range []string{"namespace.yaml", "role.yaml", "manager.yaml", "authorizer.yaml"} {
		files = append(files, filepath.Join("config", "rbac", name))
	}
	for _, file := range files {
		objects, err := stack.Objects(file)
		if err != nil {
			return err
		}
		for _, object := range objects {
			if err := stack.Apply(ctx, s.admin, object); err != nil {
				return err
			}
		}
	}
	return eventually(ctx, "the API server to serve the kinds", s.served)
}

// served says whether every kind can be listed.
func (s *stage) served(ctx context.Context) error {
	for _, list := range []client.ObjectList{
		&v1alpha1.ResourceServerList{}, &v1alpha1.DelegationPolicyList{}, &v1alpha1.ServiceDelegationList{},
		&v1alpha1.TrustedIssuerList{}, &v1alpha1.DelegationGrantList{}, &v1alpha1.DelegationRevocationList{},
	} {
		if err := s.admin.List(ctx, list, client.Limit(1)); err != nil {
			return err
		}
	}
	return nil
}

// patience is how long any one thing may take before the measurement is given up.
const patience = 20 * time.Minute

// eventually asks until there is no error.
func eventually(ctx context.Context, what string, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w; last: %w", what, ctx.Err(), err)
		case <-tick.C:
		}
	}
}
