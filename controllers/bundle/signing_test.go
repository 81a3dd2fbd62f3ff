// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"crypto/ed25519"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"behalf.dev/behalf/internal/bundle"
)

const system = "behalf-system"

func ensure(t *testing.T, k *SigningKey) ed25519.PrivateKey {
	t.Helper()
	if err := k.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	key, ok := k.Current()
	if !ok {
		t.Fatal("no key after Ensure")
	}
	return key
}

func published(t *testing.T, c client.Client) []ed25519.PublicKey {
	t.Helper()
	var config corev1.ConfigMap
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: system, Name: KeysConfigMap}, &config); err != nil {
		t.Fatal(err)
	}
	keys, err := bundle.ParsePublicKeys([]byte(config.Data[KeysConfigMapKey]))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func remove(t *testing.T, c client.Client, object client.Object, name string) {
	t.Helper()
	object.SetNamespace(system)
	object.SetName(name)
	if err := c.Delete(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

func TestSigningKeyIsMadeKeptAndPutBack(t *testing.T) {
	c := fake.NewClientBuilder().Build()
	changes := 0
	k := NewSigningKey(c, system, logr.Discard(), func() { changes++ })
	if _, ok := k.Current(); ok {
		t.Fatal("a key before the first Ensure")
	}
	made := ensure(t, k)
	if got := published(t, c); len(got) != 1 || !got[0].Equal(made.Public()) {
		t.Fatalf("published %v", got)
	}

	other := NewSigningKey(c, system, logr.Discard(), func() {})
	if !ensure(t, other).Equal(made) {
		t.Error("another replica has another key")
	}

	remove(t, c, &corev1.ConfigMap{}, KeysConfigMap)
	remove(t, c, &corev1.Secret{}, SigningSecret)
	if !ensure(t, k).Equal(made) || !published(t, c)[0].Equal(made.Public()) {
		t.Error("what was lost was not put back as it was")
	}
	if changes != 1 {
		t.Errorf("told of %d changes, want one", changes)
	}
}

func TestSigningKeyFollowsTheSecret(t *testing.T) {
	c := fake.NewClientBuilder().Build()
	changes := 0
	k := NewSigningKey(c, system, logr.Discard(), func() { changes++ })
	ensure(t, k)
	remove(t, c, &corev1.Secret{}, SigningSecret)
	raw, err := encodeKey(keyTwo)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: SigningSecret}, Data: map[string][]byte{signingSecretKey: raw},
	}); err != nil {
		t.Fatal(err)
	}
	if !ensure(t, k).Equal(keyTwo) || !published(t, c)[0].Equal(keyTwo.Public()) || changes != 2 {
		t.Errorf("the key of the secret is not the one in use; %d changes", changes)
	}
}

// A replica that loses the race to create the Secret takes the winner's key.
func TestSigningKeyOfAReplicaThatWasFaster(t *testing.T) {
	faster := keyTwo
	c := fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, inner client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			if secret, ok := o.(*corev1.Secret); ok && faster != nil {
				raw, err := encodeKey(faster)
				if err != nil {
					return err
				}
				faster = nil
				rival := secret.DeepCopy()
				rival.Data[signingSecretKey] = raw
				if err := inner.Create(ctx, rival); err != nil {
					return err
				}
			}
			return inner.Create(ctx, o, opts...)
		},
	}).Build()
	k := NewSigningKey(c, system, logr.Discard(), func() {})
	if !ensure(t, k).Equal(keyTwo) {
		t.Error("the slower replica keeps its own key")
	}
}

// THREATS 25
func TestADamagedSigningKeyIsNeitherUsedNorQuoted(t *testing.T) {
	var log strings.Builder
	c := fake.NewClientBuilder().WithObjects(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: SigningSecret},
		Data:       map[string][]byte{signingSecretKey: []byte("-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n")},
	}).Build()
	k := NewSigningKey(c, system, funcr.New(func(_, args string) { log.WriteString(args) }, funcr.Options{}), func() {})
	err := k.Ensure(t.Context())
	if err == nil || !strings.Contains(err.Error(), "delete it to have a new key made") {
		t.Fatalf("got %v", err)
	}
	if _, ok := k.Current(); ok || strings.Contains(err.Error()+log.String(), "canary") || strings.Contains(err.Error()+log.String(), "Y2FuYXJ5") {
		t.Error("the damaged key is used or quoted")
	}
}
