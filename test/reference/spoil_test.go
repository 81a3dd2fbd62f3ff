// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
)

// spoil puts into the world what a schema may or may not refuse: what is wrong, empty, doubled or at a limit.
func (s *scene) spoil() {
	for range s.between(1, 2) {
		oneOf(s.chance,
			s.spoilPolicy, s.spoilPolicy, s.spoilServer, s.spoilServer, s.spoilScope, s.spoilDelegation, s.spoilGrant,
			s.spoilRevocation, s.spoilIssuer, s.spoilNamespaces, s.rivalServer, s.spoilLeases,
		)()
	}
}

func pick[T any](c *chance, list []T) *T {
	if len(list) == 0 {
		return new(T)
	}
	return &list[c.IntN(len(list))]
}

func (s *scene) spoilPolicy() {
	p := &pick(s.chance, s.world.Policies).Spec
	if len(p.Actors) == 0 || len(p.Subjects) == 0 || len(p.Audiences) == 0 {
		return
	}
	badPatterns := []v1alpha1.ScopePattern{"t*", "t*", "t*", "*:read", "t:*:x", "", "t read", "t:re\u0430d", "t:read\t", "**"}
	oneOf(s.chance,
		func() { p.Actors = nil },
		func() { p.Actors = append(p.Actors, v1alpha1.ActorSelector{}) },
		func() { p.Actors[0] = v1alpha1.ActorSelector{Namespace: "shop"} },
		func() { p.Actors[0].All, p.Actors[0].ServiceAccount = new(false), "" },
		func() { p.Actors[0].All, p.Actors[0].ServiceAccount = new(true), "web" },
		func() { p.Actors[0].Namespace, p.Actors[0].NamespaceSelector = "shop", s.namespaceSelector() },
		func() { p.Actors = append(p.Actors, p.Actors...) },
		func() { p.Subjects = nil },
		func() { p.Subjects[0].Issuer = "" },
		func() { p.Subjects[0] = v1alpha1.SubjectSelector{Issuer: "corp"} },
		func() { p.Subjects[0] = v1alpha1.SubjectSelector{Issuer: "corp", All: new(false)} },
		func() {
			p.Subjects[0] = v1alpha1.SubjectSelector{Issuer: "corp", All: new(true), Users: []v1alpha1.SubjectID{"alice"}}
		},
		func() { p.Subjects = append(p.Subjects, p.Subjects...) },
		func() { p.Audiences = nil },
		func() { p.Audiences[0].Scopes = nil },
		func() { p.Audiences[0].Scopes = append(p.Audiences[0].Scopes, oneOf(s.chance, badPatterns...)) },
		func() { p.Audiences[0].Scopes = []v1alpha1.ScopePattern{oneOf(s.chance, badPatterns...)} },
		func() { p.Audiences = append(p.Audiences, p.Audiences...) },
		func() { p.Conditions = append(p.Conditions, s.badCondition()) },
		func() { p.Conditions = append(p.Conditions, p.Conditions...) },
		func() { p.Limits.MaxChainDepth = oneOf[int32](s.chance, -1, 9) },
		func() { p.Limits.MaxSubjectAgeSeconds = -1 },
		func() { p.Enforcement = v1alpha1.Enforcement{Mode: v1alpha1.EnforcementDryRun} },
		func() { p.Enforcement = s.enforcement(100) },
		func() { p.RequireGrant = &v1alpha1.RequireGrant{MaxLifetimeSeconds: 60} },
		func() {
			p.RequireGrant = &v1alpha1.RequireGrant{Approvers: v1alpha1.Approvers{Groups: []v1alpha1.GroupName{"approvers"}}}
		},
		func() { p.Effect = "" },
	)()
}

func (s *scene) badCondition() v1alpha1.Condition {
	for {
		if e := oneOf(s.chance, vocabulary...); e.Judge == nil {
			return v1alpha1.Condition{Expression: e.Text}
		}
	}
}

