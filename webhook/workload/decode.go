// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"bytes"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/json"
)

// layout is where the objects of a kind hold their template, and how it is read from there.
type layout struct {
	path string
	read func(raw []byte) (Template, error)
}

// holder is an object that holds a template somewhere.
type holder interface{ template() Template }

type templateInSpec struct {
	Spec struct {
		Template Template `json:"template"`
	} `json:"spec"`
}

func (h *templateInSpec) template() Template { return h.Spec.Template }

type templateInJob struct {
	Spec struct {
		JobTemplate templateInSpec `json:"jobTemplate"`
	} `json:"spec"`
}

func (h *templateInJob) template() Template { return h.Spec.JobTemplate.Spec.Template }

type templateAtTop struct {
	Template Template `json:"template"`
}

func (h *templateAtTop) template() Template { return h.Template }

type pod struct{ Template }

func (h *pod) template() Template { return h.Template }

var (
	inPod      = layout{path: "", read: read[pod]}
	inSpec     = layout{path: "spec.template", read: read[templateInSpec]}
	inJob      = layout{path: "spec.jobTemplate.spec.template", read: read[templateInJob]}
	inTemplate = layout{path: "template", read: read[templateAtTop]}
)

// layouts of the kinds that make pods. matchPolicy Equivalent brings every other version of them in these.
var layouts = map[schema.GroupVersionKind]layout{
	{Version: "v1", Kind: "Pod"}:                        inPod,
	{Version: "v1", Kind: "PodTemplate"}:                inTemplate,
	{Version: "v1", Kind: "ReplicationController"}:      inSpec,
	{Group: "apps", Version: "v1", Kind: "Deployment"}:  inSpec,
	{Group: "apps", Version: "v1", Kind: "ReplicaSet"}:  inSpec,
	{Group: "apps", Version: "v1", Kind: "StatefulSet"}: inSpec,
	{Group: "apps", Version: "v1", Kind: "DaemonSet"}:   inSpec,
	{Group: "batch", Version: "v1", Kind: "Job"}:        inSpec,
	{Group: "batch", Version: "v1", Kind: "CronJob"}:    inJob,
}

// Decode reads the template of an object of the kind from the JSON that the API server sends, and gives its path within the
// object. A kind that is not known, a field twice, a wrong type and anything behind the object's end are errors; a template
// that is not there asks for nothing.
func Decode(kind schema.GroupVersionKind, raw []byte) (template Template, path string, err error) {
	layout, known := layouts[kind]
	if !known {
		return Template{}, "", fmt.Errorf("objects of kind %s are not known to hold a pod template", kind)
	}
	template, err = layout.read(raw)
	return template, layout.path, err
}

// DecodeMetadata reads the metadata of an object of any kind.
func DecodeMetadata(raw []byte) (Metadata, error) {
	var object struct {
		Metadata Metadata `json:"metadata"`
	}
	err := strict(raw, &object)
	return object.Metadata, err
}

func read[T any, P interface {
	*T
	holder
}](raw []byte) (Template, error) {
	into := P(new(T))
	if err := strict(raw, into); err != nil {
		return Template{}, err
	}
	return into.template(), nil
}

func strict(raw []byte, into any) error {
	if !bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{")) {
		return errors.New("there is no object")
	}
	twice, err := json.UnmarshalStrict(raw, into, json.DisallowDuplicateFields)
	if err != nil {
		return fmt.Errorf("reading the object: %w", err)
	}
	if len(twice) > 0 {
		return fmt.Errorf("reading the object: %w", errors.Join(twice...))
	}
	return nil
}
