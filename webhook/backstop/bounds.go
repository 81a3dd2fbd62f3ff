// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/webhook/workload"
)

// BoundsConfigMap is the name of every ConfigMap that the policies read.
const BoundsConfigMap = "behalf-bounds"

// namespacesKey is where the list of namespaces stands.
const namespacesKey = "namespaces"

// What fits. mostBytes is below the 1 MiB that a ConfigMap may hold. mostElements is what an expression can make a map of
// within its cost limit (41 an element, of 1,000,000); beyond, it would err.
const (
	mostBytes    = 1_000_000
	mostElements = 20_000
)

// Bounds gives the ConfigMap with the bounds of a namespace; nil where there is no ServiceDelegation. Each service account is
// a key, and what its pods may ask for is one element a line. Service accounts that do not fit are left out, those that
// declare most first, and named: their pods are denied.
func Bounds(namespace string, delegations []*v1alpha1.ServiceDelegation) (bounds *corev1.ConfigMap, leftOut []string) {
	permitted := workload.Permitted(namespace, delegations)
	if len(permitted) == 0 {
		return nil, nil
	}
	data := make(map[string]string, len(permitted))
	var bytes int
	for _, e := range smallestFirst(permitted) {
		bytes += len(e.account) + len(e.lines)
		if e.elements > mostElements || bytes > mostBytes {
			leftOut = append(leftOut, e.account)
			continue
		}
		data[e.account] = e.lines
	}
	slices.Sort(leftOut)
	return configMap(namespace, data), leftOut
}

// entry is one service account of a ConfigMap.
type entry struct {
	account, lines string
	elements       int
}

func smallestFirst(permitted map[string][]string) []entry {
	entries := make([]entry, 0, len(permitted))
	for account, elements := range permitted {
		entries = append(entries, entry{account: account, lines: strings.Join(elements, "\n"), elements: len(elements)})
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(len(a.lines), len(b.lines)), cmp.Compare(a.account, b.account))
	})
	return entries
}

// Namespaces gives the ConfigMap, in Behalf's own namespace, that lists the namespaces which have bounds: one a line, with a
// line end before the first too, so that a whole name can be looked for. Those that do not fit are left out, from the end of
// the alphabet, and counted: what asks there is denied.
func Namespaces(own string, bounded []string) (list *corev1.ConfigMap, leftOut int) {
	bounded = slices.Clone(bounded)
	slices.Sort(bounded)
	var b strings.Builder
	b.WriteByte('\n')
	for i, namespace := range bounded {
		if b.Len()+len(namespace)+1 > mostBytes {
			leftOut = len(bounded) - i
			break
		}
		b.WriteString(namespace)
		b.WriteByte('\n')
	}
	return configMap(own, map[string]string{namespacesKey: b.String()}), leftOut
}

// Lists says whether a list has a namespace.
func Lists(list *corev1.ConfigMap, namespace string) bool {
	return strings.Contains(list.Data[namespacesKey], "\n"+namespace+"\n")
}

func configMap(namespace string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: BoundsConfigMap, Labels: labels()},
		Data:       data,
	}
}

func labels() map[string]string {
	return map[string]string{"app.kubernetes.io/name": "behalf", "app.kubernetes.io/component": "backstop"}
}

// Excluded are the namespaces in which nothing is judged: the system's and Behalf's own, as in config/webhook/manifests.yaml.
func Excluded(own string) []string { return []string{metav1.NamespaceSystem, own} }
