// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"behalf.dev/behalf/internal/authz"
)

var (
	subjectType  = cel.ObjectType("behalf.Subject")
	actorType    = cel.ObjectType("behalf.Actor")
	resourceType = cel.ObjectType("behalf.Resource")
	jsonObject   = cel.MapType(cel.StringType, cel.DynType)
)

// errAbsent is what reading a field gives that the request lacks.
var errAbsent = errors.New("the request lacks")

// vocabulary tells CEL the types of our own and how to read them.
type vocabulary struct {
	*types.Registry
	fields map[string]map[string]field
}

func newVocabulary() (*vocabulary, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, fmt.Errorf("making the type registry: %w", err)
	}
	return &vocabulary{Registry: registry, fields: map[string]map[string]field{
		subjectType.TypeName():  subjectFields,
		actorType.TypeName():    actorFields,
		resourceType.TypeName(): resourceFields,
	}}, nil
}

// FindStructType knows our own types and what the registry has.
func (v *vocabulary) FindStructType(name string) (*types.Type, bool) {
	if _, ok := v.fields[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return v.Registry.FindStructType(name)
}

// FindStructFieldNames lists the fields of a type.
func (v *vocabulary) FindStructFieldNames(name string) ([]string, bool) {
	if fields, ok := v.fields[name]; ok {
		return slices.Sorted(maps.Keys(fields)), true
	}
	return v.Registry.FindStructFieldNames(name)
}

// FindStructFieldType is how the checker finds a misspelt field, and how the evaluator reads a good one.
func (v *vocabulary) FindStructFieldType(typeName, fieldName string) (*types.FieldType, bool) {
	fields, ok := v.fields[typeName]
	if !ok {
		return v.Registry.FindStructFieldType(typeName, fieldName)
	}
	f, ok := fields[fieldName]
	if !ok {
		return nil, false
	}
	absent := fmt.Errorf("%w %s", errAbsent, fieldName)
	get := func(target any) (any, error) {
		value, ok := f.read(target)
		if !ok {
			return nil, absent
		}
		return value, nil
	}
	return &types.FieldType{Type: f.celType, IsSet: f.present, GetFrom: get}, true
}

// NewValue refuses: conditions read our types and never make them.
func (v *vocabulary) NewValue(typeName string, _ map[string]ref.Val) ref.Val {
	return types.NewErr("conditions cannot make a %s", typeName)
}

// NativeToValue wraps our own types and leaves the rest to the registry.
func (v *vocabulary) NativeToValue(value any) ref.Val {
	switch native := value.(type) {
	case ref.Val:
		return native
	case string:
		return types.String(native)
	case map[string]any:
		return inOrder(types.NewStringInterfaceMap(v, native))
	case []string:
		return &textList{types.NewStringList(v, native), native}
	case []any:
		return &anyList{types.NewDynamicList(v, native), native}
	case *authz.Subject:
		return &object{celType: subjectType, fields: subjectFields, native: native}
	case *authz.Actor:
		return &object{celType: actorType, fields: actorFields, native: native}
	case *authz.Resource:
		return &object{celType: resourceType, fields: resourceFields, native: native}
	case []authz.Actor:
		return v.chain(native)
	default:
		return v.Registry.NativeToValue(value)
	}
}

func (v *vocabulary) chain(actors []authz.Actor) ref.Val {
	values := make([]ref.Val, len(actors))
	for i := range actors {
		values[i] = v.NativeToValue(&actors[i])
	}
	return types.NewRefValList(v, values)
}
