// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "behalf.dev/behalf/internal/authz"

// subject: some entitlement of the resource server gives this subject this scope on this resource.
func subject(j *judgement) *authz.Denial {
	p := j.served.policy
	p.people.selectFor(&j.req.Subject, &j.people)
	var why hurdle
	for i := range p.scopes[j.scope].entitlements {
		e := &p.scopes[j.scope].entitlements[i]
		if !j.people.any(e.subjects) {
			continue
		}
		if j.holds(e.conditions, &why) == met {
			return nil
		}
	}
	scope := p.scopes[j.scope].name
	if why.erred != "" {
		return deny(authz.ReasonConditionError, "whether %s is entitled to %s cannot be told: %s", j.req.Subject, scope, own(why.erred))
	}
	if why.unmet != "" {
		return deny(authz.ReasonNotEntitled, "%s is not entitled to %s here: %s", j.req.Subject, scope, own(why.unmet))
	}
	return deny(authz.ReasonNotEntitled, "%s is not entitled to %s of %s", j.req.Subject, scope, p.audience)
}
