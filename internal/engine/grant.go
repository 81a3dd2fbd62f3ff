// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"slices"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// grant: where every matching Permit asks for a grant, a live one binds this request. What decides are then the Permits
// that it serves; otherwise those that ask for none.
func grant(j *judgement) obstacles {
	if !slices.ContainsFunc(j.permits, (*rule).wantsGrant) {
		return nil
	}
	if slices.ContainsFunc(j.permits, (*rule).wantsNone) {
		j.permits = slices.DeleteFunc(j.permits, (*rule).wantsGrant)
		return nil
	}
	search := grantSearch{judgement: j}
	j.grant = search.run()
	if j.grant == nil {
		return search.denial()
	}
	j.permits = slices.DeleteFunc(j.permits, func(r *rule) bool { return !r.grant.accepts(j.grant) })
	return nil
}

func (r *rule) wantsGrant() bool { return r.grant != nil }

func (r *rule) wantsNone() bool { return r.grant == nil }

// grantSearch looks through the grants of this subject and actor, and remembers what it came by.
type grantSearch struct {
	*judgement
	digest arguments
	// live is some grant that is in force but binds something else; revokedBy covers one that would have served.
	live      *loadedGrant
	revokedBy *revoked
	// selfMade is one that would have served, had somebody else approved it.
	selfMade *loadedGrant
}

func (s *grantSearch) run() *loadedGrant {
	key := grantKey{issuer: s.req.Subject.Issuer, subject: s.req.Subject.ID, actor: s.req.Actor}
	grants := s.served.policy.grants[key]
	for i := range grants {
		if g := &grants[i]; g.scopes.has(s.scope) && g.liveAt(s.seconds) && s.serves(g) {
			return g
		}
	}
	return nil
}

// serves says whether a live grant binds this request for one of the rules that matched, and is not revoked.
func (s *grantSearch) serves(g *loadedGrant) bool {
	fits := g.agrees(s.judgement, &s.digest) &&
		slices.ContainsFunc(s.permits, func(r *rule) bool { return r.grant.accepts(g) })
	if !fits {
		s.live = g
		return false
	}
	if s.approvedByItself(g) {
		s.live, s.selfMade = g, cmp.Or(s.selfMade, g)
		return false
	}
	if by := s.revocation(g); by != nil {
		s.revokedBy = by
		return false
	}
	return true
}

func (s *grantSearch) revocation(g *loadedGrant) *revoked {
	by := s.snapshot.revocations.grants[bundle.Service{Namespace: g.source.Namespace, Name: g.source.Name}]
	if by == nil || !by.covers(s.issued()) {
		return nil
	}
	return by
}

func (s *grantSearch) denial() obstacles {
	switch {
	case s.revokedBy != nil:
		return obstacles{s.revokedBy.obstacle()}.of(authz.LegRevocation)
	case s.selfMade != nil:
		return deny(authz.ReasonGrantMismatch,
			"no live DelegationGrant for %s and %s binds this very request as %s asks: the approver of %s is the subject or a service of the chain, and nobody approves for themselves",
			s.req.Subject, s.req.Actor, s.permits[0].source(), s.selfMade.source)
	case s.live != nil:
		return deny(authz.ReasonGrantMismatch, "no live DelegationGrant for %s and %s binds this very request as %s asks",
			s.req.Subject, s.req.Actor, s.permits[0].source())
	default:
		return deny(authz.ReasonGrantRequired, "%s asks for a DelegationGrant, and none is live for %s, %s and %s",
			s.permits[0].source(), s.req.Subject, s.req.Actor, s.scopeName())
	}
}

// accepts says whether a grant is of the kind that a rule asks for.
func (want *grantWant) accepts(g *loadedGrant) bool {
	switch {
	case g.notAfter-g.notBefore > want.maxLifetime:
		return false
	case g.approver == "":
		return false
	case !want.usernames[g.approver] && !slices.ContainsFunc(g.approverGroups, func(name string) bool { return want.groups[name] }):
		return false
	case want.bindResource && (g.resourceType == "" || g.resourceID == ""):
		return false
	case want.bindSession && g.session == "":
		return false
	default:
		return !want.bindArguments || g.digest != ""
	}
}

// agrees says whether everything that a grant names is what the request has.
func (g *loadedGrant) agrees(j *judgement, digest *arguments) bool {
	r := &j.resource
	switch {
	case g.resourceType != "" && g.resourceType != r.Type:
		return false
	case g.resourceID != "" && g.resourceID != r.ID:
		return false
	case g.session != "" && g.session != j.req.Subject.Session:
		return false
	default:
		return g.digest == "" || g.digest == digest.of(j.context)
	}
}
