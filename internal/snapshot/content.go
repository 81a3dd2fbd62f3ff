// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"fmt"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/engine"
	"behalf.dev/behalf/internal/token"
)

// key names one content.
type key struct {
	kind bundle.Kind
	name string
}

func (k key) String() string { return string(k.kind) + " " + k.name }

// content is one loaded bundle. It does not change; exactly one of the parts is set.
type content struct {
	statement       bundle.Statement
	policy          *engine.Policy
	trust           *token.Trust
	revocations     *engine.Revocations
	maxStaleSeconds int32
}

// load reads the canonical bytes that the statement vouches for and makes them ready to decide with.
func load(raw []byte, s bundle.Statement) (*content, error) {
	switch s.Kind {
	case bundle.KindPolicy:
		return loadPolicy(raw, s)
	case bundle.KindTrust:
		return loadTrust(raw, s)
	case bundle.KindRevocations:
		return loadRevocations(raw, s)
	default:
		return nil, refuse(Malformed, fmt.Errorf("kind %q is unknown", s.Kind))
	}
}

func loadPolicy(raw []byte, s bundle.Statement) (*content, error) {
	decoded, err := bundle.Decode[bundle.Policy](raw)
	if err != nil {
		return nil, refuse(Malformed, err)
	}
	if named := decoded.ResourceServer.Namespace + "/" + decoded.ResourceServer.Name; named != s.Name {
		return nil, refuse(WrongName, fmt.Errorf("it is signed for %s and speaks of resource server %s", s.Name, named))
	}
	policy, err := engine.LoadPolicy(decoded, s)
	if err != nil {
		return nil, refuse(Unloadable, err)
	}
	return &content{statement: s, policy: policy, maxStaleSeconds: decoded.MaxStaleSeconds}, nil
}

func loadTrust(raw []byte, s bundle.Statement) (*content, error) {
	decoded, err := bundle.Decode[bundle.Trust](raw)
	if err != nil {
		return nil, refuse(Malformed, err)
	}
	trust, err := token.NewTrust(decoded, s)
	if err != nil {
		return nil, refuse(Unloadable, err)
	}
	return &content{statement: s, trust: trust}, nil
}

func loadRevocations(raw []byte, s bundle.Statement) (*content, error) {
	decoded, err := bundle.Decode[bundle.Revocations](raw)
	if err != nil {
		return nil, refuse(Malformed, err)
	}
	revocations, err := engine.LoadRevocations(decoded, s)
	if err != nil {
		return nil, refuse(Unloadable, err)
	}
	return &content{statement: s, revocations: revocations}, nil
}

// renewed is the same content under a later statement; the loaded parts are shared.
func (c *content) renewed(s bundle.Statement) *content {
	next := &content{statement: s, maxStaleSeconds: c.maxStaleSeconds}
	switch {
	case c.policy != nil:
		next.policy = c.policy.WithStatement(s)
	case c.trust != nil:
		next.trust = c.trust.WithStatement(s)
	case c.revocations != nil:
		next.revocations = c.revocations.WithStatement(s)
	}
	return next
}
