// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package distribution carries signed bundles from managers to authorizers: delta xDS (ADR 0003) on Envoy's v3 messages,
// over TLS, with authenticated peers that get what they may see and nothing else.
package distribution

import (
	"fmt"
	"strconv"
	"strings"

	"behalf.dev/behalf/internal/bundle"
)

// The type URLs of what travels. The value of a resource is the artifact's binary form; of a lease it is an envelope alone.
const (
	typePrefix      = "type.googleapis.com/behalf.dev.v1alpha1."
	PolicyType      = typePrefix + "PolicyBundle"
	TrustType       = typePrefix + "TrustBundle"
	RevocationsType = typePrefix + "RevocationList"
	LeaseType       = typePrefix + "Lease"
)

// TokenAudience is the audience of the service account tokens that authorizers present.
const TokenAudience = "behalf-distribution"

// MaxMessageBytes is the largest message that either side takes.
const MaxMessageBytes = 64 << 20

// wildcard subscribes to all that the peer may see.
const wildcard = "*"

// stream types by their index: a session keeps its state in arrays. They stand in the order in which a peer gets what it is
// owed: what takes rights away first, what only prolongs last.
const (
	revocationsIndex = iota
	trustIndex
	policyIndex
	leaseIndex
	typeCount
)

var typeURLs = [typeCount]string{RevocationsType, TrustType, PolicyType, LeaseType}

func typeIndex(url string) (int, bool) {
	for i, known := range typeURLs {
		if known == url {
			return i, true
		}
	}
	return 0, false
}

func kindIndex(kind bundle.Kind) (int, bool) {
	switch kind {
	case bundle.KindRevocations:
		return revocationsIndex, true
	case bundle.KindTrust:
		return trustIndex, true
	case bundle.KindPolicy:
		return policyIndex, true
	default:
		return 0, false
	}
}

// Key names one content.
type Key struct {
	Kind bundle.Kind
	Name string
}

// String is kind/name, which is also the name of its lease.
func (k Key) String() string { return string(k.Kind) + "/" + k.Name }

// resourceName is what content is called within its type.
func (k Key) resourceName(index int) string {
	if index == leaseIndex {
		return k.String()
	}
	return k.Name
}

// readResourceName is the inverse of resourceName.
func readResourceName(index int, name string) (Key, error) {
	switch index {
	case revocationsIndex:
		return Key{bundle.KindRevocations, name}, nil
	case trustIndex:
		return Key{bundle.KindTrust, name}, nil
	case policyIndex:
		return Key{bundle.KindPolicy, name}, nil
	}
	kind, rest, ok := strings.Cut(name, "/")
	if _, known := kindIndex(bundle.Kind(kind)); !ok || !known {
		return Key{}, fmt.Errorf("lease %q is not named KIND/NAME", name)
	}
	return Key{bundle.Kind(kind), rest}, nil
}

// leaseVersion is the resource version of a lease. It changes with every renewal.
func leaseVersion(s bundle.Statement) string { return fmt.Sprintf("%d.%d", s.Revision, s.IssuedAt) }

// leaseRevision is the revision in a lease's version; 0 where it is none that leaseVersion made.
func leaseRevision(version string) int64 {
	digits, _, _ := strings.Cut(version, ".")
	revision, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0
	}
	return revision
}

// version is the resource version of content or lease.
func version(index int, s bundle.Statement) string {
	if index == leaseIndex {
		return leaseVersion(s)
	}
	return s.Digest
}
