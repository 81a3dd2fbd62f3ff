// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/token"
)

// The laws of DESIGN section 1, on small random worlds: few names, so that everything meets everything.

type draws struct {
	t          *rapid.T
	conditions []bundle.Condition
}

func (d draws) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(d.t, label)
}

func (d draws) numbers(label string, below, most int) []int {
	return rapid.SliceOfNDistinct(rapid.IntRange(0, below-1), 0, most, rapid.ID[int]).Draw(d.t, label)
}

func (d draws) actor(label string) authz.Actor {
	return authz.Actor{Namespace: d.pick(label+" namespace", "a", "b"), ServiceAccount: d.pick(label+" account", "x", "y")}
}

func (d draws) selector() bundle.SubjectSelector {
	s := bundle.SubjectSelector{Issuer: d.pick("issuer", "corp", "partner")}
	switch d.pick("selects by", "all", "id", "username", "groups", "nothing") {
	case "all":
		s.All = true
	case "id":
		s.Users = []string{d.pick("id", "alice", "bob")}
	case "username":
		s.Usernames = []string{d.pick("username", "alice", "bob")}
	case "groups":
		s.Groups = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"g", "h"}), 1, 2, rapid.ID[string]).Draw(d.t, "groups")
	}
	return s
}

func (d draws) conditionsOf() []int { return d.numbers("conditions", len(d.conditions), 2) }

func (d draws) entitlement() bundle.Entitlement {
	return bundle.Entitlement{Subjects: d.selector(), Conditions: d.conditionsOf()}
}

func (d draws) declaration() bundle.Declaration {
	declared := bundle.Declaration{Source: delegation("a", d.pick("delegation", "d1", "d2")), Scopes: d.numbers("declared", 2, 2)}
	for range rapid.IntRange(0, 2).Draw(d.t, "edges") {
		to := d.actor("onward")
		declared.Onward = append(declared.Onward, bundle.Edge{
			Namespace: to.Namespace, ServiceAccount: to.ServiceAccount, Scopes: d.numbers("passed on", 2, 2),
		})
	}
	return declared
}

func (d draws) rule(effect bundle.Effect) bundle.Rule {
	who := d.actor("rule")
	if d.pick("rule takes", "one", "namespace") == "namespace" {
		who.ServiceAccount = ""
	}
	r := bundle.Rule{
		Policy: policyRef(d.pick("policy", "p", "q", "r")), Effect: effect, Scopes: d.numbers("rule scopes", 2, 2),
		Actors:   []bundle.ActorSelector{{Namespace: who.Namespace, ServiceAccount: who.ServiceAccount}},
		Subjects: []bundle.SubjectSelector{d.selector(), d.selector()}, Conditions: d.conditionsOf(),
	}
	if effect == bundle.Permit {
		r.Limits = d.limits()
		r.Grant = d.wanted()
	}
	return r
}

func (d draws) limits() bundle.Limits {
	return bundle.Limits{
		MaxTokenLifetimeSeconds: rapid.SampledFrom([]int32{0, 300}).Draw(d.t, "token lifetime"),
		MaxSubjectAgeSeconds:    rapid.SampledFrom([]int32{0, 3600}).Draw(d.t, "subject age"),
		MaxChainDepth:           rapid.Int32Range(1, 3).Draw(d.t, "depth"),
	}
}

func (d draws) wanted() *bundle.RequireGrant {
	if d.pick("asks for a grant", "no", "no", "yes") == "no" {
		return nil
	}
	return &bundle.RequireGrant{BindResource: rapid.Bool().Draw(d.t, "binds"), MaxLifetimeSeconds: 3600, ApproverGroups: []string{"approvers"}}
}

func (d draws) grant() bundle.Grant {
	a := d.actor("grant")
	return bundle.Grant{
		Source: authz.ObjectRef{Kind: "DelegationGrant", Namespace: "a", Name: d.pick("grant", "g1", "g2")},
		Issuer: "corp", Subject: d.pick("granted to", "alice", "bob"), Namespace: a.Namespace, ServiceAccount: a.ServiceAccount,
		Scopes: d.numbers("granted", 2, 2), ResourceType: "t", ResourceID: d.pick("granted for", "1", "2"),
		NotBefore: now.Unix() - 60, NotAfter: now.Unix() + rapid.SampledFrom([]int64{-1, 60}).Draw(d.t, "ends"),
		ApproverUsername: "carol", ApproverGroups: []string{"approvers"},
	}
}

