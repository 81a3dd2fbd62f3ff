// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"reflect"
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

func TestAllows(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   func(*world)
		policies []string
	}{
		{"a customer's own ticket", func(*world) {}, []string{"portal-for-customers"}},
		{"a scope that the token carries in its qualified form", func(w *world) { w.request.Scope = "tickets:comment" }, []string{"portal-for-customers"}},
		{"no token", func(w *world) { w.request.Token = nil }, []string{"portal-for-customers"}},
		{"an unbounded token", func(w *world) { w.request.Token.Unbounded, w.request.Token.Scopes = true, nil }, []string{"portal-for-customers"}},
		{"a token that does not say when it ends, where no rule limits it", func(w *world) {
			w.policy.Rules[0].Limits.MaxTokenLifetimeSeconds = 0
			w.request.Token.ExpiresAt, w.request.Token.IssuedAt = time.Time{}, time.Time{}
		}, []string{"portal-for-customers"}},
		{"a token from as far in the future as clocks differ", func(w *world) { w.request.Token.IssuedAt = now.Add(60 * time.Second) }, []string{"portal-for-customers"}},
		{"an agent by group", func(w *world) { w.agent("x", "", "support-agents") }, []string{"portal-for-customers"}},
		{"a token issued after the revocation", revoking(bundle.Revocation{Subject: alice, IssuedBefore: now.Add(-time.Minute).Unix()}), []string{"portal-for-customers"}},
		{"tokens of both issued after the actor's revocation", withActorToken(-time.Minute, bundle.Revocation{
			Actor: &bundle.Service{Namespace: "support", Name: "portal"}, IssuedBefore: now.Add(-time.Minute).Unix(),
		}), []string{"portal-for-customers"}},
		{"an old token of the actor, where what was revoked is the person's older tokens", withActorToken(-30*time.Minute, bundle.Revocation{
			Subject: alice, IssuedBefore: now.Add(-10 * time.Minute).Unix(),
		}), []string{"portal-for-customers"}},
		{"a revocation of somebody else", revoking(bundle.Revocation{Subject: &bundle.Person{Issuer: "partner", ID: "alice"}}), []string{"portal-for-customers"}},
		{"a revocation of an edge that is not taken", revokingOnTheWay(bundle.Revocation{Edge: &bundle.GraphEdge{Subject: alice, To: bundle.Service{Namespace: "support", Name: "portal"}}}), []string{"portal-for-customers"}},
		{"a revocation of an actor that is not there", revoking(bundle.Revocation{Actor: &bundle.Service{Namespace: "routing", Name: "router"}}), []string{"portal-for-customers"}},
		{"a request with no session, of which another is revoked", func(w *world) {
			w.request.Subject.Session, w.request.Token.ID, w.request.Token.Transaction = "", "", ""
			w.revoke(bundle.Revocation{Session: &bundle.Person{Issuer: "corp", ID: "s-1"}})
		}, []string{"portal-for-customers"}},
		{"a service from any namespace, where all may come", func(w *world) {
			w.policy.AllNamespaces, w.policy.AllowedNamespaces = true, nil
		}, []string{"portal-for-customers"}},
		{"a chain with a declared edge", viaRouter, []string{"portal-for-customers"}},
		{"a prior actor whose namespace may not come itself", func(w *world) {
			viaRouter(w)
			w.policy.AllowedNamespaces = []string{"support"}
		}, []string{"portal-for-customers"}},
		{"a Forbid whose condition does not hold", func(w *world) {
			w.policy.Rules[2].Scopes, w.policy.Rules[2].Conditions = []int{read}, []int{never}
		}, []string{"portal-for-customers"}},
		{"a Permit for the whole namespace, and by name as well", func(w *world) {
			w.policy.Rules[0].Actors = append(w.policy.Rules[0].Actors, bundle.ActorSelector{Namespace: "support"})
		}, []string{"portal-for-customers"}},
		{"two Permits, in the order of their names", func(w *world) {
			second := w.policy.Rules[0]
			second.Policy = policyRef("all-of-support")
			w.policy.Rules = append(w.policy.Rules, second)
		}, []string{"all-of-support", "portal-for-customers"}},
		{"a stale bundle that may be served on", func(w *world) {
			w.policy.MaxStaleSeconds = 60
			w.policyLease, w.trustLease, w.revocationsLease = now.Add(-60*time.Second), now.Add(-time.Second), now.Add(-59*time.Second)
		}, []string{"portal-for-customers"}},
		{"a lease that ends this very second", func(w *world) { w.policyLease = now }, []string{"portal-for-customers"}},
		{"over HTTP by host", func(w *world) {
			over("GET", "/customers/alice/tickets/42?verbose=1")(w)
		}, []string{"portal-for-customers"}},
		{"over HTTP by host in capitals and with its port", func(w *world) {
			over("GET", "/customers/alice/tickets/42")(w)
			w.request.HTTP.Host = "Tickets.Example:8443"
		}, []string{"portal-for-customers"}},
		{"over HTTP with the resource server named outright", func(w *world) {
			over("GET", "/customers/alice/tickets/42")(w)
			w.request.Audience, w.request.HTTP.Host = "https://tickets.example", "localhost."
		}, []string{"portal-for-customers"}},
		{"a person alone on a route for people", func(w *world) {
			w.asksOver("GET", "/me")
			w.request.Actor = authz.Actor{}
		}, nil},
		{"a person alone on a route for both, whatever rules forbid", func(w *world) {
			w.asksOver("POST", "/tickets/42/comments")
			w.request.Actor, w.policy.Rules[2].Scopes = authz.Actor{}, []int{comment}
		}, nil},
		{"a payment by its grant", paying(func(*world) {}), []string{"payments-by-grant"}},
		{"a payment by a grant that names the session and the arguments", paying(func(w *world) {
			g := &w.policy.Grants[0]
			g.Session, g.ArgumentsDigest = "s-1", "sha256:ecf9e98ec0641e23113ff3ce8bdc78d0ddd249886517fd4a7f68cc83d4e65667"
			w.request.Context = map[string]any{"arguments": map[string]any{"b": "x", "a": 1.0}}
			*w.policy.Rules[1].Grant = bundle.RequireGrant{
				BindArguments: true, BindResource: true, BindSession: true, MaxLifetimeSeconds: 3600, ApproverUsernames: []string{"carol@example.com"},
			}
		}), []string{"payments-by-grant"}},
		{"a payment that another rule permits without a grant", paying(func(w *world) {
			w.policy.Grants = nil
			free := w.policy.Rules[1]
			free.Policy, free.Grant = policyRef("small-payments"), nil
			w.policy.Rules = append(w.policy.Rules, free)
		}), []string{"small-payments"}},
		{"a payment by the grant that is not revoked", paying(func(w *world) {
			second := w.policy.Grants[0]
			second.Source.Name = "pay-inv-7-again"
			w.policy.Grants = append(w.policy.Grants, second)
			w.revoke(bundle.Revocation{Grant: &bundle.Service{Namespace: "support", Name: "pay-inv-7"}})
		}), []string{"payments-by-grant"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.change(w)
			d := w.decide(t)
			if !d.Allowed() {
				t.Fatalf("denied: %+v", d.Denial)
			}
			if d.Denial != (authz.Denial{}) || d.DryRun != nil {
				t.Errorf("an Allow carries a denial: %+v", d)
			}
			var names []string
			for _, p := range d.Policies {
				names = append(names, p.Name)
			}
			if !reflect.DeepEqual(names, c.policies) {
				t.Errorf("policies are %v, want %v", names, c.policies)
			}
		})
	}
}

