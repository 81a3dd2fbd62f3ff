// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// member is one field of an object.
type member struct {
	name  string
	line  int
	value *yaml.Node // no alias
}

// fields gives those of an object in the order in which they are written, then those that it takes in by <<. Its own win over
// those, and earlier ones over later ones (https://yaml.org/type/merge.html). Readers agree on that only where << stands first.
func (r *reader) fields(n *yaml.Node, field string, depth int) []member {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	var own, taken []member
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]), resolve(n.Content[i+1])
		if !r.spend(key, field, depth) {
			return nil
		}
		if key.ShortTag() == tagMerge {
			if i > 0 {
				r.faultf(key.Line, field, "<< does not stand first; readers differ in what it then means")
			}
			taken = append(taken, r.takenIn(value, field, depth+1)...)
			continue
		}
		name := r.key(key, field)
		if seen[name] {
			r.faultf(key.Line, join(field, name), "stands twice")
		}
		seen[name] = true
		own = append(own, member{name, key.Line, value})
	}
	for _, f := range taken {
		if !seen[f.name] {
			seen[f.name] = true
			own = append(own, f)
		}
	}
	return own
}

func (r *reader) takenIn(from *yaml.Node, field string, depth int) []member {
	switch from.Kind {
	case yaml.MappingNode:
		return r.fields(from, field, depth)
	case yaml.SequenceNode:
		var all []member
		for _, entry := range from.Content {
			entry = resolve(entry)
			if entry.Kind != yaml.MappingNode {
				r.faultf(entry.Line, field, "<< takes in objects only")
				return nil
			}
			all = append(all, r.fields(entry, field, depth)...)
		}
		return all
	default:
		r.faultf(from.Line, field, "<< takes in objects only")
		return nil
	}
}

func (r *reader) key(n *yaml.Node, field string) string {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != tagString {
		r.faultf(n.Line, field, "has a key that is not text; quote it")
		return ""
	}
	return r.text(n, join(field, n.Value))
}

// LineOf gives the line of a field by its path, such as spec.scopes[0].name: where the field is not there, that of what
// holds it.
func (d Document) LineOf(field string) int {
	budget := 10 * maxAliased // of its own: telling what is wrong takes nothing away from reading
	r := reader{Document: Document{file: d.file, root: d.root, budget: &budget}}
	at, line := resolve(d.root), d.root.Line
	for field != "" {
		next, rest := r.step(at, field)
		if next == nil {
			break
		}
		at, line, field = next.value, next.line, rest
	}
	return line
}

// step goes one field or one entry further along a path.
func (r *reader) step(at *yaml.Node, field string) (*member, string) {
	field = strings.TrimPrefix(field, ".")
	if index, rest, ok := cutIndex(field); ok {
		if at.Kind != yaml.SequenceNode || index >= len(at.Content) {
			return nil, ""
		}
		entry := resolve(at.Content[index])
		return &member{line: at.Content[index].Line, value: entry}, rest
	}
	var found *member
	var left string
	for _, f := range r.fields(at, "", 0) { // the longest name that fits: names may have dots
		rest, fits := cutName(field, f.name)
		if fits && (found == nil || len(f.name) > len(found.name)) {
			found, left = &f, rest
		}
	}
	return found, left
}

func cutIndex(field string) (index int, rest string, ok bool) {
	inner, ok := strings.CutPrefix(field, "[")
	if !ok {
		return 0, "", false
	}
	number, rest, ok := strings.Cut(inner, "]")
	if !ok {
		return 0, "", false
	}
	index, err := strconv.Atoi(number)
	return index, rest, err == nil && index >= 0
}

// cutName takes a name off the front of a path; one in brackets is a key of a map.
func cutName(field, name string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(field, "["+name+"]"); ok {
		return rest, true
	}
	rest, ok = strings.CutPrefix(field, name)
	return rest, ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
