// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"
	"testing"
)

// tree makes a graph of lines "package: import import".
func tree(lines ...string) graph {
	g := graph{module: "behalf.dev/behalf", nodes: map[string]node{}}
	for _, line := range lines {
		importPath, imports, _ := strings.Cut(line, ":")
		g.nodes[importPath] = node{ImportPath: importPath, Standard: !strings.Contains(importPath, "."), Imports: strings.Fields(imports)}
	}
	return g
}

func TestRules(t *testing.T) {
	tests := map[string]struct {
		tree graph
		want []string // what the report must say; none: no violation
	}{
		"a program may link what is not forbidden": {
			tree: tree("behalf.dev/behalf/cmd/authorizer: google.golang.org/grpc", "google.golang.org/grpc: net", "net:"),
		},
		"a client is found through packages that are not ours": {
			tree: tree(
				"behalf.dev/behalf/cmd/authorizer: behalf.dev/behalf/internal/engine example.com/b",
				"behalf.dev/behalf/internal/engine:",
				"example.com/b: k8s.io/client-go/rest",
				"k8s.io/client-go/rest: k8s.io/apimachinery/pkg/types",
				"k8s.io/apimachinery/pkg/types:",
			),
			want: []string{
				"cmd/authorizer must not import k8s.io/client-go",
				"behalf.dev/behalf/cmd/authorizer\n        -> example.com/b\n        -> k8s.io/client-go/rest\n",
			},
		},
		"a name that only begins like a forbidden one is not it": {
			tree: tree("behalf.dev/behalf/cmd/authorizer: k8s.io/client-gopher", "k8s.io/client-gopher:"),
		},
		"the vocabulary may not use a module": {
			tree: tree("behalf.dev/behalf/internal/authz: strings example.com/x", "strings:", "example.com/x:"),
			want: []string{"internal/authz must not import example.com/x"},
		},
		"the vocabulary may not use a package of ours above it": {
			tree: tree("behalf.dev/behalf/internal/authz: behalf.dev/behalf/internal/engine", "behalf.dev/behalf/internal/engine:"),
			want: []string{"internal/authz must not import behalf.dev/behalf/internal/engine"},
		},
		"a front door may use packages of its own": {
			tree: tree(
				"behalf.dev/behalf/internal/frontdoor/authzen: behalf.dev/behalf/internal/frontdoor/authzen/wire",
				"behalf.dev/behalf/internal/frontdoor/authzen/wire:",
			),
		},
		"a front door may not reach another": {
			tree: tree(
				"behalf.dev/behalf/internal/frontdoor/authzen: behalf.dev/behalf/internal/audit",
				"behalf.dev/behalf/internal/audit: behalf.dev/behalf/internal/frontdoor/extauthz",
				"behalf.dev/behalf/internal/frontdoor/extauthz:",
			),
			want: []string{"internal/frontdoor/authzen must not import behalf.dev/behalf/internal/frontdoor/extauthz"},
		},
		"a program may not reach what is made for tests": {
			tree: tree(
				"behalf.dev/behalf/cmd/manager: behalf.dev/behalf/internal/manager",
				"behalf.dev/behalf/internal/manager: behalf.dev/behalf/internal/distribution/distributiontest",
				"behalf.dev/behalf/internal/distribution/distributiontest: testing",
				"testing:",
			),
			want: []string{"cmd/manager must not import behalf.dev/behalf/internal/distribution/distributiontest"},
		},
		"a program may reach testing through what is not ours": {
			tree: tree("behalf.dev/behalf/cmd/manager: example.com/x", "example.com/x: testing", "testing:"),
		},
		"the kinds answer for their own imports only": {
			tree: tree(
				"behalf.dev/behalf/api/v1alpha1: k8s.io/apimachinery/pkg/runtime",
				"k8s.io/apimachinery/pkg/runtime: example.com/x",
				"example.com/x:",
			),
		},
		"the kinds may not import controller-runtime": {
			tree: tree("behalf.dev/behalf/api/v1alpha1: sigs.k8s.io/controller-runtime/pkg/scheme", "sigs.k8s.io/controller-runtime/pkg/scheme:"),
			want: []string{"api/v1alpha1 must not import sigs.k8s.io/controller-runtime/pkg/scheme"},
		},
		"a folder that no layer knows is named": {
			tree: tree("behalf.dev/behalf/internal/engin:"),
			want: []string{"internal/engin stands in no layer"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			complaints := reportUnplaced(&out, test.tree)
			for _, r := range rules {
				complaints += reportRule(&out, test.tree, r)
			}
			if failed := complaints > 0; failed != (len(test.want) > 0) {
				t.Errorf("%d complaints", complaints)
			}
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("the report does not say %q", want)
				}
			}
			t.Log("\n" + out.String())
		})
	}
}

func TestReportSaysWhatWasNotChecked(t *testing.T) {
	var out strings.Builder
	r := never("text", []string{"internal/compile", "internal/engine"}, "k8s.io/client-go")
	reportRule(&out, tree("behalf.dev/behalf/internal/engine:"), r)
	want := "ok    text\n      checked: internal/engine\n      not in the tree: internal/compile\n      imported by nothing here: k8s.io/client-go\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestEveryRuleIsAboutAPlaceOfTheLayout(t *testing.T) {
	for _, r := range rules {
		for _, folder := range r.folders {
			if !slices.ContainsFunc(layout, func(place string) bool { return isUnder(place, folder) }) {
				t.Errorf("%q: %s is not in the layout", r.text, folder)
			}
		}
	}
}

func TestParseGraph(t *testing.T) {
	g, err := parseGraph("behalf.dev/behalf", []byte(`{"ImportPath":"net","Standard":true}{"ImportPath":"behalf.dev/behalf/api","Imports":["net"]}`))
	if err != nil || !g.nodes["net"].Standard || !slices.Equal(g.nodes["behalf.dev/behalf/api"].Imports, []string{"net"}) {
		t.Errorf("got %v, %v", g, err)
	}
	if _, err := parseGraph("behalf.dev/behalf", []byte(`{"ImportPath":`)); err == nil {
		t.Error("half an object was accepted")
	}
}
