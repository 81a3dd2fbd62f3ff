// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/internal/bundle"
)

// Where the signing key is kept, in the manager's own namespace, and where its public part is for authorizers to read.
const (
	SigningSecret    = "behalf-bundle-signing"
	signingSecretKey = "ed25519.key"
	KeysConfigMap    = "behalf-bundle-keys"
	// KeysConfigMapKey holds what bundle.ParsePublicKeys reads.
	KeysConfigMapKey = "keys"
)

// checkKeyEvery is how often Secret and ConfigMap are looked at again.
const checkKeyEvery = 30 * time.Second

const pemPrivateKey = "PRIVATE KEY"

// SigningKey is the key that bundles are signed with, the same on every replica. It runs on every replica.
type SigningKey struct {
	client    client.Client
	namespace string
	log       logr.Logger
	onChange  func()
	current   atomic.Pointer[ed25519.PrivateKey]
}

// NewSigningKey gives a SigningKey that knows none before the first Ensure. The client has no cache: the manager may not
// list Secrets. onChange is called after the key became another one.
func NewSigningKey(c client.Client, namespace string, log logr.Logger, onChange func()) *SigningKey {
	return &SigningKey{client: c, namespace: namespace, log: log, onChange: onChange}
}

// Current is the key; false as long as there is none.
func (k *SigningKey) Current() (ed25519.PrivateKey, bool) {
	if key := k.current.Load(); key != nil {
		return *key, true
	}
	return nil, false
}

// NeedLeaderElection is false: every replica signs.
func (k *SigningKey) NeedLeaderElection() bool { return false }

// Start looks after the key until the context ends.
func (k *SigningKey) Start(ctx context.Context) error {
	wait := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = checkKeyEvery
		if err := k.Ensure(ctx); err != nil && ctx.Err() == nil {
			wait = time.Second
			k.log.Error(err, "looking after the bundle signing key; will try again", "after", wait.String())
		}
	}
}

// Ensure reads the key or makes it, and publishes its public part. What was lost is put back as it was.
func (k *SigningKey) Ensure(ctx context.Context) error {
	key, err := k.ensureSecret(ctx)
	if err != nil {
		return err
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return errors.New("the signing key has no public part")
	}
	// Authorizers must be able to know the key before anything is signed with it.
	if err := k.ensureConfigMap(ctx, bundle.MarshalPublicKeys(public)); err != nil {
		return err
	}
	if old := k.current.Swap(&key); old == nil || !old.Equal(key) {
		k.log.Info("bundles are signed with", "key", bundle.KeyID(public))
		k.onChange()
	}
	return nil
}

func (k *SigningKey) ensureSecret(ctx context.Context) (ed25519.PrivateKey, error) {
	var secret corev1.Secret
	err := k.client.Get(ctx, client.ObjectKey{Namespace: k.namespace, Name: SigningSecret}, &secret)
	if apierrors.IsNotFound(err) {
		return k.createSecret(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("reading secret %s: %w", SigningSecret, err)
	}
	key, err := parseKey(secret.Data[signingSecretKey])
	if err != nil {
		return nil, fmt.Errorf("reading secret %s: %w; delete it to have a new key made", SigningSecret, err)
	}
	return key, nil
}

// createSecret keeps the key in use, if there is one: losing the Secret alone makes no bundle unverifiable.
func (k *SigningKey) createSecret(ctx context.Context) (ed25519.PrivateKey, error) {
	key, ok := k.Current()
	if !ok {
		_, made, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("generating the signing key: %w", err)
		}
		key = made
	}
	encoded, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	err = k.client.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: k.namespace, Name: SigningSecret},
		Data:       map[string][]byte{signingSecretKey: encoded},
	})
	if apierrors.IsAlreadyExists(err) {
		// Another replica was faster; its key is the one.
		return k.ensureSecret(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("creating secret %s: %w", SigningSecret, err)
	}
	return key, nil
}

func (k *SigningKey) ensureConfigMap(ctx context.Context, keys string) error {
	var config corev1.ConfigMap
	err := k.client.Get(ctx, client.ObjectKey{Namespace: k.namespace, Name: KeysConfigMap}, &config)
	if apierrors.IsNotFound(err) {
		config.Namespace, config.Name = k.namespace, KeysConfigMap
		config.Data = map[string]string{KeysConfigMapKey: keys}
		if err := k.client.Create(ctx, &config); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("creating config map %s: %w", KeysConfigMap, err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading config map %s: %w", KeysConfigMap, err)
	}
	if config.Data[KeysConfigMapKey] == keys {
		return nil
	}
	config.Data = map[string]string{KeysConfigMapKey: keys}
	if err := k.client.Update(ctx, &config); err != nil {
		return fmt.Errorf("updating config map %s: %w", KeysConfigMap, err)
	}
	return nil
}

func encodeKey(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding the signing key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPrivateKey, Bytes: der}), nil
}

// parseKey never quotes what it reads.
func parseKey(raw []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != pemPrivateKey {
		return nil, fmt.Errorf("its %s is no PEM private key", signingSecretKey)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("its %s is no PKCS #8 private key", signingSecretKey)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("its %s is no Ed25519 key", signingSecretKey)
	}
	return key, nil
}
