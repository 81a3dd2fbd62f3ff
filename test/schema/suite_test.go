// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package schema holds the kinds' schemas and the owners' roles to what they promise, on a real API server.
package schema

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"behalf.dev/behalf/api/v1alpha1"
)

const (
	root      = "../.."
	crds      = root + "/config/crd"
	roles     = root + "/config/rbac/owners"
	namespace = "support"
	// grantsWriter is the user of cluster.grants.
	grantsWriter = "schema-tests-grants"
)

// cluster is the API server of this package's tests, with the kinds and the owners' roles applied as a user applies them.
var cluster struct {
	config     *rest.Config
	client     client.Client // of system:masters, refusing unknown fields
	kubeconfig string
	folder     string
	// grants writes DelegationGrants and nothing else: system:masters owns every service, and so approves nothing.
	grants client.Client
	// environment adds users.
	environment *envtest.Environment
}

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		os.Exit(m.Run())
	}
	code, err := runWithCluster(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "test/schema:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

// needsCluster marks a test that is nothing without the API server.
func needsCluster(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a real API server, which -short leaves out: run make test")
	}
}

func runWithCluster(m *testing.M) (code int, err error) {
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		return 0, errors.New("KUBEBUILDER_ASSETS is not set, and these tests are nothing without a real API server: run make test, " +
			"or set it to the folder that hack/controlplane/build.sh prints; -short leaves them out")
	}
	for _, program := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kubectl"} {
		if _, err := os.Stat(filepath.Join(assets, program)); err != nil {
			return 0, fmt.Errorf("KUBEBUILDER_ASSETS lacks a program: %w: run make test", err)
		}
	}
	environment := &envtest.Environment{BinaryAssetsDirectory: assets}
	config, err := environment.Start()
	if err != nil {
		return 0, errors.Join(fmt.Errorf("starting the API server: %w", err), environment.Stop())
	}
	defer func() { err = errors.Join(err, environment.Stop()) }()

	folder, err := os.MkdirTemp("", "behalf-schema-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()

	if err := connect(environment, config, folder); err != nil {
		return 0, err
	}
	stop, err := startControllerManager(assets)
	if err != nil {
		return 0, err
	}
	defer stop()
	if err := prepare(); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

func connect(environment *envtest.Environment, config *rest.Config, folder string) error {
	admin, err := environment.AddUser(envtest.User{Name: "schema-tests", Groups: []string{"system:masters"}}, config)
	if err != nil {
		return fmt.Errorf("adding the tests' user: %w", err)
	}
	kubeconfig, err := admin.KubeConfig()
	if err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	cluster.folder, cluster.environment = folder, environment
	cluster.kubeconfig = filepath.Join(folder, "kubeconfig")
	if err := os.WriteFile(cluster.kubeconfig, kubeconfig, 0o600); err != nil {
		return err
	}
	cluster.config = rest.CopyConfig(admin.Config())
	cluster.config.QPS = -1 // this API server is ours alone
	cluster.client, err = newClient(cluster.config)
	return err
}

func newClient(config *rest.Config) (client.Client, error) {
	c, err := client.New(config, client.Options{})
	if err != nil {
		return nil, err
	}
	return client.WithFieldValidation(c, metav1.FieldValidationStrict), nil
}

// startControllerManager runs the one controller that the tests need: it fills view, edit and admin from the labelled roles.
func startControllerManager(assets string) (stop func(), err error) {
	log, err := os.Create(filepath.Join(cluster.folder, "controller-manager.log"))
	if err != nil {
		return nil, err
	}
	manager := exec.CommandContext(context.Background(), filepath.Join(assets, "kube-controller-manager"),
		"--kubeconfig", cluster.kubeconfig, "--controllers", "clusterrole-aggregation-controller",
		"--leader-elect=false", "--secure-port=0")
	manager.Stdout, manager.Stderr = log, log
	if err := manager.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting kube-controller-manager: %w", err), log.Close())
	}
	return func() {
		_ = manager.Process.Kill()
		_ = manager.Wait()
		_ = log.Close()
	}, nil
}

// prepare applies the kinds and the roles as a user does, and makes a namespace.
func prepare() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for _, arguments := range [][]string{
		{"apply", "--server-side", "-k", crds},
		{"wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"},
		{"apply", "--server-side", "-k", roles},
	} {
		if out, err := kubectl(ctx, arguments...); err != nil {
			return fmt.Errorf("kubectl %s: %w\n%s", strings.Join(arguments, " "), err, out)
		}
	}
	for _, name := range []string{namespace, "finance", "elsewhere"} {
		object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if err := cluster.client.Create(ctx, object); err != nil {
			return err
		}
	}
	if err := hireGrants(ctx); err != nil {
		return err
	}
	return wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		_, err := kubectl(ctx, "get", "rsrv,dpol,sdel,tiss,dgrant,drev", "-A")
		return err == nil, nil
	})
}

