// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/snapshot"
	"behalf.dev/behalf/test/estate"
)

// signer signs what is measured.
var signer = ed25519.NewKeyFromSeed([]byte("the seed of this benchmark's key"))

func verifier() *bundle.Verifier {
	return bundle.NewVerifier(ed25519.PublicKey(signer[ed25519.PrivateKeySize-ed25519.PublicKeySize:]))
}

// artifacts are what a manager would send for a world, signed.
type artifacts []bundle.Change

// made compiles and signs.
func made(w compile.World) (artifacts, error) {
	compiled := compile.Compile(w)
	if len(compiled.Problems) > 0 {
		return nil, fmt.Errorf("compiling: %w: %s", errProblem, compiled.Problems[0])
	}
	var all artifacts
	for name, p := range compiled.Policies {
		change, err := signed(bundle.KindPolicy, name.String(), p)
		if err != nil {
			return nil, err
		}
		all = append(all, change)
	}
	trust, err := signed(bundle.KindTrust, bundle.TrustName, compiled.Trust)
	if err != nil {
		return nil, err
	}
	revocations, err := signed(bundle.KindRevocations, bundle.RevocationsName, compiled.Revocations)
	if err != nil {
		return nil, err
	}
	return append(all, trust, revocations), nil
}

var errProblem = errors.New("something is wrong with the world")

func signed[T bundle.Content](kind bundle.Kind, name string, content *T) (bundle.Change, error) {
	raw, err := bundle.Encode(content)
	if err != nil {
		return bundle.Change{}, fmt.Errorf("encoding %s: %w", name, err)
	}
	envelope, err := bundle.Sign(statementOf(kind, name, raw), signer)
	if err != nil {
		return bundle.Change{}, fmt.Errorf("signing %s: %w", name, err)
	}
	return bundle.Change{Operation: bundle.Put, Kind: kind, Name: name, Artifact: bundle.Artifact{Envelope: envelope, Content: raw}}, nil
}

func statementOf(kind bundle.Kind, name string, raw []byte) bundle.Statement {
	return bundle.Statement{
		Kind: kind, Name: name, Revision: 1, Digest: bundle.Digest(raw), IssuedAt: estate.Now.Unix(), LeaseUntil: estate.LeaseEnd.Unix(),
	}
}

func (a artifacts) bytes() int64 {
	var total int64
	for i := range a {
		total += int64(len(a[i].Artifact.Content))
	}
	return total
}

// store takes them all, as an authorizer does, and is ready.
func (a artifacts) store() (*snapshot.Store, error) {
	s := snapshot.New(verifier(), func() time.Time { return estate.Now })
	if err := errors.Join(s.Update(a)...); err != nil {
		return nil, fmt.Errorf("loading: %w", err)
	}
	if err := s.Ready(); err != nil {
		return nil, fmt.Errorf("getting ready: %w", err)
	}
	return s, nil
}
