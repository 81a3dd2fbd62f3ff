// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"errors"
	"fmt"

	"behalf.dev/behalf/internal/bundle"
)

// examine judges one change against what is held so far and gives the content to hold, nil to drop it.
func (s *Store) examine(change bundle.Change, held func(key) *content) (*content, error) {
	k := key{change.Kind, change.Name}
	switch change.Operation {
	case bundle.Put:
		return s.examinePut(k, change.Artifact, held(k))
	case bundle.Renew:
		return s.examineRenewal(k, change.Artifact.Envelope, held(k))
	case bundle.Remove:
		return nil, nil //nolint:nilnil // nothing is what is to be held
	default:
		return nil, refuse(Malformed, fmt.Errorf("operation %q is unknown", change.Operation))
	}
}

func (s *Store) examinePut(k key, artifact bundle.Artifact, held *content) (*content, error) {
	statement, err := s.verify(k, artifact.Envelope)
	if err != nil {
		return nil, err
	}
	if got := bundle.Digest(artifact.Content); got != statement.Digest {
		return nil, refuse(Altered, fmt.Errorf("the content is %s, signed was %s", got, statement.Digest))
	}
	if err := s.raiseFloor(k, statement); err != nil {
		return nil, err
	}
	if held != nil && held.statement.Digest == statement.Digest {
		return held.renewed(later(held.statement, statement)), nil
	}
	return load(artifact.Content, statement)
}

func (s *Store) examineRenewal(k key, envelope []byte, held *content) (*content, error) {
	statement, err := s.verify(k, envelope)
	if err != nil {
		return nil, err
	}
	if held == nil {
		return nil, refuse(NotHeld, errNothingHeld)
	}
	if held.statement.Digest != statement.Digest {
		return nil, refuse(NotHeld, fmt.Errorf("held is %s, renewed was %s", held.statement.Digest, statement.Digest))
	}
	if err := s.raiseFloor(k, statement); err != nil {
		return nil, err
	}
	return held.renewed(later(held.statement, statement)), nil
}

// verify checks the signature and that the statement speaks of what it came as.
func (s *Store) verify(k key, envelope []byte) (bundle.Statement, error) {
	statement, err := s.verifier.Verify(envelope)
	switch {
	case errors.Is(err, bundle.ErrUntrusted):
		return bundle.Statement{}, refuse(Untrusted, err)
	case err != nil:
		return bundle.Statement{}, refuse(Malformed, err)
	case k != key{statement.Kind, statement.Name}:
		return bundle.Statement{}, refuse(WrongName, fmt.Errorf("%w: %s %s", errForeignName, statement.Kind, statement.Name))
	default:
		return statement, nil
	}
}

// raiseFloor refuses what is older than anything signed that was seen under this name, and remembers the newest. It rises
// before the content is loaded: that a revision cannot be used here does not make an older one current again.
func (s *Store) raiseFloor(k key, statement bundle.Statement) error {
	seen := s.floors[k]
	switch {
	case statement.Revision < seen.revision:
		return refuse(RolledBack, fmt.Errorf("revision %d is older than %d, which was seen before", statement.Revision, seen.revision))
	case statement.Revision == seen.revision && statement.Digest != seen.digest:
		return refuse(RolledBack, fmt.Errorf("revision %d was seen before with another content", statement.Revision))
	default:
		s.floors[k] = floor{revision: statement.Revision, digest: statement.Digest}
		return nil
	}
}

// later is the statement that leaves the content valid for longer: a replayed lease does not shorten the one at hand.
func later(held, came bundle.Statement) bundle.Statement {
	if came.Revision == held.Revision && came.LeaseUntil < held.LeaseUntil {
		return held
	}
	return came
}
