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
// +kubebuilder:validation:XValidation:rule=`!has(self.routes) || [self.scopes.map(s, s.name)].all(names, self.routes.all(r, !has(r.mcp) || r.mcp.tools.all(t, t.scope in names)))`,message="every tool's scope must be the name of one of spec.scopes: add the scope, or correct the tool",fieldPath=".routes"
// +kubebuilder:validation:XValidation:rule=`!has(self.routes) || self.routes.map(r, has(r.mcp) ? size(r.mcp.tools) : 0).sum() <= 256`,message="the routes of one resource server have at most 256 tools together: divide the API into several resource servers",fieldPath=".routes"
// +kubebuilder:validation:XValidation:rule=`self.scopes.map(s, has(s.entitlements) ? s.entitlements.map(e, size(e.subjects.issuer) + (has(e.subjects.users) ? e.subjects.users.map(n, size(n)).sum() : 0) + (has(e.subjects.usernames) ? e.subjects.usernames.map(n, size(n)).sum() : 0) + (has(e.subjects.groups) ? e.subjects.groups.map(n, size(n)).sum() : 0) + (has(e.conditions) ? e.conditions.map(c, (has(c.message) ? size(c.message) : 0) + size(c.expression)).sum() : 0)).sum() : 0).sum() <= 32768`,message="the entitlements of one resource server have at most 32768 characters together: name groups in place of people, or shorten the expressions",fieldPath=".scopes"
// +kubebuilder:validation:XValidation:rule=`!has(self.routes) || self.routes.map(r, size(r.match.path) + r.match.methods.map(m, size(m)).sum() + size(r.scope) + (has(r.resource) ? size(r.resource.type) + (has(r.resource.id) ? size(r.resource.id) : 0) + (has(r.resource.properties) ? r.resource.properties.map(p, size(p.name) + size(p.value)).sum() : 0) : 0) + (has(r.mcp) ? r.mcp.tools.map(t, size(t.name) + size(t.scope) + (has(t.resource) ? size(t.resource.type) + size(t.resource.id) : 0)).sum() : 0)).sum() <= 32768`,message="the routes of one resource server have at most 32768 characters together: shorten them, or divide the API into several resource servers",fieldPath=".routes"
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
// +kubebuilder:validation:XValidation:rule=`!has(self.resource) || !has(self.resource.id) || [self.match.path.replace('...', "").findAll(r'[{]\w+[}]')].all(names, [self.resource.id.findAll(r'[{]\w+[}]')].all(used, size(used) <= 8 && [0, 1, 2, 3, 4, 5, 6, 7].all(i, i >= size(used) || used[i] in names)))`,message="every {name} in resource.id must stand in match.path, and there are at most 8: add it to the path, or correct the id",fieldPath=".resource.id"
// +kubebuilder:validation:XValidation:rule=`!has(self.resource) || !has(self.resource.properties) || [self.match.path.replace('...', "").findAll(r'[{]\w+[}]')].all(names, self.resource.properties.all(p, [p.value.findAll(r'[{]\w+[}]')].all(used, size(used) <= 4 && [0, 1, 2, 3].all(i, i >= size(used) || used[i] in names))))`,message="every {name} in resource.properties must stand in match.path, and a value has at most 4: add it to the path, or correct the value",fieldPath=".resource.properties"
// +kubebuilder:validation:XValidation:rule=`!has(self.mcp) || self.match.methods == ['POST']`,message="a route with mcp takes POST and no other method, for messages of the protocol are posted: set match.methods to [POST], and give GET and DELETE routes of their own",fieldPath=".match.methods"
type Route struct {
	// match says which requests the route takes.
	//
	// +required
	Match RouteMatch `json:"match,omitzero"`

	// scope that the request needs: one of spec.scopes. With mcp, the scope of
	// every message but the calls of tools.
	//
	// +required
	Scope ScopeName `json:"scope,omitempty"`

	// resource that the request concerns. Without it, conditions see no resource,
	// and a grant that is bound to one does not fit.
	//
	// +optional
	Resource RouteResource `json:"resource,omitzero"`

	// mcp says that requests are messages of the Model Context Protocol, and which
	// scope each tool needs. Without it, the body of a request is not looked at.
	//
	// +optional
	MCP RouteMCP `json:"mcp,omitzero"`

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

// RouteResource builds the resource of a request. In id and in the values of
// properties,
//
//	{name}         stands for what the path template of that name matched,
//	{query:NAME}   for the query parameter NAME, and
//	{header:NAME}  for the header NAME, which is written in lower case.
//
// There are at most 16 parameters and headers together. Where the request does
// not have one, the id or the property that would hold it is left out, and a
// condition that reads it errs, which never helps the request.
//
// A request is denied with input_malformed where a value that the route reads
// could be read in more than one way; what the route does not read is not looked
// at. Every value is text of at most 1024 bytes that can be seen, with no space
// at its ends, and is not empty. Further:
//
// A query parameter stands once, and nothing stands beside it that some server
// takes for it: its name in another case, percent-encoded, with '.', ' ' or '-'
// for '_', with brackets after it, between ';', or a name that does not decode
// to text without '%'. It has a '=' and a value in which '+', '=', ';' and every
// character that RFC 3986 section 3.4 does not allow is percent-encoded, and
// which is valid UTF-8 and has no '%' once it is decoded. The query has no '#',
// no control characters, and at most 8192 bytes.
//
// A header stands once, under no other spelling (x_tenant, X.Tenant) and not in
// Connection. Its value, without white space around it (RFC 9110 section 5.5),
// has visible ASCII characters and spaces only and no ',' or '!': proxies join
// several values with the one, and write the other for bytes that are no text.
// Headers that carry credentials, say who asks, or are for one connection only
// cannot be read: authorization, proxy-authorization, cookie, dpop, host,
// forwarded, those that begin with behalf-, x-behalf- or x-forwarded-, and those
// of framing and connections (RFC 9110 section 7.6.1).
type RouteResource struct {
	// type of the resource, for example ticket.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[A-Za-z0-9]([A-Za-z0-9._:/-]*[A-Za-z0-9])?$')`,message="a resource's type has letters, digits, '-', '_', '.', ':' and '/' only, and begins and ends with a letter or digit: write ticket; what varies goes into id"
	Type string `json:"type,omitempty"`

	// id of the resource: text with what stands in braces put in.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^([^{}\pC]|[{][A-Za-z_]\w*[}]|[{]query:\w[\w.-]*[}]|[{]header:[a-z0-9-]+[}])+$')`,message="braces are for {name} of the route's path without dots, {query:NAME} and {header:NAME} in lower case, and control or invisible characters have no place: write {id} where /tickets/{id} has {id}"
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r'[{]header:(authorization|proxy-[^}]*|cookie|dpop|host|forwarded|x-forwarded-[^}]*|(x-)?behalf-[^}]*|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-length)[}]')`,message="this header carries credentials, says who asks, or is for one connection only: read another one"
	ID string `json:"id,omitempty"`

	// properties of the resource.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Properties []RouteProperty `json:"properties,omitempty"`
}

// RouteProperty is one property of a resource.
type RouteProperty struct {
	// name of the property, as conditions read it under resource.properties.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[A-Za-z_][A-Za-z0-9_]*$')`,message="a property's name has letters, digits and '_' only and begins with no digit, so that a condition can read resource.properties.owner: rename it"
	Name string `json:"name,omitempty"`

	// value is text with what stands in braces put in.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^([^{}\pC]|[{][A-Za-z_]\w*[}]|[{]query:\w[\w.-]*[}]|[{]header:[a-z0-9-]+[}])+$')`,message="braces are for {name} of the route's path without dots, {query:NAME} and {header:NAME} in lower case, and control or invisible characters have no place: write {owner} where /users/{owner} has {owner}"
	// +kubebuilder:validation:XValidation:rule=`!self.matches(r'[{]header:(authorization|proxy-[^}]*|cookie|dpop|host|forwarded|x-forwarded-[^}]*|(x-)?behalf-[^}]*|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-length)[}]')`,message="this header carries credentials, says who asks, or is for one connection only: read another one"
	Value string `json:"value,omitempty"`
}

