// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/canonical"
	"behalf.dev/behalf/internal/frontdoor"
)

// Headers by which clients learn the decision and APIs learn who is asking.
const (
	headerDecision = identity + "decision"
	headerLeg      = identity + "leg"
	headerReason   = identity + "reason"
	headerDryRun   = identity + "dry-run"
	headerSubject  = identity + "subject"
	headerIssuer   = identity + "issuer"
	headerActor    = identity + "actor"
	headerScope    = identity + "scope"
	headerRevision = identity + "revision"
)

// allowed lets the request pass, with who is asking told to the API.
func allowed(q question, event frontdoor.Event) *authv3.CheckResponse {
	set := identityHeaders(event)
	ok := &authv3.OkHttpResponse{Headers: set, HeadersToRemove: q.headers.superseded(set)}
	if dry := event.Decision.DryRun; dry != nil {
		ok.ResponseHeadersToAdd = []*corev3.HeaderValueOption{header(headerDryRun, dryRun(dry))}
	}
	return &authv3.CheckResponse{
		Status:       &status.Status{Code: int32(codes.OK)},
		HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: ok},
	}
}

// identityHeaders name who was verified and nobody else: a dry run lets requests pass that lack a person, a service or a
// scope, and then the header is not set.
func identityHeaders(event frontdoor.Event) []*corev3.HeaderValueOption {
	set := []*corev3.HeaderValueOption{header(headerRevision, strconv.FormatInt(event.Decision.Revision, 10))}
	if subject := event.Request.Subject; subject.Present() {
		set = append(set, header(headerSubject, printable(subject.ID)), header(headerIssuer, printable(subject.Issuer)))
	}
	if event.Request.Actor.Present() {
		set = append(set, header(headerActor, printable(event.Request.Actor.String())))
	}
	if event.Decision.Scope != "" {
		set = append(set, header(headerScope, printable(event.Decision.Scope)))
	}
	if dry := event.Decision.DryRun; dry != nil {
		set = append(set, header(headerDryRun, dryRun(dry)))
	}
	return set
}

func dryRun(would *authz.Denial) string { return string(would.Leg) + "/" + string(would.Reason) }

// header replaces whatever the client sent under the name.
func header(name, value string) *corev3.HeaderValueOption {
	return &corev3.HeaderValueOption{
		Header:       &corev3.HeaderValue{Key: name, Value: value},
		AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
	}
}

// ownHeaders are those by which an API may learn who is asking.
var ownHeaders = []string{headerSubject, headerIssuer, headerActor, headerScope, headerRevision, headerDryRun}

// superseded are the headers of the request that must not reach the API. Those that are set are not among them: a proxy
// removes after it sets. Those of ours that are not set go even if none was seen: a proxy may be told not to send them here.
func (h headers) superseded(set []*corev3.HeaderValueOption) []string {
	ours := map[string]bool{}
	for _, option := range set {
		ours[option.GetHeader().GetKey()] = true
	}
	remove := []string{actorToken}
	for _, name := range ownHeaders {
		if !ours[name] {
			remove, ours[name] = append(remove, name), true
		}
	}
	for name := range h.Headers {
		plain := canonical.Name(name)
		drop := strings.HasPrefix(plain, identity) || plain == actorToken || slices.Contains(methodOverrides, plain)
		if drop && !ours[name] && name != actorToken {
			remove = append(remove, name)
		}
	}
	slices.Sort(remove)
	return remove
}

// printable writes bytes that a header cannot hold, and '%' and ',', as RFC 3986 percent-encoding: a value can be read back
// exactly and is never taken for several.
func printable(value string) string {
	var b strings.Builder
	for i := range len(value) {
		c := value[i]
		if c <= ' ' || c >= 0x7f || c == '%' || c == ',' {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// denied is the answer to the client; its status is never OK.
func denied(d authz.Decision) *authv3.CheckResponse {
	httpStatus, code := statusOf(d.Reason)
	set := []*corev3.HeaderValueOption{
		header("content-type", "application/json"),
		header("cache-control", "no-store"),
		header(headerDecision, authz.Deny.String()),
		header(headerLeg, string(d.Leg)),
		header(headerReason, string(d.Reason)),
	}
	if challenge := challengeOf(d.Reason); challenge != "" {
		set = append(set, header("www-authenticate", challenge))
	}
	return &authv3.CheckResponse{
		Status: &status.Status{Code: code, Message: string(d.Reason)},
		HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: &authv3.DeniedHttpResponse{
			Status:  &typev3.HttpStatus{Code: httpStatus},
			Headers: set,
			Body:    body(d),
		}},
	}
}

// gRPC codes as they stand in a status (google.rpc.Code).
const (
	permissionDenied = int32(codes.PermissionDenied)
	unauthenticated  = int32(codes.Unauthenticated)
)

func statusOf(reason authz.Reason) (typev3.StatusCode, int32) {
	switch reason { //nolint:exhaustive // all others are one case
	case authz.ReasonSubjectMissing, authz.ReasonTokenInvalid, authz.ReasonTokenExpired, authz.ReasonTokenNotYetValid:
		return typev3.StatusCode_Unauthorized, unauthenticated
	case authz.ReasonStaleBundle, authz.ReasonInternalError:
		return typev3.StatusCode_ServiceUnavailable, permissionDenied
	default:
		return typev3.StatusCode_Forbidden, permissionDenied
	}
}

// challengeOf is the WWW-Authenticate header (RFC 6750 section 3): no error code where no token was sent.
func challengeOf(reason authz.Reason) string {
	switch reason { //nolint:exhaustive // all others give none
	case authz.ReasonSubjectMissing:
		return `Bearer realm="behalf"`
	case authz.ReasonTokenInvalid, authz.ReasonTokenExpired, authz.ReasonTokenNotYetValid:
		return `Bearer realm="behalf", error="invalid_token"`
	case authz.ReasonScopeNotInToken:
		return `Bearer realm="behalf", error="insufficient_scope"`
	default:
		return ""
	}
}

// answer is the body of a deny.
type answer struct {
	Decision string       `json:"decision"`
	Leg      authz.Leg    `json:"leg"`
	Reason   authz.Reason `json:"reason"`
	Message  string       `json:"message"`
}

func body(d authz.Decision) string {
	raw, err := json.Marshal(answer{
		Decision: authz.Deny.String(), Leg: d.Leg, Reason: d.Reason, Message: d.ForUser(),
	})
	if err != nil {
		return ""
	}
	return string(raw)
}
