// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package servingcert_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"behalf.dev/behalf/internal/servingcert"
)

// issuer is somebody else's authority, as cert-manager has one.
type issuer struct {
	f    *fixture
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func (f *fixture) issuer(name string) *issuer {
	f.t.Helper()
	i := &issuer{f: f, key: f.newKey()}
	i.cert = f.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: f.now.Add(-time.Hour), NotAfter: f.now.Add(10 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, i.key, i.key)
	return i
}

func (f *fixture) newKey() *ecdsa.PrivateKey {
	f.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.t.Fatal(err)
	}
	return key
}

// sign has the parent, or the template itself without one, vouch for a key.
func (f *fixture) sign(template, parent *x509.Certificate, of, by *ecdsa.PrivateKey) *x509.Certificate {
	f.t.Helper()
	if parent == nil {
		parent = template
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		f.t.Fatal(err)
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, of.Public(), by)
	if err != nil {
		f.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		f.t.Fatal(err)
	}
	return cert
}

// secret is what a kubelet mounts: certificate, key and authority, changed together.
type secret struct{ cert, key, ca []byte }

// issue makes a certificate that lives for a day.
func (i *issuer) issue(name string) secret {
	i.f.t.Helper()
	key := i.f.newKey()
	cert := i.f.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: i.f.now.Add(-time.Hour), NotAfter: i.f.now.Add(24 * time.Hour),
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, i.cert, key, i.key)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		i.f.t.Fatal(err)
	}
	return secret{
		cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}),
		key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
		ca:   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.cert.Raw}),
	}
}

