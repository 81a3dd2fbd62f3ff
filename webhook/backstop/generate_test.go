// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
)

// What worlds and asks are made of.
var (
	accounts  = []string{"default", "portal", "relay", "nobody"}
	audiences = []string{tickets, ledger, "a", "aud:*:x", "*", strings.Repeat("a", 512)}
	names     = []string{
		"read", "write", "tickets:read", "tickets:comment", "read*", "*read", ":", "a::b", "!$[]~", "it's", strings.Repeat("s", 128), "a:*b:c",
	}
	// gaps are what somebody might take for white space, and strange, for a letter or a way out.
	gaps    = []string{"\v", "\f", "\u0085", "\u00a0", "\u2028", "\u3000", "\u200b", `\n`, ","}
	strange = []string{"\x00", "\x7f", "\ufeff", "\ufffd", "\U0001f600", "é", "\u0435", `"`, `\`, "#", "##", "*", ":*", "*:"}
	blanks  = []string{" ", "\t", "\n", "\r\n", "\r", "  ", " \t\n "}
	kinds   = []string{"Pod", "Pod", "Pod", "Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController", "Job", "CronJob", "PodTemplate"}
)

// chance makes what is compared. The same seed makes the same.
type chance struct{ *rand.Rand }

func newChance(seed uint64) chance { return chance{rand.New(rand.NewPCG(seed, seed))} }

func one[T any](c chance, of []T) T { return of[c.IntN(len(of))] }

// delegations of a namespace: every service account has some, but "nobody".
func (c chance) delegations(namespace string) []*v1alpha1.ServiceDelegation {
	var all []*v1alpha1.ServiceDelegation
	for _, account := range accounts[:len(accounts)-1] {
		for i := range 1 + c.IntN(3) {
			d := &v1alpha1.ServiceDelegation{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("%s-%d", account, i)}}
			d.Spec.ServiceAccountName = v1alpha1.ServiceAccountName(account)
			for range c.IntN(4) { // none where all is onward
				declared := v1alpha1.AudienceScopes{Audience: v1alpha1.Audience(one(c, audiences))}
				for range 1 + c.IntN(5) {
					declared.Scopes = append(declared.Scopes, v1alpha1.ScopeName(c.name()))
				}
				d.Spec.Audiences = append(d.Spec.Audiences, declared)
			}
			all = append(all, d)
		}
	}
	return all
}

// ask is what an object asks for, as whoever writes it does.
type ask struct {
	kind                 string
	account, oldAccount  string
	annotated, mounts    bool
	scopes, mountsBeside string
}

func (c chance) ask(permitted map[string][]string) ask {
	a := ask{kind: one(c, kinds), annotated: c.IntN(6) > 0, mounts: c.IntN(3) == 0}
	a.account, a.oldAccount = c.spelling(one(c, accounts))
	a.mountsBeside = one(c, []string{"", "sts.amazonaws.com", "behalf-exchange2", "Behalf-exchange"})
	if a.annotated {
		a.scopes = c.annotation(permitted[effective(a)])
	}
	return a
}

// spelling of a service account: by its name, by the old field, by both, or by none for the default one.
func (c chance) spelling(account string) (name, old string) {
	switch c.IntN(4) {
	case 0:
		return "", account
	case 1:
		return account, account
	case 2:
		if account == "default" {
			return "", ""
		}
		return account, one(c, accounts)
	default:
		return account, ""
	}
}

// effective is only for making asks that are likely to be granted.
func effective(a ask) string {
	for _, name := range []string{a.account, a.oldAccount} {
		if name != "" {
			return name
		}
	}
	return "default"
}

// annotation is mostly made of what is permitted, so that what is wrong with it is one thing.
func (c chance) annotation(permitted []string) string {
	elements := c.elements(permitted)
	switch c.IntN(10) {
	case 0: // something strange somewhere
		text := c.joined(elements)
		at := c.IntN(len(text) + 1)
		return text[:at] + one(c, strange) + text[at:]
	case 1: // or in place of white space
		return strings.Join(elements, one(c, gaps))
	case 2:
		return c.extreme(one(c, elements))
	case 3: // one element that is not declared
		return c.joined(append(elements, c.element()))
	case 4, 5: // one without its audience, which may be ambiguous
		element := one(c, elements)
		return c.joined(append(elements, element[strings.Index(element, "#")+1:]))
	default:
		return c.joined(elements)
	}
}

func (c chance) elements(permitted []string) []string {
	var elements []string
	for range 1 + c.IntN(5) {
		if len(permitted) > 0 && c.IntN(12) > 0 {
			elements = append(elements, one(c, permitted))
		} else {
			elements = append(elements, c.element())
		}
	}
	return elements
}

func (c chance) element() string {
	if c.IntN(2) == 0 {
		return c.name()
	}
	return one(c, audiences) + "#" + c.name()
}

// name is often one of a few, so that several audiences have it.
func (c chance) name() string {
	if c.IntN(2) == 0 {
		return one(c, names[:3])
	}
	return one(c, names)
}

func (c chance) joined(elements []string) string {
	var b strings.Builder
	if c.IntN(4) == 0 {
		b.WriteString(one(c, blanks))
	}
	for i, element := range elements {
		if i > 0 {
			b.WriteString(one(c, blanks))
		}
		b.WriteString(element)
	}
	if c.IntN(4) == 0 {
		b.WriteString(one(c, blanks))
	}
	return b.String()
}

// extreme is an annotation at the edge of what may be, on one side of it or the other; some are made of an element.
func (c chance) extreme(element string) string {
	near := func(edge int) int { return edge - 1 + c.IntN(3) }
	return one(c, []func() string{
		func() string { return "" },
		func() string { return strings.Repeat(one(c, blanks), 1+c.IntN(3)) },
		func() string { return strings.Repeat("s", near(128)) },
		func() string { return strings.Repeat("a", near(512)) + "#read" },
		func() string { return "a#" + strings.Repeat("s", near(128)) },
		func() string { return strings.Repeat(" ", near(16384)-len(element)) + element },
		func() string { return element + strings.Repeat("\n", near(16384)-len(element)) },
		func() string {
			return strings.Repeat(element+" ", 16384/(len(element)+1)) + strings.Repeat("é", c.IntN(2))
		},
		func() string { return strings.Repeat("s ", near(8192)) },
		func() string {
			return one(c, []string{"*", "a:*", "*:a", "a:*:b", "a#*", "a#b:*", "#", "a#", "#a", "a#b#c", "tickets:*"})
		},
	})()
}

// object is the JSON of an object of a kind that asks.
func (a ask) object(namespace, name string) map[string]any {
	spec := map[string]any{"containers": []any{map[string]any{"name": "main", "image": "x"}}}
	for field, value := range map[string]string{"serviceAccountName": a.account, "serviceAccount": a.oldAccount} {
		if value != "" {
			spec[field] = value
		}
	}
	if a.kind == "Job" || a.kind == "CronJob" {
		spec["restartPolicy"] = "Never"
	}
	var volumes []any
	for i, audience := range a.audiences() {
		volumes = append(volumes, map[string]any{"name": fmt.Sprintf("token-%d", i), "projected": map[string]any{"sources": []any{
			map[string]any{"serviceAccountToken": map[string]any{"path": "token", "audience": audience}},
		}}})
	}
	if len(volumes) > 0 {
		spec["volumes"] = volumes
	}
	metadata := map[string]any{"labels": map[string]any{"app": "x"}}
	if a.annotated {
		metadata["annotations"] = map[string]any{"behalf.dev/scopes": a.scopes}
	}
	return wrap(a.kind, namespace, name, map[string]any{"metadata": metadata, "spec": spec})
}

func (a ask) audiences() []string {
	audiences := []string{}
	if a.mountsBeside != "" {
		audiences = append(audiences, a.mountsBeside)
	}
	if a.mounts {
		audiences = append(audiences, exchange)
	}
	return audiences
}

// wrap puts a template into an object of a kind.
func wrap(kind, namespace, name string, template map[string]any) map[string]any {
	selector := map[string]any{"matchLabels": map[string]any{"app": "x"}}
	o := map[string]any{"kind": kind, "apiVersion": "apps/v1", "metadata": map[string]any{"namespace": namespace, "name": name}}
	switch kind {
	case "Pod":
		o["apiVersion"], o["spec"] = "v1", template["spec"]
		if metadata, ok := template["metadata"].(map[string]any); ok {
			metadata["namespace"], metadata["name"] = namespace, name
			o["metadata"] = metadata
		}
	case "PodTemplate":
		o["apiVersion"], o["template"] = "v1", template
	case "ReplicationController":
		o["apiVersion"], o["spec"] = "v1", map[string]any{"selector": map[string]any{"app": "x"}, "template": template}
	case "Job":
		o["apiVersion"], o["spec"] = "batch/v1", map[string]any{"suspend": true, "template": template}
	case "CronJob":
		o["apiVersion"] = "batch/v1"
		o["spec"] = map[string]any{"schedule": "0 0 1 1 *", "jobTemplate": map[string]any{"spec": map[string]any{"template": template}}}
	default:
		o["spec"] = map[string]any{"selector": selector, "template": template}
	}
	return o
}

// mutableKinds let their template be changed.
var mutableKinds = slices.Compact(slices.DeleteFunc(slices.Clone(kinds), func(kind string) bool { return kind == "Job" || kind == "Pod" }))
