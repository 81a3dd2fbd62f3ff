// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// TrustedIssuer is an OpenID Connect issuer whose users count as subjects. Its
// name is the issuer name that subjects, selectors and conditions use.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,categories=behalf,shortName=tiss
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.spec.url`
// +kubebuilder:printcolumn:name="Keys",type=string,JSONPath=`.status.conditions[?(@.type=="KeysFetched")].status`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Enforced",type=string,JSONPath=`.status.conditions[?(@.type=="Enforced")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Keys-From",type=string,JSONPath=`.spec.keys.type`,priority=1
type TrustedIssuer struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec says how the issuer is known by its tokens, where its keys are, and how
	// a token becomes a subject.
	//
	// +required
	Spec TrustedIssuerSpec `json:"spec,omitzero"`

	// status is what Behalf answers: conditions, of which Ready sums up the
	// others. Only the manager writes it.
	//
	// +optional
	// +default={"observedGeneration":-1}
	Status TrustedIssuerStatus `json:"status,omitzero"`
}

// TrustedIssuerSpec is what the security team says.
type TrustedIssuerSpec struct {
	// url is the exact 'iss' of the issuer's tokens; compared byte by byte. It
	// begins with https:// and has no user, query or fragment (OpenID Connect
	// Discovery section 3). For trials, http:// is taken for the hosts localhost,
	// 127.0.0.1 and [::1], from which the manager fetches only where its own flags
	// allow it.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^(https://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])|http://(localhost|127[.]0[.]0[.]1|\[::1\]))(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&\x27()*+,;=:@%/-]*)?$')`,message="an issuer's url begins with https:// (http:// for localhost, 127.0.0.1 and [::1] only) and has a host and no user, query, fragment or space: give it exactly as tokens carry it in 'iss'"
	URL string `json:"url,omitempty"`

	// audiences of which a subject token must carry one.
	//
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Audiences []Audience `json:"audiences,omitempty"`

	// algorithms that the issuer's tokens may be signed with.
	//
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=10
	Algorithms []SignatureAlgorithm `json:"algorithms,omitempty"`

	// keys says where the issuer's public keys come from.
	//
	// +required
	Keys IssuerKeys `json:"keys,omitzero"`

	// claims maps the issuer's claims to the subject's username, groups and
	// session. The subject's id is always 'sub'.
	//
	// +optional
	Claims ClaimMapping `json:"claims,omitzero"`

	// scopes says whether the issuer's tokens carry scopes that bound what may be
	// done with them.
	//
	// +required
	Scopes IssuerScopes `json:"scopes,omitzero"`

	// forward names further top-level claims that conditions may read under
	// subject.claims. Without it, none.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Forward []ClaimName `json:"forward,omitempty"`
}

// SignatureAlgorithm is a JWS algorithm (RFC 7518, RFC 8037) with a public
// key. Symmetric ones and 'none' are not trusted.
//
// +kubebuilder:validation:Enum=ES256;ES384;ES512;EdDSA;PS256;PS384;PS512;RS256;RS384;RS512
type SignatureAlgorithm string

// KeysType says where an issuer's keys come from.
//
// +kubebuilder:validation:Enum=Discovery;URL;Inline
type KeysType string

const (
	// KeysDiscovery takes jwks_uri from the issuer's OpenID Connect discovery
	// document.
	KeysDiscovery KeysType = "Discovery"
	// KeysURL fetches a JWK set from a stated URL.
	KeysURL KeysType = "URL"
	// KeysInline takes the JWK set from this object.
	KeysInline KeysType = "Inline"
)

