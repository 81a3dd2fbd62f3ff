// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"fmt"
	"net/url"
	"reflect"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

var urlType = cel.OpaqueType("net.URL")

// urlLibrary has url() and isURL() and what Kubernetes reads from a URL, by its names. A URL is absolute, or an absolute path.
func urlLibrary() []cel.EnvOption {
	return []cel.EnvOption{
		cel.Function("url", cel.Overload("string_to_url", []*cel.Type{cel.StringType}, urlType, cel.UnaryBinding(toURL))),
		cel.Function("isURL", cel.Overload("is_url_string", []*cel.Type{cel.StringType}, cel.BoolType, cel.UnaryBinding(isURL))),
		getter("getScheme", "url_get_scheme", func(u *url.URL) string { return u.Scheme }),
		getter("getHost", "url_get_host", func(u *url.URL) string { return u.Host }),
		getter("getHostname", "url_get_hostname", (*url.URL).Hostname),
		getter("getPort", "url_get_port", (*url.URL).Port),
		getter("getEscapedPath", "url_get_escaped_path", (*url.URL).EscapedPath),
	}
}

// urlFunctions: escaping makes three bytes of one.
var urlFunctions = priceList(
	map[string]*price{
		"string_to_url": parsed(bytesPerParse).giving(func(of []*extent) *extent { return scalar(plus(numeral, times(3, of[0].text))) }),
		"is_url_string": parsed(bytesPerParse),
	},
	priced(scanning(bytesPerScan).giving(someText), []string{
		"url_get_scheme", "url_get_host", "url_get_hostname", "url_get_port", "url_get_escaped_path",
	}),
)

func getter(function, overload string, get func(*url.URL) string) cel.EnvOption {
	return cel.Function(function, cel.MemberOverload(overload, []*cel.Type{urlType}, cel.StringType, cel.UnaryBinding(func(value ref.Val) ref.Val {
		parsed, ok := value.(*urlValue)
		if !ok {
			return types.MaybeNoSuchOverloadErr(value)
		}
		return types.String(get(parsed.url))
	})))
}

// urlValue is a URL that has been parsed.
type urlValue struct {
	url *url.URL
	// spelt is how it is written; URLs that are written alike are equal.
	spelt string
}

func toURL(value ref.Val) ref.Val {
	text, ok := value.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(value)
	}
	// The one refuses what is relative, and the other knows fragments.
	if _, err := url.ParseRequestURI(string(text)); err != nil {
		return types.NewErr("type conversion error from a text to a URL")
	}
	parsed, err := url.Parse(string(text))
	if err != nil {
		return types.NewErr("type conversion error from a text to a URL")
	}
	return &urlValue{parsed, parsed.String()}
}

func isURL(value ref.Val) ref.Val {
	text, ok := value.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(value)
	}
	_, err := url.ParseRequestURI(string(text))
	return types.Bool(err == nil)
}

// ConvertToNative gives the URL or how it is written.
func (u *urlValue) ConvertToNative(want reflect.Type) (any, error) {
	return nil, fmt.Errorf("%w from %s to %s", errNoConversion, urlType, want)
}

// ConvertToType converts to nothing but itself and its type.
func (u *urlValue) ConvertToType(want ref.Type) ref.Val {
	switch want.TypeName() {
	case urlType.TypeName():
		return u
	case types.TypeType.TypeName():
		return urlType
	default:
		return types.NewErr("type conversion error from %s to %s", urlType, want.TypeName())
	}
}

// Equal compares how URLs are written.
func (u *urlValue) Equal(other ref.Val) ref.Val {
	v, ok := other.(*urlValue)
	return types.Bool(ok && u.spelt == v.spelt)
}

// Type is the type of URLs.
func (u *urlValue) Type() ref.Type { return urlType }

// Value is the URL.
func (u *urlValue) Value() any { return u.url }
