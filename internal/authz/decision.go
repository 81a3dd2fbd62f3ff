// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import "time"

// Outcome is Deny or Allow; the zero value denies.
type Outcome uint8

const (
	// Deny refuses the request.
	Deny Outcome = iota
	// Allow lets the request pass.
	Allow
)

// String is Allow or Deny.
func (o Outcome) String() string {
	if o == Allow {
		return "Allow"
	}
	return "Deny"
}

// Denial says which leg denied and why.
type Denial struct {
	Leg    Leg
	Reason Reason
	// Message says why in a sentence, for whoever runs the system. It names objects; it never quotes a token.
	Message string
}

// ForUser is what the person behind the request may read: what they can do about it, and nothing of policies, services or
// other people.
func (d Denial) ForUser() string { return d.Reason.ForUser() }

// Obligations hold for whoever lets a request pass on a decision, and for any token that is issued on it. On Deny they are
// zero.
type Obligations struct {
	// MaxTokenLifetime is the longest that a token issued on this decision may live: the most that a deciding Permit gives.
	// 0: no Permit limits it.
	MaxTokenLifetime time.Duration
	// NotAfter is when what the decision rests on ends: the presented token or the grant, whichever ends first. Zero where
	// neither has an end. It lies after the time of the decision.
	NotAfter time.Time
	// Disclose names the subject's claims that such a token may carry on. Sorted; nobody may change it.
	Disclose []string
}

// Decision is the answer to a Request. The zero value denies.
type Decision struct {
	Outcome Outcome
	// Denial is on Deny the first leg that failed; on Allow it is zero.
	Denial
	// DryRun is what would have been denied, were it not for a dry run; nil otherwise.
	DryRun *Denial
	// Audience, Scope and Resource as judged, after routing.
	Audience string
	Scope    string
	Resource Resource

	// ResourceServer and Revision say which bundle was asked.
	ResourceServer ObjectRef
	Revision       int64
	// Degraded says that the lease of something which this rests on has ended, and that the ResourceServer lets it be served
	// for a while longer: a change, or a revocation, may not have arrived.
	Degraded bool
	// Policies are the rules that decided: on Allow the Permits that matched and wanted no further grant than there was, on a
	// Deny by the policy leg the Forbids. Nobody may change the list.
	Policies []ObjectRef
	// Declarations are, on Allow, what each actor of the chain rests on, the current actor's first. Those beyond the chain are
	// nil. Nobody may change them.
	Declarations [MaxChainDepth]*Declaration
	// Grant that was used, if one was asked for.
	Grant *ObjectRef
	// Revocation that denied, if one did.
	Revocation *ObjectRef

	Obligations Obligations

	// What it takes to ask again what stood in the way.
	explainer Explainer
	asked     *Request
	at        time.Time
}

// Explainer finds all that stands in the way of a request at a time. It gives the same answer however often it is asked.
type Explainer interface {
	Obstacles(request *Request, at time.Time) []Denial
}

// Explain has a decision, made of a request at a time, tell its Obstacles.
func Explain(d *Decision, e Explainer, request *Request, at time.Time) {
	d.explainer, d.asked, d.at = e, request, at
}

// Obstacles are all that stood in the way, in the order in which they are judged: each would have to change for the request
// to be allowed, and no other would. Legs that cannot be judged while an earlier one stands are not among them: without a
// known scope nobody can say who may use it. In a dry run they are what would have stood in the way; otherwise, on Allow,
// there are none. They are found when asked for, from the snapshot and the request that the decision was made on.
func (d Decision) Obstacles() []Denial {
	switch {
	case d.explainer != nil:
		return d.explainer.Obstacles(d.asked, d.at)
	case d.Outcome == Deny:
		return []Denial{d.Denial}
	default:
		return nil
	}
}

// Declaration is what one actor of a chain rests on: the ServiceDelegations that declare the scope that was used, for the
// current actor, or the step to the next actor with it, for a prior one.
type Declaration struct {
	Actor   Actor
	Sources []ObjectRef
}

// Allowed says whether the request may pass.
func (d Decision) Allowed() bool { return d.Outcome == Allow }

// Objects are the objects that decided, each with its generation: the resource server first, then policies, delegations,
// grant and revocation.
func (d Decision) Objects() []ObjectRef {
	var objects []ObjectRef
	if d.ResourceServer != (ObjectRef{}) {
		objects = append(objects, d.ResourceServer)
	}
	objects = append(objects, d.Policies...)
	for _, declaration := range d.Declarations {
		if declaration != nil {
			objects = append(objects, declaration.Sources...)
		}
	}
	for _, one := range []*ObjectRef{d.Grant, d.Revocation} {
		if one != nil {
			objects = append(objects, *one)
		}
	}
	return objects
}
