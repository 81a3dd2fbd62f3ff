// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxPath is the longest path that is looked at, in bytes and without its query.
const maxPath = 4096

// path is the canonical path of a request: what every reader of it agrees on. It was never given to a URL parser, which
// could take //host for an authority.
type path string

var (
	errRelative  = errors.New("does not begin with '/'")
	errLong      = fmt.Errorf("is longer than %d bytes", maxPath)
	errSlashes   = errors.New("has an empty segment")
	errDots      = errors.New("has a dot segment")
	errByte      = errors.New("has a character that RFC 3986 does not allow in a path, or one that servers read differently")
	errEscape    = errors.New("has an invalid percent-encoding")
	errDisguised = errors.New("percent-encodes what could be written plainly, or a separator, a control character or another percent-encoding")
	errUTF8      = errors.New("percent-encodes bytes that are not UTF-8")
)

// canonicalPath cuts the query off and refuses whatever two readers could take for different paths (THREATS 26).
func canonicalPath(raw string) (path, error) {
	text, _, _ := strings.Cut(raw, "?")
	if len(text) > maxPath {
		return "", errLong
	}
	if text == "" || text[0] != '/' {
		return "", errRelative
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
	if escaped && !utf8.ValidString(unescape(text)) {
		return "", errUTF8
	}
	return path(text), nil
}

// checkSegment looks at what follows a slash. Nothing may follow the last one.
func checkSegment(rest string) error {
	segment, _, more := strings.Cut(rest, "/")
	switch {
	case segment == "" && more:
		return errSlashes
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
	case unreserved(c), c < ' ', c == 0x7f, c == '/', c == '\\':
		return errDisguised
	case c == '%' && len(s) >= 5 && hexDigit(s[3]) >= 0 && hexDigit(s[4]) >= 0:
		return errDisguised
	default:
		return nil
	}
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

// unescape decodes what checkEscape let pass.
func unescape(s string) string {
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
