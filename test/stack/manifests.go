// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/internal/upkeep"
)

// fieldOwner is the name under which the stack applies objects.
const fieldOwner = client.FieldOwner("behalf-stack")

// install applies what config/default holds with the control plane's own kubectl, as an admin would, but for the webhooks,
// which come just before the manager.
func (s *Stack) install(ctx context.Context) error {
	for _, part := range []string{"crd", "rbac"} {
		if _, err := s.Kubectl(ctx, "apply", "--server-side", "-k", s.File("config", part)); err != nil {
			return err
		}
	}
	if _, err := s.Kubectl(ctx, "wait", "--for=condition=Established", "--timeout=60s", "crd",
		"resourceservers.behalf.dev", "delegationpolicies.behalf.dev", "servicedelegations.behalf.dev",
		"trustedissuers.behalf.dev", "delegationgrants.behalf.dev", "delegationrevocations.behalf.dev"); err != nil {
		return err
	}
	return os.RemoveAll(s.kubectlCache())
}

func (s *Stack) kubectlCache() string { return filepath.Join(s.options.Dir, "kubectl-cache") }

// Kubectl runs the control plane's kubectl as admin and gives what it prints.
func (s *Stack) Kubectl(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, s.Cluster.Binary("kubectl"), args...)
	// A cache of its own: what kubectl remembers of the API from before the CRDs would hide the category behalf.
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.Cluster.AdminKubeconfig, "KUBECACHEDIR="+s.kubectlCache())
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("kubectl %v: %w: %s", args, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.String(), nil
}

// installWebhooks applies config/webhook as an admin would. The manager, which is told where it runs, points them at itself.
func (s *Stack) installWebhooks(ctx context.Context) error {
	var err error
	if s.webhook, err = freeAddress(); err != nil {
		return err
	}
	_, err = s.Kubectl(ctx, "apply", "--server-side", "-k", s.File("config", "webhook"))
	return err
}

// Objects reads every object of a YAML file.
func Objects(path string) ([]*unstructured.Unstructured, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading manifests: %w", err)
	}
	objects, err := upkeep.Read(raw)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return objects, nil
}

// Apply applies one object server-side, as kubectl apply --server-side does.
func Apply(ctx context.Context, c client.Client, object *unstructured.Unstructured) error {
	err := c.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), fieldOwner, client.ForceOwnership)
	if err != nil {
		return fmt.Errorf("applying %s %s: %w", object.GetKind(), client.ObjectKeyFromObject(object), err)
	}
	return nil
}
