// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package worlds

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/compile"
)

// publicKey is the one that all tokens would be signed with.
const publicKey = `{"keys":[{"use":"sig","kty":"EC","kid":"es-a","crv":"P-256","alg":"ES256",` +
	`"x":"mAJebxpzTxeXus84uUsPVHunX0mvTBgerc9KG7I2E8o","y":"Q-r3W1lrWhsRjTbtAjVQFAdPnbk8hvbRlNGisq_1RiA"}]}`

// ours is the label of namespaces whose services may come to the resource servers that select.
const ours = "worlds.example/ours"

func meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: namespace, Name: name, Generation: 1, UID: types.UID(namespace + "/" + name),
		CreationTimestamp: metav1.NewTime(Now.Add(-24 * time.Hour)),
	}
}

func (w World) namespaces() []compile.Namespace {
	var out []compile.Namespace
	for i := 0; i < w.actors; i += perNamespace {
		name := teamOf(i)
		out = append(out, compile.Namespace{Name: name, UID: "ns-" + name, Labels: map[string]string{ours: "true", "team": name}})
	}
	for server := range w.servers {
		name := homeOf(server)
		out = append(out, compile.Namespace{Name: name, UID: "ns-" + name, Labels: map[string]string{"team": name}})
	}
	return out
}

func homeOf(server int) string { return fmt.Sprintf("api-%04d", server) }

func (w World) accounts() []compile.ServiceAccount {
	var out []compile.ServiceAccount
	for i := range w.actors {
		a := actor(i)
		out = append(out, compile.ServiceAccount{Namespace: a.Namespace, Name: a.ServiceAccount, UID: "sa-" + a.ServiceAccount})
	}
	return out
}

func (w World) issuers() []v1alpha1.TrustedIssuer {
	return []v1alpha1.TrustedIssuer{{ObjectMeta: meta("", Issuer), Spec: v1alpha1.TrustedIssuerSpec{
		URL: "https://idp.example", Audiences: []v1alpha1.Audience{"behalf"}, Algorithms: []v1alpha1.SignatureAlgorithm{"ES256"},
		Keys:   v1alpha1.IssuerKeys{Type: v1alpha1.KeysInline, JWKS: publicKey},
		Claims: v1alpha1.ClaimMapping{Username: "email", Groups: "groups", Session: "sid"},
		Scopes: v1alpha1.IssuerScopes{Type: v1alpha1.IssuerScopesUnbounded},
	}}}
}

// server is one resource server; every second lets the services of all namespaces come, the others those of namespaces
// that are labelled.
func (w World) server(server int) v1alpha1.ResourceServer {
	rs := v1alpha1.ResourceServer{ObjectMeta: meta(homeOf(server), "api"), Spec: v1alpha1.ResourceServerSpec{
		Audience:      v1alpha1.Audience(Audience(server)),
		Hosts:         []string{Host(server)},
		AllowedActors: v1alpha1.AllowedActors{Namespaces: v1alpha1.ActorNamespaces{From: v1alpha1.NamespacesAll}},
	}}
	if server%2 == 1 {
		rs.Spec.AllowedActors.Namespaces = v1alpha1.ActorNamespaces{
			From: v1alpha1.NamespacesSelector, Selector: v1alpha1.NamespaceSelector{MatchLabels: map[string]string{ours: "true"}},
		}
	}
	for n, noun := range nouns {
		for v, verb := range verbs {
			name := v1alpha1.ScopeName(noun + ":" + verb)
			rs.Spec.Scopes = append(rs.Spec.Scopes, v1alpha1.Scope{Name: name, Entitlements: w.entitlements(server, n, v)})
			rs.Spec.Routes = append(rs.Spec.Routes, route(noun, verb))
		}
	}
	return rs
}

