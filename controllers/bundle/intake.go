// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"maps"
	"strconv"
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
	// revoked is the highest resource version of a revocation that was told of, made, changed or gone.
	revoked int64
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
	i.note(key, object.GetResourceVersion(), arrived)
}

// remove notes that an object is gone since a resource version.
func (i *intake) remove(key compile.Key, version string, arrived time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.objects, key)
	i.note(key, version, arrived)
}

// revocationsAt says that all changes of revocations up to a resource version were told of.
func (i *intake) revocationsAt(version string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.number(version)
}

// number raises the number of the revocation list. The lock is held.
func (i *intake) number(version string) {
	if at, err := strconv.ParseInt(version, 10, 64); err == nil { // otherwise it is nothing that could be compared: see list
		i.revoked = max(i.revoked, at)
	}
}

// note takes a change down, together with its number: a list under the number of the one before would be another list under
// the same revision. The lock is held.
func (i *intake) note(key compile.Key, version string, arrived time.Time) {
	i.changed[key] = true
	if key.Kind == compile.KindDelegationRevocation {
		i.number(version)
	}
	if !arrived.IsZero() {
		i.arrived.join(arrivals{key: arrived})
	}
}

// taken is what an intake gave.
type taken struct {
	// changes are what became another since the last time, nil for what is gone.
	changes map[compile.Key]client.Object
	// arrived is when they came, as far as they are news.
	arrived arrivals
	// revoked is up to which resource version revocations are known by them.
	revoked int64
}

func (i *intake) take() taken {
	i.mu.Lock()
	defer i.mu.Unlock()
	changes := make(map[compile.Key]client.Object, len(i.changed))
	for key := range i.changed {
		changes[key] = i.objects[key]
	}
	clear(i.changed)
	arrived := i.arrived
	i.arrived = arrivals{}
	return taken{changes: changes, arrived: arrived, revoked: i.revoked}
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
