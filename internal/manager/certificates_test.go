// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/internal/manager"
	"behalf.dev/behalf/internal/upkeep"
)

// authority is a certificate authority like the manager's own, made a while ago.
func authority(made time.Time) (certificate, key []byte) {
	GinkgoHelper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	template := &x509.Certificate{
		SerialNumber: big.NewInt(made.UnixNano()), Subject: pkix.Name{CommonName: "behalf-serving-ca"},
		NotBefore: made, NotAfter: made.Add(3 * 365 * 24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	Expect(err).NotTo(HaveOccurred())
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	Expect(err).NotTo(HaveOccurred())
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// shakesHands says whether a server presents what one authority, and it alone, vouches for.
func shakesHands(address string, certificate []byte) func(context.Context) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	return func(ctx context.Context) error {
		dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, NextProtos: []string{"h2"}}}
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

var _ = Describe("The serving certificates", func() {
	// THREATS 10
	It("come from another authority without a restart, of the webhook and of distribution, and connected authorizers go on", func(ctx context.Context) {
		webhook := freeAddress()
		m := start(ctx, func(o *manager.Options) { o.WebhookAddress, o.AdmissionObjects = webhook, upkeep.Unmanaged })
		rs := tickets()
		create(ctx, issuer(), permit(), declaration(), rs)
		a := connect(ctx, m, "a")
		becomes(ctx, rs, enforced)
		Eventually(decides(a)).Should(Equal("Allow"))
		answers := keepAsking(a)
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "behalf-serving-ca"}}
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(secret), secret)).To(Succeed())
		old := secret.Data["tls.crt"]
		servers := map[string]string{"webhook": webhook, "distribution": m.DistributionAddress()}
		for name, address := range servers {
			Eventually(shakesHands(address, old)).WithContext(ctx).Should(Succeed(), name)
		}

		By("replacing the authority, as its age does, with one that everybody could learn of")
		certificate, key := authority(time.Now().Add(-time.Hour))
		change(ctx, secret, func(s *corev1.Secret) {
			s.Data = map[string][]byte{
				"tls.crt": certificate, "tls.key": key, "previous.crt": s.Data["tls.crt"], "previous.key": s.Data["tls.key"],
			}
		})
		for name, address := range servers {
			Eventually(shakesHands(address, certificate)).WithContext(ctx).Should(Succeed(), name)
			Expect(shakesHands(address, old)(ctx)).NotTo(Succeed(), name)
		}
		Expect(answers()).To(And(HaveLen(1), HaveKeyWithValue("Allow", BeNumerically(">", 100))))
		becomes(ctx, rs, enforced)
		b := connect(ctx, m, "b")
		Eventually(decides(b)).Should(Equal("Allow"))
	})
})
