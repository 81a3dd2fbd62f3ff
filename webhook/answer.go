// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// mostProblems is how many problems an answer tells; it counts the rest.
const mostProblems = 8

// problem is one thing to tell to whoever wrote an object.
type problem struct {
	field, message string
}

func (p problem) String() string {
	if p.field == "" {
		return p.message
	}
	return p.field + ": " + p.message
}

// unreadable denies what cannot be understood.
func unreadable(err error) admission.Response {
	return admission.Errored(http.StatusBadRequest, err)
}

// undecidable denies because something that must be known cannot be, for now.
func undecidable(err error) admission.Response {
	return admission.Errored(http.StatusInternalServerError, fmt.Errorf("denied, because it cannot be judged: %w", err))
}

// invalid denies what is wrong in itself, as the schema's own refusals do: Forbidden would read like a missing right.
func invalid(req admission.Request, problems []problem) admission.Response {
	response := refused(problems)
	r := response.Result
	r.Code, r.Reason = http.StatusUnprocessableEntity, metav1.StatusReasonInvalid
	r.Message = fmt.Sprintf("%s %s is invalid: %s", req.Kind.Kind, nameOf(req), r.Message)
	r.Details.Group, r.Details.Kind, r.Details.Name = req.Kind.Group, req.Kind.Kind, req.Name
	return response
}

// nameOf is empty for an object that is still to be given its name.
func nameOf(req admission.Request) string {
	if req.Namespace == "" {
		return strconv.Quote(req.Name)
	}
	return strconv.Quote(req.Namespace + "/" + req.Name)
}

// refused denies for reasons that people can act on, in words for them and in fields for their tools.
func refused(problems []problem) admission.Response {
	told := problems[:min(len(problems), mostProblems)]
	response := admission.Denied(sentence(told, len(problems)-len(told)))
	response.Result.Details = &metav1.StatusDetails{}
	for _, p := range told {
		response.Result.Details.Causes = append(response.Result.Details.Causes, metav1.StatusCause{
			Type: metav1.CauseTypeFieldValueInvalid, Field: p.field, Message: p.message,
		})
	}
	return response
}

// sentence is one line for one problem, and a line each for several.
func sentence(told []problem, more int) string {
	if len(told) == 1 && more == 0 {
		return told[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d problems:", len(told)+more)
	for _, p := range told {
		b.WriteString("\n- " + p.String())
	}
	if more > 0 {
		fmt.Fprintf(&b, "\n- and %d more", more)
	}
	return b.String()
}
