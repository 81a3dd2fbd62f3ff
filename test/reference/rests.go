// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// Rests is what a decision rests on, and what an Allow obliges to. Names are namespace/name, or the name of what has no
// namespace; lists are sorted.
type Rests struct {
	Policies []string
	// Declarations are those of each actor of the chain, the one that comes to the API first.
	Declarations [][]string
	Grant        string
	// Revocations are all that cover a request that is denied for one.
	Revocations []string

	MaxTokenLifetime time.Duration
	NotAfter         time.Time
	Disclose         []string
}

// deniedBy is what a denial rests on: the Forbids that forbid, the revocations that revoke.
func (q *question) deniedBy(o Obstacle) Rests {
	if o.Reason == authz.ReasonForbidden {
		return Rests{Policies: names(q.forbids(false), policyMeta)}
	}
	if o.Reason != authz.ReasonRevoked {
		return Rests{}
	}
	revocations := q.covering()
	if len(revocations) == 0 {
		_, binding := q.grants(q.permitsAskingForGrants())
		for i := range binding {
			revocations = append(revocations, q.revocationsOf(&binding[i])...)
		}
	}
	return Rests{Revocations: names(revocations, revocationMeta)}
}

// allowedBy is what an Allow rests on. A person who comes alone rests on no service's word (ADR 0018).
func (q *question) allowedBy() Rests {
	r := Rests{}
	if token := q.req.Token; token != nil {
		r.NotAfter = token.ExpiresAt
	}
	if q.alone() {
		return r
	}
	r.Declarations = q.declarations()
	deciding := q.deciding(&r)
	r.Policies = names(deciding, policyMeta)
	r.oblige(deciding)
	return r
}

func (q *question) declarations() [][]string {
	actors := q.actors()
	list := [][]string{names(q.ownDeclarations(q.req.Actor), delegationMeta)}
	for i, prior := range slices.Backward(q.req.Via) {
		list = append(list, names(q.edgeDeclarations(prior, actors[i+1]), delegationMeta))
	}
	return list
}

// deciding are the Permits that want no grant, if there are any, and otherwise those that the grant serves: the first by
// name.
func (q *question) deciding(r *Rests) []v1alpha1.DelegationPolicy {
	asking := q.permitsAskingForGrants()
	if len(asking) == 0 {
		return slices.DeleteFunc(q.permits(), func(p v1alpha1.DelegationPolicy) bool { return p.Spec.RequireGrant != nil })
	}
	usable := q.usable(asking)
	slices.SortFunc(usable, func(a, b v1alpha1.DelegationGrant) int { return cmp.Compare(key(a.ObjectMeta), key(b.ObjectMeta)) })
	used := usable[0]
	r.Grant = key(used.ObjectMeta)
	if r.NotAfter.IsZero() || used.Spec.NotAfter.Time.Before(r.NotAfter) {
		r.NotAfter = used.Spec.NotAfter.Time
	}
	return slices.DeleteFunc(asking, func(p v1alpha1.DelegationPolicy) bool { return !q.binds(&used, p.Spec.RequireGrant) })
}

// oblige takes the longest lifetime that a deciding Permit gives, and the claims of those that give it.
func (r *Rests) oblige(deciding []v1alpha1.DelegationPolicy) {
	longest := slices.MaxFunc(deciding, func(a, b v1alpha1.DelegationPolicy) int { return cmp.Compare(lifetime(a), lifetime(b)) })
	if limit := longest.Spec.Limits.MaxTokenLifetimeSeconds; limit > 0 {
		r.MaxTokenLifetime = time.Duration(limit) * time.Second
	}
	for _, p := range deciding {
		if lifetime(p) != lifetime(longest) {
			continue
		}
		for _, claim := range p.Spec.Disclose {
			r.Disclose = append(r.Disclose, string(claim))
		}
	}
	slices.Sort(r.Disclose)
	r.Disclose = slices.Compact(r.Disclose)
}

// lifetime is what a Permit lets a token live, where no limit is the most.
func lifetime(p v1alpha1.DelegationPolicy) int64 {
	if p.Spec.Limits.MaxTokenLifetimeSeconds == 0 {
		return 1 << 40
	}
	return int64(p.Spec.Limits.MaxTokenLifetimeSeconds)
}

func names[T any](objects []T, meta func(T) metav1.ObjectMeta) []string {
	var list []string
	for _, object := range objects {
		list = append(list, key(meta(object)))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func key(m metav1.ObjectMeta) string {
	if m.Namespace == "" {
		return m.Name
	}
	return m.Namespace + "/" + m.Name
}

func policyMeta(p v1alpha1.DelegationPolicy) metav1.ObjectMeta         { return p.ObjectMeta }
func revocationMeta(r v1alpha1.DelegationRevocation) metav1.ObjectMeta { return r.ObjectMeta }
func delegationMeta(d v1alpha1.ServiceDelegation) metav1.ObjectMeta    { return d.ObjectMeta }