// IssuerKeys says where an issuer's public keys come from. Only the manager
// fetches; authorizers are handed the keys.
//
// +kubebuilder:validation:XValidation:rule=`self.type != 'URL' || has(self.url)`,message="url is required with type URL: give the address of the JWK set, or set type to Discovery",fieldPath=".url"
// +kubebuilder:validation:XValidation:rule=`self.type == 'URL' || !has(self.url)`,message="url goes with type URL only: remove it, or set type to URL",fieldPath=".url"
// +kubebuilder:validation:XValidation:rule=`self.type != 'Inline' || has(self.jwks)`,message="jwks is required with type Inline: put the JWK set here, or set type to Discovery or URL",fieldPath=".jwks"
// +kubebuilder:validation:XValidation:rule=`self.type == 'Inline' || !has(self.jwks)`,message="jwks goes with type Inline only: remove it, or set type to Inline",fieldPath=".jwks"
// +kubebuilder:validation:XValidation:rule=`self.type != 'Inline' || !has(self.caBundle)`,message="caBundle goes with type Discovery or URL only, for nothing is fetched with Inline: remove it",fieldPath=".caBundle"
type IssuerKeys struct {
	// type is Discovery, URL (with url) or Inline (with jwks).
	//
	// +required
	Type KeysType `json:"type,omitempty"`

	// url of a JWK set: https://, or http:// for the hosts localhost, 127.0.0.1
	// and [::1], without user and fragment. Required with URL, refused otherwise.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^(https://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])|http://(localhost|127[.]0[.]0[.]1|\[::1\]))(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&\x27()*+,;=:@%/-]*)?([?][A-Za-z0-9._~!$&\x27()*+,;=:@%/?-]*)?$')`,message="the url of a JWK set begins with https:// (http:// for localhost, 127.0.0.1 and [::1] only) and has a host and no user, fragment or space: give the issuer's jwks_uri"
	URL string `json:"url,omitempty"`

	// jwks is a JWK set (RFC 7517 section 5) as JSON, with public keys only.
	// Required with Inline, refused otherwise.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32768
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^\s*[{]') && self.contains('keys')`,message="jwks is a JWK set, a JSON object with keys: write {'keys': [...]} in JSON, as the issuer's jwks_uri answers"
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r'[\x22](d|p|q|dp|dq|qi|oth|k)[\x22]\s*:')`,message="jwks holds a private or symmetric key, which has now been shown to the API server: replace that key, and give public keys only"
	JWKS string `json:"jwks,omitempty"`

	// caBundle holds the PEM certificates of the authorities that the issuer's TLS
	// certificate is checked against, in place of the manager's own roots. Only
	// with Discovery or URL.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32768
	// +kubebuilder:validation:XValidation:rule=`self.contains('-----BEGIN CERTIFICATE-----') && self.contains('-----END CERTIFICATE-----')`,message="caBundle holds PEM certificates: begin each with -----BEGIN CERTIFICATE----- and end it with -----END CERTIFICATE-----, not in base64 once more"
	// +kubebuilder:validation:XValidation:rule=`!self.contains('PRIVATE KEY-----')`,message="caBundle holds a private key, which has now been shown to the API server: replace that key, and give certificates only"
	CABundle string `json:"caBundle,omitempty"`
}

// ClaimMapping names the claims of a token that a subject is made from.
//
// +kubebuilder:validation:MinProperties=1
type ClaimMapping struct {
	// username is the claim with the person's user name; without it subjects have
	// none.
	//
	// +optional
	Username ClaimName `json:"username,omitempty"`

	// groups is the claim with the person's groups, a list of strings or one
	// string; without it subjects have none.
	//
	// +optional
	Groups ClaimName `json:"groups,omitempty"`

	// session is the claim with the id of the person's session, such as sid;
	// without it subjects have none.
	//
	// +optional
	Session ClaimName `json:"session,omitempty"`
}

// IssuerScopesType says whether tokens carry scopes.
//
// +kubebuilder:validation:Enum=Claim;Unbounded
type IssuerScopesType string

const (
	// IssuerScopesClaim bounds a token by the scopes in one of its claims; a token
	// without the claim has none.
	IssuerScopesClaim IssuerScopesType = "Claim"
	// IssuerScopesUnbounded lets a token speak for everything its subject may do.
	IssuerScopesUnbounded IssuerScopesType = "Unbounded"
)

// IssuerScopes says whether an issuer's tokens carry scopes that bound what
// may be done with them.
//
// +kubebuilder:validation:XValidation:rule=`self.type != 'Claim' || has(self.claim)`,message="claim is required with type Claim: name the claim that holds the scopes, for example scope",fieldPath=".claim"
// +kubebuilder:validation:XValidation:rule=`self.type == 'Claim' || !has(self.claim)`,message="claim goes with type Claim only: remove it, or set type to Claim",fieldPath=".claim"
type IssuerScopes struct {
	// type is Claim or Unbounded: said aloud, never assumed.
	//
	// +required
	Type IssuerScopesType `json:"type,omitempty"`

	// claim with the scopes: a string of scopes separated by single spaces (RFC
	// 8693 section 4.2), or a list of strings. Required with Claim, refused
	// otherwise.
	//
	// +optional
	Claim ClaimName `json:"claim,omitempty"`
}

// TrustedIssuerStatus is what Behalf answers.
type TrustedIssuerStatus struct {
	// conditions are Accepted, KeysFetched, Enforced and Ready, and Stalled where
	// only a person can mend what is wrong.
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

// TrustedIssuerList is a list of trusted issuers.
//
// +kubebuilder:object:root=true
type TrustedIssuerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []TrustedIssuer `json:"items"`
}
