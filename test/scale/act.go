// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/test/worlds"
)

// act is something that somebody does to one object, with what must come of it.
type act struct {
	object types.NamespacedName
	list   client.ObjectList
	// do gives the object as the API server answered with it.
	do func(context.Context) (client.Object, error)
	// bundle is what every authorizer is sent for it.
	bundle distribution.Key
	// request is decided otherwise before it and after.
	request authz.Request
	after   authz.Outcome
}

// course is how an act went, from the API server's answer on.
type course struct {
	// everywhere is when the last authorizer enforced it, and enforced when a watcher was told Enforced=True.
	everywhere, enforced time.Duration
}

// perform does it, and waits until every authorizer has it and the object says so.
func (f *fleet) perform(ctx context.Context, a act) (course, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	watcher, err := f.stage.admin.Watch(ctx, a.list, client.InNamespace(a.object.Namespace), client.MatchingFields{metav1.ObjectNameField: a.object.Name})
	if err != nil {
		return course{}, fmt.Errorf("watching %s: %w", a.object, err)
	}
	defer watcher.Stop()
	told := enforcements(watcher)
	expected := f.arrivals.expect(f.members, 1, func(c bundle.Change) bool {
		return c.Operation == bundle.Put && c.Kind == a.bundle.Kind && c.Name == a.bundle.Name
	})
	object, err := a.do(ctx)
	answered := time.Now()
	if err != nil {
		return course{}, err
	}
	last, err := f.arrivals.wait(ctx, expected)
	if err != nil {
		return course{}, fmt.Errorf("bringing %s to all authorizers: %w", a.object, err)
	}
	if err := f.inForce(a); err != nil {
		return course{}, err
	}
	said, err := awaitEnforced(ctx, told, object.GetGeneration())
	if err != nil {
		return course{}, fmt.Errorf("waiting for Enforced=True on %s: %w", a.object, err)
	}
	return course{everywhere: last.Sub(answered), enforced: said.Sub(answered)}, nil
}

var errNotInForce = errors.New("it has acknowledged, and decides as before")

// inForce asks every authorizer that is whole.
func (f *fleet) inForce(a act) error {
	for _, member := range f.members {
		if member.store == nil {
			continue
		}
		if got := member.store.Current().Decide(&a.request, worlds.Now); got.Outcome != a.after {
			return fmt.Errorf("asking authorizer %d after the act on %s: %w: %v", member.sink.number, a.object, errNotInForce, got.Denial)
		}
	}
	return nil
}

// enforcement says that a generation was told to be enforced.
type enforcement struct {
	generation int64
	at         time.Time
}

// enforcements are those that a watch tells of, until it ends.
func enforcements(w watch.Interface) <-chan enforcement {
	told := make(chan enforcement, 64)
	go func() {
		defer close(told)
		for event := range w.ResultChan() {
			at := time.Now()
			c := meta.FindStatusCondition(conditionsOf(event.Object), v1alpha1.ConditionEnforced)
			if c != nil && c.Status == metav1.ConditionTrue {
				told <- enforcement{c.ObservedGeneration, at}
			}
		}
	}()
	return told
}

func conditionsOf(object any) []metav1.Condition {
	switch o := object.(type) {
	case *v1alpha1.ServiceDelegation:
		return o.Status.Conditions
	case *v1alpha1.DelegationRevocation:
		return o.Status.Conditions
	default:
		return nil
	}
}

func awaitEnforced(ctx context.Context, told <-chan enforcement, generation int64) (time.Time, error) {
	for {
		select {
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		case e, ok := <-told:
			if !ok {
				return time.Time{}, errWatchEnded
			}
			if e.generation == generation {
				return e.at, nil
			}
		}
	}
}

var errWatchEnded = errors.New("the watch has ended")
