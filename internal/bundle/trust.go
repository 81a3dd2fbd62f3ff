// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import "behalf.dev/behalf/internal/authz"

// Trust is whom authorizers believe: the keys of issuers and of the cluster, and which service accounts exist.
type Trust struct {
	Format  int      `json:"format"`
	Issuers []Issuer `json:"issuers,omitempty"`
	// Cluster vouches for service account tokens; nil accepts none.
	Cluster *Cluster `json:"cluster,omitempty"`
	// ServiceAccounts pins the UID of every service account that any ServiceDelegation speaks of, so that one made anew
	// under an old name inherits nothing.
	ServiceAccounts []ServiceAccount `json:"serviceAccounts,omitempty"`
}

// Issuer is one TrustedIssuer with its keys.
type Issuer struct {
	Source     authz.ObjectRef `json:"source"`
	Name       string          `json:"name"`
	URL        string          `json:"url"`
	Audiences  []string        `json:"audiences"`
	Algorithms []string        `json:"algorithms"`
	// JWKS is the JWK set (RFC 7517), public keys only.
	JWKS          string   `json:"jwks"`
	UsernameClaim string   `json:"usernameClaim,omitempty"`
	GroupsClaim   string   `json:"groupsClaim,omitempty"`
	SessionClaim  string   `json:"sessionClaim,omitempty"`
	ScopesClaim   string   `json:"scopesClaim,omitempty"`
	Unbounded     bool     `json:"unbounded,omitempty"`
	Forward       []string `json:"forward,omitempty"`
}

// Cluster is the API server's service account issuer.
type Cluster struct {
	Issuer string `json:"issuer"`
	JWKS   string `json:"jwks"`
}

// ServiceAccount pins one service account.
type ServiceAccount struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// UID of the service account; empty where it does not exist, and then no token is its.
	UID string `json:"uid,omitempty"`
}

// Revocations is the revocation list.
type Revocations struct {
	Format  int          `json:"format"`
	Entries []Revocation `json:"entries,omitempty"`
}

// Revocation is one DelegationRevocation. Exactly one of the targets is set.
type Revocation struct {
	Source authz.ObjectRef `json:"source"`
	// IssuedBefore limits it to what was issued before; 0 revokes all.
	IssuedBefore int64      `json:"issuedBefore,omitempty"`
	Subject      *Person    `json:"subject,omitempty"`
	Session      *Person    `json:"session,omitempty"`
	Actor        *Service   `json:"actor,omitempty"`
	Edge         *GraphEdge `json:"edge,omitempty"`
	Grant        *Service   `json:"grant,omitempty"`
	Transaction  string     `json:"transaction,omitempty"`
	Token        string     `json:"token,omitempty"`
}

// Person is an id at an issuer: of a subject or of a session.
type Person struct {
	Issuer string `json:"issuer"`
	ID     string `json:"id"`
}

// Service is a name in a namespace: of a service account or of a grant.
type Service struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// GraphEdge is one step of a chain. Exactly one of Subject and From is set.
type GraphEdge struct {
	Subject *Person  `json:"subject,omitempty"`
	From    *Service `json:"from,omitempty"`
	To      Service  `json:"to"`
}
