// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"behalf.dev/behalf/internal/bundle"
)

// maxRejectionBytes bounds what is kept of a peer's reason.
const maxRejectionBytes = 1024

// answered takes the peer's answer to a response. Answers to anything but what is in flight are passed over. It gives what
// was rejected.
func (s *session) answered(index int, request *discoveryv3.DeltaDiscoveryRequest) map[Key]rejection {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := s.subs[index]
	if sub == nil || sub.inflight == nil || sub.inflight.nonce != request.GetResponseNonce() {
		return nil
	}
	flight := sub.inflight
	sub.inflight, sub.acked = nil, flight.upTo
	rejected := flight.rejections(request.GetErrorDetail())
	for _, key := range flight.puts {
		sub.note(key, rejected, flight.cut && index != leaseIndex)
	}
	return rejected
}

// note keeps what became of one resource. What was rejected while more was to come is offered again, once.
func (sub *subscription) note(key Key, rejected map[Key]rejection, more bool) {
	now, refused := rejected[key]
	before, twice := sub.rejected[key]
	if !refused {
		sub.some = true
		delete(sub.rejected, key)
		return
	}
	sub.rejected[key] = now
	if more && !(twice && before.digest == now.digest) {
		sub.again = append(sub.again, key)
	}
}

// rejections reads a negative acknowledgement. A peer may take some of a response and reject the rest (gRFC A46); then it
// names the latter as field violations of a google.rpc.BadRequest. Without those, it rejects the whole.
func (f *inflight) rejections(detail *statuspb.Status) map[Key]rejection {
	if detail == nil || detail.GetCode() == int32(codes.OK) {
		return nil
	}
	rejected, floors := map[Key]rejection{}, floorsIn(detail)
	for _, violation := range violations(detail) {
		if key, ok := f.puts[violation.GetField()]; ok {
			rejected[key] = rejection{
				digest: f.digests[violation.GetField()], message: shorten(violation.GetDescription()),
				reason: knownReason(violation.GetReason()), floor: floors[violation.GetField()],
			}
		}
	}
	if len(rejected) > 0 {
		return rejected
	}
	for name, key := range f.puts {
		rejected[key] = rejection{digest: f.digests[name], message: shorten(detail.GetMessage()), reason: otherReason}
	}
	return rejected
}

func violations(detail *statuspb.Status) []*errdetails.BadRequest_FieldViolation {
	for _, one := range detail.GetDetails() {
		var bad errdetails.BadRequest
		if one.UnmarshalTo(&bad) == nil {
			return bad.GetFieldViolations()
		}
	}
	return nil
}

// reject makes the error detail of a negative acknowledgement out of what could not be taken, by resource name.
func reject(refused map[string]error) *statuspb.Status {
	bad := &errdetails.BadRequest{}
	for name, err := range refused {
		bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: name, Description: shorten(err.Error()), Reason: reasonOf(err),
		})
	}
	slices.SortFunc(bad.GetFieldViolations(), func(a, b *errdetails.BadRequest_FieldViolation) int {
		return cmp.Compare(a.GetField(), b.GetField())
	})
	detail := &statuspb.Status{Code: int32(codes.InvalidArgument), Message: bad.GetFieldViolations()[0].GetDescription()}
	details := []proto.Message{bad}
	if floors := seen(refused); floors != nil {
		details = append(details, floors)
	}
	for _, one := range details {
		if packed, err := anypb.New(one); err == nil {
			detail.Details = append(detail.Details, packed)
		}
	}
	return detail
}

// Of what a peer refuses because it has seen something newer, it says what, by name: a google.rpc.ErrorInfo.
const (
	seenReason = "REVISION_SEEN"
	seenDomain = "behalf.dev"
)

// seen is the detail with the floors of what was refused as rolled back; nil where nothing was.
func seen(refused map[string]error) *errdetails.ErrorInfo {
	floors := map[string]string{}
	for name, err := range refused {
		if older, ok := errors.AsType[*bundle.RolledBackError](err); ok {
			floors[name] = strconv.FormatInt(older.Floor, 10)
		}
	}
	if len(floors) == 0 {
		return nil
	}
	return &errdetails.ErrorInfo{Reason: seenReason, Domain: seenDomain, Metadata: floors}
}

// floorsIn reads what seen wrote. What cannot be read is passed over.
func floorsIn(detail *statuspb.Status) map[string]int64 {
	floors := map[string]int64{}
	for _, one := range detail.GetDetails() {
		var info errdetails.ErrorInfo
		if one.UnmarshalTo(&info) != nil || info.GetReason() != seenReason || info.GetDomain() != seenDomain {
			continue
		}
		for name, digits := range info.GetMetadata() {
			if floor, err := strconv.ParseInt(digits, 10, 64); err == nil {
				floors[name] = floor
			}
		}
	}
	return floors
}

// shorten cuts a peer's words to what is kept of them, at the end of a character.
func shorten(words string) string { return shortenTo(words, maxRejectionBytes) }

func shortenTo(words string, most int) string {
	valid := strings.ToValidUTF8(words, "\uFFFD")
	if len(valid) <= most {
		return valid
	}
	return strings.ToValidUTF8(valid[:most], "") + "…"
}
