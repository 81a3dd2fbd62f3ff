// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package estate

import (
	"fmt"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/engine"
	"behalf.dev/behalf/internal/token"
)

// Snapshot takes a world the whole way to what decides: compiled, encoded, decoded and indexed.
func Snapshot(w compile.World) (*engine.Snapshot, error) {
	compiled := compile.Compile(w)
	if len(compiled.Problems) > 0 {
		return nil, fmt.Errorf("compiling: %s", compiled.Problems[0])
	}
	var policies []*engine.Policy
	for name, p := range compiled.Policies {
		read, err := travelled(p)
		if err != nil {
			return nil, err
		}
		loaded, err := engine.LoadPolicy(read, statement(bundle.KindPolicy, name.String()))
		if err != nil {
			return nil, err
		}
		policies = append(policies, loaded)
	}
	trust, err := token.NewTrust(compiled.Trust, statement(bundle.KindTrust, bundle.TrustName))
	if err != nil {
		return nil, err
	}
	revocations, err := engine.LoadRevocations(compiled.Revocations, statement(bundle.KindRevocations, bundle.RevocationsName))
	if err != nil {
		return nil, err
	}
	return engine.NewSnapshot(policies, trust, revocations)
}

func travelled[T bundle.Content](content *T) (*T, error) {
	raw, err := bundle.Encode(content)
	if err != nil {
		return nil, err
	}
	return bundle.Decode[T](raw)
}

func statement(kind bundle.Kind, name string) bundle.Statement {
	return bundle.Statement{Kind: kind, Name: name, Revision: 1, Digest: "-", IssuedAt: Now.Unix(), LeaseUntil: LeaseEnd.Unix()}
}
