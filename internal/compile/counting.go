// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"behalf.dev/behalf/internal/bundle"
)

// uncountedBy warns of a grant that none of the policies counts, though some of them ask for a grant for what it is about.
func (g *grant) uncountedBy(policies []*record) []Problem {
	if g.failed() || !g.asked() || g.entry.NotBefore == 0 {
		return nil
	}
	own := findings{object: g.object}
	if field, reasons := g.whyUncounted(policies); len(reasons) > 0 {
		own.warnf(field, "no policy counts it: %s; make a new one that keeps to a policy", someNames(reasons))
	}
	return own.problems
}

// whyUncounted gives a reason for each policy that asks for a grant for what this one is about, or nothing where one of
// them counts it. A Permit that asks for none stands in nobody's way.
func (g *grant) whyUncounted(policies []*record) (field string, reasons []string) {
	for _, r := range policies {
		p := r.policy
		if p.rule.Effect == bundle.Forbid || !p.inForce() || !p.concerns(g) {
			continue
		}
		if p.rule.Grant == nil {
			return "", nil
		}
		at, reason := g.uncounted(p)
		switch {
		case reason == "":
			return "", nil
		case len(reasons) == 0:
			field = at
		case field != at:
			field = "spec"
		}
		reasons = append(reasons, reason)
	}
	return field, reasons
}

// concerns says whether a policy may match requests that the grant is for. Whoever has the subject's id may be of any group
// and have any user name.
func (p *policy) concerns(g *grant) bool {
	actor := slices.ContainsFunc(p.rule.Actors, func(a bundle.ActorSelector) bool {
		return a.Namespace == g.entry.Namespace && (a.ServiceAccount == "" || a.ServiceAccount == g.entry.ServiceAccount)
	})
	subject := slices.ContainsFunc(p.rule.Subjects, func(s bundle.SubjectSelector) bool {
		return s.Issuer == g.entry.Issuer &&
			(s.All || len(s.Groups)+len(s.Usernames) > 0 || slices.Contains(s.Users, g.entry.Subject))
	})
	return actor && subject && p.permitsAny(g)
}

func (p *policy) permitsAny(g *grant) bool {
	for _, entry := range p.audiences {
		for _, pat := range entry.scopes {
			for _, scope := range g.scopes {
				if entry.audience == g.audience && covers(pat.text, string(scope)) {
					return true
				}
			}
		}
	}
	return false
}

// uncounted says why a policy does not count a grant, in the order in which the engine looks.
func (g *grant) uncounted(p *policy) (field, reason string) {
	want, policy := p.rule.Grant, withoutGeneration(p.object)
	switch lasts := g.entry.NotAfter - g.entry.NotBefore; {
	case lasts > int64(want.MaxLifetimeSeconds):
		return "spec.notAfter", fmt.Sprintf("it lasts %s, %s allows %s", span(lasts), policy, span(int64(want.MaxLifetimeSeconds)))
	case g.approved && g.entry.ApproverUsername == g.entry.Subject:
		return "spec.approver", fmt.Sprintf("its approver is its subject, and %s wants another one", policy)
	case g.approved && !approves(want, g.entry):
		return "spec.approver", fmt.Sprintf("%s is none of the approvers that %s names", g.entry.ApproverUsername, policy)
	case want.BindResource && g.entry.ResourceID == "":
		return "spec.resource", fmt.Sprintf("it names no resource, and %s binds it", policy)
	case want.BindSession && g.entry.Session == "":
		return "spec.session", fmt.Sprintf("it names no session, and %s binds it", policy)
	case want.BindArguments && g.entry.ArgumentsDigest == "":
		return "spec.argumentsDigest", fmt.Sprintf("it has no digest of the arguments, and %s binds them", policy)
	default:
		return "", ""
	}
}

func approves(want *bundle.RequireGrant, g bundle.Grant) bool {
	return slices.Contains(want.ApproverUsernames, g.ApproverUsername) ||
		slices.ContainsFunc(g.ApproverGroups, func(group string) bool { return slices.Contains(want.ApproverGroups, group) })
}

// span is a number of seconds as people say it: 720h and not 720h0m0s.
func span(seconds int64) string {
	text := (time.Duration(seconds) * time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
