// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"behalf.dev/behalf/internal/authz"
)

// gauge measures a value, as far as it goes in so many steps: what is larger than that is only known to be larger.
func gauge(value any, most uint64) extent {
	g := gauging{most: most}
	size := g.measure(value)
	size.nodes, size.bytes = g.nodes, g.bytes
	return size
}

type gauging struct{ nodes, bytes, most uint64 }

// measure adds a value to what there is, and gives what is the value's own: its text and its entries.
func (g *gauging) measure(value any) extent {
	g.nodes++
	switch v := value.(type) {
	case types.String:
		return g.text(len(v))
	case string:
		return g.text(len(v))
	case *urlValue:
		return g.text(len(v.spelt))
	case *authz.Actor:
		g.text(len(v.Namespace) + len(v.ServiceAccount))
		return extent{}
	case *object:
		g.nodes--
		return g.measure(v.native)
	case *types.Optional:
		return g.optional(v)
	case traits.Mapper:
		return g.mapper(v)
	case traits.Lister:
		return g.lister(v)
	}
	return g.native(value)
}

// native goes through lists and maps as they lie in the request.
func (g *gauging) native(value any) extent {
	switch v := value.(type) {
	case []string:
		for _, text := range v {
			g.nodes++
			g.bytes += uint64(len(text))
		}
		return entriesOf(len(v))
	case []any:
		for _, entry := range v {
			if g.over() {
				break
			}
			g.measure(entry)
		}
		return entriesOf(len(v))
	case map[string]any:
		for key, entry := range v {
			if g.over() {
				break
			}
			g.measure(key)
			g.measure(entry)
		}
		return entriesOf(len(v))
	}
	return extent{}
}

func (g *gauging) over() bool { return g.nodes > g.most }

func (g *gauging) text(length int) extent {
	g.bytes += uint64(length)           //nolint:gosec // a length
	return extent{text: uint64(length)} //nolint:gosec // a length
}

func entriesOf(length int) extent { return extent{entries: uint64(length)} } //nolint:gosec // a length

func (g *gauging) optional(o *types.Optional) extent {
	if !o.HasValue() {
		return extent{}
	}
	return g.measure(o.GetValue())
}

func (g *gauging) mapper(m traits.Mapper) extent {
	if native, ok := m.Value().(map[string]any); ok {
		return g.native(native)
	}
	if ordered, ok := m.(orderedMap); ok {
		m = ordered.Mapper
	}
	for it := m.Iterator(); it.HasNext() == types.True && !g.over(); {
		key := it.Next()
		g.measure(key)
		g.measure(m.Get(key))
	}
	return entriesOf(sizeOf(m))
}

func (g *gauging) lister(l traits.Lister) extent {
	switch native := l.Value().(type) {
	case []string, []any:
		return g.native(native)
	case []ref.Val:
		for _, entry := range native {
			if g.over() {
				break
			}
			g.measure(entry)
		}
		return entriesOf(len(native))
	}
	for it := l.Iterator(); it.HasNext() == types.True && !g.over(); {
		g.measure(it.Next())
	}
	return entriesOf(sizeOf(l))
}

func sizeOf(s traits.Sizer) int {
	size, _ := s.Size().(types.Int)
	return int(size)
}
