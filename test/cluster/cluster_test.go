// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"behalf.dev/behalf/test/cluster"
)

func TestTheControlPlaneIssuesTokensForAnAudienceAndLeavesNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a control plane; run make test")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	c, err := cluster.Start(ctx, cluster.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()

	clients, err := kubernetes.NewForConfig(c.Admin)
	if err != nil {
		t.Fatal(err)
	}
	token, err := clients.CoreV1().ServiceAccounts("default").CreateToken(ctx, "default", &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{Audiences: []string{"https://tickets.example"}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if token.Status.Token == "" {
		t.Error("TokenRequest gave no token")
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/openid/v1/jwks"} {
		if _, err := clients.RESTClient().Get().AbsPath(path).DoRaw(ctx); err != nil {
			t.Errorf("reading %s: %v", path, err)
		}
	}

	pids := c.PIDs()
	c.Stop()
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is still there after Stop: %v", pid, err)
		}
	}
}

func TestAProgramThatEndsIsToldWithTheEndOfItsLog(t *testing.T) {
	p, err := cluster.Run(t.TempDir(), cluster.Command{Name: "sh", Path: "/bin/sh", Args: []string{"-c", "echo no such flag; exit 3"}}, false)
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	err = p.Exited()
	if err == nil {
		t.Fatal("an ended program was not noticed")
	}
	for _, want := range []string{"sh ended", "exit status 3", "no such flag"} {
		if got := err.Error(); !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
}

func TestMissingBinariesAreToldWithTheRemedy(t *testing.T) {
	t.Setenv(cluster.AssetsVariable, "")
	_, err := cluster.Start(t.Context(), cluster.Options{Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "hack/controlplane/build.sh") {
		t.Errorf("want an error that names hack/controlplane/build.sh, got %v", err)
	}
}
