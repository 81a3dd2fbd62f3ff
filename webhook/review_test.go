// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/types"
)

// reviewOf is what the API server asks about the creation of a pod.
func reviewOf(object string) string {
	return `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","kind":{"version":"v1","kind":"Pod"},` +
		`"namespace":"support","operation":"CREATE","object":` + object + `}}`
}

// ask posts a body to an endpoint that knows some ServiceDelegations.
func ask(t *testing.T, known *source, contentType string, body io.Reader) *admissionv1.AdmissionResponse {
	t.Helper()
	response := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, PathWorkloads, body)
	req.Header.Set("Content-Type", contentType)
	newReviewEndpoint(&workloads{judge{exchangeAudience: DefaultExchangeAudience, cached: known, live: known}}, NewAnswers().of("workloads")).ServeHTTP(response, req)
	var answer admissionv1.AdmissionReview
	if err := json.Unmarshal(response.Body.Bytes(), &answer); err != nil || answer.Response == nil || response.Code != http.StatusOK {
		t.Fatalf("no answer, status %d: %v, %s", response.Code, err, response.Body)
	}
	if answer.GroupVersionKind() != reviewKind || response.Header().Get("Content-Type") != "application/json" {
		t.Errorf("it answers with %s, as %s", answer.GroupVersionKind(), response.Header().Get("Content-Type"))
	}
	return answer.Response
}

func TestReviewEndpoint(t *testing.T) {
	const asJSON = "application/json"
	tests := map[string]struct {
		contentType, body string
		panics            bool
		uid               types.UID
		code              int32 // of a denial; 0: admitted
		want              string
	}{
		"a question is answered under its UID":      {asJSON, reviewOf(asksToRead), false, "u", 0, ""},
		"a media type with a parameter is the same": {asJSON + "; charset=utf-8", reviewOf(asksToRead), false, "u", 0, ""},
		"a denial is an answer":                     {asJSON, reviewOf(asksToDelete), false, "u", http.StatusForbidden, "delete"},
		"a panic denies":                            {asJSON, reviewOf(asksToRead), true, "u", http.StatusInternalServerError, "panic"},
		"a body of another media type is not read":  {"text/plain", reviewOf(asksToRead), false, "", http.StatusBadRequest, "content type"},
		"a body without a media type is not read":   {"", reviewOf(asksToRead), false, "", http.StatusBadRequest, "content type"},
		"no body":                    {asJSON, "", false, "", http.StatusBadRequest, "reading an AdmissionReview"},
		"half a body":                {asJSON, reviewOf(asksToRead)[:60], false, "", http.StatusBadRequest, "reading an AdmissionReview"},
		"two in one body":            {asJSON, reviewOf(asksToRead) + reviewOf(asksToRead), false, "", http.StatusBadRequest, "reading an AdmissionReview"},
		"a review without a request": {asJSON, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`, false, "", http.StatusBadRequest, "no request"},
		"a review of a version that is not asked for": {asJSON, strings.Replace(reviewOf(asksToRead), "io/v1", "io/v1beta1", 1), false, "", http.StatusBadRequest, "another kind or version"},
		"something else than a review":                {asJSON, asksToRead, false, "", http.StatusBadRequest, "another kind or version"},
		"a field in another case is another field":    {asJSON, strings.Replace(reviewOf(asksToRead), `"request"`, `"Request"`, 1), false, "", http.StatusBadRequest, "no request"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { // THREATS 11
			got := ask(t, &source{bounds: declared("read"), panics: tt.panics}, tt.contentType, strings.NewReader(tt.body))
			if got.UID != tt.uid || got.Allowed != (tt.code == 0) {
				t.Fatalf("got %+v", got)
			}
			if !got.Allowed && (got.Result.Code != tt.code || !strings.Contains(got.Result.Message, tt.want)) {
				t.Errorf("got %+v, want code %d and %q", got.Result, tt.code, tt.want)
			}
		})
	}
}

// What one review brought is not there when the memory is used again.
func TestReviewEndpointForgets(t *testing.T) {
	known := &source{bounds: declared("read")}
	for range 3 {
		if got := ask(t, known, "application/json", strings.NewReader(reviewOf(strings.Replace(asksToDelete, "delete", strings.Repeat("x", 100), 1)))); got.Allowed {
			t.Fatalf("got %+v", got)
		}
		if got := ask(t, known, "application/json", strings.NewReader(reviewOf(asksToRead))); !got.Allowed || got.UID != "u" {
			t.Errorf("got %+v", got)
		}
		for _, nothing := range []string{"null", "{}"} {
			got := ask(t, known, "application/json", strings.NewReader(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":`+nothing+`}`))
			if got.Allowed || got.UID != "" {
				t.Errorf("%s: got %+v", nothing, got)
			}
		}
		if got := ask(t, known, "application/json", strings.NewReader(reviewOf("null"))); got.Allowed || !strings.Contains(got.Result.Message, "there is no object") {
			t.Errorf("got %+v", got.Result)
		}
	}
}

func TestReviewEndpointReadsNoMoreThanAReviewCanTake(t *testing.T) {
	body := io.MultiReader(strings.NewReader(`{"kind":"`), io.LimitReader(endless{}, maxReview))
	got := ask(t, &source{}, "application/json", body)
	if got.Allowed || got.Result.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %+v", got.Result)
	}
}

// endless is one letter over and over.
type endless struct{}

func (endless) Read(into []byte) (int, error) {
	for i := range into {
		into[i] = 'a'
	}
	return len(into), nil
}

// THREATS 11: no body, whatever it is, ends the process or is answered by a yes.
func FuzzAdmissionReview(f *testing.F) {
	for _, body := range []string{
		"", "{}", "null", `{"kind":"AdmissionReview"}`, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`,
		`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":null}`, reviewOf("null"), reviewOf(asksToRead), reviewOf(mounts), reviewOf("[]"),
		reviewOf(`{"metadata":{"annotations":{"behalf.dev/scopes":"\u0000"}}}`),
	} {
		f.Add(body)
	}
	// Nothing is declared, and so whatever asks must be refused.
	f.Fuzz(func(t *testing.T, body string) {
		if answer := ask(t, &source{}, "application/json", strings.NewReader(body)); answer.Allowed && createsAskingPod(body) {
			t.Fatalf("%q was admitted", body)
		}
	})
}

// createsAskingPod reads the review in another way than the webhook does.
func createsAskingPod(body string) bool {
	var review struct {
		Request struct {
			Operation string
			Object    struct {
				Metadata struct{ Annotations map[string]any }
			}
		}
	}
	if json.Unmarshal([]byte(body), &review) != nil {
		return false
	}
	_, asks := review.Request.Object.Metadata.Annotations["behalf.dev/scopes"]
	return asks && review.Request.Operation == "CREATE"
}
