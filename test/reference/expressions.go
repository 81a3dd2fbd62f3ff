// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"slices"
	"strings"
	"time"

	"behalf.dev/behalf/internal/authz"
)

// Verdict is what a condition says of a request. The zero value is the one that never helps a Permit.
type Verdict uint8

// The verdicts.
const (
	Errs Verdict = iota
	Unmet
	Met
)

// Facts are what conditions read. A field that is absent is empty, and reading it errs.
type Facts struct {
	Subject  authz.Subject
	Actor    authz.Actor
	Chain    []authz.Actor
	Audience string
	Scope    string
	Resource authz.Resource
	Context  map[string]any
	Now      time.Time
}

// Expression is one condition of the vocabulary, with its meaning written out.
type Expression struct {
	Text string
	// Judge says what the expression means; nil where it is none, so that a type check refuses it.
	Judge func(Facts) Verdict
}

// Expressions is the vocabulary: every condition that the model understands.
func Expressions() []Expression {
	return slices.Concat(onContext, onSubject, onResource, onChain, onRequest, refused)
}

// judge looks an expression up. It errs where it reads what is too large to be looked at (ADR 0009).
func (f Facts) judge(text string) Verdict {
	for part, values := range map[string]map[string]any{
		"subject.claims": f.Subject.Claims, "resource.properties": f.Resource.Properties, "context.": f.Context,
	} {
		if strings.Contains(text, part) && tooLarge(values) {
			return Errs
		}
	}
	return meaningOf(text).Judge(f)
}

// maxText is the longest text that conditions are asked about, in bytes.
const maxText = 32 << 10

func tooLarge(values map[string]any) bool {
	for _, value := range values {
		if text, isText := value.(string); isText && len(text) > maxText {
			return true
		}
	}
	return false
}

func meaningOf(text string) Expression {
	for _, expression := range Expressions() {
		if expression.Text == text {
			return expression
		}
	}
	panic("the model has no meaning for the condition " + text)
}

func truth(met bool) Verdict {
	if met {
		return Met
	}
	return Unmet
}

// either is a logical or, in which an operand that errs does not matter where the other one is met.
func either(a, b Verdict) Verdict {
	switch {
	case a == Met || b == Met:
		return Met
	case a == Errs || b == Errs:
		return Errs
	default:
		return Unmet
	}
}

// read judges the value under a key, and errs where there is none.
func read(object map[string]any, key string, judge func(any) Verdict) Verdict {
	value, found := object[key]
	if !found {
		return Errs
	}
	return judge(value)
}

// text judges a text that is empty where it is absent.
func text(value string, judge func(string) Verdict) Verdict {
	if value == "" {
		return Errs
	}
	return judge(value)
}

func equals(want any) func(any) Verdict {
	return func(got any) Verdict { return truth(got == want) }
}

// compares judges a number, and errs on anything else.
func compares(judge func(float64) bool) func(any) Verdict {
	return func(value any) Verdict {
		number, isNumber := value.(float64)
		if !isNumber {
			return Errs
		}
		return truth(judge(number))
	}
}

// holds looks for a text in a list or among the keys of an object, and errs on anything else.
func holds(wanted string) func(any) Verdict {
	return func(value any) Verdict {
		switch in := value.(type) {
		case []any:
			return truth(slices.Contains(in, any(wanted)))
		case map[string]any:
			_, found := in[wanted]
			return truth(found)
		default:
			return Errs
		}
	}
}

var onContext = []Expression{
	{`context.purpose == 'support'`, func(f Facts) Verdict { return read(f.Context, "purpose", equals("support")) }},
	{`has(context.purpose) && context.purpose == 'support'`, func(f Facts) Verdict { return truth(f.Context["purpose"] == "support") }},
	{`has(context.purpose)`, func(f Facts) Verdict {
		_, found := f.Context["purpose"]
		return truth(found)
	}},
	{`context.flag == true`, func(f Facts) Verdict { return read(f.Context, "flag", equals(true)) }},
	{`!(context.flag == true)`, func(f Facts) Verdict {
		return read(f.Context, "flag", func(value any) Verdict { return truth(value != true) })
	}},
	{`context.amount > 100`, func(f Facts) Verdict {
		return read(f.Context, "amount", compares(func(n float64) bool { return n > 100 }))
	}},
	{`context.amount <= 100.0 || context.purpose == 'support'`, func(f Facts) Verdict {
		return either(
			read(f.Context, "amount", compares(func(n float64) bool { return n <= 100 })),
			read(f.Context, "purpose", equals("support")),
		)
	}},
	{`context.?tier.orValue('none') == 'gold'`, func(f Facts) Verdict { return truth(f.Context["tier"] == "gold") }},
	{`context.tags.exists(t, t == 'vip')`, func(f Facts) Verdict { return read(f.Context, "tags", holds("vip")) }},
}

