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

const (
	requesterField = "spec.requester"
	approverField  = "spec.approver"
)

var grantKind = v1alpha1.GroupVersion.WithKind("DelegationGrant")

// grantStamper puts on a grant who asked for it, and who approved or denied.
type grantStamper struct{ approvers approvers }

// Handle patches spec.requester and spec.approver where they are not what they must be.
func (g *grantStamper) Handle(ctx context.Context, req admission.Request) admission.Response {
	j, response := g.approvers.judge(ctx, req)
	if response != nil {
		return *response
	}
	var patches []jsonpatch.Operation
	if !sameRequester(j.current.Requester, j.requester) {
		patches = append(patches, putting("/spec/requester", j.requester, j.requester == nil))
	}
	if !sameApprover(j.current.Approver, j.approver) {
		patches = append(patches, putting("/spec/approver", j.approver, j.approver == nil))
	}
	if len(patches) == 0 {
		return admission.Allowed("")
	}
	return admission.Patched("", patches...)
}

// putting writes a field, or removes it where nobody belongs there.
func putting(path string, who any, nobody bool) jsonpatch.Operation {
	if nobody {
		return jsonpatch.NewOperation("remove", path, nil)
	}
	return jsonpatch.NewOperation("add", path, who)
}

// grantChecker refuses a grant on which somebody stands whom grantStamper did not put there: another webhook may have written
// after it, and it may not have been asked at all. It refuses approvals too that would count for nothing, because the approver
// is who they are done for or through. That whoever asked does not approve, the schema sees.
type grantChecker struct{ approvers approvers }

// Handle compares and changes nothing.
func (g *grantChecker) Handle(ctx context.Context, req admission.Request) admission.Response {
	const message = "it is not who makes this request: the webhook configuration behalf-mutating stamps it, and is missing or was overruled by another webhook"
	j, response := g.approvers.judge(ctx, req)
	if response != nil {
		return *response
	}
	var wrong []problem
	if !sameRequester(j.current.Requester, j.requester) {
		wrong = append(wrong, problem{field: requesterField, message: message})
	}
	if !sameApprover(j.current.Approver, j.approver) {
		wrong = append(wrong, problem{field: approverField, message: message})
	}
	if j.approves() {
		wrong = append(wrong, ownApproval(j.current, req.UserInfo)...)
	}
	if len(wrong) > 0 {
		return invalid(req, wrong)
	}
	return admission.Allowed("")
}

// approvers knows who a grant's approver is.
type approvers struct{ reader client.Reader }

// judgement is a grant as it was and as it is to be, and who must stand on it.
type judgement struct {
	old       *grantSpec // nil on creation
	current   grantSpec
	requester *v1alpha1.Requester
	approver  *v1alpha1.Approver
}

// approves says whether this request is the one that approves.
func (j judgement) approves() bool {
	return j.current.State == v1alpha1.GrantApproved && (j.old == nil || !j.old.final())
}

// judge says who must stand on a grant, or gives the answer where that cannot be said.
func (a approvers) judge(ctx context.Context, req admission.Request) (j judgement, answer *admission.Response) {
	deny := func(response admission.Response) (judgement, *admission.Response) { return judgement{}, &response }
	var err error
	if j.current, j.old, err = readGrants(req); err != nil {
		return deny(unreadable(err))
	}
	if j.requester, err = requesterOf(j.old, req.UserInfo); err != nil {
		return deny(invalid(req, []problem{{field: requesterField, message: err.Error()}}))
	}
	var failed error
	j.approver, err = approverOf(j.old, j.current, req.UserInfo, func() (map[string]bool, error) {
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
		return j, nil
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
