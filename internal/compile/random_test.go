// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
)

// chance makes up objects from so few names that they keep meeting: they claim the same hosts, name each other's audiences,
// hand on to each other, and every so often one of them makes no sense.
type chance struct{ *rand.Rand }

func (c chance) often() bool  { return c.IntN(4) > 0 }
func (c chance) seldom() bool { return c.IntN(8) == 0 }
func (c chance) rarely() bool { return c.IntN(40) == 0 }

func pick[T any](c chance, from ...T) T { return from[c.IntN(len(from))] }

// some are up to most of them, in any order, perhaps twice.
func some[T any](c chance, most int, from ...T) []T {
	var out []T
	for range c.IntN(most + 1) {
		out = append(out, pick(c, from...))
	}
	return out
}

// several are made up to most times; mostly there is at least one.
func several[T any](c chance, most int, one func() T) []T {
	n := c.IntN(most + 1)
	if n == 0 && !c.rarely() {
		n = 1
	}
	var out []T
	for range n {
		out = append(out, one())
	}
	return out
}

const (
	jwksES = `{"keys":[{"use":"sig","kty":"EC","kid":"es-a","crv":"P-256","alg":"ES256","x":"mAJebxpzTxeXus84uUsPVHunX0mvTBgerc9KG7I2E8o","y":"Q-r3W1lrWhsRjTbtAjVQFAdPnbk8hvbRlNGisq_1RiA"}]}`
	noJWKS = `{"keys":[]}`
)

func (c chance) meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: namespace, Name: name, Generation: int64(1 + c.IntN(3)), UID: pick[types.UID](c, "u", "u", "u", "v"),
		CreationTimestamp: metav1.NewTime(time.Date(2026, 6, 1, 10, c.IntN(3), 0, 0, time.UTC)),
	}
}

func (c chance) namespace() v1alpha1.NamespaceName {
	return pick[v1alpha1.NamespaceName](c, "blue", "green", "red")
}

func (c chance) account() v1alpha1.ServiceAccountName {
	return pick[v1alpha1.ServiceAccountName](c, "api", "job")
}

func (c chance) service() v1alpha1.ServiceAccountReference {
	ref := v1alpha1.ServiceAccountReference{Namespace: c.namespace(), ServiceAccount: c.account()}
	if c.rarely() {
		ref.Namespace = ""
	}
	return ref
}

func (c chance) issuer() v1alpha1.IssuerName {
	if c.rarely() {
		return ""
	}
	return pick[v1alpha1.IssuerName](c, "corp", "corp", "corp", "partner")
}

func (c chance) audience() v1alpha1.Audience {
	if c.rarely() {
		return ""
	}
	return pick[v1alpha1.Audience](c, "https://a", "https://b", "https://c")
}

func (c chance) scope() v1alpha1.ScopeName {
	if c.rarely() {
		return pick[v1alpha1.ScopeName](c, "", "a b", "a:*")
	}
	return pick[v1alpha1.ScopeName](c, "a:read", "a:write", "a:x:y", "b")
}

func (c chance) pattern() v1alpha1.ScopePattern {
	if c.rarely() {
		return "a:*:y"
	}
	return pick[v1alpha1.ScopePattern](c, "a:*", "*", "a:read", "b", "c:*", "a*")
}

func (c chance) conditions() []v1alpha1.Condition {
	if c.often() {
		return nil
	}
	return some(c, 2,
		v1alpha1.Condition{Expression: "context.purpose == 'support'"},
		v1alpha1.Condition{Expression: "subject.id == 'alice'", Message: "alice only"},
		v1alpha1.Condition{Expression: "subject.id = 'alice'"},
	)
}

func (c chance) people() v1alpha1.SubjectSelector {
	sel := v1alpha1.SubjectSelector{
		Issuer: c.issuer(), Groups: some[v1alpha1.GroupName](c, 2, "staff", "clerks"), Users: some[v1alpha1.SubjectID](c, 1, "alice"),
	}
	if c.seldom() || len(sel.Groups)+len(sel.Users) == 0 && !c.rarely() {
		sel.All = new(true)
	}
	return sel
}

