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

	"behalf.dev/behalf/internal/distribution/distributiontest"
)

var errNoAuthority = errors.New("no authority is known yet")

// stranded is a follower that never reaches its leader, by a clock that the test moves.
func stranded(clock *distributiontest.Clock, e *election) *Follower {
	return NewFollower(FollowerOptions{
		Identity: "b", Leader: e.now, Changes: e.observe(), Keys: ours, Clock: clock, Log: logr.Discard(),
		TLS: func() (*tls.Config, error) { return nil, errNoAuthority }, Random: func() float64 { return 0.5 },
	})
}

func TestAReplicaThatDoesNotReportForLongIsNotReady(t *testing.T) {
	clock, e := distributiontest.NewClock(), &election{}
	f := stranded(clock, e)
	e.elect(Elected{Identity: "a", Address: "127.0.0.1:1"})
	distributiontest.Run(t, f.Start)
	distributiontest.Eventually(t, "it has tried", func() bool { return f.now().err != nil })
	if err := f.Ready(); err != nil {
		t.Errorf("at once: %v", err)
	}
	clock.Advance(graceful)
	err := f.Ready()
	want := "not reporting to leader a since 2026-06-01T10:00:00Z, so authorizers that are connected here are missing in status: "
	if err == nil || !strings.HasPrefix(err.Error(), want) || !errors.Is(err, errNoAuthority) {
		t.Errorf("after a while: %v", err)
	}
	e.elect(Elected{})
	distributiontest.Eventually(t, "where no leader is known it is no fault", func() bool { return f.Ready() == nil })
	e.elect(Elected{Identity: "b", Address: "127.0.0.1:1"})
	distributiontest.Eventually(t, "it leads itself", func() bool { return f.String() == "others report to this replica" && f.Ready() == nil })
}

func TestAFollowerWaitsLongerFromAttemptToAttempt(t *testing.T) {
	t.Parallel()
	f := stranded(distributiontest.NewClock(), &election{})
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
