// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/token"
	"behalf.dev/behalf/internal/token/tokentest"
)

const (
	corpURL    = "https://idp.example"
	otherURL   = "https://other.example"
	clusterURL = "https://kubernetes.default.svc"
	tickets    = "https://tickets.example"
	portalUID  = "5d5f0e0e-1111-4111-8111-111111111111"
)

var (
	now    = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)
	portal = authz.Actor{Namespace: "support", ServiceAccount: "portal"}
)

// world is a trust bundle with one issuer of people, another one that shares its key's name, and the cluster.
type world struct {
	corp, other, cluster *tokentest.Issuer
	bundle               *bundle.Trust
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{
		corp:    tokentest.NewIssuer(tb, corpURL, "ES256", "key-1"),
		other:   tokentest.NewIssuer(tb, otherURL, "ES256", "key-1"),
		cluster: tokentest.NewIssuer(tb, clusterURL, "ES256", "sa-1"),
	}
	w.bundle = &bundle.Trust{
		Format: bundle.Format,
		Issuers: []bundle.Issuer{
			{
				Name: "corp", URL: corpURL, Audiences: []string{"behalf", "behalf-too"}, Algorithms: []string{"ES256"}, JWKS: w.corp.JWKS(tb),
				UsernameClaim: "email", GroupsClaim: "groups", SessionClaim: "sid", ScopesClaim: "scope", Forward: []string{"department", "level"},
			},
			{
				Name: "other", URL: otherURL, Audiences: []string{"behalf"}, Algorithms: []string{"ES256"}, JWKS: w.other.JWKS(tb),
				Unbounded: true,
			},
		},
		Cluster:         &bundle.Cluster{Issuer: clusterURL, JWKS: w.cluster.JWKS(tb)},
		ServiceAccounts: []bundle.ServiceAccount{{Namespace: "support", Name: "portal", UID: portalUID}},
	}
	return w
}

func (w *world) trust(tb testing.TB) *token.Trust {
	tb.Helper()
	trust, err := token.NewTrust(w.bundle, bundle.Statement{Kind: bundle.KindTrust, Name: bundle.TrustName, Revision: 7})
	if err != nil {
		tb.Fatal(err)
	}
	return trust
}

func (w *world) alice() map[string]any {
	return tokentest.With(w.corp.Person(now, "alice", "behalf"), map[string]any{
		"email": "alice@example.com", "groups": []string{"customers"}, "sid": "s-1", "scope": "tickets:read tickets:comment",
		"auth_time": now.Add(-30 * time.Minute).Unix(), "jti": "jti-1", "txn": "txn-1", "department": "north",
	})
}

func (w *world) portal() map[string]any {
	return w.cluster.ServiceAccount(now, portal, portalUID, tickets)
}

func TestSubjectMapsTheClaimsThatTheIssuerNames(t *testing.T) {
	w := newWorld(t)
	trust := w.trust(t)

	subject, bounds, err := trust.Subject(w.corp.Sign(t, w.alice()), now)
	if err != nil {
		t.Fatal(err)
	}
	wantSubject := authz.Subject{
		Issuer: "corp", ID: "alice", Username: "alice@example.com", Groups: []string{"customers"},
		Claims: map[string]any{"department": "north"}, AuthTime: time.Unix(1780306200, 0), Session: "s-1",
	}
	if diff := cmp.Diff(wantSubject, subject); diff != "" {
		t.Error("subject (-want +got):\n" + diff)
	}
	wantBounds := authz.Token{
		ID: "jti-1", Transaction: "txn-1", IssuedAt: time.Unix(1780307940, 0), ExpiresAt: time.Unix(1780311600, 0),
		Scopes: []string{"tickets:read", "tickets:comment"},
	}
	if diff := cmp.Diff(wantBounds, bounds); diff != "" {
		t.Error("token (-want +got):\n" + diff)
	}
	if got := trust.Statement().Revision; got != 7 {
		t.Errorf("revision = %d, want 7", got)
	}
}

func TestSubjectOfAnUnboundedIssuerHasNoScopes(t *testing.T) {
	w := newWorld(t)
	_, bounds, err := w.trust(t).Subject(w.other.Sign(t, tokentest.With(w.other.Person(now, "bob", "behalf"), map[string]any{"scope": "x"})), now)
	if err != nil {
		t.Fatal(err)
	}
	if !bounds.Unbounded || bounds.Scopes != nil {
		t.Errorf("token = %+v, want unbounded and without scopes", bounds)
	}
}

func TestScopesAreHandedOnAsTheyStand(t *testing.T) {
	w := newWorld(t)
	trust := w.trust(t)
	// THREATS 23: nothing is repaired, so that the token leg denies what is malformed.
	for name, test := range map[string]struct {
		scope any
		want  []string
	}{
		"a string is split at single spaces":              {"a b", []string{"a", "b"}},
		"two spaces leave an empty element":               {"a  b", []string{"a", "", "b"}},
		"a leading space leaves an empty element":         {" a", []string{"", "a"}},
		"an empty string is one empty element, never all": {"", []string{""}},
		"a tab does not separate":                         {"a\tb", []string{"a\tb"}},
		"a no-break space does not separate":              {"a\u00a0b", []string{"a\u00a0b"}},
		"a list is taken element by element":              {[]string{"a", "b c"}, []string{"a", "b c"}},
		"an empty list is no scope":                       {[]string{}, []string{}},
		"an absent claim is no scope":                     {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, bounds, err := trust.Subject(w.corp.Sign(t, tokentest.With(w.alice(), map[string]any{"scope": test.scope})), now)
			if err != nil {
				t.Fatal(err)
			}
			if bounds.Unbounded {
				t.Error("the token is unbounded")
			}
			if diff := cmp.Diff(test.want, bounds.Scopes); diff != "" {
				t.Error("scopes (-want +got):\n" + diff)
			}
		})
	}
}

func TestActorIsTheServiceAccountThatTheClusterVouchesFor(t *testing.T) {
	w := newWorld(t)
	got, issuedAt, err := w.trust(t).Actor(w.cluster.Sign(t, w.portal()), tickets, now)
	if err != nil {
		t.Fatal(err)
	}
	if got != portal {
		t.Errorf("actor = %v, want %v", got, portal)
	}
	// A revocation of what was issued before an instant looks at this time too.
	if want := time.Unix(1780307940, 0); !issuedAt.Equal(want) {
		t.Errorf("issued at %v, want %v", issuedAt, want)
	}
}

func TestATrustThatIsNotThereVerifiesNothing(t *testing.T) {
	var trust *token.Trust
	_, _, err := trust.Subject("x", now)
	wantInvalid(t, err, authz.ReasonStaleBundle)
	_, _, err = trust.Actor("x", tickets, now)
	wantInvalid(t, err, authz.ReasonStaleBundle)
	if got := trust.Statement(); got != (bundle.Statement{}) {
		t.Errorf("statement = %+v, want none", got)
	}
}

func wantInvalid(tb testing.TB, err error, reason authz.Reason) {
	tb.Helper()
	var invalid *token.Invalid
	if !errors.As(err, &invalid) {
		tb.Fatalf("error = %v, want a *token.Invalid", err)
	}
	if invalid.Reason != reason {
		tb.Errorf("reason = %s (%s), want %s", invalid.Reason, invalid.Detail, reason)
	}
	if invalid.Detail == "" {
		tb.Error("there is no detail")
	}
}
