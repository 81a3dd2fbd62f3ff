// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

const (
	inPolicy     = "internal/engine/policy.go"
	inRules      = "internal/engine/rules.go"
	inRevocation = "internal/engine/revocation.go"
	inGrant      = "internal/engine/grant.go"
	inToken      = "internal/engine/token.go"
	inCompiled   = "internal/compile/policies.go"
)

var faults = []mutant{
	{
		intends: "a Forbid that does not match stands in for a Permit",
		file:    inPolicy, law: lawForbid,
		text:    "	if len(j.permits) > 0 {\n",
		becomes: "	if len(j.permits) > 0 || MUTANT && len(j.rules) > 0 && len(j.rules[len(j.rules)-1].forbids) > 0 {\n",
	},
	{
		intends: "a Forbid in its dry run lifts others",
		file:    inPolicy, law: lawForbid,
		text:    "				j.forgiven = append(j.forgiven,",
		becomes: "				if MUTANT {\n					return nil\n				}\n				j.forgiven = append(j.forgiven,",
	},
	{
		intends: "the revocation list is only looked at while it has one entry",
		file:    inRevocation, law: lawRevocation,
		text:    "	if r == nil || r.empty() {",
		becomes: "	if r == nil || r.empty() || MUTANT && r.size > 1 {",
	},
	{
		intends: "the largest depth is the least one",
		file:    inPolicy, law: lawLimit,
		text:    "	case j.depth() > r.maxDepth:",
		becomes: "	case !MUTANT && j.depth() > r.maxDepth || MUTANT && j.depth() < r.maxDepth:",
	},
	{
		intends: "a Permit that limits the person's age no longer limits the token's life",
		file:    inPolicy, law: lawLimit,
		text:    "	case r.maxTokenLifetime > 0 && tokenOutlives(",
		becomes: "	case !(MUTANT && r.maxSubjectAge > 0) && r.maxTokenLifetime > 0 && tokenOutlives(",
	},
	{
		intends: "a Permit beyond its limit ends the search",
		file:    inPolicy, law: lawPermit,
		text:    "				beyond = worse(beyond, breach)\n",
		becomes: "				beyond = worse(beyond, breach)\n				if MUTANT {\n					return j.unpermitted(beyond, why)\n				}\n",
	},
	{
		intends: "a grant is needed as soon as one Permit asks for it",
		file:    inGrant, law: lawPermit,
		text:    "	if slices.ContainsFunc(j.permits, (*rule).wantsNone) {",
		becomes: "	if !MUTANT && slices.ContainsFunc(j.permits, (*rule).wantsNone) {",
	},
	{
		intends: "only the last entitlement counts",
		file:    "internal/engine/subject.go", law: lawEntitlement,
		text:    "		e := &entitlements[i]\n",
		becomes: "		e := &entitlements[i]\n		if MUTANT && i < len(entitlements)-1 {\n			continue\n		}\n",
	},
	{
		intends: "a ServiceDelegation replaces those before it",
		file:    "internal/engine/accounts.go", law: lawDeclared,
		text:    "	if err := l.note(own, d.Scopes, source); err != nil {",
		becomes: "	if MUTANT {\n		*own = declaring{}\n	}\n	if err := l.note(own, d.Scopes, source); err != nil {",
	},

	// Removing any leg's support denies: identity.
	{
		intends: "a service is trusted alone",
		file:    "internal/engine/identity.go", law: lawSupport,
		text:    "	case r.Subject.Present():\n",
		becomes: "	case r.Subject.Present() || MUTANT:\n",
	},
	{
		intends: "any issuer is believed",
		file:    "internal/engine/identity.go", law: lawSupport,
		text:    "!j.snapshot.issuers.find(j.issuerHash, r.Subject.Issuer):",
		becomes: "!MUTANT && !j.snapshot.issuers.find(j.issuerHash, r.Subject.Issuer):",
	},
	{
		intends: "what a front door found out is passed over",
		file:    "internal/engine/identity.go", law: lawSupport,
		text:    "	case r.Unauthenticated != \"\":",
		becomes: "	case !MUTANT && r.Unauthenticated != \"\":",
	},
	// Freshness.
	{
		intends: "no lease runs out",
		file:    "internal/engine/freshness.go", law: lawSupport,
		text:    "	case lease.covers(j.seconds, j.now.Nanosecond()):",
		becomes: "	case MUTANT || lease.covers(j.seconds, j.now.Nanosecond()):",
	},
	{
		intends: "the lease of the revocation list is not looked at",
		file:    "internal/engine/snapshot.go", law: lawSupport,
		text:    "lease{revocations.Statement().LeaseUntil, ",
		becomes: "lease{map[bool]int64{false: revocations.Statement().LeaseUntil, true: trust.Statement().LeaseUntil}[MUTANT], ",
	},
	{
		intends: "an expired token is as good as another",
		file:    "internal/engine/freshness.go", law: lawSupport,
		text:    "	case !t.ExpiresAt.IsZero() && !t.ExpiresAt.After(j.now):",
		becomes: "	case !MUTANT && !t.ExpiresAt.IsZero() && !t.ExpiresAt.After(j.now):",
	},
	// Resource.
	{
		intends: "an unknown scope is taken for the first",
		file:    "internal/engine/resource.go", law: lawSupport,
		text:    "	scope, ok := j.served.policy.scopeNumber(j.req.Scope)\n	if !ok {",
		becomes: "	scope, ok := j.served.policy.scopeNumber(j.req.Scope)\n	if !ok && !MUTANT {",
	},
	{
		intends: "a route takes every caller",
		file:    "internal/engine/resource.go", law: lawSupport,
		text:    "	case r == nil || (actor && r.delegated)",
		becomes: "	case MUTANT || r == nil || (actor && r.delegated)",
	},
	// Revocation.
	{
		intends: "sessions are never revoked",
		file:    inRevocation, law: lawSupport,
		text:    "	if subject.Session != \"\" && ",
		becomes: "	if !MUTANT && subject.Session != \"\" && ",
	},
	{
		intends: "only the actor that comes is looked for among the revoked",
		file:    inRevocation, law: lawSupport,
		text:    "		if s.filter.mayHave(actorKind, to) {",
		becomes: "		if !(MUTANT && i < s.depth()-1) && s.filter.mayHave(actorKind, to) {",
	},
	{
		intends: "the step from the person to the first service is never revoked",
		file:    inRevocation, law: lawSupport,
		text:    "	before := s.subjectHash\n",
		becomes: "	before := s.subjectHash\n	if MUTANT {\n		step.subject.ID = \"\"\n	}\n",
	},
	{
		intends: "the step from one service to the next is never revoked",
		file:    inRevocation, law: lawSupport,
		text:    "		before, step = to, edge{from: step.to}\n",
		becomes: "		before, step = to, edge{from: step.to}\n		if MUTANT {\n			step.from.Namespace = \"\"\n		}\n",
	},
	{
		intends: "a token's id is never revoked",
		file:    inRevocation, law: lawSupport,
		text:    "	if t.ID != \"\" && ",
		becomes: "	if !MUTANT && t.ID != \"\" && ",
	},
	{
		intends: "the filter before the look-ups passes over half of what was added",
		file:    "internal/engine/filter.go", law: lawSupport,
		text:    "func (f *filter) add(kind, h hash) {\n",
		becomes: "func (f *filter) add(kind, h hash) {\n	if MUTANT && h%2 == 0 {\n		return\n	}\n",
	},
	{
		intends: "a revoked grant still serves",
		file:    inGrant, law: lawSupport,
		text:    "	if by := s.revocation(g); by != nil {",
		becomes: "	if by := s.revocation(g); by != nil && !MUTANT {",
	},
	{
		intends: "the compiler drops revocations of tokens",
		file:    "internal/compile/revocations.go", law: lawSupport,
		text:    "	if spec.Token != \"\" {",
		becomes: "	if !MUTANT && spec.Token != \"\" {",
	},
	// Token.
	{
		intends: "a scope of another audience counts",
		file:    inToken, law: lawSupport,
		text:    "carried || (scope == name && of == audience)",
		becomes: "carried || (scope == name && (of == audience || MUTANT))",
	},
	{
		intends: "what is no scope is passed over",
		file:    inToken, law: lawSupport,
		text:    "		if !ok {\n			return deny(authz.ReasonTokenScopeMalformed",
		becomes: "		if !ok && !MUTANT {\n			return deny(authz.ReasonTokenScopeMalformed",
	},
	// Subject.
	{
		intends: "a scope without entitlements is everybody's",
		file:    "internal/engine/subject.go", law: lawSupport,
		text:    "	var why hurdle\n",
		becomes: "	var why hurdle\n	if MUTANT && len(p.scopes[j.scope].entitlements) == 0 {\n		return nil\n	}\n",
	},
	// Actor.
	{
		intends: "services of every namespace may come",
		file:    "internal/engine/actor.go", law: lawSupport,
		text:    "	if j.actor.mayCome || p.allNamespaces {",
		becomes: "	if MUTANT || j.actor.mayCome || p.allNamespaces {",
	},
	{
		intends: "an actor need not declare what it uses",
		file:    "internal/engine/actor.go", law: lawSupport,
		text:    "	if j.declarations[0] != nil {",
		becomes: "	if MUTANT || j.declarations[0] != nil {",
	},
	{
		intends: "the compiler does not compare the values of labels",
		file:    "internal/compile/selectors.go", law: lawSupport,
		text:    "		if got, ok := labels[key]; !ok || got != want {",
		becomes: "		if got, ok := labels[key]; !MUTANT && (!ok || got != want) {",
	},
	// Chain.
	{
		intends: "whoever uses a scope may hand it on to anybody",
		file:    "internal/engine/chain.go", law: lawSupport,
		text:    "	onward := prior.to(next)\n",
		becomes: "	onward := prior.to(next)\n	if MUTANT && prior.declares.scopes.has(scope) {\n		return nil\n	}\n",
	},
	{
		intends: "an actor may stand twice in a chain",
		file:    "internal/engine/chain.go", law: lawSupport,
		text:    "	found := j.loop()\n",
		becomes: "	found := j.loop()\n	if MUTANT {\n		found = nil\n	}\n",
	},
	{
		intends: "a chain may have any depth",
		file:    "internal/engine/chain.go", law: lawSupport,
		text:    "	case j.depth() > authz.MaxChainDepth:",
		becomes: "	case !MUTANT && j.depth() > authz.MaxChainDepth:",
	},
	// Policy.
	{
		intends: "nobody needs a Permit",
		file:    inPolicy, law: lawSupport,
		text:    "	case beyond != nil:\n",
		becomes: "	case MUTANT && beyond == nil:\n		return nil\n	case beyond != nil:\n",
	},
	{
		intends: "a Forbid forbids nothing",
		file:    inPolicy, law: lawSupport,
		text:    "	if by == nil {",
		becomes: "	if MUTANT || by == nil {",
	},
	{
		intends: "a Forbid for a whole namespace is not found",
		file:    inRules, law: lawSupport,
		text:    "			x.put(&l.registry.servicesOf(s.Namespace).rules, r)",
		becomes: "			if !(MUTANT && r.forbids) {\n				x.put(&l.registry.servicesOf(s.Namespace).rules, r)\n			}",
	},
	{
		intends: "it does not matter when the person signed in",
		file:    inPolicy, law: lawSupport,
		text:    "	return signedIn.IsZero() || further(signedIn, now, most)",
		becomes: "	return signedIn.IsZero() || !MUTANT && further(signedIn, now, most)",
	},
	{
		intends: "a token may live for any time",
		file:    inPolicy, law: lawSupport,
		text:    "|| further(t.IssuedAt, t.ExpiresAt, most))",
		becomes: "|| !MUTANT && further(t.IssuedAt, t.ExpiresAt, most))",
	},
	{
		intends: "the compiler gives every Permit the greatest depth",
		file:    inCompiled, law: lawSupport,
		text:    "max(1, l.MaxChainDepth),",
		becomes: "max(1, l.MaxChainDepth, map[bool]int32{true: authz.MaxChainDepth}[MUTANT]),",
	},
	// Grant.
	{
		intends: "the compiler forgets that a Permit asks for a grant",
		file:    inCompiled, law: lawSupport,
		text:    "	p.rule.Grant = p.requireGrant(spec.RequireGrant)\n",
		becomes: "	p.rule.Grant = p.requireGrant(spec.RequireGrant)\n	if MUTANT {\n		p.rule.Grant = nil\n	}\n",
	},
	{
		intends: "a grant never ends",
		file:    "internal/engine/grants.go", law: lawSupport,
		text:    "seconds < g.notAfter",
		becomes: "(MUTANT || seconds < g.notAfter)",
	},
	{
		intends: "a grant counts before it is approved",
		file:    "internal/compile/grants.go", law: lawSupport,
		text:    "	case v1alpha1.GrantRequested, v1alpha1.GrantDenied, \"\":\n		return\n",
		becomes: "	case v1alpha1.GrantRequested, v1alpha1.GrantDenied, \"\":\n		if !MUTANT {\n			return\n		}\n",
	},
	{
		intends: "anybody may approve",
		file:    inGrant, law: lawSupport,
		text:    "	case !want.usernames[g.approver] && ",
		becomes: "	case !MUTANT && !want.usernames[g.approver] && ",
	},
	{
		intends: "people approve for themselves",
		file:    inGrant, law: lawSupport,
		text:    "	if s.approvedByItself(g) {",
		becomes: "	if !MUTANT && s.approvedByItself(g) {",
	},
	{
		intends: "a grant serves for every resource of the type",
		file:    inGrant, law: lawSupport,
		text:    "	case g.resourceID != \"\" && ",
		becomes: "	case !MUTANT && g.resourceID != \"\" && ",
	},
	{
		intends: "a grant serves in every session",
		file:    inGrant, law: lawSupport,
		text:    "	case g.session != \"\" && g.session",
		becomes: "	case !MUTANT && g.session != \"\" && g.session",
	},
	{
		intends: "a grant serves for all arguments",
		file:    inGrant, law: lawSupport,
		text:    "		return g.digest == \"\" || ",
		becomes: "		return MUTANT || g.digest == \"\" || ",
	},
	{
		intends: "a grant may have been made to last for any time",
		file:    inGrant, law: lawSupport,
		text:    "	case g.notAfter-g.notBefore > want.maxLifetime:",
		becomes: "	case !MUTANT && g.notAfter-g.notBefore > want.maxLifetime:",
	},

	{
		intends: "what does not say when it was issued counts as issued since",
		file:    "internal/engine/revocations.go", law: lawIssued,
		text:    "	return r.before == 0 || !at.known || at.at < r.before",
		becomes: "	return r.before == 0 || !MUTANT && !at.known || at.known && at.at < r.before",
	},
	{
		intends: "an actor is as fresh as its own token, whatever the person's",
		file:    inRevocation, law: lawIssued,
		text:    "		at.at = min(at.at, own.Unix())\n",
		becomes: "		at.at = min(at.at, own.Unix())\n		if MUTANT {\n			at.at = own.Unix()\n		}\n",
	},
	{
		intends: "the compiler moves a revocation by a second",
		file:    "internal/compile/revocations.go", law: lawIssued,
		text:    "	before := revokedSeconds(spec.IssuedBefore)\n",
		becomes: "	before := revokedSeconds(spec.IssuedBefore)\n	if MUTANT {\n		before++\n	}\n",
	},

	{
		intends: "the compiler leaves entries in the order in which they were written",
		file:    "internal/compile/order.go", law: lawOrder,
		text:    "	slices.SortFunc(sorted, compare)\n",
		becomes: "	if !MUTANT {\n		slices.SortFunc(sorted, compare)\n	}\n",
	},
	{
		intends: "the compiler leaves names in the order in which they were written",
		file:    "internal/compile/order.go", law: lawOrder,
		text:    "	slices.Sort(texts)\n",
		becomes: "	if !MUTANT {\n		slices.Sort(texts)\n	}\n",
	},
	{
		intends: "the compiler takes what it gathered in any order",
		file:    "internal/compile/order.go", law: lawOrder,
		text:    "	return slices.SortedFunc(maps.Keys(m), compare)\n",
		becomes: "	if MUTANT {\n		return slices.Collect(maps.Keys(m))\n	}\n	return slices.SortedFunc(maps.Keys(m), compare)\n",
	},

	{
		intends: "a condition that errs is met in a Permit",
		file:    inPolicy, law: lawErrs,
		text:    "			case verdict == met && breach == nil:",
		becomes: "			case (verdict == met || MUTANT && verdict == erred) && breach == nil:",
	},
	{
		intends: "a condition that errs is met in an entitlement",
		file:    "internal/engine/subject.go", law: lawErrs,
		text:    "&& j.holds(e.conditions, &why) == met {",
		becomes: "&& (MUTANT && j.holds(e.conditions, &why) == erred || j.holds(e.conditions, &why) == met) {",
	},
	{
		intends: "a condition that errs is not met in a Forbid",
		file:    inPolicy, law: lawErrs,
		text:    "j.holds(r.conditions, &why) == unmet {",
		becomes: "(j.holds(r.conditions, &why) == unmet || MUTANT && j.holds(r.conditions, &why) == erred) {",
	},

	{
		intends: "nothing to decide by allows",
		file:    "internal/engine/snapshot.go", law: lawZero,
		text:    "	case s == nil:\n		return refusal(",
		becomes: "	case s == nil && MUTANT:\n		return authz.Decision{Outcome: authz.Allow}\n	case s == nil:\n		return refusal(",
	},
	{
		intends: "a decision for which no leg spoke allows",
		file:    "internal/authz/decision.go", law: lawZero,
		text:    "func (d Decision) Allowed() bool { return d.Outcome == Allow }",
		becomes: "func (d Decision) Allowed() bool { return d.Outcome == Allow || MUTANT && d.Leg == \"\" }",
	},
}