// hireGrants makes the user who writes grants, and waits until it may.
func hireGrants(ctx context.Context) error {
	const name = grantsWriter
	meta := metav1.ObjectMeta{Name: name}
	for _, object := range []client.Object{
		&rbacv1.ClusterRole{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{"behalf.dev"}, Resources: []string{"delegationgrants", "delegationgrants/status"}, Verbs: []string{"*"},
		}}},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
		},
	} {
		if err := cluster.client.Create(ctx, object); err != nil {
			return err
		}
	}
	config := rest.CopyConfig(cluster.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: name, Groups: []string{"system:authenticated"}}
	var err error
	if cluster.grants, err = newClient(config); err != nil {
		return err
	}
	return wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("DelegationGrantList"))
		return cluster.grants.List(ctx, list) == nil, nil
	})
}

// writerOf is whoever may write all that the schema of a kind takes.
func writerOf(kind string) client.Client {
	if kind == "DelegationGrant" {
		return cluster.grants
	}
	return cluster.client
}

// kubectl runs the kubectl of the control plane as system:masters.
func kubectl(ctx context.Context, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl"),
		append([]string{"--kubeconfig", cluster.kubeconfig, "--cache-dir", filepath.Join(cluster.folder, "cache")}, arguments...)...)
	out, err := command.CombinedOutput()
	return string(out), err
}

// smallest holds, for every kind, a spec with nothing in it that could be left out.
var smallest = map[string]string{
	"ResourceServer": `
audience: https://tickets.example
scopes: [{name: tickets:read}]`,
	"DelegationPolicy": `
effect: Permit
actors: [{namespace: support, serviceAccount: portal}]
subjects: [{issuer: corp, all: true}]
audiences: [{audience: https://tickets.example, scopes: [tickets:read]}]`,
	"ServiceDelegation": `
serviceAccountName: portal
purpose: Show customers their own tickets
audiences: [{audience: https://tickets.example, scopes: [tickets:read]}]`,
	"TrustedIssuer": `
url: https://idp.example
audiences: [behalf]
algorithms: [ES256]
keys: {type: Discovery}
scopes: {type: Claim, claim: scope}`,
	"DelegationGrant": `
subject: {issuer: corp, id: alice}
actor: {namespace: support, serviceAccount: portal}
audience: https://tickets.example
scopes: [tickets:read]
notAfter: "2026-06-01T11:00:00Z"`,
	"DelegationRevocation": `
token: jti-1`,
}

// object is the smallest of its kind, with those fields of its spec that the YAML names; a null takes a field away.
func object(t *testing.T, kind, changes string) *unstructured.Unstructured {
	t.Helper()
	spec := fields(t, smallest[kind])
	for field, value := range fields(t, changes) {
		if value == nil {
			delete(spec, field)
		} else {
			spec[field] = value
		}
	}
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "behalf.dev/v1alpha1",
		"kind":       kind,
		"spec":       spec,
	}}
	u.SetGenerateName("o-")
	switch kind {
	case "ResourceServer", "ServiceDelegation", "DelegationGrant":
		u.SetNamespace(namespace)
	}
	return u
}

// fields reads YAML as the API server does, numbers included.
func fields(t *testing.T, text string) map[string]any {
	t.Helper()
	u := &unstructured.Unstructured{Object: map[string]any{}}
	data, err := yaml.YAMLToJSON([]byte("{apiVersion: v1, kind: Any, fields: {}}"))
	if err == nil && strings.TrimSpace(text) != "" {
		var inner []byte
		if inner, err = yaml.YAMLToJSON([]byte(text)); err == nil {
			data = []byte(`{"apiVersion":"v1","kind":"Any","fields":` + string(inner) + `}`)
		}
	}
	if err == nil {
		err = u.UnmarshalJSON(data)
	}
	if err != nil {
		t.Fatalf("the YAML of a test: %v\n%s", err, text)
	}
	found, _, err := unstructured.NestedMap(u.Object, "fields")
	if err != nil {
		t.Fatalf("the YAML of a test: %v\n%s", err, text)
	}
	return found
}

// causes are what the API server found wrong, each with its field.
func causes(err error) []metav1.StatusCause {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || status.ErrStatus.Details == nil {
		return nil
	}
	return status.ErrStatus.Details.Causes
}
