// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// ScopeName is an OAuth scope as RFC 6749 section 3.3 spells it, without '#',
// which Behalf keeps for the qualified form audience#scope. No segment between
// colons is '*' alone: that is a pattern and belongs to a DelegationPolicy.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=128
// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[!$-\[\]-~]+$')`,message="a scope has printable ASCII characters only and no space, quotation mark, '#' or backslash (RFC 6749 section 3.3): give each scope as an entry of its own, without its audience"
// +kubebuilder:validation:XValidation:rule=`!self.matches(r'(^|:)[*](:|$)')`,message="no segment of a scope is '*' alone: name each scope in full; patterns such as tickets:* belong to a DelegationPolicy"
type ScopeName string

// ScopePattern is a ScopeName, or one whose last segment is '*'. The '*'
// covers whole segments only: 'crm:*' covers 'crm:read' and
// 'crm:contacts:read', not 'crm' and not 'crmx:read'; '*' alone covers every
// scope of the audience. A '*' in any other place is refused, because it would
// cover nothing that its writer had in mind.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=128
// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[!$-\[\]-~]+$')`,message="a scope pattern has printable ASCII characters only and no space, quotation mark, '#' or backslash (RFC 6749 section 3.3): give each pattern as an entry of its own, without its audience"
// +kubebuilder:validation:XValidation:rule=`self.matches(r'^([^*]+:)?[*]$|^[^*]+$')`,message="'*' stands for whole segments, once and at the end: write tickets:* or '*' alone, or name each scope in full"
type ScopePattern string

// Audience is the 'aud' value that names one resource server (RFC 8707, RFC
// 7519 section 4.1.3): compared byte by byte.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=512
// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[!$-\[\]-~]+$')`,message="an audience has printable ASCII characters only and no space, quotation mark, '#' or backslash: give it exactly as tokens carry it in 'aud', for example https://tickets.example"
type Audience string

// IssuerName is the name of a TrustedIssuer, which is not the issuer's URL.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')`,message="an issuer is the name of a TrustedIssuer object, in lower case and without scheme or path: write corp, not https://idp.example"
type IssuerName string

// NamespaceName is the name of a namespace.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')`,message="a namespace's name has lower-case letters, digits and '-' only, and begins and ends with a letter or digit: write one name; a namespaceSelector selects several where the kind has one"
type NamespaceName string

// ServiceAccountName is the name of a service account within its namespace.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')`,message="a service account's name has lower-case letters, digits, '-' and '.' only, and begins and ends with a letter or digit: write its name alone, without its namespace"
type ServiceAccountName string

// SubjectID is the 'sub' claim of a person (OpenID Connect Core section 2: at
// most 255 ASCII characters), without control or invisible characters.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=255
// +kubebuilder:validation:XValidation:rule=`!self.matches(r'\pC')`,message="a subject's id has no control or invisible characters: give the 'sub' exactly as the issuer's tokens carry it"
type SubjectID string

// Username is a person's user name as the issuer's username claim, or
// Kubernetes, gives it, without control or invisible characters.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=256
// +kubebuilder:validation:XValidation:rule=`!self.matches(r'\pC')`,message="a user name has no control or invisible characters: give it exactly as the claim carries it, or name the person's id in its place"
type Username string

// GroupName is a group as an issuer's groups claim, or Kubernetes, gives it,
// without control or invisible characters.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=256
// +kubebuilder:validation:XValidation:rule=`!self.matches(r'\pC')`,message="a group has no control or invisible characters: give it exactly as the claim carries it, or rename it where it is kept"
type GroupName string

// ClaimName is the name of a top-level claim in a token.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=128
// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[!-~]+$')`,message="a claim's name has printable ASCII characters only and no space: give the name of one top-level claim, as the issuer's tokens carry it"
type ClaimName string

// ServiceAccountReference names one service account, and with it one actor.
type ServiceAccountReference struct {
	// namespace of the service account.
	//
	// +required
	Namespace NamespaceName `json:"namespace,omitempty"`

	// serviceAccount is the service account's name.
	//
	// +required
	ServiceAccount ServiceAccountName `json:"serviceAccount,omitempty"`
}

