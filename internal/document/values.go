// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// The tags of what can stand in a document. Every other is refused.
const (
	tagString    = "!!str"
	tagInt       = "!!int"
	tagFloat     = "!!float"
	tagBool      = "!!bool"
	tagNull      = "!!null"
	tagTimestamp = "!!timestamp"
	tagMerge     = "!!merge"
	tagList      = "!!seq"
	tagObject    = "!!map"
)

// JSON gives the document as JSON. An error joins every *Fault that was found.
func (d Document) JSON() ([]byte, error) {
	r := reader{Document: d}
	value := r.value(d.root, "", 0)
	if err := r.err(); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, &Fault{File: d.file, Line: d.Line(), Message: err.Error()}
	}
	return raw, nil
}

// reader takes values out of a document and collects what is wrong with it.
type reader struct {
	Document
	faults []error
	// stopped says that the document is beyond a bound.
	stopped bool
}

// maxFaults of one document that are told.
const maxFaults = 50

func (r *reader) faultf(line int, field, format string, args ...any) {
	if len(r.faults) < maxFaults || r.stopped {
		r.faults = append(r.faults, &Fault{File: r.file, Line: line, Field: field, Message: fmt.Sprintf(format, args...)})
	}
}

func (r *reader) err() error { return errors.Join(r.faults...) }

// spend counts a value; false once the document goes too deep, or the file gave more than anybody may take. Then nothing
// more is read of the document, which is an error.
func (r *reader) spend(n *yaml.Node, field string, depth int) bool {
	*r.budget--
	switch {
	case r.stopped:
	case *r.budget < 0:
		r.stopped = true
		r.faultf(n.Line, field, "the file stands for more than %d values beyond those in it, through its aliases; write them out, or split it", maxAliased)
	case depth > maxDepth:
		r.stopped = true
		r.faultf(n.Line, field, "is nested deeper than %d", maxDepth)
	}
	return !r.stopped
}

func (r *reader) value(n *yaml.Node, field string, depth int) any {
	n = resolve(n)
	if !r.spend(n, field, depth) {
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		return r.object(n, field, depth)
	case yaml.SequenceNode:
		return r.list(n, field, depth)
	default:
		return r.scalar(n, field)
	}
}

func (r *reader) object(n *yaml.Node, field string, depth int) any {
	object := map[string]any{}
	for _, f := range r.fields(n, field, depth) {
		object[f.name] = r.value(f.value, join(field, f.name), depth+1)
	}
	return object
}

func (r *reader) list(n *yaml.Node, field string, depth int) any {
	list := make([]any, 0, len(n.Content))
	for i, entry := range n.Content {
		list = append(list, r.value(entry, fmt.Sprintf("%s[%d]", field, i), depth+1))
	}
	return list
}

func (r *reader) scalar(n *yaml.Node, field string) any {
	switch n.ShortTag() {
	case tagString, tagTimestamp:
		return r.text(n, field)
	case tagNull:
		return nil
	case tagBool, tagInt, tagFloat:
		return r.plain(n, field)
	default:
		r.faultf(n.Line, field, "has the tag %s, which has no meaning here; remove it", n.Tag)
		return nil
	}
}

// text refuses what is not the same to every reader.
func (r *reader) text(n *yaml.Node, field string) string {
	switch {
	case n.ShortTag() == tagTimestamp && n.Style&yaml.TaggedStyle != 0:
		r.faultf(n.Line, field, "has the tag %s, which has no meaning here; remove it", n.Tag)
	case isAmbiguous(n):
		r.faultf(n.Line, field, "%s without quotes is a boolean to some readers and a text to others: quote it, or say true or false", n.Value)
	case strings.ContainsRune(n.Value, utf8.RuneError):
		r.faultf(n.Line, field, "has a character that is not valid Unicode")
	}
	return n.Value
}

// booleans of YAML 1.1, by which kubectl reads, that are text in YAML 1.2.
var booleans = []string{"y", "yes", "n", "no", "on", "off"}

func isAmbiguous(n *yaml.Node) bool {
	return n.Style == 0 && len(n.Value) <= len("yes") && slices.Contains(booleans, strings.ToLower(n.Value))
}

// plain gives booleans and numbers.
func (r *reader) plain(n *yaml.Node, field string) any {
	if r.isJSON && n.ShortTag() != tagBool {
		return json.Number(n.Value)
	}
	var value any
	if err := n.Decode(&value); err != nil {
		r.faultf(n.Line, field, "%q is not %s", n.Value, strings.TrimPrefix(n.ShortTag(), "!!"))
		return nil
	}
	if number, ok := value.(float64); ok && (math.IsNaN(number) || math.IsInf(number, 0)) {
		r.faultf(n.Line, field, "%s is not a number of JSON", n.Value)
		return nil
	}
	return value
}

func join(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}
