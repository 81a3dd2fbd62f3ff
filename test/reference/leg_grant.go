// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// grant is leg 10: where every matching Permit asks for a grant, a live one binds the request. One that is revoked is none.
func (q *question) grant() []authz.Reason {
	permits := q.permitsAskingForGrants()
	if len(permits) == 0 || len(q.usable(permits)) > 0 {
		return nil
	}
	live, binding := q.grants(permits)
	switch {
	case len(binding) > 0:
		return []authz.Reason{authz.ReasonRevoked}
	case len(live) > 0:
		return []authz.Reason{authz.ReasonGrantMismatch}
	}
	return []authz.Reason{authz.ReasonGrantRequired}
}

// permitsAskingForGrants are the matching Permits, if all of them ask for a grant; otherwise there are none to ask.
func (q *question) permitsAskingForGrants() []v1alpha1.DelegationPolicy {
	if !q.delegated() {
		return nil
	}
	permits := q.permits()
	if slices.ContainsFunc(permits, func(p v1alpha1.DelegationPolicy) bool { return p.Spec.RequireGrant == nil }) {
		return nil
	}
	return permits
}

// grants are those that are live for this subject, actor and scope, and those among them that bind the request as one of the
// Permits asks.
func (q *question) grants(permits []v1alpha1.DelegationPolicy) (live, binding []v1alpha1.DelegationGrant) {
	for i := range q.world.Grants {
		g := &q.world.Grants[i]
		if !q.isLive(g) {
			continue
		}
		live = append(live, *g)
		if slices.ContainsFunc(permits, func(p v1alpha1.DelegationPolicy) bool { return q.binds(g, p.Spec.RequireGrant) }) {
			binding = append(binding, *g)
		}
	}
	return live, binding
}

// usable are the grants that bind the request and are not revoked.
func (q *question) usable(permits []v1alpha1.DelegationPolicy) []v1alpha1.DelegationGrant {
	_, binding := q.grants(permits)
	return slices.DeleteFunc(binding, func(g v1alpha1.DelegationGrant) bool { return len(q.revocationsOf(&g)) > 0 })
}

// isLive says whether a grant counts now for this subject, actor, audience and scope.
func (q *question) isLive(g *v1alpha1.DelegationGrant) bool {
	return g.Spec.State == v1alpha1.GrantApproved && g.Spec.Audience == q.server.Spec.Audience &&
		slices.Contains(g.Spec.Scopes, v1alpha1.ScopeName(q.scope)) &&
		isPerson(&g.Spec.Subject, q.req.Subject) && isService(&g.Spec.Actor, q.req.Actor) &&
		!q.now.Before(made(g)) && q.now.Before(g.Spec.NotAfter.Time)
}

// made is when a grant was made; where nobody knows, at the beginning of Unix time, which no policy bounds so far.
func made(g *v1alpha1.DelegationGrant) time.Time {
	if g.CreationTimestamp.IsZero() {
		return time.Unix(0, 0)
	}
	return g.CreationTimestamp.Time
}

// binds says whether a live grant is what a Permit asks for, and binds this request.
func (q *question) binds(g *v1alpha1.DelegationGrant, asked *v1alpha1.RequireGrant) bool {
	lifetime := g.Spec.NotAfter.Sub(made(g))
	return lifetime <= time.Duration(asked.MaxLifetimeSeconds)*time.Second &&
		q.approvedBy(g.Spec.Approver, asked.Approvers) &&
		q.bindsResource(g, asked) && q.bindsSession(g, asked) && q.bindsArguments(g, asked)
}

// approvedBy says whether the approval is one that counts. Nobody approves what is done for them or through them.
func (q *question) approvedBy(approver *v1alpha1.Approver, approvers v1alpha1.Approvers) bool {
	if q.isPartOfIt(string(approver.Username)) {
		return false
	}
	return slices.Contains(approvers.Usernames, approver.Username) ||
		slices.ContainsFunc(approver.Groups, func(g v1alpha1.GroupName) bool { return slices.Contains(approvers.Groups, g) })
}

// isPartOfIt says whether a Kubernetes user name could be the subject's, by user name or id, or is that of a service account
// of the chain. An API server may write a name in another case, and put something before it that ends in ':', '#' or '/'.
func (q *question) isPartOfIt(username string) bool {
	for _, actor := range q.actors() {
		if username == "system:serviceaccount:"+actor.Namespace+":"+actor.ServiceAccount {
			return true
		}
	}
	for i := range len(username) {
		if i > 0 && !strings.ContainsRune(":#/", rune(username[i-1])) {
			continue
		}
		if strings.EqualFold(username[i:], q.req.Subject.Username) || strings.EqualFold(username[i:], q.req.Subject.ID) {
			return true
		}
	}
	return false
}

// asksFor says whether a Permit asks that grants are bound to something; without a word, to the resource.
func asksFor(asked *v1alpha1.RequireGrant, binding v1alpha1.GrantBinding) bool {
	if len(asked.Bind) == 0 {
		return binding == v1alpha1.BindResource
	}
	return slices.Contains(asked.Bind, binding)
}

func (q *question) bindsResource(g *v1alpha1.DelegationGrant, asked *v1alpha1.RequireGrant) bool {
	if g.Spec.Resource == nil {
		return !asksFor(asked, v1alpha1.BindResource)
	}
	return g.Spec.Resource.Type == q.target.Type && g.Spec.Resource.ID == q.target.ID
}

func (q *question) bindsSession(g *v1alpha1.DelegationGrant, asked *v1alpha1.RequireGrant) bool {
	if g.Spec.Session == "" {
		return !asksFor(asked, v1alpha1.BindSession)
	}
	return g.Spec.Session == q.req.Subject.Session
}

func (q *question) bindsArguments(g *v1alpha1.DelegationGrant, asked *v1alpha1.RequireGrant) bool {
	if g.Spec.ArgumentsDigest == "" {
		return !asksFor(asked, v1alpha1.BindArguments)
	}
	arguments, found := q.req.Context["arguments"]
	return found && g.Spec.ArgumentsDigest == Digest(arguments)
}

// Digest is sha256:HEX of the RFC 8785 form of a JSON value. It holds for the plain values of the tests: encoding/json sorts
// keys, and writes ASCII texts without <, > and & and small whole numbers as RFC 8785 has them.
func Digest(value any) string {
	written, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(written)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// revocationsOf are those that cover a grant. Like those of a subject, they go by when the presented token was issued.
func (q *question) revocationsOf(g *v1alpha1.DelegationGrant) []v1alpha1.DelegationRevocation {
	return slices.DeleteFunc(slices.Clone(q.world.Revocations), func(r v1alpha1.DelegationRevocation) bool {
		named := r.Spec.Grant
		return named == nil || string(named.Namespace) != g.Namespace || named.Name != g.Name || !issuedBefore(&r.Spec, q.tokenTime())
	})
}
