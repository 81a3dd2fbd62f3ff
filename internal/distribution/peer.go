// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"context"
	"errors"
	"time"

	"behalf.dev/behalf/internal/authz"
)

// ErrUnauthenticated says that a token was looked at and is not good. Any other error of an Authenticator means that
// nobody could tell.
var ErrUnauthenticated = errors.New("the token does not authenticate an authorizer")

// Authenticator tells whose token it is.
type Authenticator interface {
	// Authenticate reviews a bearer token for the audience TokenAudience.
	Authenticate(ctx context.Context, token string) (Identity, error)
}

// Identity is whom a token authenticates.
type Identity struct {
	Account authz.Actor
	// UID of the service account; a stream ends when it changes.
	UID string
	// Expires is when the token does; zero where unknown.
	Expires time.Time
}

// peer is the authenticated other end of a stream.
type peer struct {
	account authz.Actor
	// node tells instances of one service account apart. The peer chooses it.
	node string
	// clusterWide peers may see everything.
	clusterWide bool
}

// String is namespace/serviceaccount@node.
func (p peer) String() string { return p.account.String() + "@" + p.node }
