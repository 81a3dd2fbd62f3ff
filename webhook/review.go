// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
	kjson "sigs.k8s.io/json"
)

// maxReview is what a review may take, in bytes: two objects of twice the 1.5 MB that etcd stores, and what is said about
// them. It is controller-runtime's bound.
const maxReview = 7 << 20

// reviewEndpoint answers the API server's questions on one path. controller-runtime's own handler would do, but for what it costs:
// it reads each review twice over before it looks at the object. Panics, patches and the like are left to the Webhook.
type reviewEndpoint struct{ hook *admission.Webhook }

func newReviewEndpoint(handler admission.Handler) reviewEndpoint {
	// A panic denies.
	return reviewEndpoint{&admission.Webhook{Handler: patient{handler}, RecoverPanic: new(true)}}
}

// ServeHTTP answers one AdmissionReview (admission.k8s.io/v1). What is none is denied, with code 400, or 413 where it is too
// large.
func (e reviewEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request, err := readReview(w, r)
	if err != nil {
		write(w, r, admission.Errored(codeOf(err), err))
		return
	}
	write(w, r, e.hook.Handle(r.Context(), admission.Request{AdmissionRequest: *request}))
}

func codeOf(err error) int32 {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

func write(w http.ResponseWriter, r *http.Request, response admission.Response) {
	w.Header().Set("Content-Type", "application/json")
	answer := admissionv1.AdmissionReview{Response: &response.AdmissionResponse}
	answer.SetGroupVersionKind(reviewKind)
	if err := json.NewEncoder(w).Encode(&answer); err != nil {
		ctrl.LoggerFrom(r.Context()).Error(err, "cannot write an admission response", "uid", response.UID)
	}
}

var reviewKind = admissionv1.SchemeGroupVersion.WithKind("AdmissionReview")

var (
	errNoJSON    = errors.New("the content type is not application/json")
	errNoRequest = errors.New("it has no request")
	errOtherKind = errors.New("it is of another kind or version")
)

// readReview reads the question. Its object is left as it came, for whoever knows what of it matters.
func readReview(w http.ResponseWriter, r *http.Request) (*admissionv1.AdmissionRequest, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, fmt.Errorf("reading an AdmissionReview: %w", errNoJSON)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReview))
	if err != nil {
		return nil, fmt.Errorf("reading an AdmissionReview: %w", err)
	}
	var review admissionv1.AdmissionReview
	if err := kjson.UnmarshalCaseSensitivePreserveInts(body, &review); err != nil {
		return nil, fmt.Errorf("reading an AdmissionReview: %w", err)
	}
	switch {
	case review.GroupVersionKind() != reviewKind:
		return nil, fmt.Errorf("reading an AdmissionReview: %w: %s", errOtherKind, review.GroupVersionKind())
	case review.Request == nil:
		return nil, fmt.Errorf("reading an AdmissionReview: %w", errNoRequest)
	default:
		return review.Request, nil
	}
}
