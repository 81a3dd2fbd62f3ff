// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ResourceServer is one API as its owning team describes it: the audience
// under which tokens name it, its scopes and who holds each of them in their
// own right, the routes that map requests to scopes, and which namespaces'
// services may come.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=behalf,shortName=rsrv
// +kubebuilder:printcolumn:name="Audience",type=string,JSONPath=`.spec.audience`
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.enforcement.mode`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Enforced",type=string,JSONPath=`.status.conditions[?(@.type=="Enforced")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Hosts",type=string,JSONPath=`.spec.hosts`,priority=1
// +kubebuilder:printcolumn:name="Revision",type=integer,JSONPath=`.status.bundle.revision`,priority=1
type ResourceServer struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec says how tokens and requests name the API, which scopes it has and who
	// holds them, and which services may come.
	//
	// +required
	Spec ResourceServerSpec `json:"spec,omitzero"`

	// status is what Behalf answers: conditions, of which Ready sums up the
	// others. Only the manager writes it.
	//
	// +optional
	// +default={"observedGeneration":-1}
	Status ResourceServerStatus `json:"status,omitzero"`
}

// ResourceServerSpec is what the API's team says. Everything in the
// entitlements of one resource server (issuers, names, expressions, messages)
// has at most 32768 characters together, and so has everything in its routes.
//
// +kubebuilder:validation:XValidation:rule=`self.onStale != 'ServeStale' || has(self.maxStaleSeconds)`,message="maxStaleSeconds is required with onStale ServeStale: say for how many seconds",fieldPath=".maxStaleSeconds"
// +kubebuilder:validation:XValidation:rule=`self.onStale == 'ServeStale' || !has(self.maxStaleSeconds)`,message="maxStaleSeconds goes with onStale ServeStale only: remove it, or set onStale to ServeStale",fieldPath=".maxStaleSeconds"
// +kubebuilder:validation:XValidation:rule=`!has(self.routes) || self.routes.all(r, self.scopes.exists(s, s.name == r.scope))`,message="every route's scope must be the name of one of spec.scopes: add the scope, or correct the route",fieldPath=".routes"
// +kubebuilder:validation:XValidation:rule=`self.scopes.map(s, has(s.entitlements) ? s.entitlements.map(e, size(e.subjects.issuer) + (has(e.subjects.users) ? e.subjects.users.map(n, size(n)).sum() : 0) + (has(e.subjects.usernames) ? e.subjects.usernames.map(n, size(n)).sum() : 0) + (has(e.subjects.groups) ? e.subjects.groups.map(n, size(n)).sum() : 0) + (has(e.conditions) ? e.conditions.map(c, (has(c.message) ? size(c.message) : 0) + size(c.expression)).sum() : 0)).sum() : 0).sum() <= 32768`,message="the entitlements of one resource server have at most 32768 characters together: name groups in place of people, or shorten the expressions",fieldPath=".scopes"
// +kubebuilder:validation:XValidation:rule=`!has(self.routes) || self.routes.map(r, size(r.match.path) + r.match.methods.map(m, size(m)).sum() + size(r.scope) + (has(r.resource) ? size(r.resource.type) + (has(r.resource.id) ? size(r.resource.id) : 0) + (has(r.resource.properties) ? r.resource.properties.map(p, size(p.name) + size(p.value)).sum() : 0) : 0)).sum() <= 32768`,message="the routes of one resource server have at most 32768 characters together: shorten them, or divide the API into several resource servers",fieldPath=".routes"
type ResourceServerSpec struct {
	// audience is the one OAuth audience of this API, and never changes. Where two
	// resource servers claim one audience, the one that was accepted with it holds
	// it, of two new ones the older; the other is not accepted.
	//
	// +required
	// +kubebuilder:validation:XValidation:rule=`self == oldSelf`,message="audience never changes, for tokens and other teams' objects name the API by it: make a new ResourceServer"
	Audience Audience `json:"audience,omitempty"`

	// hosts by which a front door finds this resource server: the request's host
	// without its port, in lower case. Where two resource servers claim one host,
	// the one that was accepted with it holds it, of two new ones the older; the
	// other is not accepted.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')`,message="a host is a name in lower case without scheme, port, wildcard or trailing dot: write tickets.example"
	Hosts []string `json:"hosts,omitempty"`

	// allowedActors says which namespaces' services may come. Without it, only
	// those of this namespace.
	//
	// +optional
	// +default={"namespaces":{"from":"Same"}}
	AllowedActors AllowedActors `json:"allowedActors,omitzero"`

	// enforcement says whether denials deny. Without it, they do.
	//
	// +optional
	// +default={"mode":"Enforce"}
	Enforcement Enforcement `json:"enforcement,omitzero"`

	// onStale says what authorizers do once the lease of this resource server's
	// bundle has run out, because they could not reach the manager: Deny, or
	// ServeStale, which serves it on for maxStaleSeconds. Without it, Deny.
	//
	// +optional
	// +default="Deny"
	OnStale OnStale `json:"onStale,omitempty"`

	// maxStaleSeconds is for how many seconds after the end of its lease a bundle
	// may still be served. Required with onStale ServeStale, refused otherwise.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=604800
	MaxStaleSeconds int32 `json:"maxStaleSeconds,omitempty"`

	// authorizers are the service accounts of the authorizers that enforce this
	// resource server, beside the cluster-wide ones of the manager's
	// configuration. Nobody else is given its bundle.
	//
	// +optional
	// +listType=map
	// +listMapKey=namespace
	// +listMapKey=serviceAccount
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Authorizers []ServiceAccountReference `json:"authorizers,omitempty"`

	// scopes of this API.
	//
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Scopes []Scope `json:"scopes,omitempty"`

	// routes map HTTP requests to a scope and a resource. The most specific match
	// wins; a request that matches none is denied. An API that is asked for by
	// scope only (AuthZEN) needs none.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	Routes []Route `json:"routes,omitempty"`
}

