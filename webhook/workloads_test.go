// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

const (
	asksToRead   = `{"metadata":{"annotations":{"behalf.dev/scopes":"read"}},"spec":{"serviceAccountName":"portal"}}`
	asksToDelete = `{"metadata":{"annotations":{"behalf.dev/scopes":"delete"}},"spec":{"serviceAccountName":"portal"}}`
	asksBadly    = `{"metadata":{"annotations":{"behalf.dev/scopes":"*"}},"spec":{"serviceAccountName":"portal"}}`
	asksNothing  = `{"metadata":{"name":"p"},"spec":{"serviceAccountName":"portal"}}`
	mounts       = `{"spec":{"serviceAccountName":"portal","volumes":[{"projected":{"sources":[{"serviceAccountToken":{"audience":"behalf-exchange"}}]}}]}}`
	leaving      = `{"metadata":{"annotations":{"behalf.dev/scopes":"delete"},"deletionTimestamp":"2026-06-01T10:00:00Z"},"spec":{"serviceAccountName":"portal"}}`
)

func TestWorkloads(t *testing.T) {
	down := errors.New("the cache is not started")
	tests := map[string]struct {
		object, old  string // JSON of pods
		cached, live source
		want         string // empty: admitted
		askedLive    int
	}{
		"what asks for nothing is admitted without asking": {
			object: asksNothing, cached: source{err: down}, live: source{err: down},
		},
		"what the cache knows is admitted without asking the API server": {
			object: asksToRead, cached: source{bounds: declared("read")}, live: source{err: down},
		},
		"what the cache does not know yet is looked up before it is refused": { // THREATS 6
			object: asksToRead, live: source{bounds: declared("read")}, askedLive: 1,
		},
		"a scope that the cache does not know yet is looked up": { // THREATS 6
			object: asksToDelete, cached: source{bounds: declared("read")}, live: source{bounds: declared("read", "delete")}, askedLive: 1,
		},
		"a token for the exchange needs a ServiceDelegation, which is looked up": { // THREATS 6
			object: mounts, live: source{bounds: declared("read")}, askedLive: 1,
		},
		"what nobody declares is refused": {
			object: asksToDelete, cached: source{bounds: declared("read")}, live: source{bounds: declared("read")},
			want: "scope delete is not declared for service account support/portal", askedLive: 1,
		},
		"what is malformed is refused without a look at the API server": {
			object: asksBadly, cached: source{bounds: declared("read")}, live: source{err: down}, want: "is a pattern",
		},
		"a cache that is not in sync denies": { // THREATS 5, 6
			object: asksToRead, cached: source{err: down}, live: source{bounds: declared("read")}, want: "the cache is not started",
		},
		"an API server that does not answer denies": { // THREATS 5
			object: asksToRead, live: source{err: down}, want: "denied, because it cannot be judged", askedLive: 1,
		},
		"a panic denies": { // THREATS 11
			object: asksToRead, cached: source{panics: true}, want: "panic",
		},
		"an update that asks for more is judged": { // THREATS 9
			object: asksToDelete, old: asksToRead, cached: source{bounds: declared("read")}, live: source{bounds: declared("read")},
			want: "scope delete is not declared", askedLive: 1,
		},
		"an update that asks for the first time is judged": { // THREATS 9
			object: asksToRead, old: asksNothing, want: "has no ServiceDelegation", askedLive: 1,
		},
		"an update that mounts the token is judged": { // THREATS 9
			object: mounts, old: asksNothing, want: "has no ServiceDelegation", askedLive: 1,
		},
		"an update as another service account is judged": {
			object: strings.ReplaceAll(asksToRead, "portal", "other"), old: asksToRead, want: "service account support/other", askedLive: 1,
		},
		"an update that asks for what was asked for before is admitted, whatever the bounds": {
			object: asksToDelete, old: asksToDelete, cached: source{err: down}, live: source{err: down},
		},
		"an update that no longer asks is admitted": {
			object: asksNothing, old: asksToDelete, cached: source{err: down}, live: source{err: down},
		},
		"a finalizer can be removed": {
			object: leaving, old: strings.Replace(leaving, `"metadata":{`, `"metadata":{"finalizers":["x"],`, 1), cached: source{err: down}, live: source{err: down},
		},
		"being deleted exempts nobody who asks for more": { // THREATS 4
			object: leaving, old: asksToRead, want: "scope delete is not declared", cached: source{bounds: declared("read")}, live: source{bounds: declared("read")}, askedLive: 1,
		},
		"a malformed object is refused":     {object: `{"metadata":{"annotations":[]}}`, want: "reading the object"}, // THREATS 11
		"a malformed old object is refused": {object: asksToRead, old: `[]`, want: "the object as it was"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := &workloads{judge{exchangeAudience: DefaultExchangeAudience, cached: &tt.cached, live: &tt.live}}
			var old any
			if tt.old != "" {
				old = tt.old
			}
			got := newReviewEndpoint(w, NewAnswers().of("workloads")).hook.Handle(t.Context(), request(t, podKind, "support", tt.object, old))
			check(t, got, tt.want)
			if tt.live.asked != tt.askedLive {
				t.Errorf("the API server was asked %d times, want %d", tt.live.asked, tt.askedLive)
			}
		})
	}
}

