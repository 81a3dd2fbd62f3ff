// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package canonical

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPath is the longest path that is looked at, in bytes and without its query.
const maxPath = 4096

// Path is the canonical path of a request: what every reader of it agrees on. It was never given to a URL parser, which
// could take //host for an authority.
type Path string

// What templates of paths are refused for too.
var (
	ErrRelative     = errors.New("does not begin with '/'")
	ErrEmptySegment = errors.New("has an empty segment")
)

var (
	errLong      = fmt.Errorf("is longer than %d bytes", maxPath)
	errDots      = errors.New("has a dot segment")
	errByte      = errors.New("has a character that RFC 3986 does not allow in a path, or one that servers read differently")
	errEscape    = errors.New("has an invalid percent-encoding")
	errDisguised = errors.New("percent-encodes what could be written plainly, or a separator, a control character or a percent sign")
	errHidden    = errors.New("percent-encodes a character that cannot be seen, or one that some servers read as '/', '\\', '.', ';', '?', '#' or '%'")
	errUTF8      = errors.New("percent-encodes bytes that are not UTF-8")
)

// PathOf gives the path of a request's target as it was sent, without its query. It refuses whatever two readers could take
// for different paths (THREATS 26); what it says follows "the path".
func PathOf(target string) (Path, error) {
	text, _, _ := strings.Cut(target, "?")
	if len(text) > maxPath {
		return "", errLong
	}
	if text == "" || text[0] != '/' {
		return "", ErrRelative
	}
	escaped := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '/':
			if err := checkSegment(text[i+1:]); err != nil {
				return "", err
			}
		case c == '%':
			if err := checkEscape(text[i:]); err != nil {
				return "", err
			}
			escaped = true
			i += 2
		case !plain[c]:
			return "", errByte
		}
	}
	if escaped {
		if err := checkDecoded(Unescape(text)); err != nil {
			return "", err
		}
	}
	return Path(text), nil
}

// checkSegment looks at what follows a slash. Nothing may follow the last one.
func checkSegment(rest string) error {
	segment, _, more := strings.Cut(rest, "/")
	switch {
	case segment == "" && more:
		return ErrEmptySegment
	case segment == "." || segment == "..":
		return errDots
	default:
		return nil
	}
}

func checkEscape(s string) error {
	if len(s) < 3 {
		return errEscape
	}
	high, low := hexDigit(s[1]), hexDigit(s[2])
	if high < 0 || low < 0 {
		return errEscape
	}
	switch c := byte(high<<4 | low); { //nolint:gosec // two hexadecimal digits
	case unreserved(c), c < ' ', c == 0x7f, strings.IndexByte(delimiters, c) >= 0:
		return errDisguised
	default:
		return nil
	}
}

// delimiters are what a path must not hold within a segment: whoever decodes before splitting would split there.
const delimiters = `/\;?#%`

// checkDecoded looks at a path whose escapes are decoded, as the servers behind will. A space within a segment is as good as
// any other character; at its edge, where some cut it off, it is not.
func checkDecoded(text string) error {
	if !utf8.ValidString(text) {
		return errUTF8
	}
	previous := '/'
	for _, r := range text {
		edge := (r == ' ' && previous == '/') || (r == '/' && previous == ' ')
		if edge || !unicode.IsPrint(r) || unicode.Is(delimiterLike, r) {
			return errHidden
		}
		previous = r
	}
	if previous == ' ' {
		return errHidden
	}
	return nil
}

// delimiterLike are the characters whose compatibility form (NFKC, UAX 15) is or holds a '.' or one of the delimiters, and
// the other slashes that code pages map to '/' and '\\'.
var delimiterLike = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x037e, 0x037e, 1}, // Greek question mark, a ';'
		{0x2024, 0x2026, 1}, // dot leaders, ellipsis
		{0x2044, 0x2044, 1}, // fraction slash
		{0x2047, 0x2049, 1}, // double question marks
		{0x2100, 0x2101, 1}, // a/c, a/s
		{0x2105, 0x2106, 1}, // c/o, c/u
		{0x2215, 0x2216, 1}, // division slash, set minus
		{0x2488, 0x249b, 1}, // digits with a full stop
		{0x29f5, 0x29f5, 1}, // reverse solidus operator
		{0x29f8, 0x29f9, 1}, // big solidus, big reverse solidus
		{0x33c2, 0x33c2, 1}, // a.m.
		{0x33c7, 0x33c7, 1}, // Co.
		{0x33d8, 0x33d8, 1}, // p.m.
		{0xfe14, 0xfe14, 1}, // vertical semicolon
		{0xfe16, 0xfe16, 1}, // vertical question mark
		{0xfe19, 0xfe19, 1}, // vertical ellipsis
		{0xfe30, 0xfe30, 1}, // vertical two dot leader
		{0xfe52, 0xfe52, 1}, // small full stop
		{0xfe54, 0xfe54, 1}, // small semicolon
		{0xfe56, 0xfe56, 1}, // small question mark
		{0xfe5f, 0xfe5f, 1}, // small number sign
		{0xfe68, 0xfe68, 1}, // small reverse solidus
		{0xfe6a, 0xfe6a, 1}, // small percent sign
		{0xff03, 0xff03, 1}, // full-width number sign
		{0xff05, 0xff05, 1}, // full-width percent sign
		{0xff0e, 0xff0f, 1}, // full-width full stop, solidus
		{0xff1b, 0xff1b, 1}, // full-width semicolon
		{0xff1f, 0xff1f, 1}, // full-width question mark
		{0xff3c, 0xff3c, 1}, // full-width reverse solidus
	},
	R32: []unicode.Range32{
		{0x1f100, 0x1f100, 1}, // digit zero with a full stop
	},
}

// plain are the bytes that may stand for themselves: pchar of RFC 3986 section 3.3 without ';', at which some servers cut.
var plain = plainBytes()

func plainBytes() (set [256]bool) {
	for c := range set {
		set[c] = unreserved(byte(c)) || strings.IndexByte("!$&'()*+,=:@", byte(c)) >= 0
	}
	return set
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	default:
		return -1
	}
}

// Unescape decodes a canonical path, or a part of one between two slashes.
func Unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			c = byte(hexDigit(s[i+1])<<4 | hexDigit(s[i+2])) //nolint:gosec // two hexadecimal digits
			i += 2
		}
		out = append(out, c)
	}
	return string(out)
}
