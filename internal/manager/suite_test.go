// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager_test

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/controllers/bundle"
	"behalf.dev/behalf/internal/authz"
	artifacts "behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/issuerkeys"
	"behalf.dev/behalf/internal/manager"
	"behalf.dev/behalf/internal/servingcert"
	"behalf.dev/behalf/internal/snapshot"
	"behalf.dev/behalf/internal/upkeep"
)

const (
	system     = manager.DefaultNamespace
	authorizer = "behalf-authorizer"
)

var (
	environment *envtest.Environment
	admin       client.Client
	adminConfig *rest.Config
)

func TestManager(t *testing.T) {
	if testing.Short() {
		t.Skip("needs an API server; left out with -short")
	}
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver: run make test")
	}
	RegisterFailHandler(Fail)
	EnforceDefaultTimeoutsWhenUsingContexts()
	SetDefaultEventuallyTimeout(15 * time.Second)
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	RunSpecs(t, "Manager")
}

var _ = BeforeSuite(func(ctx context.Context) {
	ctrl.SetLogger(logr.Discard())
	environment = &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	config, err := environment.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(environment.Stop()).To(Succeed()) })
	adminConfig = config
	adminConfig.QPS = -1
	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	admin, err = client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	for _, file := range []string{"namespace.yaml", "role.yaml", "manager.yaml", "authorizer.yaml"} {
		apply(ctx, filepath.Join("..", "..", "config", "rbac", file))
	}
})

// apply creates what a file holds.
func apply(ctx context.Context, path string) {
	raw, err := os.ReadFile(path)
	Expect(err).NotTo(HaveOccurred())
	objects, err := upkeep.Read(raw)
	Expect(err).NotTo(HaveOccurred())
	for _, object := range objects {
		Expect(admin.Create(ctx, object)).To(Succeed(), path)
	}
}

// token gives a service account's token for an audience.
func token(ctx context.Context, namespace, name, audience string) string {
	request := &authenticationv1.TokenRequest{}
	if audience != "" {
		request.Spec.Audiences = []string{audience}
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	Expect(admin.SubResource("token").Create(ctx, account, request)).To(Succeed())
	return request.Status.Token
}

// running is a manager in this process, with the rights of its own service account and no others.
type running struct {
	*manager.Manager
	stop func()
}

func start(ctx context.Context, change ...func(*manager.Options)) *running {
	config := rest.AnonymousClientConfig(adminConfig)
	config.BearerToken = token(ctx, system, "behalf-manager", "")
	options := manager.Options{
		Namespace:           system,
		DistributionAddress: "127.0.0.1:0",
		WebhookAddress:      manager.Off,
		HealthAddress:       "127.0.0.1:0",
		MetricsAddress:      manager.Off,
		AdmissionObjects:    upkeep.Managed,
		WebhookService:      manager.DefaultWebhookService,
		ServingNames:        []string{"127.0.0.1"},
		Authorizers:         []authz.Actor{{Namespace: system, ServiceAccount: authorizer}},
		Lease:               time.Hour,
		ExchangeAudience:    manager.DefaultExchangeAudience,
		Reach:               issuerkeys.Reach{Loopback: issuerkeys.LoopbackAllowed, Ports: issuerkeys.DefaultPorts},
		KeysMaxAge:          time.Hour,
		Election:            manager.ElectionOn,
		Log:                 funcr.New(func(_, args string) { GinkgoWriter.Println(args) }, funcr.Options{LogTimestamp: true}),
	}
	options.SigningKeyPropagation = time.Second
	for _, c := range change {
		c(&options)
	}
	m, err := manager.New(config, options)
	Expect(err).NotTo(HaveOccurred())
	life, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		defer GinkgoRecover()
		done <- m.Start(life)
	}()
	r := &running{Manager: m, stop: sync.OnceFunc(func() {
		cancel()
		Eventually(done).Should(Receive(BeNil()))
	})}
	DeferCleanup(r.stop)
	return r
}

// enforcer is an authorizer in this process: a real client of distribution with a real store behind it.
type enforcer struct {
	*snapshot.Store
	stop func()
}

func connect(ctx context.Context, m *running, node string) *enforcer {
	return connectThrough(ctx, m, node, func(s *snapshot.Store) distribution.Sink { return s })
}

// connectThrough puts something between the client and the store.
func connectThrough(ctx context.Context, m *running, node string, through func(*snapshot.Store) distribution.Sink) *enforcer {
	folder := GinkgoT().TempDir()
	Eventually(func(ctx context.Context) error {
		return errors.Join(
			save(ctx, filepath.Join(folder, "ca.crt"), "behalf-ca", servingcert.ConfigMapKey),
			save(ctx, filepath.Join(folder, "keys"), bundle.KeysConfigMap, bundle.KeysConfigMapKey),
		)
	}).WithContext(ctx).Should(Succeed())
	raw, err := os.ReadFile(filepath.Join(folder, "keys"))
	Expect(err).NotTo(HaveOccurred())
	keys, err := artifacts.ParsePublicKeys(raw)
	Expect(err).NotTo(HaveOccurred())
	tokenFile := filepath.Join(folder, "token")
	Expect(os.WriteFile(tokenFile, []byte(token(ctx, system, authorizer, distribution.TokenAudience)), 0o600)).To(Succeed())
	store := snapshot.New(artifacts.NewVerifier(keys...), time.Now)
	c, err := distribution.NewClient(distribution.ClientOptions{
		Address: m.DistributionAddress(), CAFile: filepath.Join(folder, "ca.crt"), TokenFile: tokenFile, Node: node,
		Sink: through(store), Clock: distribution.SystemClock{}, Log: logr.Discard(), MinBackoff: 20 * time.Millisecond, MaxBackoff: 200 * time.Millisecond,
	})
	Expect(err).NotTo(HaveOccurred())
	life, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(life) }()
	e := &enforcer{Store: store, stop: sync.OnceFunc(func() {
		cancel()
		Eventually(done).WithTimeout(5 * time.Second).Should(Receive(BeNil()))
	})}
	DeferCleanup(e.stop)
	return e
}

func save(ctx context.Context, path, configMap, key string) error {
	var config corev1.ConfigMap
	if err := admin.Get(ctx, client.ObjectKey{Namespace: system, Name: configMap}, &config); err != nil {
		return err
	}
	if config.Data[key] == "" {
		return fs.ErrNotExist
	}
	return os.WriteFile(path, []byte(config.Data[key]), 0o600)
}

// figure is a metric of this process; of a histogram, how often something was measured.
func figure(name string, labels ...string) float64 {
	families, err := metrics.Registry.Gather()
	Expect(err).NotTo(HaveOccurred())
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			var values []string
			for _, label := range metric.GetLabel() {
				values = append(values, label.GetValue())
			}
			if slices.Equal(values, labels) {
				return metric.GetGauge().GetValue() + metric.GetCounter().GetValue() + float64(metric.GetHistogram().GetSampleCount())
			}
		}
	}
	return math.NaN()
}

// figures is the sum of a metric of this process over all labels.
func figures(name string) float64 {
	families, err := metrics.Registry.Gather()
	Expect(err).NotTo(HaveOccurred())
	sum := 0.0
	for _, family := range families {
		if family.GetName() == name {
			for _, metric := range family.GetMetric() {
				sum += metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
			}
		}
	}
	return sum
}
