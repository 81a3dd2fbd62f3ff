// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// DelegationPolicy is the security team's word on who may act for whom: which
// actors may use which scopes of which audiences on behalf of which subjects,
// under which conditions and limits. A Forbid beats every Permit; without a
// Permit nothing is allowed.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,categories=behalf,shortName=dpol
// +kubebuilder:printcolumn:name="Effect",type=string,JSONPath=`.spec.effect`
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.enforcement.mode`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Enforced",type=string,JSONPath=`.status.conditions[?(@.type=="Enforced")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Audiences",type=string,JSONPath=`.spec.audiences[*].audience`,priority=1
type DelegationPolicy struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec says which actors may use which scopes of which audiences on behalf of
	// which subjects, and under which conditions and limits; or, with effect
	// Forbid, which may not.
	//
	// +required
	Spec DelegationPolicySpec `json:"spec,omitzero"`

	// status is what Behalf answers: conditions, of which Ready sums up the
	// others. Only the manager writes it.
	//
	// +optional
	// +default={"observedGeneration":-1}
	Status DelegationPolicyStatus `json:"status,omitzero"`
}

// Effect is what a policy does where it matches.
//
// +kubebuilder:validation:Enum=Permit;Forbid
type Effect string

const (
	// EffectPermit lets the policy leg pass, unless a Forbid matches too.
	EffectPermit Effect = "Permit"
	// EffectForbid denies.
	EffectForbid Effect = "Forbid"
)

// DelegationPolicySpec is what the security team says. The audiences and
// scopes of one policy have at most 16384 characters together, and so have the
// names of its subjects.
//
// +kubebuilder:validation:XValidation:rule=`self.effect != 'Permit' || !has(self.enforcement) || self.enforcement.mode != 'DryRun'`,message="a Permit is always enforced: remove enforcement, or set effect to Forbid",fieldPath=".enforcement"
// +kubebuilder:validation:XValidation:rule=`self.effect != 'Forbid' || !has(self.limits) || (!has(self.limits.maxTokenLifetimeSeconds) && !has(self.limits.maxSubjectAgeSeconds) && self.limits.maxChainDepth == 1)`,message="a Forbid has no limits: remove limits, and say in conditions when it forbids",fieldPath=".limits"
// +kubebuilder:validation:XValidation:rule=`self.effect != 'Forbid' || !has(self.disclose)`,message="a Forbid discloses nothing: remove disclose, or name the claims in a Permit",fieldPath=".disclose"
// +kubebuilder:validation:XValidation:rule=`self.effect != 'Forbid' || !has(self.requireGrant)`,message="a Forbid asks for no grant, for it denies: remove requireGrant, or put it into a Permit",fieldPath=".requireGrant"
// +kubebuilder:validation:XValidation:rule=`self.audiences.map(a, size(a.audience) + a.scopes.map(s, size(s)).sum()).sum() <= 16384`,message="the audiences and scopes of one policy have at most 16384 characters together: use patterns such as tickets:*, or make several policies",fieldPath=".audiences"
// +kubebuilder:validation:XValidation:rule=`self.subjects.map(s, size(s.issuer) + (has(s.users) ? s.users.map(n, size(n)).sum() : 0) + (has(s.usernames) ? s.usernames.map(n, size(n)).sum() : 0) + (has(s.groups) ? s.groups.map(n, size(n)).sum() : 0)).sum() <= 16384`,message="the names of one policy's subjects have at most 16384 characters together: name groups in place of people, or make several policies",fieldPath=".subjects"
type DelegationPolicySpec struct {
	// effect of the policy on the requests that it matches: Permit or Forbid. It
	// matches a request when one of actors, one of subjects, one of audiences and
	// all conditions do. A Forbid denies, whatever other policies permit; without
	// any Permit that matches, a request is denied.
	//
	// +required
	Effect Effect `json:"effect,omitempty"`

	// enforcement of a Forbid: Enforce, or DryRun until a stated time. Without it,
	// Enforce. A Permit is always enforced.
	//
	// +optional
	// +default={"mode":"Enforce"}
	Enforcement Enforcement `json:"enforcement,omitzero"`

	// actors that the policy is about: any of these. Only the actor that comes to
	// the API is judged here; the services before it in the chain are judged by
	// their own declarations.
	//
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Actors []ActorSelector `json:"actors,omitempty"`

	// subjects that the policy is about: any of these.
	//
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Subjects []SubjectSelector `json:"subjects,omitempty"`

	// audiences and scopes that the policy is about: any of these.
	//
	// +required
	// +listType=map
	// +listMapKey=audience
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Audiences []AudienceScopePatterns `json:"audiences,omitempty"`

	// conditions that must all hold for the policy to match. Without any, actors,
	// subjects and audiences decide alone.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Conditions []Condition `json:"conditions,omitempty"`

	// disclose names the subject's claims that tokens for these audiences may
	// carry on; none unless named here.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:XValidation:rule=`!(self in ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'azp', 'client_id', 'scope', 'act', 'may_act', 'txn', 'cnf'])`,message="the exchange writes this claim itself: remove it from disclose, which names further facts about the person"
	Disclose []ClaimName `json:"disclose,omitempty"`

	// limits within which a Permit matches; a Permit whose limit is exceeded does
	// not, and another may. Without it, a chain of one actor and no other limit. A
	// Forbid has none.
	//
	// +optional
	// +default={"maxChainDepth":1}
	Limits Limits `json:"limits,omitzero"`

	// requireGrant makes a Permit ask for a live DelegationGrant as well. Without
	// it, no grant is asked for.
	//
	// +optional
	RequireGrant *RequireGrant `json:"requireGrant,omitempty"`
}

