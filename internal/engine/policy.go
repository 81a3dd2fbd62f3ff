// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"strings"
	"time"

	"behalf.dev/behalf/internal/authz"
)

// forbids: no Forbid that concerns actor and scope matches. A condition that errs counts as met.
func forbids(j *judgement) obstacles {
	var by []authz.ObjectRef
	for _, rules := range j.rules {
		for _, r := range rules.forbids {
			var why hurdle
			if !r.subjects.has(&j.subject) || j.holds(r.conditions, &why) == unmet {
				continue
			}
			if j.before(r.dryRunUntil) {
				j.forgiven = append(j.forgiven, forbiddenBy(j, r.alone()).of(authz.LegPolicy)...)
				continue
			}
			by = append(by, r.source())
		}
	}
	if by == nil {
		return nil
	}
	return forbiddenBy(j, by)
}

func forbiddenBy(j *judgement, by []authz.ObjectRef) obstacles {
	names := make([]string, len(by))
	for i := range by {
		names[i] = by[i].String()
	}
	found := deny(authz.ReasonForbidden, "%s forbids %s to use %s for %s",
		own(strings.Join(names, " and ")), j.req.Actor, j.scopeName(), j.req.Subject)
	found[0].policies = by
	return found
}

// permits: at least one Permit matches, with its own limits kept. A condition that errs counts as not met.
func permits(j *judgement) obstacles {
	var why hurdle
	var beyond *limitBreach
	for _, rules := range j.rules {
		for _, r := range rules.permits {
			if !r.subjects.has(&j.subject) {
				continue
			}
			var own hurdle
			verdict, breach := j.holds(r.conditions, &own), r.breach(j)
			switch {
			case verdict == met && breach == nil:
				j.permits = append(j.permits, r)
			case verdict == met:
				beyond = worse(beyond, breach)
			case verdict == unmet:
				why.unmet = first(why.unmet, own.unmet)
			case breach == nil: // nothing but the error stood in the way
				why.erred = first(why.erred, own.erred)
			}
		}
	}
	if len(j.permits) > 0 {
		return nil
	}
	return j.unpermitted(beyond, why)
}

// unpermitted names what stood in the way: a limit, where only limits did; then a condition that could not be evaluated.
func (j *judgement) unpermitted(beyond *limitBreach, why hurdle) obstacles {
	switch {
	case beyond != nil:
		return beyond.denial(j)
	case why.erred != "":
		return deny(authz.ReasonConditionError, "whether a DelegationPolicy permits %s to use %s for %s cannot be told: %s",
			j.req.Actor, j.scopeName(), j.req.Subject, own(why.erred))
	case why.unmet != "":
		return deny(authz.ReasonNoPolicy, "no DelegationPolicy permits %s to use %s for %s here: %s",
			j.req.Actor, j.scopeName(), j.req.Subject, own(why.unmet))
	default:
		return deny(authz.ReasonNoPolicy, "no DelegationPolicy permits %s to use %s for %s", j.req.Actor, j.scopeName(), j.req.Subject)
	}
}

// limit that a Permit can set, in the order in which a denial names them.
type limit uint8

const (
	subjectAge limit = iota
	chainDepth
	tokenLifetime
)

// limitBreach is a limit of a rule that stood in the way.
type limitBreach struct {
	limit limit
	rule  *rule
}

// breach gives the first limit that the request exceeds; nil where all are kept.
func (r *rule) breach(j *judgement) *limitBreach {
	switch {
	case r.maxSubjectAge > 0 && subjectOlder(j.req.Subject.AuthTime, j.now, r.maxSubjectAge):
		return &limitBreach{subjectAge, r}
	case j.depth() > r.maxDepth:
		return &limitBreach{chainDepth, r}
	case r.maxTokenLifetime > 0 && tokenOutlives(j.req.Token, r.maxTokenLifetime):
		return &limitBreach{tokenLifetime, r}
	default:
		return nil
	}
}

// subjectOlder takes a sign-in at an unknown time, or one to come, as too long ago.
func subjectOlder(signedIn, now time.Time, most time.Duration) bool {
	return signedIn.IsZero() || further(signedIn, now, most) || further(now, signedIn, skew)
}

// tokenOutlives takes a token of unknown lifetime as living too long. Where there is no token, there is none to outlive.
func tokenOutlives(t *authz.Token, most time.Duration) bool {
	return t != nil && (t.IssuedAt.IsZero() || t.ExpiresAt.IsZero() || further(t.IssuedAt, t.ExpiresAt, most))
}

// worse keeps the breach that a denial names: the first limit in order, of the first rule in order.
func worse(a, b *limitBreach) *limitBreach {
	if a == nil || b.limit < a.limit || (b.limit == a.limit && b.rule.is[0].Name < a.rule.is[0].Name) {
		return b
	}
	return a
}

func (b *limitBreach) denial(j *judgement) obstacles {
	switch b.limit {
	case subjectAge:
		return deny(authz.ReasonSubjectTooOld, "%s asks that %s signed in within the last %s", b.rule.source(), j.req.Subject, b.rule.maxSubjectAge)
	case chainDepth:
		return deny(authz.ReasonChainTooDeep, "%s actors stand in the chain, more than the %s of %s", j.depth(), b.rule.maxDepth, b.rule.source())
	case tokenLifetime:
	}
	return deny(authz.ReasonTokenLifetimeTooLong, "the token was issued for longer than the %s of %s", b.rule.maxTokenLifetime, b.rule.source())
}
