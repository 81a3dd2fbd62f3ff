// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"behalf.dev/behalf/internal/token/strictjson"
)

// maxFreeDepth is how deep lists and objects may lie within each other where any JSON may stand: as at the AuthZEN door.
const maxFreeDepth = 32

// Time is an instant as in RFC 3339; zero where none is given.
type Time struct{ time.Time }

// Texts is a list of texts, or one text that stands for a list of it.
type Texts []string

var (
	timeType  = reflect.TypeFor[Time]()
	textsType = reflect.TypeFor[Texts]()
	freeType  = reflect.TypeFor[map[string]any]()
)

// Decode reads the document into a struct by its json tags: structs, pointers to them, lists, maps with text for keys, text,
// booleans, Time, Texts, and map[string]any where any JSON may stand. What is unknown, empty (null) or of another type is an error;
// all of these are told, each a *Fault, joined. Numbers come as float64, and only those that a float64 holds exactly.
func (d Document) Decode(into any) error {
	r := reader{Document: d}
	r.into(d.root, reflect.ValueOf(into).Elem(), "", 0)
	return r.err()
}

func (r *reader) into(n *yaml.Node, to reflect.Value, field string, depth int) {
	n = resolve(n)
	if !r.spend(n, field, depth) {
		return
	}
	if isNull(n) {
		r.faultf(n.Line, field, "is empty; leave it out, or give %s", wanted(to.Type()))
		return
	}
	switch {
	case to.Type() == timeType:
		r.intoTime(n, to, field)
	case to.Type() == freeType:
		r.intoFree(n, to, field)
	case to.Type() == textsType && n.Kind == yaml.ScalarNode:
		to.Set(reflect.MakeSlice(to.Type(), 1, 1))
		r.intoScalar(n, to.Index(0), field)
	case to.Kind() == reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		r.into(n, to.Elem(), field, depth)
	case to.Kind() == reflect.Struct:
		r.intoStruct(n, to, field, depth)
	case to.Kind() == reflect.Slice:
		r.intoSlice(n, to, field, depth)
	case to.Kind() == reflect.Map:
		r.intoMap(n, to, field, depth)
	default:
		r.intoScalar(n, to, field)
	}
}

func (r *reader) intoStruct(n *yaml.Node, to reflect.Value, field string, depth int) {
	if !r.is(n, yaml.MappingNode, to.Type(), field) {
		return
	}
	known := FieldsOf(to.Type())
	for _, f := range r.fields(n, field, depth) {
		path := join(field, f.name)
		index, ok := known[f.name]
		if !ok {
			r.faultf(f.line, path, "%s", Unknown(f.name, known))
			continue
		}
		r.into(f.value, to.Field(index), path, depth+1)
	}
}

// FieldsOf are the indexes of a struct's fields by the names of their json tags.
func FieldsOf(t reflect.Type) map[string]int {
	names := map[string]int{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names[name] = i
	}
	return names
}

func (r *reader) intoSlice(n *yaml.Node, to reflect.Value, field string, depth int) {
	if !r.is(n, yaml.SequenceNode, to.Type(), field) {
		return
	}
	to.Set(reflect.MakeSlice(to.Type(), len(n.Content), len(n.Content)))
	for i, entry := range n.Content {
		r.into(entry, to.Index(i), fmt.Sprintf("%s[%d]", field, i), depth+1)
	}
}

func (r *reader) intoMap(n *yaml.Node, to reflect.Value, field string, depth int) {
	if !r.is(n, yaml.MappingNode, to.Type(), field) {
		return
	}
	to.Set(reflect.MakeMap(to.Type()))
	for _, f := range r.fields(n, field, depth) {
		entry := reflect.New(to.Type().Elem()).Elem()
		r.into(f.value, entry, join(field, f.name), depth+1)
		to.SetMapIndex(reflect.ValueOf(f.name).Convert(to.Type().Key()), entry)
	}
}

func (r *reader) intoScalar(n *yaml.Node, to reflect.Value, field string) {
	tag := n.ShortTag()
	switch {
	case to.Kind() == reflect.String && n.Kind == yaml.ScalarNode && (tag == tagString || tag == tagTimestamp):
		to.SetString(r.text(n, field))
	case to.Kind() == reflect.Bool && n.Kind == yaml.ScalarNode && tag == tagBool:
		flag, _ := r.plain(n, field).(bool)
		to.SetBool(flag)
	default:
		r.mistyped(n, to.Type(), field)
	}
}

func (r *reader) intoTime(n *yaml.Node, to reflect.Value, field string) {
	if n.Kind != yaml.ScalarNode {
		r.mistyped(n, to.Type(), field)
		return
	}
	at, err := time.Parse(time.RFC3339, r.text(n, field))
	switch {
	case err != nil:
		r.faultf(n.Line, field, "%q is not a time as in RFC 3339, such as 2026-06-01T10:00:00Z", n.Value)
	case at.IsZero(): // which stands for no time at all, and no time is no limit
		r.faultf(n.Line, field, "is the first instant of the year 1; leave it out where it is not known")
	default:
		to.Set(reflect.ValueOf(Time{at}))
	}
}

// intoFree takes any JSON object as strictly as the AuthZEN front door does.
func (r *reader) intoFree(n *yaml.Node, to reflect.Value, field string) {
	if !r.is(n, yaml.MappingNode, to.Type(), field) {
		return
	}
	before := len(r.faults)
	value := r.value(n, field, 0)
	if len(r.faults) > before {
		return
	}
	free, err := plainObject(value)
	if err != nil {
		r.faultf(n.Line, field, "cannot be used: %v", err)
		return
	}
	to.Set(reflect.ValueOf(free))
}

func plainObject(value any) (map[string]any, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("writing it as JSON: %w", err)
	}
	object, err := strictjson.Object(raw, maxFreeDepth)
	if err != nil {
		return nil, err
	}
	return strictjson.PlainObject(object)
}

func (r *reader) is(n *yaml.Node, kind yaml.Kind, t reflect.Type, field string) bool {
	if n.Kind != kind {
		r.mistyped(n, t, field)
	}
	return n.Kind == kind
}

func (r *reader) mistyped(n *yaml.Node, t reflect.Type, field string) {
	r.faultf(n.Line, field, "is %s; give %s", found(n), wanted(t))
}

func found(n *yaml.Node) string {
	switch n.ShortTag() {
	case tagObject:
		return "an object"
	case tagList:
		return "a list"
	case tagBool:
		return "a boolean"
	case tagInt, tagFloat:
		return "a number"
	default:
		return "text"
	}
}

// wanted says what belongs into a type.
func wanted(t reflect.Type) string {
	switch {
	case t == timeType:
		return "a time as in RFC 3339"
	case t == textsType:
		return "text or a list of texts"
	case t.Kind() == reflect.Pointer:
		return wanted(t.Elem())
	case t.Kind() == reflect.Struct, t.Kind() == reflect.Map:
		return "an object"
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String:
		return "a list of texts"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() == reflect.Bool:
		return "true or false"
	default:
		return "text"
	}
}
