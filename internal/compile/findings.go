// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// findings are what is wrong with one object.
type findings struct {
	object   authz.ObjectRef
	problems []Problem
}

func findingsOf(kind string, meta metav1.ObjectMeta) findings {
	return findings{object: authz.ObjectRef{
		Kind: kind, Namespace: meta.Namespace, Name: meta.Name, Generation: meta.Generation,
	}}
}

// invalidf notes that the object contradicts itself or names something impossible.
func (f *findings) invalidf(field, format string, args ...any) {
	f.add(Error, v1alpha1.ReasonInvalid, field, fmt.Sprintf(format, args...))
}

// until says of the last problem what holds until it is mended.
func (f *findings) until(consequence string) {
	last := &f.problems[len(f.problems)-1]
	last.Consequence = "; until then " + consequence
	last.Message += last.Consequence
}

// conflictf notes that an older object holds what this one claims.
func (f *findings) conflictf(field, format string, args ...any) {
	f.add(Error, v1alpha1.ReasonConflict, field, fmt.Sprintf(format, args...))
}

// warnf notes that something has no effect, perhaps not yet, or another one than its owner may think.
func (f *findings) warnf(field, format string, args ...any) {
	f.add(Warning, v1alpha1.ReasonNoEffect, field, fmt.Sprintf(format, args...))
}

func (f *findings) add(severity Severity, reason, field, message string) {
	f.problems = append(f.problems, Problem{
		Object: f.object, Field: field, Reason: reason, Message: message, Severity: severity,
	})
}

// failed says whether the object is not accepted.
func (f *findings) failed() bool {
	return slices.ContainsFunc(f.problems, func(p Problem) bool { return p.Severity == Error })
}

// alike says whether two readings differ at most in what is wrong, and agree on whether that keeps them from being accepted.
func alike[T any](a, b *T, of func(*T) *findings) bool {
	x, y := *a, *b
	of(&x).problems, of(&y).problems = nil, nil
	return of(a).failed() == of(b).failed() && reflect.DeepEqual(x, y)
}

func compareProblems(a, b Problem) int {
	return cmp.Or(
		compareRefs(a.Object, b.Object),
		compareFields(a.Field, b.Field),
		cmp.Compare(a.Severity, b.Severity),
		cmp.Compare(a.Reason, b.Reason),
		cmp.Compare(a.Message, b.Message),
	)
}
