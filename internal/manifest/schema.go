// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"behalf.dev/behalf/config/crd"
	"behalf.dev/behalf/internal/document"
)

// schema is what a CustomResourceDefinition makes of an object.
type schema struct {
	structural *structuralschema.Structural
	validator  validation.SchemaValidator
	rules      *cel.Validator
	namespaced bool
}

// schemaOf gives the schema of a kind; it is made when the first object needs it.
func schemaOf(file string) func() (*schema, error) {
	return sync.OnceValues(func() (*schema, error) {
		s, err := loadSchema(file)
		if err != nil {
			return nil, fmt.Errorf("loading the schema %s: %w", file, err)
		}
		return s, nil
	})
}

func loadSchema(file string) (*schema, error) {
	raw, err := crd.Bases.ReadFile("bases/" + file)
	if err != nil {
		return nil, err
	}
	var versioned apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(raw, &versioned); err != nil {
		return nil, err
	}
	props := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
		versioned.Spec.Versions[0].Schema.OpenAPIV3Schema, props, nil); err != nil {
		return nil, err
	}
	structural, err := structuralschema.NewStructural(props)
	if err != nil {
		return nil, err
	}
	validator, _, err := validation.NewSchemaValidator(props)
	if err != nil {
		return nil, err
	}
	return &schema{
		structural: structural,
		validator:  validator,
		rules:      cel.NewValidator(structural, true, celconfig.PerCallLimit),
		namespaced: versioned.Spec.Scope == apiextensionsv1.NamespaceScoped,
	}, nil
}

// decode does what the API server does with an object that comes in, and changes it in place: it says which fields it does
// not know, and fills in the defaults.
func (s *schema) decode(object map[string]any) (field.ErrorList, error) {
	meta, found, unknown, err := objectmeta.GetObjectMetaWithOptions(object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return nil, err
	}
	options := structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	unknown = append(unknown, pruning.PruneWithOptions(object, s.structural, true, options)...)
	delete(object, "status") // as for every object with a status of its own when it is created
	defaulting.PruneNonNullableNullsWithoutDefaults(object, s.structural)
	defaulting.Default(object, s.structural)
	if found {
		err = objectmeta.SetObjectMeta(object, meta)
	}
	return s.unknown(unknown), err
}

func (s *schema) unknown(paths []string) field.ErrorList {
	var all field.ErrorList
	for _, path := range paths {
		dot := strings.LastIndex(path, ".")
		parent, name := path[:max(dot, 0)], path[dot+1:]
		all = append(all, &field.Error{Type: field.ErrorTypeForbidden, Field: path, Detail: s.didYouMean(parent, name)})
	}
	return all
}

func (s *schema) didYouMean(parent, name string) string {
	if parent == "metadata" {
		return document.Unknown(name, document.FieldsOf(reflect.TypeFor[metav1.ObjectMeta]()))
	}
	return document.Unknown(name, s.at(parent).Properties)
}

var index = regexp.MustCompile(`\[\d+\]`)

// at goes down to a field of the schema.
func (s *schema) at(path string) *structuralschema.Structural {
	at := s.structural
	for name := range strings.SplitSeq(index.ReplaceAllString(path, ""), ".") {
		next, ok := at.Properties[name]
		if !ok {
			return at
		}
		for at = &next; at.Items != nil; {
			at = at.Items
		}
	}
	return at
}

// validate holds an object that was decoded to the schema and its rules.
func (s *schema) validate(ctx context.Context, object map[string]any, meta *metav1.ObjectMeta) field.ErrorList {
	all := apivalidation.ValidateObjectMeta(meta, s.namespaced, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	all = append(all, validation.ValidateCustomResource(nil, object, s.validator)...)
	all = append(all, listtype.ValidateListSetsAndMaps(nil, s.structural, object)...)
	if s.rules != nil && !slices.ContainsFunc(all, deforms) {
		broken, _ := s.rules.Validate(ctx, nil, s.structural, object, nil, celconfig.RuntimeCELCostBudget)
		all = append(all, broken...)
	}
	return all
}

// deforms says whether an error leaves an object in a form that the rules are not written for.
func deforms(err *field.Error) bool {
	switch err.Type {
	case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
		return true
	default:
		return false
	}
}
