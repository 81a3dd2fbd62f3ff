// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"
	"time"
)

var signedAt = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)

// THREATS 38
func TestAReplicaIsBelievedByTheLeaderThatItSpeaksToAndNotForLong(t *testing.T) {
	t.Parallel()
	verifier := NewVerifier(publicOf(ours))
	statement := ReplicaStatement{Replica: "b", Leader: "a", IssuedAt: signedAt.Unix()}
	for sentence, tc := range map[string]struct {
		key    ed25519.PrivateKey
		leader string
		after  time.Duration
		want   string
	}{
		"at once":                                 {ours, "a", 0, ""},
		"a minute later":                          {ours, "a", time.Minute, ""},
		"by a clock that is a little behind":      {ours, "a", -10 * time.Second, ""},
		"more than a minute later":                {ours, "a", 61 * time.Second, "see that the clocks agree"},
		"from the future":                         {ours, "a", -11 * time.Second, "see that the clocks agree"},
		"to another leader":                       {ours, "c", 0, `it is for leader "a", and this is "c"`},
		"signed with a key that is nobody's":      {theirs, "a", 0, ErrUntrusted.Error()},
		"to a leader that does not know its name": {ours, "", 0, "it is for leader"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			raw, err := SignReplica(statement, tc.key)
			if err != nil {
				t.Fatal(err)
			}
			got, err := verifier.VerifyReplica(raw, tc.leader, signedAt.Add(tc.after))
			if tc.want == "" && (err != nil || got != statement) || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// THREATS 38: the key is the same, and what it signs as one thing is never taken for another.
func TestStatementsOfReplicasAndOfBundlesAreNotTakenForOneAnother(t *testing.T) {
	t.Parallel()
	verifier := NewVerifier(publicOf(ours))
	replica, err := SignReplica(ReplicaStatement{Replica: "b", Leader: "a", IssuedAt: signedAt.Unix()}, ours)
	if err != nil {
		t.Fatal(err)
	}
	ofBundle, err := Sign(Statement{
		Kind: KindTrust, Name: TrustName, Revision: 1, Digest: "sha256:00", LeaseUntil: signedAt.Unix(),
	}, ours)
	if err != nil {
		t.Fatal(err)
	}
	retyped := func(raw []byte, from, to string) []byte { return bytes.Replace(raw, []byte(from), []byte(to), 1) }
	asBundle := func(raw []byte) error { _, err := verifier.Verify(raw); return err }
	asReplica := func(raw []byte) error { _, err := verifier.VerifyReplica(raw, "a", signedAt); return err }
	for sentence, tc := range map[string]struct {
		err  error
		want string
	}{
		"a replica's for a bundle's":                   {asBundle(replica), "payload type"},
		"a replica's for a bundle's, its type altered": {asBundle(retyped(replica, ReplicaPayloadType, PayloadType)), ErrUntrusted.Error()},
		"a bundle's for a replica's":                   {asReplica(ofBundle), "payload type"},
		"a bundle's for a replica's, its type altered": {asReplica(retyped(ofBundle, PayloadType, ReplicaPayloadType)), ErrUntrusted.Error()},
	} {
		if tc.err == nil || !strings.Contains(tc.err.Error(), tc.want) {
			t.Errorf("%s: %v", sentence, tc.err)
		}
	}
}

func TestAReplicaThatIsNotNamedSignsNothing(t *testing.T) {
	t.Parallel()
	for sentence, statement := range map[string]ReplicaStatement{
		"no replica": {Leader: "a"}, "no leader": {Replica: "b"},
	} {
		if _, err := SignReplica(statement, ours); err == nil {
			t.Errorf("%s: it was signed", sentence)
		}
	}
	if _, err := SignReplica(ReplicaStatement{Replica: "b", Leader: "a"}, nil); err == nil {
		t.Error("signed without a key")
	}
}