func (d draws) revocation() bundle.Revocation {
	r := bundle.Revocation{
		Source:       authz.ObjectRef{Kind: "DelegationRevocation", Name: d.pick("revocation", "r1", "r2")},
		IssuedBefore: rapid.SampledFrom([]int64{0, now.Unix() - 120, now.Unix()}).Draw(d.t, "issued before"),
	}
	a := d.actor("revoked")
	service := bundle.Service{Namespace: a.Namespace, Name: a.ServiceAccount}
	person := &bundle.Person{Issuer: "corp", ID: d.pick("revoked person", "alice", "bob")}
	switch d.pick("revoked target", "subject", "session", "actor", "first edge", "edge", "grant", "transaction", "token") {
	case "subject":
		r.Subject = person
	case "session":
		r.Session = person
	case "actor":
		r.Actor = &service
	case "first edge":
		r.Edge = &bundle.GraphEdge{Subject: person, To: service}
	case "edge":
		b := d.actor("revoked from")
		r.Edge = &bundle.GraphEdge{From: &bundle.Service{Namespace: b.Namespace, Name: b.ServiceAccount}, To: service}
	case "grant":
		r.Grant = &bundle.Service{Namespace: "a", Name: d.pick("revoked grant", "g1", "g2")}
	case "transaction":
		r.Transaction = "txn"
	default:
		r.Token = "jti"
	}
	return r
}

func many[T any](d draws, label string, most int, draw func() T) []T {
	list := make([]T, rapid.IntRange(0, most).Draw(d.t, label))
	for i := range list {
		list[i] = draw()
	}
	return list
}

func (d draws) policy() *bundle.Policy {
	p := &bundle.Policy{
		Format: bundle.Format, Audience: "aud", AllNamespaces: true, Conditions: d.conditions,
		ResourceServer: authz.ObjectRef{Kind: "ResourceServer", Namespace: "a", Name: "api"},
		Scopes:         []bundle.Scope{{Name: "s"}, {Name: "t"}},
	}
	for i := range p.Scopes {
		p.Scopes[i].Entitlements = many(d, "entitlements", 3, d.entitlement)
	}
	for _, a := range []authz.Actor{{Namespace: "a", ServiceAccount: "x"}, {Namespace: "a", ServiceAccount: "y"}, {Namespace: "b", ServiceAccount: "x"}, {Namespace: "b", ServiceAccount: "y"}} {
		p.Actors = append(p.Actors, bundle.Actor{
			Namespace: a.Namespace, ServiceAccount: a.ServiceAccount, Declarations: many(d, "declarations", 2, d.declaration),
		})
	}
	p.Rules = append(many(d, "permits", 4, func() bundle.Rule { return d.rule(bundle.Permit) }),
		many(d, "forbids", 1, func() bundle.Rule { return d.rule(bundle.Forbid) })...)
	p.Grants = many(d, "grants", 2, d.grant)
	return p
}

func (d draws) request() *authz.Request {
	r := &authz.Request{
		Subject: authz.Subject{
			Issuer: d.pick("subject issuer", "corp", "corp", "corp", "corp", "corp", "partner"), ID: d.pick("subject", "alice", "bob"),
			Username: d.pick("subject username", "", "alice", "bob"), Session: d.pick("session", "", "alice"),
			Groups:   rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"g", "h"}), 0, 2, rapid.ID[string]).Draw(d.t, "subject groups"),
			AuthTime: now.Add(rapid.SampledFrom([]time.Duration{-time.Minute, -2 * time.Hour}).Draw(d.t, "signed in")),
		},
		Actor: d.actor("actor"), Audience: "aud", Scope: d.pick("scope", "s", "t"),
		Resource: authz.Resource{Type: "t", ID: d.pick("resource", "1", "2"), Properties: map[string]any{}},
		Via:      many(d, "via", 2, func() authz.Actor { return d.actor("prior") }),
	}
	if owner := d.pick("owner", "", "alice", "bob"); owner != "" {
		r.Resource.Properties["owner"] = owner
	}
	if rapid.Bool().Draw(d.t, "token") {
		r.Token = &authz.Token{
			ID: "jti", Transaction: "txn", IssuedAt: now.Add(-time.Minute), ExpiresAt: now.Add(time.Hour),
			Scopes: []string{d.pick("token scope", r.Scope, r.Scope, "aud#"+r.Scope, "u")},
		}
	}
	return r
}

