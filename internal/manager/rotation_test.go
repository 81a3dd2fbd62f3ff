// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/controllers/bundle"
	artifacts "behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/manager"
)

func signingSecret() *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: bundle.SigningSecret}}
}

// rotate asks for another key, as an admin does with kubectl annotate.
func rotate(ctx context.Context, how string) {
	GinkgoHelper()
	change(ctx, signingSecret(), func(s *corev1.Secret) { metav1.SetMetaDataAnnotation(&s.ObjectMeta, bundle.RotateAnnotation, how) })
}

// signingKey is the key that the Secret says signs.
func signingKey(ctx context.Context) ed25519.PrivateKey {
	GinkgoHelper()
	secret := signingSecret()
	Expect(admin.Get(ctx, client.ObjectKeyFromObject(secret), secret)).To(Succeed())
	block, _ := pem.Decode(secret.Data["ed25519.key"])
	Expect(block).NotTo(BeNil())
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	Expect(err).NotTo(HaveOccurred())
	return key.(ed25519.PrivateKey)
}

func idOf(key ed25519.PrivateKey) string { return artifacts.KeyID(key.Public().(ed25519.PublicKey)) }

// believedKeys are those in the config map, the one that signs first.
func believedKeys(ctx context.Context) ([]ed25519.PublicKey, error) {
	var config corev1.ConfigMap
	if err := admin.Get(ctx, client.ObjectKey{Namespace: system, Name: bundle.KeysConfigMap}, &config); err != nil {
		return nil, err
	}
	return artifacts.ParsePublicKeys([]byte(config.Data[bundle.KeysConfigMapKey]))
}

func believed(ctx context.Context) ([]string, error) {
	keys, err := believedKeys(ctx)
	var ids []string
	for _, key := range keys {
		ids = append(ids, artifacts.KeyID(key))
	}
	return ids, err
}

// follows has an authorizer believe what the config map says, half a second late, as a kubelet and its file do.
func follows(e *enforcer) {
	life, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for tick := time.NewTicker(500 * time.Millisecond); ; {
			select {
			case <-life.Done():
				return
			case <-tick.C:
				if keys, err := believedKeys(life); err == nil {
					e.SetVerifier(artifacts.NewVerifier(keys...))
				}
			}
		}
	})
	DeferCleanup(func() { cancel(); running.Wait() })
}

// keepAsking asks an authorizer all the time; the function that it gives ends that, and counts the answers.
func keepAsking(e *enforcer) (answers func() map[string]int) {
	counts := map[string]int{}
	life, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for tick := time.NewTicker(time.Millisecond); ; {
			select {
			case <-life.Done():
				return
			case <-tick.C:
				counts[decides(e)()]++
			}
		}
	})
	end := sync.OnceFunc(func() { cancel(); running.Wait() })
	DeferCleanup(end)
	return func() map[string]int { end(); return counts }
}

// signedBy is an envelope as somebody makes it who has that key.
func signedBy(key ed25519.PrivateKey) []byte {
	GinkgoHelper()
	envelope, err := artifacts.Sign(artifacts.Statement{
		Kind: artifacts.KindPolicy, Name: team + "/tickets", Revision: time.Now().Add(time.Hour).UnixMilli(), Digest: "sha256:0",
		IssuedAt: time.Now().Unix(), LeaseUntil: time.Now().Add(time.Hour).Unix(),
	}, key)
	Expect(err).NotTo(HaveOccurred())
	return envelope
}

// verifies says whether whoever believes the config map believes an envelope.
func verifies(ctx context.Context, envelope []byte) error {
	keys, err := believedKeys(ctx)
	if err != nil {
		return err
	}
	_, err = artifacts.NewVerifier(keys...).Verify(envelope)
	return err
}

