// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
)

// node is a package as `go list` tells it.
type node struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

// graph is every package of the module and all that they reach.
type graph struct {
	module string
	nodes  map[string]node
}

func loadGraph() (graph, error) {
	module, err := goList("-m")
	if err != nil {
		return graph{}, err
	}
	listed, err := goList("-deps", "-json=ImportPath,Standard,Imports", "./...")
	if err != nil {
		return graph{}, err
	}
	return parseGraph(strings.TrimSpace(string(module)), listed)
}

func goList(args ...string) ([]byte, error) {
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return out, nil
}

// parseGraph reads the concatenated JSON objects that `go list -json` prints.
func parseGraph(module string, listed []byte) (graph, error) {
	g := graph{module: module, nodes: map[string]node{}}
	decoder := json.NewDecoder(bytes.NewReader(listed))
	for {
		var n node
		switch err := decoder.Decode(&n); {
		case errors.Is(err, io.EOF):
			return g, nil
		case err != nil:
			return graph{}, fmt.Errorf("reading what go list printed: %w", err)
		}
		g.nodes[n.ImportPath] = n
	}
}

// ours returns the folders of the module that hold a package, sorted.
func (g graph) ours() []string {
	var folders []string
	for importPath := range g.nodes {
		if folder, ok := g.folder(importPath); ok {
			folders = append(folders, folder)
		}
	}
	slices.Sort(folders)
	return folders
}

// folder returns where in the module the package is; false if it is not ours.
func (g graph) folder(importPath string) (string, bool) {
	if importPath == g.module {
		return ".", true
	}
	return strings.CutPrefix(importPath, g.module+"/")
}

// under returns those of our folders that are at or below the pattern.
func (g graph) under(pattern string) []string {
	var found []string
	for _, folder := range g.ours() {
		if isUnder(pattern, folder) {
			found = append(found, folder)
		}
	}
	return found
}

// isUnder says whether folder is what the pattern names or below it. A * in the
// pattern stands for one element: internal/frontdoor/* is each front door.
func isUnder(pattern, folder string) bool {
	wanted, got := strings.Split(pattern, "/"), strings.Split(folder, "/")
	if len(got) < len(wanted) {
		return false
	}
	matched, err := path.Match(pattern, strings.Join(got[:len(wanted)], "/"))
	return err == nil && matched
}

// nearest searches what folder imports, nearest first, and returns one shortest
// path of imports to each thing that forbids names. It does not look behind a
// forbidden package, and no further than direct imports if directly is set.
func (g graph) nearest(folder string, directly bool, forbids judge) map[string][]string {
	start := path.Join(g.module, folder)
	found := map[string][]string{}
	cameFrom := map[string]string{start: ""}
	for queue := []string{start}; len(queue) > 0; queue = queue[1:] {
		for _, next := range g.nodes[queue[0]].Imports {
			if _, seen := cameFrom[next]; seen {
				continue
			}
			cameFrom[next] = queue[0]
			name := forbids(g, folder, g.nodes[next])
			switch _, known := found[name]; {
			case name != "" && !known:
				found[name] = trail(cameFrom, next)
			case name == "" && !directly:
				queue = append(queue, next)
			}
		}
	}
	return found
}

func trail(cameFrom map[string]string, end string) []string {
	var steps []string
	for step := end; step != ""; step = cameFrom[step] {
		steps = append(steps, step)
	}
	slices.Reverse(steps)
	return steps
}
