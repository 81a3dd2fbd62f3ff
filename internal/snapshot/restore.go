// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"fmt"

	"behalf.dev/behalf/internal/snapshot/disk"
)

// Restored is what came of the state folder.
type Restored struct {
	// Taken is how many contents are enforced from it.
	Taken int
	// Refused are those that are not, each a *Refused.
	Refused []error
}

// Restore enforces what lies in the state folder and is in order, by the checks that what comes from a manager must pass. What
// is not in order is not held, so that a manager sends it again. The error says that the folder cannot be read. Under other
// keys it may be called again; what is held by then stays.
func (s *Store) Restore() (Restored, error) {
	if s.folder == nil {
		return Restored{}, nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	all, err := s.folder.Load()
	if err != nil {
		return Restored{}, err
	}
	return s.restore(all), nil
}

func (s *Store) restore(all []disk.Stored) Restored {
	var (
		restored Restored
		steps    []step
	)
	for i := range all {
		k := keyOf(&all[i])
		if s.held[k] != nil || !s.recall(k, &all[i]) {
			continue
		}
		c, err := s.examineStored(k, &all[i])
		if err != nil {
			restored.Refused = append(restored.Refused, s.recordStored(k, err))
			continue
		}
		steps = append(steps, step{index: i, key: k, content: c, stored: true})
	}
	left := s.take(steps)
	s.forgetRefusals(steps)
	for _, one := range left {
		restored.Refused = append(restored.Refused, s.recordStored(one.key, one.err))
	}
	restored.Taken = len(steps) - len(left)
	s.settle(all)
	return restored
}

// recall takes the floor over, and says whether there is or should be more than that.
func (s *Store) recall(k key, stored *disk.Stored) bool {
	if f := stored.Floor; f != nil && s.floors[k].revision < f.Revision {
		s.floors[k] = floor{revision: f.Revision, digest: f.Digest}
	}
	return stored.Artifact.Envelope != nil || stored.Err != nil || stored.FloorErr != nil
}

// settle ends what a crash interrupted: a floor that had not risen yet, a removal whose files are still there. Where that
// fails, the next start finds the same again, and whatever comes in between cannot be written either.
func (s *Store) settle(all []disk.Stored) {
	var writes []disk.Write
	for i := range all {
		k, f := keyOf(&all[i]), all[i].Floor
		if f != nil && (s.held[k] != nil || f.Held == "") {
			writes = append(writes, disk.Write{Floor: s.floorOf(k, s.held[k])})
		}
	}
	_ = s.folder.Save(writes)
}

// nameless stands for files of which nothing tells what they belong to.
func nameless(stem string) key { return key{name: stem} }

func keyOf(stored *disk.Stored) key {
	if stored.Name == "" {
		return nameless(stored.Stem)
	}
	return key{stored.Kind, stored.Name}
}

func (s *Store) forgetRefusals(steps []step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range steps {
		delete(s.refused, one.key)
	}
}

func (s *Store) recordStored(k key, err error) *Refused {
	refused := concerning(k, err)
	refused.Err = fmt.Errorf("in the state folder: %w", refused.Err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals[refused.Reason]++
	s.found[refused.Reason]++
	s.remember(k, refusal{at: s.clock(), reason: refused.Reason, message: refused.Error(), stored: true})
	return refused
}
