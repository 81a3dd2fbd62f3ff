// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package estate

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
)

// World gives the objects.
func (e *Estate) World() compile.World {
	return compile.World{
		ResourceServers:    each(e.ResourceServers, e.resourceServer),
		Policies:           append(each(e.Delegations, e.permit), each(e.ResourceServers, e.forbid)...),
		ServiceDelegations: each(e.Delegations, e.serviceDelegation),
		Issuers:            []v1alpha1.TrustedIssuer{issuer()},
		Revocations:        e.revocations(),
		Namespaces:         everyNamespace(),
		IssuerKeys:         map[string]string{Issuer: jwks},
		Cluster:            &bundle.Cluster{Issuer: "https://kubernetes.default.svc", JWKS: jwks},
	}
}

func each[T any](count int, one func(int) T) []T {
	all := make([]T, count)
	for i := range all {
		all[i] = one(i)
	}
	return all
}

func meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Generation: 1, UID: types.UID(namespace + "/" + name)}
}

func everyNamespace() []compile.Namespace {
	all := each(namespaces, func(i int) compile.Namespace {
		return compile.Namespace{Name: namespaceOf(i), Labels: map[string]string{"tier": "internal"}}
	})
	return append(all, compile.Namespace{Name: strangers, Labels: map[string]string{"tier": "guest"}})
}

// jwks is a public key that nothing was ever signed with.
const jwks = `{"keys":[{"use":"sig","kty":"EC","kid":"es-a","crv":"P-256","alg":"ES256",` +
	`"x":"mAJebxpzTxeXus84uUsPVHunX0mvTBgerc9KG7I2E8o","y":"Q-r3W1lrWhsRjTbtAjVQFAdPnbk8hvbRlNGisq_1RiA"}]}`

func issuer() v1alpha1.TrustedIssuer {
	return v1alpha1.TrustedIssuer{ObjectMeta: meta("", Issuer), Spec: v1alpha1.TrustedIssuerSpec{
		URL: "https://idp.example", Audiences: []v1alpha1.Audience{"behalf"},
		Algorithms: []v1alpha1.SignatureAlgorithm{"ES256"},
		Keys:       v1alpha1.IssuerKeys{Type: v1alpha1.KeysDiscovery},
		Scopes:     v1alpha1.IssuerScopes{Type: v1alpha1.IssuerScopesClaim, Claim: "scope"},
	}}
}

func (e *Estate) resourceServer(i int) v1alpha1.ResourceServer {
	return v1alpha1.ResourceServer{ObjectMeta: meta(namespaceOf(i%namespaces), serverOf(i)), Spec: v1alpha1.ResourceServerSpec{
		Audience: v1alpha1.Audience(audienceOf(i)),
		Hosts:    []string{serverOf(i) + ".example"},
		AllowedActors: v1alpha1.AllowedActors{Namespaces: v1alpha1.ActorNamespaces{
			From: v1alpha1.NamespacesSelector, Selector: v1alpha1.NamespaceSelector{MatchLabels: map[string]string{"tier": "internal"}},
		}},
		Scopes: each(len(scopes), func(scope int) v1alpha1.Scope {
			return v1alpha1.Scope{Name: v1alpha1.ScopeName(scopes[scope]), Entitlements: []v1alpha1.Entitlement{
				{Subjects: peopleIn(entitledGroups(i, scope))},
			}}
		}),
	}}
}

func peopleIn(numbers []int) v1alpha1.SubjectSelector {
	selector := v1alpha1.SubjectSelector{Issuer: Issuer}
	for _, n := range numbers {
		selector.Groups = append(selector.Groups, v1alpha1.GroupName(groupOf(n)))
	}
	return selector
}

func (e *Estate) serviceDelegation(i int) v1alpha1.ServiceDelegation {
	d := e.delegations[i]
	actor, next := actorOf(d.actor), actorOf(e.delegations[e.ahead(i, 1)].actor)
	return v1alpha1.ServiceDelegation{
		ObjectMeta: meta(actor.Namespace, fmt.Sprintf("%s-%s-%d", actor.ServiceAccount, serverOf(d.server), i)),
		Spec: v1alpha1.ServiceDelegationSpec{
			ServiceAccountName: v1alpha1.ServiceAccountName(actor.ServiceAccount),
			Purpose:            "Do for people what they ask of it",
			Audiences:          named(d.server, declared(i)),
			Onward: []v1alpha1.Onward{{
				To: v1alpha1.ServiceAccountReference{
					Namespace: v1alpha1.NamespaceName(next.Namespace), ServiceAccount: v1alpha1.ServiceAccountName(next.ServiceAccount),
				},
				Audiences: named(d.server, passedOn()),
			}},
		},
	}
}

func named(server int, numbers []int) []v1alpha1.AudienceScopes {
	entry := v1alpha1.AudienceScopes{Audience: v1alpha1.Audience(audienceOf(server))}
	for _, n := range numbers {
		entry.Scopes = append(entry.Scopes, v1alpha1.ScopeName(scopes[n]))
	}
	return []v1alpha1.AudienceScopes{entry}
}

func patterns(server int, numbers []int) []v1alpha1.AudienceScopePatterns {
	entry := v1alpha1.AudienceScopePatterns{Audience: v1alpha1.Audience(audienceOf(server))}
	for _, n := range numbers {
		entry.Scopes = append(entry.Scopes, v1alpha1.ScopePattern(scopes[n]))
	}
	return []v1alpha1.AudienceScopePatterns{entry}
}

func (e *Estate) permit(i int) v1alpha1.DelegationPolicy {
	d := e.delegations[i]
	actor := actorOf(d.actor)
	spec := v1alpha1.DelegationPolicySpec{
		Effect: v1alpha1.EffectPermit,
		Actors: []v1alpha1.ActorSelector{{
			Namespace: v1alpha1.NamespaceName(actor.Namespace), ServiceAccount: v1alpha1.ServiceAccountName(actor.ServiceAccount),
		}},
		Subjects:  []v1alpha1.SubjectSelector{peopleIn(permittedGroups(i))},
		Audiences: patterns(d.server, declared(i)),
		Limits: v1alpha1.Limits{
			MaxTokenLifetimeSeconds: int32(maxTokenLifetime.Seconds()), MaxSubjectAgeSeconds: int32(maxSubjectAge.Seconds()), MaxChainDepth: MaxDepth,
		},
	}
	if c, ok := e.conditionOf(i); ok {
		spec.Conditions = []v1alpha1.Condition{{Expression: c.Expression()}}
	}
	return v1alpha1.DelegationPolicy{ObjectMeta: meta("", fmt.Sprintf("permit-%06d", i)), Spec: spec}
}

// forbid keeps contractors from what is passed on, in ten namespaces.
func (e *Estate) forbid(server int) v1alpha1.DelegationPolicy {
	return v1alpha1.DelegationPolicy{ObjectMeta: meta("", "forbid-"+serverOf(server)), Spec: v1alpha1.DelegationPolicySpec{
		Effect: v1alpha1.EffectForbid,
		Actors: each(10, func(i int) v1alpha1.ActorSelector {
			return v1alpha1.ActorSelector{Namespace: v1alpha1.NamespaceName(namespaceOf((server + i) % namespaces)), All: new(true)}
		}),
		Subjects:  []v1alpha1.SubjectSelector{{Issuer: Issuer, Groups: []v1alpha1.GroupName{contractors}}},
		Audiences: patterns(server, []int{handedOn + 1}),
	}}
}