func check(t *testing.T, got admission.Response, want string) {
	t.Helper()
	if got.Allowed != (want == "") || want != "" && !strings.Contains(got.Result.Message, want) {
		t.Errorf("got allowed %v, %+v, want %q", got.Allowed, got.Result, want)
	}
}

func TestWorkloadsRefusesWhatIsNoQuestion(t *testing.T) {
	good := request(t, podKind, "support", asksToRead, nil)
	tests := map[string]struct {
		spoil func(*admission.Request)
		want  string
	}{
		"no namespace":           {func(r *admission.Request) { r.Namespace = "" }, "names no namespace"},
		"no object":              {func(r *admission.Request) { r.Object.Raw = nil }, "there is no object"},
		"no kind":                {func(r *admission.Request) { r.Kind = metav1.GroupVersionKind{} }, "not known to hold a pod template"},
		"a kind without pods":    {func(r *admission.Request) { r.Kind.Kind = "Secret" }, "not known to hold a pod template"},
		"a deletion":             {func(r *admission.Request) { r.Operation = admissionv1.Delete }, `operation "DELETE" writes no object`},
		"a connection":           {func(r *admission.Request) { r.Operation = admissionv1.Connect }, `operation "CONNECT" writes no object`},
		"no operation":           {func(r *admission.Request) { r.Operation = "" }, `operation "" writes no object`},
		"an update without past": {func(r *admission.Request) { r.Operation = admissionv1.Update }, "the object as it was: there is no object"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := &workloads{judge{exchangeAudience: DefaultExchangeAudience, cached: &source{bounds: declared("read")}, live: &source{}}}
			if got := w.Handle(t.Context(), good); !got.Allowed {
				t.Fatalf("unspoilt: %v", got.Result)
			}
			req := good
			tt.spoil(&req)
			check(t, w.Handle(t.Context(), req), tt.want)
		})
	}
}

// The API server copies the annotations of a Binding to the pod. THREATS 1, 9.
func TestBindings(t *testing.T) {
	tests := map[string]struct{ object, want string }{
		"a scheduler's":              {`{"metadata":{"name":"p"},"target":{"name":"node"}}`, ""},
		"one with other annotations": {`{"metadata":{"annotations":{"a":"b"}}}`, ""},
		"one with ours":              {asksToRead, "a Binding does not change what a pod asks for"},
		"one with ours, empty":       {`{"metadata":{"annotations":{"behalf.dev/scopes":""}}}`, "a Binding does not change"},
		"half of one":                {`{"metadata"`, "reading the object"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := (&workloads{}).Handle(t.Context(), request(t, bindingKind, "support", tt.object, nil))
			check(t, got, tt.want)
		})
	}
}

// Tools read the fields, people the sentence.
func TestRefusalNamesFields(t *testing.T) {
	deployment := `{"spec":{"template":` + strings.Replace(asksToRead, "read", "a b c d e f g h i j", 1) + `}}`
	w := &workloads{judge{cached: &source{bounds: declared("read")}, live: &source{bounds: declared("read")}}}
	got := w.Handle(t.Context(), request(t, schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, "support", deployment, nil))
	if got.Result.Code != http.StatusForbidden || got.Result.Reason != metav1.StatusReasonForbidden {
		t.Errorf("got %d %s", got.Result.Code, got.Result.Reason)
	}
	if len(got.Result.Details.Causes) != mostProblems || got.Result.Details.Causes[0].Field != "spec.template.metadata.annotations[behalf.dev/scopes]" {
		t.Errorf("got causes %+v", got.Result.Details.Causes)
	}
	want := "10 problems:\n- spec.template.metadata.annotations[behalf.dev/scopes]: scope a is not declared"
	if !strings.HasPrefix(got.Result.Message, want) || !strings.HasSuffix(got.Result.Message, "\n- and 2 more") {
		t.Errorf("got %q", got.Result.Message)
	}
}
