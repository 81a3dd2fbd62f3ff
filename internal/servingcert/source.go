// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package servingcert gives the manager the certificates that its webhook and its distribution server present, and gives
// their authority to whoever has to check them: the API server through the webhook configurations, authorizers through a
// ConfigMap.
//
// All replicas share one authority, kept in a Secret; each issues its own short-lived certificate in memory. What is lost
// or altered (the Secret, the ConfigMap, a webhook's caBundle) is put right at the next look, without hands.
package servingcert

import (
	"bytes"
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
	secretCert     = corev1.TLSCertKey
	secretKey      = corev1.TLSPrivateKeyKey
	secretPrevious = "previous.crt"
	// ConfigMapKey holds the PEM bundle of authorities in the ConfigMap.
	ConfigMapKey = "ca.crt"
)

// checkEvery is how often everything is looked at again.
const checkEvery = 30 * time.Second

// Options of a Source.
type Options struct {
	// Namespace of the Secret and the ConfigMap: the manager's own.
	Namespace string
	// SecretName and ConfigMapName default to behalf-serving-ca and behalf-ca.
	SecretName    string
	ConfigMapName string
	// Names are the DNS names and IP addresses of the serving certificate; at least one.
	Names []string
	// ValidatingWebhooks and MutatingWebhooks are the configurations whose caBundle is kept up to date. One that does not
	// exist is passed over, and taken care of once it does.
	ValidatingWebhooks []string
	MutatingWebhooks   []string
	// Now is the clock; time.Now where nil.
	Now func() time.Time
}

// Source is the manager's source of serving certificates. It runs on every replica.
type Source struct {
	client  client.Client
	options Options
	log     logr.Logger
	leaf    atomic.Pointer[tls.Certificate]
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
		options.ConfigMapName = "behalf-ca"
	}
	if options.Now == nil {
		options.Now = time.Now
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
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		if err := s.Ensure(ctx); err != nil && ctx.Err() == nil {
			s.log.Error(err, "looking after serving certificates; will try again", "every", checkEvery.String())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Ensure makes or renews whatever is missing, due or altered.
func (s *Source) Ensure(ctx context.Context) error {
	now := s.options.Now()
	ca, bundle, err := s.ensureAuthority(ctx, now)
	if err != nil {
		return err
	}
	// Whoever checks a certificate must know its authority before it is presented.
	if err := errors.Join(s.ensureConfigMap(ctx, bundle), s.ensureWebhooks(ctx, bundle)); err != nil {
		return err
	}
	s.authorities.Store(pool(bundle))
	return s.ensureLeaf(ca, now)
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

// ensureAuthority reads the authority, or makes it, and gives the bundle of all that are to be trusted.
func (s *Source) ensureAuthority(ctx context.Context, now time.Time) (authority, []byte, error) {
	var secret corev1.Secret
	err := s.client.Get(ctx, client.ObjectKey{Namespace: s.options.Namespace, Name: s.options.SecretName}, &secret)
	if apierrors.IsNotFound(err) {
		return s.createAuthority(ctx, now)
	}
	if err != nil {
		return authority{}, nil, fmt.Errorf("reading secret %s: %w", s.options.SecretName, err)
	}
	ca, err := parseAuthority(secret.Data[secretCert], secret.Data[secretKey])
	if err == nil && !due(ca.cert, now) {
		return ca, trustBundle(ca, secret.Data[secretPrevious], now), nil
	}
	if err != nil {
		s.log.Error(err, "the authority is unusable; making a new one", "secret", s.options.SecretName)
	}
	return s.replaceAuthority(ctx, &secret, now)
}

func (s *Source) createAuthority(ctx context.Context, now time.Time) (authority, []byte, error) {
	secret := corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.options.Namespace, Name: s.options.SecretName},
		Type:       corev1.SecretTypeTLS,
	}
	ca, err := fill(&secret, now)
	if err != nil {
		return authority{}, nil, err
	}
	err = s.client.Create(ctx, &secret)
	if apierrors.IsAlreadyExists(err) {
		// Another replica was faster; its authority is the one.
		return s.ensureAuthority(ctx, now)
	}
	if err != nil {
		return authority{}, nil, fmt.Errorf("creating secret %s: %w", s.options.SecretName, err)
	}
	return ca, trustBundle(ca, nil, now), nil
}

// replaceAuthority keeps the old certificate in the bundle until its own end, so that certificates which it signed are
// still believed while replicas renew theirs.
func (s *Source) replaceAuthority(ctx context.Context, secret *corev1.Secret, now time.Time) (authority, []byte, error) {
	previous := living(append(bytes.Clone(secret.Data[secretCert]), secret.Data[secretPrevious]...), now)
	ca, err := fill(secret, now)
	if err != nil {
		return authority{}, nil, err
	}
	secret.Data[secretPrevious] = previous
	// The resource version makes a race between replicas a conflict, which the next look settles.
	if err := s.client.Update(ctx, secret); err != nil {
		return authority{}, nil, fmt.Errorf("replacing the authority in secret %s: %w", s.options.SecretName, err)
	}
	return ca, trustBundle(ca, previous, now), nil
}

func fill(secret *corev1.Secret, now time.Time) (authority, error) {
	ca, err := newAuthority(now)
	if err != nil {
		return authority{}, err
	}
	key, err := ca.keyPEM()
	if err != nil {
		return authority{}, err
	}
	secret.Data = map[string][]byte{secretCert: ca.certPEM(), secretKey: key}
	return ca, nil
}

func trustBundle(ca authority, previous []byte, now time.Time) []byte {
	return append(ca.certPEM(), living(previous, now)...)
}

func (s *Source) ensureConfigMap(ctx context.Context, bundle []byte) error {
	var config corev1.ConfigMap
	err := s.client.Get(ctx, client.ObjectKey{Namespace: s.options.Namespace, Name: s.options.ConfigMapName}, &config)
	if apierrors.IsNotFound(err) {
		config.Namespace, config.Name = s.options.Namespace, s.options.ConfigMapName
		config.Data = map[string]string{ConfigMapKey: string(bundle)}
		if err := s.client.Create(ctx, &config); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("creating config map %s: %w", s.options.ConfigMapName, err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading config map %s: %w", s.options.ConfigMapName, err)
	}
	if config.Data[ConfigMapKey] == string(bundle) {
		return nil
	}
	if config.Data == nil {
		config.Data = map[string]string{}
	}
	config.Data[ConfigMapKey] = string(bundle)
	if err := s.client.Update(ctx, &config); err != nil {
		return fmt.Errorf("updating config map %s: %w", s.options.ConfigMapName, err)
	}
	return nil
}
