// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/internal/bundle"
)

// Compile gives the bundles of a World, and what is wrong with it.
func Compile(w World) *Result {
	c := NewCompiler()
	c.around.keyless = w.Keyless
	putAll(c, w.ResourceServers)
	putAll(c, w.Policies)
	putAll(c, w.ServiceDelegations)
	putAll(c, w.Issuers)
	putAll(c, w.Grants)
	putAll(c, w.Revocations)
	putAll(c, w.Namespaces)
	putAll(c, w.ServiceAccounts)
	for name, jwks := range w.IssuerKeys {
		c.PutIssuerKeys(name, jwks)
	}
	c.PutCluster(w.Cluster)
	for name, rs := range w.LastAccepted {
		c.PutLastAccepted(name, &rs)
	}
	c.Compile()
	return c.Result()
}

func putAll[T Object](c *Compiler, objects []T) {
	for i := range objects {
		Put(c, &objects[i])
	}
}

// Result is all that was compiled last, at the cost of all of it.
func (c *Compiler) Result() *Result {
	r := &Result{
		Policies: map[types.NamespacedName]*bundle.Policy{}, Trust: c.trust, Revocations: c.Revocations(),
		Problems: slices.Clone(c.clusterProblems), Reports: make(map[Key]Report, len(c.objects)),
	}
	for key, o := range c.objects {
		if !o.reported {
			continue
		}
		r.Reports[key] = o.report
		r.Problems = append(r.Problems, o.problems...)
		if o.bundle != nil {
			r.Policies[types.NamespacedName{Namespace: key.Namespace, Name: key.Name}] = o.bundle
		}
	}
	slices.SortFunc(r.Problems, compareProblems)
	return r
}

// Report is what was compiled last of an object; false for one that is not there.
func (c *Compiler) Report(key Key) (Report, bool) {
	r := c.objects[key]
	if r == nil || !r.reported {
		return Report{}, false
	}
	return r.report, true
}
