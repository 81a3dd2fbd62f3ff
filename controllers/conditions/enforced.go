// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package conditions

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
)

// maxNamed is how many laggards are named; the rest is a count.
const maxNamed = 3

// Enforced is true only if every live authorizer that serves a bundle with this object in it has acknowledged this
// generation, and there is one. Its message says no number of authorizers while all is well, because then every authorizer
// that comes or goes would be a write to every object (THREATS 44).
func Enforced(o Outcome) metav1.Condition {
	if !o.Report.Accepted {
		return False(v1alpha1.ConditionEnforced, v1alpha1.ReasonNotAccepted, inForce(o))
	}
	return enforcedAt(o)
}

func enforcedAt(o Outcome) metav1.Condition {
	if len(o.Standings) == 0 {
		return False(v1alpha1.ConditionEnforced, v1alpha1.ReasonNoEffect,
			"It is part of no bundle: no resource server that it names exists or is accepted yet.")
	}
	if refusals := refusalsOf(o.Standings); len(refusals) > 0 {
		return False(v1alpha1.ConditionEnforced, v1alpha1.ReasonRejected, rejected(refusals))
	}
	if empty := without(o.Standings); len(empty) > 0 {
		return False(v1alpha1.ConditionEnforced, v1alpha1.ReasonNoAuthorizers,
			"No authorizer that may serve "+few(empty, quoted)+" is connected.")
	}
	if lagging := laggards(o.Standings); len(lagging) > 0 {
		return False(v1alpha1.ConditionEnforced, v1alpha1.ReasonLagging, fmt.Sprintf(
			"%s not acknowledged generation %d yet: %s.", counted(len(lagging)), o.Report.Object.Generation, few(lagging, plain)))
	}
	return True(v1alpha1.ConditionEnforced, v1alpha1.ReasonEnforced,
		"Every live authorizer that serves it has acknowledged this generation.")
}

// inForce says what goes on while an object is not accepted.
func inForce(o Outcome) string {
	switch {
	case o.Report.StandIn:
		return "This generation is not accepted; the last one that was stays in force."
	case len(o.Report.Bundles) > 0:
		return "It is not accepted; what can be made out of it stays in force, on the side that lets less happen."
	default:
		return "It is not accepted, so there is nothing to enforce."
	}
}

func refusalsOf(standings []Standing) []Refusal {
	var all []Refusal
	for _, s := range standings {
		all = append(all, s.Refusals...)
	}
	slices.SortFunc(all, func(a, b Refusal) int { return strings.Compare(a.Authorizer+a.Message, b.Authorizer+b.Message) })
	return slices.Compact(all)
}

func rejected(refusals []Refusal) string {
	message := refusals[0].Authorizer + " refused it: " + refusals[0].Message
	if more := len(refusals) - 1; more > 0 {
		message += fmt.Sprintf(" (and %d more refusals)", more)
	}
	return message
}

// without are the bundles that nobody serves.
func without(standings []Standing) []string {
	var names []string
	for _, s := range standings {
		if s.Authorizers == 0 {
			names = append(names, s.Bundle)
		}
	}
	slices.Sort(names)
	return names
}

// laggards are the authorizers that lag with any of the bundles, each once.
func laggards(standings []Standing) []string {
	var names []string
	for _, s := range standings {
		names = append(names, s.Lagging...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func counted(n int) string {
	if n == 1 {
		return "1 authorizer has"
	}
	return fmt.Sprintf("%d authorizers have", n)
}

func plain(s string) string  { return s }
func quoted(s string) string { return "bundle " + s }

// few names the first of a sorted list and counts the rest.
func few(names []string, spell func(string) string) string {
	spelled := make([]string, 0, maxNamed)
	for _, name := range names[:min(len(names), maxNamed)] {
		spelled = append(spelled, spell(name))
	}
	text := strings.Join(spelled, ", ")
	if more := len(names) - maxNamed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
