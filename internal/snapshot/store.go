// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package snapshot holds what an authorizer enforces. Whatever comes is verified, loaded, written to the state folder where
// there is one, and swapped in as a whole before it counts as applied; whatever is refused leaves the last good content in
// force until its lease ends.
package snapshot

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/engine"
	"behalf.dev/behalf/internal/snapshot/disk"
	"behalf.dev/behalf/internal/token"
)

// Store is the set of bundles that an authorizer holds. Writers wait for each other, and for the disk; readers wait for
// nobody.
type Store struct {
	clock    func() time.Time
	current  atomic.Pointer[engine.Snapshot]
	verifier atomic.Pointer[bundle.Verifier]

	// writing is held by whoever changes something. What stands below it is for the writer alone.
	writing sync.Mutex
	// folder is nil where all is kept in memory only.
	folder *disk.Folder
	// floors outlive what they speak of, so that nothing old returns after a removal. Only signed statements, and what was
	// written of them before a restart, raise them.
	floors map[key]floor

	mu sync.Mutex
	// held is never changed in place.
	held     map[key]*content
	refused  map[key]refusal
	refusals map[Refusal]uint64
	// found counts those of the refusals that concerned what lay in the state folder.
	found map[Refusal]uint64
}

// floor is the highest revision seen, with its digest.
type floor struct {
	revision int64
	digest   string
}

type refusal struct {
	at      time.Time
	reason  Refusal
	message string
	stored  bool
}

// New makes a Store that holds nothing and so denies everything. It believes what the verifier believes, and keeps what it
// takes in memory only.
func New(verifier *bundle.Verifier, clock func() time.Time) *Store {
	s := &Store{
		clock:    clock,
		held:     map[key]*content{},
		floors:   map[key]floor{},
		refused:  map[key]refusal{},
		refusals: map[Refusal]uint64{},
		found:    map[Refusal]uint64{},
	}
	s.verifier.Store(verifier)
	return s
}

// NewIn makes a Store that keeps what it takes in a folder too. It holds nothing until Restore.
func NewIn(folder *disk.Folder, verifier *bundle.Verifier, clock func() time.Time) *Store {
	s := New(verifier, clock)
	s.folder = folder
	return s
}

// Current is what decides now; nil as long as nothing was applied. It never blocks.
func (s *Store) Current() *engine.Snapshot { return s.current.Load() }

// SetVerifier replaces the keys that are believed from now on. What was verified before stays.
func (s *Store) SetVerifier(verifier *bundle.Verifier) { s.verifier.Store(verifier) }

// Apply takes one artifact under the name that it is signed for. On nil it is enforced; any error is a *Refused.
func (s *Store) Apply(artifact bundle.Artifact) error {
	claimed, err := bundle.Unverified(artifact.Envelope)
	if err != nil {
		claimed = bundle.Statement{}
	}
	return s.Update([]bundle.Change{{Operation: bundle.Put, Kind: claimed.Kind, Name: claimed.Name, Artifact: artifact}})[0]
}

// Renew extends the lease of content that is held already. Nothing is loaded again.
func (s *Store) Renew(envelope []byte) error {
	claimed, err := bundle.Unverified(envelope)
	if err != nil {
		claimed = bundle.Statement{}
	}
	return s.Update([]bundle.Change{{
		Operation: bundle.Renew, Kind: claimed.Kind, Name: claimed.Name,
		Artifact: bundle.Artifact{Envelope: envelope},
	}})[0]
}

// Remove drops content; what is not held is no error. The revision floor stays.
func (s *Store) Remove(kind bundle.Kind, name string) error {
	return s.Update([]bundle.Change{{Operation: bundle.Remove, Kind: kind, Name: name}})[0]
}

