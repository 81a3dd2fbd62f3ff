// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/snapshot"
)

// authorizer is one of many in this process, with the client that every authorizer has.
type authorizer struct {
	sink *sink
	// store is nil where it only verifies.
	store  *snapshot.Store
	client *distribution.Client
	stop   func()
}

// fleet are the authorizers.
type fleet struct {
	stage    *stage
	whole    int
	arrivals *arrivals
	verifier *bundle.Verifier
	caFile   string
	members  []*authorizer
}

func newFleet(ctx context.Context, s *stage, whole int) (*fleet, error) {
	f := &fleet{stage: s, whole: whole, arrivals: &arrivals{}, caFile: filepath.Join(s.dir, "behalf-ca.crt")}
	ca, err := s.published(ctx, "behalf-ca", "ca.crt")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(f.caFile, []byte(ca), 0o600); err != nil {
		return nil, fmt.Errorf("writing the manager's authority: %w", err)
	}
	raw, err := s.published(ctx, "behalf-bundle-keys", "keys")
	if err != nil {
		return nil, err
	}
	keys, err := bundle.ParsePublicKeys([]byte(raw))
	if err != nil {
		return nil, err
	}
	f.verifier = bundle.NewVerifier(keys...)
	return f, nil
}

// published is what the manager hands to authorizers in a ConfigMap.
func (s *stage) published(ctx context.Context, configMap, key string) (value string, err error) {
	err = eventually(ctx, "ConfigMap "+configMap, func(ctx context.Context) error {
		var object corev1.ConfigMap
		if err := s.admin.Get(ctx, client.ObjectKey{Namespace: system, Name: configMap}, &object); err != nil {
			return err
		}
		if value = object.Data[key]; value == "" {
			return fmt.Errorf("it has no %s yet", key)
		}
		return nil
	})
	return value, err
}

// grow starts authorizers until there are so many, all at once, and gives the time until each of the new ones holds everything.
func (f *fleet) grow(ctx context.Context, count int) (time.Duration, error) {
	newcomers, err := f.recruit(ctx, count-len(f.members))
	if err != nil {
		return 0, err
	}
	expected := f.arrivals.expect(newcomers, f.contents(), func(c bundle.Change) bool { return c.Operation == bundle.Put })
	began := time.Now()
	for _, a := range newcomers {
		a.start(ctx)
	}
	f.members = append(f.members, newcomers...)
	at, err := f.arrivals.wait(ctx, expected)
	return at.Sub(began), err
}

// contents is how many bundles there are: one for each resource server, trust and revocations.
func (f *fleet) contents() int { return len(f.stage.objects.ResourceServers) + 2 }

// recruit makes authorizers, each with a token of its own.
func (f *fleet) recruit(ctx context.Context, count int) ([]*authorizer, error) {
	made := make([]*authorizer, count)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(creators)
	for i := range made {
		group.Go(func() (err error) {
			made[i], err = f.make(ctx, len(f.members)+i)
			return err
		})
	}
	return made, group.Wait()
}

func (f *fleet) make(ctx context.Context, number int) (*authorizer, error) {
	token, err := f.stage.authorizerToken(ctx)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("authorizer-%04d", number)
	tokenFile := filepath.Join(f.stage.dir, name+".token")
	if err := os.WriteFile(tokenFile, []byte(token), 0o600); err != nil {
		return nil, fmt.Errorf("writing a token: %w", err)
	}
	a := &authorizer{sink: &sink{number: number, arrivals: f.arrivals}}
	if number < f.whole {
		a.store = snapshot.New(f.verifier, time.Now)
		a.sink.Sink = a.store
	} else {
		a.sink.Sink = newVerifying(f.verifier)
	}
	a.client, err = distribution.NewClient(distribution.ClientOptions{
		Address: f.stage.manager.distribution, CAFile: f.caFile, TokenFile: tokenFile, Node: name,
		Sink: a.sink, Clock: distribution.SystemClock{},
	})
	return a, err
}

// start lets it connect; stop ends that and waits.
func (a *authorizer) start(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { _ = a.client.Run(ctx) }) // it ends with the context, and with nothing else
	a.stop = func() {
		cancel()
		running.Wait()
	}
}

// each does something with all of them at once.
func (f *fleet) each(do func(*authorizer)) {
	var group sync.WaitGroup
	for _, a := range f.members {
		group.Go(func() { do(a) })
	}
	group.Wait()
}

// keep stops all but the first few.
func (f *fleet) keep(count int) {
	staying := min(count, len(f.members))
	leaving := &fleet{members: f.members[staying:]}
	leaving.each(func(a *authorizer) { a.stop() })
	clear(leaving.members) // their stores
	f.members = f.members[:staying]
}

var errNotConnected = errors.New("not connected")

// connectedSince waits until every one has a stream that is younger than a moment, and gives when the last got it.
func (f *fleet) connectedSince(ctx context.Context, moment time.Time) (last time.Time, err error) {
	err = eventually(ctx, "all authorizers to be connected", func(context.Context) error {
		last = moment
		for _, a := range f.members {
			state := a.client.State()
			if !state.Connected || !state.Since.After(moment) {
				return fmt.Errorf("authorizer %d: %w: %w", a.sink.number, errNotConnected, state.LastError)
			}
			if state.Since.After(last) {
				last = state.Since
			}
		}
		return nil
	})
	return last, err
}
