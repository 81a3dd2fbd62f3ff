// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package canonical

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

// THREATS 26, 27, 29
func TestAHeaderHasOneValueOrNone(t *testing.T) {
	for _, c := range []struct {
		says    string
		headers Headers
		want    string // empty: not sent, or refused
		err     error
	}{
		{"no headers", nil, "", nil},
		{"other headers only", Headers{"x-tenants": {"a"}, "tenant": {"b"}}, "", nil},
		{"the header", Headers{"x-tenant": {"acme"}}, "acme", nil},
		{"the header among others", Headers{"x-tenant": {"acme"}, "accept": {"a", "b"}, "connection": {"close, x-other"}}, "acme", nil},
		{"white space around it", Headers{"x-tenant": {" \t acme corp\t "}}, "acme corp", nil},
		{"every visible character", Headers{"x-tenant": {"\"#$%&'()*+-./:;<=>?@[\\]^_`{|}~"}}, "\"#$%&'()*+-./:;<=>?@[\\]^_`{|}~", nil},
		{"no value at all", Headers{"x-tenant": {}}, "", nil},
		{"two lines", Headers{"x-tenant": {"acme", "acme"}}, "", errSeveral},
		{"two values on a line", Headers{"x-tenant": {"acme,evil"}}, "", errSeveral},
		{"another spelling beside it", Headers{"x-tenant": {"acme"}, "x_tenant": {"evil"}}, "", errSeveral},
		{"another spelling alone", Headers{"x_tenant": {"evil"}}, "", errSeveral},
		{"capitals", Headers{"X-Tenant": {"evil"}}, "", errSeveral},
		{"a dot", Headers{"x.tenant": {"evil"}}, "", errSeveral},
		{"another spelling without a value", Headers{"x-tenant": {"acme"}, "x_tenant": {}}, "", errSeveral},
		{"named in Connection", Headers{"x-tenant": {"acme"}, "connection": {"close", "keep-alive, X-Tenant"}}, "", errNominated},
		{"named in Connection in another spelling", Headers{"x-tenant": {"acme"}, "Connection": {"x_tenant"}}, "", errNominated},
		{"an empty value", Headers{"x-tenant": {" "}}, "", errEmpty},
		{"a tab within", Headers{"x-tenant": {"a\tb"}}, "", errValueByte},
		{"a line break", Headers{"x-tenant": {"a\r\nb"}}, "", errValueByte},
		{"a line break at the end", Headers{"x-tenant": {"a\n"}}, "", errValueByte},
		{"a NUL", Headers{"x-tenant": {"a\x00"}}, "", errValueByte},
		{"a DEL", Headers{"x-tenant": {"a\x7f"}}, "", errValueByte},
		{"bytes that are no text", Headers{"x-tenant": {"a\xff"}}, "", errValueByte},
		{"text beyond ASCII", Headers{"x-tenant": {"é"}}, "", errValueByte},
		{"what a proxy made of bytes that are no text", Headers{"x-tenant": {"a!"}}, "", errValueByte},
		{"a long value", Headers{"x-tenant": {strings.Repeat("a", MaxValue)}}, strings.Repeat("a", MaxValue), nil},
		{"a value that is too long", Headers{"x-tenant": {strings.Repeat("a", MaxValue+1)}}, "", errTooLong},
	} {
		got, sent, err := c.headers.Value("x-tenant")
		if got != c.want || sent != (c.want != "") || !errors.Is(err, c.err) {
			t.Errorf("%s: %.80q gives %.80q, %t, %v, want %.80q, %v", c.says, c.headers, got, sent, err, c.want, c.err)
		}
	}
}

func TestHeadersAreAddedUnderTheirNamesInLowerCase(t *testing.T) {
	h := Headers{}
	h.Add("X-Tenant", "a")
	h.Add("x-tenant", "b")
	h.Add("x_tenant", "c")
	if want := (Headers{"x-tenant": {"a", "b"}, "x_tenant": {"c"}}); !maps.EqualFunc(h, want, slices.Equal) {
		t.Errorf("got %q, want %q", h, want)
	}
}

