// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package canonical

import (
	"errors"
	"slices"
	"strings"
)

// Headers of a request by their names in lower case, with every value that came under each.
type Headers map[string][]string

// Add notes one line of a header.
func (h Headers) Add(name, value string) {
	name = strings.ToLower(name)
	h[name] = append(h[name], value)
}

// One gives the one value of a header, whose name is in lower case, and whether it was sent at all. It is false last where
// there may be more than one: several lines, several values joined by a comma (RFC 9110 section 5.3), or another spelling of
// the same name (THREATS 27).
func (h Headers) One(name string) (value string, sent, ok bool) {
	for other := range h {
		if other != name && sameName(other, name) {
			return "", true, false
		}
	}
	values := h[name]
	if len(values) == 0 {
		return "", false, true
	}
	if len(values) > 1 || strings.Contains(values[0], ",") {
		return "", true, false
	}
	return values[0], true, true
}

// Nominates says whether Connection names a header that is meant: a proxy further on would take it off (RFC 9110 section
// 7.6.1).
func (h Headers) Nominates(isMeant func(name string) bool) bool {
	for name, values := range h {
		if !sameName(name, "connection") {
			continue
		}
		for _, value := range values {
			for option := range strings.SplitSeq(value, ",") {
				if isMeant(strings.Trim(option, " \t")) {
					return true
				}
			}
		}
	}
	return false
}

var (
	errSeveral   = errors.New("stands more than once, has several values, or stands in another spelling")
	errNominated = errors.New("is named in Connection, so that a proxy may take it off")
	errValueByte = errors.New("has something else than visible ASCII characters and spaces, or a '!', which proxies write for bytes that are no text")
)

// Value gives the value of a header that routes may read, without the white space around it (RFC 9110 section 5.5); sent is
// false where there is none. It refuses what two readers could take for different values. What the error says follows "the
// header NAME".
func (h Headers) Value(name string) (value string, sent bool, err error) {
	raw, sent, ok := h.One(name)
	switch {
	case !ok:
		return "", false, errSeveral
	case !sent:
		return "", false, nil
	case h.Nominates(func(option string) bool { return sameName(option, name) }):
		return "", false, errNominated
	}
	value = strings.Trim(raw, " \t")
	for i := range len(value) {
		if c := value[i]; c < ' ' || c > '~' || c == '!' {
			return "", false, errValueByte
		}
	}
	value, err = Text(value)
	return value, err == nil, err
}

// credentials carry secrets.
var credentials = []string{"authorization", "proxy-authorization", "cookie", "dpop"}

// Secret says whether a header, in whatever spelling, carries a credential or tells an API who is asking: what nobody but a
// front door reads (THREATS 25, 27).
func Secret(name string) bool {
	name = Name(name)
	return slices.Contains(credentials, name) || strings.HasPrefix(name, "behalf-") || strings.HasPrefix(name, "x-behalf-")
}

// WithoutSecrets are the headers that a decision may rest on.
func (h Headers) WithoutSecrets() Headers {
	rest := make(Headers, len(h))
	for name, values := range h {
		if !Secret(name) {
			rest[name] = values
		}
	}
	return rest
}

// changing are headers that are for one connection only, or that every proxy may write anew (RFC 9110 section 7.6.1).
var changing = []string{
	"connection", "content-length", "forwarded", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
}

// Readable says whether a route may read a header: not a secret, and not what a proxy writes or takes away (THREATS 28).
func Readable(name string) bool {
	name = Name(name)
	return !Secret(name) && !slices.Contains(changing, name) &&
		!strings.HasPrefix(name, "proxy-") && !strings.HasPrefix(name, "x-forwarded-")
}
