// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"behalf.dev/behalf/internal/authz"
)

// text tells a decision to a person.
func (c checked) text(p colors) []byte {
	var out bytes.Buffer
	d := &c.Decision
	fmt.Fprintln(&out, headline(d, p))
	if d.Message != "" {
		fmt.Fprintf(&out, "%s\n", printable(d.Message))
	}
	fmt.Fprintln(&out)
	table := newTable(&out)
	c.asked(table)
	decided(table, d)
	table.Flush() //nolint:errcheck // a buffer takes everything
	obstacles(&out, d)
	return out.Bytes()
}

func headline(d *authz.Decision, p colors) string {
	switch {
	case !d.Allowed():
		return p.bad + "Deny" + p.off + "  " + p.strong + string(d.Leg) + ": " + string(d.Reason) + p.off
	case d.DryRun != nil:
		return p.good + "Allow" + p.off + "  " + p.strong + "in a dry run only" + p.off
	default:
		return p.good + "Allow" + p.off
	}
}

func (c checked) asked(table io.Writer) {
	r, d := c.Request, &c.Decision
	row(table, "  For", subjectOf(r))
	rows(table, "  Through", chainOf(r)...)
	if r.HTTP != nil {
		row(table, "  Request", r.HTTP.Method+" "+r.HTTP.Host+r.HTTP.Path)
	}
	if d.Scope != "" {
		row(table, "  Scope", authz.QualifiedScope(d.Audience, d.Scope))
	}
	if d.Resource.Type != "" || d.Resource.ID != "" {
		row(table, "  Resource", strings.TrimSpace(d.Resource.Type+" "+d.Resource.ID))
	}
	row(table, "  At", stamp(c.At))
}

func subjectOf(r *authz.Request) string {
	if !r.Subject.Present() {
		return "nobody"
	}
	return r.Subject.String()
}

func chainOf(r *authz.Request) []string {
	var chain []string
	for _, prior := range r.Via {
		chain = append(chain, prior.String())
	}
	if r.Actor.Present() {
		chain = append(chain, r.Actor.String())
	}
	if len(chain) == 0 {
		return []string{"no service"}
	}
	return []string{strings.Join(chain, ", then ")}
}

func decided(table io.Writer, d *authz.Decision) {
	var objects []string
	for _, object := range d.Objects() {
		objects = append(objects, fmt.Sprintf("%s, generation %d", object, object.Generation))
	}
	rows(table, "  Decided by", objects...)
	rows(table, "  Obliges", duties(d.Obligations)...)
	if !d.Allowed() {
		row(table, "  The person may read", d.ForUser())
	}
}

func duties(o authz.Obligations) []string {
	var all []string
	if o.MaxTokenLifetime > 0 {
		all = append(all, fmt.Sprintf("tokens to live for %s at the most", o.MaxTokenLifetime))
	}
	if !o.NotAfter.IsZero() {
		all = append(all, "tokens to end by "+stamp(o.NotAfter))
	}
	if len(o.Disclose) > 0 {
		all = append(all, "tokens to carry on no other claims than "+strings.Join(o.Disclose, ", "))
	}
	return all
}

// obstacles tell what would have to change for the request to be allowed, where that is more than was told already.
func obstacles(out io.Writer, d *authz.Decision) {
	all := d.Obstacles()
	switch {
	case d.DryRun != nil:
		if len(all) == 0 {
			all = []authz.Denial{*d.DryRun}
		}
		fmt.Fprintln(out, "\nWithout the dry run, this would deny:")
	case len(all) > 1:
		fmt.Fprintln(out, "\nFor an Allow, all of this would have to change:")
	default:
		return
	}
	table := newTable(out)
	for _, one := range all {
		row(table, "  "+string(one.Leg), string(one.Reason), one.Message)
	}
	table.Flush() //nolint:errcheck // a buffer takes everything
}
