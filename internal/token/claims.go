// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"behalf.dev/behalf/internal/authz"
)

// claims are the members of a JWT's header or payload. A claim that is there and of another type than it should be makes
// the token invalid; it is never taken for absent.
type claims map[string]any

func (c claims) has(name string) bool {
	_, ok := c[name]
	return ok
}

// text of a claim; empty where it is absent. Control characters are refused.
func (c claims) text(name string) (string, *Invalid) {
	value, ok := c[name]
	if !ok {
		return "", nil
	}
	text, ok := value.(string)
	if !ok {
		return "", invalid("has a claim %s that is not a string", name)
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return "", invalid("has control characters in its claim %s", name)
	}
	return text, nil
}

// texts of a claim that is one string or a list of them; nil where it is absent. Empty strings and control characters are
// refused.
func (c claims) texts(name string) ([]string, *Invalid) {
	list, bad := c.verbatim(name, func(one string) []string { return []string{one} })
	if bad != nil {
		return nil, bad
	}
	for _, text := range list {
		if text == "" || strings.ContainsFunc(text, unicode.IsControl) {
			return nil, invalid("has an empty string or control characters in its claim %s", name)
		}
	}
	return list, nil
}

// verbatim gives the strings of a claim as they are: of a list, or of one string by split. nil where it is absent.
func (c claims) verbatim(name string, split func(string) []string) ([]string, *Invalid) {
	switch value := c[name].(type) {
	case string:
		return split(value), nil
	case []any:
		return onlyStrings(name, value)
	default:
		if c.has(name) {
			return nil, invalid("has a claim %s that is neither a string nor a list of strings", name)
		}
		return nil, nil
	}
}

func onlyStrings(name string, values []any) ([]string, *Invalid) {
	list := make([]string, 0, len(values))
	for _, value := range values {
		text, ok := value.(string)
		if !ok {
			return nil, invalid("has a claim %s that is not a list of strings", name)
		}
		list = append(list, text)
	}
	return list, nil
}

// maxDate is the last second of the year 9999: what time.Time and JSON can still write.
const maxDate = 253402300799

// date of a claim that is a NumericDate (RFC 7519 section 2), to the second below; zero where it is absent.
func (c claims) date(name string) (time.Time, *Invalid) {
	if !c.has(name) {
		return time.Time{}, nil
	}
	number, ok := c[name].(json.Number)
	if !ok {
		return time.Time{}, invalid("has a claim %s that is not a number", name)
	}
	seconds, err := number.Float64()
	if err != nil || seconds <= 0 || seconds > maxDate {
		return time.Time{}, invalid("has a claim %s that is not a date", name)
	}
	return time.Unix(int64(math.Floor(seconds)), 0), nil
}

// times are when a token may be used.
type times struct {
	issuedAt, notBefore, expiresAt time.Time
}

func (c claims) times() (times, *Invalid) {
	var t times
	for name, into := range map[string]*time.Time{"iat": &t.issuedAt, "nbf": &t.notBefore, "exp": &t.expiresAt} {
		date, bad := c.date(name)
		if bad != nil {
			return times{}, bad
		}
		*into = date
	}
	if t.expiresAt.IsZero() {
		return times{}, invalid("does not say when it expires (exp)")
	}
	return t, nil
}

// check is done anew each time a token is presented.
func (t times) check(now time.Time) *Invalid {
	switch {
	case !t.expiresAt.After(now):
		return &Invalid{Reason: authz.ReasonTokenExpired, Detail: "has expired"}
	case t.issuedAt.After(now.Add(Skew)), t.notBefore.After(now.Add(Skew)):
		return &Invalid{Reason: authz.ReasonTokenNotYetValid, Detail: "is from the future: its iat or nbf is more than a minute ahead"}
	default:
		return nil
	}
}

// audience checks that one of the accepted audiences stands in 'aud', byte by byte.
func (c claims) audience(accepted []string) *Invalid {
	audiences, bad := c.texts("aud")
	if bad != nil {
		return bad
	}
	for _, a := range audiences {
		if slices.Contains(accepted, a) {
			return nil
		}
	}
	return invalid("is meant for another audience")
}
