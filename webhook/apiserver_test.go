// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	"behalf.dev/behalf/api/v1alpha1"
)

// TestAPIServer has a real API server ask the webhooks of a real manager, by the configuration that is shipped.
func TestAPIServer(t *testing.T) {
	s := startAPIServer(t)
	t.Run("nothing that asks is admitted before there is a manager", s.testNoManager)
	stop := s.startManager(t)
	t.Run("workloads", func(t *testing.T) {
		t.Run("of every kind on creation", s.testCreate)
		t.Run("of every kind on update", s.testUpdate)
		t.Run("after their bounds shrank", s.testShrink)
		t.Run("through everything that the API server serves", s.testSurface)
		t.Run("in every namespace but two", s.testNamespaces)
		t.Run("in a dry run, or without a name", s.testDryRun)
		t.Run("without side effects", s.testSideEffects)
		t.Run("whatever the spelling of their service account", s.testServiceAccounts)
	})
	t.Run("tokens for the exchange", s.testTokens)
	t.Run("grants", s.testGrants)
	t.Run("objects", s.testObjects)
	stop()
	t.Run("the cluster goes on without a manager", s.testManagerGone)
	t.Run("a grant that nobody stamped is refused", s.testUnstamped)
}

// apiServer is a running API server with the webhooks installed.
type apiServer struct {
	client.Client
	env     *envtest.Environment
	scheme  *runtime.Scheme
	clients kubernetes.Interface
	// asKubelet is the one of the node on which pods run.
	asKubelet client.Client
	// warnings that the API server passed on with the last answers.
	warnings *warnings
	// written is what managers asked the API server to write.
	written *record
}

// startAPIServer may be told how to start it otherwise than usual.
func startAPIServer(t *testing.T, otherwise ...func(*envtest.APIServer)) *apiServer {
	t.Helper()
	if testing.Short() {
		t.Skip("needs an API server: not under -short")
	}
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set: run make test, or set it to what hack/controlplane/build.sh prints")
	}
	ctrl.SetLogger(logr.Discard())
	s := &apiServer{scheme: runtime.NewScheme(), warnings: &warnings{}, written: &record{}}
	utilruntime.Must(clientgoscheme.AddToScheme(s.scheme))
	utilruntime.Must(apiextensionsv1.AddToScheme(s.scheme))
	utilruntime.Must(v1alpha1.AddToScheme(s.scheme))
	s.env = &envtest.Environment{
		CRDDirectoryPaths: []string{"../config/crd/bases"}, ErrorIfCRDPathMissing: true,
		WebhookInstallOptions: envtest.WebhookInstallOptions{Paths: []string{manifests}},
	}
	// envtest leaves this plugin out; every cluster has it, and it puts a projected token into every pod.
	s.env.ControlPlane.GetAPIServer().Configure().Disable("disable-admission-plugins")
	for _, change := range otherwise {
		change(s.env.ControlPlane.GetAPIServer())
	}
	if _, err := s.env.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.env.Stop(); err != nil {
			t.Error(err)
		}
	})
	s.Client, s.asKubelet = s.clientAs(t, ""), s.clientAs(t, "system:node:node", "system:nodes")
	var err error
	s.clients, err = kubernetes.NewForConfig(s.env.Config)
	s.must(t, err)
	s.makeNamespace(t, "support", "finance", "behalf-system")
	s.makeServiceAccounts(t, "support", "kube-system", "kube-public", "behalf-system")
	return s
}

// clientAs is a client of the admin, or of somebody who may do as much.
func (s *apiServer) clientAs(t *testing.T, user string, groups ...string) client.Client {
	t.Helper()
	cfg := rest.CopyConfig(s.env.Config)
	cfg.QPS = -1
	cfg.WarningHandler = s.warnings
	if user != "" {
		cfg.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: append(groups, "system:masters")}
	}
	c, err := client.New(cfg, client.Options{Scheme: s.scheme})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// startManager gives a function that stops it.
