// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"errors"
	"fmt"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/snapshot/disk"
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
	if err := unaltered(artifact.Content, statement); err != nil {
		return nil, err
	}
	newer, err := s.raiseFloor(k, statement)
	if err != nil {
		return nil, err
	}
	if held != nil && held.statement.Digest == statement.Digest {
		return held.follow(statement, artifact.Envelope, newer), nil
	}
	return load(artifact, statement)
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
	newer, err := s.raiseFloor(k, statement)
	if err != nil {
		return nil, err
	}
	return held.follow(statement, envelope, newer), nil
}

// examineStored judges what lies in the state folder as strictly as what comes from the manager. What was in force there may
// be of an earlier revision than the floor, where the floor's own was refused; nothing else may.
func (s *Store) examineStored(k key, stored *disk.Stored) (*content, error) {
	if stored.Artifact.Envelope == nil {
		return nil, refuse(Damaged, errors.Join(stored.FloorErr, stored.Err))
	}
	statement, err := s.verify(k, stored.Artifact.Envelope)
	if err != nil {
		return nil, err
	}
	if err := s.admitStored(k, stored.Floor, statement); err != nil {
		return nil, err
	}
	if stored.Err != nil {
		return nil, refuse(Damaged, stored.Err)
	}
	if err := unaltered(stored.Artifact.Content, statement); err != nil {
		return nil, err
	}
	if stored.Floor == nil {
		return nil, refuse(FloorLost, stored.FloorErr)
	}
	return load(stored.Artifact, statement)
}

// admitStored takes what was in force when the floor was written, and what is newer: then a crash came before the floor rose.
// Where the floor is lost, what is signed was seen, and that is the least that the floor must have been.
func (s *Store) admitStored(k key, floor *disk.Floor, statement bundle.Statement) error {
	if floor != nil && statement.Digest == floor.Held {
		return nil
	}
	_, err := s.raiseFloor(k, statement)
	if err == nil && floor != nil && statement.Revision <= floor.Revision {
		err = refuse(RolledBack, fmt.Errorf("it is no longer in force: %w", &bundle.RolledBackError{Floor: floor.Revision}))
	}
	return err
}

// verify checks the signature and that the statement speaks of what it came as.
func (s *Store) verify(k key, envelope []byte) (bundle.Statement, error) {
	statement, err := s.verifier.Load().Verify(envelope)
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

func unaltered(raw []byte, statement bundle.Statement) error {
	if got := bundle.Digest(raw); got != statement.Digest {
		return refuse(Altered, fmt.Errorf("the content is %s, signed was %s", got, statement.Digest))
	}
	return nil
}

// raiseFloor refuses what is older than anything signed that was seen under this name, and remembers the newest; it says
// whether this is it. The same content under a lower revision is nothing old: another replica of the manager signed it. The
// floor rises before the content is loaded: that a revision cannot be used here does not make an older one current again.
func (s *Store) raiseFloor(k key, statement bundle.Statement) (newer bool, err error) {
	seen := s.floors[k]
	switch {
	case statement.Revision > seen.revision:
		s.floors[k] = floor{revision: statement.Revision, digest: statement.Digest}
		return true, nil
	case statement.Digest == seen.digest:
		return false, nil
	default:
		return false, refuse(RolledBack, fmt.Errorf("revision %d has another content: %w", statement.Revision, &bundle.RolledBackError{Floor: seen.revision}))
	}
}
