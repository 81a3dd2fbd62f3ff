// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"reflect"
	"testing"

	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

func TestTheLibraries(t *testing.T) {
	in := newInput()
	in.Context = map[string]any{
		"ip": "10.1.2.3", "cidr": "10.1.0.0/16", "email": "alice@example.com", "redirect": "https://alice:secret@app.example:8443/a%20b/c?x=1#top",
		"prices": []any{5.0, 7.5, 2.5}, "ranked": []any{"a", "b", "b"}, "mixed": []any{1.0, "a"}, "none": []any{}, "aud": []any{"x", "y"}, "one": "x",
		"flags": 6.0, "lists": []any{[]any{"a"}, []any{"b", "c"}, []any{}}, "labels": map[string]any{"b": "2", "a": "1"}, "null": nil,
	}
	for expression, want := range map[string]answer{
		// lists, as Kubernetes has them
		"context.prices.map(p, p).sum() == 15.0":                       holds,
		"[1, 2, 3].sum() == 6 && [1u, 2u].sum() == 3u":                 holds,
		"[duration('1m'), duration('1s')].sum() == duration('61s')":    holds,
		"context.none.sum() == 0":                                      holds,
		"context.mixed.sum() == 1.0":                                   failed,
		"[9223372036854775807, 1].sum() == 0":                          failed,
		"context.prices.min() == 2.5 && context.prices.max() == 7.5":   holds,
		"['b', 'a'].min() == 'a' && [now].max() == now":                holds,
		"[true, false].min() == false && [2u, 1u].max() == 2u":         holds,
		"context.none.min() == 1":                                      failed,
		"context.none.max() == 1":                                      failed,
		"context.mixed.min() == 1.0":                                   failed,
		"context.one.min() == 'x'":                                     failed,
		"context.ranked.isSorted() && context.none.isSorted()":         holds,
		"context.prices.isSorted()":                                    unmet,
		"context.mixed.isSorted()":                                     failed,
		"context.lists.isSorted()":                                     failed,
		"context.ranked.indexOf('b') == 1":                             holds,
		"context.ranked.lastIndexOf('b') == 2":                         holds,
		"[1.0, 2.0].indexOf(2.0) == 1 && ['a'].lastIndexOf('z') == -1": holds,
		"context.ranked.indexOf('z') == -1":                            holds,
		"context.aud.includes('y') && !context.aud.includes('z')":      holds,
		"context.one.includes('x') && !context.one.includes('y')":      holds,
		"context['null'].includes(null)":                               holds,
		// lists, as cel-go has them
		"context.ranked.slice(1, 3) == ['b', 'b']":                                         holds,
		"context.ranked.slice(1, 4) == ['b', 'b']":                                         failed,
		"context.ranked.slice(-1, 1) == []":                                                failed,
		"context.ranked.distinct() == ['a', 'b']":                                          holds,
		"context.lists.flatten() == ['a', 'b', 'c']":                                       holds,
		"[subject.groups, ['x']].flatten() == ['customers', 'north', 'x']":                 holds,
		"chain.map(a, a.serviceAccount).join('>') == 'router>portal'":                      holds,
		"subject.groups.join() == 'customersnorth'":                                        holds,
		"context.mixed.join(',') == '1,a'":                                                 failed,
		"sets.contains(context.aud, ['x']) && sets.equivalent(context.ranked, ['b', 'a'])": holds,
		"sets.intersects(context.aud, subject.groups)":                                     unmet,
		// texts
		"context.email.replace('@', ' at ') == 'alice at example.com'":            holds,
		"'aaa'.replace('a', 'b', 2) == 'bba'":                                     holds,
		"context.email.find('[a-z]+[.]com') == 'example.com'":                     holds,
		"context.email.find('[0-9]') == ''":                                       holds,
		"context.email.findAll('[a-z]+') == ['alice', 'example', 'com']":          holds,
		"context.email.findAll('[a-z]+', 2).size() == 2":                          holds,
		"context.email.findAll('[a-z]+', context.one) == []":                      failed,
		"context.prices.find('a') == 'a'":                                         failed,
		"context.email.indexOf('@') == 5 && context.email.lastIndexOf('e') == 12": holds,
		"context.email.charAt(0) == 'a' && 'abc'.charAt(9) == 'a'":                failed,
		"' a '.trim() == 'a' && 'Ab'.upperAscii() == 'AB'":                        holds,
		// numbers
		"math.greatest(1, 2.5, 2u) == 2.5 && math.least([3, 1]) == 1":                                                     holds,
		"math.greatest(context.prices) == 7.5":                                                                            holds,
		"math.least(context.none) == 1":                                                                                   failed,
		"math.abs(-3) == 3 && math.sign(-2.5) == -1.0":                                                                    holds,
		"math.abs(-9223372036854775807 - size(chain) + 1) == 1":                                                           failed,
		"math.ceil(2.1) == 3.0 && math.floor(2.9) == 2.0 && math.round(2.5) == 3.0 && math.trunc(-2.9) == -2.0":           holds,
		"math.isInf(1.0/0.0) && math.isNaN(0.0/0.0) && math.isFinite(1.0)":                                                holds,
		"math.bitAnd(int(context.flags), 4) != 0 && math.bitOr(1, 2) == 3":                                                holds,
		"math.bitXor(3, 1) == 2 && math.bitNot(0) == -1 && math.bitShiftLeft(1, 3) == 8 && math.bitShiftRight(8, 3) == 1": holds,
		"math.bitShiftLeft(1, -size(chain)) == 1":                                                                         failed,
		"math.sqrt(16.0) == 4.0":                                                                                          holds,
		// addresses
		"isIP(context.ip) && !isIP(context.email) && isIP('::1') && !isIP('fe80::1%eth0')":                                         holds,
		"cidr('10.0.0.0/8').containsIP(context.ip)":                                                                                holds,
		"cidr(context.cidr).containsIP(ip(context.ip))":                                                                            holds,
		"cidr('10.0.0.0/8').containsCIDR(context.cidr) && cidr('10.0.0.0/8').containsCIDR(cidr(context.cidr))":                     holds,
		"cidr('192.168.0.0/16').containsIP(context.ip)":                                                                            unmet,
		"cidr('10.0.0.0/8').containsIP(context.email)":                                                                             failed,
		"ip(context.email) == ip('::1')":                                                                                           failed,
		"ip('::ffff:' + context.ip) == ip(context.ip)":                                                                             failed,
		"ip(context.ip) == ip('10.1.2.3') && ip(context.ip).family() == 4":                                                         holds,
		"ip.isCanonical(context.ip) && !ip.isCanonical('2001:DB8::1')":                                                             holds,
		"ip('127.0.0.1').isLoopback() && ip('224.0.0.1').isLinkLocalMulticast() && ip('169.254.0.1').isLinkLocalUnicast()":         holds,
		"ip('8.8.8.8').isGlobalUnicast() && ip('0.0.0.0').isUnspecified()":                                                         holds,
		"isCIDR(context.cidr) && cidr(context.cidr).prefixLength() == 16 && cidr('10.1.2.3/16').masked() == cidr(context.cidr)":    holds,
		"cidr('10.1.2.3/16').ip() == ip(context.ip) && cidr(context.cidr).isMask() && string(cidr(context.cidr)) == '10.1.0.0/16'": holds,
		"string(ip(context.ip)) == '10.1.2.3'":                                                                                     holds,
		// URLs
		"isURL(context.redirect) && isURL('/a') && !isURL('a/b') && !isURL(context.one)":                          holds,
		"url(context.redirect).getScheme() == 'https'":                                                            holds,
		"url(context.redirect).getHost() == 'app.example:8443'":                                                   holds,
		"url(context.redirect).getHostname() == 'app.example'":                                                    holds,
		"url(context.redirect).getPort() == '8443'":                                                               holds,
		"url(context.redirect).getEscapedPath() == '/a%20b/c'":                                                    holds,
		"url('/a').getHost() == '' && url('https://[::1]:80/').getHostname() == '::1'":                            holds,
		"url(context.redirect) == url(context.redirect) && url('/a') != url('/b') && dyn(url('/a')) != dyn('/a')": holds,
		"url(context.email).getHost() == 'x'":                                                                     failed,
		"url('../a').getHost() == ''":                                                                             failed,
		"isURL(context.prices)":                                                                                   failed,
		// names for values, and loops over two
		"cel.bind(d, subject.claims.department, d == 'north' && d in subject.groups)":    holds,
		"cel.bind(x, [1, 2], cel.bind(y, x.map(i, i * 2), y == [2, 4]))":                 holds,
		"cel.bind(x, context.nothing, true)":                                             holds, // what is not looked at is not read
		"cel.bind(x, context.nothing, x == 1)":                                           failed,
		"context.labels.exists(k, v, k == 'b' && v == '2')":                              holds,
		"context.labels.all(k, v, k < 'c')":                                              holds,
		"context.labels.existsOne(k, v, v == '1')":                                       holds,
		"context.labels.transformList(k, v, k + '=' + string(v)) == ['a=1', 'b=2']":      holds,
		"context.labels.transformList(k, v, k != 'a', v) == ['2']":                       holds,
		"subject.groups.exists(i, g, i == 1 && g == 'north')":                            holds,
		"chain.transformList(i, a, string(i) + a.namespace) == ['0routing', '1support']": holds,
		"context.one.exists(k, v, true)":                                                 failed,
	} {
		if got, err := ask(t, expression, in); got != want {
			t.Errorf("%s %s (%v), want: %s", expression, got, err, want)
		}
	}
}

