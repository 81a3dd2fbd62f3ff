// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package canonical

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// THREATS 26
func TestOnlyCanonicalPathsAreLookedAt(t *testing.T) {
	for _, c := range []struct {
		raw  string
		want Path // empty: refused
		err  error
	}{
		{"/", "/", nil},
		{"/tickets/42", "/tickets/42", nil},
		{"/tickets/", "/tickets/", nil},
		{"/tickets/42?a=//../%2f;#", "/tickets/42", nil},
		{"/Tickets/~me/a-b_c.d", "/Tickets/~me/a-b_c.d", nil},
		{"/a:b@c!$&'()*+,=", "/a:b@c!$&'()*+,=", nil},
		{"/in%20box/%C3%A9", "/in%20box/%C3%A9", nil},
		{"/in%c3%a9", "/in%c3%a9", nil},
		{"/%5B1%5D%22%3C%3E%5E%60%7B%7C%7D", "/%5B1%5D%22%3C%3E%5E%60%7B%7C%7D", nil},
		{"/%E5%8F%B7%E2%82%AC%F0%9F%98%80/x", "/%E5%8F%B7%E2%82%AC%F0%9F%98%80/x", nil},
		{"/...", "/...", nil},
		{"", "", ErrRelative},
		{"?x", "", ErrRelative},
		{"*", "", ErrRelative},
		{"tickets/42", "", ErrRelative},
		{"http://tickets.example/tickets", "", ErrRelative},
		{"//tickets.example/tickets", "", ErrEmptySegment},
		{"/tickets//42", "", ErrEmptySegment},
		{"/tickets//", "", ErrEmptySegment},
		{"/.", "", errDots},
		{"/..", "", errDots},
		{"/a/./b", "", errDots},
		{"/a/../b", "", errDots},
		{"/a/..", "", errDots},
		{"/a/..;/b", "", errByte},
		{"/a;b=c/d", "", errByte},
		{"/a\\b", "", errByte},
		{"/a#b", "", errByte},
		{"/a b", "", errByte},
		{"/a\tb", "", errByte},
		{"/a\x00b", "", errByte},
		{"/a\r\nb", "", errByte},
		{"/a\x7f", "", errByte},
		{"/é", "", errByte},
		{"/a\xffb", "", errByte},
		{"/a{b}", "", errByte},
		{"/a|b", "", errByte},
		{"/a%2fb", "", errDisguised},
		{"/a%2Fb", "", errDisguised},
		{"/a%5cb", "", errDisguised},
		{"/a%00b", "", errDisguised},
		{"/a%0d%0ab", "", errDisguised},
		{"/a%7f", "", errDisguised},
		{"/%2e%2e/b", "", errDisguised},
		{"/%2E/b", "", errDisguised},
		{"/.%2e/b", "", errDisguised},
		{"/%61dmin", "", errDisguised},
		{"/%7Eme", "", errDisguised},
		{"/a%252fb", "", errDisguised},
		{"/a%25%32%66b", "", errDisguised},
		{"/a%3Bb", "", errDisguised},
		{"/a%3bb", "", errDisguised},
		{"/a%3Fb", "", errDisguised},
		{"/a%23b", "", errDisguised},
		{"/100%25", "", errDisguised},
		{"/a%C2%85b", "", errHidden},
		{"/a%C2%9Fb", "", errHidden},
		{"/a%C2%A0b", "", errHidden},
		{"/a%C2%ADb", "", errHidden},
		{"/a%E2%80%AEb", "", errHidden},
		{"/a%E2%80%8Bb", "", errHidden},
		{"/a%E2%80%A8b", "", errHidden},
		{"/a%E2%81%A6b", "", errHidden},
		{"/a%E3%80%80b", "", errHidden},
		{"/a%EF%BB%BFb", "", errHidden},
		{"/a%EE%80%80b", "", errHidden},
		{"/a%EF%BC%8Fb", "", errHidden},
		{"/a%EF%BC%BCb", "", errHidden},
		{"/%EF%BC%8E%EF%BC%8E/b", "", errHidden},
		{"/%E2%80%A4%E2%80%A4/b", "", errHidden},
		{"/%E2%80%A5/b", "", errHidden},
		{"/a%EF%BC%9Bb", "", errHidden},
		{"/a%CD%BEb", "", errHidden},
		{"/a%EF%B9%94b", "", errHidden},
		{"/a%EF%B9%A8b", "", errHidden},
		{"/a%E2%81%84b", "", errHidden},
		{"/a%E2%88%95b", "", errHidden},
		{"/a%E2%84%80", "", errHidden},
		{"/%F0%9F%84%80", "", errHidden},
		{"/%20a", "", errHidden},
		{"/a%20/b", "", errHidden},
		{"/a%20", "", errHidden},
		{"/a%", "", errEscape},
		{"/a%2", "", errEscape},
		{"/a%zz", "", errEscape},
		{"/a%u0041", "", errEscape},
		{"/a%2?f", "", errEscape},
		{"/%c0%af", "", errUTF8},
		{"/%ff", "", errUTF8},
		{"/" + strings.Repeat("a", maxPath), "", errLong},
		{"/" + strings.Repeat("a", maxPath-1) + "?" + strings.Repeat("q", maxPath), Path("/" + strings.Repeat("a", maxPath-1)), nil},
	} {
		got, err := PathOf(c.raw)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("path %.60q gives %.60q, %v, want %.60q, %v", c.raw, got, err, c.want, c.err)
		}
	}
}