// AudienceScopePatterns are scopes of one audience, by name or pattern.
type AudienceScopePatterns struct {
	// audience of the resource server.
	//
	// +required
	Audience Audience `json:"audience,omitempty"`

	// scopes of that audience, by name or pattern.
	//
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Scopes []ScopePattern `json:"scopes,omitempty"`
}

// Limits bound what a Permit permits.
//
// +kubebuilder:validation:MinProperties=1
type Limits struct {
	// maxTokenLifetimeSeconds is the longest lifetime of a token that rests on
	// this policy, in seconds; a presented token that was issued to live longer is
	// beyond the limit. Without it, the token's own lifetime is the bound.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	MaxTokenLifetimeSeconds int32 `json:"maxTokenLifetimeSeconds,omitempty"`

	// maxSubjectAgeSeconds is how long ago the person may have signed in
	// (auth_time), in seconds. A subject without a time of signing in is beyond
	// the limit. Without it, it does not matter when the person signed in.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=31536000
	MaxSubjectAgeSeconds int32 `json:"maxSubjectAgeSeconds,omitempty"`

	// maxChainDepth is the largest number of actors in the chain, the current one
	// included. Without it, 1: the service that comes to the API must be the first
	// after the person.
	//
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=8
	MaxChainDepth int32 `json:"maxChainDepth,omitempty"`
}

// GrantBinding is something that a grant must agree with the request on,
// beside subject, actor, audience and scope.
//
// +kubebuilder:validation:Enum=Resource;Session;Arguments
type GrantBinding string

// What a grant can be bound to.
const (
	// BindResource asks that the grant names the resource of the request.
	BindResource GrantBinding = "Resource"
	// BindSession asks that the grant names the subject's session.
	BindSession GrantBinding = "Session"
	// BindArguments asks that the grant carries the digest of context.arguments.
	BindArguments GrantBinding = "Arguments"
)

// RequireGrant says what kind of grant a Permit asks for.
type RequireGrant struct {
	// bind names what a grant must be bound to, beside subject, actor, audience
	// and scope: Resource, Session, Arguments. Without it, Resource.
	//
	// +optional
	// +listType=set
	// +default=["Resource"]
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=3
	Bind []GrantBinding `json:"bind,omitempty"`

	// maxLifetimeSeconds is the longest time from the making of a grant to its
	// notAfter, in seconds.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2592000
	MaxLifetimeSeconds int32 `json:"maxLifetimeSeconds,omitempty"`

	// approvers whose approval counts: any of them. An approver who could be
	// the subject, or who is a service account of the chain, approves nothing.
	//
	// +required
	Approvers Approvers `json:"approvers,omitzero"`
}

// Approvers names, by Kubernetes identity, people whose approval counts: any
// of them. One who could be the subject, or who is a service account of the
// chain, approves nothing.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule=`has(self.groups) || has(self.usernames)`,message="without groups or usernames nobody could approve: name at least one of them"
type Approvers struct {
	// groups of the approver.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Groups []GroupName `json:"groups,omitempty"`

	// usernames of approvers.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Usernames []Username `json:"usernames,omitempty"`
}

// DelegationPolicyStatus is what Behalf answers.
type DelegationPolicyStatus struct {
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

// DelegationPolicyList is a list of delegation policies.
//
// +kubebuilder:object:root=true
type DelegationPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []DelegationPolicy `json:"items"`
}