// SubjectReference names one person.
type SubjectReference struct {
	// issuer is the name of the TrustedIssuer that knows the person.
	//
	// +required
	Issuer IssuerName `json:"issuer,omitempty"`

	// id is the person's 'sub' at that issuer.
	//
	// +required
	ID SubjectID `json:"id,omitempty"`
}

// SubjectSelector selects people of one issuer: those whom any of users,
// usernames or groups names, or all of them. A selector that says none of
// these selects nobody and is refused.
//
// +kubebuilder:validation:XValidation:rule=`has(self.users) || has(self.usernames) || has(self.groups) || has(self.all)`,message="without users, usernames, groups or all it selects nobody: name at least one of them, or say all: true"
// +kubebuilder:validation:XValidation:rule=`!has(self.all) || !(has(self.users) || has(self.usernames) || has(self.groups))`,message="all selects every person of the issuer and goes with no users, usernames or groups: remove all, or remove the lists",fieldPath=".all"
type SubjectSelector struct {
	// issuer is the name of the TrustedIssuer whose people are meant.
	//
	// +required
	Issuer IssuerName `json:"issuer,omitempty"`

	// users are subject ids ('sub').
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Users []SubjectID `json:"users,omitempty"`

	// usernames are user names, from the claim that the issuer maps to username.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Usernames []Username `json:"usernames,omitempty"`

	// groups selects whoever is in any of these groups.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Groups []GroupName `json:"groups,omitempty"`

	// all selects every person of the issuer, and stands without users, usernames
	// and groups. Only true says something; leave it out otherwise.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule=`self`,message="only true says something: leave all out, and name whom you mean"
	All *bool `json:"all,omitempty"`
}

// ActorSelector selects service accounts: those of one namespace or of the
// namespaces that carry certain labels, and among them one name or all.
//
// +kubebuilder:validation:XValidation:rule=`has(self.__namespace__) != has(self.namespaceSelector)`,message="exactly one of namespace and namespaceSelector: name one namespace, or select several by their labels"
// +kubebuilder:validation:XValidation:rule=`has(self.serviceAccount) != has(self.all)`,message="exactly one of serviceAccount and all: name one service account, or say all: true"
type ActorSelector struct {
	// namespace of the service accounts. Exactly one of namespace and
	// namespaceSelector.
	//
	// +optional
	Namespace NamespaceName `json:"namespace,omitempty"`

	// namespaceSelector selects namespaces by their labels. Exactly one of
	// namespace and namespaceSelector.
	//
	// +optional
	NamespaceSelector NamespaceSelector `json:"namespaceSelector,omitzero"`

	// serviceAccount is the one service account meant. Exactly one of
	// serviceAccount and all.
	//
	// +optional
	ServiceAccount ServiceAccountName `json:"serviceAccount,omitempty"`

	// all selects every service account of the namespace or namespaces. Only true
	// says something; leave it out otherwise.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule=`self`,message="only true says something: leave all out, and name whom you mean"
	All *bool `json:"all,omitempty"`
}

