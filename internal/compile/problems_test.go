// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
)

const (
	soundServer     = "ResourceServer support/tickets"
	soundPolicy     = "DelegationPolicy portal"
	soundDelegation = "ServiceDelegation support/portal"
	soundIssuer     = "TrustedIssuer corp"
	soundGrant      = "DelegationGrant support/once"
)

// soundWorld has one object of most kinds and no problem.
func soundWorld(tb testing.TB) compile.World {
	tb.Helper()
	return parseWorld(tb, `
kind: TrustedIssuer
metadata: {name: corp}
spec:
  url: https://idp.example
  audiences: [behalf]
  algorithms: [ES256]
  keys:
    type: Inline
    jwks: '{"keys":[{"kty":"EC","kid":"es-a","crv":"P-256","x":"mAJebxpzTxeXus84uUsPVHunX0mvTBgerc9KG7I2E8o","y":"Q-r3W1lrWhsRjTbtAjVQFAdPnbk8hvbRlNGisq_1RiA"}]}'
  scopes: {type: Unbounded}
---
kind: ResourceServer
metadata: {name: tickets, namespace: support}
spec:
  audience: https://tickets.example
  hosts: [tickets.example]
  scopes:
  - name: tickets:read
    entitlements: [{subjects: {issuer: corp, all: true}}]
  routes:
  - match: {methods: [GET], path: "/tickets/{id}"}
    scope: tickets:read
    resource: {type: ticket, id: "{id}", properties: [{name: number, value: "{id}"}]}
---
kind: DelegationPolicy
metadata: {name: portal}
spec:
  effect: Permit
  actors: [{namespace: support, serviceAccount: portal}]
  subjects: [{issuer: corp, all: true}]
  audiences: [{audience: https://tickets.example, scopes: ["tickets:*"]}]
  requireGrant: {maxLifetimeSeconds: 60, approvers: {usernames: [carol]}}
---
kind: ServiceDelegation
metadata: {name: portal, namespace: support}
spec:
  serviceAccountName: portal
  purpose: Show tickets
  audiences: [{audience: https://tickets.example, scopes: [tickets:read]}]
  onward:
  - to: {namespace: support, serviceAccount: search}
    audiences: [{audience: https://tickets.example, scopes: [tickets:read]}]
---
kind: DelegationGrant
metadata: {name: once, namespace: support, creationTimestamp: "2026-06-01T10:59:30Z"}
spec:
  subject: {issuer: corp, id: alice}
  actor: {namespace: support, serviceAccount: portal}
  audience: https://tickets.example
  scopes: [tickets:read]
  resource: {type: ticket, id: "42"}
  notAfter: "2026-06-01T11:00:00Z"
  state: Approved
  approver: {username: carol}
`)
}

func TestASoundWorldHasNoProblem(t *testing.T) {
	r := compile.Compile(soundWorld(t))
	for _, p := range r.Problems {
		t.Error(p)
	}
	if got := len(r.Reports); got != 5 {
		t.Errorf("there are %d reports, want one for each of 5 objects", got)
	}
}