func (c chance) labels() v1alpha1.NamespaceSelector {
	sel := v1alpha1.NamespaceSelector{}
	if c.IntN(2) == 0 {
		sel.MatchLabels = map[string]string{"tier": pick(c, "front", "back")}
	}
	if len(sel.MatchLabels) == 0 && !c.rarely() || c.seldom() {
		sel.MatchExpressions = []v1alpha1.LabelRequirement{c.requirement()}
	}
	return sel
}

func (c chance) requirement() v1alpha1.LabelRequirement {
	r := v1alpha1.LabelRequirement{Key: pick(c, "tier", "team"), Operator: pick(c, v1alpha1.LabelIn, v1alpha1.LabelNotIn)}
	switch {
	case c.seldom():
		r.Operator = "Is"
	case c.IntN(3) == 0:
		r.Operator = pick(c, v1alpha1.LabelExists, v1alpha1.LabelDoesNotExist)
		return r
	}
	r.Values = several(c, 2, func() string { return pick(c, "front", "back") })
	return r
}

func (c chance) actors() v1alpha1.ActorSelector {
	sel := v1alpha1.ActorSelector{ServiceAccount: c.account()}
	if c.IntN(3) == 0 {
		sel.ServiceAccount, sel.All = "", new(true)
	}
	if c.IntN(3) == 0 {
		sel.NamespaceSelector = c.labels()
	} else {
		sel.Namespace = c.namespace()
	}
	return sel
}

func (c chance) enforcement() v1alpha1.Enforcement {
	if c.often() {
		return v1alpha1.Enforcement{}
	}
	e := v1alpha1.Enforcement{Mode: v1alpha1.EnforcementDryRun}
	if !c.seldom() {
		e.Until = new(metav1.NewTime(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)))
	}
	return e
}

func (c chance) resourceServer(namespace, name string) *v1alpha1.ResourceServer {
	allowed := v1alpha1.ActorNamespaces{From: pick(c, v1alpha1.NamespacesAll, v1alpha1.NamespacesAll, v1alpha1.NamespacesSame, v1alpha1.NamespacesSelector)}
	if allowed.From == v1alpha1.NamespacesSelector || c.rarely() {
		allowed.Selector = c.labels()
	}
	hosts := some(c, 2, "a.example", "b.example", "c.example", "d.example")
	if c.rarely() {
		hosts = append(hosts, pick(c, "B.example", ""))
	}
	rs := &v1alpha1.ResourceServer{ObjectMeta: c.meta(namespace, name), Spec: v1alpha1.ResourceServerSpec{
		Audience:      c.audience(),
		Hosts:         hosts,
		AllowedActors: v1alpha1.AllowedActors{Namespaces: allowed},
		Enforcement:   c.enforcement(),
	}}
	for _, name := range []v1alpha1.ScopeName{"a:read", "a:write", "a:x:y", "b"} {
		if c.often() {
			rs.Spec.Scopes = append(rs.Spec.Scopes, v1alpha1.Scope{Name: name, Entitlements: several(c, 2, func() v1alpha1.Entitlement {
				return v1alpha1.Entitlement{Subjects: c.people(), Conditions: c.conditions()}
			})})
		}
	}
	if c.IntN(3) == 0 {
		rs.Spec.Routes = []v1alpha1.Route{{Match: v1alpha1.RouteMatch{Methods: []string{"GET"}, Path: "/{id}"}, Scope: c.scope()}}
	}
	return rs
}

