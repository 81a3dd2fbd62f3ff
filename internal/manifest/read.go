// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/document"
)

// KindDelegationTest is the kind of files for kubectl-behalf test, which may lie beside manifests.
const KindDelegationTest = "DelegationTest"

// Options say what to read.
type Options struct {
	// Files are files and folders; Stdin is standard input.
	Files []string
	// Namespace is that of objects which name none; without it, such an object is an error.
	Namespace string
	Stdin     io.Reader
}

// Set is what was read.
type Set struct {
	World compile.World
	// Warnings are about what was read and will hardly mean what somebody thinks.
	Warnings []*document.Fault

	origins map[compile.Key]document.Document
}

// Origin says where a field of an object was written. The file is empty for an object that was not read.
func (s *Set) Origin(key compile.Key, field string) (file string, line int) {
	d, ok := s.origins[key]
	if !ok {
		return "", 0
	}
	return d.File(), d.LineOf(field)
}

// Read reads manifests. An error joins everything that is wrong; what is wrong with an object is a *document.Fault.
func Read(ctx context.Context, o Options) (*Set, error) {
	files, err := Files(o.Files)
	if err != nil {
		return nil, err
	}
	r := &reading{ctx: ctx, options: o, set: &Set{origins: map[compile.Key]document.Document{}}}
	for _, file := range files {
		documents, err := file.Documents(o.Stdin)
		if err != nil {
			r.errs = append(r.errs, err)
		}
		for _, d := range documents {
			r.document(d, file.Named, heading{})
		}
	}
	if len(r.errs) == 0 && r.ours == 0 {
		r.errs = append(r.errs, errors.New("there is no object of "+v1alpha1.GroupVersion.Group+" in "+strings.Join(o.Files, ", ")))
	}
	return r.set, errors.Join(r.errs...)
}

// reading is a Read that is under way.
type reading struct {
	ctx     context.Context //nolint:containedctx // it lives no longer than the call
	options Options
	set     *Set
	errs    []error
	// ours is how many objects of ours there were, right or wrong.
	ours int
}

func (r *reading) fault(d document.Document, object, field, message string) {
	r.errs = append(r.errs, &document.Fault{
		File: d.File(), Line: d.LineOf(field), Object: object, Field: field, Message: message,
	})
}

// heading says what an object is.
type heading struct{ apiVersion, kind string }

// document finds out whose a document is. What has no heading gets that of the list in which it stands.
func (r *reading) document(d document.Document, named bool, list heading) {
	apiVersion, kind, err := d.Kind()
	if err != nil {
		r.errs = append(r.errs, err)
		return
	}
	if apiVersion == "" && kind == "" {
		apiVersion, kind = list.apiVersion, list.kind
	}
	switch {
	case apiVersion == "" && kind == "" && !named: // values of a chart, settings of a tool
	case apiVersion == "":
		r.fault(d, "", "apiVersion", "is missing; objects of ours have "+v1alpha1.GroupVersion.String())
	case kind == "":
		r.fault(d, "", "kind", "is missing")
	default:
		r.object(d, apiVersion, kind)
	}
}

func (r *reading) object(d document.Document, apiVersion, kind string) {
	group, _, grouped := strings.Cut(apiVersion, "/")
	item, isList := strings.CutSuffix(kind, "List")
	switch {
	case grouped && group == v1alpha1.GroupVersion.Group:
		r.ourGroup(d, apiVersion, kind)
	case apiVersion == "v1" && isList && (item == "" || item == kindNamespace || item == kindServiceAccount):
		r.items(d, apiVersion, item)
	case apiVersion == "v1" && (kind == kindNamespace || kind == kindServiceAccount):
		r.theirs(d, kind)
	default:
		r.noteLookalike(d, apiVersion, kind)
	}
}

func (r *reading) ourGroup(d document.Document, apiVersion, kind string) {
	item, isList := strings.CutSuffix(kind, "List")
	_, ofOurs := kinds[item]
	switch {
	case apiVersion != v1alpha1.GroupVersion.String():
		r.ours++
		r.fault(d, kind, "apiVersion", "is "+apiVersion+", a version that is not known; there is "+v1alpha1.GroupVersion.String())
	case kind == KindDelegationTest:
	case isList && ofOurs:
		r.items(d, apiVersion, item)
	case kinds[kind].schema != nil:
		r.ours++
		r.own(d, kind)
	default:
		r.ours++
		r.fault(d, "", "kind", kind+" is not a kind of "+apiVersion+"; "+didYouMean(kind))
	}
}

func didYouMean(kind string) string {
	names := slices.Sorted(maps.Keys(kinds))
	if near := document.Nearest(kind, names); near != "" {
		return "did you mean " + near + "?"
	}
	return "there are " + strings.Join(names, ", ")
}

// noteLookalike warns of what bears the name of a kind of ours in another group: it has no effect.
func (r *reading) noteLookalike(d document.Document, apiVersion, kind string) {
	if _, ok := kinds[kind]; ok {
		r.set.Warnings = append(r.set.Warnings, &document.Fault{
			File: d.File(), Line: d.LineOf("apiVersion"), Object: kind, Field: "apiVersion",
			Message: "is " + apiVersion + ", so this is passed over; ours are of " + v1alpha1.GroupVersion.String(),
		})
	}
}

func (r *reading) items(d document.Document, apiVersion, kind string) {
	items, err := d.Items()
	if err != nil {
		r.errs = append(r.errs, err)
		return
	}
	var list heading // a list of anything says nothing of its items
	if kind != "" {
		list = heading{apiVersion, kind}
	}
	for _, item := range items {
		r.document(item, true, list)
	}
}
