// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"crypto/tls"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/replicas"
)

// gathering is how this replica and the others tell each other whom they serve; nil where there are no others.
type gathering struct {
	leader   *replicas.Leader
	follower *replicas.Follower
	// standIn is done at the start, and leave at the end.
	standIn, leave func(context.Context) error
}

func (m *Manager) makeGathering(*rest.Config) error {
	if m.options.Election != ElectionOn {
		return nil
	}
	clock, log := distribution.SystemClock{}, m.options.Log.WithName("replicas")
	m.gathering = &gathering{
		standIn: m.leadership.keepStandingIn, leave: m.leave,
		leader: replicas.NewLeader(replicas.LeaderOptions{
			Identity: m.leadership.Identity(), Leads: func() bool { return m.leadership.holds() && m.distribution.Led() },
			Keys: m.key, Record: m.leadership, Gatherer: m.distribution, Clock: clock, Log: log,
		}),
		follower: replicas.NewFollower(replicas.FollowerOptions{
			Identity: m.leadership.Identity(), Leader: m.leadership.elected, Changes: m.leadership.changes,
			Keys: m.key, TLS: m.toLeader, Gatherer: m.distribution, Clock: clock, Log: log,
		}),
	}
	return nil
}

// leaveWithin is how long a manager that ends tries to be waited for by nobody.
const leaveWithin = 2 * time.Second

// leave waits for the end, from which on nothing is served, and has the next leader not wait for this replica.
func (m *Manager) leave(ctx context.Context) error {
	<-ctx.Done()
	m.distribution.Quit()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWithin)
	defer cancel()
	if err := m.leadership.leave(ctx); err != nil {
		m.options.Log.Info("the next leader may wait for this replica, which ends", "why", err.Error())
	}
	return nil
}

// toLeader holds a connection to the certificate that the leader presents, which is made for the names that all replicas share.
func (m *Manager) toLeader() (*tls.Config, error) {
	authorities, err := m.certificates.Authorities()
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: authorities, ServerName: m.options.ServingNames[0]}, nil
}

func (g *gathering) runnables() []manager.Runnable {
	if g == nil {
		return nil
	}
	return []manager.Runnable{g.follower, g.leader, everywhere(g.standIn), everywhere(g.leave)}
}

func (g *gathering) services() []distribution.Service {
	if g == nil {
		return nil
	}
	return []distribution.Service{g.leader}
}

func (g *gathering) checks() []check {
	if g == nil {
		return nil
	}
	return []check{{name: "status", ready: g.follower.Ready, says: g.follower.String}}
}