func (c chance) policy(_, name string) *v1alpha1.DelegationPolicy {
	spec := v1alpha1.DelegationPolicySpec{
		Effect:      pick[v1alpha1.Effect](c, v1alpha1.EffectPermit, v1alpha1.EffectPermit, v1alpha1.EffectForbid),
		Enforcement: v1alpha1.Enforcement{},
		Actors:      several(c, 2, c.actors), Subjects: several(c, 2, c.people),
		Audiences: several(c, 2, func() v1alpha1.AudienceScopePatterns {
			return v1alpha1.AudienceScopePatterns{Audience: c.audience(), Scopes: several(c, 2, c.pattern)}
		}),
		Conditions: c.conditions(),
		Disclose:   some[v1alpha1.ClaimName](c, 1, "department", "cost"),
		Limits:     v1alpha1.Limits{MaxChainDepth: int32(c.IntN(4))},
	}
	if spec.Effect == v1alpha1.EffectForbid {
		spec.Enforcement = c.enforcement()
	}
	if c.IntN(3) == 0 {
		spec.RequireGrant = &v1alpha1.RequireGrant{
			Bind:               some(c, 2, v1alpha1.BindResource, v1alpha1.BindSession),
			MaxLifetimeSeconds: int32(pick(c, 0, 3600, 3600, 7200)), Approvers: v1alpha1.Approvers{Groups: []v1alpha1.GroupName{"approvers"}},
		}
	}
	return &v1alpha1.DelegationPolicy{ObjectMeta: c.meta("", name), Spec: spec}
}

func (c chance) audienceScopes() v1alpha1.AudienceScopes {
	return v1alpha1.AudienceScopes{Audience: c.audience(), Scopes: several(c, 3, c.scope)}
}

func (c chance) serviceDelegation(namespace, name string) *v1alpha1.ServiceDelegation {
	d := &v1alpha1.ServiceDelegation{ObjectMeta: c.meta(namespace, name), Spec: v1alpha1.ServiceDelegationSpec{
		ServiceAccountName: c.account(), Audiences: several(c, 2, c.audienceScopes),
	}}
	if c.IntN(2) == 0 {
		d.Spec.Onward = several(c, 2, func() v1alpha1.Onward {
			return v1alpha1.Onward{To: c.service(), Audiences: several(c, 2, c.audienceScopes)}
		})
	}
	return d
}

func (c chance) trustedIssuer(_, name string) *v1alpha1.TrustedIssuer {
	spec := v1alpha1.TrustedIssuerSpec{
		URL: pick(c, "https://idp.example", "https://idp.example", "https://other.example", "https://kubernetes", ""), Audiences: []v1alpha1.Audience{"behalf"},
		Algorithms: []v1alpha1.SignatureAlgorithm{"ES256"},
		Keys:       v1alpha1.IssuerKeys{Type: pick(c, v1alpha1.KeysDiscovery, v1alpha1.KeysInline), JWKS: pick(c, jwksES, jwksES, noJWKS, "")},
		Scopes:     v1alpha1.IssuerScopes{Type: v1alpha1.IssuerScopesUnbounded},
		Forward:    some[v1alpha1.ClaimName](c, 2, "department", "cost"),
	}
	return &v1alpha1.TrustedIssuer{ObjectMeta: c.meta("", name), Spec: spec}
}

func (c chance) delegationGrant(namespace, name string) *v1alpha1.DelegationGrant {
	g := &v1alpha1.DelegationGrant{ObjectMeta: c.meta(namespace, name), Spec: v1alpha1.DelegationGrantSpec{
		Subject: v1alpha1.SubjectReference{Issuer: c.issuer(), ID: "alice"}, Actor: c.service(), Audience: c.audience(),
		Scopes: several(c, 2, c.scope), Session: pick(c, "", "s-1"),
		NotAfter: metav1.NewTime(time.Date(2026, 6, 1, 10+c.IntN(4), 30, 0, 0, time.UTC)),
		State:    pick(c, v1alpha1.GrantRequested, v1alpha1.GrantApproved, v1alpha1.GrantApproved, v1alpha1.GrantDenied),
	}}
	if c.often() {
		g.Spec.Approver = &v1alpha1.Approver{Username: pick[v1alpha1.Username](c, "carol", "alice"), Groups: some[v1alpha1.GroupName](c, 2, "approvers", "staff")}
	}
	if c.IntN(2) == 0 {
		g.Spec.Resource = &v1alpha1.GrantResource{Type: "invoice", ID: pick(c, "7", "7", "")}
	}
	return g
}

