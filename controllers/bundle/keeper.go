// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/internal/bundle"
)

// maxSteps bounds one look of a keeper; a rotation has fewer at a time.
const maxSteps = 16

// KeyKeeper makes the signing keys, publishes their public parts and has them follow each other. It runs on the leader
// alone. All that it knows is in the Secret, so that any other leader goes on from there.
type KeyKeeper struct {
	key      *SigningKey
	rotation Rotation
	now      func() time.Time
}

// NewKeyKeeper gives the KeyKeeper of a SigningKey, whose client it uses.
func NewKeyKeeper(key *SigningKey, rotation Rotation, now func() time.Time) *KeyKeeper {
	return &KeyKeeper{key: key, rotation: rotation, now: now}
}

// NeedLeaderElection is true: one at a time rotates.
func (k *KeyKeeper) NeedLeaderElection() bool { return true }

// Start looks after the keys until the context ends.
func (k *KeyKeeper) Start(ctx context.Context) error {
	for {
		again, err := k.Look(ctx)
		if ctx.Err() == nil {
			k.key.kept(err)
		}
		if !wait(ctx, again) {
			return nil
		}
	}
}

// Look takes all steps that are due, and says when to look again. A conflict with another writer is an error: what is
// written by then is read at the next look.
func (k *KeyKeeper) Look(ctx context.Context) (again time.Duration, err error) {
	ring, err := k.settle(ctx)
	if err != nil {
		return retryKeysAfter, err
	}
	if err := k.key.Look(ctx); err != nil {
		return retryKeysAfter, err
	}
	return k.until(k.rotation.nextStep(ring)), ring.complaint()
}

// until is how long to wait for a step, at most until the next look.
func (k *KeyKeeper) until(step time.Time) time.Duration {
	if step.IsZero() {
		return lookAtKeysEvery
	}
	return max(min(step.Sub(k.now()), lookAtKeysEvery), 0)
}

// settle writes step by step, reading before each, until nothing is left to write.
func (k *KeyKeeper) settle(ctx context.Context) (*keyring, error) {
	for range maxSteps {
		ring, wrote, err := k.stepOn(ctx)
		if err != nil || !wrote {
			return ring, err
		}
	}
	return nil, fmt.Errorf("secret %s or config map %s is changed by somebody else as often as it is written: find out by whom", SigningSecret, KeysConfigMap)
}

// stepOn writes one thing: the Secret first, and what follows from it into the config map.
func (k *KeyKeeper) stepOn(ctx context.Context) (ring *keyring, wrote bool, err error) {
	config, err := readKeys(ctx, k.key.client, k.key.namespace)
	if err != nil {
		return nil, false, err
	}
	var secret corev1.Secret
	err = k.key.client.Get(ctx, client.ObjectKey{Namespace: k.key.namespace, Name: SigningSecret}, &secret)
	if apierrors.IsNotFound(err) {
		return nil, true, k.create(ctx, config)
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading secret %s: %w", SigningSecret, err)
	}
	if ring, err = readKeyring(&secret); err != nil {
		return nil, false, damaged(err)
	}
	next, err := k.rotation.step(ring, config.keys, k.now(), generateKey)
	if err != nil {
		return nil, false, err
	}
	if next != nil {
		return nil, true, k.update(ctx, &secret, next)
	}
	wrote, err = k.publish(ctx, config, bundle.MarshalPublicKeys(ring.publics()...))
	return ring, wrote, err
}

func generateKey() (ed25519.PrivateKey, error) {
	_, made, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating a signing key: %w", err)
	}
	return made, nil
}

// create makes the Secret: as it was, where that is remembered, or with a new key, where no authorizer believes another.
func (k *KeyKeeper) create(ctx context.Context, config publishedKeys) error {
	ring := k.key.remembered()
	if ring == nil {
		if strings.TrimSpace(config.text) != "" {
			return lost(config.keys)
		}
		var err error
		if ring, err = fresh(k.now(), generateKey); err != nil {
			return err
		}
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: k.key.namespace, Name: SigningSecret}}
	if err := ring.write(secret); err != nil {
		return err
	}
	// Another that was faster made the one that counts; it is read next.
	if err := k.key.client.Create(ctx, secret); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating secret %s: %w", SigningSecret, err)
	}
	k.key.log.Info("created the secret of the bundle signing keys", "keys", ring.String())
	return nil
}

// lost says that a new key would be refused by every authorizer that believes those in the config map.
func lost(published []ed25519.PublicKey) error {
	var ids []string
	for _, key := range published {
		ids = append(ids, bundle.KeyID(key))
	}
	if len(ids) == 0 {
		return fmt.Errorf("secret %s is gone, and config map %s cannot be read: restore the secret, or delete the config map too to have a new key made; "+
			"authorizers refuse what it signs until their copy of the config map follows", SigningSecret, KeysConfigMap)
	}
	return fmt.Errorf("secret %s is gone, and authorizers believe %s of config map %s: restore the secret, or delete the config map too to have a new key made; "+
		"authorizers refuse what it signs until their copy of the config map follows", SigningSecret, strings.Join(ids, ", "), KeysConfigMap)
}

// update holds on to the resource version that was read, so that of two writers one is refused.
func (k *KeyKeeper) update(ctx context.Context, secret *corev1.Secret, next *keyring) error {
	if err := next.write(secret); err != nil {
		return err
	}
	if err := k.key.client.Update(ctx, secret); err != nil {
		return fmt.Errorf("updating secret %s: %w", SigningSecret, err)
	}
	k.key.log.Info("the bundle signing keys took a step", "keys", next.String())
	return nil
}

func (k *KeyKeeper) publish(ctx context.Context, config publishedKeys, text string) (wrote bool, err error) {
	if config.text == text {
		return false, nil
	}
	if config.object == nil {
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: k.key.namespace, Name: KeysConfigMap}}
		object.Data = map[string]string{KeysConfigMapKey: text}
		if err := k.key.client.Create(ctx, object); err != nil && !apierrors.IsAlreadyExists(err) {
			return false, fmt.Errorf("creating config map %s: %w", KeysConfigMap, err)
		}
		return true, nil
	}
	config.object.Data = map[string]string{KeysConfigMapKey: text}
	if err := k.key.client.Update(ctx, config.object); err != nil {
		return false, fmt.Errorf("updating config map %s: %w", KeysConfigMap, err)
	}
	return true, nil
}

// Validate says what is wrong with a rotation, by the names of flags.
func (r Rotation) Validate() error {
	var errs []error
	if r.Propagation < time.Second {
		errs = append(errs, fmt.Errorf("--signing-key-propagation: %s is too short for any authorizer to learn of a key; a second is the least", r.Propagation))
	}
	if r.Period != 0 && r.Period <= r.Propagation {
		errs = append(errs, fmt.Errorf("--signing-key-period: %s is no longer than --signing-key-propagation; 0 is for never", r.Period))
	}
	return errors.Join(errs...)
}
