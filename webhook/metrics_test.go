// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"behalf.dev/behalf/api/v1alpha1"
)

// counted gives what stands above zero of the answers of workloads.
func counted(a *Answers) map[string]float64 {
	above := map[string]float64{}
	for _, answer := range []string{"allowed", "denied", "unreadable", "undecidable"} {
		if n := testutil.ToFloat64(a.total.WithLabelValues("workloads", answer)); n > 0 {
			above[answer] = n
		}
	}
	return above
}

// broken ends whoever reads it.
type broken struct{}

func (broken) Read([]byte) (int, error) { panic("broken") }

// silent answers with nothing in it.
type silent struct{}

func (silent) Handle(context.Context, admission.Request) admission.Response {
	return admission.Response{}
}

// late asks somebody who answers when nobody waits any more.
type late struct{ workloads }

func (l *late) Handle(ctx context.Context, req admission.Request) admission.Response {
	ctx, cancel := context.WithDeadline(ctx, time.Unix(0, 0))
	defer cancel()
	return l.workloads.Handle(ctx, req)
}

// waits fails as the API server's client does.
type waits struct{}

func (waits) of(ctx context.Context, _, _ string) ([]*v1alpha1.ServiceDelegation, error) {
	return nil, ctx.Err()
}

// THREATS 5, 11: whatever is unsure denies, and is counted as that.
func TestEveryAnswerIsCountedByHowItCameAbout(t *testing.T) {
	knows := func(s *source) admission.Handler {
		return &workloads{judge{exchangeAudience: DefaultExchangeAudience, cached: s, live: s}}
	}
	reads := knows(&source{bounds: declared("read")})
	tests := map[string]struct {
		handler admission.Handler
		body    io.Reader
		want    string
	}{
		"what is within its bounds":           {reads, strings.NewReader(reviewOf(asksToRead)), "allowed"},
		"what is outside":                     {reads, strings.NewReader(reviewOf(asksToDelete)), "denied"},
		"what is no review":                   {reads, strings.NewReader("{"), "unreadable"},
		"what is too large":                   {reads, io.MultiReader(strings.NewReader(`{"kind":"`), io.LimitReader(endless{}, maxReview)), "unreadable"},
		"a review of no object":               {reads, strings.NewReader(reviewOf("null")), "unreadable"},
		"where bounds cannot be read":         {knows(&source{err: errors.New("no connection")}), strings.NewReader(reviewOf(asksToRead)), "undecidable"},
		"where it takes too long":             {&late{workloads{judge{exchangeAudience: DefaultExchangeAudience, cached: waits{}, live: waits{}}}}, strings.NewReader(reviewOf(asksToRead)), "undecidable"},
		"a panic of whoever judges":           {knows(&source{panics: true}), strings.NewReader(reviewOf(asksToRead)), "undecidable"},
		"a panic while the review is read":    {reads, broken{}, "undecidable"},
		"an answer of which nobody knows why": {silent{}, strings.NewReader(reviewOf(asksToRead)), "undecidable"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			answers := NewAnswers()
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, PathWorkloads, tt.body)
			req.Header.Set("Content-Type", "application/json")
			func() {
				defer func() { _ = recover() }() // net/http does so
				newReviewEndpoint(tt.handler, answers.of("workloads")).ServeHTTP(httptest.NewRecorder(), req)
			}()
			if got := counted(answers); !maps.Equal(got, map[string]float64{tt.want: 1}) {
				t.Errorf("got %v, want one %s", got, tt.want)
			}
		})
	}
}

func TestAnswersAreToldApartByTheirMakers(t *testing.T) {
	wrong := []problem{{field: "spec", message: "wrong"}}
	tests := map[string]struct {
		response admission.Response
		want     string
	}{
		"admitted":                    {admission.Allowed(""), "allowed"},
		"admitted with a patch":       {admission.Patched("", putting("/spec/approver", "x", false)), "allowed"},
		"admitted with a warning":     {admission.Allowed("").WithWarnings("no effect"), "allowed"},
		"refused":                     {refused(wrong), "denied"},
		"invalid":                     {invalid(admission.Request{}, wrong), "denied"},
		"unreadable":                  {unreadable(errors.New("x")), "unreadable"},
		"undecidable":                 {undecidable(errors.New("x")), "undecidable"},
		"undecidable, as a bad":       {undecidable(errors.New("400 bad request, denied, allowed")), "undecidable"},
		"an answer of another's code": {admission.Errored(http.StatusTeapot, errors.New("x")), "undecidable"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := outcomeOf(&tt.response).String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAnswersStandAtZeroBeforeTheFirst(t *testing.T) {
	answers := NewAnswers()
	answers.of("tokens")
	const want = `
# HELP behalf_admission_answers_total Answers to admission reviews, by webhook and by how they came about; all but allowed deny.
# TYPE behalf_admission_answers_total counter
behalf_admission_answers_total{answer="allowed",webhook="tokens"} 0
behalf_admission_answers_total{answer="denied",webhook="tokens"} 0
behalf_admission_answers_total{answer="undecidable",webhook="tokens"} 0
behalf_admission_answers_total{answer="unreadable",webhook="tokens"} 0
`
	if err := testutil.CollectAndCompare(answers, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	c := NewAnswers().of("workloads")
	response := refused([]problem{{message: "wrong"}})
	if n := testing.AllocsPerRun(1000, func() { c[outcomeOf(&response)].Inc() }); n != 0 {
		t.Errorf("%v allocations an answer", n)
	}
}
