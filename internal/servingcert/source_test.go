// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package servingcert_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"behalf.dev/behalf/internal/servingcert"
)

// api is a client of the real API server that all tests of this package share; nil under -short.
var api client.WithWatch

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	if slices.Contains(os.Args, "-test.short=true") {
		return m.Run(), nil
	}
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return 1, fmt.Errorf("KUBEBUILDER_ASSETS is not set: run make test")
	}
	env := &envtest.Environment{}
	config, err := env.Start()
	if err != nil {
		return 1, fmt.Errorf("starting the API server: %w", err)
	}
	defer env.Stop() //nolint:errcheck // the tests are over
	if api, err = client.NewWithWatch(config, client.Options{}); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// fixture is a namespace with one source in it, at a time that the test sets.
type fixture struct {
	t         *testing.T
	namespace string
	now       time.Time
	// published is what the API server was told last, and unpublished why it cannot be told.
	published   string
	unpublished error
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	if api == nil {
		t.Skip("needs an API server; run make test")
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "servingcert-"}}
	if err := api.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	return &fixture{t: t, namespace: namespace.Name, now: time.Now()}
}

func (f *fixture) source() *servingcert.Source {
	f.t.Helper()
	s, err := servingcert.New(api, logr.Discard(), servingcert.Options{
		Namespace: f.namespace, Names: []string{"manager.test", "127.0.0.1"}, Publish: f.publish, Now: f.clock,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

func (f *fixture) clock() time.Time { return f.now }

func (f *fixture) publish(_ context.Context, bundle []byte) error {
	if f.unpublished == nil {
		f.published = string(bundle)
	}
	return f.unpublished
}

func (f *fixture) ensure(s *servingcert.Source) {
	f.t.Helper()
	if err := s.Ensure(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) secret() *corev1.Secret {
	f.t.Helper()
	var secret corev1.Secret
	if err := api.Get(f.t.Context(), client.ObjectKey{Namespace: f.namespace, Name: "behalf-serving-ca"}, &secret); err != nil {
		f.t.Fatal(err)
	}
	return &secret
}

// believed says whether the source's certificate is believed for a name by somebody who holds the ConfigMap.
func (f *fixture) believed(s *servingcert.Source, name string) error {
	f.t.Helper()
	return verify(f.t, s, f.configMap(), name, f.now)
}

// configMap is what authorizers have a copy of.
func (f *fixture) configMap() string {
	f.t.Helper()
	var config corev1.ConfigMap
	if err := api.Get(f.t.Context(), client.ObjectKey{Namespace: f.namespace, Name: "behalf-ca"}, &config); err != nil {
		f.t.Fatal(err)
	}
	return config.Data["ca.crt"]
}

func verify(t *testing.T, s *servingcert.Source, bundle, name string, now time.Time) error {
	t.Helper()
	leaf, err := s.GetCertificate(&tls.ClientHelloInfo{ServerName: name})
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(bundle))
	_, err = leaf.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: now})
	return err
}

func TestACertificateIsBelievedByWhoeverHoldsTheConfigMap(t *testing.T) {
	f := newFixture(t)
	s := f.source()
	if _, err := s.GetCertificate(nil); err == nil {
		t.Error("a certificate was presented before its authority was published")
	}
	f.ensure(s)
	for _, name := range []string{"manager.test", "127.0.0.1"} {
		if err := f.believed(s, name); err != nil {
			t.Errorf("as %s: %v", name, err)
		}
	}
	if err := f.believed(s, "elsewhere.test"); err == nil {
		t.Error("believed under a name that it was not given")
	}
}

func TestAReplicaBelievesTheCertificatesOfTheOthers(t *testing.T) {
	f := newFixture(t)
	first, second := f.source(), f.source()
	if _, err := first.Authorities(); err == nil {
		t.Error("authorities were given before there were any")
	}
	f.ensure(first)
	f.ensure(second)
	f.now = f.now.Add(2*365*24*time.Hour + 24*time.Hour) // beyond two thirds of three years
	f.ensure(second)
	f.ensure(first)
	for name, pair := range map[string][2]*servingcert.Source{"the second": {first, second}, "the first": {second, first}} {
		authorities, err := pair[0].Authorities()
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := pair[1].GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := leaf.Leaf.Verify(x509.VerifyOptions{Roots: authorities, DNSName: "manager.test", CurrentTime: f.now}); err != nil {
			t.Errorf("%s is not believed: %v", name, err)
		}
	}
}

func TestReplicasShareOneAuthority(t *testing.T) {
	f := newFixture(t)
	first, second := f.source(), f.source()
	f.ensure(first)
	f.ensure(second)
	for name, s := range map[string]*servingcert.Source{"the first": first, "the second": second} {
		if err := f.believed(s, "manager.test"); err != nil {
			t.Errorf("%s replica: %v", name, err)
		}
	}
}

func TestAnUnchangedStateWritesNothing(t *testing.T) {
	f := newFixture(t)
	s := f.source()
	f.ensure(s)
	before := f.secret().ResourceVersion
	f.ensure(s)
	if after := f.secret().ResourceVersion; after != before {
		t.Errorf("the secret was written again: resource version %s became %s", before, after)
	}
}

// THREATS 10: what is lost or altered is put right without hands.
func TestWhatIsLostOrAlteredIsPutRight(t *testing.T) {
	const over = "everything is over its time"
	for name, harm := range map[string]func(context.Context, *fixture) error{
		"the secret is deleted": func(ctx context.Context, f *fixture) error { return api.Delete(ctx, f.secret()) },
		"the secret is emptied": func(ctx context.Context, f *fixture) error {
			secret := f.secret()
			secret.Data["tls.key"] = []byte{}
			return api.Update(ctx, secret)
		},
		"the config map is deleted": func(ctx context.Context, f *fixture) error {
			return api.Delete(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "behalf-ca"}})
		},
		"the config map is altered": func(ctx context.Context, f *fixture) error {
			return api.Update(ctx, &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "behalf-ca"}, Data: map[string]string{"ca.crt": "nonsense"},
			})
		},
		over: func(_ context.Context, f *fixture) error {
			f.now = f.now.Add(10 * 365 * 24 * time.Hour)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			s := f.source()
			f.ensure(s)
			before := f.configMap()
			if err := harm(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			f.ensure(s)
			if err := f.believed(s, "manager.test"); err != nil {
				t.Error(err)
			}
			if err := verify(t, s, before, "manager.test", f.now); err != nil && name != over {
				t.Errorf("whoever holds a copy of before: %v", err)
			}
			afterARestart := f.source()
			f.ensure(afterARestart)
			if err := f.believed(afterARestart, "manager.test"); err != nil {
				t.Errorf("after a restart: %v", err)
			}
		})
	}
}

