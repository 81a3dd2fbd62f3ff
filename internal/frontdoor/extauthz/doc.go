// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package extauthz answers Envoy's external authorization protocol, v3 over gRPC (envoy.service.auth.v3.Authorization).
//
// What is asked comes from one CheckRequest:
//
//   - the subject token from the header "authorization: Bearer TOKEN";
//   - the actor token, a projected service account token for the resource server's audience, from the header
//     "behalf-actor-token";
//   - method, host and path from the request itself, never from a header: method override headers count for nothing;
//   - what routes read beside these: the query, headers but credentials, and the raw body, if the proxy says that it is whole
//     (x-envoy-auth-partial-body: false) or the client's content-length does;
//   - context from the proxy's own configuration alone (context_extensions): "context.NAME" gives context.NAME, and
//     "audience" names the resource server outright. Any other key denies, so that a misspelt one is noticed.
//
// A credential that is sent twice denies. Prior actors cannot be proven over this protocol, so there are none.
//
// Every answer is a CheckResponse with gRPC status OK: a deny, a request that cannot be read and a panic alike, because a
// proxy may let requests pass when authorization itself fails (failure_mode_allow). Only a message beyond the server's size
// limit is refused by gRPC itself, so a proxy that sends request bodies along must not fail open. What a deny looks like to
// the client:
//
//	401  subject_missing, token_invalid, token_expired, token_not_yet_valid, with WWW-Authenticate (RFC 6750)
//	503  stale_bundle, internal_error: nobody's fault but ours, and worth trying again
//	403  everything else
//
// with the headers x-behalf-decision, x-behalf-leg and x-behalf-reason and a small JSON body that names no policy.
//
// On an allow, all headers that begin with x-behalf- in any spelling are taken off the request before ours are set, and so
// are the actor token and method override headers; the subject token goes on to the API. Headers name only who was verified:
// where a dry run lets a request pass that has no person, there is no x-behalf-subject.
package extauthz
