// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"fmt"

	"behalf.dev/behalf/internal/token/strictjson"
)

// maxDepth of the JSON in a request.
const maxDepth = 32

// evaluation is an Access Evaluation request as the specification defines it (section 6.1).
type evaluation struct {
	subject, resource entity
	action            string
	context           map[string]any
}

// entity is a subject or a resource.
type entity struct {
	kind, id   string
	properties map[string]any
}

// decode reads a request and says what the specification finds wrong with it. Unknown keys are passed over; a key that
// stands twice is not.
func decode(raw []byte) (*evaluation, error) {
	read, err := strictjson.Object(raw, maxDepth)
	if err != nil {
		return nil, fmt.Errorf("the body cannot be read: %w", err)
	}
	top, err := strictjson.PlainObject(read)
	if err != nil {
		return nil, fmt.Errorf("the body cannot be read: %w", err)
	}
	return evaluationOf(object{top, ""})
}

func evaluationOf(top object) (*evaluation, error) {
	var e evaluation
	var err error
	if e.subject, err = top.entity("subject"); err != nil {
		return nil, err
	}
	if e.resource, err = top.entity("resource"); err != nil {
		return nil, err
	}
	action, err := top.needObject("action")
	if err != nil {
		return nil, err
	}
	if e.action, err = action.needText("name"); err != nil {
		return nil, err
	}
	if _, err := action.optionalObject("properties"); err != nil {
		return nil, err
	}
	context, err := top.optionalObject("context")
	e.context = context.members
	return &e, err
}

// object is a JSON object with the path that leads to it.
type object struct {
	members map[string]any
	path    string
}

func (o object) at(name string) string {
	if o.path == "" {
		return name
	}
	return o.path + "." + name
}

func (o object) entity(name string) (entity, error) {
	from, err := o.needObject(name)
	if err != nil {
		return entity{}, err
	}
	var e entity
	if e.kind, err = from.needText("type"); err != nil {
		return e, err
	}
	if e.id, err = from.needText("id"); err != nil {
		return e, err
	}
	properties, err := from.optionalObject("properties")
	e.properties = properties.members
	return e, err
}

func (o object) needObject(name string) (object, error) {
	if _, ok := o.members[name]; !ok {
		return object{}, fmt.Errorf("%s is missing", o.at(name))
	}
	return o.optionalObject(name)
}

func (o object) optionalObject(name string) (object, error) {
	value, ok := o.members[name]
	if !ok {
		return object{path: o.at(name)}, nil
	}
	members, ok := value.(map[string]any)
	if !ok {
		return object{}, fmt.Errorf("%s is not an object", o.at(name))
	}
	return object{members: members, path: o.at(name)}, nil
}

func (o object) needText(name string) (string, error) {
	text, err := o.optionalText(name)
	if err == nil && text == "" {
		return "", fmt.Errorf("%s is missing or empty", o.at(name))
	}
	return text, err
}

func (o object) optionalText(name string) (string, error) {
	value, ok := o.members[name]
	if !ok {
		return "", nil
	}
	text, ok := value.(string)
	if !ok {
		return "", fmt.Errorf("%s is not a string", o.at(name))
	}
	return text, nil
}

func (o object) optionalTexts(name string) ([]string, error) {
	value, ok := o.members[name]
	if !ok {
		return nil, nil
	}
	values, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("%s is not a list of strings", o.at(name))
	}
	texts := make([]string, len(values))
	for n, value := range values {
		if texts[n], ok = value.(string); !ok {
			return nil, fmt.Errorf("%s is not a list of strings", o.at(name))
		}
	}
	return texts, nil
}
