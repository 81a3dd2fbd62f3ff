// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package opa gives the rules of an estate to OPA's Go library.
package opa

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/test/bench/rules"
	"behalf.dev/behalf/test/estate"
)

//go:embed behalf.rego
var module string

// Engine is a prepared query over the rules.
type Engine struct {
	query rego.PreparedEvalQuery
	// Nothing changes while it is asked: all queries share one transaction, and one way to be cancelled, which spares each of
	// them a goroutine of its own.
	transaction storage.Transaction
	cancel      topdown.Cancel
}

// New prepares the query.
func New(ctx context.Context, r *rules.Rules, lease time.Time) (*Engine, error) {
	store := inmem.NewFromObjectWithOpts(document(r, lease), inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true))
	query, err := rego.New(rego.Query("data.behalf.allow"), rego.Module("behalf.rego", module), rego.Store(store)).PrepareForEval(ctx)
	if err != nil {
		return nil, fmt.Errorf("preparing the query: %w", err)
	}
	transaction, err := store.NewTransaction(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening the transaction: %w", err)
	}
	return &Engine{query, transaction, topdown.NewCancel()}, nil
}

// Request is one that is ready to be asked.
type Request ast.Value

// Allows asks.
func (e *Engine) Allows(ctx context.Context, r Request) (bool, error) {
	results, err := e.query.Eval(ctx, rego.EvalParsedInput(r),
		rego.EvalTransaction(e.transaction), rego.EvalExternalCancel(e.cancel), rego.EvalMetrics(metrics.NoOp()))
	if err != nil {
		return false, fmt.Errorf("evaluating: %w", err)
	}
	return results.Allowed(), nil
}

// Prepare makes a request ready: parsed, with every key spelt by which rules are found.
func Prepare(r *authz.Request, now time.Time) Request {
	chain := make([]string, 0, len(r.Via)+1)
	for _, a := range r.Via {
		chain = append(chain, a.String())
	}
	chain = append(chain, r.Actor.String())
	steps := []any{}
	for i := range r.Via {
		steps = append(steps, map[string]any{"from": chain[i], "to": chain[i+1]})
	}
	return ast.MustInterfaceToValue(map[string]any{
		"now": now.Unix(),
		"subject": map[string]any{
			"id": r.Subject.ID, "groups": groups(r.Subject.Issuer, r.Subject.Groups), "auth_time": r.Subject.AuthTime.Unix(),
		},
		"actor": r.Actor.String(), "chain": chain, "depth": len(chain), "steps": steps,
		"audience": r.Audience, "scope": r.Scope,
		"token": map[string]any{
			"scopes": r.Token.Scopes, "issued_at": r.Token.IssuedAt.Unix(), "expires_at": r.Token.ExpiresAt.Unix(),
		},
		"resource":  map[string]any{"type": r.Resource.Type, "id": r.Resource.ID, "properties": object(r.Resource.Properties)},
		"context":   object(r.Context),
		"revocable": set(revocable(r, chain)),
	})
}

// revocable are all that a revocation can speak of, as keys.
func revocable(r *authz.Request, chain []string) []string {
	targets := []string{
		target("subject", r.Subject.Issuer, r.Subject.ID), target("session", r.Subject.Issuer, r.Subject.Session),
		target("token", r.Token.ID), target("transaction", r.Token.Transaction),
	}
	for i, actor := range chain {
		targets = append(targets, target("actor", actor))
		if i > 0 {
			targets = append(targets, target("edge", chain[i-1], actor))
		}
	}
	return targets
}

func target(parts ...string) string { return strings.Join(parts, " ") }

