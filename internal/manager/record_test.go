// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	coordinationv1client "k8s.io/client-go/kubernetes/typed/coordination/v1"
)

// oneLease is the election's lease in the test's hand. The first writes meet as many conflicts as are said.
type oneLease struct {
	coordinationv1client.LeaseInterface
	lease     *coordinationv1.Lease
	conflicts int
	writes    int
}

func (o *oneLease) Get(context.Context, string, metav1.GetOptions) (*coordinationv1.Lease, error) {
	if o.lease == nil {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "leases"}, leaderLease)
	}
	return o.lease.DeepCopy(), nil
}

func (o *oneLease) Update(_ context.Context, lease *coordinationv1.Lease, _ metav1.UpdateOptions) (*coordinationv1.Lease, error) {
	if o.conflicts--; o.conflicts >= 0 {
		return nil, apierrors.NewConflict(schema.GroupResource{Resource: "leases"}, leaderLease, errors.New("it was renewed"))
	}
	o.lease, o.writes = lease, o.writes+1
	return lease, nil
}

var renewedAt = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)

func leaseOf(holder, followers string) *coordinationv1.Lease {
	lease := &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{HolderIdentity: &holder, RenewTime: &metav1.MicroTime{Time: renewedAt}}}
	if followers != "" {
		lease.Annotations = map[string]string{followersAnnotation: followers}
	}
	return lease
}

func (o *oneLease) followers() string { return o.lease.Annotations[followersAnnotation] }

// at is a replica that listens at 10.0.0.1:9444.
const at = "me_2/10.0.0.1:9444"

func replicaAt(lease *oneLease) *leadership {
	return &leadership{Interface: &fakeLock{identity: at}, log: logr.Discard(), leases: lease, changes: make(chan struct{}, 1)}
}

// THREATS 39
func TestOnlyTheHolderWritesDownWhoReports(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		lease     *coordinationv1.Lease
		conflicts int
		followers []string
		want, err string
		writes    int
	}{
		"the holder":                      {lease: leaseOf(at, ""), followers: []string{"b", "c"}, want: `["b","c"]`, writes: 1},
		"while the election renews it":    {lease: leaseOf(at, `["b"]`), conflicts: 2, followers: []string{"c"}, want: `["c"]`, writes: 1},
		"what stands there":               {lease: leaseOf(at, `["b"]`), followers: []string{"b"}, want: `["b"]`},
		"nobody, where none stands there": {lease: leaseOf(at, ""), followers: []string{}, want: ""},
		"nobody any more":                 {lease: leaseOf(at, `["b"]`), followers: []string{}, want: `[]`, writes: 1},
		"one that holds it no longer":     {lease: leaseOf("other_1/10.0.0.2:9444", `["d"]`), followers: []string{"b"}, want: `["d"]`, err: errFollows.Error()},
		"over what cannot be read":        {lease: leaseOf(at, `b`), followers: []string{"b"}, want: `b`, err: "remove the annotation"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			o := &oneLease{lease: c.lease, conflicts: c.conflicts}
			err := replicaAt(o).Write(t.Context(), c.followers)
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("got error %v", err)
			}
			if o.followers() != c.want || o.writes != c.writes {
				t.Errorf("after %d writes it says %s", o.writes, o.followers())
			}
		})
	}
}

// THREATS 39
func TestALeaderReadsWhomToWaitFor(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		lease *coordinationv1.Lease
		want  []string
		err   string
	}{
		"nobody":                  {lease: leaseOf(at, "")},
		"others":                  {lease: leaseOf(at, `["b/10.0.0.2:9444","c/10.0.0.3:9444"]`), want: []string{"b/10.0.0.2:9444", "c/10.0.0.3:9444"}},
		"itself, who followed":    {lease: leaseOf(at, `["b/10.0.0.2:9444","`+at+`"]`), want: []string{"b/10.0.0.2:9444"}},
		"one that ran here":       {lease: leaseOf(at, `["me_1/10.0.0.1:9444"]`)},
		"what cannot be read":     {lease: leaseOf(at, `{}`), err: "remove the annotation"},
		"a lease that is no more": {err: "not found"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			got, err := replicaAt(&oneLease{lease: c.lease}).others(t.Context())
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) || err == nil && !slices.Equal(got, c.want) {
				t.Errorf("got %v and %v", got, err)
			}
		})
	}
}

