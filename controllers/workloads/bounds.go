// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/webhook/workload"
)

// declaration is a ServiceDelegation and what the compiler made of it.
type declaration struct {
	object v1alpha1.ServiceDelegation
	// compiled is false as long as this generation was not. Then nothing is known of its effect.
	compiled bool
	report   compile.Report
}

// bounds are all declarations of one service account.
type bounds []declaration

// same says whether pods are judged alike by both.
func (b bounds) same(other bounds) bool {
	return slices.EqualFunc(b, other, func(a, b declaration) bool {
		return a.object.UID == b.object.UID && a.object.Generation == b.object.Generation &&
			a.compiled == b.compiled && a.report.Accepted == b.report.Accepted && a.report.Message == b.report.Message &&
			equality.Semantic.DeepEqual(a.report.Effective, b.report.Effective) &&
			equality.Semantic.DeepEqual(a.report.Excess, b.report.Excess)
	})
}

func (b bounds) objects() []*v1alpha1.ServiceDelegation {
	objects := make([]*v1alpha1.ServiceDelegation, len(b))
	for i := range b {
		objects[i] = &b[i].object
	}
	return objects
}

// idle are the declared scopes without effect, and why. Where two declare a scope, the effect of one is enough. What was not
// compiled yet is not called idle: it will be compiled, and then somebody looks again.
func (b bounds) idle() map[workload.Scope]string {
	idle, effective := map[workload.Scope]string{}, map[workload.Scope]bool{}
	for i := range b {
		d := &b[i]
		switch {
		case !d.compiled:
			mark(effective, d.object.Spec.Audiences)
		case !d.report.Accepted:
			for scope := range mark(map[workload.Scope]bool{}, d.object.Spec.Audiences) {
				idle[scope] = fmt.Sprintf("ServiceDelegation %s/%s is not accepted; its status says why", d.object.Namespace, d.object.Name)
			}
		default:
			mark(effective, d.report.Effective)
		}
	}
	for i := range b {
		for _, excess := range b[i].report.Excess {
			if b[i].compiled && excess.To == nil {
				idle[workload.Scope{Audience: string(excess.Audience), Name: string(excess.Scope)}] = excess.Message
			}
		}
	}
	for scope := range effective {
		delete(idle, scope)
	}
	return idle
}

func mark(scopes map[workload.Scope]bool, audiences []v1alpha1.AudienceScopes) map[workload.Scope]bool {
	for _, declared := range audiences {
		for _, scope := range declared.Scopes {
			scopes[workload.Scope{Audience: string(declared.Audience), Name: string(scope)}] = true
		}
	}
	return scopes
}
