// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package replicas

import (
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/distribution/distributiontest"
)

var errNoAuthority = errors.New("no authority is known yet")

// server is what a replica gathers in.
func server(tb testing.TB, clock distribution.Clock, name string, leads func() bool) *distribution.Server {
	tb.Helper()
	s, err := distribution.NewServer(distribution.Options{Authenticator: byName{}, Clock: clock, Replica: name, Leads: leads})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// stranded is a follower that never reaches its leader, by a clock that the test moves.
func stranded(tb testing.TB, clock *distributiontest.Clock, e *election) *Follower {
	tb.Helper()
	return NewFollower(FollowerOptions{
		Identity: "b", Leader: e.now, Changes: e.observe(), Keys: ours, Clock: clock, Log: logr.Discard(),
		Gatherer: server(tb, clock, "b", func() bool { return e.now().Identity == "b" }),
		TLS:      func() (*tls.Config, error) { return nil, errNoAuthority }, Random: func() float64 { return 0.5 },
	})
}

func TestAReplicaThatDoesNotReportForLongIsNotReady(t *testing.T) {
	clock, e := distributiontest.NewClock(), &election{}
	f := stranded(t, clock, e)
	e.elect(Elected{Identity: "a", Address: "127.0.0.1:1"})
	distributiontest.Run(t, f.Start)
	distributiontest.Eventually(t, "it has tried", func() bool { return f.now().err != nil })
	if err := f.Ready(); err != nil {
		t.Errorf("at once: %v", err)
	}
	clock.Advance(30 * time.Second)
	err := f.Ready()
	if err == nil || !strings.HasPrefix(err.Error(), "not yet reporting to a: ") || !errors.Is(err, errNoAuthority) ||
		!strings.Contains(err.Error(), "no leading replica has heard of this one's authorizers since 2026-06-01T10:00:00Z") {
		t.Errorf("after a while: %v", err)
	}
	e.elect(Elected{})
	distributiontest.Eventually(t, "nor does any leader hear it where none is known", func() bool { return f.String() == "no leader is known" && f.Ready() != nil })
	e.elect(Elected{Identity: "b", Address: "127.0.0.1:1"})
	distributiontest.Eventually(t, "it leads itself", func() bool { return f.String() == "others report to this replica" && f.Ready() == nil })
}

func TestAFollowerWaitsLongerFromAttemptToAttempt(t *testing.T) {
	t.Parallel()
	f := stranded(t, distributiontest.NewClock(), &election{})
	for failures, want := range map[int]time.Duration{
		0: 100 * time.Millisecond, 1: 200 * time.Millisecond, 4: 1600 * time.Millisecond, 5: 2500 * time.Millisecond, 1000: 2500 * time.Millisecond,
	} {
		if got := f.backoff(failures); got != want {
			t.Errorf("after %d failures: %s, want %s", failures, got, want)
		}
	}
}

func TestAFollowerWithoutAKeyTriesAgain(t *testing.T) {
	c := newCluster(t)
	a := c.start("a")
	a.leads()
	f := NewFollower(FollowerOptions{
		Identity: "b", Leader: c.election.now, Changes: c.election.observe(), Keys: nobody, TLS: c.trusted,
		Gatherer: a.Server, Clock: distributiontest.NewClock(), Log: logr.Discard(),
	})
	distributiontest.Run(t, f.Start)
	distributiontest.Eventually(t, "it says why it does not report", func() bool {
		err := f.now().err
		return err != nil && strings.Contains(err.Error(), "there is no key yet to be known by")
	})
}
