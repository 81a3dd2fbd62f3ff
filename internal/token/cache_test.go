// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import "testing"

func TestTheCacheForgetsWhatWasUsedLongestAgo(t *testing.T) {
	c := newCache(2)
	verified := 0
	ask := func(raw string) {
		t.Helper()
		got, bad := remember(c, forSubjects, raw, func(raw string) (*string, *Invalid) {
			verified++
			return &raw, nil
		})
		if bad != nil || *got != raw {
			t.Fatalf("remember(%q) = %v, %v", raw, got, bad)
		}
	}
	for _, step := range []struct {
		raw  string
		want int
	}{
		{"a", 1}, {"a", 1}, {"b", 2}, {"a", 2}, {"c", 3}, {"a", 3}, {"b", 4},
	} {
		if ask(step.raw); verified != step.want {
			t.Fatalf("after %q there were %d verifications, want %d", step.raw, verified, step.want)
		}
		if len(c.tokens) > 2 || c.order.Len() > 2 {
			t.Fatalf("the cache holds %d tokens", len(c.tokens))
		}
	}
}

func TestTheCacheKeepsNothingThatDidNotVerify(t *testing.T) {
	c := newCache(2)
	for range 3 {
		if _, bad := remember(c, forSubjects, "a", func(string) (*string, *Invalid) { return nil, invalid("is bad") }); bad == nil {
			t.Fatal("a bad token was taken")
		}
	}
	if len(c.tokens) != 0 {
		t.Errorf("the cache holds %d tokens", len(c.tokens))
	}
}
