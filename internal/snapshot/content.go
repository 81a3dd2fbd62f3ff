// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"bytes"
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
	statement bundle.Statement
	// envelope is the one that the statement came in, for the state folder.
	envelope        []byte
	policy          *engine.Policy
	trust           *token.Trust
	revocations     *engine.Revocations
	maxStaleSeconds int32
}

// load makes ready to decide with what the statement vouches for.
func load(artifact bundle.Artifact, s bundle.Statement) (*content, error) {
	c, err := loadContent(artifact.Content, s)
	if err != nil {
		return nil, err
	}
	c.envelope = bytes.Clone(artifact.Envelope) // not to keep all that it came in
	return c, nil
}

func loadContent(raw []byte, s bundle.Statement) (*content, error) {
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

// follow is the same content under the statement that came, if that is newer or leaves it valid for longer: a replayed lease
// does not shorten the one at hand.
func (c *content) follow(s bundle.Statement, envelope []byte, newer bool) *content {
	if !newer && s.LeaseUntil <= c.statement.LeaseUntil {
		return c
	}
	return c.renewed(s, envelope)
}

// renewed shares the loaded parts.
func (c *content) renewed(s bundle.Statement, envelope []byte) *content {
	next := &content{statement: s, envelope: bytes.Clone(envelope), maxStaleSeconds: c.maxStaleSeconds}
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
