// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"fmt"

	"gomodules.xyz/jsonpatch/v2"
	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
	"sigs.k8s.io/json"

	"behalf.dev/behalf/api/v1alpha1"
)

const approverField = "spec.approver"

var grantKind = v1alpha1.GroupVersion.WithKind("DelegationGrant")

// grantStamper puts the approver on a grant.
type grantStamper struct{ approvers approvers }

// Handle patches spec.approver where it is not what it must be.
func (g *grantStamper) Handle(ctx context.Context, req admission.Request) admission.Response {
	current, want, response := g.approvers.judge(ctx, req)
	switch {
	case response != nil:
		return *response
	case sameApprover(current, want):
		return admission.Allowed("")
	case want == nil:
		return admission.Patched("", jsonpatch.NewOperation("remove", "/spec/approver", nil))
	default:
		return admission.Patched("", jsonpatch.NewOperation("add", "/spec/approver", want))
	}
}

// grantChecker refuses a grant whose approver is not the one that grantStamper put there: another webhook may have written
// after it, and it may not have been asked at all.
type grantChecker struct{ approvers approvers }

// Handle compares and changes nothing.
func (g *grantChecker) Handle(ctx context.Context, req admission.Request) admission.Response {
	current, want, response := g.approvers.judge(ctx, req)
	switch {
	case response != nil:
		return *response
	case sameApprover(current, want):
		return admission.Allowed("")
	default:
		return invalid(req, []problem{{field: approverField, message: "it is not who makes this request: the webhook configuration behalf-mutating stamps it, " +
			"and is missing or was overruled by another webhook"}})
	}
}

// approvers knows who a grant's approver is.
type approvers struct{ reader client.Reader }

// judge gives the approver that the grant has and the one that it must have, or the answer where that cannot be said.
func (a approvers) judge(ctx context.Context, req admission.Request) (current, want *v1alpha1.Approver, answer *admission.Response) {
	deny := func(response admission.Response) (*v1alpha1.Approver, *v1alpha1.Approver, *admission.Response) {
		return nil, nil, &response
	}
	grant, old, err := readGrants(req)
	if err != nil {
		return deny(unreadable(err))
	}
	var failed error
	want, err = approverOf(old, grant, req.UserInfo, func() (map[string]bool, error) {
		var named map[string]bool
		named, failed = a.named(ctx)
		return named, failed
	})
	switch {
	case failed != nil:
		return deny(undecidable(failed))
	case err != nil:
		return deny(invalid(req, []problem{{field: approverField, message: err.Error()}}))
	default:
		return grant.Approver, want, nil
	}
}

// named are the groups that some policy wants the approvers of its grants to be in.
func (a approvers) named(ctx context.Context) (map[string]bool, error) {
	var policies v1alpha1.DelegationPolicyList
	if err := a.reader.List(ctx, &policies, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("looking for the DelegationPolicies that name approvers: %w", err)
	}
	named := map[string]bool{}
	for i := range policies.Items {
		if required := policies.Items[i].Spec.RequireGrant; required != nil {
			for _, group := range required.Approvers.Groups {
				named[string(group)] = true
			}
		}
	}
	return named, nil
}

// readGrants reads the grant and the one that it replaces, which is nil on creation.
func readGrants(req admission.Request) (current grantSpec, old *grantSpec, err error) {
	if kind := schema.GroupVersionKind(req.Kind); kind != grantKind {
		return current, nil, fmt.Errorf("objects of kind %s are not grants", kind)
	}
	if current, err = readGrant(req.Object.Raw); err != nil {
		return current, nil, err
	}
	switch req.Operation {
	case admissionv1.Create:
		return current, nil, nil
	case admissionv1.Update:
		before, err := readGrant(req.OldObject.Raw)
		if err != nil {
			return current, nil, fmt.Errorf("the object as it was: %w", err)
		}
		return current, &before, nil
	case admissionv1.Delete, admissionv1.Connect:
	}
	return current, nil, fmt.Errorf("operation %q writes no object", req.Operation)
}

func readGrant(raw []byte) (grantSpec, error) {
	var form struct {
		Spec *grantSpec `json:"spec"`
	}
	twice, err := json.UnmarshalStrict(raw, &form, json.DisallowDuplicateFields)
	switch {
	case err != nil:
		return grantSpec{}, fmt.Errorf("reading the grant: %w", err)
	case len(twice) > 0:
		return grantSpec{}, fmt.Errorf("reading the grant: %w", errors.Join(twice...))
	case form.Spec == nil:
		return grantSpec{}, errors.New("the grant has no spec")
	default:
		return *form.Spec, nil
	}
}