// Update makes all changes at once, with one swap, and says of each whether it is enforced now (nil) or why not
// (*Refused). Those that are in order take effect whatever becomes of the others. What is enforced is on disk, where there is
// a folder.
func (s *Store) Update(changes []bundle.Change) []error {
	s.writing.Lock()
	defer s.writing.Unlock()
	errs := make([]error, len(changes))
	var steps []step
	for i, change := range changes {
		taken, err := s.examine(change, s.pending(steps))
		if err != nil {
			errs[i] = err
			continue
		}
		steps = append(steps, step{index: i, key: key{change.Kind, change.Name}, content: taken, raw: change.Artifact.Content})
	}
	for _, left := range s.take(steps) {
		errs[left.index] = left.err
	}
	s.persistFloors(changes, errs)
	s.record(changes, errs)
	return errs
}

// step is one examined change: the content to hold, or nil to drop it.
type step struct {
	index   int
	key     key
	content *content
	// raw are the bytes of the content, where the change brought them.
	raw []byte
	// stored says that it lies on disk already.
	stored bool
	err    error
}

// pending gives what would be held after the steps.
func (s *Store) pending(steps []step) func(key) *content {
	return func(k key) *content {
		for _, done := range slices.Backward(steps) {
			if done.key == k {
				return done.content
			}
		}
		return s.held[k]
	}
}

// take makes the steps together. Where they clash with each other or with what is held, or cannot all be written, each is
// tried alone and those left over once more, since one may have had to wait for another to let go of a host. It returns the
// steps left over.
func (s *Store) take(steps []step) []step {
	if len(steps) == 0 || s.swap(steps) == nil {
		return nil
	}
	for {
		left := s.takeEach(steps)
		if len(left) == 0 || len(left) == len(steps) {
			return left
		}
		steps = left
	}
}

func (s *Store) takeEach(steps []step) []step {
	var left []step
	for _, one := range steps {
		if one.err = s.swap([]step{one}); one.err != nil {
			left = append(left, one)
		}
	}
	return left
}

// swap builds the snapshot after the steps, writes them to disk and publishes it, or changes nothing.
func (s *Store) swap(steps []step) error {
	next := maps.Clone(s.held)
	for _, one := range steps {
		if one.content == nil {
			delete(next, one.key)
			continue
		}
		next[one.key] = one.content
	}
	snapshot, err := assemble(next)
	if err != nil {
		return refuse(Conflicting, err)
	}
	if err := s.persist(steps, next); err != nil {
		return refuse(NotPersisted, err)
	}
	s.publish(next, snapshot)
	return nil
}

func (s *Store) publish(held map[key]*content, snapshot *engine.Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = held
	s.current.Store(snapshot)
}

func assemble(held map[key]*content) (*engine.Snapshot, error) {
	var (
		policies    []*engine.Policy
		trust       *token.Trust
		revocations *engine.Revocations
	)
	for _, k := range slices.SortedFunc(maps.Keys(held), compareKeys) {
		c := held[k]
		switch {
		case c.policy != nil:
			policies = append(policies, c.policy)
		case c.trust != nil:
			trust = c.trust
		case c.revocations != nil:
			revocations = c.revocations
		}
	}
	snapshot, err := engine.NewSnapshot(policies, trust, revocations)
	if err != nil {
		return nil, fmt.Errorf("assembling the snapshot: %w", err)
	}
	return snapshot, nil
}

func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
}

// record keeps the last refusal of each content until a change of it is taken.
func (s *Store) record(changes []bundle.Change, errs []error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, change := range changes {
		k := key{change.Kind, change.Name}
		if errs[i] == nil {
			delete(s.refused, k)
			delete(s.refused, nameless(disk.Stem(k.kind, k.name)))
			continue
		}
		refused := concerning(k, errs[i])
		errs[i] = refused
		s.refusals[refused.Reason]++
		s.remember(k, refusal{at: s.clock(), reason: refused.Reason, message: refused.Error()})
	}
}

// maxRefused bounds what is kept about content that is not held: its names come from whoever sent it.
const maxRefused = 1024

func (s *Store) remember(k key, r refusal) {
	if _, known := s.refused[k]; !known && s.held[k] == nil && len(s.refused) >= maxRefused {
		return
	}
	s.refused[k] = r
}

var (
	errForeignName = errors.New("it is signed for another name")
	errNothingHeld = errors.New("nothing is held that could be renewed")
)
