// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/test/cluster"
)

// manager is the manager as its users run it: a process of its own, with its own rights.
type manager struct {
	command cluster.Command
	process *cluster.Process

	distribution, health, metrics, webhook string
}

func (s *stage) startManager(ctx context.Context, binary string) error {
	path, err := filepath.Abs(binary)
	if err != nil {
		return fmt.Errorf("finding the manager: %w", err)
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("finding the manager: %w; run make build", err)
	}
	token, err := s.token(ctx, managerAccount, "")
	if err != nil {
		return err
	}
	tokenFile := filepath.Join(s.dir, "manager.token")
	if err := os.WriteFile(tokenFile, []byte(token), 0o600); err != nil {
		return fmt.Errorf("writing the manager's token: %w", err)
	}
	kubeconfig, err := s.cluster.KubeconfigForTokenFile("manager", tokenFile)
	if err != nil {
		return err
	}
	ports, err := cluster.FreePorts(4)
	if err != nil {
		return err
	}
	s.manager = &manager{distribution: loopback(ports[0]), health: loopback(ports[1]), metrics: loopback(ports[2]), webhook: loopback(ports[3])}
	s.manager.command = cluster.Command{Name: "manager", Path: path, Args: []string{
		"--kubeconfig=" + kubeconfig, "--namespace=" + system, "--serving-names=127.0.0.1", "--webhook-address=" + s.manager.webhook, "--webhook-url=https://" + s.manager.webhook,
		"--distribution-address=" + s.manager.distribution, "--health-address=" + s.manager.health, "--metrics-address=" + s.manager.metrics,
		"--authorizers=" + system + "/" + authorizerAccount,
	}}
	began := time.Now()
	if err := s.runManager(ctx); err != nil {
		return err
	}
	progressf("the manager is ready after %.1f s", time.Since(began).Seconds())
	return nil
}

// runManager starts the process, anew if it was killed, and waits until it is ready.
func (s *stage) runManager(ctx context.Context) error {
	var err error
	if s.manager.process, err = s.cluster.Run(s.manager.command); err != nil {
		return err
	}
	return eventually(ctx, "the manager", func(ctx context.Context) error {
		if exited := s.manager.process.Exited(); exited != nil {
			return exited
		}
		_, err := cluster.Page(ctx, "http://"+s.manager.health+"/readyz")
		return err
	})
}

func loopback(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// token gives one of a service account of Behalf's own; the audience is the API server's where it is empty.
func (s *stage) token(ctx context.Context, account, audience string) (string, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(24 * 60 * 60))}}
	if audience != "" {
		request.Spec.Audiences = []string{audience}
	}
	object := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: account}}
	if err := s.admin.SubResource("token").Create(ctx, object, request); err != nil {
		return "", fmt.Errorf("asking for a token of %s/%s: %w", system, account, err)
	}
	return request.Status.Token, nil
}

// authorizerToken is another one each time, as each pod has its own.
func (s *stage) authorizerToken(ctx context.Context) (string, error) {
	return s.token(ctx, authorizerAccount, distribution.TokenAudience)
}