// THREATS 26
func TestOnlyCanonicalHostsAreLookedUp(t *testing.T) {
	for host, want := range map[string]string{
		"tickets.example": "tickets.example", "Tickets.EXAMPLE": "tickets.example", "tickets.example:8443": "tickets.example",
		"10.0.0.1:80": "10.0.0.1", "[::1]": "[::1]", "[FE80::1]:443": "[fe80::1]", "a_b": "a_b",
		"": "", ":80": "", "tickets.example.": "", "tickets.example.:443": "", ".example": "", "a:b": "", "a:": "", "a:123456": "", "a:1:2": "",
		"[::1": "", "::1]": "", "[]": "", "a[b]": "", "[a b]": "", "[::1%25eth0]": "", "[::1]x": "", "[::1]:": "", "a b": "", "a/b": "", "a@b": "", "a,b": "", "tickets.example\x00": "", "tïckets.example": "", "a%2eb": "",
	} {
		got, ok := HostOf(host)
		if got != want || ok != (want != "") {
			t.Errorf("host %q gives %q, %t, want %q", host, got, ok, want)
		}
	}
}

// THREATS 26
func FuzzCanonicalPath(f *testing.F) {
	for _, seed := range []string{
		"/", "/a/b", "//a", "/a/../b", "/a/..;/b", "/a%2fb", "/a%5cb", "/a%00", "/%2e%2e/", "/a;b=c", "/a?x=/../", "/a#b", "/é", "/%c3%a9", "/%252f", "/a/",
		"/a%3Bb", "/%C2%85", "/%E2%80%AE", "/%EF%BC%8E%EF%BC%8E/", "/a%EF%BC%8Fb", "/%20", "/a%20b",
		"/a\\b", "http://x/", "/%", "/a%2", "/%25%32%65", "/..%c0%af..",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := PathOf(raw)
		if err != nil {
			return
		}
		decoded := Unescape(string(p))
		if !utf8.ValidString(decoded) || strings.ContainsAny(decoded, "\x00\\\r\n") {
			t.Fatalf("%q was let pass and decodes to %q", raw, decoded)
		}
		for _, r := range decoded {
			if !unicode.IsPrint(r) || strings.ContainsRune(`;?#%／＼．；`, r) {
				t.Fatalf("%q was let pass and decodes to %q", raw, decoded)
			}
		}
		if strings.Count(decoded, "/") != strings.Count(string(p), "/") {
			t.Fatalf("%q hides a slash", raw)
		}
		for segment := range strings.SplitSeq(string(p)[1:], "/") {
			if d := Unescape(segment); d == "." || d == ".." || strings.Contains(segment, ";") {
				t.Fatalf("%q has the segment %q", raw, segment)
			}
		}
		if again, err := PathOf(string(p)); err != nil || again != p {
			t.Fatalf("%q is canonical and %q, made from it, is not: %v", raw, p, err)
		}
	})
}