// NamespaceSelector selects namespaces by their labels, as a Kubernetes label
// selector does with one difference: an empty one selects nothing and is
// refused. Every requirement must hold. Its labels and values have at most
// 2048 characters together.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule=`has(self.matchLabels) || has(self.matchExpressions)`,message="an empty selector selects nothing: give matchLabels or matchExpressions; for one namespace, match its label kubernetes.io/metadata.name"
// +kubebuilder:validation:XValidation:rule=`(has(self.matchLabels) ? self.matchLabels.map(k, size(k) + size(self.matchLabels[k])).sum() : 0) + (has(self.matchExpressions) ? self.matchExpressions.map(e, size(e.key) + (has(e.values) ? e.values.map(v, size(v)).sum() : 0)).sum() : 0) <= 2048`,message="the labels and values of a selector have at most 2048 characters together: give the namespaces one label of their own and match that"
type NamespaceSelector struct {
	// matchLabels are labels that the namespace must carry with exactly these
	// values.
	//
	// +optional
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=8
	// +kubebuilder:validation:XValidation:rule=`self.all(k, size(k) <= 317 && size(self[k]) <= 63)`,message="a label's key has at most 317 characters and its value at most 63: give the label as the namespace carries it"
	// +kubebuilder:validation:XValidation:rule=`self.all(k, size(k) > 317 || k.matches(r'^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))`,message="a label's key is a name of at most 63 letters, digits, '-', '_' and '.', with or without a DNS name and '/' before it: give it as the namespace carries it"
	MatchLabels map[string]string `json:"matchLabels,omitempty"`

	// matchExpressions are further requirements on the namespace's labels.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	MatchExpressions []LabelRequirement `json:"matchExpressions,omitempty"`
}

// LabelOperator relates a label to the values of a requirement.
//
// +kubebuilder:validation:Enum=In;NotIn;Exists;DoesNotExist
type LabelOperator string

// The operators of a label requirement, with the meaning that Kubernetes gives
// them.
const (
	LabelIn           LabelOperator = "In"
	LabelNotIn        LabelOperator = "NotIn"
	LabelExists       LabelOperator = "Exists"
	LabelDoesNotExist LabelOperator = "DoesNotExist"
)

// LabelRequirement is one requirement on one label.
//
// +kubebuilder:validation:XValidation:rule=`self.operator in ['In', 'NotIn'] ? has(self.values) : true`,message="operator In and NotIn need at least one entry in values: add one, or use Exists or DoesNotExist",fieldPath=".values"
// +kubebuilder:validation:XValidation:rule=`self.operator in ['Exists', 'DoesNotExist'] ? !has(self.values) : true`,message="operator Exists and DoesNotExist take no values: remove them, or use In or NotIn",fieldPath=".values"
type LabelRequirement struct {
	// key of the label.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$')`,message="a label's key is a name of at most 63 letters, digits, '-', '_' and '.', with or without a DNS name and '/' before it: give it as the namespace carries it"
	Key string `json:"key,omitempty"`

	// operator relates the label to the values.
	//
	// +required
	Operator LabelOperator `json:"operator,omitempty"`

	// values for In and NotIn, of which there must be at least one; Exists and
	// DoesNotExist take none.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$')`,message="a label's value has letters, digits, '-', '_' and '.' only, and begins and ends with a letter or digit: give it as the namespace carries it"
	Values []string `json:"values,omitempty"`
}

// AudienceScopes are scopes of one audience, by their exact names.
type AudienceScopes struct {
	// audience of the resource server.
	//
	// +required
	Audience Audience `json:"audience,omitempty"`

	// scopes of that audience, by their exact names.
	//
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Scopes []ScopeName `json:"scopes,omitempty"`
}

// Condition is a CEL expression that must hold. It reads subject, actor,
// chain, audience, scope, resource, context and now. An expression that errs,
// for example because the request lacks a field, counts as not met in a Permit
// or an entitlement and as met in a Forbid.
type Condition struct {
	// expression in CEL that yields a bool. Ask with has() or optional syntax
	// before reading what may be absent.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Expression string `json:"expression,omitempty"`

	// message says in a few words, on one line, what the expression demands; it is
	// shown when the expression stood in the way.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r'\pC')`,message="a message stands on one line and has no control or invisible characters: remove them; in YAML, write >- in place of |"
	Message string `json:"message,omitempty"`
}

// EnforcementMode says whether a denial denies.
//
// +kubebuilder:validation:Enum=Enforce;DryRun
type EnforcementMode string

const (
	// EnforcementEnforce lets a denial deny.
	EnforcementEnforce EnforcementMode = "Enforce"
	// EnforcementDryRun records what would have been denied, until a stated time.
	EnforcementDryRun EnforcementMode = "DryRun"
)