func TestURLsKeepToThemselves(t *testing.T) {
	address := toURL(types.String("https://a.example/b"))
	if got := address.ConvertToType(urlType); got != address {
		t.Errorf("as itself it is %v", got)
	}
	if got := address.ConvertToType(types.TypeType); got != ref.Val(urlType) || address.Type() != ref.Type(urlType) {
		t.Errorf("its type is %v", got)
	}
	if got := address.ConvertToType(types.StringType); !types.IsError(got) {
		t.Errorf("as a text it is %v", got)
	}
	if got, err := address.ConvertToNative(reflect.TypeFor[string]()); err == nil {
		t.Errorf("natively it is %v", got)
	}
	if got := address.Value(); got == nil {
		t.Error("it is nothing")
	}
}

// CEL's type guards keep these from happening, and the functions do not rely on it.
func TestFunctionsTakeNothingThatTheyCannot(t *testing.T) {
	for name, got := range map[string]ref.Val{
		"the order of a number":       isSorted(types.Int(1)),
		"the sum of a text":           sumFrom(types.Int(0))(types.String("1")),
		"the least of nothing":        outermost("min", -1)(types.NullValue),
		"the place in a number":       firstPlace(types.Int(1), types.Int(1)),
		"the last place in a number":  lastPlace(types.Int(1), types.Int(1)),
		"the URL of a number":         toURL(types.Int(1)),
		"whether a number is a URL":   isURL(types.Int(1)),
		"a URL that cannot be parsed": toURL(types.String("https://a.example/%zz")),
		"a URL with a wrong fragment": toURL(types.String("/a#%zz")),
	} {
		if !types.IsError(got) {
			t.Errorf("%s is %v", name, got)
		}
	}
}

