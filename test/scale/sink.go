// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"sync"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
)

// sink is what one authorizer hands to its client: it passes on what comes, and notes what was taken.
type sink struct {
	distribution.Sink

	number   int
	arrivals *arrivals
}

// Update notes the changes once they are enforced, which is just before they are acknowledged.
func (s *sink) Update(changes []bundle.Change) []error {
	errs := s.Sink.Update(changes)
	s.arrivals.note(s.number, changes, errs)
	return errs
}

// verifying is an authorizer but for the index that decides: it verifies signature and digest, holds revisions against each
// other, and keeps the statements. A thousand that also decode and load would ask for a thousand times the processor and the memory that
// each has for itself where it runs.
type verifying struct {
	verifier *bundle.Verifier

	mu   sync.Mutex
	held map[distribution.Key]bundle.Statement
}

func newVerifying(verifier *bundle.Verifier) *verifying {
	return &verifying{verifier: verifier, held: map[distribution.Key]bundle.Statement{}}
}

// Update takes what is in order.
func (v *verifying) Update(changes []bundle.Change) []error {
	v.mu.Lock()
	defer v.mu.Unlock()
	errs := make([]error, len(changes))
	for i, change := range changes {
		errs[i] = v.take(change)
	}
	return errs
}

func (v *verifying) take(change bundle.Change) error {
	key := distribution.Key{Kind: change.Kind, Name: change.Name}
	if change.Operation == bundle.Remove {
		delete(v.held, key)
		return nil
	}
	statement, err := v.open(change)
	if err != nil {
		return err
	}
	held, holds := v.held[key]
	switch {
	case statement.Kind != key.Kind || statement.Name != key.Name:
		return fmt.Errorf("%s came as %s", statement.Name, key)
	case statement.Revision < held.Revision:
		return fmt.Errorf("revision %d of %s came after %d", statement.Revision, key, held.Revision)
	case change.Operation == bundle.Renew && (!holds || held.Digest != statement.Digest):
		return fmt.Errorf("a lease of %s came for other content than is held", key)
	}
	v.held[key] = statement
	return nil
}

func (v *verifying) open(change bundle.Change) (bundle.Statement, error) {
	if change.Operation == bundle.Renew {
		return v.verifier.Verify(change.Artifact.Envelope)
	}
	return v.verifier.Open(change.Artifact)
}

// Held gives the statements.
func (v *verifying) Held() []bundle.Statement {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make([]bundle.Statement, 0, len(v.held))
	for _, statement := range v.held {
		all = append(all, statement)
	}
	return all
}
