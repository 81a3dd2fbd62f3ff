// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// overlap is for how long an authority is still published once the files hold another. Replicas and authorizers have theirs from
// kubelets, which bring what is new within two minutes. Not until its end: replicas that started since do not know it, and
// would have another idea of the ConfigMap than the rest for as long.
const overlap = time.Hour

// FilesOptions of Files.
type FilesOptions struct {
	// Namespace of the ConfigMap: the manager's own.
	Namespace string
	// CertFile and KeyFile are the certificate that is served and its key, CAFile the authorities that vouch for it; PEM.
	CertFile, KeyFile, CAFile string
	// Names are those that the certificate must have; at least one.
	Names []string
	// Publish tells the API server which authorities vouch for the webhooks; nil where somebody else does.
	Publish Publish
	// Now is the clock; time.Now where nil.
	Now func() time.Time
}

// Files is a source of serving certificates that somebody else makes and renews, such as a mounted Secret of cert-manager.
// It runs on every replica.
type Files struct {
	client  client.Client
	options FilesOptions
	log     logr.Logger
	leaf    atomic.Pointer[tls.Certificate]
	// ca is what CAFile said last, and former what it had said before that, until the overlap ends: for whoever still presents
	// what that vouches for. They belong to whoever calls Ensure.
	ca, former  []byte
	overlapEnds time.Time
	authorities atomic.Pointer[x509.CertPool]
}

// NewFiles gives Files that write the ConfigMap of authorities through a client without a cache.
func NewFiles(c client.Client, log logr.Logger, options FilesOptions) (*Files, error) {
	if len(options.Names) == 0 {
		return nil, errors.New("serving certificates: no name given; name the DNS names or IP addresses under which the manager is reached")
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Publish == nil {
		options.Publish = toNobody
	}
	return &Files{client: c, options: options, log: log}, nil
}

// GetCertificate is for tls.Config. Before the first Ensure it errs, and no handshake succeeds. What has expired is no
// certificate: whoever asks for readiness learns of it here.
func (f *Files) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	leaf := f.leaf.Load()
	if leaf == nil {
		return nil, fmt.Errorf("no serving certificate could be read from %s yet", f.options.CertFile)
	}
	if end := leaf.Leaf.NotAfter; f.options.Now().After(end) {
		return nil, fmt.Errorf("the serving certificate in %s expired at %s: see that whoever renews it does", f.options.CertFile, end.UTC().Format(time.RFC3339))
	}
	return leaf, nil
}

// Authorities are those that vouch for the certificates of all replicas. Before the first Ensure it errs.
func (f *Files) Authorities() (*x509.CertPool, error) {
	if authorities := f.authorities.Load(); authorities != nil {
		return authorities, nil
	}
	return nil, errors.New("the authorities of serving certificates are not known yet")
}

// NeedLeaderElection is false: every replica serves.
func (f *Files) NeedLeaderElection() bool { return false }

// Start looks after everything until the context ends.
func (f *Files) Start(ctx context.Context) error {
	lookAgainAndAgain(ctx, f.log, f.Ensure)
	return nil
}

// Ensure reads the files, and publishes their authorities. What cannot be used leaves in force what was read before: a
// kubelet changes all of a Secret's files at once, others do not.
func (f *Files) Ensure(ctx context.Context) error {
	now := f.options.Now()
	leaf, ca, err := f.read(now)
	if err != nil {
		return err
	}
	if f.ca != nil && !bytes.Equal(f.ca, ca) {
		f.former, f.overlapEnds = slices.Concat(f.ca, f.former), now.Add(overlap)
	}
	if now.After(f.overlapEnds) {
		f.former = nil
	}
	f.ca, f.former = ca, living(f.former, now)
	bundle := slices.Concat(ca, f.former)
	key := client.ObjectKey{Namespace: f.options.Namespace, Name: defaultConfigMap}
	err = errors.Join(ensureConfigMap(ctx, f.client, key, bundle), f.options.Publish(ctx, bundle))
	f.authorities.Store(pool(bundle))
	// Presented after it was published, and also where that failed: the one before may be about to end.
	if last := f.leaf.Load(); last == nil || !bytes.Equal(last.Certificate[0], leaf.Certificate[0]) {
		f.leaf.Store(leaf)
		f.log.Info("read a serving certificate", "file", f.options.CertFile, "notAfter", leaf.Leaf.NotAfter)
	}
	return err
}

// read refuses what nobody would believe, so that it never takes the place of what they do.
func (f *Files) read(now time.Time) (*tls.Certificate, []byte, error) {
	leaf, err := tls.LoadX509KeyPair(f.options.CertFile, f.options.KeyFile)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the serving certificate: %w", err)
	}
	raw, err := os.ReadFile(f.options.CAFile)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the authorities of the serving certificate: %w", err)
	}
	ca := living(raw, now)
	between := x509.NewCertPool()
	for _, der := range leaf.Certificate[1:] {
		if cert, err := x509.ParseCertificate(der); err == nil {
			between.AddCert(cert)
		}
	}
	for _, name := range f.options.Names {
		if _, err := leaf.Leaf.Verify(x509.VerifyOptions{Roots: pool(ca), Intermediates: between, DNSName: name, CurrentTime: now}); err != nil {
			return nil, nil, fmt.Errorf("the serving certificate in %s is not one for %s that %s vouches for: %w", f.options.CertFile, name, f.options.CAFile, err)
		}
	}
	return &leaf, ca, nil
}