// drawn is a random world: the bundles, and the conditions that they share.
func drawn(t *rapid.T, conditions []bundle.Condition) (draws, *bundle.Policy, *bundle.Revocations, *authz.Request) {
	d := draws{t: t, conditions: conditions}
	revocations := &bundle.Revocations{Format: bundle.Format}
	if d.often("no revocation") {
		revocations.Entries = many(d, "revocations", 1, d.revocation)
	}
	policy, request := d.policy(), d.request()
	d.support(policy, request)
	return d, policy, revocations, request
}

func (d draws) often(label string) bool { return rapid.IntRange(0, 7).Draw(d.t, label) > 0 }

// support adds most of what the request needs, or hardly a world would allow anything.
func (d draws) support(p *bundle.Policy, req *authz.Request) {
	scope := 0
	if req.Scope == "t" {
		scope = 1
	}
	everybody := bundle.SubjectSelector{Issuer: "corp", All: true}
	if d.often("entitled") {
		p.Scopes[scope].Entitlements = append(p.Scopes[scope].Entitlements, bundle.Entitlement{Subjects: everybody})
	}
	if d.often("permitted") {
		p.Rules = append(p.Rules, bundle.Rule{
			Policy: policyRef("p"), Effect: bundle.Permit, Scopes: []int{scope}, Subjects: []bundle.SubjectSelector{everybody},
			Actors: []bundle.ActorSelector{{Namespace: req.Actor.Namespace}}, Limits: bundle.Limits{MaxChainDepth: 8}, Grant: d.wanted(),
		})
	}
	chain := append(slices.Clone(req.Via), req.Actor)
	for i, a := range chain {
		if d.often("declared") {
			declareFor(p, a, scope, chain[i+1:])
		}
	}
}

func declareFor(p *bundle.Policy, a authz.Actor, scope int, next []authz.Actor) {
	declared := bundle.Declaration{Source: delegation("a", "support"), Scopes: []int{scope}}
	if len(next) > 0 {
		declared.Onward = []bundle.Edge{{Namespace: next[0].Namespace, ServiceAccount: next[0].ServiceAccount, Scopes: []int{scope}}}
	}
	for i := range p.Actors {
		if p.Actors[i].Namespace == a.Namespace && p.Actors[i].ServiceAccount == a.ServiceAccount {
			p.Actors[i].Declarations = append(p.Actors[i].Declarations, declared)
		}
	}
}

func lawConditions(tb testing.TB) []bundle.Condition {
	tb.Helper()
	return []bundle.Condition{
		conditionOf(tb, "resource.properties.owner == subject.id", "own"), // errs where there is no owner
		conditionOf(tb, "subject.id == 'alice'", "alice"),
		conditionOf(tb, "size(chain) < 3", "short"),
	}
}

func answer(t *rapid.T, p *bundle.Policy, r *bundle.Revocations, req *authz.Request) authz.Decision {
	s := bundle.Statement{LeaseUntil: now.Unix() + 60}
	policy, err := LoadPolicy(p, s)
	if err != nil {
		t.Fatal(err)
	}
	revocations, err := LoadRevocations(r, s)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := token.NewTrust(trusting("corp", "partner"), s)
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := NewSnapshot([]*Policy{policy}, trust, revocations)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot.Decide(req, now)
}