// THREATS 25, 27, 28
func TestHeadersThatNoRouteReads(t *testing.T) {
	for name, want := range map[string]struct{ secret, readable bool }{
		"authorization":              {true, false},
		"Authorization":              {true, false},
		"cookie":                     {true, false},
		"dpop":                       {true, false},
		"proxy-authorization":        {true, false},
		"behalf-actor-token":         {true, false},
		"behalf_actor_token":         {true, false},
		"behalf-":                    {true, false},
		"x-behalf-subject":           {true, false},
		"x_behalf_subject":           {true, false},
		"x.behalf.actor":             {true, false},
		"forwarded":                  {false, false},
		"x-forwarded-client-cert":    {false, false},
		"x_forwarded_for":            {false, false},
		"host":                       {false, false},
		"connection":                 {false, false},
		"content-length":             {false, false},
		"keep-alive":                 {false, false},
		"proxy-connection":           {false, false},
		"te":                         {false, false},
		"trailer":                    {false, false},
		"transfer-encoding":          {false, false},
		"upgrade":                    {false, false},
		"x-tenant":                   {false, true},
		"behalf":                     {false, true},
		"x-behalfs":                  {false, true},
		"mcp-session-id":             {false, true},
		"content-type":               {false, true},
		"authorization-of-the-owner": {false, true},
	} {
		if got := Secret(name); got != want.secret {
			t.Errorf("%s is a secret: %t, want %t", name, got, want.secret)
		}
		if got := Readable(name); got != want.readable {
			t.Errorf("%s is readable: %t, want %t", name, got, want.readable)
		}
	}
}

func TestSecretsAreLeftOut(t *testing.T) { // THREATS 25
	h := Headers{"authorization": {"Bearer x"}, "behalf_actor_token": {"x"}, "cookie": {"x"}, "x-tenant": {"acme"}, "connection": {"close"}}
	if got, want := h.WithoutSecrets(), (Headers{"x-tenant": {"acme"}, "connection": {"close"}}); !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzHeader: a value that is taken is made of visible ASCII characters and spaces, is the same when it is read again, and
// stands under no other name that folds to this one.
func FuzzHeader(f *testing.F) {
	for _, seed := range [][3]string{ // THREATS 26, 27, 29
		{"x-tenant", "acme", "close"},
		{"X-Tenant", "acme", ""},
		{"x_tenant", "acme", ""},
		{"x-other", "a", "x_tenant"},
		{"x-tenant", " a ", ""},
		{"x-tenant", "a,b", ""},
		{"x-tenant", "a\r\nx-tenant: b", ""},
		{"x-tenant", "\x00\xff", ""},
		{"x.tenant", "!", ""},
		{"\u017f", "", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, name, text, connection string) {
		h := Headers{"x-tenant": {"acme"}, "connection": {connection}}
		h[name] = append(h[name], text)
		value, sent, err := h.Value("x-tenant")
		if err != nil {
			if value != "" || sent {
				t.Fatalf("%q gives %q beside %v", h, value, err)
			}
			return
		}
		if !sent || value != "acme" {
			t.Fatalf("%q gives %q, %t", h, value, sent)
		}
		if strings.ReplaceAll(strings.ToLower(name), "_", "-") == "x-tenant" || strings.Contains(strings.ToLower(connection), "x-tenant") {
			for option := range strings.SplitSeq(connection, ",") {
				if strings.EqualFold(strings.TrimSpace(option), "x-tenant") {
					t.Fatalf("%q is taken", h)
				}
			}
			if strings.EqualFold(name, "x-tenant") || strings.EqualFold(name, "x_tenant") {
				t.Fatalf("%q is taken", h)
			}
		}
		value, sent, err = Headers{"x-tenant": {text}}.Value("x-tenant")
		if err != nil || !sent {
			return
		}
		if strings.Trim(text, " \t") != value || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' || r == ',' || r == '!' }) {
			t.Fatalf("%q gives %q", text, value)
		}
		if again, _, err := (Headers{"x-tenant": {value}}).Value("x-tenant"); err != nil || again != value {
			t.Fatalf("%q is taken and gives %q, %v", value, again, err)
		}
	})
}
