// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// PayloadType is the DSSE payload type of a Statement.
const PayloadType = "application/vnd.behalf.statement.v1+json"

// Kind says what a statement vouches for.
type Kind string

// The kinds of content.
const (
	KindPolicy      Kind = "Policy"
	KindTrust       Kind = "Trust"
	KindRevocations Kind = "Revocations"
)

// The names of the two contents of which there is one each. Policy bundles are named namespace/name.
const (
	TrustName       = "trust"
	RevocationsName = "revocations"
)

// Statement is what the manager signs: these bytes, under this name, in this revision, may be served until the lease ends.
type Statement struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
	// Revision only grows for one kind and name.
	Revision int64  `json:"revision"`
	Digest   string `json:"digest"`
	// IssuedAt and LeaseUntil are seconds since the Unix epoch.
	IssuedAt   int64 `json:"issuedAt"`
	LeaseUntil int64 `json:"leaseUntil"`
}

// Lease is the end of the lease.
func (s Statement) Lease() time.Time { return time.Unix(s.LeaseUntil, 0) }

// check refuses statements that no manager makes: of an unknown kind or name, or without revision, digest or lease.
func (s Statement) check() error {
	switch {
	case !s.named():
		return fmt.Errorf("statement of kind %q with name %q: no such content", s.Kind, s.Name)
	case s.Revision < 1:
		return fmt.Errorf("statement of %s %s: revision %d is not positive", s.Kind, s.Name, s.Revision)
	case s.Digest == "":
		return fmt.Errorf("statement of %s %s: no digest", s.Kind, s.Name)
	case s.LeaseUntil < s.IssuedAt:
		return fmt.Errorf("statement of %s %s: the lease ends before it begins", s.Kind, s.Name)
	default:
		return nil
	}
}

func (s Statement) named() bool {
	switch s.Kind {
	case KindPolicy:
		namespace, name, ok := strings.Cut(s.Name, "/")
		return ok && namespace != "" && name != "" && !strings.Contains(name, "/")
	case KindTrust:
		return s.Name == TrustName
	case KindRevocations:
		return s.Name == RevocationsName
	default:
		return false
	}
}

// MaxEnvelopeBytes is the largest envelope that is read; ours have a few hundred bytes.
const MaxEnvelopeBytes = 16 << 10

// maxSignatures bounds the work that an envelope can ask for: keys overlap two at a time when they are rotated.
const maxSignatures = 4

// Envelope is a DSSE envelope (github.com/secure-systems-lab/dsse, protocol 1.0).
type Envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     []byte      `json:"payload"`
	Signatures  []Signature `json:"signatures"`
}

// Signature is one signature of an envelope.
type Signature struct {
	KeyID string `json:"keyid"`
	Sig   []byte `json:"sig"`
}

// KeyID names a public key: the first 16 hex digits of the SHA-256 of its bytes.
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}

// Sign gives the bytes of an envelope around the statement.
func Sign(statement Statement, key ed25519.PrivateKey) ([]byte, error) {
	if err := statement.check(); err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	if len(key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("signing %s %s: not an Ed25519 private key", statement.Kind, statement.Name)
	}
	return seal(PayloadType, statement, key)
}