var onSubject = []Expression{
	{`'staff' in subject.groups`, func(f Facts) Verdict { return truth(slices.Contains(f.Subject.Groups, "staff")) }},
	{`subject.groups.size() < 2`, func(f Facts) Verdict { return truth(len(f.Subject.Groups) < 2) }},
	{`subject.id == 'alice'`, func(f Facts) Verdict { return truth(f.Subject.ID == "alice") }},
	{`subject.issuer != 'partner'`, func(f Facts) Verdict { return truth(f.Subject.Issuer != "partner") }},
	{`subject.username.endsWith('@example.com')`, func(f Facts) Verdict {
		return text(f.Subject.Username, func(name string) Verdict { return truth(strings.HasSuffix(name, "@example.com")) })
	}},
	{`has(subject.session) && subject.session == 's-1'`, func(f Facts) Verdict { return truth(f.Subject.Session == "s-1") }},
	{`subject.session == 's-1' || context.purpose == 'support'`, func(f Facts) Verdict {
		return either(
			text(f.Subject.Session, func(session string) Verdict { return truth(session == "s-1") }),
			read(f.Context, "purpose", equals("support")),
		)
	}},
	{`subject.claims.level >= 3`, func(f Facts) Verdict {
		return read(f.Subject.Claims, "level", compares(func(n float64) bool { return n >= 3 }))
	}},
	{`subject.claims.department in ['north', 'south']`, func(f Facts) Verdict {
		return read(f.Subject.Claims, "department", func(value any) Verdict { return truth(value == "north" || value == "south") })
	}},
	{`has(subject.claims.department) && subject.claims.department == 'north'`, func(f Facts) Verdict {
		return truth(f.Subject.Claims["department"] == "north")
	}},
	{`now - subject.authTime < duration('1h')`, func(f Facts) Verdict {
		since := f.Now.Sub(f.Subject.AuthTime)
		if f.Subject.AuthTime.IsZero() || !f.Subject.AuthTime.Add(since).Equal(f.Now) { // further apart than a duration holds
			return Errs
		}
		return truth(since < time.Hour)
	}},
	{`has(subject.authTime)`, func(f Facts) Verdict { return truth(!f.Subject.AuthTime.IsZero()) }},
}

var onResource = []Expression{
	{`resource.properties.owner == subject.id`, func(f Facts) Verdict { return read(f.Resource.Properties, "owner", equals(f.Subject.ID)) }},
	{`has(resource.properties.owner) && resource.properties.owner == subject.id`, func(f Facts) Verdict {
		return truth(f.Resource.Properties["owner"] == f.Subject.ID)
	}},
	{`resource.type == 'ticket'`, func(f Facts) Verdict {
		return text(f.Resource.Type, func(kind string) Verdict { return truth(kind == "ticket") })
	}},
	{`resource.id in ['1', '2']`, func(f Facts) Verdict {
		return text(f.Resource.ID, func(id string) Verdict { return truth(id == "1" || id == "2") })
	}},
	{`has(resource.id) && resource.id != '3'`, func(f Facts) Verdict { return truth(f.Resource.ID != "" && f.Resource.ID != "3") }},
	{`resource.id in subject.claims.patients`, func(f Facts) Verdict {
		return text(f.Resource.ID, func(id string) Verdict { return read(f.Subject.Claims, "patients", holds(id)) })
	}},
}

var onChain = []Expression{
	{`chain.size() <= 1`, func(f Facts) Verdict { return truth(len(f.Chain) <= 1) }},
	{`chain.all(a, a.namespace == 'shop')`, func(f Facts) Verdict {
		return truth(!slices.ContainsFunc(f.Chain, func(a authz.Actor) bool { return a.Namespace != "shop" }))
	}},
	{`chain[0].serviceAccount == 'web'`, func(f Facts) Verdict {
		if len(f.Chain) == 0 {
			return Errs
		}
		return truth(f.Chain[0].ServiceAccount == "web")
	}},
	{`chain[1].namespace == 'billing'`, func(f Facts) Verdict {
		if len(f.Chain) < 2 {
			return Errs
		}
		return truth(f.Chain[1].Namespace == "billing")
	}},
	{`actor.namespace == 'shop'`, func(f Facts) Verdict {
		return text(f.Actor.Namespace, func(namespace string) Verdict { return truth(namespace == "shop") })
	}},
}

// Noon is the time that conditions of the vocabulary compare with.
var Noon = time.Date(2026, time.June, 1, 12, 0, 0, 0, time.UTC)

var onRequest = []Expression{
	{`true`, func(Facts) Verdict { return Met }},
	{`false`, func(Facts) Verdict { return Unmet }},
	{`scope.startsWith('t:')`, func(f Facts) Verdict { return truth(strings.HasPrefix(f.Scope, "t:")) }},
	{`audience == 'https://a.example'`, func(f Facts) Verdict { return truth(f.Audience == "https://a.example") }},
	{`now < timestamp('2026-06-01T12:00:00Z')`, func(f Facts) Verdict { return truth(f.Now.Before(Noon)) }},
}

// What no type check lets pass.
var refused = []Expression{
	{`context.purpose ==`, nil},
	{`subject.id`, nil},
	{`nobody.id == 'alice'`, nil},
	{`subject.shoeSize == 42`, nil},
}