func (w *world) agent(id, username string, groups ...string) {
	w.request.Subject = authz.Subject{Issuer: "corp", ID: id, Username: username, Groups: groups, AuthTime: now}
}

func TestASelectorTakesAnyOfItsLists(t *testing.T) {
	for _, c := range []struct {
		name    string
		subject func(*world)
		want    authz.Outcome
	}{
		{"by id", func(w *world) { w.agent("root", "") }, authz.Allow},
		{"by user name", func(w *world) { w.agent("77", "boss@example.com") }, authz.Allow},
		{"by the second of two groups", func(w *world) { w.agent("77", "", "staff", "support-agents") }, authz.Allow},
		{"not by an id that is somebody's user name", func(w *world) { w.agent("boss@example.com", "") }, authz.Deny},
		{"not by a user name that is somebody's id", func(w *world) { w.agent("77", "root") }, authz.Deny},
		{"not by a user name that is a group", func(w *world) { w.agent("77", "support-agents") }, authz.Deny},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.subject(w)
			if d := w.decide(t); d.Outcome != c.want {
				t.Errorf("got %s (%s)", d.Outcome, d.Message)
			}
		})
	}
}

func TestADecisionSaysWhatWasJudged(t *testing.T) {
	w := newWorld(t)
	w.asksOver("GET", "/customers/alice/tickets/in%20box?x=/..//")
	got := w.decide(t)
	want := authz.Decision{
		Outcome: authz.Allow, Audience: "https://tickets.example", Scope: "tickets:read",
		Resource:       authz.Resource{Type: "ticket", ID: "in box", Properties: map[string]any{"owner": "alice"}},
		ResourceServer: authz.ObjectRef{Kind: "ResourceServer", Namespace: "support", Name: "tickets", Generation: 3},
		Revision:       7,
		Policies:       []authz.ObjectRef{{Kind: "DelegationPolicy", Name: "portal-for-customers", Generation: 2}},
		Declarations: [authz.MaxChainDepth]*authz.Declaration{{
			Actor:   authz.Actor{Namespace: "support", ServiceAccount: "portal"},
			Sources: []authz.ObjectRef{{Kind: "ServiceDelegation", Namespace: "support", Name: "portal", Generation: 1}},
		}},
		Obligations: authz.Obligations{MaxTokenLifetime: 5 * time.Minute, NotAfter: now.Add(4 * time.Minute)},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAGrantThatWasUsedIsNamed(t *testing.T) {
	w := newWorld(t)
	w.asksToPay()
	d := w.decide(t)
	want := authz.ObjectRef{Kind: "DelegationGrant", Namespace: "support", Name: "pay-inv-7", Generation: 1}
	if d.Grant == nil || *d.Grant != want {
		t.Errorf("got %v, want %v", d.Grant, want)
	}
}

func TestAnAllowWithoutConditionsAllocatesNothing(t *testing.T) {
	for name, change := range map[string]func(*world){
		"by scope":   func(*world) {},
		"by route":   func(w *world) { w.asksOver("POST", "/tickets/42/comments") },
		"by a chain": func(w *world) { w.request.Via = []authz.Actor{router} },
		"by grant":   func(w *world) { w.asksToPay() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.withoutConditions()
			change(w)
			s := w.snapshot(t)
			var d authz.Decision
			allocations := testing.AllocsPerRun(100, func() { d = s.Decide(w.request, now) })
			if !d.Allowed() {
				t.Fatalf("denied: %+v", d.Denial)
			}
			if allocations >= 1 && !raceEnabled {
				t.Errorf("a decision allocates %v times", allocations)
			}
		})
	}
}
