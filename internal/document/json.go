// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readJSON takes JSON values that stand one after the other into the same form as YAML. Not all JSON is YAML: escapes like
// \/ and surrogate pairs are not.
func readJSON(raw []byte) ([]*yaml.Node, error) {
	if !bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{")) {
		return nil, errors.New("reading JSON: it does not begin with an object")
	}
	if err := areValues(raw); err != nil {
		return nil, err
	}
	t := &tree{raw: raw, line: 1, decoder: json.NewDecoder(bytes.NewReader(raw))}
	t.decoder.UseNumber()
	var roots []*yaml.Node
	for {
		root, err := t.value()
		if errors.Is(err, io.EOF) {
			return roots, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading JSON: %w", err)
		}
		if !isNull(root) {
			roots = append(roots, root)
		}
	}
}

// areValues holds the whole to the grammar, which the decoder's tokens alone do not.
func areValues(raw []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	for {
		var value json.RawMessage
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading JSON: %w", err)
		}
	}
}

// tree builds nodes from the tokens of JSON.
type tree struct {
	raw     []byte
	decoder *json.Decoder
	// line of the offset up to which line breaks were counted.
	line   int
	offset int64
}

func (t *tree) value() (*yaml.Node, error) {
	token, err := t.decoder.Token()
	if err != nil {
		return nil, err
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Line: t.countLines()}
	switch token := token.(type) {
	case json.Delim:
		return n, t.children(n, token)
	case string:
		n.Tag, n.Value = tagString, token
	case json.Number:
		n.Tag, n.Value, n.Style = numberTag(token.String()), token.String(), 0
	case bool:
		n.Tag, n.Value, n.Style = tagBool, fmt.Sprint(token), 0
	default:
		n.Tag, n.Value, n.Style = tagNull, "null", 0
	}
	return n, nil
}

func numberTag(number string) string {
	if strings.ContainsAny(number, ".eE") {
		return tagFloat
	}
	return tagInt
}

func (t *tree) children(n *yaml.Node, opening json.Delim) error {
	n.Kind, n.Tag, n.Style = yaml.SequenceNode, tagList, yaml.FlowStyle
	if opening == '{' {
		n.Kind, n.Tag = yaml.MappingNode, tagObject
	}
	for t.decoder.More() {
		child, err := t.value()
		if err != nil {
			return err
		}
		n.Content = append(n.Content, child)
	}
	_, err := t.decoder.Token()
	return err
}

// countLines gives the line of the token that was read last.
func (t *tree) countLines() int {
	end := t.decoder.InputOffset()
	t.line += bytes.Count(t.raw[t.offset:end], []byte("\n"))
	t.offset = end
	return t.line
}
