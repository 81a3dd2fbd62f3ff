// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"fmt"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
)

// mostWarnings and longestWarning keep warnings within what API servers pass on.
const (
	mostWarnings   = 10
	longestWarning = 256
)

// objects validates what our kinds' owners write, by the compiler that the controllers use.
type objects struct {
	// reader knows who holds what, and others all there is.
	reader client.Reader
	others Others
	clock  func() time.Time
}

// Others are the other objects, compiled. A bundle.Publisher is one.
type Others interface {
	// Consult has a question put to the compiler, which changes nothing; false while there is none to ask.
	Consult(question func(*compile.Compiler)) bool
}

// Handle denies what is wrong with an object whatever else there is, and warns of what the other objects make of it: they
// may be applied a moment later, and the order of apply must not matter. Only what another object holds is not to be had by
// a change.
func (o *objects) Handle(ctx context.Context, req admission.Request) admission.Response {
	if req.Operation != admissionv1.Create && req.Operation != admissionv1.Update {
		return unreadable(fmt.Errorf("operation %q writes no object", req.Operation))
	}
	c, err := readCandidate(schema.GroupVersionKind(req.Kind), req.Object.Raw, o.clock())
	if err != nil {
		return unreadable(err)
	}
	if problems := c.faults(); len(problems) > 0 {
		return invalid(req, problems)
	}
	switch taken, err := o.takeovers(ctx, req); {
	case err != nil:
		return undecidable(err)
	case len(taken) > 0:
		return invalid(req, taken)
	}
	return admission.Allowed("").WithWarnings(o.warnings(c)...)
}

// faults are what no other object can mend. A conflict is not one of them, for the other object may go.
func (c candidate) faults() []problem {
	var faults []problem
	_, problems := c(compile.NewCompiler())
	for _, p := range problems {
		if p.Severity == compile.Error && p.Reason == v1alpha1.ReasonInvalid {
			faults = append(faults, problem{field: p.Field, message: p.Refusal()})
		}
	}
	return faults
}

// warnings are a service, and nothing depends on them: while nobody has compiled the others there are none. They cost what
// the object itself costs: nothing else is compiled.
func (o *objects) warnings(c candidate) []string {
	var report compile.Report
	var problems []compile.Problem
	o.others.Consult(func(compiler *compile.Compiler) { report, problems = c(compiler) })
	var warnings []string
	for _, p := range problems {
		// Keys are fetched by the controllers alone.
		if p.Reason != v1alpha1.ReasonKeysUnavailable {
			warnings = append(warnings, p.Field+": "+p.Message)
		}
	}
	for _, e := range report.Excess {
		if certain(e) {
			warnings = append(warnings, excessWarning(e))
		}
	}
	return bounded(warnings)
}

// certain says whether an excess stands whatever other ServiceDelegations are applied with this one: a service that has no
// use for what is handed on to it may come to hand it on itself.
func certain(e v1alpha1.ExcessScope) bool {
	return e.To == nil || e.Reason == compile.ExcessAudienceUnknown || e.Reason == compile.ExcessScopeUnknown
}

func excessWarning(e v1alpha1.ExcessScope) string {
	declared := fmt.Sprintf("scope %s of audience %s", e.Scope, e.Audience)
	if e.To != nil {
		declared += fmt.Sprintf(", onward to %s/%s,", e.To.Namespace, e.To.ServiceAccount)
	}
	return fmt.Sprintf("%s has no effect yet: %s", declared, e.Message)
}

func bounded(warnings []string) []string {
	var told []string
	for i, w := range warnings {
		if i == mostWarnings {
			return append(told, fmt.Sprintf("and %d more: see the object's status", len(warnings)-i))
		}
		if runes := []rune(w); len(runes) > longestWarning {
			w = string(runes[:longestWarning-1]) + "…"
		}
		told = append(told, w)
	}
	return told
}
