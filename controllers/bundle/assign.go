// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
)

const (
	// takeover is how long a new leader leaves alone what its predecessor assigned and its own caches disagree with: they may
	// be behind.
	takeover = 2 * time.Second
	// writers write at a time.
	writers = 8
)

// assignments is what this replica knows of the revisions of contents.
type assignments struct {
	register Register
	// leadsSince is when this replica became the leader; zero where it is not.
	leadsSince time.Time
	// seen is the highest known revision of each content. It outlives what it speaks of, so that a resource server made anew
	// under an old name goes on counting.
	seen map[distribution.Key]int64
	// written is what this replica wrote for a resource server and may not have been told of yet.
	written map[types.UID]written
	// keys are those of issuers that are to be recorded.
	keys map[string]RecordedKeys
	// listed is the revocation list that was numbered last, and base what that rests on.
	listed v1alpha1.BundleStatus
	base   int64
}

// written is a bundle that was written in the place of others, of which the caches may tell still.
type written struct {
	bundle v1alpha1.BundleStatus
	over   []v1alpha1.BundleStatus
}

func newAssignments(register Register) *assignments {
	return &assignments{register: register, seen: map[distribution.Key]int64{}, written: map[types.UID]written{}}
}

// look notes for each content what is assigned to its name.
func (a *assignments) look(contents []content, order int64, now time.Time) {
	shared, known := a.register.Shared()
	for i := range contents {
		c := &contents[i]
		switch c.key.Kind {
		case bundle.KindPolicy:
			c.assigned = a.recorded(c.form)
		case bundle.KindTrust:
			c.assigned = shared.Trust
		case bundle.KindRevocations:
			c.assigned = a.list(c, shared, known, order)
		}
		believed := distribution.Believable(c.key.Kind, c.assigned.Revision, c.assigned.Revision, now)
		c.amiss = !believed || c.assigned.Revision < a.seen[c.key]
		if believed {
			a.seen[c.key] = max(a.seen[c.key], c.assigned.Revision)
		}
	}
}

// recorded is what is written for a resource server: in its status, or by this replica since.
func (a *assignments) recorded(f form) v1alpha1.BundleStatus {
	ours, ok := a.written[f.uid()]
	if ok && f.recorded != ours.bundle && slices.Contains(ours.over, f.recorded) {
		return ours.bundle
	}
	delete(a.written, f.uid())
	return f.recorded
}

// wrote notes what was written for a resource server.
func (a *assignments) wrote(uid types.UID, over, b v1alpha1.BundleStatus) {
	a.written[uid] = written{bundle: b, over: append(a.written[uid].over, over)}
}

// forget lets go of what was written for resource servers that are gone.
func (a *assignments) forget(contents []content) {
	there := make(map[types.UID]bool, len(contents))
	for i := range contents {
		there[contents[i].form.uid()] = true
	}
	maps.DeleteFunc(a.written, func(uid types.UID, _ written) bool { return !there[uid] })
}

// list numbers the revocation list, which every replica may: by the newest change of a revocation that it knows of. The same
// list keeps its number.
func (a *assignments) list(c *content, shared Shared, known bool, order int64) v1alpha1.BundleStatus {
	if !known || shared.RevocationsBase+order < 1 {
		return v1alpha1.BundleStatus{}
	}
	if a.listed.Digest != c.digest || a.base != shared.RevocationsBase {
		a.base = shared.RevocationsBase
		a.listed = v1alpha1.BundleStatus{Revision: max(a.base+order, a.seen[c.key]+1), Digest: c.digest}
	}
	return a.listed
}

// assign gives contents that are new a revision, if this replica leads, and writes it down. Again is when it may go on with
// what it has to leave alone for now; zero where there is nothing.
func (a *assignments) assign(ctx context.Context, contents []content, order int64, floors map[distribution.Key]int64, now time.Time) (again time.Time, err error) {
	a.forget(contents)
	a.look(contents, order, now)
	if a.leadsSince.IsZero() {
		return time.Time{}, nil
	}
	var open []*content
	for i := range contents {
		switch c := &contents[i]; {
		case c.settled() && !a.outrun(c, floors, now):
		case !c.gone && c.assigned.Digest != "" && now.Before(a.leadsSince.Add(takeover)):
			again = a.leadsSince.Add(takeover)
		default:
			open = append(open, c)
		}
	}
	err = a.writeAll(ctx, open, order, now)
	if len(open) > 0 {
		a.look(contents, order, now)
	}
	return again, err
}

// outrun says whether an authorizer has seen a revision beyond the one assigned: that of an API server that was then restored
// from an older copy.
func (a *assignments) outrun(c *content, floors map[distribution.Key]int64, now time.Time) bool {
	floor := floors[c.key]
	if floor <= c.assigned.Revision || !distribution.Believable(c.key.Kind, floor, c.assigned.Revision, now) {
		return false
	}
	a.seen[c.key] = max(a.seen[c.key], floor)
	return true
}

// next is beyond all that is known, and never below the time in milliseconds (ADR 0006).
func (a *assignments) next(c *content, now time.Time) v1alpha1.BundleStatus {
	if c.gone {
		return v1alpha1.BundleStatus{}
	}
	return v1alpha1.BundleStatus{Revision: max(a.seen[c.key]+1, now.UnixMilli()), Digest: c.digest}
}

// writeAll writes as much as it can. What could not be written is an error, and open still.
func (a *assignments) writeAll(ctx context.Context, open []*content, order int64, now time.Time) error {
	var policies, shared []*content
	for _, c := range open {
		if c.key.Kind == bundle.KindPolicy {
			policies = append(policies, c)
		} else {
			shared = append(shared, c)
		}
	}
	err := a.writeBundles(ctx, policies, now)
	if known, _ := a.register.Shared(); len(shared) > 0 || !maps.Equal(known.Keys, a.keys) {
		err = errors.Join(err, a.writeShared(ctx, shared, order, now))
	}
	return err
}

// writeBundles writes several at a time, each whatever becomes of the others.
func (a *assignments) writeBundles(ctx context.Context, open []*content, now time.Time) error {
	next, errs := make([]v1alpha1.BundleStatus, len(open)), make([]error, len(open))
	var writing errgroup.Group
	writing.SetLimit(writers)
	for i, c := range open {
		next[i] = a.next(c, now)
		writing.Go(func() error {
			errs[i] = a.register.WriteBundle(ctx, c.form.server, c.assigned, next[i])
			return nil
		})
	}
	_ = writing.Wait() // all errors count, not the first alone
	for i, c := range open {
		if errs[i] == nil {
			a.wrote(c.form.uid(), c.assigned, next[i])
		}
	}
	return errors.Join(errs...)
}

func (a *assignments) writeShared(ctx context.Context, open []*content, order int64, now time.Time) error {
	s, _ := a.register.Shared()
	s.Keys = a.keys
	for _, c := range open {
		next := a.next(c, now)
		if c.key.Kind == bundle.KindTrust {
			s.Trust = next
		} else {
			s.RevocationsBase = next.Revision - order
		}
	}
	return a.register.WriteShared(ctx, s)
}