// narrowing is what may turn an Allow into a Deny and never the other way.
var narrowing = map[string]func(d draws, p *bundle.Policy, r *bundle.Revocations){
	"a Forbid": func(d draws, p *bundle.Policy, _ *bundle.Revocations) {
		p.Rules = append(p.Rules, d.rule(bundle.Forbid))
	},
	"a revocation": func(d draws, _ *bundle.Policy, r *bundle.Revocations) { r.Entries = append(r.Entries, d.revocation()) },
	"a shorter chain": func(d draws, p *bundle.Policy, _ *bundle.Revocations) {
		d.eachPermit(p, func(r *bundle.Rule) { r.Limits.MaxChainDepth = 1 })
	},
	"a limit on the sign-in": func(d draws, p *bundle.Policy, _ *bundle.Revocations) {
		d.eachPermit(p, func(r *bundle.Rule) { r.Limits.MaxSubjectAgeSeconds = 60 })
	},
	"a limit on the token": func(d draws, p *bundle.Policy, _ *bundle.Revocations) {
		d.eachPermit(p, func(r *bundle.Rule) { r.Limits.MaxTokenLifetimeSeconds = 1 })
	},
	"a condition": func(d draws, p *bundle.Policy, _ *bundle.Revocations) {
		d.eachPermit(p, func(r *bundle.Rule) { r.Conditions = append(r.Conditions, d.conditionsOf()...) })
	},
	"no grants":           func(_ draws, p *bundle.Policy, _ *bundle.Revocations) { p.Grants = nil },
	"no namespace let in": func(_ draws, p *bundle.Policy, _ *bundle.Revocations) { p.AllNamespaces = false },
}

func (d draws) eachPermit(p *bundle.Policy, change func(*bundle.Rule)) {
	for i := range p.Rules {
		if p.Rules[i].Effect == bundle.Permit && rapid.Bool().Draw(d.t, "change it") {
			change(&p.Rules[i])
		}
	}
}

func TestWhatNarrowsNeverWidens(t *testing.T) {
	conditions := lawConditions(t)
	for name, narrow := range narrowing {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				d, p, r, req := drawn(t, conditions)
				before := answer(t, p, r, req)
				narrow(d, p, r)
				if after := answer(t, p, r, req); after.Allowed() && !before.Allowed() {
					t.Fatalf("%s turned %s/%s into an Allow", name, before.Leg, before.Reason)
				}
			})
		})
	}
}

// widening is what may turn a Deny into an Allow and never the other way.
var widening = map[string]func(d draws, p *bundle.Policy){
	"a Permit": func(d draws, p *bundle.Policy) { p.Rules = append(p.Rules, d.rule(bundle.Permit)) },
	"an entitlement": func(d draws, p *bundle.Policy) {
		i := rapid.IntRange(0, 1).Draw(d.t, "of scope")
		p.Scopes[i].Entitlements = append(p.Scopes[i].Entitlements, d.entitlement())
	},
	"a declaration": func(d draws, p *bundle.Policy) {
		i := rapid.IntRange(0, len(p.Actors)-1).Draw(d.t, "of actor")
		p.Actors[i].Declarations = append(p.Actors[i].Declarations, d.declaration())
	},
	"a grant": func(d draws, p *bundle.Policy) { p.Grants = append(p.Grants, d.grant()) },
}

func TestWhatWidensNeverNarrows(t *testing.T) {
	conditions := lawConditions(t)
	for name, widen := range widening {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				d, p, r, req := drawn(t, conditions)
				before := answer(t, p, r, req)
				widen(d, p)
				if after := answer(t, p, r, req); before.Allowed() && !after.Allowed() {
					t.Fatalf("%s turned an Allow into %s/%s", name, after.Leg, after.Reason)
				}
			})
		})
	}
}

func shuffled[T any](t *rapid.T, list []T) []T {
	if len(list) == 0 {
		return list
	}
	return rapid.Permutation(list).Draw(t, "shuffled")
}

