// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// DelegationRevocation stops, from this instant, everything that rests on one
// subject, session, actor, edge, grant, transaction or token.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,categories=behalf,shortName=drev
// +kubebuilder:printcolumn:name="Revokes",type=string,JSONPath=`.spec`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Enforced",type=string,JSONPath=`.status.conditions[?(@.type=="Enforced")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
type DelegationRevocation struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec says what no longer counts.
	//
	// +required
	Spec DelegationRevocationSpec `json:"spec,omitzero"`

	// status is what Behalf answers: conditions, of which Ready sums up the
	// others. Only the manager writes it.
	//
	// +optional
	// +default={"observedGeneration":-1}
	Status DelegationRevocationStatus `json:"status,omitzero"`
}

// DelegationRevocationSpec says what no longer counts. Exactly one of subject,
// session, actor, edge, grant, transaction and token, which never changes.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule=`[has(self.subject), has(self.session), has(self.actor), has(self.edge), has(self.grant), has(self.transaction), has(self.token)].filter(x, x).size() == 1`,message="exactly one of subject, session, actor, edge, grant, transaction and token: make a DelegationRevocation for each that you mean"
// +kubebuilder:validation:XValidation:rule=`has(self.subject) == has(oldSelf.subject) && (!has(self.subject) || self.subject == oldSelf.subject) && has(self.session) == has(oldSelf.session) && (!has(self.session) || self.session == oldSelf.session) && has(self.actor) == has(oldSelf.actor) && (!has(self.actor) || self.actor == oldSelf.actor) && has(self.edge) == has(oldSelf.edge) && (!has(self.edge) || self.edge == oldSelf.edge) && has(self.grant) == has(oldSelf.grant) && (!has(self.grant) || self.grant == oldSelf.grant) && has(self.transaction) == has(oldSelf.transaction) && (!has(self.transaction) || self.transaction == oldSelf.transaction) && has(self.token) == has(oldSelf.token) && (!has(self.token) || self.token == oldSelf.token)`,message="what a revocation revokes never changes: make another DelegationRevocation, and delete this one if it was wrong"
type DelegationRevocationSpec struct {
	// issuedBefore limits the revocation to tokens issued before this time; a
	// request that brings no issue time counts as issued before. Without it,
	// everything is revoked for as long as this object stands. An actor and an
	// edge rest on the presented token and on the actor's own: each must have
	// been issued since.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=64
	IssuedBefore *metav1.Time `json:"issuedBefore,omitempty"`

	// subject revokes a person.
	//
	// +optional
	Subject *SubjectReference `json:"subject,omitempty"`

	// session revokes one session of a person.
	//
	// +optional
	Session *SessionReference `json:"session,omitempty"`

	// actor revokes a service account, wherever it stands in the chain.
	//
	// +optional
	Actor *ServiceAccountReference `json:"actor,omitempty"`

	// edge revokes one step of a chain.
	//
	// +optional
	Edge *Edge `json:"edge,omitempty"`

	// grant revokes one DelegationGrant.
	//
	// +optional
	Grant *GrantReference `json:"grant,omitempty"`

	// transaction revokes one transaction id ('txn').
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r'\pC')`,message="a transaction's id has no control or invisible characters: give the 'txn' exactly as tokens carry it"
	Transaction string `json:"transaction,omitempty"`

	// token revokes one token id ('jti').
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r'\pC')`,message="a token's id has no control or invisible characters: give the 'jti' exactly as the token carries it"
	Token string `json:"token,omitempty"`
}

// SessionReference names one session at an issuer.
type SessionReference struct {
	// issuer is the name of the TrustedIssuer.
	//
	// +required
	Issuer IssuerName `json:"issuer,omitempty"`

	// id of the session, from the claim that the issuer maps to session.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r'\pC')`,message="a session's id has no control or invisible characters: give it exactly as the issuer's tokens carry it"
	ID string `json:"id,omitempty"`
}

// Edge is one step of a chain: from a person to the first service, or from one
// service to the next.
//
// +kubebuilder:validation:XValidation:rule=`has(self.subject) != has(self.from)`,message="exactly one of subject and from: a step begins at a person or at a service; name the one that is meant"
// +kubebuilder:validation:XValidation:rule=`!has(self.from) || self.from.__namespace__ != self.to.__namespace__ || self.from.serviceAccount != self.to.serviceAccount`,message="from and to are the same service, and no chain holds one twice: name two services, or revoke the actor",fieldPath=".to"
type Edge struct {
	// subject is the person at the start of the step. Exactly one of subject and
	// from.
	//
	// +optional
	Subject *SubjectReference `json:"subject,omitempty"`

	// from is the service at the start of the step. Exactly one of subject and
	// from.
	//
	// +optional
	From *ServiceAccountReference `json:"from,omitempty"`

	// to is the service at the end of the step.
	//
	// +required
	To ServiceAccountReference `json:"to,omitzero"`
}

// GrantReference names one DelegationGrant.
type GrantReference struct {
	// namespace of the grant.
	//
	// +required
	Namespace NamespaceName `json:"namespace,omitempty"`

	// name of the grant.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')`,message="a grant's name has lower-case letters, digits, '-' and '.' only: give the name of a DelegationGrant, without its namespace"
	Name string `json:"name,omitempty"`
}

// DelegationRevocationStatus is what Behalf answers.
type DelegationRevocationStatus struct {
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

// DelegationRevocationList is a list of delegation revocations.
//
// +kubebuilder:object:root=true
type DelegationRevocationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []DelegationRevocation `json:"items"`
}
