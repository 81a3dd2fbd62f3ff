// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package authzen answers the Access Evaluation API of the OpenID AuthZEN Authorization API 1.0 over HTTP:
// POST /access/v1/evaluation, and GET /.well-known/authzen-configuration.
//
// Whoever asks (the policy enforcement point, PEP) authenticates by a projected service account token with the audience
// behalf-authzen, in "Authorization: Bearer TOKEN", and must be one of the peers that the authorizer was told of. It
// vouches for the identities that it passes on, and only for people of issuers that the trust bundle knows: for others the
// decision is a deny by identity, token_invalid. 401 and 403 speak of the PEP and never of the request that it asks about;
// every decision is a 200 with "decision" true or false. A request that the specification calls wrong is a 400; one that
// is right by the specification but does not say what Behalf needs is a deny with the reason request_malformed. Before the
// trust bundle has come, nobody can be authenticated: that is a 503, and a deny by freshness in the decision log.
//
// How the specification's words map to Behalf's:
//
//	subject.type                  "user"; anything else denies as subject_missing: a service is no subject
//	subject.id                    the subject's id, the 'sub' of its issuer
//	subject.properties.issuer     the name of the TrustedIssuer; needed
//	subject.properties.username   string
//	subject.properties.groups     list of strings
//	subject.properties.claims     object: what conditions read as subject.claims
//	subject.properties.authTime   RFC 3339 time of the sign-in
//	subject.properties.session    string
//	action.name                   the scope, or with context.http the HTTP method
//	resource.type, resource.id    the resource, or with context.http "route" and the path
//	resource.properties           what conditions read as resource.properties
//	context.audience              the resource server's audience; needed, but with context.http
//	context.actor                 "namespace/serviceaccount" of the actor; without it, a person comes alone
//	context.via                   list of prior actors in the same form, nearest the subject first
//	context.token                 object: scopes, unbounded, issuedAt, expiresAt, id, transaction of the token presented
//	context.http                  object: method, host, path; routes then give audience, scope and resource
//	context.http.headers          object: a string, or a list of one string a line, for each header
//	context.http.body             string: the whole body
//	any other key of context      what conditions read as context
//
// Other properties of subject and action, and keys that the specification does not know, are passed over, as it asks.
//
// The context of the answer holds leg, reason, revision and policies, reason_admin and reason_user in the form of the
// specification's examples, and dryRun where something would have been denied.
package authzen
