// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package canonical

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxQuery is the longest query that is looked at, in bytes.
const MaxQuery = 8192

// Query is what follows the first '?' of a request's target, as it was sent.
type Query string

// QueryOf cuts the query out of a request's target.
func QueryOf(target string) Query {
	_, query, _ := strings.Cut(target, "?")
	return Query(query)
}

var (
	errLongQuery = fmt.Errorf("cannot be told: the query is longer than %d bytes", MaxQuery)
	errFragment  = errors.New("cannot be told: the query has a '#' or a control character, at which some cut it off")
	errSpelling  = errors.New("stands in the query in a form that not everybody takes for it, or a name beside it cannot be decoded")
	errTwice     = errors.New("stands in the query more than once")
	errUnset     = errors.New("has no '=' and a value")
	errSeparator = errors.New("has a ';', at which some divide a query")
	errPlus      = errors.New("has a '+', which is a space for some and a plus for others: percent-encode either")
	errQueryByte = errors.New("has a character that stands percent-encoded in the value of a query")
	errPercent   = errors.New("has a percent sign once it is decoded, and some decode it again")
)

// Value gives the value of the one parameter with a name, decoded; sent is false where there is none. It refuses what two
// readers could take for different values, and looks at the other parameters only for whether some server could take one of
// them for this. What the error says follows "the query parameter NAME".
func (q Query) Value(name string) (value string, sent bool, err error) {
	if err := q.check(); err != nil {
		return "", false, err
	}
	for pair := range strings.SplitSeq(string(q), "&") {
		raw, found, err := parameter(pair, name)
		switch {
		case err != nil:
			return "", false, err
		case found && sent:
			return "", false, errTwice
		case found:
			value, sent = raw, true
		}
	}
	if !sent {
		return "", false, nil
	}
	value, err = decodeValue(value)
	return value, err == nil, err
}

func (q Query) check() error {
	if len(q) > MaxQuery {
		return errLongQuery
	}
	for i := range len(q) {
		if c := q[i]; c == '#' || c < ' ' || c == 0x7f {
			return errFragment
		}
	}
	return nil
}

// parameter gives the value in a pair, still encoded, if it is the pair of this name.
func parameter(pair, name string) (raw string, found bool, err error) {
	key, raw, assigned := strings.Cut(pair, "=")
	if key == name {
		switch {
		case !assigned:
			return "", false, errUnset
		case strings.Contains(raw, ";"):
			return "", false, errSeparator
		default:
			return raw, true, nil
		}
	}
	for part := range strings.SplitSeq(pair, ";") {
		if key, _, _ := strings.Cut(part, "="); mistakable(key, name) {
			return "", false, errSpelling
		}
	}
	return "", false, nil
}

// mistakable says whether some server could take a key, as it was sent, for a name. One that does not decode to one text
// could be any.
func mistakable(key, name string) bool {
	text, ok := decodeKey(key)
	if !ok {
		return true
	}
	text, _, _ = strings.Cut(text, "[") // name[] and name[0] are entries of a list
	text, _, _ = strings.Cut(text, "\x00")
	return sameName(strings.Trim(text, " \t\r\n"), name)
}

func decodeKey(key string) (string, bool) {
	if strings.Contains(key, "+") {
		key = strings.ReplaceAll(key, "+", " ")
	}
	if strings.Contains(key, "%") {
		if !escapesAreValid(key) {
			return "", false
		}
		key = Unescape(key)
	}
	return key, utf8.ValidString(key) && !strings.Contains(key, "%")
}

func escapesAreValid(text string) bool {
	for i := range len(text) {
		if text[i] == '%' && (len(text) < i+3 || hexDigit(text[i+1]) < 0 || hexDigit(text[i+2]) < 0) {
			return false
		}
	}
	return true
}

func decodeValue(raw string) (string, error) {
	for i := range len(raw) {
		switch c := raw[i]; {
		case c == '+':
			return "", errPlus
		case c != '%' && !inValue[c]:
			return "", errQueryByte
		}
	}
	if !escapesAreValid(raw) {
		return "", errEscape
	}
	value := Unescape(raw)
	if strings.Contains(value, "%") {
		return "", errPercent
	}
	return Text(value)
}

// inValue are the bytes that may stand for themselves in a value: query of RFC 3986 section 3.4 without what divides it.
var inValue = valueBytes()

func valueBytes() (set [256]bool) {
	for c := range set {
		set[c] = unreserved(byte(c)) || strings.IndexByte("!$'()*,:@/?", byte(c)) >= 0
	}
	return set
}
