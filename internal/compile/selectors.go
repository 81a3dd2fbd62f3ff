// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/bundle"
)

// doubt is what becomes of a selector, or of a part of one, that makes no sense. Whoever reads it was told by a problem;
// this is about which reading lets less happen.
type doubt uint8

const (
	// doubtSelectsNobody is for what permits.
	doubtSelectsNobody doubt = iota
	// doubtSelectsAll is for what forbids: what stands there, as far as it can be made out, is all meant.
	doubtSelectsAll
)

// namespaceNames are the names of the namespaces that a selector selects.
func (v *view) namespaceNames(f *findings, field string, sel v1alpha1.NamespaceSelector, d doubt) []string {
	if len(sel.MatchLabels) == 0 && len(sel.MatchExpressions) == 0 {
		f.invalidf(field, "an empty selector selects no namespace; say matchLabels or matchExpressions")
		return nil
	}
	sound := make([]bool, len(sel.MatchExpressions))
	for i, requirement := range sel.MatchExpressions {
		sound[i] = checkRequirement(f, fmt.Sprintf("%s.matchExpressions[%d]", field, i), requirement)
	}
	return v.selected(selection{selector: sel, sound: sound, doubt: d})
}

func checkRequirement(f *findings, field string, r v1alpha1.LabelRequirement) bool {
	before := len(f.problems)
	if r.Key == "" {
		f.invalidf(field+".key", "the requirement names no label; say which label it is about")
	}
	switch r.Operator {
	case v1alpha1.LabelIn, v1alpha1.LabelNotIn:
		if len(r.Values) == 0 {
			f.invalidf(field+".values", "%s compares with values and there are none; add at least one", r.Operator)
		}
	case v1alpha1.LabelExists, v1alpha1.LabelDoesNotExist:
		if len(r.Values) > 0 {
			f.invalidf(field+".values", "%s takes no values; remove them, or use In or NotIn", r.Operator)
		}
	default:
		f.invalidf(field+".operator", "%q is no operator; use In, NotIn, Exists or DoesNotExist", r.Operator)
	}
	return len(f.problems) == before
}

func selects(sel v1alpha1.NamespaceSelector, sound []bool, labels map[string]string, d doubt) bool {
	for key, want := range sel.MatchLabels {
		if got, ok := labels[key]; !ok || got != want {
			return false
		}
	}
	for i, requirement := range sel.MatchExpressions {
		met := d == doubtSelectsAll
		if sound[i] {
			met = holds(requirement, labels)
		}
		if !met {
			return false
		}
	}
	return true
}

func holds(r v1alpha1.LabelRequirement, labels map[string]string) bool {
	value, ok := labels[r.Key]
	switch r.Operator {
	case v1alpha1.LabelIn:
		return ok && slices.Contains(r.Values, value)
	case v1alpha1.LabelNotIn:
		return !ok || !slices.Contains(r.Values, value)
	case v1alpha1.LabelExists:
		return ok
	case v1alpha1.LabelDoesNotExist:
		return !ok
	default:
		return false
	}
}

// actors resolves a list of actor selectors.
func (v *view) actors(f *findings, field string, sels []v1alpha1.ActorSelector, d doubt) []bundle.ActorSelector {
	if len(sels) == 0 {
		f.invalidf(field, "there is no actor; name at least one")
	}
	var resolved []bundle.ActorSelector
	for i, sel := range sels {
		at := fmt.Sprintf("%s[%d]", field, i)
		account, sound := accountOf(f, at, sel)
		if !sound && d == doubtSelectsNobody {
			continue
		}
		for _, ns := range v.actorNamespaces(f, at, sel, d) {
			resolved = append(resolved, bundle.ActorSelector{Namespace: ns, ServiceAccount: account})
		}
	}
	return sortedSet(resolved, compareActorSelectors)
}

// accountOf is the one service account that a selector names, or nothing for all of them. What makes no sense is read as
// all of them.
func accountOf(f *findings, field string, sel v1alpha1.ActorSelector) (account string, sound bool) {
	all := sel.All != nil && *sel.All
	switch {
	case all && sel.ServiceAccount != "":
		f.invalidf(field, "both serviceAccount and all are said; keep one of them")
		return "", false
	case !all && sel.ServiceAccount == "":
		f.invalidf(field, "neither serviceAccount nor all is said; name one service account, or say all: true")
		return "", false
	}
	return string(sel.ServiceAccount), true
}

