// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/document"
)

// own reads an object of ours.
func (r *reading) own(d document.Document, kind string) {
	s, err := kinds[kind].schema()
	if err != nil {
		r.errs = append(r.errs, err)
		return
	}
	object, ok := r.decode(d)
	if !ok {
		return
	}
	u := unstructured.Unstructured{Object: object}
	u.SetAPIVersion(nameOf(object, "apiVersion"))
	u.SetKind(kind)
	unknown, err := s.decode(object)
	if err != nil {
		r.fault(d, kind, "metadata", err.Error())
		return
	}
	if r.refuse(d, reference(kind, &u), unknown) || !r.place(d, kind, &u, s.namespaced) {
		return
	}
	if u.GetGeneration() == 0 {
		u.SetGeneration(1) // as that of an object that was just created
	}
	meta, err := metaOf(object)
	if err != nil {
		r.fault(d, kind, "metadata", err.Error())
		return
	}
	ref := reference(kind, &u)
	if r.refuse(d, ref, s.validate(r.ctx, object, meta)) || !r.claim(d, ref) {
		return
	}
	if err := kinds[kind].add(&r.set.World, object); err != nil {
		r.fault(d, ref.String(), "", err.Error())
	}
}

// decode gives a document as the API server takes JSON: whole numbers as int64, others as float64.
func (r *reading) decode(d document.Document) (map[string]any, bool) {
	raw, err := d.JSON()
	if err != nil {
		r.errs = append(r.errs, err)
		return nil, false
	}
	var object map[string]any
	if err := utiljson.Unmarshal(raw, &object); err != nil {
		r.fault(d, "", "", "cannot be read: "+err.Error())
		return nil, false
	}
	return object, true
}

func nameOf(object map[string]any, field string) string {
	name, _ := object[field].(string)
	return name
}

func reference(kind string, u *unstructured.Unstructured) authz.ObjectRef {
	return authz.ObjectRef{Kind: kind, Namespace: u.GetNamespace(), Name: u.GetName(), Generation: u.GetGeneration()}
}

// refuse notes what is wrong with an object.
func (r *reading) refuse(d document.Document, ref authz.ObjectRef, wrong field.ErrorList) bool {
	for _, one := range wrong {
		message := one.ErrorBody()
		if one.Type == field.ErrorTypeForbidden {
			message = one.Detail
		}
		r.fault(d, ref.String(), one.Field, clip(message))
	}
	return len(wrong) > 0
}

// maxMessage keeps a message that quotes a value short.
const maxMessage = 600

func clip(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return fmt.Sprintf("%.*s…", maxMessage, message)
}

// place sees to it that an object is in a namespace, or in none.
func (r *reading) place(d document.Document, kind string, u *unstructured.Unstructured, namespaced bool) bool {
	switch {
	case u.GetName() == "":
		r.fault(d, kind, "metadata.name", "is missing; nobody generates one here")
		return false
	case namespaced && u.GetNamespace() == "" && r.options.Namespace == "":
		r.fault(d, reference(kind, u).String(), "metadata.namespace", "is missing; set it, or say by --namespace which one is meant")
		return false
	case namespaced && u.GetNamespace() == "":
		u.SetNamespace(r.options.Namespace)
	case !namespaced && u.GetNamespace() != "":
		u.SetNamespace("") // as the API server does
		r.set.Warnings = append(r.set.Warnings, &document.Fault{
			File: d.File(), Line: d.LineOf("metadata.namespace"), Object: reference(kind, u).String(), Field: "metadata.namespace",
			Message: "has no effect: this kind is of the whole cluster",
		})
	}
	return true
}

// claim errs where an object of this name was read before.
func (r *reading) claim(d document.Document, ref authz.ObjectRef) bool {
	key := compile.KeyOf(ref)
	if first, taken := r.set.origins[key]; taken {
		r.fault(d, ref.String(), "", fmt.Sprintf("stands at %s:%d too; remove one of the two", first.File(), first.Line()))
		return false
	}
	r.set.origins[key] = d
	return true
}

// theirs reads a namespace or a service account, as far as anybody looks at one.
func (r *reading) theirs(d document.Document, kind string) {
	object, ok := r.decode(d)
	if !ok {
		return
	}
	meta, err := metaOf(object)
	if err != nil {
		r.fault(d, kind, "metadata", err.Error())
		return
	}
	u := unstructured.Unstructured{Object: object}
	if !r.place(d, kind, &u, kind == kindServiceAccount) || !r.claim(d, reference(kind, &u)) {
		return
	}
	meta.Namespace = u.GetNamespace()
	if kind == kindNamespace {
		addNamespace(&r.set.World, meta)
	} else {
		addServiceAccount(&r.set.World, meta)
	}
}

func metaOf(object map[string]any) (*metav1.ObjectMeta, error) {
	raw, err := json.Marshal(object["metadata"])
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	meta := &metav1.ObjectMeta{}
	if err := json.Unmarshal(raw, meta); err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	return meta, nil
}
