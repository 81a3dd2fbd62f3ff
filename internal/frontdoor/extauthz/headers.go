// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	"strings"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
)

const (
	authorization = "authorization"
	actorToken    = "behalf-actor-token"
	// identity begins all headers by which an API learns who is asking.
	identity = "x-behalf-"
)

// methodOverrides would let a request be judged as one method and served as another.
var methodOverrides = []string{"x-http-method-override", "x-http-method", "x-method-override"}

// headers of a request, by lower-case name, with every value that came under it.
type headers map[string][]string

// collect takes headers from wherever the proxy put them: merged in a map, or raw in a list.
func collect(http *authv3.AttributeContext_HttpRequest) headers {
	all := headers{}
	for name, value := range http.GetHeaders() {
		all.add(name, value)
	}
	for _, header := range http.GetHeaderMap().GetHeaders() {
		value := header.GetValue()
		if raw := header.GetRawValue(); len(raw) > 0 {
			value = string(raw)
		}
		all.add(header.GetKey(), value)
	}
	return all
}

func (h headers) add(name, value string) {
	name = strings.ToLower(name)
	h[name] = append(h[name], value)
}

// single gives the one value of a header and whether it was sent at all; it is false last where there may be more than one:
// several lines, several values joined by a comma (RFC 9110 section 5.3), or another spelling of the same name.
func (h headers) single(name string) (value string, sent, ok bool) {
	for other := range h {
		if other != name && canonical(other) == name {
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

// canonical undoes the spellings that servers behind a proxy take for one name: CGI and its heirs turn '-' into '_'.
func canonical(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "_", "-")
}

// hopByHop says whether Connection nominates a header of ours: a proxy further on would take it off (RFC 9110 section
// 7.6.1), and the API would not learn who is asking.
func (h headers) hopByHop() bool {
	for name, values := range h {
		if canonical(name) != "connection" {
			continue
		}
		for option := range strings.SplitSeq(strings.Join(values, ","), ",") {
			if sensitive(strings.TrimSpace(option)) {
				return true
			}
		}
	}
	return false
}

func sensitive(name string) bool {
	name = canonical(name)
	return name == authorization || name == actorToken || strings.HasPrefix(name, identity)
}
