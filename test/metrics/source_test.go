// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package metrics_test holds the page of metrics to the code.
package metrics_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// metric is one as the code makes it.
type metric struct {
	program, name, kind, help string
	labels                    []string
}

// programs tells by the folder who serves the metrics that are made there.
var programs = map[string]string{
	"internal/authorizer":   "authorizer",
	"internal/distribution": "manager",
	"internal/issuerkeys":   "manager",
	"internal/manager":      "manager",
	"internal/upkeep":       "manager",
	"controllers":           "manager",
	"webhook":               "manager",
	"internal/exchange":     "exchange",
}

// unit as the name has it.
func (m metric) unit() string {
	switch name := strings.TrimSuffix(m.name, "_total"); {
	case strings.HasSuffix(name, "_timestamp_seconds"):
		return "Unix time, s"
	case strings.HasSuffix(name, "_seconds"):
		return "s"
	case strings.HasSuffix(name, "_bytes"):
		return "bytes"
	default:
		return ""
	}
}

// row is its line on the page.
func (m metric) row() string {
	labels := make([]string, len(m.labels))
	for i, label := range m.labels {
		labels[i] = code(label)
	}
	return "| " + strings.Join([]string{code(m.name), m.kind, m.unit(), strings.Join(labels, ", "), m.help}, " | ") + " |\n"
}

func code(text string) string { return "`" + text + "`" }

// readSource gives all metrics that the code below root makes, by program and name.
func readSource(root string) ([]metric, error) {
	var all []metric
	files := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		within, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if slices.Contains([]string{".git", "test", "hack", "bin"}, within) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		found, err := readFile(files, path)
		for i := range found {
			found[i].program = programOf(filepath.ToSlash(within))
		}
		all = append(all, found...)
		return err
	})
	slices.SortFunc(all, func(a, b metric) int { return cmp.Or(cmp.Compare(a.program, b.program), cmp.Compare(a.name, b.name)) })
	return all, err
}

func programOf(path string) string {
	for folder, program := range programs {
		if strings.HasPrefix(path, folder+"/") {
			return program
		}
	}
	return "unknown: " + path
}

func readFile(files *token.FileSet, path string) (found []metric, err error) {
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || err != nil {
			return err == nil
		}
		constructor, ok := strings.CutPrefix(called(call), "prometheus.New")
		if !ok {
			return true
		}
		m, is, problem := readCall(constructor, call)
		if problem != nil {
			err = fmt.Errorf("%s: %w", files.Position(call.Pos()), problem)
		}
		if is {
			found = append(found, m)
		}
		return true
	})
	return found, err
}

// called is package.Function of a call.
func called(call *ast.CallExpr) string {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	pkg, ok := selector.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return pkg.Name + "." + selector.Sel.Name
}

// readCall is false for a call that makes no metric. Names, meanings and labels must stand there as they are.
func readCall(constructor string, call *ast.CallExpr) (m metric, is bool, err error) {
	if constructor == "Desc" {
		return readDesc(call)
	}
	kind, vector := strings.CutSuffix(constructor, "Vec")
	kind = strings.ToLower(strings.TrimSuffix(kind, "Func"))
	if !slices.Contains([]string{"counter", "gauge", "histogram", "summary", "untyped"}, kind) {
		return metric{}, false, nil
	}
	m.kind = kind
	options, ok := call.Args[0].(*ast.CompositeLit)
	if !ok {
		return m, true, fmt.Errorf("its options must be written out where it is made")
	}
	for _, element := range options.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			return m, true, fmt.Errorf("its options must be named")
		}
		switch key, _ := pair.Key.(*ast.Ident); key.Name {
		case "Name":
			m.name, err = text(pair.Value)
		case "Help":
			m.help, err = text(pair.Value)
		case "Namespace", "Subsystem", "ConstLabels":
			err = fmt.Errorf("%s hides its name: write it out", key.Name)
		}
		if err != nil {
			return m, true, err
		}
	}
	if vector {
		m.labels, err = list(call.Args[1])
	}
	return m, true, err
}

// readDesc takes the kind from the name: what is counted ends in _total.
func readDesc(call *ast.CallExpr) (m metric, is bool, err error) {
	m.kind = "gauge"
	if m.name, err = text(call.Args[0]); err != nil {
		return m, true, err
	}
	if strings.HasSuffix(m.name, "_total") {
		m.kind = "counter"
	}
	if m.help, err = text(call.Args[1]); err != nil {
		return m, true, err
	}
	m.labels, err = list(call.Args[2])
	return m, true, err
}

func text(e ast.Expr) (string, error) {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", fmt.Errorf("name, meaning and labels of a metric must be written out where it is made")
	}
	return strconv.Unquote(literal.Value)
}

func list(e ast.Expr) ([]string, error) {
	if none, ok := e.(*ast.Ident); ok && none.Name == "nil" {
		return nil, nil
	}
	literal, ok := e.(*ast.CompositeLit)
	if !ok {
		return nil, fmt.Errorf("labels of a metric must be written out where it is made")
	}
	var all []string
	for _, element := range literal.Elts {
		one, err := text(element)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}
