// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"

	"behalf.dev/behalf/internal/authz"
)

// field reads one field straight from the Go value, so that a request is never copied into maps for its conditions.
type field struct {
	celType *types.Type
	// read gives the value, and whether the request has it.
	read func(target any) (any, bool)
	// name reads a text, and entries a map, of the variable that has the field; nil for a field of another type.
	name    func(in *Input) string
	entries func(in *Input) map[string]any
}

func (f field) present(target any) bool {
	_, ok := f.read(target)
	return ok
}

// fieldsOf gives the fields of our objects by the name that expressions have for them.
var fieldsOf = map[string]map[string]field{"subject": subjectFields, "actor": actorFields, "resource": resourceFields}

var (
	subjectOf  = func(in *Input) *authz.Subject { return in.Subject }
	actorOf    = func(in *Input) *authz.Actor { return &in.Actor }
	resourceOf = func(in *Input) *authz.Resource { return in.Resource }
)

var subjectFields = map[string]field{
	"id":       text(subjectOf, func(s *authz.Subject) string { return s.ID }),
	"issuer":   text(subjectOf, func(s *authz.Subject) string { return s.Issuer }),
	"username": text(subjectOf, func(s *authz.Subject) string { return s.Username }),
	"session":  text(subjectOf, func(s *authz.Subject) string { return s.Session }),
	"groups":   always(cel.ListType(cel.StringType), func(s *authz.Subject) any { return s.Groups }),
	"claims":   mapping(subjectOf, func(s *authz.Subject) map[string]any { return s.Claims }),
	"authTime": instant(func(s *authz.Subject) time.Time { return s.AuthTime }),
}

var actorFields = map[string]field{
	"namespace":      text(actorOf, func(a *authz.Actor) string { return a.Namespace }),
	"serviceAccount": text(actorOf, func(a *authz.Actor) string { return a.ServiceAccount }),
}

var resourceFields = map[string]field{
	"type":       text(resourceOf, func(r *authz.Resource) string { return r.Type }),
	"id":         text(resourceOf, func(r *authz.Resource) string { return r.ID }),
	"properties": mapping(resourceOf, func(r *authz.Resource) map[string]any { return r.Properties }),
}

// text is a field that is absent where it is empty.
func text[T any](of func(*Input) *T, read func(*T) string) field {
	return field{
		celType: cel.StringType,
		name:    func(in *Input) string { return read(of(in)) },
		read: func(target any) (any, bool) {
			native, ok := target.(*T)
			if !ok || native == nil {
				return nil, false
			}
			value := read(native)
			return types.String(value), value != ""
		},
	}
}

// instant is a field that is absent where it is the zero time.
func instant(read func(*authz.Subject) time.Time) field {
	return field{celType: cel.TimestampType, read: func(target any) (any, bool) {
		native, ok := target.(*authz.Subject)
		if !ok || native == nil {
			return nil, false
		}
		value := read(native)
		return types.Timestamp{Time: value}, !value.IsZero()
	}}
}

// mapping is a map as JSON has it, which is there even if it is empty.
func mapping[T any](of func(*Input) *T, read func(*T) map[string]any) field {
	f := always(jsonObject, func(native *T) any { return read(native) })
	f.entries = func(in *Input) map[string]any { return read(of(in)) }
	return f
}

// always is a list or map, which is there even if it is empty.
func always[T any](celType *types.Type, read func(*T) any) field {
	return field{celType: celType, read: func(target any) (any, bool) {
		native, ok := target.(*T)
		if !ok || native == nil {
			return nil, false
		}
		return read(native), true
	}}
}
