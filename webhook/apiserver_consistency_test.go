// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
)

// record collects what was asked of the API server that is no reading.
type record struct {
	mu    sync.Mutex
	asked []string
}

func (w *record) watch(next http.RoundTripper) http.RoundTripper { return watched{w, next} }

// since gives what was asked since there were so many.
func (w *record) since(n int) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked[n:])
}

type watched struct {
	*record
	next http.RoundTripper
}

// RoundTrip notes the request. A review is a question, and writes nothing.
func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "accessreviews") {
		w.note(r.Method + " " + r.URL.Path)
	}
	return w.next.RoundTrip(r)
}

func (w *record) note(request string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, request)
}

// A dry run, and whatever else is asked, has an answer and no other effect. THREATS 11
func (s *apiServer) testSideEffects(t *testing.T) {
	s.declare(t, "read")
	before := len(s.written.since(0))
	ours := map[string]client.Object{
		"ResourceServer":   newServer("dry", "https://dry.example"),
		"DelegationPolicy": newPolicy("dry", "https://dry.example"),
		"DelegationGrant":  newGrant("dry", v1alpha1.GrantApproved, nil),
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
	if asked := s.written.since(before); len(asked) > 0 {
		t.Errorf("the manager wrote: %v", asked)
	}
}

// TestBeforeTheCachesAreInSync has a manager that may not read ServiceDelegations, so that its cache never is: nothing that
// asks is admitted, by whatever it could find out otherwise. THREATS 5, 6
func TestBeforeTheCachesAreInSync(t *testing.T) {
	s := startAPIServer(t)
	stop := s.startManager(t)
	s.declare(t, "read")
	stop()
	blind := rest.CopyConfig(s.env.Config)
	blind.Impersonate = rest.ImpersonationConfig{UserName: "blind"}
	s.runManager(t, blind)
	probe := func() error {
		return s.Create(t.Context(), makers["Pod"].make(in("support", "probe"), asking("read")), client.DryRunAll)
	}
	admitted(t, probe(), "denied, because it cannot be judged: looking for ServiceDelegations")
	admitted(t, s.Create(t.Context(), makers["Pod"].make(in("support", "plain"), plain()), client.DryRunAll), "")
	// It was for want of the right alone.
	s.must(t, s.Create(t.Context(), &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "blind"}, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{"behalf.dev"}, Resources: []string{"servicedelegations"}, Verbs: []string{"get", "list", "watch"},
	}}}))
	s.must(t, s.Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "blind"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "blind"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "blind"}},
	}))
	s.eventually(t, "admitted", probe)
}
