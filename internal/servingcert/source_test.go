// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package servingcert_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"behalf.dev/behalf/internal/servingcert"
)

// api is a client of the real API server that all tests of this package share; nil under -short.
var api client.Client

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
	if api, err = client.New(config, client.Options{}); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// fixture is a namespace with one source in it, at a time that the test sets.
type fixture struct {
	t         *testing.T
	namespace string
	now       time.Time
	webhook   string
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
	return &fixture{t: t, namespace: namespace.Name, now: time.Now(), webhook: namespace.Name}
}

func (f *fixture) source() *servingcert.Source {
	f.t.Helper()
	s, err := servingcert.New(api, logr.Discard(), servingcert.Options{
		Namespace: f.namespace, Names: []string{"manager.test", "127.0.0.1"},
		ValidatingWebhooks: []string{f.webhook}, MutatingWebhooks: []string{"not-there"},
		Now: func() time.Time { return f.now },
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return s
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
	var config corev1.ConfigMap
	if err := api.Get(f.t.Context(), client.ObjectKey{Namespace: f.namespace, Name: "behalf-ca"}, &config); err != nil {
		f.t.Fatal(err)
	}
	return verify(f.t, s, config.Data["ca.crt"], name, f.now)
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
		"everything is over its time": func(_ context.Context, f *fixture) error {
			f.now = f.now.Add(10 * 365 * 24 * time.Hour)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			s := f.source()
			f.ensure(s)
			if err := harm(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			f.ensure(s)
			if err := f.believed(s, "manager.test"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAReplacedAuthorityIsBelievedBesideTheNewOneUntilItsEnd(t *testing.T) {
	f := newFixture(t)
	lagging := f.source()
	f.ensure(lagging)
	old := string(f.secret().Data["tls.crt"])

	f.now = f.now.Add(2*365*24*time.Hour + 24*time.Hour) // beyond two thirds of three years
	s := f.source()
	f.ensure(s)
	if string(f.secret().Data["tls.crt"]) == old {
		t.Fatal("the authority was not replaced")
	}
	if err := f.believed(s, "manager.test"); err != nil {
		t.Errorf("the new certificate: %v", err)
	}
	if got := string(f.secret().Data["previous.crt"]); !strings.Contains(got, strings.TrimSpace(old)) {
		t.Error("the old authority is not kept beside the new one")
	}
}

func TestAWebhooksBundleFollowsTheAuthority(t *testing.T) {
	f := newFixture(t)
	s := f.source()
	sideEffects := admissionregistrationv1.SideEffectClassNone
	url := "https://127.0.0.1:1/"
	config := &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: f.webhook},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name: "a.test.dev", AdmissionReviewVersions: []string{"v1"}, SideEffects: &sideEffects,
			ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: &url},
		}},
	}
	if err := api.Create(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Delete(context.WithoutCancel(t.Context()), config) })
	f.ensure(s)
	if err := api.Get(t.Context(), client.ObjectKeyFromObject(config), config); err != nil {
		t.Fatal(err)
	}
	if err := verify(t, s, string(config.Webhooks[0].ClientConfig.CABundle), "manager.test", f.now); err != nil {
		t.Errorf("the API server would not believe the webhook: %v", err)
	}
}

func TestNoNamesAreRefusedWithTheRemedy(t *testing.T) {
	if _, err := servingcert.New(api, logr.Discard(), servingcert.Options{Namespace: "x"}); err == nil || !strings.Contains(err.Error(), "name the DNS names") {
		t.Errorf("want an error that says what to name, got %v", err)
	}
}
