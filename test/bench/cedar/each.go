// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package cedar

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"behalf.dev/behalf/test/bench/rules"
	"behalf.dev/behalf/test/estate"
)

// NewPolicyEach makes a policy of each Permit; declarations, entitlements and revocations stay entities.
func NewPolicyEach(r *rules.Rules, lease time.Time) (*Engine, error) {
	var text bytes.Buffer
	text.Write(besideEach)
	for i := range r.Permits {
		writePermit(&text, &r.Permits[i])
	}
	return newEngine(r, lease, text.Bytes())
}

func writePermit(to *bytes.Buffer, p *rules.Permit) {
	fmt.Fprintf(to, "permit (principal, action, resource)\nwhen {\n  context.use == %q && %s.contains(context.scope) &&\n",
		name(p.Audience, p.Actor.String()), literal(p.Scopes))
	fmt.Fprintf(to, "  context.depth <= %d && context.tokenLifetime <= %d && context.subjectAge <= %d &&\n",
		p.MaxDepth, p.MaxTokenLifetime, p.MaxSubjectAge)
	fmt.Fprintf(to, "  context.groups.containsAny(%s)%s\n};\n", literal(qualified(estate.Issuer, p.Groups)), clause(p.Condition))
}

// clause is a condition as text.
func clause(c *estate.Condition) string {
	if c == nil {
		return ""
	}
	switch c.Form {
	case estate.Owner:
		return " && context.properties.owner == context.id"
	case estate.Purpose:
		return fmt.Sprintf(" && context.context.purpose == %q", c.Value)
	case estate.Region:
		return fmt.Sprintf(" && context.properties.region == %q", c.Value)
	case estate.Recent:
	}
	return fmt.Sprintf(" && context.subjectAge < %d", c.Seconds())
}

func literal(names []string) string {
	quoted := make([]string, len(names))
	for i := range names {
		quoted[i] = strconv.Quote(names[i])
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
