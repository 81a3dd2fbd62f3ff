// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package canonical

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// THREATS 22, 26, 29
func TestAQueryParameterHasOneValueOrNone(t *testing.T) {
	for _, c := range []struct {
		says, target, want string // want empty: not sent, or refused
		err                error
	}{
		{"no query", "/a", "", nil},
		{"an empty query", "/a?", "", nil},
		{"other parameters only", "/a?x=1&y=2", "", nil},
		{"the parameter", "/a?tenant=acme", "acme", nil},
		{"the parameter among others", "/a?x=1&tenant=acme&y=a+b;c%20=%zz", "acme", nil},
		{"empty pairs around it", "/a?&&tenant=acme&", "acme", nil},
		{"a question mark and slashes in the value", "/a?tenant=a/b?c:@", "a/b?c:@", nil},
		{"an encoded value", "/a?tenant=a%20b%26c%3Dd%3Be%2Bf", "a b&c=d;e+f", nil},
		{"a value that is encoded without need", "/a?tenant=%61cme", "acme", nil},
		{"a value beyond ASCII", "/a?tenant=%C3%A9%E5%8F%B7%F0%9F%98%80", "é号😀", nil},
		{"a value in the path's place", "/tenant=acme", "", nil},
		{"a name that begins alike", "/a?tenants=1&tenant2=x&ten=y&tenant-id=2&tenant.id=3", "", nil},
		{"a name beyond ASCII", "/a?%C3%A9=1&%E5%8F%B7=2", "", nil},
		{"a name within another's brackets", "/a?x[tenant]=1", "", nil},
		{"it stands twice", "/a?tenant=acme&tenant=acme", "", errTwice},
		{"it stands twice, once without a value", "/a?tenant=acme&tenant", "", errUnset},
		{"no value", "/a?tenant", "", errUnset},
		{"an empty value", "/a?tenant=", "", errEmpty},
		{"capitals", "/a?Tenant=acme", "", errSpelling},
		{"capitals beside it", "/a?tenant=acme&TENANT=evil", "", errSpelling},
		{"an encoded name beside it", "/a?tenant=acme&%74enant=evil", "", errSpelling},
		{"a doubly encoded name beside it", "/a?tenant=acme&%2574enant=evil", "", errSpelling},
		{"an encoding of another kind in a name", "/a?tenant=acme&%u0074enant=evil", "", errSpelling},
		{"half an encoding in a name", "/a?tenant=acme&x%7=evil", "", errSpelling},
		{"a name that is not UTF-8", "/a?tenant=acme&%ff=evil", "", errSpelling},
		{"an over-long encoding in a name", "/a?tenant=acme&%c1%b4enant=evil", "", errSpelling},
		{"a Kelvin sign is a k", "/a?key=1&%E2%84%AAey=2", "", nil}, // of the name tenant nothing is said
		{"a list", "/a?tenant[]=acme", "", errSpelling},
		{"an entry of a list", "/a?tenant[0]=acme", "", errSpelling},
		{"an encoded list", "/a?tenant%5B%5D=acme", "", errSpelling},
		{"a list that does not close", "/a?tenant[=acme", "", errSpelling},
		{"a NUL after the name", "/a?tenant%00x=acme", "", errSpelling},
		{"a space before the name", "/a?+tenant=acme", "", errSpelling},
		{"an encoded line break after the name", "/a?tenant%0a=acme", "", errSpelling},
		{"a semicolon before it", "/a?x=1;tenant=evil", "", errSpelling},
		{"a semicolon before it, without a value", "/a?x;tenant", "", errSpelling},
		{"an escaped ampersand of HTML", "/a?x=1&amp;tenant=evil", "", errSpelling},
		{"a semicolon after it", "/a?tenant=acme;x=1", "", errSeparator},
		{"a semicolon at its end", "/a?tenant=acme;", "", errSeparator},
		{"a plus", "/a?tenant=a+b", "", errPlus},
		{"an equals sign in the value", "/a?tenant=a=b", "", errQueryByte},
		{"a character that is to be encoded", "/a?tenant={a}", "", errQueryByte},
		{"a raw byte beyond ASCII", "/a?tenant=\u00e9", "", errQueryByte},
		{"a raw space", "/a?tenant=a b", "", errQueryByte},
		{"a backslash", "/a?tenant=a\\b", "", errQueryByte},
		{"half an encoding", "/a?tenant=a%2", "", errEscape},
		{"no encoding", "/a?tenant=a%zz", "", errEscape},
		{"an encoding of another kind", "/a?tenant=%u0041", "", errEscape},
		{"an encoded percent sign", "/a?tenant=a%2541", "", errPercent},
		{"an encoded control character", "/a?tenant=a%00", "", errInvisible},
		{"an encoded line break", "/a?tenant=a%0d%0ab", "", errInvisible},
		{"a zero-width space", "/a?tenant=a%E2%80%8Bb", "", errInvisible},
		{"a right-to-left override", "/a?tenant=%E2%80%AEa", "", errInvisible},
		{"a no-break space", "/a?tenant=a%C2%A0b", "", errInvisible},
		{"bytes that are not UTF-8", "/a?tenant=%ff", "", errInvisible},
		{"an over-long encoding", "/a?tenant=%c0%af", "", errInvisible},
		{"a space at the beginning", "/a?tenant=%20a", "", errEdge},
		{"a space at the end", "/a?tenant=a%20", "", errEdge},
		{"a fragment", "/a?x=1#tenant=acme", "", errFragment},
		{"a fragment after it", "/a?tenant=acme#", "", errFragment},
		{"a control character elsewhere", "/a?x=\x00&tenant=acme", "", errFragment},
		{"a long value", "/a?tenant=" + strings.Repeat("a", MaxValue), strings.Repeat("a", MaxValue), nil},
		{"a value that is too long", "/a?tenant=" + strings.Repeat("a", MaxValue+1), "", errTooLong},
		{"a long query", "/a?tenant=acme&" + strings.Repeat("x", MaxQuery-12), "acme", nil},
		{"a query that is too long", "/a?tenant=acme&" + strings.Repeat("x", MaxQuery-11), "", errLongQuery},
	} {
		got, sent, err := QueryOf(c.target).Value("tenant")
		if got != c.want || sent != (c.want != "") || !errors.Is(err, c.err) {
			t.Errorf("%s: %.80q gives %.80q, %t, %v, want %.80q, %v", c.says, c.target, got, sent, err, c.want, c.err)
		}
	}
}