func (s *apiServer) startManager(t *testing.T) func() {
	t.Helper()
	cfg := rest.CopyConfig(s.env.Config)
	cfg.Wrap(s.written.watch)
	mgr, stop := s.runManager(t, cfg)
	if !mgr.GetCache().WaitForCacheSync(t.Context()) {
		t.Fatal("the cache is not in sync")
	}
	return stop
}

// runManager waits until the webhook server answers, whatever it says, and for no cache.
func (s *apiServer) runManager(t *testing.T, cfg *rest.Config) (ctrl.Manager, func()) {
	t.Helper()
	hooks := s.env.WebhookInstallOptions
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme: s.scheme, Metrics: server.Options{BindAddress: "0"}, Controller: config.Controller{},
		WebhookServer: webhook.NewServer(webhook.Options{
			Host: hooks.LocalServingHost, Port: hooks.LocalServingPort, CertDir: hooks.LocalServingCertDir,
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	others := listedOthers{mgr.GetClient()}
	if err := Setup(mgr, Options{Others: others}); err == nil {
		t.Fatal("it starts without the exchange's audience") // THREATS 15
	}
	if err := Setup(mgr, Options{ExchangeAudience: DefaultExchangeAudience}); err == nil {
		t.Fatal("it starts without anybody who knows the other objects")
	}
	if err := Setup(mgr, Options{ExchangeAudience: DefaultExchangeAudience, Others: others}); err == nil {
		t.Fatal("nobody counts the answers, and the webhooks were set up")
	}
	if err := Setup(mgr, Options{ExchangeAudience: DefaultExchangeAudience, Others: others, Answers: NewAnswers()}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Start(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	s.eventually(t, "the webhook server answers", func() error { return mgr.GetWebhookServer().StartedChecker()(nil) })
	return mgr, stop
}

// eventually asks until there is no error.
func (s *apiServer) eventually(t *testing.T, what string, ask func() error) {
	t.Helper()
	deadline, tick := time.After(20*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s: %v", what, err)
		case <-tick.C:
		}
	}
}

func (s *apiServer) makeNamespace(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		s.must(t, s.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}))
	}
}

// makeServiceAccounts makes those that controllers would make, and ours.
func (s *apiServer) makeServiceAccounts(t *testing.T, namespaces ...string) {
	t.Helper()
	for _, namespace := range namespaces {
		for _, name := range []string{"default", "portal"} {
			s.must(t, s.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}))
		}
	}
}

func (s *apiServer) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// declare makes support/portal declare exactly these scopes of the tickets; none removes its ServiceDelegation.
func (s *apiServer) declare(t *testing.T, scopes ...v1alpha1.ScopeName) {
	t.Helper()
	d := &v1alpha1.ServiceDelegation{}
	err := s.Get(t.Context(), client.ObjectKey{Namespace: "support", Name: "portal"}, d)
	switch {
	case client.IgnoreNotFound(err) != nil:
		t.Fatal(err)
	case len(scopes) == 0:
		s.must(t, client.IgnoreNotFound(s.Delete(t.Context(), declared("x")[0])))
	case apierrors.IsNotFound(err):
		d = declared(scopes...)[0]
		d.Spec.Purpose = "Test"
		s.must(t, s.Create(t.Context(), d))
	default:
		d.Spec.Audiences = declared(scopes...)[0].Spec.Audiences
		s.must(t, s.Update(t.Context(), d))
	}
}

// admitted wants no error where want is empty, and else a refusal by, or for want of, one of our webhooks that says want.
func admitted(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), "webhook \"") || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want a refusal that says %q", err, want)
	}
}

// warnings collects them.
type warnings struct {
	mu   sync.Mutex
	told []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, text)
}

// of gives the warnings of what ask does.
func (w *warnings) of(ask func() error) ([]string, error) {
	w.mu.Lock()
	w.told = nil
	w.mu.Unlock()
	err := ask()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.told, err
}

var errNotYet = errors.New("not yet")
