// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "behalf.dev/behalf/internal/authz"

// entitled: some entitlement of the resource server gives this subject this scope on this resource.
func entitled(j *judgement) obstacles {
	p := j.served.policy
	p.people.recognise(&j.req.Subject, j.issuerHash, j.subjectHash, &j.subject)
	var why hurdle
	entitlements := p.scopes[j.scope].entitlements
	for i := range entitlements {
		e := &entitlements[i]
		if e.subjects.has(&j.subject) && j.holds(e.conditions, &why) == met {
			return nil
		}
	}
	scope := p.scopes[j.scope].name
	switch {
	case why.erred != "":
		return deny(authz.ReasonConditionError, "whether %s is entitled to %s cannot be told: %s", j.req.Subject, scope, own(why.erred))
	case why.unmet != "":
		return deny(authz.ReasonNotEntitled, "%s is not entitled to %s here: %s", j.req.Subject, scope, own(why.unmet))
	default:
		return deny(authz.ReasonNotEntitled, "%s is not entitled to %s of %s", j.req.Subject, scope, p.audience)
	}
}
