// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package certmanager

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// injector is the name under which cert-manager's cainjector writes.
const injector = "cert-manager-cainjector"

func believed(s *stage, p *probes) {
	authority := s.secret("behalf-serving-authority").Data["tls.crt"]
	s.await("the cainjector has written the authority into every webhook", func(ctx context.Context) error { return s.injected(ctx, authority) })
	for _, c := range s.configurations() {
		if !bytes.Contains(managers(c), []byte(injector)) {
			s.t.Errorf("the cainjector wrote nothing into %s: %s", c.GetName(), managers(c))
		}
	}
	s.believedByAll(authority)
	p.right(time.Now())
}

// appliedAgain is what a pipeline does every few minutes.
func appliedAgain(s *stage, p *probes) {
	before, began := s.configurations(), time.Now()
	s.apply()
	p.more(settled)
	for i, after := range s.configurations() {
		if after.GetResourceVersion() != before[i].GetResourceVersion() {
			s.t.Errorf("%s was written, by one of %s", after.GetName(), managers(after))
		}
	}
	p.never(began, "a pod within its bounds was refused", refused)
	p.never(began, "the webhook let pass what is beyond", passed)
}

func renewed(s *stage, p *probes) {
	authority := s.secret("behalf-serving-authority").Data["tls.crt"]
	for _, how := range []struct {
		sentence string
		do       func()
	}{
		{"asked for, as by cmctl renew", func() { s.renew("behalf-serving") }},
		{"asked for once more", func() { s.renew("behalf-serving") }},
		{"because its Secret was deleted", func() { s.delete("behalf-serving-cert") }},
	} {
		began, before := time.Now(), s.secret("behalf-serving-cert").Data["tls.crt"]
		how.do()
		after := s.awaitAnother("behalf-serving-cert", before)
		s.await("both managers present the next certificate", func(ctx context.Context) error { return s.presented(ctx, authority, after.Data["tls.crt"]) })
		p.more(settled)
		p.never(began, "a pod within its bounds was refused", refused)
		p.never(began, "the webhook let pass what is beyond", passed)
		s.t.Logf("%s: both managers presented the next one after %s; %d probes, none was answered wrongly",
			how.sentence, time.Since(began).Round(time.Millisecond), len(p.since(began)))
	}
	s.believedByAll(authority)
}

func lost(s *stage, p *probes) {
	authority := s.secret("behalf-serving-authority").Data["tls.crt"]
	for round := range 3 {
		began, before := time.Now(), s.secret("behalf-serving-cert").Data["tls.crt"]
		s.delete("behalf-serving-cert")
		for _, c := range s.configurations() {
			s.must(s.admin.Delete(s.t.Context(), c))
		}
		recovered := p.right(began).Sub(began)
		after := s.awaitAnother("behalf-serving-cert", before)
		s.await("the cainjector has written the authority into every webhook", func(ctx context.Context) error { return s.injected(ctx, authority) })
		there := time.Since(began)
		if recovered > recoveryBound || there > recoveryBound {
			s.t.Errorf("it took more than %s", recoveryBound)
		}
		open, _ := p.lasted(began, passed)
		shut, _ := p.lasted(began, refused)
		s.t.Logf("round %d: admission was right again after %s, all was there after %s; the webhook let pass what is beyond for %s, and what is within was refused for %s",
			round+1, recovered.Round(time.Millisecond), there.Round(time.Millisecond), open, shut)
		s.await("both managers present the next certificate", func(ctx context.Context) error { return s.presented(ctx, authority, after.Data["tls.crt"]) })
	}
	s.believedByAll(authority)
}

func replaced(s *stage, p *probes) {
	began, before := time.Now(), s.secret("behalf-serving-authority").Data["tls.crt"]
	serving := s.secret("behalf-serving-cert")
	successor := s.replaceAuthority()
	// cert-manager issues nothing anew because its issuer has another authority: all goes on under the one before.
	p.more(5 * settled)
	if now := s.secret("behalf-serving-cert"); !bytes.Equal(now.Data["tls.crt"], serving.Data["tls.crt"]) || !bytes.Equal(now.Data["ca.crt"], before) {
		s.t.Error("the serving certificate followed the authority, and docs/operations.md says that it does not")
	}

	s.renewUnder(successor)
	s.await("the API server believes both", func(ctx context.Context) error { return s.injected(ctx, slices.Concat(before, successor)) })
	p.right(time.Now())
	p.never(began, "a pod within its bounds was refused", refused)
	p.never(began, "the webhook let pass what is beyond", passed)
	s.t.Logf("%d probes, none was answered wrongly", len(p.since(began)))
	s.believedByAll(successor)
	s.await("authorizers believe both", func(ctx context.Context) error {
		var config corev1.ConfigMap
		err := s.admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "behalf-ca"}, &config)
		if ca := config.Data["ca.crt"]; err == nil && (!strings.Contains(ca, string(before)) || !strings.Contains(ca, string(successor))) {
			return fmt.Errorf("behalf-ca holds %s", ca)
		}
		return err
	})
}