// dial says whether whoever holds a copy of the config map can open a connection to a server that has been up all the time.
func (f *fixture) dial(address, copied string) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(copied))
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: "manager.test", Time: func() time.Time { return f.now }}}
	conn, err := dialer.DialContext(f.t.Context(), "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// serve answers handshakes with the source's certificates until the test ends.
func (f *fixture) serve(s *servingcert.Source) (address string) {
	f.t.Helper()
	return f.serveWith(s.GetCertificate)
}

func (f *fixture) serveWith(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) (address string) {
	f.t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: certificate, MinVersion: tls.VersionTLS13})
	if err != nil {
		f.t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).HandshakeContext(f.t.Context())
			_ = conn.Close()
		}
	})
	f.t.Cleanup(func() { _ = listener.Close(); serving.Wait() })
	return listener.Addr().String()
}

// THREATS 10: authorizers read a copy of the config map, which follows minutes later. With that of before and that of after
// a replacement they must get through, to every replica, at any time on the way.
func TestAnAuthorityIsReplacedWithoutAnybodyNoticing(t *testing.T) {
	f := newFixture(t)
	first, second := f.source(), f.source()
	addresses := map[string]string{"the first replica": f.serve(first), "the second replica": f.serve(second)}
	f.ensure(first)
	f.ensure(second)
	before, old := f.configMap(), string(f.secret().Data["tls.crt"])

	f.now = f.now.Add(2*365*24*time.Hour + 24*time.Hour) // beyond two thirds of three years
	f.ensure(first)
	after, replaced := f.configMap(), f.now
	if string(f.secret().Data["tls.crt"]) == old || !strings.Contains(after, strings.TrimSpace(old)) {
		t.Fatal("the authority was not replaced, or the old one is not published beside the new one")
	}
	steps := []struct {
		at     time.Duration
		copies []string
	}{
		{0, []string{before, after}},
		{9*time.Minute + 59*time.Second, []string{before, after}},
		{10 * time.Minute, []string{after, string(f.secret().Data["tls.crt"])}}, // who holds the new one alone is content too
		{25 * time.Hour, []string{after}},
	}
	for _, step := range steps {
		f.now = replaced.Add(step.at)
		f.ensure(first)
		f.ensure(second)
		for i, copied := range step.copies {
			for name, address := range addresses {
				if err := f.dial(address, copied); err != nil {
					t.Errorf("%s after, %s, copy %d: %v", step.at, name, i, err)
				}
			}
		}
	}
	if err := f.dial(addresses["the first replica"], before); err == nil {
		t.Error("a day after, the old authority still issues: this test proves nothing")
	}
	if _, kept := f.secret().Data["previous.key"]; kept {
		t.Error("the key of the old authority is kept for ever")
	}
	f.now = replaced.Add(365 * 24 * time.Hour) // beyond the old one's end
	f.ensure(first)
	if strings.Contains(f.configMap(), strings.TrimSpace(old)) {
		t.Error("the old authority is published beyond its end")
	}
}

