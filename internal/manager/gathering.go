// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"crypto/tls"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/replicas"
)

// gathering is how this replica and the others tell each other whom they serve; nil where there are no others.
type gathering struct {
	leader   *replicas.Leader
	follower *replicas.Follower
}

func (m *Manager) makeGathering(*rest.Config) error {
	if m.options.Election != ElectionOn {
		return nil
	}
	clock, log := distribution.SystemClock{}, m.options.Log.WithName("replicas")
	m.gathering = &gathering{
		leader: replicas.NewLeader(replicas.LeaderOptions{
			Identity: m.leadership.Identity(), Leads: m.leadership.leads,
			Keys: m.key, Gatherer: m.distribution, Clock: clock, Log: log,
		}),
		follower: replicas.NewFollower(replicas.FollowerOptions{
			Identity: m.leadership.Identity(), Leader: m.leadership.elected, Changes: m.leadership.changes,
			Keys: m.key, TLS: m.toLeader, Gatherer: m.distribution, Clock: clock, Log: log,
		}),
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
	return []manager.Runnable{g.follower}
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