// OnStale says what to do with a bundle whose lease has run out.
//
// +kubebuilder:validation:Enum=Deny;ServeStale
type OnStale string

const (
	// OnStaleDeny denies with stale_bundle.
	OnStaleDeny OnStale = "Deny"
	// OnStaleServe serves the bundle on for maxStaleSeconds, then denies.
	OnStaleServe OnStale = "ServeStale"
)

// AllowedActors says whose services may come.
type AllowedActors struct {
	// namespaces whose service accounts may act on this API.
	//
	// +required
	Namespaces ActorNamespaces `json:"namespaces,omitzero"`
}

// NamespacesFrom says where the allowed namespaces come from.
//
// +kubebuilder:validation:Enum=Same;All;Selector
type NamespacesFrom string

// Where allowed namespaces come from.
const (
	// NamespacesSame allows the resource server's own namespace.
	NamespacesSame NamespacesFrom = "Same"
	// NamespacesAll allows every namespace of the cluster.
	NamespacesAll NamespacesFrom = "All"
	// NamespacesSelector allows the namespaces that selector selects.
	NamespacesSelector NamespacesFrom = "Selector"
)

// ActorNamespaces names a set of namespaces.
//
// +kubebuilder:validation:XValidation:rule=`self.from != 'Selector' || has(self.selector)`,message="selector is required with from Selector: give matchLabels or matchExpressions",fieldPath=".selector"
// +kubebuilder:validation:XValidation:rule=`self.from == 'Selector' || !has(self.selector)`,message="selector goes with from Selector only: remove it, or set from to Selector",fieldPath=".selector"
type ActorNamespaces struct {
	// from says which: Same (this namespace), All, or those that selector selects.
	//
	// +required
	From NamespacesFrom `json:"from,omitempty"`

	// selector selects namespaces by their labels. Required with Selector, refused
	// otherwise.
	//
	// +optional
	Selector NamespaceSelector `json:"selector,omitzero"`
}

// Scope is one scope of an API and the people who hold it in their own right.
type Scope struct {
	// name of the scope, for example tickets:read.
	//
	// +required
	Name ScopeName `json:"name,omitempty"`

	// description tells people, on one line, what the scope lets happen.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r'\pC')`,message="a description stands on one line and has no control or invisible characters: remove them; in YAML, write >- in place of |"
	Description string `json:"description,omitempty"`

	// entitlements say who holds the scope: any one of them suffices. A scope
	// without entitlements is held by nobody.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Entitlements []Entitlement `json:"entitlements,omitempty"`
}

// Entitlement gives people a scope in their own right, under conditions.
type Entitlement struct {
	// subjects who are entitled: the people of one issuer.
	//
	// +required
	Subjects SubjectSelector `json:"subjects,omitzero"`

	// conditions that must all hold. Without any, subjects decide alone.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	Conditions []Condition `json:"conditions,omitempty"`
}

// Route maps HTTP requests to the scope that they need and the resource that
// they concern.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.resource) || !has(self.resource.id) || [self.match.path.findAll(r'[{]\w+')].all(names, [self.resource.id.findAll(r'[{]\w+')].all(used, size(used) <= 8 && [0, 1, 2, 3, 4, 5, 6, 7].all(i, i >= size(used) || used[i] in names)))`,message="every {name} in resource.id must stand in match.path, and there are at most 8: add it to the path, or correct the id",fieldPath=".resource.id"
// +kubebuilder:validation:XValidation:rule=`!has(self.resource) || !has(self.resource.properties) || [self.match.path.findAll(r'[{]\w+')].all(names, self.resource.properties.all(p, [p.value.findAll(r'[{]\w+')].all(used, size(used) <= 4 && [0, 1, 2, 3].all(i, i >= size(used) || used[i] in names))))`,message="every {name} in resource.properties must stand in match.path, and a value has at most 4: add it to the path, or correct the value",fieldPath=".resource.properties"
type Route struct {
	// match says which requests the route takes.
	//
	// +required
	Match RouteMatch `json:"match,omitzero"`

	// scope that the request needs: one of spec.scopes.
	//
	// +required
	Scope ScopeName `json:"scope,omitempty"`

	// resource that the request concerns, built from the path. Without it,
	// conditions see no resource, and a grant that is bound to one does not fit.
	//
	// +optional
	Resource RouteResource `json:"resource,omitzero"`

	// callers that the route takes: Delegated, a service that acts for a person,
	// or User, a person without a service. Without it, Delegated.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	Callers []Caller `json:"callers,omitempty"`
}

