// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cedar gives the rules of an estate to cedar-go: as entities that three policies read, or as one policy each.
package cedar

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/test/bench/rules"
	"behalf.dev/behalf/test/estate"
)

// The policies, in parts: the one that reads rules from entities, what stands beside policies that are rules, and what
// denies in both.
var (
	//go:embed entities.cedar
	byEntities []byte
	//go:embed each.cedar
	besideEach []byte
	//go:embed forbids.cedar
	forbids []byte
)

// The types of entities.
const (
	use       = cedar.EntityType("Use")
	edge      = cedar.EntityType("Edge")
	person    = cedar.EntityType("Subject")
	revocable = cedar.EntityType("Revocable")
	bundle    = cedar.EntityType("Bundle")
	action    = cedar.EntityType("Action")
)

// Engine is a set of policies with the entities that they read.
type Engine struct {
	policies *cedar.PolicySet
	entities cedar.EntityMap
}

// New puts the rules into entities.
func New(r *rules.Rules, lease time.Time) (*Engine, error) {
	return newEngine(r, lease, byEntities)
}

func newEngine(r *rules.Rules, lease time.Time, policies []byte) (*Engine, error) {
	set, err := cedar.NewPolicySetFromBytes("estate.cedar", slices.Concat(policies, forbids))
	if err != nil {
		return nil, fmt.Errorf("reading the policies: %w", err)
	}
	e := &Engine{policies: set, entities: cedar.EntityMap{}}
	if err := e.addUses(r); err != nil {
		return nil, err
	}
	for i := range r.Declarations {
		d := &r.Declarations[i]
		for _, scope := range d.PassedOn {
			e.add(edge, name(d.Audience, d.Actor.String(), d.Next.String(), scope), cedar.RecordMap{"declared": cedar.True})
		}
	}
	names := make([]cedar.Value, len(r.Revocations))
	for i := range r.Revocations {
		names[i] = target(&r.Revocations[i])
		e.add(revocable, target(&r.Revocations[i]), cedar.RecordMap{"before": cedar.Long(cmp.Or(r.Revocations[i].Before, never))})
	}
	e.add(bundle, "current", cedar.RecordMap{"lease": seconds(lease), "revoked": cedar.NewSet(names...)})
	return e, nil
}

// never is a time after all others, in seconds.
const never = 1 << 52

func (e *Engine) add(kind cedar.EntityType, id cedar.String, attributes cedar.RecordMap) {
	uid := cedar.NewEntityUID(kind, id)
	e.entities[uid] = cedar.Entity{UID: uid, Attributes: cedar.NewRecord(attributes)}
}

func name(parts ...string) cedar.String { return cedar.String(strings.Join(parts, " ")) }

func seconds(t time.Time) cedar.Long { return cedar.Long(t.Unix()) }

func target(r *rules.Revocation) cedar.String {
	switch {
	case r.Subject != "":
		return name("subject", estate.Issuer, r.Subject)
	case r.Session != "":
		return name("session", estate.Issuer, r.Session)
	case r.Transaction != "":
		return name("transaction", r.Transaction)
	case r.Token != "":
		return name("token", r.Token)
	case r.Actor.Present():
		return name("actor", r.Actor.String())
	default:
		return name("edge", r.From.String(), r.To.String())
	}
}

// addUses makes an entity of every use that is declared and whose actor may come, with all that is asked of it.
func (e *Engine) addUses(r *rules.Rules) error {
	uses := map[cedar.String]cedar.RecordMap{}
	for i := range r.Declarations {
		d := &r.Declarations[i]
		for _, scope := range d.Scopes {
			if slices.Contains(r.API(d.Audience).Namespaces, d.Actor.Namespace) {
				uses[name(d.Audience, d.Actor.String(), scope)] = cedar.RecordMap{"holders": groups(r.API(d.Audience).Holders(scope))}
			}
		}
	}
	for i := range r.Permits {
		p := &r.Permits[i]
		if p.MaxDepth > maxDepth {
			return fmt.Errorf("a Permit of %s lets chains of %d come, and the policies know %d", p.Actor, p.MaxDepth, maxDepth)
		}
		for _, scope := range p.Scopes {
			attributes := uses[name(p.Audience, p.Actor.String(), scope)]
			if attributes["groups"] != nil {
				return fmt.Errorf("two Permits are about %s and %s of %s, and an entity has one", p.Actor, scope, p.Audience)
			}
			if attributes != nil {
				permit(attributes, p)
			}
		}
	}
	for i := range r.Forbids {
		forbid(uses, r, &r.Forbids[i])
	}
	for id, attributes := range uses {
		e.add(use, id, attributes)
	}
	return nil
}

// maxDepth is the longest chain that the policies can judge.
const maxDepth = 3

var forms = map[estate.Form]cedar.String{estate.Owner: "owner", estate.Purpose: "purpose", estate.Region: "region", estate.Recent: "recent"}