func (f *fixture) mount(folder string, s secret) {
	f.t.Helper()
	for name, content := range map[string][]byte{"tls.crt": s.cert, "tls.key": s.key, "ca.crt": s.ca} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fixture) files(folder string) *servingcert.Files {
	f.t.Helper()
	files, err := servingcert.NewFiles(api, logr.Discard(), servingcert.FilesOptions{
		Namespace: f.namespace, Names: []string{"manager.test", "127.0.0.1"}, Publish: f.publish, Now: f.clock,
		CertFile: filepath.Join(folder, "tls.crt"), KeyFile: filepath.Join(folder, "tls.key"), CAFile: filepath.Join(folder, "ca.crt"),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return files
}

func (f *fixture) ensureFiles(files *servingcert.Files) {
	f.t.Helper()
	if err := files.Ensure(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
}

// THREATS 10: cert-manager renews the certificate, and in the end its authority, in the mounted Secret; the server stays up.
func TestACertificateInFilesIsReadAnewWithoutARestart(t *testing.T) {
	f := newFixture(t)
	folder := t.TempDir()
	files := f.files(folder)
	if _, err := files.GetCertificate(nil); err == nil || !strings.Contains(err.Error(), "tls.crt yet") {
		t.Errorf("before there was one: %v", err)
	}
	if _, err := files.Authorities(); err == nil {
		t.Error("authorities were given before there were any")
	}
	first := f.issuer("first")
	f.mount(folder, first.issue("manager.test"))
	f.ensureFiles(files)
	address := f.serveWith(files.GetCertificate)
	published := f.published
	if err := f.dial(address, published); err != nil {
		t.Fatal(err)
	}
	before, _ := files.GetCertificate(nil)

	f.now = f.now.Add(23 * time.Hour)
	f.mount(folder, first.issue("manager.test"))
	f.ensureFiles(files)
	if renewed, err := files.GetCertificate(nil); err != nil || renewed == before {
		t.Errorf("it was not read anew: %v", err)
	}
	f.now = f.now.Add(2 * time.Hour) // the one before has expired
	if err := f.dial(address, published); err != nil {
		t.Errorf("renewed: %v", err)
	}

	f.mount(folder, f.issuer("second").issue("manager.test"))
	f.ensureFiles(files)
	if f.published != f.configMap() || !strings.Contains(f.published, strings.TrimSpace(published)) {
		t.Error("the former authority, which other replicas may still present certificates of, is published no longer")
	}
	if err := f.dial(address, f.published); err != nil {
		t.Errorf("under another authority: %v", err)
	}
	if err := f.dial(address, published); err == nil {
		t.Error("the former authority vouches for it: this test proves nothing")
	}
	f.now = f.now.Add(time.Hour)
	f.ensureFiles(files)
	if !strings.Contains(f.published, strings.TrimSpace(published)) {
		t.Error("the former authority is published for less than an hour")
	}
	f.now = f.now.Add(time.Second)
	f.ensureFiles(files)
	if f.published != f.configMap() || strings.Contains(f.published, strings.TrimSpace(published)) {
		t.Error("the former authority, which may have leaked, is published for more than an hour")
	}
	if err := f.dial(address, f.published); err != nil {
		t.Errorf("after the overlap: %v", err)
	}
}

// One replica may start anew in an overlap, and does not know of it. When that is over they agree again.
func TestReplicasWithOneFileAgreeOnItsAuthorities(t *testing.T) {
	f := newFixture(t)
	folder := t.TempDir()
	f.mount(folder, f.issuer("first").issue("manager.test"))
	old := f.files(folder)
	f.ensureFiles(old)
	f.mount(folder, f.issuer("second").issue("manager.test"))
	f.ensureFiles(old)
	young := f.files(folder)
	f.ensureFiles(young)
	f.now = f.now.Add(time.Hour + time.Second)
	f.ensureFiles(old)
	first := f.published
	f.ensureFiles(young)
	if f.published != first {
		t.Errorf("one publishes %s, the other %s", first, f.published)
	}
}

func TestTheFormerAuthorityIsNotPublishedBeyondItsEnd(t *testing.T) {
	f := newFixture(t)
	folder := t.TempDir()
	files := f.files(folder)
	first := f.issuer("first")
	f.now = f.now.Add(10*24*time.Hour - time.Minute)
	f.mount(folder, first.issue("manager.test"))
	f.ensureFiles(files)
	published := f.published
	f.mount(folder, f.issuer("second").issue("manager.test"))
	f.ensureFiles(files)
	if !strings.Contains(f.published, strings.TrimSpace(published)) {
		t.Fatal("the first authority is not published: this test proves nothing")
	}
	f.now = f.now.Add(2 * time.Minute)
	f.ensureFiles(files)
	if strings.Contains(f.published, strings.TrimSpace(published)) {
		t.Error("the first authority is published beyond its end")
	}
}

// What nobody would believe never takes the place of what they do.
func TestFilesThatCannotBeUsedLeaveTheLastInForce(t *testing.T) {
	cases := map[string]struct {
		spoil func(f *fixture, good secret) secret
		says  string
	}{
		"the certificate is cut off": {func(_ *fixture, s secret) secret { s.cert = s.cert[:40]; return s }, "reading the serving certificate"},
		"the key is another's": {func(f *fixture, s secret) secret {
			s.key = f.issuer("other").issue("manager.test").key
			return s
		}, "private key does not match"},
		"another authority vouches for it": {func(f *fixture, s secret) secret {
			s.ca = f.issuer("other").issue("manager.test").ca
			return s
		}, "ca.crt vouches for"},
		"there is no authority":   {func(_ *fixture, s secret) secret { s.ca = nil; return s }, "ca.crt vouches for"},
		"it is for somebody else": {func(f *fixture, _ secret) secret { return f.issuer("right").issue("elsewhere.test") }, "not one for manager.test"},
		"it has expired already": {func(f *fixture, _ secret) secret {
			i := f.issuer("right")
			f.now = f.now.Add(-23 * time.Hour)
			old := i.issue("manager.test")
			f.now = f.now.Add(25 * time.Hour)
			return old
		}, "expired"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			folder := t.TempDir()
			files := f.files(folder)
			good := f.issuer("right").issue("manager.test")
			f.mount(folder, good)
			f.ensureFiles(files)
			before, published := f.configMap(), f.published
			f.mount(folder, c.spoil(f, good))
			if err := files.Ensure(t.Context()); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("said %v, want %q", err, c.says)
			}
			if f.configMap() != before || f.published != published {
				t.Error("other authorities were published")
			}
			leaf, err := files.GetCertificate(&tls.ClientHelloInfo{})
			if err == nil && !bytes.Equal(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Certificate[0]}), good.cert) {
				t.Error("it is presented")
			}
		})
	}
}

// A certificate that nobody renews is said to have expired, which /readyz tells.
func TestACertificateInFilesThatExpiredIsNone(t *testing.T) {
	f := newFixture(t)
	folder := t.TempDir()
	files := f.files(folder)
	f.mount(folder, f.issuer("it").issue("manager.test"))
	f.ensureFiles(files)
	f.now = f.now.Add(25 * time.Hour)
	if _, err := files.GetCertificate(nil); err == nil || !strings.Contains(err.Error(), "expired at") || !strings.Contains(err.Error(), "see that whoever renews it does") {
		t.Errorf("said %v", err)
	}
}

func TestFilesWithoutNamesAreRefused(t *testing.T) {
	if _, err := servingcert.NewFiles(api, logr.Discard(), servingcert.FilesOptions{Namespace: "x"}); err == nil || !strings.Contains(err.Error(), "name the DNS names") {
		t.Errorf("want an error that says what to name, got %v", err)
	}
}
