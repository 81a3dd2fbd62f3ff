// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"behalf.dev/behalf/internal/authz"
)

// errNoConversion says that our types turn into no other.
var errNoConversion = errors.New("no conversion")

// object lets CEL hold one of our own values whole: in a list, in a comparison, behind dyn(). Plain field access does not
// come here.
type object struct {
	celType *types.Type
	fields  map[string]field
	native  any
}

// ConvertToNative gives the value itself where it has that type.
func (o *object) ConvertToNative(want reflect.Type) (any, error) {
	if reflect.TypeOf(o.native).AssignableTo(want) {
		return o.native, nil
	}
	return nil, fmt.Errorf("%w from %s to %s", errNoConversion, o.celType, want)
}

// ConvertToType converts to nothing but itself and its type.
func (o *object) ConvertToType(want ref.Type) ref.Val {
	switch want.TypeName() {
	case o.celType.TypeName():
		return o
	case types.TypeType.TypeName():
		return o.celType
	default:
		return types.NewErr("no conversion from %s to %s", o.celType, want.TypeName())
	}
}

// Equal compares actors by what they name; a subject or resource equals itself only, for there is one of each.
func (o *object) Equal(other ref.Val) ref.Val {
	if a, ok := o.native.(*authz.Actor); ok {
		b, ok := other.Value().(*authz.Actor)
		return types.Bool(ok && *a == *b)
	}
	return types.Bool(o.native == other.Value())
}

// Type is the type of the object.
func (o *object) Type() ref.Type { return o.celType }

// Value is the Go value.
func (o *object) Value() any { return o.native }

// Get reads a field.
func (o *object) Get(name ref.Val) ref.Val {
	f, ok := o.field(name)
	if !ok {
		return types.NewErr("%s %v", errAbsent, name)
	}
	value, ok := f.read(o.native)
	if !ok {
		return types.NewErr("%s %v", errAbsent, name)
	}
	return types.DefaultTypeAdapter.NativeToValue(value)
}

// IsSet asks whether a field is there.
func (o *object) IsSet(name ref.Val) ref.Val {
	f, ok := o.field(name)
	return types.Bool(ok && f.present(o.native))
}

func (o *object) field(name ref.Val) (field, bool) {
	key, ok := name.(types.String)
	if !ok {
		return field{}, false
	}
	f, ok := o.fields[string(key)]
	return f, ok
}