func (s *scene) spoilServer() {
	server := &pick(s.chance, s.world.ResourceServers).Spec
	if len(server.Scopes) == 0 {
		return
	}
	oneOf(s.chance,
		func() { server.Scopes = append(server.Scopes, server.Scopes[0]) },
		func() {
			server.Scopes[0].Name = oneOf[v1alpha1.ScopeName](s.chance, "", "t read", "t:*", "*", "t#read", "t:re\u0430d")
		},
		func() { server.Scopes = nil },
		func() { server.Audience = "" },
		func() {
			server.Hosts = append(server.Hosts, oneOf(s.chance, "A.example", "a.example:80", "", "a.example."))
		},
		func() { server.Hosts = append(server.Hosts, server.Hosts...) },
		func() { server.Enforcement = v1alpha1.Enforcement{Mode: v1alpha1.EnforcementDryRun} },
		func() { server.Enforcement = v1alpha1.Enforcement{Until: new(metav1.NewTime(noon.AddDate(0, 1, 0)))} },
		func() { server.OnStale, server.MaxStaleSeconds = v1alpha1.OnStaleServe, 0 },
		func() { server.OnStale, server.MaxStaleSeconds = v1alpha1.OnStaleDeny, 60 },
		func() { server.AllowedActors.Namespaces = v1alpha1.ActorNamespaces{From: v1alpha1.NamespacesSelector} },
		func() {
			server.AllowedActors.Namespaces = v1alpha1.ActorNamespaces{From: v1alpha1.NamespacesAll, Selector: s.namespaceSelector()}
		},
		func() { server.Routes = append(server.Routes, server.Routes...) },
		func() { server.Routes = append(server.Routes, s.tyingRoutes()...) },
		func() {
			server.Routes = append(server.Routes, v1alpha1.Route{Scope: "none", Match: v1alpha1.RouteMatch{Methods: []string{"PUT"}, Path: "/"}})
		},
	)()
}

func (s *scene) tyingRoutes() []v1alpha1.Route {
	route := v1alpha1.Route{Scope: "t:read", Match: v1alpha1.RouteMatch{Methods: []string{"PUT"}, Path: "/p/{a}"}}
	other := route
	other.Match = v1alpha1.RouteMatch{Methods: []string{"PUT", "PATCH"}, Path: "/p/{b}"}
	return []v1alpha1.Route{route, other}
}

func (s *scene) spoilScope() {
	scope := pick(s.chance, pick(s.chance, s.world.ResourceServers).Spec.Scopes)
	if len(scope.Entitlements) == 0 {
		return
	}
	e := pick(s.chance, scope.Entitlements)
	oneOf(s.chance,
		func() { e.Subjects.Issuer = "" },
		func() { e.Subjects = v1alpha1.SubjectSelector{Issuer: "corp"} },
		func() { e.Subjects.All, e.Subjects.Groups = new(true), []v1alpha1.GroupName{"staff"} },
		func() { e.Subjects = v1alpha1.SubjectSelector{Issuer: "corp", Groups: []v1alpha1.GroupName{""}} },
		func() { e.Subjects = v1alpha1.SubjectSelector{Issuer: "corp", Usernames: []v1alpha1.Username{""}} },
		func() { e.Conditions = append(e.Conditions, s.badCondition()) },
		func() { scope.Entitlements = append(scope.Entitlements, scope.Entitlements...) },
	)()
}

func (s *scene) spoilDelegation() {
	d := &pick(s.chance, s.world.ServiceDelegations).Spec
	if d.ServiceAccountName == "" {
		return
	}
	bad := v1alpha1.AudienceScopes{Audience: "https://a.example", Scopes: []v1alpha1.ScopeName{oneOf[v1alpha1.ScopeName](s.chance, "", "t:*", "*", "t read")}}
	unknown := v1alpha1.AudienceScopes{Audience: oneOf[v1alpha1.Audience](s.chance, "https://a.example", "https://nowhere.example"), Scopes: []v1alpha1.ScopeName{"nothing"}}
	oneOf(s.chance,
		func() { d.Audiences = append(slices.Clone(d.Audiences), bad) },
		func() { d.Audiences = append(slices.Clone(d.Audiences), unknown) },
		func() { d.Audiences = append(slices.Clone(d.Audiences), d.Audiences...) },
		func() { d.Audiences, d.Onward = nil, nil },
		func() { d.ServiceAccountName = "" },
		func() { d.Onward = append(d.Onward, v1alpha1.Onward{Audiences: d.Audiences}) },
		func() { d.Onward = append(d.Onward, v1alpha1.Onward{To: accountOf(s.service())}) },
		func() { d.Onward = append(d.Onward, d.Onward...) },
	)()
}

