// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/engine"
	"behalf.dev/behalf/internal/token"
	"behalf.dev/behalf/test/bench/measure"
	"behalf.dev/behalf/test/estate"
	"behalf.dev/behalf/test/report"
)

// loading measures what an authorizer holds, and how soon it is ready.
func loading(ctx context.Context, r *report.Report, p plans) error {
	if err := memory(r); err != nil {
		return err
	}
	return ready(ctx, r, p)
}

// held are the estates of whose weight is spoken.
var held = []struct {
	name string
	size estate.Size
}{
	{"100 resource servers, no conditions", estate.Of(10_000, 0)},
	{"100 resource servers, 10 conditions", estate.Of(10_000, 10)},
	{"100 resource servers, 1,000 conditions", estate.Of(10_000, 1000)},
	{"1 resource server, no conditions", alone(0)},
	{"1 resource server, 10 conditions", alone(10)},
	{"1 resource server, 1,000 conditions", alone(1000)},
}

func alone(conditions int) estate.Size {
	size := estate.Of(10_000, conditions)
	size.ResourceServers = 1
	return size
}

// What the heap may weigh: for ten thousand delegations, and for each distinct condition.
const (
	allowedBytes     = 10e6
	allowedCondition = 6e3
)

func memory(r *report.Report) error {
	r.Heading("Memory of an authorizer with 10,000 delegations and as many Permits")
	// What is made once for the first condition of all is the program's own weight.
	if _, _, err := weigh(estate.Of(100, 10)); err != nil {
		return err
	}
	var rows [][]string
	for _, h := range held {
		heap, sent, err := weigh(h.size)
		if err != nil {
			return err
		}
		bound := allowedBytes + allowedCondition*float64(h.size.Conditions)
		rows = append(rows, []string{h.name, report.Bytes(sent), report.Bytes(heap), report.Bytes(int64(bound))})
		r.AtMost("memory of 10,000 delegations, "+h.name, bound/1e6, float64(heap)/1e6, "MB")
	}
	r.Table([]string{"estate", "signed content", "heap of the store", "bound"}, rows)
	return nil
}

// weigh gives the heap that a store of the estate keeps, and how many bytes it was made of.
func weigh(size estate.Size) (heap, sent int64, err error) {
	all, err := made(estate.New(size).World())
	if err != nil {
		return 0, 0, err
	}
	heap = measure.Heap(func() any {
		store, failure := all.store()
		err = failure
		return store
	})
	return heap, all.bytes(), err
}

// ready measures from signed bytes to the first decision, beside the steps that cannot be left out.
func ready(_ context.Context, r *report.Report, p plans) error {
	r.Heading("From signed bytes to ready")
	var rows [][]string
	for _, l := range []struct {
		name string
		size estate.Size
	}{
		{"one bundle of 100 delegations, no conditions", estate.Of(100, 0)},
		{"one bundle of 100 delegations, 100 conditions", estate.Of(100, 100)},
		{"100 bundles, 10,000 delegations, no conditions", estate.Of(10_000, 0)},
		{"100 bundles, 10,000 delegations, 100 conditions", estate.Of(10_000, 100)},
		{"1 bundle, 10,000 delegations, 100 conditions", alone(100)},
	} {
		results, err := readyAt(l.size, p.coarse)
		if err != nil {
			return err
		}
		parse, decode, index, whole := results[0], results[1], results[2], results[3]
		figure := float64(whole.CPU) / float64(decode.CPU+index.CPU)
		rows = append(rows, []string{
			l.name, report.Took(parse.CPU), report.Took(decode.CPU), report.Took(index.CPU), report.Took(whole.CPU), report.Took(whole.Wall), report.Ratio(figure, 1),
		})
		r.AtMost("ready over decode and index, "+l.name, 3, figure, "×")
	}
	r.Table([]string{"estate", "JSON alone", "decode", "index", "ready", "ready, by the clock", "ready / (decode + index)"}, rows)
	return nil
}

func readyAt(size estate.Size, plan measure.Plan) ([]measure.Result, error) {
	all, err := made(estate.New(size).World())
	if err != nil {
		return nil, err
	}
	parts, err := all.decoded()
	if err != nil {
		return nil, err
	}
	var failed error
	fail := func(err error) {
		if err != nil {
			failed = err
		}
	}
	results := plan.Run([]measure.Case{
		{Name: "JSON", Do: func(int) { fail(all.parse()) }},
		{Name: "decode", Do: func(int) { _, err := all.decoded(); fail(err) }},
		{Name: "index", Do: func(int) { fail(parts.index()) }},
		{Name: "ready", Do: func(int) { _, err := all.store(); fail(err) }},
	})
	return results, failed
}

// contents are decoded bundles.
type contents struct {
	policies    []*bundle.Policy
	statements  []bundle.Statement
	trust       *bundle.Trust
	revocations *bundle.Revocations
}

// decoded reads every content, and checks that it is canonical.
func (a artifacts) decoded() (c contents, err error) {
	for i := range a {
		raw := a[i].Artifact.Content
		switch a[i].Kind {
		case bundle.KindTrust:
			c.trust, err = bundle.Decode[bundle.Trust](raw)
		case bundle.KindRevocations:
			c.revocations, err = bundle.Decode[bundle.Revocations](raw)
		case bundle.KindPolicy:
			var policy *bundle.Policy
			policy, err = bundle.Decode[bundle.Policy](raw)
			c.policies = append(c.policies, policy)
			c.statements = append(c.statements, bundle.Statement{Kind: a[i].Kind, Name: a[i].Name, Revision: 1, LeaseUntil: estate.LeaseEnd.Unix()})
		}
		if err != nil {
			return contents{}, fmt.Errorf("decoding %s: %w", a[i].Name, err)
		}
	}
	return c, nil
}

// index makes everything ready to decide with.
func (c contents) index() error {
	policies := make([]*engine.Policy, len(c.policies))
	for i, p := range c.policies {
		loaded, err := engine.LoadPolicy(p, c.statements[i])
		if err != nil {
			return err
		}
		policies[i] = loaded
	}
	trust, err := token.NewTrust(c.trust, bundle.Statement{Kind: bundle.KindTrust, LeaseUntil: estate.LeaseEnd.Unix()})
	if err != nil {
		return err
	}
	revocations, err := engine.LoadRevocations(c.revocations, bundle.Statement{Kind: bundle.KindRevocations, LeaseUntil: estate.LeaseEnd.Unix()})
	if err != nil {
		return err
	}
	_, err = engine.NewSnapshot(policies, trust, revocations)
	return err
}

// parse is what encoding/json alone takes.
func (a artifacts) parse() error {
	for i := range a {
		into := map[bundle.Kind]any{bundle.KindPolicy: new(bundle.Policy), bundle.KindTrust: new(bundle.Trust), bundle.KindRevocations: new(bundle.Revocations)}
		if err := json.Unmarshal(a[i].Artifact.Content, into[a[i].Kind]); err != nil {
			return err
		}
	}
	return nil
}
