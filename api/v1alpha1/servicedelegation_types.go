// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ServiceDelegation is what a service's team declares that one service account
// needs: the audiences and scopes which it uses for people, and which next
// service may continue the chain. What is not declared is denied, whoever is
// compromised.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=behalf,shortName=sdel
// +kubebuilder:printcolumn:name="ServiceAccount",type=string,JSONPath=`.spec.serviceAccountName`
// +kubebuilder:printcolumn:name="Within-Policy",type=string,JSONPath=`.status.conditions[?(@.type=="WithinPolicy")].status`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Enforced",type=string,JSONPath=`.status.conditions[?(@.type=="Enforced")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Review-By",type=string,JSONPath=`.spec.reviewBy`,priority=1
// +kubebuilder:printcolumn:name="Workloads-Within-Bounds",type=string,JSONPath=`.status.conditions[?(@.type=="WorkloadsWithinBounds")].status`,priority=1
// +kubebuilder:printcolumn:name="Purpose",type=string,JSONPath=`.spec.purpose`,priority=1
type ServiceDelegation struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec says which service account is spoken of, what it uses on behalf of
	// people, and which services may go on from it.
	//
	// +required
	Spec ServiceDelegationSpec `json:"spec,omitzero"`

	// status is what Behalf answers: conditions, of which Ready sums up the
	// others. Only the manager writes it.
	//
	// +optional
	// +default={"observedGeneration":-1}
	Status ServiceDelegationStatus `json:"status,omitzero"`
}

// ServiceDelegationSpec is what the service's team says: audiences, onward or
// both, whose audiences and scopes have at most 16384 characters together.
//
// +kubebuilder:validation:XValidation:rule=`has(self.audiences) || has(self.onward)`,message="without audiences or onward nothing is declared: name the audiences that the service uses, or the next service in onward"
// +kubebuilder:validation:XValidation:rule=`(has(self.audiences) ? self.audiences.map(a, size(a.audience) + a.scopes.map(s, size(s)).sum()).sum() : 0) + (has(self.onward) ? self.onward.map(o, o.audiences.map(a, size(a.audience) + a.scopes.map(s, size(s)).sum()).sum()).sum() : 0) <= 16384`,message="the audiences and scopes of one declaration have at most 16384 characters together: divide it into several ServiceDelegations of the same service account"
type ServiceDelegationSpec struct {
	// serviceAccountName is the service account, in this namespace, that is spoken
	// of.
	//
	// +required
	ServiceAccountName ServiceAccountName `json:"serviceAccountName,omitempty"`

	// purpose says in a sentence what the service needs this for; reviewers read
	// it.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r'[^\n\r\t\PC]')`,message="a purpose has no control or invisible characters beside line breaks and tabs: remove them"
	Purpose string `json:"purpose,omitempty"`

	// audiences and scopes that the service itself uses on behalf of people. At
	// least one of audiences and onward.
	//
	// +optional
	// +listType=map
	// +listMapKey=audience
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Audiences []AudienceScopes `json:"audiences,omitempty"`

	// onward names the services that may continue the chain after this one, each
	// with the scopes that it may use then.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Onward []Onward `json:"onward,omitempty"`

	// reviewBy is when somebody should look at this declaration again. Afterwards
	// Ready says that the review is overdue; no decision changes.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=64
	ReviewBy *metav1.Time `json:"reviewBy,omitempty"`
}

// Onward is one declared edge: the next service and what it may use in
// continuing the chain.
type Onward struct {
	// to is the next service.
	//
	// +required
	To ServiceAccountReference `json:"to,omitzero"`

	// audiences and scopes that the next service, or one after it, may use in the
	// chain that leads through here.
	//
	// +required
	// +listType=map
	// +listMapKey=audience
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Audiences []AudienceScopes `json:"audiences,omitempty"`
}

// ServiceDelegationStatus is what Behalf answers.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.effective) || self.effective.map(a, size(a.audience) + a.scopes.map(s, size(s)).sum()).sum() <= 16384`,message="the audiences and scopes of effective have at most 16384 characters together: list fewer",fieldPath=".effective"
// +kubebuilder:validation:XValidation:rule=`!has(self.excess) || self.excess.map(e, size(e.audience) + size(e.scope) + (has(e.message) ? size(e.message) : 0)).sum() <= 40960`,message="the audiences, scopes and messages of excess have at most 40960 characters together: list fewer, and count the rest in WithinPolicy",fieldPath=".excess"
type ServiceDelegationStatus struct {
	// conditions are Accepted, WithinPolicy, WorkloadsWithinBounds, Enforced and
	// Ready, and Stalled where only a person can mend what is wrong.
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

	// effective are the declared scopes that some policy permits to this service
	// account for somebody, and that the resource server lets it use.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Effective []AudienceScopes `json:"effective,omitempty"`

	// excess are the declared scopes without effect, each with the reason. At most
	// 100 are listed; WithinPolicy counts them all.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Excess []ExcessScope `json:"excess,omitempty"`
}

// ExcessScope is a declared scope that has no effect.
type ExcessScope struct {
	// audience declared.
	//
	// +required
	Audience Audience `json:"audience,omitempty"`

	// scope declared.
	//
	// +required
	Scope ScopeName `json:"scope,omitempty"`

	// to is the next service, where the scope was declared in onward.
	//
	// +optional
	To *ServiceAccountReference `json:"to,omitempty"`

	// reason in one word: AudienceUnknown, ScopeUnknown, ActorNotAllowed, NoPolicy
	// or Forbidden.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`

	// message says why, and what would have to change.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`
}

// ServiceDelegationList is a list of service delegations.
//
// +kubebuilder:object:root=true
type ServiceDelegationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []ServiceDelegation `json:"items"`
}
