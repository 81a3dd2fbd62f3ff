// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"behalf.dev/behalf/controllers/bundle"
	"behalf.dev/behalf/test/cluster"
)

// Manager is one running replica of the manager.
type Manager struct {
	Program
	// distribution and webhook are where this replica listens.
	distribution, webhook string
	// reach is where other replicas reach this one, through a service of its own.
	reach string
	way   *service
}

// Part has no other replica reach this one any more, as in a partition of the network between them. Authorizers and the API server
// still do.
func (m *Manager) Part() { m.way.stop() }

func (s *Stack) startManagers(ctx context.Context) error {
	token, err := s.tokenFile(ctx, Namespace, "behalf-manager", "")
	if err != nil {
		return err
	}
	kubeconfig, err := s.Cluster.KubeconfigForTokenFile("manager", token)
	if err != nil {
		return err
	}
	if err := s.placeManagers(); err != nil {
		return err
	}
	for _, m := range s.Managers {
		args := []string{
			"--kubeconfig=" + kubeconfig, "--namespace=" + Namespace,
			"--distribution-address=" + m.distribution, "--webhook-address=" + m.webhook, "--webhook-url=https://" + s.webhook, "--serving-names=localhost,127.0.0.1",
			"--authorizers=" + Namespace + "/authorizer-a," + Namespace + "/authorizer-b",
			"--issuer-allow-loopback", "--metrics-address=0", "--lease=" + cmp.Or(s.options.Lease, bundle.DefaultLease).String(),
		}
		if m.reach != "" {
			args = append(args, "--advertise-address="+m.reach)
		}
		m.Program, err = s.program(m.Name, "manager", args...)
		if err != nil {
			return err
		}
		if err := m.Start(); err != nil {
			return err
		}
	}
	for _, m := range s.Managers {
		if err := m.AwaitReady(ctx); err != nil {
			return err
		}
	}
	s.Manager = s.Managers[0]
	return s.Manager.awaitWebhooks(ctx)
}

// placeManagers gives every replica its addresses. A single one has those by which it is reached; several have addresses of
// their own, behind services.
func (s *Stack) placeManagers() error {
	var err error
	if s.distribution, err = freeAddress(); err != nil {
		return err
	}
	if s.options.Replicas <= 1 {
		s.Managers = []*Manager{{Program: Program{Name: "manager"}, distribution: s.distribution, webhook: s.webhook}}
		return nil
	}
	var distribution, webhook []string
	for i := range s.options.Replicas {
		m := &Manager{Program: Program{Name: "manager-" + strconv.Itoa(i)}}
		for _, address := range []*string{&m.distribution, &m.webhook, &m.reach} {
			if *address, err = freeAddress(); err != nil {
				return err
			}
		}
		if m.way, err = startService(m.reach, []string{m.distribution}); err != nil {
			return err
		}
		s.services = append(s.services, m.way)
		s.Managers = append(s.Managers, m)
		distribution, webhook = append(distribution, m.distribution), append(webhook, m.webhook)
	}
	for address, targets := range map[string][]string{s.distribution: distribution, s.webhook: webhook} {
		service, err := startService(address, targets)
		if err != nil {
			return err
		}
		s.services = append(s.services, service)
	}
	return nil
}

// Leader is the replica that writes status now.
func (s *Stack) Leader(ctx context.Context) (*Manager, error) {
	var leader *Manager
	err := eventually(ctx, nil, func(ctx context.Context) error {
		for _, m := range s.Managers {
			status, body, err := cluster.Get(ctx, "http://"+m.Health+"/readyz")
			if err == nil && status == http.StatusOK && strings.Contains(body, "status is written by this replica") {
				leader = m
				return nil
			}
		}
		return fmt.Errorf("none of %d replicas says that it leads", len(s.Managers))
	})
	return leader, err
}
