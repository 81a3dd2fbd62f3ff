// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"
)

// ReplicaPayloadType is the DSSE payload type of a ReplicaStatement.
const ReplicaPayloadType = "application/vnd.behalf.replica.v1+json"

// ReplicaStatement is how a replica of the manager proves to the leader that it is one: replicas alone have the key that
// bundles are signed with.
type ReplicaStatement struct {
	// Replica says who presents it, Leader to whom.
	Replica string `json:"replica"`
	Leader  string `json:"leader"`
	// IssuedAt is in seconds since the Unix epoch.
	IssuedAt int64 `json:"issuedAt"`
}

const (
	// replicaStatementAge is for how long a statement is good, and replicaClockSkew how far ahead its signer's clock may be.
	replicaStatementAge = time.Minute
	replicaClockSkew    = 10 * time.Second
)

// SignReplica gives the bytes of an envelope around the statement.
func SignReplica(statement ReplicaStatement, key ed25519.PrivateKey) ([]byte, error) {
	if statement.Replica == "" || statement.Leader == "" {
		return nil, errors.New("signing a replica's statement: replica and leader must be named")
	}
	if len(key) != ed25519.PrivateKeySize {
		return nil, errors.New("signing a replica's statement: not an Ed25519 private key")
	}
	return seal(ReplicaPayloadType, statement, key)
}

// VerifyReplica gives the statement of an envelope if a trusted key signed it for this leader not long ago.
func (v *Verifier) VerifyReplica(raw []byte, leader string, now time.Time) (ReplicaStatement, error) {
	statement, err := v.replicaStatement(raw)
	if err != nil {
		return ReplicaStatement{}, fmt.Errorf("verifying a replica's statement: %w", err)
	}
	issued := time.Unix(statement.IssuedAt, 0)
	switch {
	case statement.Replica == "" || statement.Leader == "" || statement.Leader != leader:
		return ReplicaStatement{}, fmt.Errorf("verifying a replica's statement: it is for leader %q, and this is %q", statement.Leader, leader)
	case now.Sub(issued) > replicaStatementAge || issued.Sub(now) > replicaClockSkew:
		return ReplicaStatement{}, fmt.Errorf("verifying a replica's statement: it was made at %s, and it is %s: see that the clocks agree",
			issued.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	default:
		return statement, nil
	}
}

func (v *Verifier) replicaStatement(raw []byte) (statement ReplicaStatement, err error) {
	envelope, err := v.open(ReplicaPayloadType, raw)
	if err != nil {
		return ReplicaStatement{}, err
	}
	return statement, decode(envelope.Payload, &statement)
}
