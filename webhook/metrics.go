// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// outcome is how an answer came about.
type outcome int

const (
	// outcomeUndecidable is the answer of somebody who does not know, and denies: it cannot be judged now, or something panicked.
	outcomeUndecidable outcome = iota
	// outcomeUnreadable denies what cannot be understood.
	outcomeUnreadable
	// outcomeDenied is what its writer may not write, or wrote wrong.
	outcomeDenied
	outcomeAllowed
	outcomes
)

func (o outcome) String() string {
	return [outcomes]string{outcomeUndecidable: "undecidable", outcomeUnreadable: "unreadable", outcomeDenied: "denied", outcomeAllowed: "allowed"}[o]
}

// outcomeOf tells it by the code alone, which whoever makes an answer chooses. Of an answer with any other code nobody knows how
// it came about.
func outcomeOf(response *admission.Response) outcome {
	switch {
	case response.Allowed:
		return outcomeAllowed
	case response.Result == nil:
		return outcomeUndecidable
	}
	switch response.Result.Code {
	case http.StatusForbidden, http.StatusUnprocessableEntity:
		return outcomeDenied
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return outcomeUnreadable
	default:
		return outcomeUndecidable
	}
}

// Answers counts what the webhooks answer. It implements prometheus.Collector.
type Answers struct{ total *prometheus.CounterVec }

// NewAnswers has counted none.
func NewAnswers() *Answers {
	return &Answers{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "behalf_admission_answers_total", Help: "Answers to admission reviews, by webhook and by how they came about; all but allowed deny.",
	}, []string{"webhook", "answer"})}
}

// Describe implements prometheus.Collector.
func (a *Answers) Describe(ch chan<- *prometheus.Desc) { a.total.Describe(ch) }

// Collect implements prometheus.Collector.
func (a *Answers) Collect(ch chan<- prometheus.Metric) { a.total.Collect(ch) }

// counters are those of one webhook, looked up once: a pod that waits for its answer waits for one addition.
type counters [outcomes]prometheus.Counter

// of gives the counters of a webhook, which all stand at zero from then on: an increase is seen from the first answer.
func (a *Answers) of(webhook string) *counters {
	var c counters
	for o := range outcomes {
		c[o] = a.total.WithLabelValues(webhook, o.String())
	}
	return &c
}
