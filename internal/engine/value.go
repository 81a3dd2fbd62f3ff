// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"behalf.dev/behalf/internal/canonical"
)

// source is where a part of a value comes from.
type source uint8

const (
	// written is in the template itself.
	written source = iota
	// fromPath, fromQuery, fromHeader and fromArgument are read from the request.
	fromPath
	fromQuery
	fromHeader
	fromArgument
)

// value is the template of a resource's id or property: texts, and names in braces that stand for what is read.
type value []part

type part struct {
	from source
	// text is what is written, or the name of what is read.
	text string
	// variable is the place of a path's variable in its template.
	variable int
}

// vocabulary is what a template may name: the variables of a path, and either query and headers or, for a tool, arguments.
type vocabulary struct {
	variables []string
	tool      bool
}

// maxName is the longest name of a query parameter, a header or an argument, in bytes.
const maxName = 64

var (
	errOpen     = errors.New("a '{' is never closed")
	errClose    = errors.New("a '}' was never opened")
	errOfTool   = errors.New("an argument is of the call of a tool; name it in the resource of the tool, under mcp.tools")
	errOfRoute  = errors.New("a tool's id is read from path and arguments only; name query parameters and headers in the properties of the route's resource")
	errSource   = errors.New("it is none of {name}, {query:NAME}, {header:NAME} and, for a tool, {argument:NAME}; correct it")
	errParam    = fmt.Errorf("the name has 1 to %d letters, digits, '_', '-' and '.', and begins with none of the last two; correct it", maxName)
	errHeader   = fmt.Errorf("a header's name is written in lower case, with 1 to %d letters, digits and '-'; correct it", maxName)
	errWithheld = errors.New("the header carries credentials, says who asks, or is for one connection only; read another one")
)

// parseValue reads the template of a value.
func parseValue(text string, names vocabulary) (value, error) {
	var parts value
	for text != "" {
		before, after, found := strings.Cut(text, "{")
		if strings.Contains(before, "}") {
			return nil, errClose
		}
		if before != "" {
			parts = append(parts, part{text: before})
		}
		if !found {
			break
		}
		name, remainder, closed := strings.Cut(after, "}")
		if !closed {
			return nil, errOpen
		}
		read, err := names.parse(name)
		if err != nil {
			return nil, err
		}
		parts, text = append(parts, read), remainder
	}
	return parts, nil
}

// parse reads what stands in braces.
func (names vocabulary) parse(inner string) (part, error) {
	prefix, name, prefixed := strings.Cut(inner, ":")
	if !prefixed {
		return names.variable(inner)
	}
	var p part
	var err error
	switch prefix {
	case "query":
		p, err = part{from: fromQuery, text: name}, checkName(name)
	case "header":
		p, err = part{from: fromHeader, text: name}, checkHeader(name)
	case "argument":
		p, err = part{from: fromArgument, text: name}, checkName(name)
	default:
		err = errSource
	}
	switch {
	case err != nil:
	case names.tool && p.from != fromArgument:
		err = errOfRoute
	case !names.tool && p.from == fromArgument:
		err = errOfTool
	}
	if err != nil {
		return part{}, fmt.Errorf("{%s}: %w", inner, err)
	}
	return p, nil
}

func (names vocabulary) variable(name string) (part, error) {
	at := slices.Index(names.variables, name)
	if at < 0 {
		return part{}, fmt.Errorf("{%s} is no variable of the path; it has %s", name, orNone(names.variables))
	}
	return part{from: fromPath, text: name, variable: at}, nil
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return "{" + strings.Join(names, "}, {") + "}"
}

// checkName keeps names to what every server spells alike.
func checkName(name string) error {
	if !isToken(name, "_-.") || len(name) > maxName || strings.IndexByte("-.", name[0]) >= 0 {
		return errParam
	}
	return nil
}

func checkHeader(name string) error {
	switch {
	case !isToken(name, "-") || len(name) > maxName || name != strings.ToLower(name):
		return errHeader
	case !canonical.Readable(name):
		return errWithheld
	default:
		return nil
	}
}

// isToken says whether a name has letters and digits of ASCII, and these, and is not empty.
func isToken(name, others string) bool {
	for i := range len(name) {
		c := name[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return name != ""
}

// inputs are what values are read from.
type inputs struct {
	captures *captures
	// path as it was sent, with its query.
	path      string
	headers   canonical.Headers
	arguments map[string]any
}

// of puts a value together; it is not whole where the request lacks a part of it. One part alone, the usual case, allocates
// nothing that it need not decode.
func (v value) of(in *inputs) (text string, whole bool, err error) {
	if len(v) == 1 {
		return in.read(&v[0])
	}
	whole = true
	var out strings.Builder
	for i := range v {
		text, sent, err := in.read(&v[i])
		if err != nil {
			return "", false, err
		}
		whole = whole && sent
		out.WriteString(text)
	}
	if !whole {
		return "", false, nil
	}
	return out.String(), true, nil
}

func (in *inputs) read(p *part) (text string, sent bool, err error) {
	what := ""
	switch p.from {
	case written:
		return p.text, true, nil
	case fromPath:
		return in.captures[p.variable], true, nil
	case fromQuery:
		what = "query parameter"
		text, sent, err = canonical.QueryOf(in.path).Value(p.text)
	case fromHeader:
		what = "header"
		text, sent, err = in.headers.Value(p.text)
	case fromArgument:
		what = "argument"
		text, sent, err = in.argument(p.text)
	}
	if err != nil {
		return "", false, fmt.Errorf("the %s %s %w", what, p.text, err)
	}
	return text, sent, nil
}

var (
	errNoText = errors.New("is not a text")
	errCase   = errors.New("stands in another case, in which some servers take it too")
)

func (in *inputs) argument(name string) (text string, sent bool, err error) {
	given, sent := in.arguments[name]
	if !sent {
		for other := range in.arguments {
			if strings.EqualFold(other, name) {
				return "", false, errCase
			}
		}
		return "", false, nil
	}
	text, ok := given.(string)
	if !ok {
		return "", false, errNoText
	}
	text, err = canonical.Text(text)
	return text, err == nil, err
}
