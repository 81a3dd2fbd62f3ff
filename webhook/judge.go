// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"behalf.dev/behalf/webhook/workload"
)

// judge is the one place where bounds are looked up and what asks is held to them: for workloads, and for tokens in their
// name.
type judge struct {
	exchangeAudience string
	cached, live     delegations
}

// problems believes the cache when it gives enough, and asks the API server before it finds something missing: a pipeline
// that applies a ServiceDelegation and a Deployment in one go is faster than any cache. An error means that nobody knows.
func (j judge) problems(ctx context.Context, c workload.Case) ([]workload.Problem, error) {
	c.ExchangeAudience = j.exchangeAudience
	account := c.Template.Ask(j.exchangeAudience).ServiceAccount
	var problems []workload.Problem
	for _, source := range []delegations{j.cached, j.live} {
		bounds, err := source.of(ctx, c.Namespace, account)
		if err != nil {
			return nil, err
		}
		c.Bounds = bounds
		problems = workload.Judge(c)
		if !dependOnBounds(problems) {
			break
		}
	}
	return problems, nil
}

func dependOnBounds(problems []workload.Problem) bool {
	for _, p := range problems {
		if p.Reason != workload.Malformed {
			return true
		}
	}
	return false
}

// answer admits where there is no problem.
func answer(problems []workload.Problem) admission.Response {
	if len(problems) == 0 {
		return admission.Allowed("")
	}
	return refused(tell(problems))
}

func tell(problems []workload.Problem) []problem {
	told := make([]problem, 0, len(problems))
	for _, p := range problems {
		told = append(told, problem{field: p.Field, message: p.Message})
	}
	return told
}
