// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package conditions

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
)

// maxNamed is how many laggards are named; the rest is a count.
const maxNamed = 3

// Enforced is true only if every live authorizer that serves a bundle with this object in it has acknowledged this
// generation, and there is one that is connected. Its message says no number of authorizers while all is well, because then
// every authorizer that comes or goes would be a write to every object (THREATS 44).
//
// Who was served, by any replica, is known to a manager since it leads, or since an earlier one did that told it of everybody
// until then. For one lease from then it takes every service account that is named as an authorizer for one that lags, until an instance of it
// connects. That does not cover a second instance
// under the same service account: as soon as the first is back, the second is not missed.
func Enforced(o Outcome) metav1.Condition {
	if !o.Report.Accepted {
		return False(v1alpha1.ConditionEnforced, v1alpha1.ReasonNotAccepted, inForce(o))
	}
	return enforcedAt(o)
}

func enforcedAt(o Outcome) metav1.Condition {
	if len(o.Standings) == 0 {
		return False(v1alpha1.ConditionEnforced, v1alpha1.ReasonNoEffect, orElse(worst(o.Problems, compile.Warning),
			"It is part of no bundle: no resource server that it names exists or is accepted yet."))
	}
	if refusals := refusalsOf(o.Standings); len(refusals) > 0 {
		return False(v1alpha1.ConditionEnforced, v1alpha1.ReasonRejected, rejected(refusals))
	}
	if empty := without(o.Standings); len(empty) > 0 {
		return False(v1alpha1.ConditionEnforced, v1alpha1.ReasonNoAuthorizers, deserted(empty))
	}
	if lagging := laggards(o.Standings); len(lagging) > 0 {
		return False(v1alpha1.ConditionEnforced, v1alpha1.ReasonLagging, fmt.Sprintf(
			"%s not acknowledged %s yet: %s.", counted(len(lagging)), awaited(o.Standings), few(lagging)))
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

// without are the bundles that nobody serves, sorted by name.
func without(standings []Standing) []Standing {
	return those(standings, func(s Standing) bool { return s.Connected == 0 })
}

func those(standings []Standing, fit func(Standing) bool) []Standing {
	found := slices.DeleteFunc(slices.Clone(standings), func(s Standing) bool { return !fit(s) })
	slices.SortFunc(found, func(a, b Standing) int { return strings.Compare(a.Bundle, b.Bundle) })
	return found
}

// deserted says of bundles that nobody serves since when, and what those held that served it until then: they may go on
// deciding by it out of sight.
func deserted(empty []Standing) string {
	names := make([]string, len(empty))
	for i, s := range empty {
		names[i] = "bundle " + s.Bundle
	}
	first := empty[0]
	text := "No authorizer that may serve " + few(names) + " is connected"
	if !first.LastGone.IsZero() {
		text += fmt.Sprintf("; the last went at %s: %s", first.LastGone.UTC().Format(time.RFC3339), left(first))
	}
	return text + "."
}

// left says what the authorizers of a bundle hold of which none is connected.
func left(s Standing) string {
	var parts []string
	if s.Acked > 0 {
		parts = append(parts, fmt.Sprintf("%s acknowledged revision %d of bundle %s", counted(s.Acked), s.Revision, s.Bundle))
	}
	if len(s.Lagging) > 0 {
		parts = append(parts, fmt.Sprintf("%s not acknowledged revision %d of bundle %s: %s",
			counted(len(s.Lagging)), s.Revision, s.Bundle, few(s.Lagging)))
	}
	return strings.Join(parts, "; ")
}

// awaited names the first of the bundles that are lagged with, and counts the others.
func awaited(standings []Standing) string {
	late := those(standings, func(s Standing) bool { return len(s.Lagging) > 0 })
	text := fmt.Sprintf("revision %d of bundle %s", late[0].Revision, late[0].Bundle)
	switch more := len(late) - 1; more {
	case 0:
		return text
	case 1:
		return text + " or that of 1 more bundle"
	default:
		return text + fmt.Sprintf(" or those of %d more bundles", more)
	}
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

// few names the first of a sorted list and counts the rest.
func few(names []string) string {
	text := strings.Join(names[:min(len(names), maxNamed)], ", ")
	if more := len(names) - maxNamed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
