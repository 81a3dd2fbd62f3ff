// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"maps"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/internal/compile"
)

// intake is what the caches have told of: the objects that there are, and which of them became others since they were taken
// last, and when those came that are news. Objects are shared with the caches and never changed.
type intake struct {
	mu      sync.Mutex
	objects map[compile.Key]client.Object
	changed map[compile.Key]bool
	arrived arrivals
}

func newIntake() *intake {
	return &intake{objects: map[compile.Key]client.Object{}, changed: map[compile.Key]bool{}, arrived: arrivals{}}
}

// put takes an object; arrived is when the change of it came, zero where it is no news.
func (i *intake) put(key compile.Key, object client.Object, arrived time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.objects[key] = object
	i.note(key, arrived)
}

func (i *intake) remove(key compile.Key, arrived time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.objects, key)
	i.note(key, arrived)
}

// note takes a change down. The lock is held.
func (i *intake) note(key compile.Key, arrived time.Time) {
	i.changed[key] = true
	if !arrived.IsZero() {
		i.arrived.join(arrivals{key: arrived})
	}
}

// take gives what became another since the last time, nil for what is gone, and when it came as far as it is news.
func (i *intake) take() (changes map[compile.Key]client.Object, arrived arrivals) {
	i.mu.Lock()
	defer i.mu.Unlock()
	changes = make(map[compile.Key]client.Object, len(i.changed))
	for key := range i.changed {
		changes[key] = i.objects[key]
	}
	clear(i.changed)
	arrived, i.arrived = i.arrived, arrivals{}
	return changes, arrived
}

// all are the objects that there are.
func (i *intake) all() map[compile.Key]client.Object {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.objects)
}

// again has everything taken once more.
func (i *intake) again() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for key := range i.objects {
		i.changed[key] = true
	}
}