// RouteMCP says that a route is an endpoint of the Model Context Protocol, of
// any revision with the Streamable HTTP transport (2025-03-26 to 2026-07-28).
//
// The body of every request is one JSON-RPC 2.0 message, of at most 262144
// bytes, as application/json. It is denied with input_malformed where two
// readers could understand it differently: a batch, a key that stands twice or
// in two cases, an unknown member of the message or of a tool call's params, a
// content-encoding, a body that the front door did not pass on whole and byte by
// byte, or headers Mcp-Method and Mcp-Name that say something else than the
// body.
//
// The call of a tool (tools/call) needs the scope of that tool. Its arguments
// are context.arguments for conditions and grants, an empty object where it has
// none; a request whose context has arguments already is denied. Every other
// message (initialize, tools/list, notifications, answers, resources and
// prompts) needs the route's own scope. The GET and DELETE requests of revisions
// before 2026-07-28 carry no message and take routes of their own, without mcp.
type RouteMCP struct {
	// tools that may be called. A tool that is not listed denies with
	// route_unmatched.
	//
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=128
	Tools []RouteTool `json:"tools,omitempty"`
}

// RouteTool maps a tool to the scope that it needs and the resource that it
// concerns.
type RouteTool struct {
	// name of the tool, as tools/list gives it; compared byte by byte.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[A-Za-z0-9_./-]+$')`,message="a tool's name has letters, digits, '_', '-', '.' and '/' only, and there is no wildcard: give it as tools/list does"
	Name string `json:"name,omitempty"`

	// scope that a call of the tool needs: one of spec.scopes.
	//
	// +required
	Scope ScopeName `json:"scope,omitempty"`

	// resource that a call of the tool concerns, in place of the route's; the
	// properties of the route's stay. Without it, the route's.
	//
	// +optional
	Resource ToolResource `json:"resource,omitzero"`
}

// ToolResource builds the resource of a tool's call. What further arguments say
// is for conditions to read, in context.arguments.
type ToolResource struct {
	// type of the resource, for example ticket.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^[A-Za-z0-9]([A-Za-z0-9._:/-]*[A-Za-z0-9])?$')`,message="a resource's type has letters, digits, '-', '_', '.', ':' and '/' only, and begins and ends with a letter or digit: write ticket; what varies goes into id"
	Type string `json:"type,omitempty"`

	// id of the resource: text in which {name} stands for what the route's path
	// template of that name matched, and {argument:NAME} for the argument NAME of
	// the call, which is a text that can be seen, of 1 to 1024 bytes and with no
	// space at its ends; anything else, or the argument in another case, denies
	// with input_malformed. Where the call does not have the argument, there is no
	// id, and a condition that reads it errs, which never helps the request.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule=`self.matches(r'^([^{}\pC]|[{](argument:)?[\w.-]+[}])+$')`,message="braces are for {name} of the route's path and {argument:NAME}, and control or invisible characters have no place: write {argument:id} where the tool takes id"
	ID string `json:"id,omitempty"`
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

	// bundle is the compiled bundle that is handed to authorizers. It is
	// written down before the first of them gets it.
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
