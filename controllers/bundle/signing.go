// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/internal/bundle"
)

// Where the signing keys are kept, in the manager's own namespace, and where their public parts are for authorizers to read.
const (
	SigningSecret = "behalf-bundle-signing"
	KeysConfigMap = "behalf-bundle-keys"
	// KeysConfigMapKey holds what bundle.ParsePublicKeys reads.
	KeysConfigMapKey = "keys"
)

// Times of the look at Secret and ConfigMap.
const (
	lookAtKeysEvery = 5 * time.Second
	// retryKeysAfter is when a look that failed is taken again.
	retryKeysAfter = time.Second
)

// SigningKey is the key that bundles are signed with: what the Secret says, on every replica. It writes nothing; the
// leader's KeyKeeper does.
type SigningKey struct {
	client    client.Client
	namespace string
	log       logr.Logger
	onChange  func()
	current   atomic.Pointer[ed25519.PrivateKey]
	// looking has one look end before the next begins, so that none takes back what a later one found.
	looking sync.Mutex

	mu sync.Mutex
	// ring is the Secret as it was last read in good order.
	ring *keyring
	// problem is why following fails, and keeping why the leader's KeyKeeper does, which knows more.
	problem, keeping error
}

// NewSigningKey gives a SigningKey that knows none before the first Look. The client has no cache: the manager may not
// list Secrets. onChange is called after the key became another one.
func NewSigningKey(c client.Client, namespace string, log logr.Logger, onChange func()) *SigningKey {
	return &SigningKey{
		client: c, namespace: namespace, log: log, onChange: onChange,
		problem: errors.New("not looked at yet"),
	}
}

// Current is the key; false as long as there is none.
func (k *SigningKey) Current() (ed25519.PrivateKey, bool) {
	if key := k.current.Load(); key != nil {
		return *key, true
	}
	return nil, false
}

// Ready says why there is no key; nil where there is one.
func (k *SigningKey) Ready() error {
	if _, ok := k.Current(); ok {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return cmp.Or(k.keeping, k.problem)
}

// String says in words which keys there are, and what is wrong with where they are kept.
func (k *SigningKey) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	problem := cmp.Or(k.keeping, k.problem)
	switch {
	case k.ring == nil:
		return "none yet"
	case problem != nil:
		return fmt.Sprintf("%s; these stay in use, but %v", k.ring, problem)
	default:
		return k.ring.String()
	}
}

// NeedLeaderElection is false: every replica signs.
func (k *SigningKey) NeedLeaderElection() bool { return false }

// Start follows the Secret until the context ends.
func (k *SigningKey) Start(ctx context.Context) error {
	for {
		again := lookAtKeysEvery
		if err := k.Look(ctx); err != nil {
			again = retryKeysAfter
		}
		if !wait(ctx, again) {
			return nil
		}
	}
}

// Look reads the Secret and takes its key into use. While that fails, the key that was read before stays.
func (k *SigningKey) Look(ctx context.Context) error {
	k.looking.Lock()
	defer k.looking.Unlock()
	ring, err := k.read(ctx)
	if err == nil {
		err = k.use(ctx, ring)
	}
	if ctx.Err() == nil {
		k.note(err)
	}
	return err
}

func (k *SigningKey) read(ctx context.Context) (*keyring, error) {
	var secret corev1.Secret
	err := k.client.Get(ctx, client.ObjectKey{Namespace: k.namespace, Name: SigningSecret}, &secret)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("secret %s is not there: the leader makes it, or says why not", SigningSecret)
	}
	if err != nil {
		return nil, fmt.Errorf("reading secret %s: %w", SigningSecret, err)
	}
	ring, err := readKeyring(&secret)
	if err != nil {
		return nil, damaged(err)
	}
	return ring, nil
}

// damaged says what to do about a Secret that cannot be read.
func damaged(err error) error {
	return fmt.Errorf("reading secret %s: %w; restore it, or delete it: a leader that has read it before puts it back as it was, "+
		"any other says what else must go for a new key to be made", SigningSecret, err)
}

// use takes a key into use once authorizers can know it: it stands in the config map.
func (k *SigningKey) use(ctx context.Context, ring *keyring) error {
	before, signs := k.Current()
	if signs && before.Equal(ring.signing) {
		k.remember(ring)
		return nil
	}
	config, err := readKeys(ctx, k.client, k.namespace)
	if err != nil {
		return err
	}
	if !holds(config.keys, publicOf(ring.signing)) {
		return fmt.Errorf("signing key %s is not in config map %s yet: the leader puts it there", idOf(ring.signing), KeysConfigMap)
	}
	k.remember(ring)
	k.current.Store(&ring.signing)
	k.log.Info("bundles are signed with", "key", idOf(ring.signing), "keys", ring.String())
	k.onChange()
	return nil
}

func (k *SigningKey) remember(ring *keyring) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ring = ring
}

// remembered is what was last read in good order; nil where nothing was.
func (k *SigningKey) remembered() *keyring {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ring
}

// note takes down why following fails; nil where it does not.
func (k *SigningKey) note(problem error) {
	k.replace(&k.problem, problem, "following the bundle signing key; will try again")
}

// kept is note for the KeyKeeper.
func (k *SigningKey) kept(problem error) {
	k.replace(&k.keeping, problem, "looking after the bundle signing keys; will try again")
}

// replace logs a problem when it comes, and not again while it stays.
func (k *SigningKey) replace(held *error, problem error, doing string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if problem != nil && errorText(problem) != errorText(*held) {
		k.log.Error(problem, doing)
	}
	*held = problem
}

// publishedKeys is what the config map says.
type publishedKeys struct {
	// object is nil where there is none.
	object *corev1.ConfigMap
	text   string
	// keys are none where the text cannot be read.
	keys []ed25519.PublicKey
}

func readKeys(ctx context.Context, c client.Client, namespace string) (publishedKeys, error) {
	var object corev1.ConfigMap
	err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: KeysConfigMap}, &object)
	if apierrors.IsNotFound(err) {
		return publishedKeys{}, nil
	}
	if err != nil {
		return publishedKeys{}, fmt.Errorf("reading config map %s: %w", KeysConfigMap, err)
	}
	found := publishedKeys{object: &object, text: object.Data[KeysConfigMapKey]}
	if keys, err := bundle.ParsePublicKeys([]byte(found.text)); err == nil {
		found.keys = keys
	}
	return found, nil
}