func TestNamesThatServersTakeForOneAreToldApart(t *testing.T) {
	for _, c := range []struct{ target, name string }{
		{"/a?tenant_id=1&tenant-id=2", "tenant_id"},
		{"/a?tenant.id=2", "tenant_id"},
		{"/a?tenant+id=2", "tenant_id"},
		{"/a?tenant%20id=2", "tenant-id"},
		{"/a?tenant_id=2", "tenant.id"},
		{"/a?%E2%84%AAey=2", "key"},  // Kelvin sign
		{"/a?%C5%BFcope=2", "scope"}, // long s
	} {
		if got, sent, err := QueryOf(c.target).Value(c.name); !errors.Is(err, errSpelling) {
			t.Errorf("%s of %s gives %q, %t, %v", c.name, c.target, got, sent, err)
		}
	}
}

// readers are ways in which servers read a query, each as lenient as some are.
var readers = map[string]func(query string) map[string][]string{
	"Go": func(query string) map[string][]string {
		values, _ := url.ParseQuery(query) // what it could not read is not among the values
		return values
	},
	"one that divides at semicolons and knows no case": func(query string) map[string][]string {
		values := map[string][]string{}
		for _, pair := range strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' }) {
			key, value, _ := strings.Cut(pair, "=")
			name, _ := url.QueryUnescape(key)
			text, _ := url.QueryUnescape(value)
			name = strings.ToLower(strings.TrimSpace(name))
			values[name] = append(values[name], text)
		}
		return values
	},
	"one that knows lists and underscores": func(query string) map[string][]string {
		values := map[string][]string{}
		for pair := range strings.SplitSeq(query, "&") {
			key, value, _ := strings.Cut(pair, "=")
			name, _ := url.QueryUnescape(key)
			text, _ := url.QueryUnescape(value)
			name, _, _ = strings.Cut(name, "[")
			name = strings.NewReplacer(" ", "_", ".", "_").Replace(strings.TrimLeft(name, " "))
			values[name] = append(values[name], text)
		}
		return values
	},
	"one that ends at a fragment": func(query string) map[string][]string {
		query, _, _ = strings.Cut(query, "#")
		values, _ := url.ParseQuery(query) // what it could not read is not among the values
		return values
	},
}

// FuzzQuery: a value that is taken is the one that every reader reads, and where none is found, none of them finds one.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{ // THREATS 22, 26, 29
		"tenant_id=acme", "x=1&tenant_id=a%20b", "tenant_id=1&Tenant_ID=2", "tenant%5fid=1", "tenant_id[]=1", "tenant.id=1", "a;tenant_id=1",
		"tenant_id=a+b", "tenant_id=%00", "tenant_id=%252f", "tenant_id=%c0%af", "tenant_id=a#b", "tenant_id", "tenant_id=", "tenant_id=a=b",
		"tenant_id=a&amp;tenant_id=b", "tenant_id=a%26tenant_id=b", "+tenant_id=1", "%ff=1", "tenant_id=\r\n", "tenant_id=%E2%80%AE",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		value, sent, err := Query(raw).Value("tenant_id")
		if err != nil {
			return
		}
		for who, read := range readers {
			got := read(raw)["tenant_id"]
			if sent != (len(got) == 1 && got[0] == value) || !sent && len(got) > 0 {
				t.Fatalf("%q gives %q, %t, and %s reads %q", raw, value, sent, who, got)
			}
		}
		if !sent {
			return
		}
		if value == "" || !utf8.ValidString(value) || strings.Contains(value, "%") || strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q gives %q", raw, value)
		}
		again, sent, err := Query("tenant_id=" + strings.ReplaceAll(url.QueryEscape(value), "+", "%20")).Value("tenant_id")
		if err != nil || !sent || again != value {
			t.Fatalf("%q gives %q, which gives %q, %t, %v", raw, value, again, sent, err)
		}
	})
}