func TestAnAuthorityIsReplacedWhenAsked(t *testing.T) {
	cases := map[string]struct {
		asked            string
		replaced         bool
		formerIsBelieved bool
	}{
		"now":                      {"Now", true, true},
		"since it is compromised":  {"Compromised", true, false},
		"in words that nobody has": {"now!", false, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			s := f.source()
			f.ensure(s)
			before, old := f.configMap(), f.secret()
			old.Annotations = map[string]string{servingcert.RotateAnnotation: c.asked}
			if err := api.Update(t.Context(), old); err != nil {
				t.Fatal(err)
			}
			f.ensure(s)
			f.ensure(s)
			now := f.secret()
			if replaced := !bytes.Equal(now.Data["tls.crt"], old.Data["tls.crt"]); replaced != c.replaced || (now.Annotations[servingcert.RotateAnnotation] == "") != c.replaced {
				t.Errorf("replaced: %v; asked for still: %q", replaced, now.Annotations)
			}
			if strings.Contains(f.configMap(), strings.TrimSpace(before)) != c.formerIsBelieved {
				t.Errorf("published %s", f.configMap())
			}
			if err := verify(t, s, before, "manager.test", f.now); (err == nil) != c.formerIsBelieved {
				t.Errorf("whoever holds a copy of before: %v", err)
			}
			if err := f.believed(s, "manager.test"); err != nil {
				t.Error(err)
			}
		})
	}
}

// A certificate is replaced in good time, while the authority stays.
func TestACertificateIsRenewedWithoutARestart(t *testing.T) {
	f := newFixture(t)
	s := f.source()
	address := f.serve(s)
	f.ensure(s)
	copied := f.configMap()
	for range 4 {
		leaf, _ := s.GetCertificate(nil)
		f.now = f.now.Add(21 * 24 * time.Hour) // beyond two thirds of thirty days
		f.ensure(s)
		if renewed, _ := s.GetCertificate(nil); renewed == leaf {
			t.Errorf("at %s it was not renewed", f.now)
		}
		if err := f.dial(address, copied); err != nil {
			t.Error(err)
		}
	}
}

// THREATS 10: one thing that cannot be written does not take the other server's certificate away, and nothing is presented
// that nobody could have learnt of.
func TestWhatCannotBePublishedIsNotPresented(t *testing.T) {
	f := newFixture(t)
	other, hindered := f.source(), f.source()
	f.ensure(other)
	before := f.configMap()

	f.unpublished = errors.New("forbidden here")
	f.now = f.now.Add(2*365*24*time.Hour + 24*time.Hour)
	for _, passed := range []time.Duration{0, time.Hour} {
		f.now = f.now.Add(passed)
		if err := hindered.Ensure(t.Context()); err == nil || !strings.Contains(err.Error(), "forbidden here") {
			t.Errorf("said %v", err)
		}
		if err := verify(t, hindered, before, "manager.test", f.now); err != nil {
			t.Errorf("%s after the replacement: %v", passed, err)
		}
	}
	f.unpublished = nil
	f.ensure(other)
	if err := verify(t, other, f.configMap(), "manager.test", f.now); err != nil {
		t.Error(err)
	}
	if err := verify(t, other, before, "manager.test", f.now); err == nil {
		t.Error("a replica that could publish the new authority does not present it")
	}
}

// THREATS 10: the authority and every certificate expired while no manager ran, or the clock stood still.
func TestAManagerThatStartsAfterEverythingHasExpiredServes(t *testing.T) {
	for name, away := range map[string]time.Duration{
		"the certificate has expired":                 31 * 24 * time.Hour,
		"the authority is due":                        2*365*24*time.Hour + 24*time.Hour,
		"the authority has expired":                   3*365*24*time.Hour + time.Minute,
		"the authority and its successor are history": 20 * 365 * 24 * time.Hour,
		"the clock was a year ahead before":           -365 * 24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.ensure(f.source())
			f.now = f.now.Add(away)
			first, second := f.source(), f.source()
			f.ensure(first)
			f.ensure(second)
			if f.published != f.configMap() {
				t.Error("the API server was told something else than authorizers")
			}
			for replica, s := range map[string]*servingcert.Source{"the first replica": first, "the second replica": second} {
				if err := f.dial(f.serve(s), f.published); err != nil {
					t.Errorf("%s: %v", replica, err)
				}
			}
		})
	}
}

func TestTheAPIServerIsToldOfTheAuthority(t *testing.T) {
	f := newFixture(t)
	s := f.source()
	f.ensure(s)
	if err := verify(t, s, f.published, "manager.test", f.now); err != nil {
		t.Errorf("the API server would not believe the webhook: %v", err)
	}
}

func TestNoNamesAreRefusedWithTheRemedy(t *testing.T) {
	if _, err := servingcert.New(api, logr.Discard(), servingcert.Options{Namespace: "x"}); err == nil || !strings.Contains(err.Error(), "name the DNS names") {
		t.Errorf("want an error that says what to name, got %v", err)
	}
}