// entitlements of one scope: the groups of all the crews that are about its noun, each a group of its own.
func (w World) entitlements(server, noun, verb int) []v1alpha1.Entitlement {
	conditional := w.options.Conditions == AllConditions || w.options.Conditions == SomeConditions && (noun+verb)%3 == 0
	seen := map[string]bool{}
	var out []v1alpha1.Entitlement
	for crew := noun; crew < w.crews(server) && len(seen) < groups; crew += len(nouns) {
		name := groupOf(server, crew)
		if seen[name] {
			continue
		}
		seen[name] = true
		e := v1alpha1.Entitlement{Subjects: people(name)}
		if conditional {
			e.Conditions = []v1alpha1.Condition{{Expression: "resource.properties.owner == subject.id", Message: "only one's own"}}
		}
		out = append(out, e)
	}
	return out
}

func people(groups ...string) v1alpha1.SubjectSelector {
	sel := v1alpha1.SubjectSelector{Issuer: Issuer}
	for _, g := range groups {
		sel.Groups = append(sel.Groups, v1alpha1.GroupName(g))
	}
	return sel
}

func route(noun, verb string) v1alpha1.Route {
	r := v1alpha1.Route{
		Match:    v1alpha1.RouteMatch{Path: "/" + noun + "/{id}"},
		Scope:    v1alpha1.ScopeName(noun + ":" + verb),
		Resource: v1alpha1.RouteResource{Type: noun, ID: "{id}"},
	}
	switch verb {
	case "list":
		r.Match.Methods, r.Match.Path, r.Resource = []string{"GET"}, "/"+noun, v1alpha1.RouteResource{}
	case "read":
		r.Match.Methods = []string{"GET"}
	case "write":
		r.Match.Methods = []string{"PUT", "PATCH"}
	default:
		r.Match.Methods = []string{"DELETE"}
	}
	return r
}

// policies of one crew: its Permit, and for every fifth a Forbid that no request of Ask meets.
func (w World) policies(server, crew int) []v1alpha1.DelegationPolicy {
	name := fmt.Sprintf("api-%04d-crew-%05d", server, crew)
	spec := v1alpha1.DelegationPolicySpec{
		Effect: v1alpha1.EffectPermit,
		Actors: w.crewActors(server, crew),
		Subjects: []v1alpha1.SubjectSelector{
			people(groupOf(server, crew), group(server*7+crew*3+1)), people(group(server*7 + crew*3 + 2)),
		},
		Audiences: []v1alpha1.AudienceScopePatterns{{
			Audience: v1alpha1.Audience(Audience(server)), Scopes: []v1alpha1.ScopePattern{v1alpha1.ScopePattern(nounOf(crew) + ":*")},
		}},
		Limits: v1alpha1.Limits{MaxTokenLifetimeSeconds: 3600, MaxSubjectAgeSeconds: 28800, MaxChainDepth: authz.MaxChainDepth},
	}
	if w.options.Conditions == AllConditions || w.options.Conditions == SomeConditions && crew%2 == 0 {
		spec.Conditions = []v1alpha1.Condition{{Expression: fmt.Sprintf("context.purpose == '%s'", w.purposeOf(server, crew))}}
	}
	if w.needsGrant(crew) {
		spec.RequireGrant = &v1alpha1.RequireGrant{
			Bind: []v1alpha1.GrantBinding{v1alpha1.BindResource}, MaxLifetimeSeconds: 7200,
			Approvers: v1alpha1.Approvers{Groups: []v1alpha1.GroupName{"approvers"}},
		}
	}
	out := []v1alpha1.DelegationPolicy{{ObjectMeta: meta("", name), Spec: spec}}
	if w.options.Forbids && crew%5 == 0 {
		forbid := v1alpha1.DelegationPolicySpec{
			Effect: v1alpha1.EffectForbid, Actors: spec.Actors, Audiences: spec.Audiences,
			Subjects: []v1alpha1.SubjectSelector{people("contractors")},
		}
		out = append(out, v1alpha1.DelegationPolicy{ObjectMeta: meta("", name+"-not"), Spec: forbid})
	}
	return out
}

