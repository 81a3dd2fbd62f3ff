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
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/internal/manager"
	"behalf.dev/behalf/webhook/backstop"
)

// registered is an object of ours that admission rests on.
func registered(kind, name string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetAPIVersion("admissionregistration.k8s.io/v1")
	u.SetKind(kind)
	u.SetName(name)
	return u
}

func restsOn() []client.Object {
	return []client.Object{
		registered("ValidatingWebhookConfiguration", "behalf-validating"),
		registered("MutatingWebhookConfiguration", "behalf-mutating"),
		registered("ValidatingAdmissionPolicy", "behalf-grant-approval"),
		registered("ValidatingAdmissionPolicyBinding", "behalf-grant-approval"),
		registered("ValidatingAdmissionPolicy", backstop.Guard),
		registered("ValidatingAdmissionPolicyBinding", backstop.Guard),
		registered("ValidatingAdmissionPolicy", backstop.PodsNamespaces),
		registered("ValidatingAdmissionPolicyBinding", backstop.PodsNamespaces),
		registered("ValidatingAdmissionPolicy", backstop.PodsBounds),
		registered("ValidatingAdmissionPolicyBinding", backstop.PodsBounds),
	}
}

func stands(object client.Object) func(context.Context) error {
	return func(ctx context.Context) error { return admin.Get(ctx, client.ObjectKeyFromObject(object), object) }
}

// ledByNobody has no replica lead until it is deleted.
func ledByNobody(ctx context.Context) *coordinationv1.Lease {
	GinkgoHelper()
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "behalf-manager"}}
	Expect(client.IgnoreNotFound(admin.Delete(ctx, lease))).To(Succeed())
	lease.Spec = coordinationv1.LeaseSpec{
		HolderIdentity: new("nobody"), LeaseDurationSeconds: new(int32(3600)),
		AcquireTime: &metav1.MicroTime{Time: time.Now()}, RenewTime: &metav1.MicroTime{Time: time.Now()},
	}
	Expect(admin.Create(ctx, lease)).To(Succeed())
	DeferCleanup(func(ctx context.Context) { Expect(client.IgnoreNotFound(admin.Delete(ctx, lease))).To(Succeed()) })
	return lease
}

// putBack deletes a policy until that is counted as put right. What a replica has not seen yet it does not miss, so the policy
// is made again by hand where it does not come back.
func putBack(ctx context.Context, name string) {
	GinkgoHelper()
	policy := registered("ValidatingAdmissionPolicy", name)
	Expect(stands(policy)(ctx)).To(Succeed())
	count := func() float64 {
		return figure("behalf_admission_objects_restored_total", "missing", "ValidatingAdmissionPolicy/"+name)
	}
	before := count()
	Eventually(func(ctx context.Context) float64 {
		again := policy.DeepCopy()
		again.SetResourceVersion("")
		again.SetUID("")
		if err := admin.Create(ctx, again); apierrors.IsAlreadyExists(err) {
			Expect(admin.Delete(ctx, policy)).To(Succeed())
		}
		return count()
	}).WithContext(ctx).WithPolling(500*time.Millisecond).Should(BeNumerically(">", before), "%s", name)
	Eventually(stands(policy)).WithContext(ctx).Should(Succeed())
}

// answering has a manager answer admission at an address of its own, and takes its webhooks away when it is stopped.
func answering() func(*manager.Options) {
	address := freeAddress()
	DeferCleanup(func(ctx context.Context) {
		for _, object := range restsOn()[:2] {
			Expect(client.IgnoreNotFound(admin.Delete(ctx, object))).To(Succeed())
		}
		Eventually(func() error { return admin.Create(ctx, asks("free"), client.DryRunAll) }).WithContext(ctx).Should(Succeed())
	})
	return func(o *manager.Options) { o.WebhookAddress, o.WebhookURL = address, "https://"+address }
}

// asks is a template of pods that ask for more than anybody declared. Of pods themselves the API server's policies speak
// first, and of templates the webhook alone.
func asks(name string) *corev1.PodTemplate {
	return &corev1.PodTemplate{
		ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: name},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"behalf.dev/scopes": audience + "#" + readScope}},
			Spec:       corev1.PodSpec{ServiceAccountName: portal, Containers: []corev1.Container{{Name: "c", Image: "x"}}},
		},
	}
}

// mounts is one of pods that ask for delegation by mounting a token for the exchange.
func mounts(audience string) *corev1.PodTemplate {
	template := asks("mounts")
	template.Template.Annotations = nil
	template.Template.Spec.Volumes = []corev1.Volume{{Name: "t", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Audience: audience, Path: "t"}}},
	}}}}
	return template
}

// judged is what a refusal by judgement says, unlike one for want of an answer.
const judged = "has no ServiceDelegation"