// Each case spoils one thing in the sound world, and says the one problem of that object which comes of it.
func TestProblems(t *testing.T) {
	server := func(change func(*v1alpha1.ResourceServerSpec)) func(*compile.World) {
		return func(w *compile.World) { change(&w.ResourceServers[0].Spec) }
	}
	policy := func(change func(*v1alpha1.DelegationPolicySpec)) func(*compile.World) {
		return func(w *compile.World) { change(&w.Policies[0].Spec) }
	}
	delegation := func(change func(*v1alpha1.ServiceDelegationSpec)) func(*compile.World) {
		return func(w *compile.World) { change(&w.ServiceDelegations[0].Spec) }
	}
	issuer := func(change func(*v1alpha1.TrustedIssuerSpec)) func(*compile.World) {
		return func(w *compile.World) { change(&w.Issuers[0].Spec) }
	}
	grant := func(change func(*v1alpha1.DelegationGrantSpec)) func(*compile.World) {
		return func(w *compile.World) { change(&w.Grants[0].Spec) }
	}
	cases := map[string]struct {
		spoil    func(*compile.World)
		object   string
		field    string
		message  string
		severity compile.Severity
	}{
		"a resource server without an audience": {
			spoil:  server(func(s *v1alpha1.ResourceServerSpec) { s.Audience = "" }),
			object: soundServer, field: "spec.audience",
			message: "there is no audience; name the one that tokens for this API carry",
		},
		"more scopes than one resource server has": {
			spoil: server(func(s *v1alpha1.ResourceServerSpec) {
				for i := len(s.Scopes); i < 65; i++ {
					s.Scopes = append(s.Scopes, v1alpha1.Scope{Name: v1alpha1.ScopeName(fmt.Sprint("extra:", i))})
				}
			}),
			object: soundServer, field: "spec.scopes",
			message: "there are 65 scopes, more than 64; divide the API into several resource servers",
		},
		"an empty host": {
			spoil:  server(func(s *v1alpha1.ResourceServerSpec) { s.Hosts = []string{""} }),
			object: soundServer, field: "spec.hosts[0]",
			message: "the host is empty; fill it in or remove it",
		},
		"a host with a star": {
			spoil:  server(func(s *v1alpha1.ResourceServerSpec) { s.Hosts = []string{"tickets.example", "*.example"} }),
			object: soundServer, field: "spec.hosts[1]",
			message: `"*.example" is a pattern and hosts are exact; name each host`,
		},
		"a host with a port": { // THREATS 26
			spoil:  server(func(s *v1alpha1.ResourceServerSpec) { s.Hosts = []string{"tickets.example:8443"} }),
			object: soundServer, field: "spec.hosts[0]",
			message: `"tickets.example:8443" is not a host alone; leave out scheme, port, path and the dot at the end`,
		},
		"a host with a dot at the end": { // THREATS 26
			spoil:  server(func(s *v1alpha1.ResourceServerSpec) { s.Hosts = []string{"tickets.example."} }),
			object: soundServer, field: "spec.hosts[0]",
			message: `"tickets.example." is not a host alone; leave out scheme, port, path and the dot at the end`,
		},
		"a host in capitals": { // THREATS 26
			spoil:  server(func(s *v1alpha1.ResourceServerSpec) { s.Hosts = []string{"Tickets.Example"} }),
			object: soundServer, field: "spec.hosts[0]",
			message: `"Tickets.Example" is not in lower case; write "tickets.example"`,
		},
		"a host with a path": { // THREATS 26
			spoil:  server(func(s *v1alpha1.ResourceServerSpec) { s.Hosts = []string{"tickets.example/a"} }),
			object: soundServer, field: "spec.hosts[0]",
			message: `"tickets.example/a" is not a host alone; leave out scheme, port, path and the dot at the end`,
		},
		"an address that is not closed": {
			spoil:  server(func(s *v1alpha1.ResourceServerSpec) { s.Hosts = []string{"[::1]", "127.0.0.1", "[::1"} }),
			object: soundServer, field: "spec.hosts[2]",
			message: `"[::1" is not a host alone; leave out scheme, port, path and the dot at the end`,
		},
		"a mode of enforcement that nobody knows": {
			spoil:  server(func(s *v1alpha1.ResourceServerSpec) { s.Enforcement.Mode = "Off" }),
			object: soundServer, field: "spec.enforcement.mode",
			message: `"Off" is not known; say Enforce or DryRun`,
		},
		"serving stale without a bound": {
			spoil:  server(func(s *v1alpha1.ResourceServerSpec) { s.OnStale = v1alpha1.OnStaleServe }),
			object: soundServer, field: "spec.maxStaleSeconds",
			message: "onStale ServeStale needs a bound; say for how many seconds a stale bundle may serve",
		},
		"a bound on what is not served": {
			spoil:  server(func(s *v1alpha1.ResourceServerSpec) { s.MaxStaleSeconds = 60 }),
			object: soundServer, field: "spec.maxStaleSeconds",
			message: "a bound on serving stale goes with onStale ServeStale; remove it or say ServeStale",
		},
		"an onStale that nobody knows": {
			spoil:  server(func(s *v1alpha1.ResourceServerSpec) { s.OnStale = "Allow" }),
			object: soundServer, field: "spec.onStale",
			message: `"Allow" is not known; say Deny or ServeStale`,
		},
		"allowed actors from where nobody knows": {
			spoil:  server(func(s *v1alpha1.ResourceServerSpec) { s.AllowedActors.Namespaces.From = "Some" }),
			object: soundServer, field: "spec.allowedActors.namespaces.from",
			message: `"Some" is not known; say Same, All or Selector`,
		},
		"a scope with a space": { // THREATS 23
			spoil: server(func(s *v1alpha1.ResourceServerSpec) {
				s.Scopes = append(s.Scopes, v1alpha1.Scope{Name: "tickets: write"})
			}),
			object: soundServer, field: "spec.scopes[1].name",
			message: `"tickets: write": a scope is made of printable ASCII characters without space, '"', '\' and '#'; correct the name`,
		},
		"a scope without a name": {
			spoil:  server(func(s *v1alpha1.ResourceServerSpec) { s.Scopes = append(s.Scopes, v1alpha1.Scope{}) }),
			object: soundServer, field: "spec.scopes[1].name",
			message: `"": the scope is empty; name one`,
		},
		"a scope that is a pattern": {
			spoil: server(func(s *v1alpha1.ResourceServerSpec) {
				s.Scopes = append(s.Scopes, v1alpha1.Scope{Name: "tickets:*"})
			}),
			object: soundServer, field: "spec.scopes[1].name",
			message: `"tickets:*": a segment that is '*' alone is a pattern, which only a DelegationPolicy may use; spell the scope out`,
		},
		"a scope that stands twice": {
			spoil:  server(func(s *v1alpha1.ResourceServerSpec) { s.Scopes = append(s.Scopes, s.Scopes[0]) }),
			object: soundServer, field: "spec.scopes[1].name",
			message: "spec.scopes[0] has this name already; join the two",
		},
		"a property without a name": {
			spoil:  server(func(s *v1alpha1.ResourceServerSpec) { s.Routes[0].Resource.Properties[0].Name = "" }),
			object: soundServer, field: "spec.routes[0].resource.properties[0].name",
			message: "the property has no name; name it as conditions read it",
		},

		"a policy about no actor": {
			spoil:  policy(func(s *v1alpha1.DelegationPolicySpec) { s.Actors = nil }),
			object: soundPolicy, field: "spec.actors",
			message: "there is no actor; name at least one",
		},
		"a policy about no subject": {
			spoil:  policy(func(s *v1alpha1.DelegationPolicySpec) { s.Subjects = nil }),
			object: soundPolicy, field: "spec.subjects",
			message: "there is no subject; name at least one",
		},
		"a policy about no audience": {
			spoil:  policy(func(s *v1alpha1.DelegationPolicySpec) { s.Audiences = nil }),
			object: soundPolicy, field: "spec.audiences",
			message: "there is no audience; name at least one",
		},
		"a policy about an empty audience": {
			spoil:  policy(func(s *v1alpha1.DelegationPolicySpec) { s.Audiences[0].Audience = "" }),
			object: soundPolicy, field: "spec.audiences[0].audience",
			message: "the audience is empty; name that of a ResourceServer",
		},
		"a policy about an empty scope": { // THREATS 23
			spoil:  policy(func(s *v1alpha1.DelegationPolicySpec) { s.Audiences[0].Scopes[0] = "" }),
			object: soundPolicy, field: "spec.audiences[0].scopes[0]",
			message: `"": the scope is empty; name one`,
		},
		"a token lifetime below nothing": {
			spoil:  policy(func(s *v1alpha1.DelegationPolicySpec) { s.Limits.MaxTokenLifetimeSeconds = -1 }),
			object: soundPolicy, field: "spec.limits.maxTokenLifetimeSeconds",
			message: "-1 is less than nothing; give a number of seconds from 1, or leave it out for no limit",
		},
		"a subject age below nothing": {
			spoil:  policy(func(s *v1alpha1.DelegationPolicySpec) { s.Limits.MaxSubjectAgeSeconds = -1 }),
			object: soundPolicy, field: "spec.limits.maxSubjectAgeSeconds",
			message: "-1 is less than nothing; give a number of seconds from 1, or leave it out for no limit",
		},
		"a chain deeper than chains are": {
			spoil:  policy(func(s *v1alpha1.DelegationPolicySpec) { s.Limits.MaxChainDepth = 9 }),
			object: soundPolicy, field: "spec.limits.maxChainDepth",
			message: "9 is not from 1 to 8; a chain has at least the current actor, and no more than that",
		},
		"a grant without an end": {
			spoil:  policy(func(s *v1alpha1.DelegationPolicySpec) { s.RequireGrant.MaxLifetimeSeconds = 0 }),
			object: soundPolicy, field: "spec.requireGrant.maxLifetimeSeconds",
			message: "a grant needs an end; say for how many seconds one may last",
		},
		"a grant that nobody may approve": {
			spoil:  policy(func(s *v1alpha1.DelegationPolicySpec) { s.RequireGrant.Approvers.Usernames = nil }),
			object: soundPolicy, field: "spec.requireGrant.approvers",
			message: "nobody may approve, so nothing could ever be granted; name groups or usernames",
		},
		"an approver without a name": {
			spoil: policy(func(s *v1alpha1.DelegationPolicySpec) {
				s.RequireGrant.Approvers.Usernames = []v1alpha1.Username{"carol", ""}
			}),
			object: soundPolicy, field: "spec.requireGrant.approvers.usernames[1]",
			message: "the entry is empty; fill it in or remove it",
		},
		"a binding that nobody knows": {
			spoil: policy(func(s *v1alpha1.DelegationPolicySpec) {
				s.RequireGrant.Bind = []v1alpha1.GrantBinding{"Resource", "Mood"}
			}),
			object: soundPolicy, field: "spec.requireGrant.bind[1]",
			message: `"Mood" is not known; say Resource, Session or Arguments`,
		},

		"a delegation of no service account": {
			spoil:  delegation(func(s *v1alpha1.ServiceDelegationSpec) { s.ServiceAccountName = "" }),
			object: soundDelegation, field: "spec.serviceAccountName",
			message: "there is no service account; name the one that this is about",
		},
		"a delegation that declares nothing": {
			spoil:  delegation(func(s *v1alpha1.ServiceDelegationSpec) { s.Audiences, s.Onward = nil, nil }),
			object: soundDelegation, field: "spec",
			message: "nothing is declared; say audiences, onward or both",
		},
		"a declared audience that is empty": {
			spoil:  delegation(func(s *v1alpha1.ServiceDelegationSpec) { s.Audiences[0].Audience = "" }),
			object: soundDelegation, field: "spec.audiences[0].audience",
			message: "the audience is empty; name that of a ResourceServer",
		},
		"a declared audience without scopes": {
			spoil:  delegation(func(s *v1alpha1.ServiceDelegationSpec) { s.Onward[0].Audiences[0].Scopes = nil }),
			object: soundDelegation, field: "spec.onward[0].audiences[0].scopes",
			message: "there is no scope; name at least one",
		},
		"a declared scope that is a pattern": {
			spoil:  delegation(func(s *v1alpha1.ServiceDelegationSpec) { s.Audiences[0].Scopes[0] = "*" }),
			object: soundDelegation, field: "spec.audiences[0].scopes[0]",
			message: `"*": a segment that is '*' alone is a pattern, which only a DelegationPolicy may use; spell the scope out`,
		},
		"a next service without a name": {
			spoil:  delegation(func(s *v1alpha1.ServiceDelegationSpec) { s.Onward[0].To.ServiceAccount = "" }),
			object: soundDelegation, field: "spec.onward[0].to",
			message: "the next service is not named in full; give namespace and serviceAccount",
		},
		"a next service with nothing to use": {
			spoil:  delegation(func(s *v1alpha1.ServiceDelegationSpec) { s.Onward[0].Audiences = nil }),
			object: soundDelegation, field: "spec.onward[0].audiences",
			message: "there is no audience; name what the next service may use",
		},

		"an issuer without a URL": {
			spoil:  issuer(func(s *v1alpha1.TrustedIssuerSpec) { s.URL = "" }),
			object: soundIssuer, field: "spec.url",
			message: "there is no issuer URL; give the exact 'iss' of its tokens",
		},
		"an issuer without audiences": { // THREATS 15
			spoil:  issuer(func(s *v1alpha1.TrustedIssuerSpec) { s.Audiences = nil }),
			object: soundIssuer, field: "spec.audiences",
			message: "there is no audience, and a token for anybody is a token for nobody; name at least one",
		},
		"an issuer without algorithms": { // THREATS 13
			spoil:  issuer(func(s *v1alpha1.TrustedIssuerSpec) { s.Algorithms = nil }),
			object: soundIssuer, field: "spec.algorithms",
			message: "there is no algorithm; name those that the issuer signs with, such as ES256",
		},
		"an issuer that says nothing of scopes": {
			spoil:  issuer(func(s *v1alpha1.TrustedIssuerSpec) { s.Scopes.Type = "" }),
			object: soundIssuer, field: "spec.scopes.type",
			message: `"" is not known; say Claim or Unbounded`,
		},
		"keys at no URL": {
			spoil: func(w *compile.World) {
				w.IssuerKeys = map[string]string{"corp": w.Issuers[0].Spec.Keys.JWKS}
				w.Issuers[0].Spec.Keys = v1alpha1.IssuerKeys{Type: v1alpha1.KeysURL}
			},
			object: soundIssuer, field: "spec.keys.url",
			message: "type URL needs a URL; give that of the JWK set",
		},
		"an RSA key that is too small": { // THREATS 13
			spoil: issuer(func(s *v1alpha1.TrustedIssuerSpec) {
				s.Keys.JWKS = `{"keys":[{"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("_", 168) + `__8"}]}`
			}),
			object: soundIssuer, field: "spec.keys.jwks",
			message: "the JWK set cannot be used: keys[0]: its RSA modulus has 1024 bits; 2048 are the least; give a set with public keys of the issuer",
		},
		"keys from where nobody knows": {
			spoil:  issuer(func(s *v1alpha1.TrustedIssuerSpec) { s.Keys.Type = "File" }),
			object: soundIssuer, field: "spec.keys.type",
			message: `"File" is not known; say Discovery, URL or Inline`,
		},

		"a grant for nobody": {
			spoil:  grant(func(s *v1alpha1.DelegationGrantSpec) { s.Subject.ID = "" }),
			object: soundGrant, field: "spec.subject.id",
			message: "there is no subject; name the person by the id that tokens carry in 'sub'",
		},
		"a grant to no service": {
			spoil:  grant(func(s *v1alpha1.DelegationGrantSpec) { s.Actor.Namespace = "" }),
			object: soundGrant, field: "spec.actor",
			message: "the service is not named in full; give namespace and serviceAccount",
		},
		"a grant for no audience": {
			spoil:  grant(func(s *v1alpha1.DelegationGrantSpec) { s.Audience = "" }),
			object: soundGrant, field: "spec.audience",
			message: "the audience is empty; name that of a ResourceServer",
		},
		"a grant for no scope": {
			spoil:  grant(func(s *v1alpha1.DelegationGrantSpec) { s.Scopes = nil }),
			object: soundGrant, field: "spec.scopes",
			message: "there is no scope; name at least one",
		},
		"a grant that never ends": {
			spoil:  grant(func(s *v1alpha1.DelegationGrantSpec) { s.NotAfter = metav1.Time{} }),
			object: soundGrant, field: "spec.notAfter",
			message: "a grant needs an end; say until when",
		},
		"a grant from before 1970": {
			spoil: grant(func(s *v1alpha1.DelegationGrantSpec) {
				s.NotAfter = metav1.NewTime(time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC))
			}),
			object: soundGrant, field: "spec.notAfter",
			message: "a grant needs an end; say until when",
		},

		"a cluster whose keys are unreadable": {
			spoil: func(w *compile.World) {
				w.Cluster = &bundle.Cluster{Issuer: "https://kubernetes.default.svc", JWKS: `{"keys":[]}`}
			},
			object: "Cluster https://kubernetes.default.svc", field: "jwks",
			message: "the keys of the cluster's service account issuer cannot be used, so no service can be known: it has no key that " +
				"can verify signatures; see to it that the API server's /openid/v1/jwks can be read",
		},
		"service accounts of which the declared ones are missing": {
			spoil: func(w *compile.World) {
				w.ServiceAccounts = []compile.ServiceAccount{{Namespace: "support", Name: "portal", UID: "u"}}
			},
			object: soundDelegation, field: "spec.onward[0].to", severity: compile.Warning,
			message: "there is no service account support/search; create it or correct the name",
		},
		"a grant that lasts too long": {
			spoil: grant(func(s *v1alpha1.DelegationGrantSpec) {
				s.NotAfter = metav1.NewTime(s.NotAfter.Add(720*time.Hour - 30*time.Second))
			}),
			object: soundGrant, field: "spec.notAfter", severity: compile.Warning,
			message: "no policy counts it: it lasts 720h, DelegationPolicy portal allows 1m; make a new one that keeps to a policy",
		},
		"a grant that the wrong person approved": {
			spoil:  grant(func(s *v1alpha1.DelegationGrantSpec) { s.Approver.Username = "dave" }),
			object: soundGrant, field: "spec.approver", severity: compile.Warning,
			message: "no policy counts it: dave is none of the approvers that DelegationPolicy portal names; make a new one that keeps to a policy",
		},
		"a grant that its subject approved": {
			spoil:  grant(func(s *v1alpha1.DelegationGrantSpec) { s.Subject.ID = "carol" }),
			object: soundGrant, field: "spec.approver", severity: compile.Warning,
			message: "no policy counts it: its approver is its subject, and DelegationPolicy portal wants another one; make a new one that keeps to a policy",
		},
		"a grant for no resource": {
			spoil:  grant(func(s *v1alpha1.DelegationGrantSpec) { s.Resource = nil }),
			object: soundGrant, field: "spec.resource", severity: compile.Warning,
			message: "no policy counts it: it names no resource, and DelegationPolicy portal binds it; make a new one that keeps to a policy",
		},
		"a grant that is asked for and lasts too long": {
			spoil: grant(func(s *v1alpha1.DelegationGrantSpec) {
				s.NotAfter = metav1.NewTime(s.NotAfter.Add(90 * time.Minute))
				s.State, s.Approver = v1alpha1.GrantRequested, nil
			}),
			object: soundGrant, field: "spec.notAfter", severity: compile.Warning,
			message: "no policy counts it: it lasts 1h30m30s, DelegationPolicy portal allows 1m; make a new one that keeps to a policy",
		},
		"a grant without a session that the policy binds": {
			spoil: policy(func(s *v1alpha1.DelegationPolicySpec) {
				s.RequireGrant.Bind = []v1alpha1.GrantBinding{v1alpha1.BindSession}
			}),
			object: soundGrant, field: "spec.session", severity: compile.Warning,
			message: "no policy counts it: it names no session, and DelegationPolicy portal binds it; make a new one that keeps to a policy",
		},
		"a grant without a digest that the policy binds": {
			spoil: policy(func(s *v1alpha1.DelegationPolicySpec) {
				s.RequireGrant.Bind = []v1alpha1.GrantBinding{v1alpha1.BindArguments}
			}),
			object: soundGrant, field: "spec.argumentsDigest", severity: compile.Warning,
			message: "no policy counts it: it has no digest of the arguments, and DelegationPolicy portal binds them; make a new one that keeps to a policy",
		},
		"a grant that two policies do not count, each for a reason of its own": {
			spoil: func(w *compile.World) {
				second := w.Policies[0].DeepCopy()
				second.Name, second.Spec.RequireGrant.MaxLifetimeSeconds = "second", 10
				w.Policies[0].Spec.RequireGrant.Approvers.Usernames = []v1alpha1.Username{"erin"}
				w.Policies = append(w.Policies, *second)
			},
			object: soundGrant, field: "spec", severity: compile.Warning,
			message: "no policy counts it: carol is none of the approvers that DelegationPolicy portal names, it lasts 30s, DelegationPolicy second allows 10s; make a new one that keeps to a policy",
		},
		"a grant of which nobody knows when it was made": {
			spoil:  func(w *compile.World) { w.Grants[0].CreationTimestamp = metav1.Time{} },
			object: soundGrant, field: "metadata.creationTimestamp", severity: compile.Warning,
			message: "a grant counts from when it was made, and this one does not say when, so that no policy counts it; add the time, as the API server does",
		},
		"a policy for a service account that is not there": {
			spoil: func(w *compile.World) {
				w.ServiceAccounts = []compile.ServiceAccount{{Namespace: "support", Name: "search", UID: "u"}}
			},
			object: soundPolicy, field: "spec.actors[0].serviceAccount", severity: compile.Warning,
			message: "there is no service account support/portal, so no service is meant yet; correct the name or create it",
		},
		"a policy for a namespace that is not there": {
			spoil:  func(w *compile.World) { w.Namespaces = []compile.Namespace{{Name: "sales"}} },
			object: soundPolicy, field: "spec.actors[0].namespace", severity: compile.Warning,
			message: `there is no namespace "support", so no service is meant yet; correct the name or create it`,
		},
		"disclosing what no issuer forwards": {
			spoil: func(w *compile.World) {
				w.Issuers[0].Spec.Forward = []v1alpha1.ClaimName{"site"}
				w.Policies[0].Spec.Disclose = []v1alpha1.ClaimName{"site", "departement"}
			},
			object: soundPolicy, field: "spec.disclose[1]", severity: compile.Warning,
			message: `no TrustedIssuer of spec.subjects forwards the claim "departement", so there is nothing to disclose; correct it, or add it to spec.forward of the issuer`,
		},
		"a route for people and services alike": {
			spoil: server(func(s *v1alpha1.ResourceServerSpec) {
				s.Routes[0].Callers = []v1alpha1.Caller{v1alpha1.CallerDelegated, v1alpha1.CallerUser}
			}),
			object: soundServer, field: "spec.routes[0].callers", severity: compile.Warning,
			message: "a service that leaves its actor token out is judged here as the person alone; give people a path of their own, or name one kind of caller, unless both are meant",
		},
		"a condition that compares nothing": {
			spoil: policy(func(s *v1alpha1.DelegationPolicySpec) {
				s.Conditions = []v1alpha1.Condition{{Expression: "context.purpose"}}
			}),
			object: soundPolicy, field: "spec.conditions[0].expression",
			message: "the expression does not compile: line 1, column 1: the expression yields dyn, and a condition is a bool; compare it, for example context.purpose == 'support'; until then the policy permits nothing",
		},
		"a condition that assigns": {
			spoil: policy(func(s *v1alpha1.DelegationPolicySpec) {
				s.Conditions = []v1alpha1.Condition{{Expression: "'a=b' != context.x && context.purpose = 'support'"}}
			}),
			object: soundPolicy, field: "spec.conditions[0].expression",
			message: "the expression does not compile: line 1, column 39: Syntax error: token recognition error at: '= '; did you mean ==?; until then the policy permits nothing",
		},
		"a condition that assigns after a text with a quote": {
			spoil: policy(func(s *v1alpha1.DelegationPolicySpec) {
				s.Conditions = []v1alpha1.Condition{{Expression: `'it\'s =' != context.x && context.purpose = 'support'`}}
			}),
			object: soundPolicy, field: "spec.conditions[0].expression",
			message: "the expression does not compile: line 1, column 43: Syntax error: token recognition error at: '= '; did you mean ==?; until then the policy permits nothing",
		},
		"actors of a namespace and of selected ones": {
			spoil: policy(func(s *v1alpha1.DelegationPolicySpec) {
				s.Actors = append(s.Actors, v1alpha1.ActorSelector{
					Namespace: "support", All: new(true),
					NamespaceSelector: v1alpha1.NamespaceSelector{MatchLabels: map[string]string{"team": "support"}},
				})
			}),
			object: soundPolicy, field: "spec.actors[1]",
			message: "both namespace and namespaceSelector are said; keep one of them",
		},
		"a label without a name": {
			spoil: policy(func(s *v1alpha1.DelegationPolicySpec) {
				s.Actors[0].Namespace = ""
				s.Actors[0].NamespaceSelector.MatchExpressions = []v1alpha1.LabelRequirement{{Operator: v1alpha1.LabelExists}}
			}),
			object: soundPolicy, field: "spec.actors[0].namespaceSelector.matchExpressions[0].key",
			message: "the requirement names no label; say which label it is about",
		},
		"an issuer that nobody trusts": {
			spoil:  policy(func(s *v1alpha1.DelegationPolicySpec) { s.Subjects[0].Issuer = "crop" }),
			object: soundPolicy, field: "spec.subjects[0].issuer", severity: compile.Warning,
			message: `no TrustedIssuer is named "crop", so nobody is meant yet; correct the name or create it`,
		},
	}
	for sentence, c := range cases {
		t.Run(sentence, func(t *testing.T) {
			w := soundWorld(t)
			c.spoil(&w)
			r := compile.Compile(w)
			var own []compile.Problem
			for _, p := range r.Problems {
				if p.Object.String() == c.object {
					own = append(own, p)
				}
			}
			if len(own) != 1 {
				t.Fatalf("%s has %d problems, want 1: %v", c.object, len(own), own)
			}
			if p := own[0]; p.Field != c.field || p.Message != c.message || p.Severity != c.severity {
				t.Errorf("got %s %s\nwant %s %s: %s: %s", p.Severity, p, c.severity, c.object, c.field, c.message)
			}
			expectReport(t, r, own[0])
		})
	}
}