// seal puts what is vouched for into an envelope. The signature covers the payload type: what is signed as one thing is
// never taken for another.
func seal(payloadType string, statement any, key ed25519.PrivateKey) ([]byte, error) {
	payload, err := encode(statement)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	public := ed25519.PublicKey(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
	return encode(Envelope{
		PayloadType: payloadType,
		Payload:     payload,
		Signatures:  []Signature{{KeyID: KeyID(public), Sig: ed25519.Sign(key, preAuthEncoding(payloadType, payload))}},
	})
}

// Verifier checks envelopes against the keys that it was given.
type Verifier struct {
	keys map[string]ed25519.PublicKey
}

// NewVerifier trusts the given keys. With none it refuses everything.
func NewVerifier(keys ...ed25519.PublicKey) *Verifier {
	v := &Verifier{keys: make(map[string]ed25519.PublicKey, len(keys))}
	for _, key := range keys {
		v.keys[KeyID(key)] = key
	}
	return v
}

// ErrUntrusted says that no trusted key signed an envelope.
var ErrUntrusted = errors.New("no trusted key signed this")

// Verify reads an envelope and gives its statement if a trusted key signed it.
func (v *Verifier) Verify(raw []byte) (Statement, error) {
	envelope, err := v.open(PayloadType, raw)
	if err != nil {
		return Statement{}, fmt.Errorf("verifying envelope: %w", err)
	}
	statement, err := envelope.statement()
	if err != nil {
		return Statement{}, fmt.Errorf("verifying envelope: %w", err)
	}
	return statement, nil
}

// open reads an envelope of this payload type that a trusted key signed.
func (v *Verifier) open(payloadType string, raw []byte) (Envelope, error) {
	envelope, err := readEnvelope(payloadType, raw)
	if err != nil {
		return Envelope{}, err
	}
	if !v.signed(envelope) {
		return Envelope{}, ErrUntrusted
	}
	return envelope, nil
}

// Unverified gives an envelope's statement without asking who signed it: to name what came, never to believe it.
func Unverified(raw []byte) (Statement, error) {
	envelope, err := readEnvelope(PayloadType, raw)
	if err != nil {
		return Statement{}, fmt.Errorf("reading envelope: %w", err)
	}
	statement, err := envelope.statement()
	if err != nil {
		return Statement{}, fmt.Errorf("reading envelope: %w", err)
	}
	return statement, nil
}

func readEnvelope(payloadType string, raw []byte) (Envelope, error) {
	if len(raw) > MaxEnvelopeBytes {
		return Envelope{}, fmt.Errorf("%d bytes are more than the %d an envelope may have", len(raw), MaxEnvelopeBytes)
	}
	var envelope Envelope
	if err := decode(raw, &envelope); err != nil {
		return Envelope{}, err
	}
	if envelope.PayloadType != payloadType {
		return Envelope{}, fmt.Errorf("payload type %q is not %q", envelope.PayloadType, payloadType)
	}
	if len(envelope.Signatures) > maxSignatures {
		return Envelope{}, fmt.Errorf("%d signatures are more than %d", len(envelope.Signatures), maxSignatures)
	}
	return envelope, nil
}

func (e Envelope) statement() (Statement, error) {
	var statement Statement
	if err := decode(e.Payload, &statement); err != nil {
		return Statement{}, err
	}
	return statement, statement.check()
}

func (v *Verifier) signed(envelope Envelope) bool {
	signed := preAuthEncoding(envelope.PayloadType, envelope.Payload)
	for _, s := range envelope.Signatures {
		if key, ok := v.keys[s.KeyID]; ok && ed25519.Verify(key, signed, s.Sig) {
			return true
		}
	}
	return false
}

// preAuthEncoding is PAE of the DSSE protocol: every part is preceded by its length, so that no two inputs agree.
func preAuthEncoding(payloadType string, payload []byte) []byte {
	head := fmt.Sprintf("DSSEv1 %d %s %d ", len(payloadType), payloadType, len(payload))
	return append([]byte(head), payload...)
}

// Artifact is a signed envelope together with the content that it speaks of.
type Artifact struct {
	Envelope []byte
	Content  []byte
}

// MarshalBinary gives the form in which it travels: the length of the envelope as 4 bytes, big endian, then the envelope, then
// the content.
func (a Artifact) MarshalBinary() ([]byte, error) {
	if len(a.Envelope) > MaxEnvelopeBytes {
		return nil, fmt.Errorf("writing artifact: envelope of %d bytes is larger than %d", len(a.Envelope), MaxEnvelopeBytes)
	}
	out := make([]byte, 4, 4+len(a.Envelope)+len(a.Content))
	binary.BigEndian.PutUint32(out, uint32(len(a.Envelope))) //nolint:gosec // bounded above
	out = append(out, a.Envelope...)
	return append(out, a.Content...), nil
}

// UnmarshalBinary reads what MarshalBinary wrote. The parts share raw's memory.
func (a *Artifact) UnmarshalBinary(raw []byte) error {
	if len(raw) < 4 {
		return errors.New("reading artifact: shorter than its header")
	}
	size, rest := binary.BigEndian.Uint32(raw), raw[4:]
	if size > MaxEnvelopeBytes || int(size) > len(rest) {
		return fmt.Errorf("reading artifact: envelope of %d bytes in %d", size, len(rest))
	}
	a.Envelope, a.Content = rest[:size:size], rest[size:]
	return nil
}

// Open verifies the envelope and that the content is the one it vouches for.
func (v *Verifier) Open(a Artifact) (Statement, error) {
	statement, err := v.Verify(a.Envelope)
	if err != nil {
		return Statement{}, err
	}
	if got := Digest(a.Content); got != statement.Digest {
		return Statement{}, fmt.Errorf("opening %s %s: content is %s, signed was %s", statement.Kind, statement.Name, got, statement.Digest)
	}
	return statement, nil
}
