// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bundle is the compiled form in which policy travels from the manager to authorizers: the policy bundle of one
// resource server, the trust bundle and the revocation list; their canonical bytes; and the signed statement that vouches
// for them until a lease ends.
//
// A bundle is deterministic: the same objects give the same bytes. Lists are sorted by the compiler, references between
// parts are indexes, and times are seconds since the Unix epoch with 0 for none.
package bundle

import "behalf.dev/behalf/internal/authz"

// Format is the version of the compiled form. A reader refuses any other.
const Format = 1

// MaxScopes is the largest number of scopes of one resource server.
const MaxScopes = 64

// Policy is all that an authorizer needs to judge requests to one resource server, beside trust and revocations.
type Policy struct {
	Format         int             `json:"format"`
	ResourceServer authz.ObjectRef `json:"resourceServer"`
	Audience       string          `json:"audience"`
	Hosts          []string        `json:"hosts,omitempty"`
	// DryRunUntil is when the resource server's dry run ends; 0 enforces.
	DryRunUntil int64 `json:"dryRunUntil,omitempty"`
	// MaxStaleSeconds is for how long after its lease the bundle may be served; 0 denies at once.
	MaxStaleSeconds int32 `json:"maxStaleSeconds,omitempty"`
	// AllowedNamespaces are the namespaces whose services may come; AllNamespaces lets any.
	AllNamespaces     bool     `json:"allNamespaces,omitempty"`
	AllowedNamespaces []string `json:"allowedNamespaces,omitempty"`

	// Conditions is the table that Entitlement.Conditions and Rule.Conditions index.
	Conditions []Condition `json:"conditions,omitempty"`
	// Scopes is the table that every other mention of a scope indexes.
	Scopes []Scope `json:"scopes"`
	Routes []Route `json:"routes,omitempty"`
	// Actors that declare anything about this audience.
	Actors []Actor `json:"actors,omitempty"`
	// Rules of every DelegationPolicy that names this audience.
	Rules []Rule `json:"rules,omitempty"`
	// Grants that are approved for this audience.
	Grants []Grant `json:"grants,omitempty"`
}

// Condition is one distinct expression with its message.
type Condition struct {
	Expression string `json:"expression"`
	Message    string `json:"message,omitempty"`
	// Checked is the type-checked expression, as package condition serialises it.
	Checked []byte `json:"checked"`
}

// Scope is one scope and who holds it in their own right.
type Scope struct {
	Name         string        `json:"name"`
	Entitlements []Entitlement `json:"entitlements,omitempty"`
}

// Entitlement gives people a scope under conditions, which must all hold.
type Entitlement struct {
	Subjects   SubjectSelector `json:"subjects"`
	Conditions []int           `json:"conditions,omitempty"`
}

// SubjectSelector selects people of one issuer: whom any of the lists names, or all.
type SubjectSelector struct {
	Issuer    string   `json:"issuer"`
	Users     []string `json:"users,omitempty"`
	Usernames []string `json:"usernames,omitempty"`
	Groups    []string `json:"groups,omitempty"`
	All       bool     `json:"all,omitempty"`
}

// Route maps requests to a scope and a resource.
type Route struct {
	Methods []string `json:"methods"`
	// Path is the template as the API's team wrote it.
	Path       string     `json:"path"`
	Scope      int        `json:"scope"`
	Type       string     `json:"type,omitempty"`
	ID         string     `json:"id,omitempty"`
	Properties []Property `json:"properties,omitempty"`
	// MCP, where it is set, makes the body a message of the Model Context Protocol; Scope, Type and ID are then those of every
	// message but the calls of tools.
	MCP *MCP `json:"mcp,omitempty"`
	// Delegated and User are the callers that the route takes.
	Delegated bool `json:"delegated,omitempty"`
	User      bool `json:"user,omitempty"`
}

// MCP maps the calls of tools, sorted by name.
type MCP struct {
	Tools []Tool `json:"tools"`
}

