// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"errors"
	"slices"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/snapshot/disk"
)

// persist writes what the steps change.
func (s *Store) persist(steps []step, next map[key]*content) error {
	if s.folder == nil {
		return nil
	}
	var writes []disk.Write
	done := map[key]bool{}
	for _, one := range slices.Backward(steps) {
		if !done[one.key] && !one.stored {
			done[one.key] = true
			writes = append(writes, s.write(one.key, steps, next[one.key]))
		}
	}
	return s.folder.Save(writes)
}

// write is what must lie on disk of one content. A renewal brings an envelope and no content; a lease that ends before the
// one at hand brings nothing.
func (s *Store) write(k key, steps []step, next *content) disk.Write {
	w := disk.Write{Floor: s.floorOf(k, next)}
	held := s.held[k]
	if next == nil || next == held {
		return w
	}
	w.Envelope = next.envelope
	if held == nil || held.statement.Digest != next.statement.Digest {
		w.Content = rawOf(k, steps, next)
	}
	return w
}

// rawOf finds the bytes of a content in the step that brought it: after that, only renewals came.
func rawOf(k key, steps []step, c *content) []byte {
	for _, one := range slices.Backward(steps) {
		if one.key == k && one.raw != nil && bundle.Digest(one.raw) == c.statement.Digest {
			return one.raw
		}
	}
	return nil
}

func (s *Store) floorOf(k key, held *content) disk.Floor {
	f := disk.Floor{Kind: k.kind, Name: k.name, Revision: s.floors[k].revision, Digest: s.floors[k].digest}
	if held != nil {
		f.Held = held.statement.Digest
	}
	return f
}

// persistFloors writes the floors that refused changes raised: what was seen and could not be used must stay seen. Those of
// changes that could not be written are left, for half of them may lie there.
func (s *Store) persistFloors(changes []bundle.Change, errs []error) {
	var (
		writes []disk.Write
		whose  []int
	)
	for i, change := range changes {
		k := key{change.Kind, change.Name}
		if _, known := s.floors[k]; known && errs[i] != nil && concerning(k, errs[i]).Reason != NotPersisted {
			writes, whose = append(writes, disk.Write{Floor: s.floorOf(k, s.held[k])}), append(whose, i)
		}
	}
	if s.folder == nil || len(writes) == 0 {
		return
	}
	if err := s.folder.Save(writes); err != nil {
		for _, i := range whose {
			errs[i] = refuse(NotPersisted, errors.Join(err, errs[i]))
		}
	}
}
