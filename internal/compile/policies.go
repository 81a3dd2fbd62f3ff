// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// policy is one DelegationPolicy, read but not yet put to any resource server.
type policy struct {
	findings
	// rule lacks Scopes and Conditions, which are indexes into one bundle.
	rule       bundle.Rule
	conditions []bundle.Condition
	audiences  []patterns
}

// patterns are the scope patterns for one audience.
type patterns struct {
	audience string
	field    string
	scopes   []pattern
}

type pattern struct{ text, field string }

// inForce says whether the policy becomes a rule: an invalid Permit does not, a Forbid always does.
func (p *policy) inForce() bool { return p.rule.Effect == bundle.Forbid || !p.failed() }

// lands says whether the policy becomes a rule about these scopes of a bundle.
func (p *policy) lands(scopes []int) bool {
	return p.inForce() && len(scopes) > 0 && len(p.rule.Actors) > 0 && len(p.rule.Subjects) > 0
}

func (v *view) readPolicy(o *v1alpha1.DelegationPolicy) *policy {
	p := &policy{findings: findingsOf(KindDelegationPolicy, o.ObjectMeta)}
	d := p.effect(o.Spec.Effect)
	p.rule.Policy = p.object
	p.rule.Actors = v.actors(&p.findings, "spec.actors", o.Spec.Actors, d)
	p.rule.Subjects = v.subjects(&p.findings, "spec.subjects", o.Spec.Subjects, d)
	p.rule.Disclose = nonEmpty(&p.findings, "spec.disclose", o.Spec.Disclose)
	v.noteStrangeActors(p, o.Spec.Actors)
	v.noteStrangeClaims(p, &o.Spec)
	p.readAudiences(o.Spec.Audiences)
	p.conditions = v.sound(&p.findings, "spec.conditions", o.Spec.Conditions, p.consequence())
	if p.rule.Effect == bundle.Forbid {
		p.forbid(&o.Spec)
	} else {
		p.permit(&o.Spec)
	}
	return p
}

// effect reads the effect; what is neither forbids, because that lets less happen.
func (p *policy) effect(e v1alpha1.Effect) doubt {
	switch e {
	case v1alpha1.EffectPermit:
		p.rule.Effect = bundle.Permit
		return doubtSelectsNobody
	case v1alpha1.EffectForbid:
	default:
		p.invalidf("spec.effect", "%q is not known; say Permit or Forbid", e)
		p.until("the policy forbids")
	}
	p.rule.Effect = bundle.Forbid
	return doubtSelectsAll
}

func (p *policy) consequence() string {
	if p.rule.Effect == bundle.Forbid {
		return "the policy forbids as if this condition were met"
	}
	return "the policy permits nothing"
}

// permit reads what only a Permit has.
func (p *policy) permit(spec *v1alpha1.DelegationPolicySpec) {
	if e := spec.Enforcement; e.Mode != "" && e.Mode != v1alpha1.EnforcementEnforce || e.Until != nil {
		p.invalidf("spec.enforcement", "a Permit is always enforced; remove this, or try the ResourceServer in a dry run")
	}
	p.rule.Limits = p.limits(spec.Limits)
	p.rule.Grant = p.requireGrant(spec.RequireGrant)
}

// forbid reads what only a Forbid has. Limits are none of it: they could only make it match less.
func (p *policy) forbid(spec *v1alpha1.DelegationPolicySpec) {
	until, wrong := dryRunUntil(spec.Enforcement)
	if wrong.message != "" {
		p.invalidf("spec.enforcement."+wrong.field, "%s", wrong.message)
		p.until("the policy is enforced")
	}
	p.rule.DryRunUntil = until
	if l := spec.Limits; l.MaxTokenLifetimeSeconds != 0 || l.MaxSubjectAgeSeconds != 0 || l.MaxChainDepth > 1 {
		p.warnf("spec.limits", "limits narrow a Permit and are not looked at in a Forbid; remove them")
	}
	if spec.RequireGrant != nil {
		p.warnf("spec.requireGrant", "a Forbid forbids with or without a grant; remove this")
	}
	if len(spec.Disclose) > 0 {
		p.warnf("spec.disclose", "a Forbid discloses nothing; remove this")
	}
	p.rule.Disclose = nil
}

