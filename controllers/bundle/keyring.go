// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/internal/bundle"
)

// What the Secret of the signing keys holds.
const (
	signingSecretKey = "ed25519.key"
	nextSecretKey    = "next.key"
	// rotationSecretKey holds a rotationState; without it, the key is as old as the Secret.
	rotationSecretKey = "rotation.json"
)

// RotateAnnotation on the Secret asks for another key out of turn. It goes when that is under way.
const RotateAnnotation = "behalf.dev/rotate"

// request is the value of RotateAnnotation.
type request string

const (
	// rotateNow prepares the next key at once; authorizers learn of it before it signs.
	rotateNow request = "Now"
	// rotateCompromised signs with a new key at once, and has every other key believed no longer.
	rotateCompromised request = "Compromised"
)

// keyring is all that the Secret says. It is replaced and never changed.
type keyring struct {
	signing ed25519.PrivateKey
	since   time.Time
	// next is nil where none is prepared.
	next ed25519.PrivateKey
	// published is when authorizers could begin to learn of next; zero while its public part stands in no config map.
	published time.Time
	// retired are the keys that signed before and are still believed, the latest last.
	retired []retiredKey
	// asked is what the annotation asks for; empty where there is none.
	asked request
}

// retiredKey is believed until all that it signed has run out.
type retiredKey struct {
	public ed25519.PublicKey
	until  time.Time
}

// rotationState is the part of a keyring that is no secret.
type rotationState struct {
	SigningSince  time.Time      `json:"signingSince,omitzero"`
	NextPublished time.Time      `json:"nextPublished,omitzero"`
	Retired       []retiredState `json:"retired,omitempty"`
}

type retiredState struct {
	PublicKey    []byte    `json:"publicKey"`
	TrustedUntil time.Time `json:"trustedUntil"`
}

// publics are the keys that authorizers are to believe: the one that signs first.
func (k *keyring) publics() []ed25519.PublicKey {
	keys := []ed25519.PublicKey{publicOf(k.signing)}
	if k.next != nil {
		keys = append(keys, publicOf(k.next))
	}
	for _, r := range k.retired {
		if !holds(keys, r.public) {
			keys = append(keys, r.public)
		}
	}
	return keys
}

// String says in words which keys there are, by their ids alone (THREATS 25).
func (k *keyring) String() string {
	parts := []string{fmt.Sprintf("%s signs since %s", idOf(k.signing), spell(k.since))}
	switch {
	case k.next != nil && k.published.IsZero():
		parts = append(parts, idOf(k.next)+" is next")
	case k.next != nil:
		parts = append(parts, fmt.Sprintf("%s is next, and known since %s", idOf(k.next), spell(k.published)))
	}
	for _, r := range k.retired {
		parts = append(parts, fmt.Sprintf("%s is believed until %s", bundle.KeyID(r.public), spell(r.until)))
	}
	return strings.Join(parts, "; ")
}

// GoString keeps %#v from printing what is secret.
func (k *keyring) GoString() string { return k.String() }

func spell(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func idOf(key ed25519.PrivateKey) string { return bundle.KeyID(publicOf(key)) }

func publicOf(key ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}

func holds(keys []ed25519.PublicKey, key ed25519.PublicKey) bool {
	return slices.ContainsFunc(keys, func(other ed25519.PublicKey) bool { return other.Equal(key) })
}

// readKeyring reads a Secret. What it cannot read is an error, which never quotes it.
func readKeyring(secret *corev1.Secret) (*keyring, error) {
	signing, err := parseKey(secret.Data, signingSecretKey)
	if err != nil {
		return nil, err
	}
	k := &keyring{signing: signing, asked: request(secret.Annotations[RotateAnnotation])}
	if len(secret.Data[nextSecretKey]) > 0 {
		if k.next, err = parseKey(secret.Data, nextSecretKey); err != nil {
			return nil, err
		}
		if k.next.Equal(k.signing) {
			return nil, fmt.Errorf("its %s is the key that signs already", nextSecretKey)
		}
	}
	state, err := parseState(secret.Data[rotationSecretKey])
	if err != nil {
		return nil, err
	}
	k.since, k.published = state.SigningSince, state.NextPublished
	if k.since.IsZero() {
		k.since = secret.CreationTimestamp.UTC()
	}
	for _, r := range state.Retired {
		k.retired = append(k.retired, retiredKey{public: r.PublicKey, until: r.TrustedUntil})
	}
	return k, nil
}

// parseState is strict: a field that is spelt wrongly could be one that ends the belief in a key.
func parseState(raw []byte) (rotationState, error) {
	var state rotationState
	if len(raw) == 0 {
		return state, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&state); err != nil {
		return rotationState{}, fmt.Errorf("its %s cannot be read: %w", rotationSecretKey, err)
	}
	for i, r := range state.Retired {
		if len(r.PublicKey) != ed25519.PublicKeySize || r.TrustedUntil.IsZero() {
			return rotationState{}, fmt.Errorf("its %s cannot be read: retired[%d] has no Ed25519 publicKey or no trustedUntil", rotationSecretKey, i)
		}
	}
	return state, nil
}

// write puts the whole keyring into a Secret, in the place of what was there.
func (k *keyring) write(secret *corev1.Secret) error {
	data := map[string][]byte{}
	var err error
	if data[signingSecretKey], err = encodeKey(k.signing); err != nil {
		return err
	}
	if k.next != nil {
		if data[nextSecretKey], err = encodeKey(k.next); err != nil {
			return err
		}
	}
	state := rotationState{SigningSince: k.since.UTC(), NextPublished: k.published.UTC()}
	for _, r := range k.retired {
		state.Retired = append(state.Retired, retiredState{PublicKey: r.public, TrustedUntil: r.until.UTC()})
	}
	if data[rotationSecretKey], err = json.Marshal(state); err != nil {
		return fmt.Errorf("encoding the state of the rotation: %w", err)
	}
	secret.Data = data
	if k.asked == "" {
		delete(secret.Annotations, RotateAnnotation)
	} else {
		metav1.SetMetaDataAnnotation(&secret.ObjectMeta, RotateAnnotation, string(k.asked))
	}
	return nil
}

const pemPrivateKey = "PRIVATE KEY"

func encodeKey(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, errors.New("encoding a signing key: it is no Ed25519 key")
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPrivateKey, Bytes: der}), nil
}

// parseKey never quotes what it reads.
func parseKey(data map[string][]byte, name string) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(data[name])
	if block == nil || block.Type != pemPrivateKey {
		return nil, fmt.Errorf("its %s is no PEM private key", name)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("its %s is no PKCS #8 private key", name)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("its %s is no Ed25519 key", name)
	}
	return key, nil
}