func (c chance) delegationRevocation(_, name string) *v1alpha1.DelegationRevocation {
	var spec v1alpha1.DelegationRevocationSpec
	subject := &v1alpha1.SubjectReference{Issuer: c.issuer(), ID: "alice"}
	switch c.IntN(6) {
	case 0:
		spec.Subject = subject
	case 1:
		spec.Session = &v1alpha1.SessionReference{Issuer: c.issuer(), ID: "s-1"}
	case 2:
		spec.Actor = new(c.service())
	case 3:
		spec.Edge = &v1alpha1.Edge{To: c.service()}
		if c.often() {
			spec.Edge.From = new(c.service())
		}
		if c.IntN(2) == 0 {
			spec.Edge.Subject = subject
		}
	case 4:
		spec.Grant = &v1alpha1.GrantReference{Namespace: "blue", Name: pick(c, "g0", "g1")}
	default:
		spec.Token = pick(c, "jti-1", "")
	}
	return &v1alpha1.DelegationRevocation{ObjectMeta: c.meta("", name), Spec: spec}
}

// shifting is a World that changes, and tells Compilers of it.
type shifting struct {
	chance
	servers     map[compile.Key]*v1alpha1.ResourceServer
	policies    map[compile.Key]*v1alpha1.DelegationPolicy
	delegations map[compile.Key]*v1alpha1.ServiceDelegation
	issuers     map[compile.Key]*v1alpha1.TrustedIssuer
	grants      map[compile.Key]*v1alpha1.DelegationGrant
	revocations map[compile.Key]*v1alpha1.DelegationRevocation
	namespaces  map[compile.Key]*compile.Namespace
	accounts    map[compile.Key]*compile.ServiceAccount
	keys        map[string]string
	cluster     *bundle.Cluster
	last        map[types.NamespacedName]*v1alpha1.ResourceServer
}

func newShifting(seed uint64) *shifting {
	return &shifting{
		chance:      chance{rand.New(rand.NewPCG(seed, seed))},
		servers:     map[compile.Key]*v1alpha1.ResourceServer{},
		policies:    map[compile.Key]*v1alpha1.DelegationPolicy{},
		delegations: map[compile.Key]*v1alpha1.ServiceDelegation{},
		issuers:     map[compile.Key]*v1alpha1.TrustedIssuer{},
		grants:      map[compile.Key]*v1alpha1.DelegationGrant{},
		revocations: map[compile.Key]*v1alpha1.DelegationRevocation{},
		namespaces:  map[compile.Key]*compile.Namespace{},
		accounts:    map[compile.Key]*compile.ServiceAccount{},
		keys:        map[string]string{},
		last:        map[types.NamespacedName]*v1alpha1.ResourceServer{},
	}
}

// world is what it is now, its lists in whatever order.
func (s *shifting) world() compile.World {
	w := compile.World{
		ResourceServers: listed(s.servers), Policies: listed(s.policies), ServiceDelegations: listed(s.delegations),
		Issuers: listed(s.issuers), Grants: listed(s.grants), Revocations: listed(s.revocations),
		Namespaces: listed(s.namespaces), ServiceAccounts: listed(s.accounts),
		IssuerKeys: maps.Clone(s.keys), Cluster: s.cluster, LastAccepted: map[types.NamespacedName]v1alpha1.ResourceServer{},
	}
	for name, rs := range s.last {
		w.LastAccepted[name] = *rs
	}
	return w
}

func listed[T any](objects map[compile.Key]*T) []T {
	var out []T
	for _, o := range objects {
		out = append(out, *o)
	}
	return out
}

// said is a change in words, once somebody wants to read them.
type said struct {
	text string
	args []any
}

// String is the change on one line.
func (s said) String() string { return fmt.Sprintf(s.text, s.args...) }

// put puts an object in the place of whatever has its name, or removes that.
func put[T compile.Object](s *shifting, c *compile.Compiler, in map[compile.Key]*T, key compile.Key, made *T) said {
	if _, there := in[key]; there && s.IntN(3) == 0 {
		delete(in, key)
		c.Remove(key)
		return said{"remove %v", []any{key}}
	}
	in[key] = made
	compile.Put(c, made)
	return said{"put %v: %+v", []any{key, made}}
}

