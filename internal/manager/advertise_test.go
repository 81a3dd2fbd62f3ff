// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"behalf.dev/behalf/internal/replicas"
)

func TestAReplicaIsReachedWhereOthersCanConnectTo(t *testing.T) {
	t.Parallel()
	everywhere := &net.TCPAddr{IP: net.IPv6unspecified, Port: 9444}
	lo, linkLocal := &net.IPNet{IP: net.IPv4(127, 0, 0, 1)}, &net.IPNet{IP: net.ParseIP("fe80::1")}
	pod, podToo := &net.IPNet{IP: net.IPv4(10, 0, 0, 7)}, &net.IPNet{IP: net.ParseIP("2001:db8::7")}
	for sentence, c := range map[string]struct {
		said    string
		listens net.Addr
		machine []net.Addr
		want    string
	}{
		"where it was said":                             {"manager-0:1", everywhere, []net.Addr{pod}, "manager-0:1"},
		"where it listens":                              {"", &net.TCPAddr{IP: net.IPv4(10, 0, 0, 9), Port: 9444}, []net.Addr{pod}, "10.0.0.9:9444"},
		"at the pod's first address":                    {"", everywhere, []net.Addr{lo, linkLocal, pod, podToo}, "10.0.0.7:9444"},
		"at an address of version 6":                    {"", everywhere, []net.Addr{lo, podToo}, "[2001:db8::7]:9444"},
		"at the loopback of a machine without networks": {"", everywhere, []net.Addr{linkLocal, lo}, "127.0.0.1:9444"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			got, err := advertise(c.said, c.listens, func() ([]net.Addr, error) { return c.machine, nil })
			if err != nil || got != c.want {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
}

func TestAReplicaThatCannotBeReachedSaysWhatToDo(t *testing.T) {
	t.Parallel()
	everywhere := &net.TCPAddr{IP: net.IPv4zero, Port: 9444}
	for sentence, machine := range map[string]func() ([]net.Addr, error){
		"no address at all": func() ([]net.Addr, error) { return nil, nil },
		"nobody can tell":   func() ([]net.Addr, error) { return nil, errors.New("netlink is closed") },
	} {
		if _, err := advertise("", everywhere, machine); err == nil || !strings.Contains(err.Error(), "name one with --advertise-address") {
			t.Errorf("%s: %v", sentence, err)
		}
	}
}

func TestTheLeaderIsKnownByTheLeaseAndWhereItListens(t *testing.T) {
	lock := &fakeLock{}
	l := &leadership{Interface: lock, log: logr.Discard(), changes: make(chan struct{}, 1)}
	see := func(holder string, err error) {
		lock.holder, lock.err = holder, err
		_, _, _ = l.Get(t.Context()) // the error is the test's own
	}
	changed := func() bool {
		select {
		case <-l.changes:
			return true
		default:
			return false
		}
	}
	a := replicas.Elected{Identity: "a_1/10.0.0.7:9444", Address: "10.0.0.7:9444"}
	for _, step := range []struct {
		sentence string
		holder   string
		err      error
		want     replicas.Elected
		changed  bool
	}{
		{"one leads", a.Identity, nil, a, true},
		{"it goes on", a.Identity, nil, a, false},
		{"a lease that cannot be read is no other leader", "", errors.New("connection refused"), a, false},
		{"it can be read again", a.Identity, nil, a, false},
		{"one of an earlier version leads", "b_1", nil, replicas.Elected{Identity: "b_1"}, true},
		{"nobody leads", "", nil, replicas.Elected{}, true},
	} {
		see(step.holder, step.err)
		if got := l.elected(); got != step.want || changed() != step.changed || l.leads() {
			t.Errorf("%s: got %+v", step.sentence, got)
		}
	}
	if err := l.Update(t.Context(), resourcelock.LeaderElectionRecord{HolderIdentity: l.Identity()}); err != nil || !l.leads() {
		t.Error("this replica took the lease and does not lead")
	}
}

// THREATS 39: nobody else can lead while this replica takes itself for the leader.
func TestAReplicaHoldsTheLeaseAsLongAsNobodyElseCan(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)
	lock := &fakeLock{}
	l := &leadership{Interface: lock, log: logr.Discard(), changes: make(chan struct{}, 1), now: func() time.Time { return now }}
	write := func(holder string, takes time.Duration, err error) {
		lock.err, lock.write = err, func() { now = now.Add(takes) }
		_ = l.Update(t.Context(), resourcelock.LeaderElectionRecord{HolderIdentity: holder}) // what follows is looked at
	}
	for _, step := range []struct {
		sentence string
		happens  func()
		holds    bool
	}{
		{"nobody has written it", func() {}, false},
		{"it took the lease, which took a while", func() { write("me", 3*time.Second, nil) }, true},
		{"one renewal failed", func() { write("me", time.Second, errors.New("conflict")) }, true},
		{"others may have seen the last one when it was begun", func() { now = now.Add(leaseDuration - 4*time.Second) }, false},
		{"it has renewed it", func() { write("me", 0, nil) }, true},
		{"it let go of it", func() { write("", 0, nil) }, false},
		{"it took it again", func() { write("me", 0, nil) }, true},
		{"another one has it", func() {
			lock.err, lock.holder = nil, "other"
			_, _, _ = l.Get(t.Context())
		}, false},
	} {
		if step.happens(); l.holds() != step.holds {
			t.Errorf("%s: it holds it: %v", step.sentence, l.holds())
		}
	}
}
