// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package servingcert gives the manager the certificates that its webhook and its distribution server present, and gives
// their authority to whoever has to check them: the API server through the webhook configurations, authorizers through a
// ConfigMap.
//
// A Source makes them: all replicas share one authority, kept in a Secret; each issues its own short-lived certificate in
// memory. An authority that has grown old gets a successor, which is published at once and issues certificates only when
// everybody can know it; until its own end the old one stays published too. What is lost or altered (the Secret, the
// ConfigMap) is put right at the next look, without hands.
//
// Files takes them from files instead, where somebody else, such as cert-manager, makes and renews them.
package servingcert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Keys of the Secret and of the ConfigMap.
const (
	secretCert = corev1.TLSCertKey
	secretKey  = corev1.TLSPrivateKeyKey
	// secretPrevious are the former authorities, the latest first, and secretPreviousKey is the key of that one.
	secretPrevious    = "previous.crt"
	secretPreviousKey = "previous.key"
	// ConfigMapKey holds the PEM bundle of authorities in the ConfigMap.
	ConfigMapKey = "ca.crt"
)

// RotateAnnotation on the Secret asks for another authority out of turn. It goes when there is one.
const RotateAnnotation = "behalf.dev/rotate"

// Values of RotateAnnotation.
const (
	// rotateNow has the former authority issue and be believed as after any replacement.
	rotateNow = "Now"
	// rotateCompromised has every former authority believed no longer.
	rotateCompromised = "Compromised"
)

const (
	// checkEvery is how often everything is looked at again, and retryAfter when after a failure.
	checkEvery = 10 * time.Second
	retryAfter = time.Second
)

// Options of a Source.
type Options struct {
	// Namespace of the Secret and the ConfigMap: the manager's own.
	Namespace string
	// SecretName and ConfigMapName default to behalf-serving-ca and behalf-ca.
	SecretName    string
	ConfigMapName string
	// Names are the DNS names and IP addresses of the serving certificate; at least one.
	Names []string
	// Publish tells the API server which authorities vouch for the webhooks. An authority of which it errs is presented only
	// when it cannot be helped. Nobody is told where nil.
	Publish Publish
	// Now is the clock; time.Now where nil.
	Now func() time.Time
}

// Publish takes a PEM bundle of authorities. It is called at every look, mostly with the bundle of before.
type Publish func(ctx context.Context, bundle []byte) error

// Source is the manager's source of serving certificates. It runs on every replica.
type Source struct {
	client  client.Client
	options Options
	log     logr.Logger
	leaf    atomic.Pointer[tls.Certificate]
	// kept is the Secret as it was last read in good order; it belongs to whoever calls Ensure.
	kept map[string][]byte
	// authorities are those that were published last.
	authorities atomic.Pointer[x509.CertPool]
}

// New gives a Source that reads and writes through a client without a cache, because it works before caches are synced.
func New(c client.Client, log logr.Logger, options Options) (*Source, error) {
	if len(options.Names) == 0 {
		return nil, errors.New("serving certificates: no name given; name the DNS names or IP addresses under which the manager is reached")
	}
	if options.SecretName == "" {
		options.SecretName = "behalf-serving-ca"
	}
	if options.ConfigMapName == "" {
		options.ConfigMapName = defaultConfigMap
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Publish == nil {
		options.Publish = toNobody
	}
	return &Source{client: c, options: options, log: log}, nil
}

// GetCertificate is for tls.Config. Before the first Ensure it errs, and no handshake succeeds.
func (s *Source) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if leaf := s.leaf.Load(); leaf != nil {
		return leaf, nil
	}
	return nil, errors.New("no serving certificate yet")
}

// NeedLeaderElection is false: every replica serves.
func (s *Source) NeedLeaderElection() bool { return false }

// Start looks after everything until the context ends.
func (s *Source) Start(ctx context.Context) error {
	lookAgainAndAgain(ctx, s.log, s.Ensure)
	return nil
}

func lookAgainAndAgain(ctx context.Context, log logr.Logger, look func(context.Context) error) {
	for {
		again := checkEvery
		if err := look(ctx); err != nil && ctx.Err() == nil {
			again = retryAfter
			log.Error(err, "looking after serving certificates; will try again", "after", again.String())
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(again):
		}
	}
}