// forgotten is what docs/operations.md says about an authority that leaked. It begins where both are believed.
func forgotten(s *stage, p *probes) {
	authority := s.secret("behalf-serving-authority").Data["tls.crt"]
	if err := s.injected(s.t.Context(), authority); err == nil {
		s.t.Fatal("the one before is believed no longer already: this proves nothing")
	}
	began := time.Now()
	for _, c := range s.configurations() {
		s.must(s.admin.Delete(s.t.Context(), c))
	}
	s.await("the API server believes the successor alone", func(ctx context.Context) error { return s.injected(ctx, authority) })
	if recovered := p.right(began).Sub(began); recovered > recoveryBound {
		s.t.Errorf("it took %s, which is more than %s", recovered, recoveryBound)
	}
}

// replacedAtOnce is with a cainjector as it was before v1.19.
func replacedAtOnce(s *stage, p *probes) {
	s.runCertManager("--feature-gates=CAInjectorMerging=false")
	began := time.Now()
	successor := s.replaceAuthority()
	p.more(5 * settled)
	p.never(began, "a pod within its bounds was refused before the certificate was renewed", refused)

	renewal := time.Now()
	s.renewUnder(successor)
	s.await("the API server believes the successor alone", func(ctx context.Context) error { return s.injected(ctx, successor) })
	recovered := p.right(renewal).Sub(renewal)
	if recovered > recoveryBound {
		s.t.Errorf("it took more than %s", recoveryBound)
	}
	p.never(began, "the webhook let pass what is beyond", passed)
	shut, times := p.lasted(renewal, refused)
	s.t.Logf("admission was right again after %s; what is within was refused for %s, %d of %d times",
		recovered.Round(time.Millisecond), shut, times, len(p.since(renewal)))
	if times == 0 {
		s.t.Error("nothing was refused: docs/operations.md may promise more")
	}
	s.believedByAll(successor)
}

// replaceAuthority gives the certificate of another.
func (s *stage) replaceAuthority() []byte {
	s.t.Helper()
	before := s.secret("behalf-serving-authority").Data["tls.crt"]
	s.delete("behalf-serving-authority")
	return s.awaitAnother("behalf-serving-authority", before).Data["tls.crt"]
}

// renewUnder waits until both managers present what another authority issued.
func (s *stage) renewUnder(authority []byte) {
	s.t.Helper()
	before := s.secret("behalf-serving-cert").Data["tls.crt"]
	s.renew("behalf-serving")
	after := s.awaitAnother("behalf-serving-cert", before)
	if !bytes.Equal(after.Data["ca.crt"], authority) {
		s.t.Fatal("cert-manager issued it from the authority before")
	}
	s.await("both managers present the next certificate", func(ctx context.Context) error { return s.presented(ctx, authority, after.Data["tls.crt"]) })
}

// secret must be there.
func (s *stage) secret(name string) *corev1.Secret {
	s.t.Helper()
	var secret corev1.Secret
	s.must(s.admin.Get(s.t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, &secret))
	return &secret
}

func (s *stage) delete(secret string) {
	s.t.Helper()
	s.must(s.admin.Delete(s.t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: secret}}))
}

// awaitAnother waits for a Secret with another certificate.
func (s *stage) awaitAnother(name string, before []byte) *corev1.Secret {
	s.t.Helper()
	var secret corev1.Secret
	s.await("cert-manager has written "+name, func(ctx context.Context) error {
		secret = corev1.Secret{}
		err := s.admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &secret)
		if err == nil && (len(secret.Data["tls.crt"]) == 0 || bytes.Equal(secret.Data["tls.crt"], before)) {
			return errors.New("it is as before")
		}
		return err
	})
	return &secret
}

