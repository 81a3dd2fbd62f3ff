// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path"
	"slices"
	"strings"
)

// layout is every place where a package may be. A package elsewhere fails the
// check, so that a folder which is new, moved or misspelt gets its rules before
// it gets its callers.
var layout = []string{
	"api",
	"cmd/authorizer",
	"cmd/exchange",
	"cmd/kubectl-behalf",
	"cmd/manager",
	"config/crd",
	"config/rbac",
	"config/webhook",
	"controllers",
	"hack",
	"internal/audit",
	"internal/authorizer",
	"internal/authz",
	"internal/bundle",
	"internal/canonical",
	"internal/cli",
	"internal/compile",
	"internal/condition",
	"internal/distribution",
	"internal/document",
	"internal/engine",
	"internal/exchange",
	"internal/frontdoor",
	"internal/issuerkeys",
	"internal/manager",
	"internal/mcp",
	"internal/manifest",
	"internal/offline",
	"internal/replicas",
	"internal/servingcert",
	"internal/snapshot",
	"internal/token",
	"internal/upkeep",
	"middleware",
	"test",
	"webhook",
}

// rule says what some of our packages must not reach.
type rule struct {
	text     string
	folders  []string // with all that is below them
	forbids  judge
	names    []string // what forbids looks for, where that is a list
	directly bool     // judge the packages' own imports, and not what those reach
}

// judge names what makes an import by a package in folder a violation: an import
// path or what a group of them have in common. It is empty for what may be imported.
type judge func(g graph, folder string, imported node) string

const (
	apimachinery      = "k8s.io/apimachinery"
	clientGo          = "k8s.io/client-go"
	controllerRuntime = "sigs.k8s.io/controller-runtime"
	grpc              = "google.golang.org/grpc"
	envoy             = "github.com/envoyproxy"
	ours              = "behalf.dev/behalf"
)

var rules = []rule{
	never("the programs that enforce link no Kubernetes client",
		[]string{"cmd/authorizer", "cmd/exchange", "internal/authorizer"},
		clientGo, apimachinery, controllerRuntime),
	never("what decides knows no Kubernetes client, gRPC or Envoy",
		[]string{
			"internal/authz", "internal/bundle", "internal/canonical", "internal/condition", "internal/engine", "internal/mcp", "internal/token",
		},
		clientGo, controllerRuntime, grpc, envoy),
	never("the compiler has no client",
		[]string{"internal/compile"},
		clientGo, controllerRuntime),
	never("what decides without a cluster has no client",
		[]string{"internal/cli", "internal/document", "internal/manifest", "internal/offline"},
		clientGo, controllerRuntime, envoy),
	{
		text:    "the vocabulary, and what reads requests, stand on the standard library alone",
		folders: []string{"internal/authz", "internal/canonical"},
		forbids: outsideStandardLibrary,
	},
	{
		text:    "front doors never import each other",
		folders: []string{"internal/frontdoor/*"},
		forbids: otherFrontDoor,
	},
	never("the reference model shares no code with what it is compared with",
		[]string{"test/reference"},
		ours+"/internal/bundle", ours+"/internal/compile", ours+"/internal/condition", ours+"/internal/engine", ours+"/internal/token"),
	{
		text:    "what is shipped links nothing that is made for tests",
		folders: []string{"cmd/authorizer", "cmd/exchange", "cmd/kubectl-behalf", "cmd/manager", "middleware"},
		forbids: madeForTests,
	},
	{
		text:     "the kinds import apimachinery only",
		folders:  []string{"api"},
		forbids:  outsideAPIMachinery,
		directly: true,
	},
}

func never(text string, folders []string, prefixes ...string) rule {
	return rule{text: text, folders: folders, names: prefixes, forbids: func(_ graph, _ string, imported node) string {
		for _, prefix := range prefixes {
			if hasPrefix(imported.ImportPath, prefix) {
				return prefix
			}
		}
		return ""
	}}
}

func outsideStandardLibrary(g graph, folder string, imported node) string {
	if own, ok := g.folder(imported.ImportPath); imported.Standard || ok && isUnder(folder, own) {
		return ""
	}
	return imported.ImportPath
}

func otherFrontDoor(g graph, folder string, imported node) string {
	other, ok := g.folder(imported.ImportPath)
	if !ok || !isUnder("internal/frontdoor/*", other) || frontDoor(other) == frontDoor(folder) {
		return ""
	}
	return path.Join(g.module, frontDoor(other))
}

// frontDoor returns the first three elements of a folder below internal/frontdoor.
func frontDoor(folder string) string {
	return path.Join(strings.SplitN(folder, "/", 4)[:3]...)
}

// madeForTests knows packages like tokentest by what their helpers take: no list has to name the next one.
func madeForTests(g graph, _ string, imported node) string {
	if _, ok := g.folder(imported.ImportPath); ok && slices.Contains(imported.Imports, "testing") {
		return imported.ImportPath
	}
	return ""
}

func outsideAPIMachinery(g graph, _ string, imported node) string {
	own, ok := g.folder(imported.ImportPath)
	if imported.Standard || hasPrefix(imported.ImportPath, apimachinery) || ok && isUnder("api", own) {
		return ""
	}
	return imported.ImportPath
}

// hasPrefix says whether importPath is prefix or below it: k8s.io/api is not above k8s.io/apimachinery.
func hasPrefix(importPath, prefix string) bool {
	return importPath == prefix || strings.HasPrefix(importPath, prefix+"/")
}
