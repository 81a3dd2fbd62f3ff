// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"fmt"
	"strconv"

	"behalf.dev/behalf/webhook/workload"
)

// place is where the objects of some kinds hold what is judged.
type place struct{ metadata, spec func(object string) string }

var (
	inPod = place{metadata: below(".metadata"), spec: below(".?spec")}
	// inAny is for all kinds that hold a template: in one of these ways, and never in two.
	inAny = place{
		metadata: func(object string) string { return anyTemplate(object) + ".?metadata" },
		spec:     func(object string) string { return anyTemplate(object) + ".?spec" },
	}
)

func below(path string) func(string) string {
	return func(object string) string { return object + path }
}

func anyTemplate(object string) string {
	return fmt.Sprintf("%[1]s.?spec.?jobTemplate.?spec.?template.or(%[1]s.?spec.?template).or(%[1]s.?template)", object)
}

// annotation is an optional string, as absence differs from emptiness.
func (p place) annotation(object string) string {
	return p.metadata(object) + ".?annotations[?" + quoted(workload.ScopesAnnotation) + "]"
}

func (p place) mounts(object, audience string) string {
	return p.spec(object) + ".?volumes.orValue([]).exists(v, v.?projected.?sources.orValue([])" +
		".exists(s, s.?serviceAccountToken.?audience.orValue('') == " + quoted(audience) + "))"
}

// account is the service account as workload.PodSpec works it out. Its old field need not be looked at: whoever fills it in
// alone, the API server has copied it to the new one before it asks a policy, in templates too.
func (p place) account(object string) string {
	return "[" + p.spec(object) + ".?serviceAccountName.orValue(''), dyn('default')].filter(n, n != '')[0]"
}

// asks and asksAnew are the match conditions of config/webhook/manifests.yaml, and a test says so.
func (p place) asks(audience string) string {
	return p.annotation("object") + ".hasValue() || " + p.mounts("object", audience)
}

func (p place) asksAnew() string {
	differ := func(field func(object string) string) string { return field("object") + " != " + field("oldObject") }
	specField := func(name string) func(string) string {
		return func(object string) string { return p.spec(object) + ".?" + name }
	}
	return "oldObject == null || " + differ(p.annotation) + " || " + differ(specField("serviceAccountName")) + " || " + differ(specField("volumes"))
}

// same says whether the object asks for what it asked for before, as workload.Ask does.
func (p place) same(audience string) string {
	return "oldObject != null && variables.annotation == " + p.annotation("oldObject") +
		" && variables.account == " + p.account("oldObject") +
		" && " + p.mounts("object", audience) + " == (" + p.mounts("oldObject", audience) + ")"
}

// The annotation as workload.ParseScopes reads it, in two expressions that each look at all of it: one for the lengths of
// audience and scope, one for everything else. Together they cost a hundred thousand for the longest annotation, of a
// million that may be spent.
const (
	character = `[!$-\[\]-~]` // of RFC 6749 section 3.3, but '#'
	space     = `[ \t\r\n]`
	// A segment of a scope, which is not '*' alone.
	segment = `(?:[!$-)+-9;-\[\]-~][!$-9;-\[\]-~]*|\*[!$-9;-\[\]-~]+)`
	scope   = `(?:` + segment + `(?::` + segment + `?)*|(?::` + segment + `?)+)`

	wellFormed = `^` + space + `*(?:(?:` + character + `+#)?` + scope + `(?:` + space + `+|$))+$`
	shortParts = `^` + space + `*(?:(?:` + character + `{1,512}#)?` + character + `{1,128}(?:` + space + `+|$))+$`

	longest = 16384
)

// readable counts characters where ParseScopes counts bytes: where all are ASCII, and others are not readable, they are as
// many.
var readable = fmt.Sprintf("!variables.annotation.hasValue() || variables.same || "+
	`size(variables.scopes) <= %d && variables.scopes.matches(r'%s') && variables.scopes.matches(r'%s')`, longest, shortParts, wellFormed)

const (
	scopes   = `variables.annotation.orValue('')`
	elements = `variables.scopes.replace('\t', ' ').replace('\n', ' ').replace('\r', ' ').split(' ')`
	// A map, so that each element is looked up at the same small cost.
	permitted = `params.?data[?variables.account].orValue('').split('\n').transformMapEntry(i, e, {e: true})`

	delegated = `variables.same || params.?data[?variables.account].hasValue()`
	within    = `variables.same || variables.elements.all(e, e == '' || e in variables.permitted)`
)

var bounded = `variables.same || params.?data[?` + quoted(namespacesKey) + `].orValue('').contains('\n' + request.namespace + '\n')`

// quoted is a CEL string literal: CEL knows all escapes that Go writes.
func quoted(s string) string { return strconv.Quote(s) }