// expectReport holds the report of an object against its one problem.
func expectReport(t *testing.T, r *compile.Result, p compile.Problem) {
	t.Helper()
	if p.Object.Kind == compile.KindCluster {
		return
	}
	report := r.Reports[compile.KeyOf(p.Object)]
	if want := p.Severity == compile.Warning; report.Accepted != want {
		t.Errorf("%s: accepted is %v, want %v", p.Object, report.Accepted, want)
	}
	if !report.Accepted && (report.Reason != p.Reason || report.Message != p.Field+": "+p.Message) {
		t.Errorf("%s reports %s, %s; want those of its problem", p.Object, report.Reason, report.Message)
	}
	if got := r.ProblemsOf(compile.KeyOf(p.Object)); len(got) != 1 || got[0] != p {
		t.Errorf("ProblemsOf gives %v, want the one problem", got)
	}
}

// Every problem that the golden cases show names an object of the case and a field, and says what to do.
func TestEveryProblemNamesObjectFieldAndRemedy(t *testing.T) {
	for _, name := range goldenCases(t) {
		r := compile.Compile(loadWorld(t, filepath.Join(goldenFolder, name)))
		for _, p := range r.Problems {
			if _, ok := r.Reports[compile.KeyOf(p.Object)]; !ok {
				t.Errorf("%s: %s: no such object", name, p)
			}
			if p.Field != "spec" && !strings.HasPrefix(p.Field, "spec.") {
				t.Errorf("%s: %s: no field", name, p)
			}
			if !strings.ContainsAny(p.Message, ";:") || strings.Contains(p.Message, "%!") || strings.Contains(p.Message, "\n") {
				t.Errorf("%s: %s: no remedy, or badly written", name, p)
			}
		}
	}
}

