// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	"strings"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"

	"behalf.dev/behalf/internal/canonical"
)

const (
	authorization = "authorization"
	actorToken    = "behalf-actor-token"
	// identity begins all headers by which an API learns who is asking.
	identity = "x-behalf-"
)

// methodOverrides would let a request be judged as one method and served as another.
var methodOverrides = []string{"x-http-method-override", "x-http-method", "x-method-override"}

// headers of a request.
type headers struct {
	canonical.Headers
}

// collect takes headers from wherever the proxy put them: merged in a map, or raw in a list.
func collect(http *authv3.AttributeContext_HttpRequest) headers {
	all := headers{canonical.Headers{}}
	for name, value := range http.GetHeaders() {
		all.Add(name, value)
	}
	for _, header := range http.GetHeaderMap().GetHeaders() {
		value := header.GetValue()
		if raw := header.GetRawValue(); len(raw) > 0 {
			value = string(raw)
		}
		all.Add(header.GetKey(), value)
	}
	return all
}

// hopByHop says whether Connection nominates a header of ours: a proxy further on would take it off, and the API would not
// learn who is asking.
func (h headers) hopByHop() bool { return h.Nominates(sensitive) }

func sensitive(name string) bool {
	name = canonical.Name(name)
	return name == authorization || name == actorToken || strings.HasPrefix(name, identity)
}