func creating(template *corev1.PodTemplate) func(context.Context) string {
	return func(ctx context.Context) string {
		if err := admin.Create(ctx, template.DeepCopy(), client.DryRunAll); err != nil {
			return err.Error()
		}
		return "admitted"
	}
}

var _ = Describe("What admission rests on", func() {
	// THREATS 10
	It("is put back with the manager's own rights, on a cluster in which none of it is", func(ctx context.Context) {
		for _, object := range restsOn() {
			Expect(client.IgnoreNotFound(admin.Delete(ctx, object))).To(Succeed())
		}
		m := start(ctx, answering())
		Eventually(creating(asks("p"))).WithContext(ctx).Should(ContainSubstring(judged))
		Expect(figure("behalf_admission_answers_total", "denied", "workloads")).To(BeNumerically(">", 0))
		for _, object := range restsOn() {
			Eventually(stands(object)).WithContext(ctx).Should(Succeed())
		}

		guard := registered("ValidatingAdmissionPolicy", backstop.Guard)
		Expect(stands(guard)(ctx)).To(Succeed())
		Expect(fmt.Sprint(guard.Object["spec"])).To(ContainSubstring("system:serviceaccount:" + system + ":behalf-manager"))

		By("deleting all of it once more")
		before := figures("behalf_admission_objects_restored_total")
		for _, object := range restsOn() {
			Expect(admin.Delete(ctx, object)).To(Succeed())
		}
		for _, object := range restsOn() {
			Eventually(stands(object)).WithContext(ctx).Should(Succeed())
		}
		Eventually(creating(asks("p"))).WithContext(ctx).Should(ContainSubstring(judged))
		Eventually(func() float64 { return figures("behalf_admission_objects_restored_total") - before }).Should(BeNumerically("==", len(restsOn())))

		By("having it fail open, and leave out the namespace")
		configuration := &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "behalf-validating"}}
		change(ctx, configuration, func(c *admissionregistrationv1.ValidatingWebhookConfiguration) {
			for i := range c.Webhooks {
				c.Webhooks[i].FailurePolicy = new(admissionregistrationv1.Ignore)
				c.Webhooks[i].NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"judged": "yes"}}
			}
		})
		Eventually(func(ctx context.Context) (admissionregistrationv1.FailurePolicyType, error) {
			err := admin.Get(ctx, client.ObjectKeyFromObject(configuration), configuration)
			return *configuration.Webhooks[0].FailurePolicy, err
		}).WithContext(ctx).Should(Equal(admissionregistrationv1.Fail))
		Eventually(creating(asks("p"))).WithContext(ctx).Should(ContainSubstring(judged))
		Eventually(readyz(m)).Should(And(HavePrefix("200 OK"), Not(ContainSubstring("admission:"))))
	})

	// THREATS 10, 45
	It("is put back by a replica that does not lead, but for policies that it never saw and whose bounds may be old", func(ctx context.Context) {
		unseen := []client.Object{
			registered("ValidatingAdmissionPolicy", backstop.PodsNamespaces), registered("ValidatingAdmissionPolicyBinding", backstop.PodsNamespaces),
		}
		m := start(ctx)
		for _, object := range restsOn()[2:] {
			Eventually(stands(object)).WithContext(ctx).Should(Succeed())
		}
		m.stop()
		guard := registered("ValidatingAdmissionPolicy", backstop.Guard) // reads no bounds
		for _, object := range append(unseen, guard) {
			Expect(admin.Delete(ctx, object)).To(Succeed())
		}
		lease := ledByNobody(ctx)
		start(ctx)
		putBack(ctx, "behalf-grant-approval")
		putBack(ctx, backstop.PodsBounds)
		Eventually(stands(guard)).WithContext(ctx).Should(Succeed())
		for _, object := range unseen {
			Expect(apierrors.IsNotFound(stands(object)(ctx))).To(BeTrue(), "it was made before its bounds were looked at")
		}
		Expect(admin.Delete(ctx, lease)).To(Succeed())
		for _, object := range unseen {
			Eventually(stands(object)).WithContext(ctx).Should(Succeed())
		}
	})

	It("is all that the manager may create of its kind", func(ctx context.Context) {
		config := rest.AnonymousClientConfig(adminConfig)
		config.BearerToken = token(ctx, system, "behalf-manager", "")
		managers, err := client.New(config, client.Options{Scheme: admin.Scheme()})
		Expect(err).NotTo(HaveOccurred())
		for _, object := range restsOn() {
			foreign := registered(object.GetObjectKind().GroupVersionKind().Kind, "of-somebody-else")
			err := managers.Create(ctx, foreign.DeepCopy())
			Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
			err = managers.Apply(ctx, client.ApplyConfigurationFromUnstructured(foreign), client.FieldOwner("behalf-manager"))
			Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		}
	})

	// THREATS 8
	It("looks for the audience that the manager's flag says", func(ctx context.Context) {
		start(ctx, answering(), func(o *manager.Options) { o.ExchangeAudience = "https://exchange.example/'x'" })
		Eventually(creating(mounts("https://exchange.example/'x'"))).WithContext(ctx).Should(ContainSubstring(judged))
		Expect(creating(mounts(manager.DefaultExchangeAudience))(ctx)).To(Equal("admitted"))
	})

	It("may be somebody else's", func(ctx context.Context) {
		m := start(ctx, answering(), func(o *manager.Options) { o.AdmissionObjects = "Unmanaged" })
		Eventually(readyz(m)).Should(HavePrefix("200 OK"))
		Consistently(creating(asks("p"))).WithContext(ctx).WithTimeout(time.Second).Should(Equal("admitted"))
	})
})