func (v *view) actorNamespaces(f *findings, field string, sel v1alpha1.ActorSelector, d doubt) []string {
	labelled := len(sel.NamespaceSelector.MatchLabels) > 0 || len(sel.NamespaceSelector.MatchExpressions) > 0
	switch {
	case sel.Namespace != "" && labelled:
		f.invalidf(field, "both namespace and namespaceSelector are said; keep one of them")
		if d == doubtSelectsNobody {
			return nil
		}
		selected := v.namespaceNames(f, field+".namespaceSelector", sel.NamespaceSelector, d)
		return sortedNames(append(selected, string(sel.Namespace)))
	case labelled:
		before := len(f.problems)
		selected := v.namespaceNames(f, field+".namespaceSelector", sel.NamespaceSelector, d)
		if len(selected) == 0 && len(f.problems) == before {
			f.warnf(field+".namespaceSelector",
				"no namespace carries these labels, so no service is selected; label a namespace or correct the selector")
		}
		return selected
	case sel.Namespace != "":
		return []string{string(sel.Namespace)}
	}
	f.invalidf(field, "neither namespace nor namespaceSelector is said, which selects nobody; say one of them")
	return nil
}

// subjects resolves a list of subject selectors.
func (v *view) subjects(f *findings, field string, sels []v1alpha1.SubjectSelector, d doubt) []bundle.SubjectSelector {
	if len(sels) == 0 {
		f.invalidf(field, "there is no subject; name at least one")
	}
	var resolved []bundle.SubjectSelector
	for i, sel := range sels {
		if r, ok := v.subject(f, fmt.Sprintf("%s[%d]", field, i), sel, d); ok {
			resolved = append(resolved, r)
		}
	}
	return sortedSet(resolved, compareSubjectSelectors)
}

// subject resolves one subject selector; it is not ok where it selects nobody.
func (v *view) subject(f *findings, field string, sel v1alpha1.SubjectSelector, d doubt) (bundle.SubjectSelector, bool) {
	resolved := bundle.SubjectSelector{
		Issuer:    string(sel.Issuer),
		Users:     nonEmpty(f, field+".users", sel.Users),
		Usernames: nonEmpty(f, field+".usernames", sel.Usernames),
		Groups:    nonEmpty(f, field+".groups", sel.Groups),
		All:       sel.All != nil && *sel.All,
	}
	if !v.issuer(f, field+".issuer", sel.Issuer) {
		return resolved, false
	}
	if !resolved.All && len(resolved.Users)+len(resolved.Usernames)+len(resolved.Groups) == 0 {
		f.invalidf(field, "the selector selects nobody; name users, usernames or groups, or say all: true")
		resolved.All = d == doubtSelectsAll
		return resolved, resolved.All
	}
	if resolved.All && len(resolved.Users)+len(resolved.Usernames)+len(resolved.Groups) > 0 {
		f.invalidf(field, "all: true takes everybody, and there are users, usernames or groups beside it; keep one of the two")
		if d == doubtSelectsNobody {
			return resolved, false
		}
	}
	if resolved.All {
		resolved.Users, resolved.Usernames, resolved.Groups = nil, nil, nil
	}
	return resolved, true
}

// issuer says whether an issuer is named, and warns where nobody trusts it.
func (v *view) issuer(f *findings, field string, name v1alpha1.IssuerName) bool {
	if name == "" {
		f.invalidf(field, "there is no issuer; name the TrustedIssuer that knows these people")
		return false
	}
	if !v.trusts(string(name)) {
		f.warnf(field, "no TrustedIssuer is named %q, so nobody is meant yet; correct the name or create it", name)
	}
	return true
}

// nonEmpty sorts names and refuses empty ones, which would select whoever lacks the name.
func nonEmpty[T ~string](f *findings, field string, names []T) []string {
	var kept []T
	for i, name := range names {
		if name == "" {
			f.invalidf(fmt.Sprintf("%s[%d]", field, i), "the entry is empty; fill it in or remove it")
			continue
		}
		kept = append(kept, name)
	}
	return sortedNames(kept)
}