// Ensure makes or renews whatever is missing, due or altered.
func (s *Source) Ensure(ctx context.Context) error {
	now := s.options.Now()
	known, err := s.ensureAuthorities(ctx, now)
	if err != nil {
		return err
	}
	err = errors.Join(
		ensureConfigMap(ctx, s.client, client.ObjectKey{Namespace: s.options.Namespace, Name: s.options.ConfigMapName}, known.bundle),
		s.options.Publish(ctx, known.bundle),
	)
	s.authorities.Store(pool(known.bundle))
	return errors.Join(err, s.ensureLeaf(known.presents(now, err == nil), now))
}

func (s *Source) ensureLeaf(ca authority, now time.Time) error {
	if leaf := s.leaf.Load(); leaf != nil && !due(leaf.Leaf, now) && leaf.Leaf.CheckSignatureFrom(ca.cert) == nil {
		return nil
	}
	leaf, err := ca.issue(s.options.Names, now)
	if err != nil {
		return err
	}
	s.leaf.Store(leaf)
	s.log.Info("issued a serving certificate", "names", s.options.Names, "notAfter", leaf.Leaf.NotAfter)
	return nil
}

// ensureAuthorities reads the authorities, and makes what is missing, due or unusable. What cannot be read any more is put
// back as it was, where this process has read it before: whoever holds the config map then notices nothing.
func (s *Source) ensureAuthorities(ctx context.Context, now time.Time) (authorities, error) {
	var secret corev1.Secret
	err := s.client.Get(ctx, client.ObjectKey{Namespace: s.options.Namespace, Name: s.options.SecretName}, &secret)
	if apierrors.IsNotFound(err) {
		return s.create(ctx, now)
	}
	if err != nil {
		return authorities{}, fmt.Errorf("reading secret %s: %w", s.options.SecretName, err)
	}
	found, err := readAuthorities(secret.Data, now)
	asked := secret.Annotations[RotateAnnotation]
	switch {
	case err != nil && s.kept != nil:
		s.log.Error(err, "the authority is unusable; putting back the one in use", "secret", s.options.SecretName)
		return s.update(ctx, &secret, s.kept, now)
	case err != nil:
		s.log.Error(err, "the authority is unusable; making a new one", "secret", s.options.SecretName)
		return s.replace(ctx, &secret, secret.Data, now)
	case asked == rotateCompromised:
		return s.replace(ctx, &secret, nil, now)
	case asked == rotateNow, due(found.newest.cert, now):
		return s.replace(ctx, &secret, secret.Data, now)
	case found.before.key != nil && !now.Before(found.newest.made().Add(keepKeyFor)):
		return s.update(ctx, &secret, withoutFormerKey(secret.Data), now)
	}
	if asked != "" {
		s.log.Info("nobody knows what is asked for; say Now or Compromised", "secret", s.options.SecretName, "annotation", RotateAnnotation, "says", asked)
	}
	s.kept = secret.Data
	return found, nil
}

func (s *Source) create(ctx context.Context, now time.Time) (authorities, error) {
	data := s.kept
	if data == nil {
		var err error
		if data, err = successor(nil, now); err != nil {
			return authorities{}, err
		}
	}
	err := s.client.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.options.Namespace, Name: s.options.SecretName},
		Type:       corev1.SecretTypeTLS, Data: data,
	})
	if apierrors.IsAlreadyExists(err) {
		// Another replica was faster; its authority is the one.
		return s.ensureAuthorities(ctx, now)
	}
	if err != nil {
		return authorities{}, fmt.Errorf("creating secret %s: %w", s.options.SecretName, err)
	}
	s.kept = data
	return readAuthorities(data, now)
}

// replace puts a new authority in the place of the former ones, which stay beside it.
func (s *Source) replace(ctx context.Context, secret *corev1.Secret, former map[string][]byte, now time.Time) (authorities, error) {
	data, err := successor(former, now)
	if err != nil {
		return authorities{}, err
	}
	delete(secret.Annotations, RotateAnnotation)
	s.log.Info("made a new authority of serving certificates", "secret", s.options.SecretName)
	return s.update(ctx, secret, data, now)
}

// update holds on to the resource version that was read: a race between replicas is a conflict, which the next look settles.
func (s *Source) update(ctx context.Context, secret *corev1.Secret, data map[string][]byte, now time.Time) (authorities, error) {
	secret.Data = data
	if err := s.client.Update(ctx, secret); err != nil {
		return authorities{}, fmt.Errorf("updating the authority in secret %s: %w", s.options.SecretName, err)
	}
	s.kept = data
	return readAuthorities(data, now)
}