func (p *policy) limits(l v1alpha1.Limits) bundle.Limits {
	const longer = "%d is less than nothing; give a number of seconds from 1, or leave it out for no limit"
	if l.MaxTokenLifetimeSeconds < 0 {
		p.invalidf("spec.limits.maxTokenLifetimeSeconds", longer, l.MaxTokenLifetimeSeconds)
	}
	if l.MaxSubjectAgeSeconds < 0 {
		p.invalidf("spec.limits.maxSubjectAgeSeconds", longer, l.MaxSubjectAgeSeconds)
	}
	if l.MaxChainDepth < 0 || l.MaxChainDepth > authz.MaxChainDepth {
		p.invalidf("spec.limits.maxChainDepth", "%d is not from 1 to %d; a chain has at least the current actor, and no more than that",
			l.MaxChainDepth, authz.MaxChainDepth)
	}
	return bundle.Limits{
		MaxTokenLifetimeSeconds: l.MaxTokenLifetimeSeconds,
		MaxSubjectAgeSeconds:    l.MaxSubjectAgeSeconds,
		MaxChainDepth:           max(1, l.MaxChainDepth),
	}
}

func (p *policy) requireGrant(r *v1alpha1.RequireGrant) *bundle.RequireGrant {
	if r == nil {
		return nil
	}
	if r.MaxLifetimeSeconds <= 0 {
		p.invalidf("spec.requireGrant.maxLifetimeSeconds", "a grant needs an end; say for how many seconds one may last")
	}
	read := &bundle.RequireGrant{
		BindResource:       len(r.Bind) == 0,
		MaxLifetimeSeconds: r.MaxLifetimeSeconds,
		ApproverGroups:     nonEmpty(&p.findings, "spec.requireGrant.approvers.groups", r.Approvers.Groups),
		ApproverUsernames:  nonEmpty(&p.findings, "spec.requireGrant.approvers.usernames", r.Approvers.Usernames),
	}
	if len(r.Approvers.Groups)+len(r.Approvers.Usernames) == 0 {
		p.invalidf("spec.requireGrant.approvers", "nobody may approve, so nothing could ever be granted; name groups or usernames")
	}
	p.bind(read, r.Bind)
	return read
}

func (p *policy) bind(read *bundle.RequireGrant, bindings []v1alpha1.GrantBinding) {
	for i, b := range bindings {
		switch b {
		case v1alpha1.BindResource:
			read.BindResource = true
		case v1alpha1.BindSession:
			read.BindSession = true
		case v1alpha1.BindArguments:
			read.BindArguments = true
		default:
			p.invalidf(fmt.Sprintf("spec.requireGrant.bind[%d]", i), "%q is not known; say Resource, Session or Arguments", b)
		}
	}
}

func (p *policy) readAudiences(entries []v1alpha1.AudienceScopePatterns) {
	if len(entries) == 0 {
		p.invalidf("spec.audiences", "there is no audience; name at least one")
	}
	for i, entry := range entries {
		field := fmt.Sprintf("spec.audiences[%d]", i)
		read := patterns{audience: string(entry.Audience), field: field}
		if entry.Audience == "" {
			p.invalidf(field+".audience", "the audience is empty; name that of a ResourceServer")
		}
		if len(entry.Scopes) == 0 {
			p.invalidf(field+".scopes", "there is no scope; name at least one, or * for all of them")
			read.scopes = p.doubtful(read.scopes, field+".scopes")
		}
		for k, scope := range entry.Scopes {
			at := fmt.Sprintf("%s.scopes[%d]", field, k)
			if wrong := patternFault(string(scope)); wrong != "" {
				p.invalidf(at, "%q: %s", scope, wrong)
				read.scopes = p.doubtful(read.scopes, at)
				continue
			}
			read.scopes = append(read.scopes, pattern{text: string(scope), field: at})
		}
		p.audiences = append(p.audiences, read)
	}
}

// doubtful adds, in a Forbid, all scopes in place of those that cannot be made out.
func (p *policy) doubtful(scopes []pattern, field string) []pattern {
	if p.rule.Effect != bundle.Forbid {
		return scopes
	}
	return append(scopes, pattern{text: wildcard, field: field})
}

// scopesIn are the indexes of the scopes that the policy is about in one bundle, and what finds nothing there.
func (p *policy) scopesIn(f *form) (found []int, strangers []Problem) {
	own := findings{object: p.object}
	for _, entry := range p.audiences {
		if entry.audience != f.policy.Audience {
			continue
		}
		for _, pat := range entry.scopes {
			covered := f.scopes.covered(pat.text)
			if len(covered) == 0 {
				own.warnf(pat.field, "%q covers no scope of %s; correct it, or have the scope added there", pat.text, withoutGeneration(f.object))
			}
			found = append(found, covered...)
		}
	}
	return sortedSet(found, compareInts), own.problems
}

// lost warns of what the policy says of an audience that no resource server in force has.
func (p *policy) lost(audience, why string) []Problem {
	own := findings{object: p.object}
	for _, entry := range p.audiences {
		if entry.audience == audience && audience != "" {
			own.warnf(entry.field+".audience", "%s", why)
		}
	}
	return own.problems
}

// names are the audiences that the policy names.
func (p *policy) names() []string {
	var names []string
	for _, entry := range p.audiences {
		names = append(names, entry.audience)
	}
	return sortedNames(names)
}