func object(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// set is one of OPA's own: to intersect two is one step.
func set(names []string) ast.Value {
	all := ast.NewSet()
	for _, name := range names {
		all.Add(ast.InternedTerm(name))
	}
	return all
}

// groups are those of one issuer.
func groups(issuer string, names []string) ast.Value {
	all := make([]string, len(names))
	for i := range names {
		all[i] = target(issuer, names[i])
	}
	return set(all)
}

// document is the rules by what a request has.
func document(r *rules.Rules, lease time.Time) map[string]any {
	uses, edges, holders := branch{}, branch{}, branch{}
	comes := map[string][]string{}
	for _, api := range r.APIs {
		comes[api.Audience] = api.Namespaces
		for _, scope := range api.Scopes {
			holders.at(api.Audience)[scope.Name] = groups(estate.Issuer, scope.Groups)
		}
	}
	for i := range r.Declarations {
		d := &r.Declarations[i]
		for _, scope := range d.Scopes {
			if slices.Contains(comes[d.Audience], d.Actor.Namespace) {
				uses.at(d.Audience, d.Actor.String(), scope)
			}
		}
		for _, scope := range d.PassedOn {
			edges.at(d.Audience, d.Actor.String(), d.Next.String())[scope] = true
		}
	}
	for i := range r.Permits {
		p := &r.Permits[i]
		for _, scope := range p.Scopes {
			if use := uses.find(p.Audience, p.Actor.String(), scope); use != nil {
				use.add("permits", permit(p))
			}
		}
	}
	forbid(uses, r)
	before, keys := revocations(r.Revocations)
	return map[string]any{
		"lease": lease.Unix(), "uses": map[string]any(uses), "edges": map[string]any(edges),
		"holders": map[string]any(holders), "revocations": before, "revoked": set(keys),
	}
}

func permit(p *rules.Permit) map[string]any {
	entry := map[string]any{
		"groups": groups(estate.Issuer, p.Groups), "form": "none", "value": "", "max_depth": p.MaxDepth,
		"max_token_lifetime": p.MaxTokenLifetime, "max_subject_age": p.MaxSubjectAge,
	}
	if p.Condition != nil {
		entry["form"], entry["value"] = forms[p.Condition.Form], p.Condition.Value
		if p.Condition.Form == estate.Recent {
			entry["value"] = p.Condition.Seconds()
		}
	}
	return entry
}

var forms = map[estate.Form]string{estate.Owner: "owner", estate.Purpose: "purpose", estate.Region: "region", estate.Recent: "recent"}

// forbid notes the Forbids with every use that they are about.
func forbid(uses branch, r *rules.Rules) {
	for i := range r.Forbids {
		f := &r.Forbids[i]
		for actor := range uses.at(f.Audience) {
			namespace, _, _ := strings.Cut(actor, "/")
			for _, scope := range f.Scopes {
				if use := uses.find(f.Audience, actor, scope); use != nil && slices.Contains(f.Namespaces, namespace) {
					use.add("forbids", groups(estate.Issuer, f.Groups))
				}
			}
		}
	}
}

// branch is an object in the making.
type branch map[string]any

// at gives the object at a path, making what is missing.
func (b branch) at(path ...string) branch {
	for _, name := range path {
		next, ok := b[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			b[name] = next
		}
		b = next
	}
	return b
}

// find gives the object at a path, nil where there is none.
func (b branch) find(path ...string) branch {
	for _, name := range path {
		b, _ = b[name].(map[string]any)
	}
	return b
}

func (b branch) add(name string, element any) {
	held, _ := b[name].([]any)
	b[name] = append(held, element)
}

// never is a time after all others, in seconds.
const never = 1 << 52

func revocations(list []rules.Revocation) (before map[string]any, keys []string) {
	before = map[string]any{}
	for i := range list {
		key := revoked(&list[i])
		keys, before[key] = append(keys, key), cmp.Or(list[i].Before, never)
	}
	return before, keys
}

func revoked(r *rules.Revocation) string {
	switch {
	case r.Subject != "":
		return target("subject", estate.Issuer, r.Subject)
	case r.Session != "":
		return target("session", estate.Issuer, r.Session)
	case r.Transaction != "":
		return target("transaction", r.Transaction)
	case r.Token != "":
		return target("token", r.Token)
	case r.Actor.Present():
		return target("actor", r.Actor.String())
	default:
		return target("edge", r.From.String(), r.To.String())
	}
}