func TestValuesAreMeasuredWholly(t *testing.T) {
	d, err := theDialect()
	if err != nil {
		t.Fatal(err)
	}
	in := newInput()
	for _, c := range []struct {
		name  string
		value any
		want  extent
	}{
		{"a text", types.String("aé"), extent{nodes: 1, bytes: 3, text: 3}},
		{"a number", types.Int(1), extent{nodes: 1}},
		{"nothing", nil, extent{nodes: 1}},
		{"an optional", types.OptionalOf(types.String("abc")), extent{nodes: 2, bytes: 3, text: 3}},
		{"an empty optional", types.OptionalNone, extent{nodes: 1}},
		{"groups", d.words.NativeToValue([]string{"ab", "c"}), extent{nodes: 3, bytes: 3, entries: 2}},
		{"a list of the request", d.words.NativeToValue([]any{"ab", 1.0, []any{"c"}}), extent{nodes: 5, bytes: 3, entries: 3}},
		{"a map of the request", d.words.NativeToValue(map[string]any{"ab": []any{true, "c"}}), extent{nodes: 5, bytes: 3, entries: 1}},
		{"a list that is made", types.NewRefValList(d.words, []ref.Val{types.String("ab"), types.True}), extent{nodes: 3, bytes: 2, entries: 2}},
		{"a list of another kind", types.NewDynamicList(d.words, []int64{1, 2}), extent{nodes: 3, entries: 2}},
		{"a map that is made", inOrder(types.NewRefValMap(d.words, map[ref.Val]ref.Val{types.String("a"): types.String("bc")})), extent{nodes: 3, bytes: 3, entries: 1}},
		{"an actor", d.words.NativeToValue(&in.Actor), extent{nodes: 1, bytes: 13}},
		{"a subject", d.words.NativeToValue(in.Subject), extent{nodes: 1}},
		{"a URL", toURL(types.String("/abc")), extent{nodes: 1, bytes: 4, text: 4}},
	} {
		if got := gauge(c.value, 1_000); got.nodes != c.want.nodes || got.bytes != c.want.bytes || got.text != c.want.text || got.entries != c.want.entries {
			t.Errorf("%s is measured as %+v, want %+v", c.name, got, c.want)
		}
	}
	// What is larger than it may be is not measured to its end.
	long := types.NewRefValList(d.words, make([]ref.Val, 0))
	for range 20 {
		long = types.NewRefValList(d.words, []ref.Val{long, long})
	}
	if got := gauge(long, 1_000); got.nodes < 1_000 || got.nodes > 2_000 {
		t.Errorf("it went through %d", got.nodes)
	}
}

func TestEveryFunctionThatIsAllowedIsThere(t *testing.T) {
	d, err := theDialect()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"select_optional_field": true} // CEL's checker knows it alone
	for name, function := range d.env.Functions() {
		for _, overload := range function.OverloadDecls() {
			known[overload.ID()] = true
			if p := functions[overload.ID()]; p == nil || p.more == nil || name == operators.Equals || name == operators.NotEquals {
				continue
			}
			_, byOverload := d.functions.FindOverload(overload.ID())
			_, byName := d.functions.FindOverload(name)
			if !byOverload && !byName {
				t.Errorf("%s of %s has a price and is not there to be run", overload.ID(), name)
			}
		}
	}
	for overload := range functions {
		if !known[overload] {
			t.Errorf("there is no %s", overload)
		}
	}
}