func (s *scene) spoilGrant() {
	g := pick(s.chance, s.world.Grants)
	oneOf(s.chance,
		func() { g.Spec.Approver = nil },
		func() { g.Spec.Approver = &v1alpha1.Approver{Groups: []v1alpha1.GroupName{"approvers"}} },
		func() { g.Spec.Resource = &v1alpha1.GrantResource{} },
		func() { g.Spec.Resource = &v1alpha1.GrantResource{Type: "ticket"} },
		func() { g.Spec.Scopes = nil },
		func() { g.Spec.Scopes = []v1alpha1.ScopeName{"t:read", "t:*"} },
		func() { g.Spec.Scopes = []v1alpha1.ScopeName{"t:read", "none"} },
		func() { g.Spec.ArgumentsDigest = "sha256:0" },
		func() { g.Spec.NotAfter = metav1.Time{} },
		func() { g.Spec.State = "" },
		func() { g.CreationTimestamp = metav1.Time{} },
	)()
}

func (s *scene) spoilRevocation() {
	told := oneOf(s.chance, s.stories...)
	r := v1alpha1.DelegationRevocation{ObjectMeta: s.name("")}
	oneOf(s.chance,
		func() {},
		func() { s.aim(&r.Spec, told); s.aim(&r.Spec, told); s.aim(&r.Spec, told) },
		func() { r.Spec.Edge = &v1alpha1.Edge{To: accountOf(told.actor())} },
		func() { r.Spec.Edge = &v1alpha1.Edge{From: new(accountOf(told.actor())), To: accountOf(told.actor())} },
		func() { r.Spec.Subject = &v1alpha1.SubjectReference{} },
		func() { r.Spec.Subject = &v1alpha1.SubjectReference{ID: v1alpha1.SubjectID(told.subject.ID)} },
		func() { r.Spec.Actor = &v1alpha1.ServiceAccountReference{Namespace: "shop"} },
		func() { r.Spec.Session = &v1alpha1.SessionReference{Issuer: "corp"} },
	)()
	s.world.Revocations = append(s.world.Revocations, r)
}

func (s *scene) spoilIssuer() {
	oneOf(s.chance,
		func() { s.world.FetchedKeys = nil },
		func() { pick(s.chance, s.world.Issuers).Spec.URL = "https://corp.example" },
		func() { pick(s.chance, s.world.Issuers).Spec.Audiences = nil },
		func() { pick(s.chance, s.world.Issuers).Spec.Algorithms = nil },
		func() { s.world.Issuers = s.world.Issuers[:1] },
	)()
}

func (s *scene) spoilNamespaces() {
	oneOf(s.chance,
		func() { s.world.Namespaces = nil },
		func() { s.world.Namespaces = slices.Delete(s.world.Namespaces, 0, min(1, len(s.world.Namespaces))) },
		func() { pick(s.chance, s.world.Namespaces).Labels = nil },
	)()
}

// rivalServer claims what others claim too.
func (s *scene) rivalServer() {
	for range s.between(1, 2) {
		rival := s.server(oneOf(s.chance, "https://a.example", "https://c.example", "https://d.example"), oneOf(s.chance, hosts...))
		rival.Spec.Hosts = some(s.chance, hosts...)
		s.world.ResourceServers = append(s.world.ResourceServers, rival)
	}
	for _, told := range s.stories {
		s.entitle(told)
	}
}

func (s *scene) spoilLeases() {
	w := &s.world
	*oneOf(s.chance, &w.PolicyLease, &w.TrustLease, &w.RevocationsLease) = s.around(s.before(noon, 1))
}