var _ = Describe("A serving certificate in files", func() {
	// THREATS 10
	It("is that of the webhook, which the API server believes, and is read anew", func(ctx context.Context) {
		folder := GinkgoT().TempDir()
		first := mountCertificate(folder)
		address := answering()
		m := start(ctx, address, inFiles(folder))
		Eventually(creating(asks("p"))).WithContext(ctx).Should(ContainSubstring(judged))
		Eventually(shakesHands(m.DistributionAddress(), first)).WithContext(ctx).Should(Succeed())

		second := mountCertificate(folder)
		Eventually(shakesHands(m.DistributionAddress(), second)).WithContext(ctx).WithTimeout(readyWithin).Should(Succeed())
		Expect(shakesHands(m.DistributionAddress(), first)(ctx)).NotTo(Succeed())
		Eventually(creating(asks("p"))).WithContext(ctx).Should(ContainSubstring(judged))
		published := &corev1.ConfigMap{}
		Expect(admin.Get(ctx, client.ObjectKey{Namespace: system, Name: "behalf-ca"}, published)).To(Succeed())
		Expect(published.Data["ca.crt"]).To(And(ContainSubstring(string(second)), ContainSubstring(string(first))), "both are believed while copies follow")
	})

	It("leaves the caBundle to cert-manager where that writes it", func(ctx context.Context) {
		folder := GinkgoT().TempDir()
		ca := mountCertificate(folder)
		start(ctx, answering(), inFiles(folder), func(o *manager.Options) { o.InjectCAFrom = "behalf-system/behalf-serving" })
		for _, kind := range []string{"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"} {
			name := map[string]string{"ValidatingWebhookConfiguration": "behalf-validating", "MutatingWebhookConfiguration": "behalf-mutating"}[kind]
			Eventually(func(ctx context.Context) (map[string]string, error) {
				u := registered(kind, name)
				err := admin.Get(ctx, client.ObjectKeyFromObject(u), u)
				return u.GetAnnotations(), err
			}).WithContext(ctx).Should(HaveKeyWithValue("cert-manager.io/inject-ca-from", "behalf-system/behalf-serving"))
		}
		Consistently(creating(asks("p"))).WithContext(ctx).WithTimeout(time.Second).Should(ContainSubstring("failed calling webhook"), "nobody has written a caBundle yet")
		configuration := &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "behalf-validating"}}
		change(ctx, configuration, func(c *admissionregistrationv1.ValidatingWebhookConfiguration) { // as cert-manager does
			for i := range c.Webhooks {
				c.Webhooks[i].ClientConfig.CABundle = ca
			}
		})
		Eventually(creating(asks("p"))).WithContext(ctx).Should(ContainSubstring(judged))
	})
})

// inFiles also takes the foreign authority out of what authorizers of other tests copy.
func inFiles(folder string) func(*manager.Options) {
	DeferCleanup(func(ctx context.Context) {
		config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "behalf-ca"}}
		Expect(client.IgnoreNotFound(admin.Delete(ctx, config))).To(Succeed())
	})
	return func(o *manager.Options) {
		o.ServingCertFile, o.ServingKeyFile, o.ServingCAFile = filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key"), filepath.Join(folder, "ca.crt")
	}
}

// mountCertificate writes what a mounted Secret of cert-manager holds, under an authority of its own, which it gives.
func mountCertificate(folder string) (ca []byte) {
	GinkgoHelper()
	ca, caKey := authority(time.Now().Add(-time.Hour))
	pair, err := tls.X509KeyPair(ca, caKey)
	Expect(err).NotTo(HaveOccurred())
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "behalf-manager"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, pair.Leaf, key.Public(), pair.PrivateKey)
	Expect(err).NotTo(HaveOccurred())
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	Expect(err).NotTo(HaveOccurred())
	for name, content := range map[string][]byte{
		"tls.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		"tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), "ca.crt": ca,
	} {
		Expect(os.WriteFile(filepath.Join(folder, name), content, 0o600)).To(Succeed())
	}
	return ca
}
