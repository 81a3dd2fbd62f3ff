// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
)

// record collects what was asked of the API server, reading apart.
type record struct {
	mu    sync.Mutex
	asked []string
	reads int
}

func (w *record) watch(next http.RoundTripper) http.RoundTripper { return watched{w, next} }

// take gives what was asked since it was taken last.
func (w *record) take() (writes []string, reads int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	writes, reads = w.asked, w.reads
	w.asked, w.reads = nil, 0
	return writes, reads
}

type watched struct {
	*record
	next http.RoundTripper
}

// RoundTrip notes the request. A review is a question, and writes nothing.
func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	w.note(r)
	return w.next.RoundTrip(r)
}

func (w *record) note(r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.Method == http.MethodGet || strings.HasSuffix(r.URL.Path, "accessreviews") {
		w.reads++
		return
	}
	w.asked = append(w.asked, r.Method+" "+r.URL.Path)
}

// A dry run, and whatever else is asked, has an answer and no other effect. THREATS 11
func (s *apiServer) testSideEffects(t *testing.T) {
	s.declare(t, "read")
	s.written.take()
	ours := map[string]client.Object{
		"ResourceServer":   newServer("dry", "https://dry.example"),
		"DelegationPolicy": newPolicy("dry", "https://dry.example"),
		"DelegationGrant":  newGrant("dry", v1alpha1.GrantRequested, nil),
	}
	for kind, o := range ours {
		s.must(t, s.Create(t.Context(), o, client.DryRunAll))
		if err := s.Get(t.Context(), client.ObjectKeyFromObject(o), o); client.IgnoreNotFound(err) != nil || err == nil {
			t.Errorf("the %s of a dry run: %v", kind, err)
		}
	}
	for kind, m := range makers {
		for _, scopes := range []string{"read", "delete"} {
			o := m.make(in("support", objectName(kind, "dry-"+scopes)), asking(scopes))
			admitted(t, s.Create(t.Context(), o, client.DryRunAll), map[string]string{"delete": "scope delete is not declared"}[scopes])
			if err := s.Get(t.Context(), client.ObjectKeyFromObject(o), o); client.IgnoreNotFound(err) != nil || err == nil {
				t.Errorf("the %s of a dry run: %v", kind, err)
			}
		}
	}
	admitted(t, token(t, s.Client, in("support", "portal"), nil, DefaultExchangeAudience), "bound to no pod")
	if writes, reads := s.written.take(); len(writes) > 0 || reads == 0 {
		t.Errorf("the manager read %d times and wrote: %v", reads, writes)
	}
}

// gate holds back what a manager's cache hears of ServiceDelegations. What is read past the cache goes on.
type gate struct {
	mu   sync.Mutex
	open chan struct{} // is closed while the gate is open
}

func (g *gate) wait(ctx context.Context) {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	select {
	case <-open:
	case <-ctx.Done():
	}
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = make(chan struct{})
}

// let opens the gate, which is shut.
func (g *gate) let() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.open)
}

func (g *gate) watch(next http.RoundTripper) http.RoundTripper { return gated{g, next} }

type gated struct {
	*gate
	next http.RoundTripper
}

// RoundTrip holds the requests of caches, and what comes of them: they watch, or say from which revision on they list.
func (g gated) RoundTrip(r *http.Request) (*http.Response, error) {
	query := r.URL.Query()
	if !strings.HasSuffix(r.URL.Path, "/servicedelegations") || !query.Has("watch") && !query.Has("resourceVersion") {
		return g.next.RoundTrip(r)
	}
	g.wait(r.Context())
	response, err := g.next.RoundTrip(r)
	if err == nil {
		response.Body = gatedBody{response.Body, g.gate, r.Context()}
	}
	return response, err
}

type gatedBody struct {
	io.ReadCloser
	gate *gate
	ctx  context.Context //nolint:containedctx // a reader is given none
}

// Read holds what came while the gate is shut.
func (b gatedBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	b.gate.wait(b.ctx)
	return n, err
}

// gatedManager runs a manager behind a gate that is shut.
func (s *apiServer) gatedManager(t *testing.T) (*gate, ctrl.Manager) {
	t.Helper()
	g := &gate{}
	g.shut()
	cfg := rest.CopyConfig(s.env.Config)
	cfg.Wrap(g.watch)
	mgr, _ := s.runManager(t, cfg)
	return g, mgr
}

// TestBehindTheCache has a cache that does not hear of ServiceDelegations. THREATS 5, 6
func TestBehindTheCache(t *testing.T) {
	s := startAPIServer(t)
	stop := s.startManager(t)
	s.declare(t, "read")
	stop()
	probe := func(scopes string) error {
		return s.Create(t.Context(), makers["Pod"].make(in("support", "probe"), asking(scopes)), client.DryRunAll)
	}
	g, mgr := s.gatedManager(t)
	t.Run("before it is in sync nothing that asks is admitted, whatever could be found out otherwise", func(t *testing.T) {
		admitted(t, probe("read"), "denied, because it cannot be judged: looking for ServiceDelegations")
		admitted(t, s.Create(t.Context(), makers["Pod"].make(in("support", "plain"), plain()), client.DryRunAll), "")
	})
	g.let()
	if !mgr.GetCache().WaitForCacheSync(t.Context()) {
		t.Fatal("the cache is not in sync")
	}
	admitted(t, probe("read"), "")
	g.shut()
	t.Cleanup(g.let)
	t.Run("what it has not heard of yet is looked up before it is refused", func(t *testing.T) {
		admitted(t, probe("write"), "scope write is not declared")
		s.declare(t, "read", "write")
		admitted(t, probe("write"), "")
	})
	t.Run("and so is what a token needs", func(t *testing.T) {
		another := declared("read")[0]
		another.Name, another.Spec.ServiceAccountName, another.Spec.Purpose = "another", "default", "Test"
		pod := makers["Pod"].make(in("support", "another"), plain()).(*corev1.Pod)
		pod.Spec.ServiceAccountName = "default"
		s.must(t, s.Create(t.Context(), pod))
		asks := func() error {
			return token(t, s.Client, in("support", "default"), boundTo("Pod", pod.Name, pod.UID), DefaultExchangeAudience)
		}
		admitted(t, asks(), "has no ServiceDelegation")
		s.must(t, s.Create(t.Context(), another))
		admitted(t, asks(), "")
	})
}
