// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// DelegationGrant is one approved, time-boxed act: this subject, through this
// actor, may use these scopes on this resource until notAfter. It never stands
// alone: every other leg must permit the request too.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=behalf,shortName=dgrant
// +kubebuilder:printcolumn:name="Subject",type=string,JSONPath=`.spec.subject.id`
// +kubebuilder:printcolumn:name="Actor",type=string,JSONPath=`.spec.actor.serviceAccount`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.spec.state`
// +kubebuilder:printcolumn:name="Not-After",type=string,JSONPath=`.spec.notAfter`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Audience",type=string,JSONPath=`.spec.audience`,priority=1
// +kubebuilder:printcolumn:name="Scopes",type=string,JSONPath=`.spec.scopes`,priority=1
// +kubebuilder:printcolumn:name="Requester",type=string,JSONPath=`.spec.requester.username`,priority=1
// +kubebuilder:printcolumn:name="Approver",type=string,JSONPath=`.spec.approver.username`,priority=1
type DelegationGrant struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec says what was asked for, and what the approver said.
	//
	// +required
	Spec DelegationGrantSpec `json:"spec,omitzero"`

	// status is what Behalf answers: conditions, of which Ready sums up the
	// others. Only the manager writes it.
	//
	// +optional
	// +default={"observedGeneration":-1}
	Status DelegationGrantStatus `json:"status,omitzero"`
}

// GrantState is where a grant stands.
//
// +kubebuilder:validation:Enum=Requested;Approved;Denied
type GrantState string

// Where a grant stands.
const (
	// GrantRequested waits for an approver.
	GrantRequested GrantState = "Requested"
	// GrantApproved counts, until notAfter.
	GrantApproved GrantState = "Approved"
	// GrantDenied never counts.
	GrantDenied GrantState = "Denied"
)

