// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package document reads the YAML and JSON that people write for Behalf, strictly: what two readers could understand
// differently, what stands twice and what nobody knows is an error that names file, line and field. A document that is
// somebody else's is looked at no further than its apiVersion and kind.
//
// YAML is bounded before it is worked with: aliases are followed, and counted like what they stand for (THREATS 43).
package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Bounds of a file.
const (
	// MaxBytes is the largest file that is read.
	MaxBytes = 16 << 20
	// maxAliased is how many more values may be taken out of one file than can be written in it, those behind aliases counted
	// each time.
	maxAliased = 100_000
	// maxDepth is how deep lists and objects may lie within each other.
	maxDepth = 64
)

// Document is one document of a file, or one item of a list in it.
type Document struct {
	file string
	root *yaml.Node
	// isJSON says that numbers are written as JSON has them.
	isJSON bool
	// budget is what may still be taken out of the file.
	budget *int
}

// Fault is what is wrong with a document.
type Fault struct {
	File string
	// Line is the first of the field, counted from 1; 0 where none is known.
	Line int
	// Object is what the field is of, where a file holds several; may be empty.
	Object string
	// Field is the path from the document's root, such as cases[3].request.subject; empty for the document itself.
	Field string
	// Message says what is wrong and what to do about it.
	Message string
}

// Error is file:line: object: field: message.
func (f *Fault) Error() string {
	text := f.File
	if f.Line > 0 {
		text += ":" + strconv.Itoa(f.Line)
	}
	if f.Object != "" {
		text += ": " + f.Object
	}
	if f.Field != "" {
		text += ": " + f.Field
	}
	return text + ": " + f.Message
}

// Fault is one about a field of the document.
func (d Document) Fault(field, message string) *Fault {
	return &Fault{File: d.file, Line: d.LineOf(field), Field: field, Message: message}
}

// Read takes a file apart into its documents: of YAML those between the ---, of JSON one after the other. Documents
// without content are left out. An error is a *Fault.
func Read(file string, raw []byte) ([]Document, error) {
	fault := &Fault{File: file}
	switch {
	case len(raw) > MaxBytes:
		fault.Message = fmt.Sprintf("is larger than %d bytes; split it", MaxBytes)
		return nil, fault
	case !utf8.Valid(raw):
		fault.Message = "is not valid UTF-8"
		return nil, fault
	}
	roots, err := readJSON(raw)
	isJSON := err == nil
	if !isJSON {
		roots, err = readYAML(raw)
	}
	if err != nil {
		return nil, unreadable(fault, err)
	}
	budget := budgetOf(raw)
	documents := make([]Document, 0, len(roots))
	for _, root := range roots {
		documents = append(documents, Document{file: file, root: root, isJSON: isJSON, budget: &budget})
	}
	return documents, nil
}

// budgetOf leaves room for all that is written, twice over: no value and no key takes less than a byte.
func budgetOf(raw []byte) int { return 2*len(raw) + maxAliased }

func readYAML(raw []byte) ([]*yaml.Node, error) {
	var roots []*yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return roots, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading YAML: %w", err)
		}
		if err := ownAliases(&document); err != nil {
			return nil, err
		}
		if len(document.Content) == 1 && !isNull(document.Content[0]) {
			roots = append(roots, document.Content[0])
		}
	}
}

// ownAliases errs where an alias stands for something in an earlier document, which other readers do not know.
func ownAliases(document *yaml.Node) error {
	anchored := map[*yaml.Node]bool{}
	var foreign *yaml.Node
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Anchor != "" {
			anchored[n] = true
		}
		if n.Kind == yaml.AliasNode && !anchored[n.Alias] {
			foreign = n
		}
		for _, child := range n.Content {
			walk(child)
		}
	}
	walk(document)
	if foreign != nil {
		return fmt.Errorf("reading YAML: yaml: line %d: unknown anchor '%s' referenced", foreign.Line, foreign.Value)
	}
	return nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == tagNull }

// yamlError is how the YAML library tells where it stopped.
var yamlError = regexp.MustCompile(`^reading YAML: yaml: (?:line (\d+): )?(.*)$`)

func unreadable(fault *Fault, err error) *Fault {
	fault.Message = "cannot be read as YAML: " + err.Error()
	if parts := yamlError.FindStringSubmatch(err.Error()); parts != nil {
		if line, err := strconv.Atoi(parts[1]); err == nil {
			fault.Line = line
		}
		fault.Message = "cannot be read as YAML: " + parts[2]
	}
	return fault
}

// File is the name under which the document was read.
func (d Document) File() string { return d.file }

// Line is where the document begins.
func (d Document) Line() int { return d.root.Line }

// Kind gives apiVersion and kind; both are empty for what is no object of Kubernetes. An error is a *Fault: one of the two
// stands twice or is no text, so that readers could take the document for different things.
func (d Document) Kind() (apiVersion, kind string, err error) {
	root := resolve(d.root)
	if root.Kind != yaml.MappingNode {
		return "", "", nil
	}
	if apiVersion, err = d.heading(root, "apiVersion"); err != nil {
		return "", "", err
	}
	kind, err = d.heading(root, "kind")
	return apiVersion, kind, err
}

func (d Document) heading(root *yaml.Node, name string) (string, error) {
	var found *yaml.Node
	for i := 0; i+1 < len(root.Content); i += 2 {
		key := root.Content[i]
		if key.ShortTag() == tagMerge {
			return d.merged(root, name)
		}
		if key.Value != name {
			continue
		}
		if found != nil {
			return "", &Fault{File: d.file, Line: key.Line, Field: name, Message: "stands twice"}
		}
		found = resolve(root.Content[i+1])
	}
	return d.headingOf(found, name)
}

// merged looks for a heading in a document that takes in others by <<.
func (d Document) merged(root *yaml.Node, name string) (string, error) {
	r := reader{Document: d}
	for _, f := range r.fields(root, "", 0) {
		if f.name == name {
			return d.headingOf(f.value, name)
		}
	}
	return "", r.err()
}

func (d Document) headingOf(found *yaml.Node, name string) (string, error) {
	switch {
	case found == nil:
		return "", nil
	case found.Kind != yaml.ScalarNode || found.ShortTag() != tagString:
		return "", &Fault{File: d.file, Line: found.Line, Field: name, Message: "is not text"}
	default:
		return found.Value, nil
	}
}

// Items are the entries of a list object, each a document of its own.
func (d Document) Items() ([]Document, error) {
	r := reader{Document: d}
	var items []Document
	for _, f := range r.fields(resolve(d.root), "", 0) {
		if f.name != "items" {
			continue
		}
		if f.value.Kind != yaml.SequenceNode {
			return nil, &Fault{File: d.file, Line: f.line, Field: "items", Message: "is not a list"}
		}
		for _, item := range f.value.Content {
			items = append(items, Document{file: d.file, root: item, isJSON: d.isJSON, budget: d.budget})
		}
	}
	return items, r.err()
}

// resolve goes to what an alias stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}
