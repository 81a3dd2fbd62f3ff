// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"maps"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/internal/compile"
)

// intake is what the caches have told of: the objects that there are, and which of them became others since they were taken
// last. Objects are shared with the caches and never changed.
type intake struct {
	mu      sync.Mutex
	objects map[compile.Key]client.Object
	changed map[compile.Key]bool
}

func newIntake() *intake {
	return &intake{objects: map[compile.Key]client.Object{}, changed: map[compile.Key]bool{}}
}

func (i *intake) put(key compile.Key, object client.Object) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.objects[key], i.changed[key] = object, true
}

func (i *intake) remove(key compile.Key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.objects, key)
	i.changed[key] = true
}

// take gives what became another since the last time; nil for what is gone.
func (i *intake) take() map[compile.Key]client.Object {
	i.mu.Lock()
	defer i.mu.Unlock()
	changes := make(map[compile.Key]client.Object, len(i.changed))
	for key := range i.changed {
		changes[key] = i.objects[key]
	}
	clear(i.changed)
	return changes
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
