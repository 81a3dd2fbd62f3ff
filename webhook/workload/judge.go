// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"slices"

	"behalf.dev/behalf/api/v1alpha1"
)

// Reason is why something asked for is refused.
type Reason string

// The reasons.
const (
	// Malformed says that the annotation cannot be read. No ServiceDelegation can mend that.
	Malformed Reason = "Malformed"
	// NoServiceDelegation says that the service account has none at all.
	NoServiceDelegation Reason = "NoServiceDelegation"
	// NotDeclared says that no ServiceDelegation of the service account declares the scope.
	NotDeclared Reason = "NotDeclared"
	// Ambiguous says that an unqualified scope is declared for several audiences.
	Ambiguous Reason = "Ambiguous"
	// NoEffect says that the scope is declared and has no effect: a policy or the API's team does not let it have one.
	NoEffect Reason = "NoEffect"
)

// Problem is one thing asked for that is refused.
type Problem struct {
	// Field is the path within the object, such as spec.template.metadata.annotations[behalf.dev/scopes].
	Field  string
	Reason Reason
	// Message is a sentence that says what is wrong and what to do about it.
	Message string
}

// String is the problem on one line.
func (p Problem) String() string { return p.Field + ": " + p.Message }

// Case is one pod or pod template before the judge.
type Case struct {
	Namespace string
	Template  Template
	// Path of the template within its object, such as spec.template; empty for a Pod.
	Path string
	// Bounds are ServiceDelegations. Those of other service accounts and namespaces count for nothing.
	Bounds []*v1alpha1.ServiceDelegation
	// Idle are declared scopes without effect, each with its audience, and why that is. To ask for one is refused; nothing is
	// where it is nil, as at admission, where what gives the scope its effect may be on its way.
	Idle map[Scope]string
	// ExchangeAudience is the audience of a token that asks for delegation by being mounted.
	ExchangeAudience string
	// Requested is where a token for the exchange is asked for in the pod's name, such as spec.audiences[0] of a TokenRequest:
	// it asks for delegation, whether the pod mounts one or not. Empty where that is not the question.
	Requested string
}

// Judge gives what is wrong with what a pod asks for, in the order in which it asks; nothing where it stays within its
// bounds or asks for nothing. The order of the bounds never matters, and a further one never adds a problem, but where it
// declares for another audience a scope that is asked for without one.
func Judge(c Case) []Problem { return JudgeAsk(c.Template.Ask(c.ExchangeAudience), c) }

// JudgeAsk judges what was read before, for whoever keeps no templates: the template and the exchange's audience of the case
// count for nothing.
func JudgeAsk(ask Ask, c Case) []Problem {
	account := account{namespace: c.Namespace, name: ask.ServiceAccount}
	bounds := boundsOf(account, c.Bounds)
	bounds.idle = c.Idle
	var problems []Problem
	if ask.Annotated {
		field := c.field("metadata.annotations[" + ScopesAnnotation + "]")
		problems = judgeScopes(ask.Scopes, field, bounds)
	}
	if field := c.tokenField(ask); field != "" && bounds.none() {
		problems = append(problems, Problem{Field: field, Reason: NoServiceDelegation, Message: fmt.Sprintf(
			"a token for the exchange asks for delegation, and service account %s has no ServiceDelegation: "+
				"create one in namespace %s with spec.serviceAccountName: %s, or do without the token",
			account, account.namespace, account.name)})
	}
	return problems
}

// tokenField is where a token for the exchange is asked for; empty where it is not.
func (c Case) tokenField(ask Ask) string {
	switch {
	case c.Requested != "":
		return c.Requested
	case ask.MountsToken():
		return c.field(ask.TokenField)
	default:
		return ""
	}
}

func (c Case) field(below string) string {
	if c.Path == "" {
		return below
	}
	return c.Path + "." + below
}

func judgeScopes(value, field string, bounds *bounds) []Problem {
	scopes, err := ParseScopes(value)
	if err != nil {
		return []Problem{{Field: field, Reason: Malformed, Message: err.Error()}}
	}
	if bounds.none() {
		return []Problem{{Field: field, Reason: NoServiceDelegation, Message: bounds.explainNone(scopes)}}
	}
	var problems []Problem
	audiences := bounds.audiencesOf(scopes)
	seen := map[Scope]bool{}
	for _, scope := range scopes {
		if seen[scope] {
			continue
		}
		seen[scope] = true
		if reason, message := bounds.judge(scope, audiences[scope.Name]); message != "" {
			problems = append(problems, Problem{Field: field, Reason: reason, Message: message})
		}
	}
	return problems
}

// account is a service account.
type account struct{ namespace, name string }

func (a account) String() string { return a.namespace + "/" + a.name }

// bounds are what the ServiceDelegations of one service account declare for it to use itself: their audiences. What stands
// in onward is for the next service and not for this one.
type bounds struct {
	account account
	// delegations are those of the account.
	delegations []*v1alpha1.ServiceDelegation
	// idle is that of the case.
	idle map[Scope]string
	// told is what refusals are told from; see declarations.
	told *declarations
}

func boundsOf(account account, all []*v1alpha1.ServiceDelegation) *bounds {
	b := &bounds{account: account}
	for _, d := range all {
		if d.Namespace == account.namespace && string(d.Spec.ServiceAccountName) == account.name {
			b.delegations = append(b.delegations, d)
		}
	}
	return b
}

func (b *bounds) none() bool { return len(b.delegations) == 0 }

// audiencesOf are the audiences that declare each of the scopes that are asked for, by the scope's name, sorted.
func (b *bounds) audiencesOf(asked []Scope) map[string][]string {
	found := make(map[string][]string, len(asked))
	for _, scope := range asked {
		found[scope.Name] = nil
	}
	for _, d := range b.delegations {
		for _, declared := range d.Spec.Audiences {
			for _, scope := range declared.Scopes {
				if audiences, isAsked := found[string(scope)]; isAsked {
					found[string(scope)] = append(audiences, string(declared.Audience))
				}
			}
		}
	}
	for name, audiences := range found {
		found[name] = sortedSet(audiences)
	}
	return found
}

func sortedSet(values []string) []string {
	slices.Sort(values)
	return slices.Compact(values)
}

// judge gives an empty message where the scope is declared, for which those are the audiences that declare its name.
func (b *bounds) judge(scope Scope, audiences []string) (Reason, string) {
	switch {
	case scope.Audience != "" && slices.Contains(audiences, scope.Audience):
		return b.judgeEffect(scope)
	case scope.Audience != "":
		return NotDeclared, b.explainQualified(scope)
	case len(audiences) == 1:
		return b.judgeEffect(Scope{Audience: audiences[0], Name: scope.Name})
	case len(audiences) == 0:
		return NotDeclared, b.explainUnqualified(scope)
	default:
		return Ambiguous, b.explainAmbiguous(scope, audiences)
	}
}

// judgeEffect is about a declared scope, with its audience.
func (b *bounds) judgeEffect(scope Scope) (Reason, string) {
	why, idle := b.idle[scope]
	if !idle {
		return "", ""
	}
	return NoEffect, fmt.Sprintf("scope %s of audience %s is declared for service account %s and has no effect: %s", scope.Name, scope.Audience, b.account, why)
}