// Caller is a kind of caller.
//
// +kubebuilder:validation:Enum=Delegated;User
type Caller string

const (
	// CallerDelegated is a service that acts for a person.
	CallerDelegated Caller = "Delegated"
	// CallerUser is a person without a service: the actor, chain, policy and grant
	// legs fall away.
	CallerUser Caller = "User"
)

// RouteMatch says which requests a route takes.
type RouteMatch struct {
	// methods of HTTP (RFC 9110 section 9.1), in capitals.
	//
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=32
	// +kubebuilder:validation:items:XValidation:rule=`self.matches(r'^[A-Z]+(-[A-Z]+)*$')`,message="a method is written in capitals, and there is no wildcard: write GET, and name every method that the route takes"
	Methods []string `json:"methods,omitempty"`

	// path template: literal segments, {name} for exactly one segment, {name...}
	// at the end for one or more segments. It is matched against the canonical
	// path; a path that is not canonical is denied. At most 8 names, each once.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^(/|(/([A-Za-z0-9._~!$&\x27()+,=:@-]+|[{][A-Za-z_][A-Za-z0-9_]*[}]))+/?|(/([A-Za-z0-9._~!$&\x27()+,=:@-]+|[{][A-Za-z_][A-Za-z0-9_]*[}]))*/[{][A-Za-z_][A-Za-z0-9_]*[.][.][.][}])$')`,message="a path begins with '/' and has literal segments or whole segments {name}, and {name...} at the end only; no empty segment, '*', '%', ';', '?' or '#': write /tickets/{id} or /files/{path...}"
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r'/[.][.]?(/|$)')`,message="a path has no '.' or '..' segments, for a request's path is matched after they are refused: write the path that is meant"
	// +kubebuilder:validation:XValidation:rule=`[self.findAll(r'[{]\w+')].all(n, size(n) <= 8 && [1, 2, 3, 4, 5, 6, 7].all(i, i >= size(n) || !(n[i] in self.findAll(r'[{]\w+', i))))`,message="a path has at most 8 names in braces and each only once: give every {name} a name of its own"
	Path string `json:"path,omitempty"`
}

// RouteResource builds the resource of a request from its path.
type RouteResource struct {
	// type of the resource, for example ticket.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[A-Za-z0-9]([A-Za-z0-9._:/-]*[A-Za-z0-9])?$')`,message="a resource's type has letters, digits, '-', '_', '.', ':' and '/' only, and begins and ends with a letter or digit: write ticket; what varies goes into id"
	Type string `json:"type,omitempty"`

	// id of the resource: text in which {name} stands for what the path template
	// of that name matched.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^([^{}\pC]|[{][A-Za-z_][A-Za-z0-9_]*[}])+$')`,message="braces are for names of the route's path, and control or invisible characters have no place: write {id} where /tickets/{id} has {id}, without dots"
	ID string `json:"id,omitempty"`

	// properties of the resource, each text in which {name} stands for what the
	// path template of that name matched.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Properties []RouteProperty `json:"properties,omitempty"`
}

// RouteProperty is one property of a resource, taken from the path.
type RouteProperty struct {
	// name of the property, as conditions read it under resource.properties.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[A-Za-z_][A-Za-z0-9_]*$')`,message="a property's name has letters, digits and '_' only and begins with no digit, so that a condition can read resource.properties.owner: rename it"
	Name string `json:"name,omitempty"`

	// value is text in which {name} stands for what the path template of that name
	// matched.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^([^{}\pC]|[{][A-Za-z_][A-Za-z0-9_]*[}])+$')`,message="braces are for names of the route's path, and control or invisible characters have no place: write {owner} where /users/{owner} has {owner}, without dots"
	Value string `json:"value,omitempty"`
}

// ResourceServerStatus is what Behalf answers.
type ResourceServerStatus struct {
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

	// bundle is the compiled bundle that is handed to authorizers.
	//
	// +optional
	Bundle BundleStatus `json:"bundle,omitzero"`
}

// BundleStatus names one revision of a compiled bundle.
//
// +kubebuilder:validation:MinProperties=1
type BundleStatus struct {
	// revision of the bundle. It only grows.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	Revision int64 `json:"revision,omitempty"`

	// digest of the bundle's canonical bytes, as sha256:HEX.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=71
	Digest string `json:"digest,omitempty"`
}

// ResourceServerList is a list of resource servers.
//
// +kubebuilder:object:root=true
type ResourceServerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	Items           []ResourceServer `json:"items"`
}