func (w World) crewActors(server, crew int) []v1alpha1.ActorSelector {
	var out []v1alpha1.ActorSelector
	for seat := crew * crewSize; seat < min((crew+1)*crewSize, w.delegationsOf(server)); seat++ {
		a := w.Actor(server*w.perServer() + seat)
		out = append(out, v1alpha1.ActorSelector{
			Namespace: v1alpha1.NamespaceName(a.Namespace), ServiceAccount: v1alpha1.ServiceAccountName(a.ServiceAccount),
		})
	}
	return out
}

// delegation is one ServiceDelegation; every fifth of them names the next resource server too.
func (w World) delegation(i int) v1alpha1.ServiceDelegation {
	server, _, _ := w.place(i)
	a := w.Actor(i)
	spec := v1alpha1.ServiceDelegationSpec{
		ServiceAccountName: v1alpha1.ServiceAccountName(a.ServiceAccount),
		Purpose:            "Serve people",
		Audiences:          w.declared(server, i),
	}
	if w.handsOn(i) {
		spec.Onward = []v1alpha1.Onward{{To: reference(w.Actor(i + 1)), Audiences: slices.Clone(spec.Audiences)}}
	}
	if i%5 == 4 && w.servers > 1 {
		spec.Audiences = append(spec.Audiences, w.declared((server+1)%w.servers, i)...)
	}
	return v1alpha1.ServiceDelegation{ObjectMeta: meta(a.Namespace, fmt.Sprintf("delegation-%06d", i)), Spec: spec}
}

func (w World) declared(server, i int) []v1alpha1.AudienceScopes {
	out := v1alpha1.AudienceScopes{Audience: v1alpha1.Audience(Audience(server))}
	for _, scope := range w.Scopes(i) {
		out.Scopes = append(out.Scopes, v1alpha1.ScopeName(scope))
	}
	return []v1alpha1.AudienceScopes{out}
}

func reference(a authz.Actor) v1alpha1.ServiceAccountReference {
	return v1alpha1.ServiceAccountReference{
		Namespace: v1alpha1.NamespaceName(a.Namespace), ServiceAccount: v1alpha1.ServiceAccountName(a.ServiceAccount),
	}
}

func (w World) grant(i int) v1alpha1.DelegationGrant {
	server, _, _ := w.place(i)
	a := w.Actor(i)
	object := meta(a.Namespace, fmt.Sprintf("grant-%06d", i))
	object.CreationTimestamp = metav1.NewTime(Now.Add(-time.Hour))
	return v1alpha1.DelegationGrant{ObjectMeta: object, Spec: v1alpha1.DelegationGrantSpec{
		Subject: v1alpha1.SubjectReference{Issuer: Issuer, ID: v1alpha1.SubjectID(w.Person(i))}, Actor: reference(a),
		Audience: v1alpha1.Audience(Audience(server)), Scopes: w.declared(server, i)[0].Scopes,
		Resource: &v1alpha1.GrantResource{Type: w.resourceType(i), ID: resourceID},
		NotAfter: metav1.NewTime(Now.Add(time.Hour)), State: v1alpha1.GrantApproved,
		Approver: &v1alpha1.Approver{Username: "approver@example.com", Groups: []v1alpha1.GroupName{"approvers"}},
	}}
}

// revocation is one of each kind in turn, of people, sessions and tokens that nobody asks with.
func (w World) revocation(i int) v1alpha1.DelegationRevocation {
	gone := fmt.Sprintf("gone-%05d", i)
	var spec v1alpha1.DelegationRevocationSpec
	switch i % 5 {
	case 0:
		spec.Subject = &v1alpha1.SubjectReference{Issuer: Issuer, ID: v1alpha1.SubjectID(gone)}
	case 1:
		spec.Session = &v1alpha1.SessionReference{Issuer: Issuer, ID: gone}
	case 2:
		spec.Transaction = gone
	case 3:
		spec.Token = gone
	default:
		spec.Edge = &v1alpha1.Edge{
			Subject: &v1alpha1.SubjectReference{Issuer: Issuer, ID: v1alpha1.SubjectID(gone)}, To: reference(actor(i % w.actors)),
		}
	}
	return v1alpha1.DelegationRevocation{ObjectMeta: meta("", "revocation-"+gone), Spec: spec}
}
