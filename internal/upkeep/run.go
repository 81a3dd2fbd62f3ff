// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package upkeep

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Start looks after everything until the context ends: at once, whenever something is seen to change, and now and then.
func (k *Keeper) Start(ctx context.Context) error {
	var all sync.WaitGroup
	for _, o := range k.objects {
		all.Go(func() { k.follow(ctx, o) })
		all.Go(func() { k.lookAfter(ctx, o) })
		if o.after != nil {
			all.Go(func() { o.awaitAfter(ctx) })
		}
	}
	all.Go(func() { k.awaitElection(ctx) })
	all.Wait()
	return nil
}

func (k *Keeper) awaitElection(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-k.options.Elected:
		k.leads.Store(true)
		for _, o := range k.objects {
			o.look()
		}
	}
}

func (o *object) awaitAfter(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-o.after:
		o.look()
	}
}

// lookAfter is the one that creates and restores an object. After a write it pauses, for longer each time until there was
// quiet, so that two who do not agree do not keep the API server busy.
func (k *Keeper) lookAfter(ctx context.Context, o *object) {
	var pause time.Duration
	for quiet := false; ctx.Err() == nil; {
		wrote, err := k.tend(ctx, o)
		next := lookEvery
		switch {
		case apierrors.IsConflict(err): // somebody was faster, so there is something new to look at
			next = leastPause
		case err != nil:
			next = retryAfter
			k.failed(ctx, o, err)
		default:
			o.problem.Store(nil)
		}
		if wrote {
			pause = min(max(2*pause, leastPause), mostPause)
			sleep(ctx, pause)
			next = 0 // whether that was all
		} else if quiet {
			pause = 0
		}
		quiet = o.await(ctx, next)
	}
}

func (k *Keeper) failed(ctx context.Context, o *object, err error) {
	if ctx.Err() != nil {
		return
	}
	k.failures.WithLabelValues(o.label()).Inc()
	if last := o.problem.Swap(&err); last == nil || (*last).Error() != err.Error() {
		k.options.Log.Error(err, "looking after what admission rests on; will try again", "object", o.String(), "after", retryAfter.String())
	}
}

// await waits until the object was seen to change, and no longer than is said. It says whether all was quiet.
func (o *object) await(ctx context.Context, longest time.Duration) (quiet bool) {
	timer := time.NewTimer(longest)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return true
	case <-o.seen:
		return false
	case <-timer.C:
		return true
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// follow watches one object by its name, again and again. What is missed between two watches shows when the next one begins.
func (k *Keeper) follow(ctx context.Context, o *object) {
	for ctx.Err() == nil {
		if err := k.watch(ctx, o); err != nil {
			k.options.Log.V(1).Info("watching what admission rests on; will try again", "object", o.String(), "error", err.Error())
		}
		sleep(ctx, retryAfter)
	}
}

func (k *Keeper) watch(ctx context.Context, o *object) error {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(o.manifest.GroupVersionKind())
	watch, err := k.client.Watch(ctx, list, client.MatchingFields{"metadata.name": o.manifest.GetName()})
	if err != nil {
		return fmt.Errorf("watching %s: %w", o, err)
	}
	defer watch.Stop()
	o.look()
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, open := <-watch.ResultChan():
			if !open {
				return nil
			}
			o.look()
		}
	}
}