// change changes one thing, tells the Compiler, and says what it was.
func (s *shifting) change(c *compile.Compiler) said {
	ns, n := string(s.namespace()), s.IntN(3)
	key := func(kind, namespace, prefix string) (compile.Key, string) {
		name := fmt.Sprintf("%s%d", prefix, n)
		return compile.Key{Kind: kind, Namespace: namespace, Name: name}, name
	}
	switch s.IntN(20) {
	case 0, 1, 2:
		ns = pick(s.chance, "blue", "green")
		k, name := key(compile.KindResourceServer, ns, "rs")
		return put(s, c, s.servers, k, s.resourceServer(ns, name))
	case 3, 4, 5:
		k, name := key(compile.KindDelegationPolicy, "", "p")
		return put(s, c, s.policies, k, s.policy("", name))
	case 6, 7, 8:
		k, name := key(compile.KindServiceDelegation, ns, "d")
		return put(s, c, s.delegations, k, s.serviceDelegation(ns, name))
	case 9:
		name := pick(s.chance, "corp", "partner")
		return put(s, c, s.issuers, compile.Key{Kind: compile.KindTrustedIssuer, Name: name}, s.trustedIssuer("", name))
	case 10, 18:
		ns = pick(s.chance, "blue", "blue", "red")
		k, name := key(compile.KindDelegationGrant, ns, "g")
		return put(s, c, s.grants, k, s.delegationGrant(ns, name))
	case 11:
		k, name := key(compile.KindDelegationRevocation, "", "r")
		return put(s, c, s.revocations, k, s.delegationRevocation("", name))
	case 12, 19:
		made := &compile.Namespace{Name: ns, Labels: map[string]string{"tier": pick(s.chance, "front", "back")}}
		return put(s, c, s.namespaces, compile.Key{Kind: compile.KindNamespace, Name: ns}, made)
	case 13, 14:
		account := string(s.account())
		made := &compile.ServiceAccount{Namespace: ns, Name: account, UID: pick(s.chance, "", "1", "2")}
		return put(s, c, s.accounts, compile.Key{Kind: compile.KindServiceAccount, Namespace: ns, Name: account}, made)
	case 15:
		return s.changeKeys(c)
	case 16:
		return s.changeCluster(c)
	default:
		return s.changeLast(c)
	}
}

func (s *shifting) changeKeys(c *compile.Compiler) said {
	name, jwks := pick(s.chance, "corp", "partner"), pick(s.chance, jwksES, noJWKS, "")
	if jwks == "" {
		delete(s.keys, name)
	} else {
		s.keys[name] = jwks
	}
	c.PutIssuerKeys(name, jwks)
	return said{"keys of %s: %s", []any{name, jwks}}
}

func (s *shifting) changeCluster(c *compile.Compiler) said {
	s.cluster = pick(s.chance, nil, &bundle.Cluster{Issuer: "https://kubernetes", JWKS: jwksES},
		&bundle.Cluster{Issuer: "https://kubernetes", JWKS: noJWKS}, &bundle.Cluster{Issuer: "https://idp.example", JWKS: jwksES})
	c.PutCluster(s.cluster)
	return said{"cluster: %+v", []any{s.cluster}}
}

// changeLast remembers a resource server as it is, as another one, or not at all.
func (s *shifting) changeLast(c *compile.Compiler) said {
	names := slices.SortedFunc(maps.Keys(s.servers), func(a, b compile.Key) int { return compareText(a.Namespace+a.Name, b.Namespace+b.Name) })
	if len(names) == 0 {
		return said{text: "nothing to remember"}
	}
	key := pick(s.chance, names...)
	name := types.NamespacedName{Namespace: key.Namespace, Name: key.Name}
	switch s.IntN(5) {
	case 0:
		delete(s.last, name)
	case 1:
		s.last[name] = s.resourceServer(key.Namespace, key.Name)
	default:
		s.last[name] = s.servers[key]
	}
	c.PutLastAccepted(name, s.last[name])
	return said{"last accepted %v: %+v", []any{name, s.last[name]}}
}
