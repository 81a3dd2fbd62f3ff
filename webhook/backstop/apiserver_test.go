// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// apiServer is a running API server without any webhook.
type apiServer struct{ client.Client }

func startAPIServer(t *testing.T) *apiServer {
	t.Helper()
	if testing.Short() {
		t.Skip("needs an API server: not under -short")
	}
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set: run make test, or set it to what hack/controlplane/build.sh prints")
	}
	ctrl.SetLogger(logr.Discard())
	env := &envtest.Environment{}
	// envtest leaves this plugin out; every cluster has it, and it fills in the service account of pods.
	env.ControlPlane.GetAPIServer().Configure().Disable("disable-admission-plugins")
	cfg, err := env.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	cfg = rest.CopyConfig(cfg)
	cfg.QPS = -1
	cfg.WarningHandlerWithContext = listener{}
	c, err := client.New(cfg, client.Options{Scheme: clientgoscheme.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	return &apiServer{Client: c}
}

func (s *apiServer) create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		if err := s.Create(t.Context(), o); err != nil {
			t.Fatalf("creating %T %s: %v", o, client.ObjectKeyFromObject(o), err)
		}
	}
}

// makeNamespace makes it with all service accounts.
func (s *apiServer) makeNamespace(t *testing.T, name string) {
	t.Helper()
	s.create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	for _, account := range accounts {
		s.create(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: account}})
	}
}

// install has the API server enforce the policies, when it returns. It takes them up every second, all that it knows of: so
// when it enforces the last one, it enforces all.
func (s *apiServer) install(t *testing.T, policies []Policy) {
	t.Helper()
	name := "last-" + policies[len(policies)-1].Policy.Name
	last := policy(name, everywhere(), []admissionregistrationv1.NamedRuleWithOperations{rule("", onCreate, "configmaps")},
		[]admissionregistrationv1.Validation{{Expression: "object.metadata.name != '" + name + "'"}}).denying()
	policies = append(policies, last)
	for _, p := range policies {
		s.create(t, p.Policy)
	}
	for _, p := range policies {
		s.create(t, p.Binding)
	}
	s.eventually(t, "the policies are enforced", func() bool {
		probe := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
		return s.Create(t.Context(), probe, client.DryRunAll) != nil
	})
}

func (s *apiServer) eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline, tick := time.After(30*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("in vain: %s", what)
		case <-tick.C:
		}
	}
}

// verdict is what the API server says to a write.
type verdict string

const (
	admitted verdict = "admitted"
	warned   verdict = "warned"
	denied   verdict = "denied"
)

var errNotOurs = errors.New("it was refused, and not by a policy")

// attempt says what a policy makes of a write.
func attempt(ctx context.Context, write func(context.Context) error) (verdict, string, error) {
	heard := &warnings{}
	err := write(context.WithValue(ctx, listener{}, heard))
	told := heard.ofPolicies()
	switch {
	case ctx.Err() == nil && (apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err) || apierrors.IsTooManyRequests(err)):
		return attempt(ctx, write) // a machine that is too busy for an answer gave none
	case err != nil && strings.Contains(err.Error(), "ValidatingAdmissionPolicy"):
		return denied, err.Error(), nil
	case err != nil:
		return "", "", errors.Join(errNotOurs, err)
	case told != "":
		return warned, told, nil
	default:
		return admitted, "", nil
	}
}

func (s *apiServer) dryRun(object map[string]any) func(context.Context) error {
	return func(ctx context.Context) error {
		return s.Create(ctx, &unstructured.Unstructured{Object: object}, client.DryRunAll)
	}
}

func (s *apiServer) dryRunUpdate(object *unstructured.Unstructured) func(context.Context) error {
	return func(ctx context.Context) error { return s.Update(ctx, object, client.DryRunAll) }
}

// listener hands warnings to whoever made the request.
type listener struct{}

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (listener) HandleWarningHeaderWithContext(ctx context.Context, _ int, _, text string) {
	if heard, ok := ctx.Value(listener{}).(*warnings); ok {
		heard.mu.Lock()
		defer heard.mu.Unlock()
		heard.told = append(heard.told, text)
	}
}

type warnings struct {
	mu   sync.Mutex
	told []string
}

func (w *warnings) ofPolicies() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, text := range w.told {
		if strings.Contains(text, "ValidatingAdmissionPolicy") {
			return text
		}
	}
	return ""
}