// THREATS 39: who serves in the place of a dead leader is written down before, and ceases to when somebody lives.
func TestAReplicaStandsInForADeadLeader(t *testing.T) {
	t.Parallel()
	reads := func(t *testing.T, l *leadership, holder string, renewed time.Time) {
		t.Helper()
		l.Interface = &fakeLock{identity: at, holder: holder, renewed: renewed}
		if _, _, err := l.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	const here, there = "me_1/10.0.0.1:9444", "other_1/10.0.0.2:9444"
	for sentence, c := range map[string]struct {
		lease *coordinationv1.Lease
		// before and after are what happens before it stands in, and after.
		before, after func(t *testing.T, l *leadership)
		want          string
		in            bool
	}{
		"that ran where it runs": {lease: leaseOf(here, ""), want: `["` + at + `"]`, in: true},
		"beside those who followed, but for one that ran here too": {
			lease: leaseOf(here, `["b/10.0.0.2:9444","me_0/10.0.0.1:9444"]`), want: `["b/10.0.0.2:9444","` + at + `"]`, in: true,
		},
		"whose lease it reads again": {
			lease: leaseOf(here, ""), after: func(t *testing.T, l *leadership) { t.Helper(); reads(t, l, here, renewedAt) }, want: `["` + at + `"]`, in: true,
		},
		"who lives, for it is renewed": {
			lease: leaseOf(here, ""), after: func(t *testing.T, l *leadership) { t.Helper(); reads(t, l, here, renewedAt.Add(time.Second)) }, want: `["` + at + `"]`,
		},
		"who lives, for it was renewed since it was read first": {
			lease: leaseOf(here, ""), before: func(t *testing.T, l *leadership) { t.Helper(); reads(t, l, here, renewedAt.Add(-time.Second)) }, want: `["` + at + `"]`,
		},
		"until another one leads": {
			lease: leaseOf(here, ""), after: func(t *testing.T, l *leadership) { t.Helper(); reads(t, l, there, renewedAt.Add(time.Second)) }, want: `["` + at + `"]`,
		},
		"that ran elsewhere": {lease: leaseOf(there, "")},
		"where nobody led":   {lease: leaseOf("", "")},
		"where it leads":     {lease: leaseOf(at, "")},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			o := &oneLease{lease: c.lease, conflicts: 1}
			l := replicaAt(o)
			if c.before != nil {
				c.before(t, l)
			}
			if err := l.keepStandingIn(t.Context()); err != nil {
				t.Fatal(err)
			}
			if c.after != nil {
				c.after(t, l)
			}
			if l.standsIn() != c.in || o.followers() != c.want {
				t.Errorf("it stands in: %v, and the lease says %s", l.standsIn(), o.followers())
			}
		})
	}
}

// THREATS 39: one that has ended in good order is waited for by nobody, even where there was no leader to hear so.
func TestAReplicaThatEndsTakesItselfOut(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct{ holder, before, want string }{
		"where another one leads": {"b/10.0.0.2:9444", `["` + at + `","c/10.0.0.3:9444"]`, `["c/10.0.0.3:9444"]`},
		"where nobody leads":      {"", `["` + at + `"]`, `[]`},
		"where it does not stand": {"", `["c/10.0.0.3:9444"]`, `["c/10.0.0.3:9444"]`},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			o := &oneLease{lease: leaseOf(c.holder, c.before)}
			if err := replicaAt(o).leave(t.Context()); err != nil || o.followers() != c.want {
				t.Errorf("it says %s, %v", o.followers(), err)
			}
		})
	}
}