func TestOrderNeverMatters(t *testing.T) {
	conditions := lawConditions(t)
	rapid.Check(t, func(t *rapid.T) {
		_, p, r, req := drawn(t, conditions)
		before := answer(t, p, r, req)
		for i := range p.Scopes {
			p.Scopes[i].Entitlements = shuffled(t, p.Scopes[i].Entitlements)
		}
		for i := range p.Actors {
			p.Actors[i].Declarations = shuffled(t, p.Actors[i].Declarations)
		}
		for i := range p.Rules {
			p.Rules[i].Subjects = shuffled(t, p.Rules[i].Subjects)
			p.Rules[i].Conditions = shuffled(t, p.Rules[i].Conditions)
		}
		p.Actors, p.Rules, p.Grants = shuffled(t, p.Actors), shuffled(t, p.Rules), shuffled(t, p.Grants)
		r.Entries = shuffled(t, r.Entries)
		req.Subject.Groups = shuffled(t, req.Subject.Groups)
		after := answer(t, p, r, req)
		if before.Outcome != after.Outcome || before.Leg != after.Leg || before.Reason != after.Reason {
			t.Fatalf("%s %s/%s became %s %s/%s", before.Outcome, before.Leg, before.Reason, after.Outcome, after.Leg, after.Reason)
		}
		if !slices.Equal(before.Policies, after.Policies) {
			t.Fatalf("policies %v became %v", before.Policies, after.Policies)
		}
	})
}

func TestWithoutTheSupportOfAnyLegTheAnswerIsDeny(t *testing.T) {
	conditions := lawConditions(t)
	removals := map[string]func(p *bundle.Policy, req *authz.Request){
		"the subject": func(_ *bundle.Policy, req *authz.Request) { req.Subject = authz.Subject{} },
		"the actor":   func(_ *bundle.Policy, req *authz.Request) { req.Actor = authz.Actor{} },
		"the entitlements": func(p *bundle.Policy, _ *authz.Request) {
			p.Scopes[0].Entitlements, p.Scopes[1].Entitlements = nil, nil
		},
		"the declarations": func(p *bundle.Policy, _ *authz.Request) { p.Actors = nil },
		"the Permits": func(p *bundle.Policy, _ *authz.Request) {
			p.Rules = slices.DeleteFunc(p.Rules, func(r bundle.Rule) bool { return r.Effect == bundle.Permit })
		},
		"the token's scopes": func(_ *bundle.Policy, req *authz.Request) { req.Token = &authz.Token{} },
	}
	for name, remove := range removals {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				_, p, r, req := drawn(t, conditions)
				remove(p, req)
				if answer(t, p, r, req).Allowed() {
					t.Fatalf("allowed without %s", name)
				}
			})
		})
	}
}

// TestTheWorldsOfTheLawsAreWorthwhile guards the laws against worlds in which all is denied anyway.
func TestTheWorldsOfTheLawsAreWorthwhile(t *testing.T) {
	conditions := lawConditions(t)
	outcomes := map[authz.Reason]int{}
	rapid.Check(t, func(t *rapid.T) {
		_, p, r, req := drawn(t, conditions)
		outcomes[answer(t, p, r, req).Reason]++
	})
	for _, reason := range []authz.Reason{"", authz.ReasonNotEntitled} {
		if outcomes[reason] == 0 {
			t.Errorf("no world leads to %q: %v", reason, outcomes)
		}
	}
}

func TestZeroValuesDeny(t *testing.T) {
	if (authz.Decision{}).Allowed() {
		t.Error("the zero decision allows")
	}
	if d := (&Snapshot{}).Decide(newRequest(), now); d.Allowed() || d.Reason != authz.ReasonStaleBundle {
		t.Errorf("the zero snapshot answers %+v", d)
	}
	if d := newWorld(t).snapshot(t).Decide(&authz.Request{}, now); d.Allowed() || d.Reason != authz.ReasonSubjectMissing {
		t.Errorf("the zero request is answered %+v", d)
	}
	if d := newWorld(t).snapshot(t).Decide(newRequest(), time.Time{}); d.Allowed() || d.Reason != authz.ReasonTokenNotYetValid {
		t.Errorf("at the zero time: %+v", d.Denial)
	}
}