var _ = Describe("The signing keys", func() {
	// THREATS 33
	It("follow each other without the loss of a decision, and the old one is refused in the end", func(ctx context.Context) {
		m := start(ctx, func(o *manager.Options) { o.SigningKeyPropagation = 3 * time.Second })
		rs := tickets()
		create(ctx, issuer(), permit(), declaration(), rs)
		a := connect(ctx, m, "a")
		follows(a)
		becomes(ctx, rs, enforced)
		Eventually(decides(a)).Should(Equal("Allow"))
		answers, old := keepAsking(a), signingKey(ctx)
		fromOld := signedBy(old)

		rotate(ctx, "Now")
		Eventually(func(ctx context.Context) string { return idOf(signingKey(ctx)) }).WithContext(ctx).ShouldNot(Equal(idOf(old)))
		young := signingKey(ctx)
		Eventually(believed).WithContext(ctx).Should(Equal([]string{idOf(young), idOf(old)}))
		Eventually(readyz(m)).Should(And(HavePrefix("200 OK"), ContainSubstring("[+] signing key: "+idOf(young)+" signs since ")))
		Expect(verifies(ctx, fromOld)).To(Succeed(), "what the old key signed has not run out")

		By("taking what the new key signs, from the stream and from the beginning")
		forbid := permit()
		forbid.Name, forbid.Spec.Effect = "no-portal", "Forbid"
		Expect(answers()).To(And(HaveLen(1), HaveKeyWithValue("Allow", BeNumerically(">", 100))))
		create(ctx, forbid)
		becomes(ctx, forbid, enforced)
		Expect(decides(a)()).To(Equal("Deny policy forbidden"))
		Expect(admin.Delete(ctx, forbid)).To(Succeed())
		b := connect(ctx, m, "b")
		b.SetVerifier(artifacts.NewVerifier(young.Public().(ed25519.PublicKey)))
		Eventually(decides(b)).Should(Equal("Allow"))
		Expect(a.Refusals()).To(BeEmpty())

		By("ending the belief in the old one, as time does")
		change(ctx, signingSecret(), func(s *corev1.Secret) { s.Data["rotation.json"] = ended(s.Data["rotation.json"]) })
		Eventually(believed).WithContext(ctx).Should(Equal([]string{idOf(young)}))
		Expect(verifies(ctx, fromOld)).To(MatchError(artifacts.ErrUntrusted))
		Expect(verifies(ctx, signedBy(young))).To(Succeed())
		Consistently(decides(a)).WithTimeout(700 * time.Millisecond).Should(Equal("Allow"))
	})

	It("are all believed no longer where one is compromised, and decisions go on", func(ctx context.Context) {
		first := start(ctx)
		second := start(ctx)
		create(ctx, issuer(), permit(), declaration(), tickets())
		a := connect(ctx, first, "a")
		Eventually(decides(a)).Should(Equal("Allow"))
		answers, stolen := keepAsking(a), signingKey(ctx)
		forged := signedBy(stolen)
		rotate(ctx, "Compromised")
		Eventually(func(ctx context.Context) error { return verifies(ctx, forged) }).WithContext(ctx).Should(MatchError(artifacts.ErrUntrusted))
		young := signingKey(ctx)
		Expect(believed(ctx)).To(Equal([]string{idOf(young)}))
		for _, m := range []*running{first, second} {
			Eventually(readyz(m)).Should(ContainSubstring("[+] signing key: " + idOf(young) + " signs since "))
			b := connect(ctx, m, "b")
			Eventually(decides(b)).Should(Equal("Allow"), "what this replica signs is believed by whoever has the new key alone")
		}
		Expect(answers()).To(And(HaveLen(1), HaveKeyWithValue("Allow", BeNumerically(">", 100))))
	})

	It("are put back as they were where the secret is lost, and are not made anew while authorizers believe them", func(ctx context.Context) {
		m := start(ctx)
		Eventually(readyz(m)).Should(HavePrefix("200 OK"))
		before := signingKey(ctx)
		Expect(admin.Delete(ctx, signingSecret())).To(Succeed())
		Eventually(func(ctx context.Context) error {
			return admin.Get(ctx, client.ObjectKeyFromObject(signingSecret()), signingSecret())
		}).WithContext(ctx).Should(Succeed())
		Expect(idOf(signingKey(ctx))).To(Equal(idOf(before)))
		m.stop()

		kept := signingSecret()
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(kept), kept)).To(Succeed())
		Expect(admin.Delete(ctx, signingSecret())).To(Succeed())
		m = start(ctx)
		Eventually(readyz(m)).Should(And(HavePrefix("503"), ContainSubstring("[-] signing key: secret behalf-bundle-signing is gone, and authorizers believe "+idOf(before)),
			ContainSubstring("restore the secret, or delete the config map too")))
		Expect(believed(ctx)).To(Equal([]string{idOf(before)}))
		kept.ResourceVersion, kept.UID = "", ""
		create(ctx, kept)
		Eventually(readyz(m)).Should(And(HavePrefix("200 OK"), ContainSubstring("[+] signing key: "+idOf(before)+" signs since ")))
	})
})

// ended is the state of a rotation in which no former key is believed beyond the day of its writing.
func ended(raw []byte) []byte {
	var state struct {
		SigningSince string           `json:"signingSince"`
		Retired      []map[string]any `json:"retired"`
	}
	Expect(json.Unmarshal(raw, &state)).To(Succeed())
	Expect(state.Retired).To(HaveLen(1))
	state.Retired[0]["trustedUntil"] = "2020-01-01T00:00:00Z"
	out, err := json.Marshal(state)
	Expect(err).NotTo(HaveOccurred())
	return out
}