// Tool maps the call of a tool to a scope and a resource. Without Type, the resource is the route's; with it, its properties.
type Tool struct {
	Name  string `json:"name"`
	Scope int    `json:"scope"`
	Type  string `json:"type,omitempty"`
	ID    string `json:"id,omitempty"`
}

// Property is a resource property with a template for its value.
type Property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Actor is one service account with what its ServiceDelegations declare about this audience.
type Actor struct {
	Namespace      string        `json:"namespace"`
	ServiceAccount string        `json:"serviceAccount"`
	Declarations   []Declaration `json:"declarations"`
}

// Declaration is what one ServiceDelegation declares about this audience.
type Declaration struct {
	Source authz.ObjectRef `json:"source"`
	// Scopes that the actor uses itself.
	Scopes []int  `json:"scopes,omitempty"`
	Onward []Edge `json:"onward,omitempty"`
}

// Edge is one declared next service, with the scopes that may be used in the chain that leads through it.
type Edge struct {
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount"`
	Scopes         []int  `json:"scopes"`
}

// Effect of a rule.
type Effect string

// The effects.
const (
	Permit Effect = "Permit"
	Forbid Effect = "Forbid"
)

// Rule is one DelegationPolicy as far as it concerns this audience.
type Rule struct {
	Policy authz.ObjectRef `json:"policy"`
	Effect Effect          `json:"effect"`
	// DryRunUntil is when a Forbid's dry run ends; 0 enforces.
	DryRunUntil int64             `json:"dryRunUntil,omitempty"`
	Actors      []ActorSelector   `json:"actors,omitempty"`
	Subjects    []SubjectSelector `json:"subjects"`
	Scopes      []int             `json:"scopes"`
	Conditions  []int             `json:"conditions,omitempty"`
	Disclose    []string          `json:"disclose,omitempty"`
	Limits      Limits            `json:"limits,omitzero"`
	Grant       *RequireGrant     `json:"grant,omitempty"`
}

// ActorSelector selects service accounts of one namespace: one by name, or all where ServiceAccount is empty. Namespace
// selectors were resolved by the compiler.
type ActorSelector struct {
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount,omitempty"`
}

// Limits of a Permit rule; 0 is no limit, except that MaxChainDepth is always set.
type Limits struct {
	MaxTokenLifetimeSeconds int32 `json:"maxTokenLifetimeSeconds,omitempty"`
	MaxSubjectAgeSeconds    int32 `json:"maxSubjectAgeSeconds,omitempty"`
	MaxChainDepth           int32 `json:"maxChainDepth,omitempty"`
}

// RequireGrant is what a Permit rule asks of a grant.
type RequireGrant struct {
	BindResource       bool     `json:"bindResource,omitempty"`
	BindSession        bool     `json:"bindSession,omitempty"`
	BindArguments      bool     `json:"bindArguments,omitempty"`
	MaxLifetimeSeconds int32    `json:"maxLifetimeSeconds"`
	ApproverGroups     []string `json:"approverGroups,omitempty"`
	ApproverUsernames  []string `json:"approverUsernames,omitempty"`
}

// Grant is one approved DelegationGrant.
type Grant struct {
	Source    authz.ObjectRef `json:"source"`
	Issuer    string          `json:"issuer"`
	Subject   string          `json:"subject"`
	Namespace string          `json:"namespace"`
	// ServiceAccount, with Namespace, is the actor.
	ServiceAccount   string   `json:"serviceAccount"`
	Scopes           []int    `json:"scopes"`
	ResourceType     string   `json:"resourceType,omitempty"`
	ResourceID       string   `json:"resourceId,omitempty"`
	ArgumentsDigest  string   `json:"argumentsDigest,omitempty"`
	Session          string   `json:"session,omitempty"`
	NotBefore        int64    `json:"notBefore"`
	NotAfter         int64    `json:"notAfter"`
	ApproverUsername string   `json:"approverUsername"`
	ApproverGroups   []string `json:"approverGroups,omitempty"`
}
