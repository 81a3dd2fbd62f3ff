// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"fmt"
	"runtime"
	"testing"
)

// manifold are conditions as people write them, each with something in it that makes it distinct.
var manifold = []string{
	"resource.properties.owner == subject.id && resource.properties.site != 'site-%d'",
	"context.purpose == 'purpose-%d'",
	"has(context.ticket) && context.ticket.startsWith('CASE-%d-') && 'agents' in subject.groups",
	"now - subject.authTime < duration('%ds')",
	"resource.properties.region in subject.claims.regions && resource.properties.level <= %d",
	"subject.claims.?clearance.orValue(0) >= %d || resource.type == 'notice'",
	"context.items.all(i, i.price < %d)",
	"resource.properties.teams.exists(t, t in subject.groups) && resource.id != 'r-%d'",
	"resource.id.matches('^[a-z]{2}-%d-[0-9]+$')",
	"chain.exists(a, a.namespace == 'ns-%d') && actor.serviceAccount in ['portal', 'desk', 'mail']",
}

// TestALoadedConditionIsSmall holds the memory of a thousand distinct conditions, each kind of them equally often.
func TestALoadedConditionIsSmall(t *testing.T) {
	const conditions, most = 1_000, 6 << 10
	mustLoad(t, "true") // the environment is not theirs
	expressions, checked := make([]string, conditions), make([][]byte, conditions)
	for i := range expressions {
		expressions[i] = fmt.Sprintf(manifold[i%len(manifold)], 1+i)
		checked[i] = checkedOf(t, expressions[i])
	}
	programs := make([]*Program, conditions)
	before := heap()
	for i := range programs {
		program, err := Load(expressions[i], checked[i])
		if err != nil {
			t.Fatalf("%s: %v", expressions[i], err)
		}
		programs[i] = program
	}
	each := (heap() - before) / conditions
	t.Logf("%d bytes each", each)
	if each > most {
		t.Errorf("%d bytes each, more than %d", each, most)
	}
	runtime.KeepAlive(programs)
	runtime.KeepAlive(checked)
}

func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// BenchmarkLoadManifold is what a bundle costs whose conditions are all new, for each of them.
func BenchmarkLoadManifold(b *testing.B) {
	expressions, checked := make([]string, len(manifold)), make([][]byte, len(manifold))
	for i := range manifold {
		expressions[i] = fmt.Sprintf(manifold[i], 1)
		checked[i] = checkedOf(b, expressions[i])
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := load(expressions[i%len(manifold)], checked[i%len(manifold)]); err != nil {
			b.Fatal(err)
		}
	}
}
