// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// grantStanding is how a request stands with the grants that its Permits ask for.
type grantStanding uint8

const (
	grantNotAsked grantStanding = iota // or there is one that binds
	grantRevoked                       // all that bind are revoked
	grantMismatched
	grantMissing
)

// grant is leg 10: where every matching Permit asks for a grant, a live one binds the request.
func (q *question) grant() authz.Reason {
	switch q.grantStanding() {
	case grantMismatched:
		return authz.ReasonGrantMismatch
	case grantMissing:
		return authz.ReasonGrantRequired
	case grantNotAsked, grantRevoked:
	}
	return ""
}

func (q *question) grantStanding() grantStanding {
	if !q.delegated() {
		return grantNotAsked
	}
	permits := q.permits()
	if len(permits) == 0 || slices.ContainsFunc(permits, func(p *v1alpha1.DelegationPolicySpec) bool { return p.RequireGrant == nil }) {
		return grantNotAsked
	}
	standing := grantMissing
	for i := range q.world.Grants {
		g := &q.world.Grants[i]
		if !q.isLive(g) {
			continue
		}
		binds := slices.ContainsFunc(permits, func(p *v1alpha1.DelegationPolicySpec) bool { return q.binds(g, p.RequireGrant) })
		switch {
		case binds && !q.grantIsRevoked(g):
			return grantNotAsked
		case binds:
			standing = grantRevoked
		case standing == grantMissing:
			standing = grantMismatched
		}
	}
	return standing
}

// isLive says whether a grant counts now for this subject, actor, audience and scope.
func (q *question) isLive(g *v1alpha1.DelegationGrant) bool {
	return g.Spec.State == v1alpha1.GrantApproved && g.Spec.Audience == q.server.Spec.Audience &&
		slices.Contains(g.Spec.Scopes, v1alpha1.ScopeName(q.scope)) &&
		isPerson(&g.Spec.Subject, q.req.Subject) && isService(&g.Spec.Actor, q.req.Actor) &&
		!q.now.Before(g.CreationTimestamp.Time) && q.now.Before(g.Spec.NotAfter.Time)
}

// binds says whether a live grant is what a Permit asks for, and binds this request.
func (q *question) binds(g *v1alpha1.DelegationGrant, asked *v1alpha1.RequireGrant) bool {
	lifetime := g.Spec.NotAfter.Sub(g.CreationTimestamp.Time)
	return lifetime <= time.Duration(asked.MaxLifetimeSeconds)*time.Second &&
		q.approvedBy(g.Spec.Approver, asked.Approvers) &&
		q.bindsResource(g, asked) && q.bindsSession(g, asked) && q.bindsArguments(g, asked)
}

// approvedBy says whether the approval is one that counts. Nobody approves what is done for themselves, whichever of their
// names the cluster knows them by.
func (q *question) approvedBy(approver *v1alpha1.Approver, approvers v1alpha1.Approvers) bool {
	name, subject := string(approver.Username), q.req.Subject
	if name == subject.Username || name == subject.ID {
		return false
	}
	return slices.Contains(approvers.Usernames, approver.Username) ||
		slices.ContainsFunc(approver.Groups, func(g v1alpha1.GroupName) bool { return slices.Contains(approvers.Groups, g) })
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

// grantIsRevoked goes by when the grant was made.
func (q *question) grantIsRevoked(g *v1alpha1.DelegationGrant) bool {
	return slices.ContainsFunc(q.world.Revocations, func(r v1alpha1.DelegationRevocation) bool {
		named := r.Spec.Grant
		return named != nil && string(named.Namespace) == g.Namespace && named.Name == g.Name && issuedBefore(&r.Spec, q.tokenTime())
	})
}
