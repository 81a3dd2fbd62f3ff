// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/test/bench/measure"
	"behalf.dev/behalf/test/estate"
	"behalf.dev/behalf/test/report"
)

// The sizes between which the cost of one change is compared.
var (
	smaller = estate.Size{ResourceServers: 10, Actors: 1000, Delegations: 1000, Conditions: 100, Groups: 6}
	larger  = estate.Of(10_000, 100)
)

// change is one of one object, and back, in turns.
type change struct {
	name string
	// over gives what makes the change and compiles what it touches.
	over func(w compile.World) func(i int)
}

// changes that are made. The object stands in the middle, so that neither end is favoured.
var changes = []change{
	changing("one ServiceDelegation", func(w *compile.World) *v1alpha1.ServiceDelegation { return middle(w.ServiceDelegations) },
		func(d *v1alpha1.ServiceDelegation) { d.Spec.Audiences[0].Scopes = d.Spec.Audiences[0].Scopes[1:] }),
	changing("one DelegationPolicy", func(w *compile.World) *v1alpha1.DelegationPolicy { return middle(w.Policies) },
		func(p *v1alpha1.DelegationPolicy) { p.Spec.Subjects[0].Groups = p.Spec.Subjects[0].Groups[1:] }),
	changing("one ResourceServer", func(w *compile.World) *v1alpha1.ResourceServer { return middle(w.ResourceServers) },
		func(rs *v1alpha1.ResourceServer) {
			subjects := &rs.Spec.Scopes[0].Entitlements[0].Subjects
			subjects.Groups = subjects.Groups[1:]
		}),
	changing("one DelegationRevocation", func(w *compile.World) *v1alpha1.DelegationRevocation { return middle(w.Revocations) },
		func(r *v1alpha1.DelegationRevocation) { r.Spec.IssuedBefore = new(metav1.NewTime(estate.Now)) }),
}

func middle[T any](list []T) *T { return &list[len(list)/2] }

// changing takes an object to another form and back.
func changing[T compile.Reported, P interface {
	*T
	DeepCopy() *T
}](name string, pick func(*compile.World) *T, another func(*T)) change {
	return change{name, func(w compile.World) func(i int) {
		c := compiled(w)
		forms := [2]*T{P(pick(&w)).DeepCopy(), pick(&w)}
		another(forms[0])
		return func(i int) {
			compile.Put(c, forms[i%2])
			c.Compile()
		}
	}}
}

// compiled is a Compiler that has compiled all that an estate has.
func compiled(w compile.World) *compile.Compiler {
	c := compile.NewCompiler()
	putAll(c, w.ResourceServers)
	putAll(c, w.Policies)
	putAll(c, w.ServiceDelegations)
	putAll(c, w.Issuers)
	putAll(c, w.Revocations)
	putAll(c, w.Namespaces)
	for name, jwks := range w.IssuerKeys {
		c.PutIssuerKeys(name, jwks)
	}
	c.PutCluster(w.Cluster)
	c.Compile()
	return c
}

func putAll[T compile.Object](c *compile.Compiler, objects []T) {
	for i := range objects {
		compile.Put(c, &objects[i])
	}
}

// compiling measures whole worlds and single changes at both sizes.
func compiling(_ context.Context, r *report.Report, p plans) error {
	r.Heading("Compiling")
	worlds := [2]compile.World{estate.New(smaller).World(), estate.New(larger).World()}
	cases := []measure.Case{
		{Do: func(int) { compile.Compile(worlds[0]) }},
		{Do: func(int) { compile.Compile(worlds[1]) }},
	}
	names := []string{"the whole world"}
	for _, c := range changes {
		names = append(names, c.name)
		cases = append(cases, measure.Case{Do: c.over(worlds[0])}, measure.Case{Do: c.over(worlds[1])})
	}
	results := p.coarse.Run(cases)
	var rows [][]string
	for i, name := range names {
		at1000, at10000 := results[2*i], results[2*i+1]
		rows = append(rows, []string{name, report.Took(at1000.CPU), report.Took(at10000.CPU), report.Ratio(float64(at10000.CPU), float64(at1000.CPU))})
		if i > 0 {
			r.AtMost("compile after a change of "+name+", 10,000 delegations over 1,000", 3, float64(at10000.CPU)/float64(at1000.CPU), "×")
		}
	}
	r.Table([]string{"compiled", "1,000 delegations, 10 resource servers", "10,000 delegations, 100 resource servers", "ratio"}, rows)
	return nil
}
