// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"sync"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
	kjson "sigs.k8s.io/json"
)

// maxReview is what a review may take, in bytes: two objects of twice the 1.5 MB that etcd stores, and what is said about
// them. It is controller-runtime's bound.
const maxReview = 7 << 20

// reviewEndpoint answers the API server's questions on one path. controller-runtime's own handler would do, but for what it costs:
// it reads each review twice over before it looks at the object. Panics, patches and the like are left to the Webhook.
type reviewEndpoint struct {
	hook    *admission.Webhook
	answers *counters
}

func newReviewEndpoint(handler admission.Handler, answers *counters) reviewEndpoint {
	return reviewEndpoint{&admission.Webhook{
		Handler:      patient{handler},
		RecoverPanic: new(true), // a panic denies
		// By default every request writes its fields into a logger, which hardly any uses.
		LogConstructor: func(base logr.Logger, _ *admission.Request) logr.Logger { return base },
	}, answers}
}

// ServeHTTP answers one AdmissionReview (admission.k8s.io/v1). What is none is denied, with code 400, or 413 where it is too
// large.
func (e reviewEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := bodies.Get().(*bytes.Buffer)
	if !ok {
		body = new(bytes.Buffer)
	}
	defer release(body)
	answer := outcomeUndecidable // which it stays where something panics
	defer func() { e.answers[answer].Inc() }()
	response := e.answer(w, r, body)
	answer = outcomeOf(&response)
	write(w, r, response)
}

func (e reviewEndpoint) answer(w http.ResponseWriter, r *http.Request, body *bytes.Buffer) admission.Response {
	request, err := readReview(w, r, body)
	if err != nil {
		return admission.Errored(codeOf(err), err)
	}
	return e.hook.Handle(r.Context(), admission.Request{AdmissionRequest: *request})
}

// bodies are used again: they are most of what an answer would allocate, and a collector that is busy keeps pods waiting.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// largestKept is the size, in bytes, of a body beyond which its memory is given back. Hardly any object is larger.
const largestKept = 256 << 10

func release(body *bytes.Buffer) {
	if body.Cap() <= largestKept {
		body.Reset()
		bodies.Put(body)
	}
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

// unread is an AdmissionReview whose objects are not read yet.
type unread struct {
	metav1.TypeMeta
	Request *struct {
		admissionv1.AdmissionRequest
		// These take the place of the fields of the same names.
		Object    part `json:"object"`
		OldObject part `json:"oldObject"`
	} `json:"request"`
}

// part is JSON within a body, and not a copy of it.
type part []byte

// UnmarshalJSON keeps hold of what it is given, which is part of the body that was given to the decoder; of nothing, where
// that is null.
func (p *part) UnmarshalJSON(raw []byte) error {
	if !bytes.Equal(raw, []byte("null")) {
		*p = raw
	}
	return nil
}

// readReview reads the question into a body, which must not change while the request is in use. Its objects are left as they
// came, for whoever knows what of them matters.
func readReview(w http.ResponseWriter, r *http.Request, body *bytes.Buffer) (*admissionv1.AdmissionRequest, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, fmt.Errorf("reading an AdmissionReview: %w", errNoJSON)
	}
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxReview)); err != nil {
		return nil, fmt.Errorf("reading an AdmissionReview: %w", err)
	}
	var review unread
	if err := kjson.UnmarshalCaseSensitivePreserveInts(body.Bytes(), &review); err != nil {
		return nil, fmt.Errorf("reading an AdmissionReview: %w", err)
	}
	switch {
	case review.GroupVersionKind() != reviewKind:
		return nil, fmt.Errorf("reading an AdmissionReview: %w: %s", errOtherKind, review.GroupVersionKind())
	case review.Request == nil:
		return nil, fmt.Errorf("reading an AdmissionReview: %w", errNoRequest)
	}
	request := &review.Request.AdmissionRequest
	request.Object.Raw, request.OldObject.Raw = review.Request.Object, review.Request.OldObject
	return request, nil
}