// So does every problem of whatever worlds chance makes up.
func TestEveryProblemOfAnyWorldNamesObjectFieldAndRemedy(t *testing.T) {
	for seed := range uint64(sequences / 10) {
		s := newShifting(seed)
		for range 2 * changesBefore {
			s.change(compile.NewCompiler())
		}
		r := compile.Compile(s.world())
		for _, p := range r.Problems {
			_, reported := r.Reports[compile.KeyOf(p.Object)]
			named := p.Field == "spec" || strings.HasPrefix(p.Field, "spec.")
			if p.Object.Kind == compile.KindCluster {
				reported, named = true, p.Field == "jwks"
			}
			if !reported || !named || !strings.ContainsAny(p.Message, ";:") || strings.Contains(p.Message, "%!") || strings.Contains(p.Message, "\n") {
				t.Fatalf("seed %d: %s: no object, no field, no remedy, or badly written", seed, p)
			}
		}
	}
}

// Whoever is refused an object is not told what holds until it is mended.
func TestARefusalLeavesTheConsequenceOut(t *testing.T) {
	p := compile.Problem{Message: "it is wrong; mend it; until then it forbids", Consequence: "; until then it forbids"}
	if got := p.Refusal(); got != "it is wrong; mend it" {
		t.Errorf("got %q", got)
	}
}

func TestAProblemReadsAsOneLine(t *testing.T) {
	w := soundWorld(t)
	w.ResourceServers[0].Spec.Hosts = []string{"*.example"}
	want := `ResourceServer support/tickets: spec.hosts[0]: "*.example" is a pattern and hosts are exact; name each host`
	if got := compile.Compile(w).ProblemsOf(
		compile.Key{Kind: compile.KindResourceServer, Namespace: "support", Name: "tickets"})[0].String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSeverityReadsAsAWord(t *testing.T) {
	if compile.Error.String() != "Error" || compile.Warning.String() != "Warning" {
		t.Errorf("got %s and %s", compile.Error, compile.Warning)
	}
}
