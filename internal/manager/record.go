// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/util/retry"

	"behalf.dev/behalf/internal/replicas"
)

// followersAnnotation of the election's lease names the replicas that report to its holder, as JSON. It stands there so that one
// who holds the lease no longer cannot write it, and the next holder reads all that was written (ADR 0022).
const followersAnnotation = "behalf.dev/followers"

var _ replicas.Record = (*leadership)(nil)

var errFollows = errors.New("another replica holds the lease")

// Write writes down who reports to this replica, if it holds the lease. What stands there already is not written again.
func (l *leadership) Write(ctx context.Context, followers []string) error {
	return l.rewrite(ctx, func(held tenure, _ []string) ([]string, error) {
		if held.holder != l.Identity() {
			return nil, errFollows
		}
		return followers, nil
	})
}

// rewrite changes the list, given who holds the lease and what stands there.
func (l *leadership) rewrite(ctx context.Context, next func(held tenure, before []string) ([]string, error)) error {
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error { // with the election, which renews it
		lease, err := l.leases.Get(ctx, leaderLease, metav1.GetOptions{})
		if err != nil {
			return err
		}
		before, err := followersIn(lease)
		if err != nil {
			return err
		}
		after, err := next(tenureOf(resourcelock.LeaseSpecToLeaderElectionRecord(&lease.Spec)), before)
		if err != nil || slices.Equal(before, after) {
			return err
		}
		text, err := json.Marshal(after)
		if err != nil {
			return err
		}
		metav1.SetMetaDataAnnotation(&lease.ObjectMeta, followersAnnotation, string(text))
		_, err = l.leases.Update(ctx, lease, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("writing %s of lease %s: %w", followersAnnotation, leaderLease, err)
	}
	return nil
}

func followersIn(lease *coordinationv1.Lease) ([]string, error) {
	var followers []string
	if text := lease.Annotations[followersAnnotation]; text != "" {
		if err := json.Unmarshal([]byte(text), &followers); err != nil {
			return nil, fmt.Errorf("reading %s of lease %s: %w; remove the annotation when no other replica runs", followersAnnotation, leaderLease, err)
		}
	}
	return followers, nil
}

// others are the replicas that the leader before wrote down, without those in whose place this one is. What cannot be read is an
// error: somebody may serve.
func (l *leadership) others(ctx context.Context) ([]string, error) {
	lease, err := l.leases.Get(ctx, leaderLease, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading lease %s: %w", leaderLease, err)
	}
	followers, err := followersIn(lease)
	return slices.DeleteFunc(followers, l.replaces), err
}

// replaces says that a replica is this one, or cannot run any more because this one listens where it did.
func (l *leadership) replaces(replica string) bool {
	return replica == l.Identity() || electedOf(replica).Address == electedOf(l.Identity()).Address
}

// standIn has this replica serve in the place of a leader that ran where it runs now, as after a crash, without that the dead
// leader's lease is waited for. It writes itself down first, so that whoever leads next waits for it.
func (l *leadership) standIn(ctx context.Context) error {
	var vacancy tenure
	err := l.rewrite(ctx, func(held tenure, before []string) ([]string, error) {
		if held.holder == l.Identity() || !l.replaces(held.holder) {
			return nil, errFollows
		}
		vacancy = held
		return append(slices.DeleteFunc(slices.Clone(before), l.replaces), l.Identity()), nil
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == (tenure{}) || l.seen == vacancy { // or else somebody has renewed it since
		l.seen, l.vacancy = vacancy, vacancy
	}
	return nil
}

// standsIn says that this replica serves in the place of a dead leader. A lease that somebody has renewed or taken since is not a
// dead one's.
func (l *leadership) standsIn() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.vacancy != (tenure{}) && l.seen == l.vacancy
}

// leave takes this replica out of the list, as one that serves nobody any more: there may be no leader that it could tell so.
func (l *leadership) leave(ctx context.Context) error {
	return l.rewrite(ctx, func(_ tenure, before []string) ([]string, error) {
		return slices.DeleteFunc(slices.Clone(before), l.replaces), nil
	})
}

// keepStandingIn tries it until it is done, or there is nothing to be done.
func (l *leadership) keepStandingIn(ctx context.Context) error {
	for {
		err := l.standIn(ctx)
		if err == nil || errors.Is(err, errFollows) || apierrors.IsNotFound(err) {
			return nil
		}
		l.log.Error(err, "this replica does not serve in the place of the leader before it; will try again", "after", retryPeriod.String())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryPeriod):
		}
	}
}