// DelegationGrantSpec is what was asked for, and what the approver said. What
// was asked for (subject, actor, audience, scopes, resource, argumentsDigest
// and session), and by whom (requester), never changes; once state is Approved
// or Denied, nothing does. Whoever asked does not approve.
//
// +kubebuilder:validation:XValidation:rule=`oldSelf.state == 'Requested' || self == oldSelf`,message="Approved and Denied are final, and the grant no longer changes: make a new DelegationGrant, or stop this one with a DelegationRevocation"
// +kubebuilder:validation:XValidation:rule=`self.subject == oldSelf.subject && self.actor == oldSelf.actor && self.audience == oldSelf.audience && self.scopes == oldSelf.scopes && has(self.resource) == has(oldSelf.resource) && (!has(self.resource) || self.resource == oldSelf.resource) && has(self.argumentsDigest) == has(oldSelf.argumentsDigest) && (!has(self.argumentsDigest) || self.argumentsDigest == oldSelf.argumentsDigest) && has(self.session) == has(oldSelf.session) && (!has(self.session) || self.session == oldSelf.session)`,message="subject, actor, audience, scopes, resource, argumentsDigest and session are what was asked for and never change: make a new DelegationGrant"
// +kubebuilder:validation:XValidation:rule=`has(self.requester) == has(oldSelf.requester) && (!has(self.requester) || self.requester == oldSelf.requester)`,message="requester is whoever made the request and never changes: make a new DelegationGrant"
// +kubebuilder:validation:XValidation:rule=`self.state != 'Approved' || oldSelf.state != 'Requested' || has(oldSelf.requester)`,message="nobody knows who asked for this grant, which was made without the admission webhook or by an earlier release: make a new DelegationGrant and have that approved",fieldPath=".state"
// +kubebuilder:validation:XValidation:rule=`self.state != 'Approved' || !has(self.requester) || !has(self.approver) || self.approver.username != self.requester.username`,message="whoever asks for a grant does not approve it: ask with state Requested, and have somebody else approve",fieldPath=".approver"
// +kubebuilder:validation:XValidation:rule=`self.state != 'Requested' || !has(self.approver)`,message="approver goes with state Approved or Denied only: remove it",fieldPath=".approver"
type DelegationGrantSpec struct {
	// subject for whom the act is done.
	//
	// +required
	Subject SubjectReference `json:"subject,omitzero"`

	// actor that does it.
	//
	// +required
	Actor ServiceAccountReference `json:"actor,omitzero"`

	// audience of the resource server.
	//
	// +required
	Audience Audience `json:"audience,omitempty"`

	// scopes of that audience, by their exact names.
	//
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Scopes []ScopeName `json:"scopes,omitempty"`

	// resource that the act concerns. Without it, the grant is bound to no
	// resource and does not satisfy a policy that binds Resource.
	//
	// +optional
	Resource *GrantResource `json:"resource,omitempty"`

	// argumentsDigest is sha256:HEX of the RFC 8785 form of context.arguments.
	// Where set, it must agree.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^sha256:[0-9a-f]{64}$')`,message="argumentsDigest is sha256: and 64 hexadecimal digits in lower case: give the SHA-256 of the arguments' RFC 8785 form"
	// +kubebuilder:validation:MinLength=71
	// +kubebuilder:validation:MaxLength=71
	ArgumentsDigest string `json:"argumentsDigest,omitempty"`

	// session of the subject. Where set, it must agree.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r'\pC')`,message="a session's id has no control or invisible characters: give it exactly as the issuer's tokens carry it"
	Session string `json:"session,omitempty"`

	// notAfter is when the grant ends. A policy bounds how far it may lie after
	// the making of the grant (requireGrant.maxLifetimeSeconds).
	//
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=64
	NotAfter metav1.Time `json:"notAfter,omitzero"`

	// state is Requested, Approved or Denied. Only Approved counts; Approved and
	// Denied are final. Without it, Requested.
	//
	// +optional
	// +default="Requested"
	State GrantState `json:"state,omitempty"`

	// requester is who asked, stamped at admission from the request that made the
	// grant: what a writer puts here is replaced.
	//
	// +optional
	Requester *Requester `json:"requester,omitempty"`

	// approver is who approved or denied, stamped at admission from the request's
	// own identity: what a writer puts here is replaced.
	//
	// +optional
	Approver *Approver `json:"approver,omitempty"`
}

// GrantResource names one resource.
type GrantResource struct {
	// type of the resource.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[A-Za-z0-9]([A-Za-z0-9._:/-]*[A-Za-z0-9])?$')`,message="a resource's type has letters, digits, '-', '_', '.', ':' and '/' only, and begins and ends with a letter or digit: write ticket; what varies goes into id"
	Type string `json:"type,omitempty"`

	// id of the resource.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r'\pC')`,message="a resource's id has no control or invisible characters: give it exactly as requests carry it"
	ID string `json:"id,omitempty"`
}

// Requester is the Kubernetes identity of whoever asked.
type Requester struct {
	// username of the requester.
	//
	// +required
	Username Username `json:"username,omitempty"`
}

// Approver is the Kubernetes identity of whoever approved or denied.
type Approver struct {
	// username of the approver.
	//
	// +required
	Username Username `json:"username,omitempty"`

	// groups of the approver.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	Groups []GroupName `json:"groups,omitempty"`
}

// DelegationGrantStatus is what Behalf answers.
type DelegationGrantStatus struct {
	// conditions are Accepted, Enforced and Ready, and Stalled where only a person
	// can mend what is wrong.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:XValidation:rule=`size(self.message) <= 4096`,message="a condition's message has at most 4096 characters: name a few and count the rest"
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation that the conditions speak of; -1 before
	// the first look.
	//
	// +optional
	ObservedGeneration *int64 `json:"observedGeneration,omitempty"`
}

// DelegationGrantList is a list of delegation grants.
//
// +kubebuilder:object:root=true
type DelegationGrantList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []DelegationGrant `json:"items"`
}
