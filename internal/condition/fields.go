// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"

	"behalf.dev/behalf/internal/authz"
)

var subjectFields = map[string]field{
	"id":       text(func(s *authz.Subject) string { return s.ID }),
	"issuer":   text(func(s *authz.Subject) string { return s.Issuer }),
	"username": text(func(s *authz.Subject) string { return s.Username }),
	"session":  text(func(s *authz.Subject) string { return s.Session }),
	"groups":   always(cel.ListType(cel.StringType), func(s *authz.Subject) any { return s.Groups }),
	"claims":   always(jsonObject, func(s *authz.Subject) any { return s.Claims }),
	"authTime": instant(func(s *authz.Subject) time.Time { return s.AuthTime }),
}

var actorFields = map[string]field{
	"namespace":      text(func(a *authz.Actor) string { return a.Namespace }),
	"serviceAccount": text(func(a *authz.Actor) string { return a.ServiceAccount }),
}

var resourceFields = map[string]field{
	"type":       text(func(r *authz.Resource) string { return r.Type }),
	"id":         text(func(r *authz.Resource) string { return r.ID }),
	"properties": always(jsonObject, func(r *authz.Resource) any { return r.Properties }),
}

// text is a field that is absent where it is empty.
func text[T any](read func(*T) string) field {
	return field{cel.StringType, func(target any) (any, bool) {
		native, ok := target.(*T)
		if !ok || native == nil {
			return nil, false
		}
		value := read(native)
		return types.String(value), value != ""
	}}
}

// instant is a field that is absent where it is the zero time.
func instant(read func(*authz.Subject) time.Time) field {
	return field{cel.TimestampType, func(target any) (any, bool) {
		native, ok := target.(*authz.Subject)
		if !ok || native == nil {
			return nil, false
		}
		value := read(native)
		return types.Timestamp{Time: value}, !value.IsZero()
	}}
}

// always is a list or map, which is there even if it is empty.
func always[T any](celType *types.Type, read func(*T) any) field {
	return field{celType, func(target any) (any, bool) {
		native, ok := target.(*T)
		if !ok || native == nil {
			return nil, false
		}
		return read(native), true
	}}
}