func permit(attributes cedar.RecordMap, p *rules.Permit) {
	attributes["groups"] = groups(p.Groups)
	attributes["maxDepth"] = cedar.Long(p.MaxDepth)
	attributes["maxTokenLifetime"] = cedar.Long(p.MaxTokenLifetime)
	attributes["maxSubjectAge"] = cedar.Long(p.MaxSubjectAge)
	attributes["form"], attributes["value"] = cedar.String("none"), cedar.String("")
	if p.Condition != nil {
		attributes["form"], attributes["value"] = forms[p.Condition.Form], cedar.String(p.Condition.Value)
		attributes["seconds"] = cedar.Long(p.Condition.Seconds())
	}
}

func forbid(uses map[cedar.String]cedar.RecordMap, r *rules.Rules, f *rules.Forbid) {
	for i := range r.Declarations {
		d := &r.Declarations[i]
		if d.Audience != f.Audience || !slices.Contains(f.Namespaces, d.Actor.Namespace) {
			continue
		}
		for _, scope := range f.Scopes {
			if attributes := uses[name(d.Audience, d.Actor.String(), scope)]; attributes != nil {
				attributes["forbidden"] = groups(f.Groups)
			}
		}
	}
}

// groups are texts with their issuer, which cost less to look up than entities do.
func groups(names []string) cedar.Set { return texts(qualified(estate.Issuer, names)) }

func qualified(issuer string, names []string) []string {
	all := make([]string, len(names))
	for i, group := range names {
		all[i] = issuer + " " + group
	}
	return all
}

func texts(names []string) cedar.Set {
	all := make([]cedar.Value, len(names))
	for i := range names {
		all[i] = cedar.String(names[i])
	}
	return cedar.NewSet(all...)
}

// Request is one that is ready to be asked.
type Request = cedar.Request

// Allows asks.
func (e *Engine) Allows(r Request) bool {
	decision, _ := cedar.Authorize(e.policies, e.entities, r)
	return decision == cedar.Allow
}

// Prepare makes a request ready: it spells the names of all entities that are asked about. What is known of the subject comes
// with the request, and is read from there with one step less than from an entity.
func Prepare(r *authz.Request, now time.Time) Request {
	context := cedar.RecordMap{
		"id": cedar.String(r.Subject.ID), "groups": texts(qualified(r.Subject.Issuer, r.Subject.Groups)),
		"now": seconds(now), "issuedAt": seconds(r.Token.IssuedAt), "expiresAt": seconds(r.Token.ExpiresAt),
		"tokenLifetime": cedar.Long(r.Token.ExpiresAt.Unix() - r.Token.IssuedAt.Unix()),
		"subjectAge":    cedar.Long(now.Unix() - r.Subject.AuthTime.Unix()),
		"tokenScopes":   texts(r.Token.Scopes),
		"use":           name(r.Audience, r.Actor.String()), "scope": cedar.String(r.Scope),
		"properties": record(r.Resource.Properties), "context": record(r.Context),
	}
	addChain(context, r)
	addRevocable(context, r)
	return Request{
		Principal: cedar.NewEntityUID(person, name(r.Subject.Issuer, r.Subject.ID)),
		Action:    cedar.NewEntityUID(action, "use"),
		Resource:  cedar.NewEntityUID(use, name(r.Audience, r.Actor.String(), r.Scope)),
		Context:   cedar.NewRecord(context),
	}
}

// addChain numbers prior actors and steps from the actor back.
func addChain(context cedar.RecordMap, r *authz.Request) {
	context["depth"] = cedar.Long(len(r.Via) + 1)
	to := r.Actor
	for i, from := range slices.Backward(r.Via) {
		n := cedar.String(strconv.Itoa(len(r.Via) - i))
		context["actor"+n] = cedar.NewEntityUID(revocable, name("actor", from.String()))
		context["edge"+n] = cedar.NewEntityUID(edge, name(r.Audience, from.String(), to.String(), r.Scope))
		context["step"+n] = cedar.NewEntityUID(revocable, name("edge", from.String(), to.String()))
		to = from
	}
}

// addRevocable names all that a revocation can speak of: each by itself, and all of them as a set of names.
func addRevocable(context cedar.RecordMap, r *authz.Request) {
	for key, id := range map[cedar.String]cedar.String{
		"subject": name("subject", r.Subject.Issuer, r.Subject.ID), "session": name("session", r.Subject.Issuer, r.Subject.Session),
		"token": name("token", r.Token.ID), "transaction": name("transaction", r.Token.Transaction), "actor": name("actor", r.Actor.String()),
	} {
		context[key] = cedar.NewEntityUID(revocable, id)
	}
	var names []cedar.Value
	for _, value := range context {
		if uid, ok := value.(cedar.EntityUID); ok && uid.Type == revocable {
			names = append(names, uid.ID)
		}
	}
	context["revocable"] = cedar.NewSet(names...)
}

// record takes the texts: no condition of an estate reads anything else.
func record(m map[string]any) cedar.Record {
	all := cedar.RecordMap{}
	for key, value := range m {
		if text, ok := value.(string); ok {
			all[cedar.String(key)] = cedar.String(text)
		}
	}
	return cedar.NewRecord(all)
}