// renew does what cmctl renew does.
func (s *stage) renew(certificate string) {
	s.t.Helper()
	s.await("asking for "+certificate+" anew", func(ctx context.Context) error {
		live := &unstructured.Unstructured{}
		live.SetAPIVersion("cert-manager.io/v1")
		live.SetKind("Certificate")
		if err := s.admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: certificate}, live); err != nil {
			return err
		}
		conditions, _, err := unstructured.NestedSlice(live.Object, "status", "conditions")
		if err != nil {
			return err
		}
		conditions = append(conditions, map[string]any{
			"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "Certificate re-issuance manually triggered",
			"lastTransitionTime": time.Now().UTC().Format(time.RFC3339), "observedGeneration": live.GetGeneration(),
		})
		if err := unstructured.SetNestedSlice(live.Object, conditions, "status", "conditions"); err != nil {
			return err
		}
		return s.admin.Status().Update(ctx, live)
	})
}

// configurations are those of the webhooks, which must be there.
func (s *stage) configurations() []client.Object {
	s.t.Helper()
	validating, mutating := &admissionregistrationv1.ValidatingWebhookConfiguration{}, &admissionregistrationv1.MutatingWebhookConfiguration{}
	s.must(errors.Join(
		s.admin.Get(s.t.Context(), client.ObjectKey{Name: "behalf-validating"}, validating),
		s.admin.Get(s.t.Context(), client.ObjectKey{Name: "behalf-mutating"}, mutating)))
	return []client.Object{validating, mutating}
}

// managers are the names under which an object was written, a line each.
func managers(object client.Object) []byte {
	var names bytes.Buffer
	for _, entry := range object.GetManagedFields() {
		fmt.Fprintln(&names, entry.Manager)
	}
	return names.Bytes()
}

// injected says whether the API server believes these authorities, and no other, in every webhook.
func (s *stage) injected(ctx context.Context, authorities []byte) error {
	validating, mutating := &admissionregistrationv1.ValidatingWebhookConfiguration{}, &admissionregistrationv1.MutatingWebhookConfiguration{}
	if err := errors.Join(
		s.admin.Get(ctx, client.ObjectKey{Name: "behalf-validating"}, validating),
		s.admin.Get(ctx, client.ObjectKey{Name: "behalf-mutating"}, mutating)); err != nil {
		return err
	}
	all := map[string][]byte{}
	for i := range validating.Webhooks {
		all[validating.Webhooks[i].Name] = validating.Webhooks[i].ClientConfig.CABundle
	}
	for i := range mutating.Webhooks {
		all[mutating.Webhooks[i].Name] = mutating.Webhooks[i].ClientConfig.CABundle
	}
	for webhook, bundle := range all {
		if !bytes.Equal(bytes.TrimSpace(bundle), bytes.TrimSpace(authorities)) {
			return fmt.Errorf("%s has the caBundle %q", webhook, bundle)
		}
	}
	return nil
}

// presented says whether both managers present a certificate, at the webhook and to authorizers, and these authorities vouch for it.
func (s *stage) presented(ctx context.Context, authorities, certificate []byte) error {
	for _, m := range s.managers {
		for _, address := range []string{m.webhook, m.distribution} {
			leaf, err := handshake(ctx, address, authorities)
			if err != nil {
				return err
			}
			if !bytes.Contains(certificate, leaf) {
				return fmt.Errorf("%s presents %s", address, leaf)
			}
		}
	}
	return nil
}

// believedByAll waits until an authorizer, by the ConfigMap that a kubelet mounts for it, believes both managers, and the one
// ConfigMap has this authority in it.
func (s *stage) believedByAll(authority []byte) {
	s.t.Helper()
	s.await("authorizers believe both managers", func(ctx context.Context) error {
		for _, copied := range s.managers {
			mounted, err := os.ReadFile(filepath.Join(copied.authorities, "ca.crt"))
			if err != nil {
				return err
			}
			if !bytes.Contains(mounted, bytes.TrimSpace(authority)) {
				return fmt.Errorf("behalf-ca lacks the authority: %s", mounted)
			}
			for _, m := range s.managers {
				if _, err := handshake(ctx, m.distribution, mounted); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// handshake is that of a client that believes these authorities, and gives the certificate that it was presented.
func handshake(ctx context.Context, address string, authorities []byte) ([]byte, error) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authorities)
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: name, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", address, err)
	}
	defer conn.Close()
	leaf := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}), nil
}
