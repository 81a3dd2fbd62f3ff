// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"container/list"
	"crypto/sha256"
	"sync"
)

// cacheSize is how many verified tokens are remembered. Each costs a few kilobytes at most, as a token does.
const cacheSize = 4096

// use is what a token was verified for: one that passes as a subject token is not thereby an actor token.
type use uint8

const (
	forSubjects use = iota
	forActors
)

// cacheKey names a token by its digest, so that no token lies about in memory for longer than its request.
type cacheKey struct {
	use    use
	digest [sha256.Size]byte
}

// cache remembers the tokens verified last; the one used longest ago gives way. Only what verified is remembered, so that
// garbage pushes nothing out.
type cache struct {
	mu     sync.Mutex
	limit  int
	order  *list.List // of *remembered, the one used last in front
	tokens map[cacheKey]*list.Element
}

type remembered struct {
	key   cacheKey
	value any
}

func newCache(limit int) *cache {
	return &cache{limit: limit, order: list.New(), tokens: make(map[cacheKey]*list.Element)}
}

func (c *cache) get(key cacheKey) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.tokens[key]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(element)
	return element.Value.(*remembered).value, true //nolint:errcheck // the list holds nothing else
}

func (c *cache) put(key cacheKey, value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if element, ok := c.tokens[key]; ok {
		c.order.MoveToFront(element)
		return
	}
	c.tokens[key] = c.order.PushFront(&remembered{key: key, value: value})
	if last := c.order.Back(); c.order.Len() > c.limit {
		delete(c.tokens, c.order.Remove(last).(*remembered).key) //nolint:errcheck // the list holds nothing else
	}
}

// remember gives what verify found in this very token before, or asks it and keeps the answer. Nothing that depends on the
// time of day may be part of the answer.
func remember[T any](c *cache, use use, raw string, verify func(string) (*T, *Invalid)) (*T, *Invalid) {
	if len(raw) > MaxSize {
		return verify(raw)
	}
	key := cacheKey{use: use, digest: sha256.Sum256([]byte(raw))}
	if value, ok := c.get(key); ok {
		if known, ok := value.(*T); ok {
			return known, nil
		}
	}
	found, bad := verify(raw)
	if bad != nil {
		return nil, bad
	}
	c.put(key, found)
	return found, nil
}
