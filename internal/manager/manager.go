// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	webhookserver "sigs.k8s.io/controller-runtime/pkg/webhook"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/controllers/bounds"
	"behalf.dev/behalf/controllers/bundle"
	"behalf.dev/behalf/controllers/delegationgrant"
	"behalf.dev/behalf/controllers/delegationpolicy"
	"behalf.dev/behalf/controllers/delegationrevocation"
	"behalf.dev/behalf/controllers/resourceserver"
	"behalf.dev/behalf/controllers/servicedelegation"
	"behalf.dev/behalf/controllers/trustedissuer"
	"behalf.dev/behalf/controllers/workloads"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/issuerkeys"
	"behalf.dev/behalf/internal/upkeep"
	"behalf.dev/behalf/webhook"
)

// shutdown is how long parts may take to end.
const shutdown = 10 * time.Second

// Manager is a manager that is put together and not started.
type Manager struct {
	ctrl    ctrl.Manager
	options Options

	leadership   *leadership
	certificates certificates
	admission    *upkeep.Keeper
	boundsStand  <-chan struct{}
	key          *bundle.SigningKey
	keeper       *bundle.KeyKeeper
	issuers      *issuerkeys.Fetcher
	publisher    *bundle.Publisher
	workloads    *workloads.Sweep
	distribution *distribution.Server
	gathering    *gathering
	bounds       bounds.Figures
	answers      *webhook.Answers
	listener     net.Listener
	health       net.Listener
}

// New puts a manager together. It listens already, so that addresses are known; Start answers.
func New(config *rest.Config, options Options) (*Manager, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	m := &Manager{options: options, answers: webhook.NewAnswers()}
	config = unthrottled(config)
	for _, step := range []func(*rest.Config) error{
		m.listen, m.makeManager, m.makeBounds, m.makeAdmission, m.makeCertificates, m.makeDistribution, m.makePublisher, m.makeGathering, m.addControllers, m.addWebhooks, m.addRunnables,
	} {
		if err := step(config); err != nil {
			return nil, errors.Join(err, m.close())
		}
	}
	return m, nil
}

// unthrottled leaves it to the API server's priority and fairness to hold us back.
func unthrottled(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = -1, -1
	if config.UserAgent == "" {
		config.UserAgent = "behalf-manager"
	}
	return config
}

func scheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(s), v1alpha1.AddToScheme(s)); err != nil {
		return nil, fmt.Errorf("registering kinds: %w", err)
	}
	return s, nil
}

func (m *Manager) makeManager(rc *rest.Config) error {
	s, err := scheme()
	if err != nil {
		return err
	}
	address, err := advertise(m.options.AdvertiseAddress, m.listener.Addr(), net.InterfaceAddrs)
	if err != nil {
		return err
	}
	if m.leadership, err = newLeadership(rc, m.options.Namespace, address, m.options.Log); err != nil {
		return err
	}
	server, err := m.webhookServer()
	if err != nil {
		return err
	}
	m.ctrl, err = ctrl.NewManager(rc, ctrl.Options{
		Scheme:                              s,
		Logger:                              m.options.Log,
		Cache:                               m.cache(),
		Metrics:                             metricsserver.Options{BindAddress: disabled(m.options.MetricsAddress)},
		HealthProbeBindAddress:              "0", // see health
		WebhookServer:                       server,
		LeaderElection:                      m.options.Election == ElectionOn,
		LeaderElectionResourceLockInterface: m.leadership,
		LeaderElectionReleaseOnCancel:       true, // cmd/manager ends when Start does
		LeaseDuration:                       new(leaseDuration),
		RenewDeadline:                       new(renewDeadline),
		RetryPeriod:                         new(retryPeriod),
		GracefulShutdownTimeout:             new(shutdown),
		Controller:                          config.Controller{SkipNameValidation: new(true)}, // names repeat where a test starts several managers
	})
	if err != nil {
		return fmt.Errorf("making the controller manager: %w", err)
	}
	return nil
}

// cache keeps of ConfigMaps only the one with the revisions.
func (m *Manager) cache() cache.Options {
	return cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{&corev1.ConfigMap{}: {
			Namespaces: map[string]cache.Config{m.options.Namespace: {}},
			Field:      fields.OneTermEqualSelector("metadata.name", bundle.RevisionsConfigMap),
		}},
	}
}

// disabled is how controller-runtime spells Off.
func disabled(address string) string {
	if off(address) {
		return "0"
	}
	return address
}

// webhookServer presents whatever certificate the source has at the time.
func (m *Manager) webhookServer() (webhookserver.Server, error) {
	options := webhookserver.Options{Port: -1, TLSOpts: []func(*tls.Config){func(c *tls.Config) {
		c.MinVersion = tls.VersionTLS12
		c.GetCertificate = m.certificate
	}}}
	if !off(m.options.WebhookAddress) {
		host, port, err := net.SplitHostPort(m.options.WebhookAddress)
		if err != nil {
			return nil, fmt.Errorf("reading the webhook's address: %w", err)
		}
		if options.Port, err = strconv.Atoi(port); err != nil {
			return nil, fmt.Errorf("reading the webhook's port %q: %w", port, err)
		}
		options.Host = host
	}
	return webhookserver.NewServer(options), nil
}

// direct is a client without a cache, for what the manager may read by name only.
func (m *Manager) direct(rc *rest.Config) (client.Client, error) {
	c, err := client.New(rc, client.Options{Scheme: m.ctrl.GetScheme()})
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	return c, nil
}

func (m *Manager) makeDistribution(rc *rest.Config) error {
	clients, err := kubernetes.NewForConfig(rc)
	if err != nil {
		return fmt.Errorf("making the client of token reviews: %w", err)
	}
	clock := distribution.SystemClock{}
	options := distribution.Options{
		Authenticator: distribution.Remember(reviewer{reviews: clients.AuthenticationV1().TokenReviews()}, clock),
		Clock:         clock,
		Log:           m.options.Log.WithName("distribution"),
		Replica:       m.leadership.Identity(),
		ClusterWide:   m.options.Authorizers,
		CountFor:      m.options.Lease + distribution.Unheard, // a replica that nobody hears may have renewed it
	}
	if m.options.Election == ElectionOn {
		options.Leads, options.StandsIn = m.leadership.holds, m.leadership.standsIn
	}
	m.distribution, err = distribution.NewServer(options)
	return err
}

func (m *Manager) makePublisher(rc *rest.Config) error {
	c, err := m.direct(rc)
	if err != nil {
		return err
	}
	api, err := newRawAPI(rc)
	if err != nil {
		return err
	}
	changed := func() { m.publisher.Changed() }
	m.key = bundle.NewSigningKey(c, m.options.Namespace, m.options.Log.WithName("signing"), changed)
	m.keeper = bundle.NewKeyKeeper(m.key, m.options.rotation(), time.Now)
	m.issuers = issuerkeys.NewFetcher(issuerkeys.Options{
		MaxAge: m.options.KeysMaxAge, OnChange: changed, Log: m.options.Log.WithName("issuers"),
	})
	m.publisher, err = bundle.NewPublisher(bundle.Options{
		Cache:       m.ctrl.GetCache(),
		Key:         m.key,
		Issuers:     m.issuers,
		KeysMaxAge:  m.options.KeysMaxAge,
		Reach:       m.options.Reach,
		Cluster:     issuerkeys.Cluster{API: api},
		Distributor: m.distribution,
		Register:    bundle.NewRecords(c, m.options.Namespace),
		Lease:       m.options.Lease,
		Log:         m.options.Log.WithName("bundles"),
	})
	return err
}

func (m *Manager) addControllers(rc *rest.Config) error {
	live, err := m.direct(rc)
	if err != nil {
		return err
	}
	if m.workloads, err = workloads.Setup(m.ctrl, m.publisher.Reports(), live, m.options.ExchangeAudience); err != nil {
		return err
	}
	if err := servicedelegation.Setup(m.ctrl, m.publisher.Reports(), m.workloads); err != nil {
		return err
	}
	for _, setup := range []func(ctrl.Manager, *bundle.Reports) error{
		resourceserver.Setup, delegationpolicy.Setup, trustedissuer.Setup, delegationgrant.Setup, delegationrevocation.Setup,
	} {
		if err := setup(m.ctrl, m.publisher.Reports()); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manager) addWebhooks(*rest.Config) error {
	if off(m.options.WebhookAddress) {
		return nil
	}
	if err := webhook.Setup(m.ctrl, webhook.Options{ExchangeAudience: m.options.ExchangeAudience, Others: m.publisher, Answers: m.answers}); err != nil {
		return fmt.Errorf("setting up the webhooks (are the CustomResourceDefinitions installed?): %w", err)
	}
	return nil
}

func (m *Manager) listen(*rest.Config) error {
	var err error
	if m.listener, err = listenOn(m.options.DistributionAddress); err != nil || off(m.options.HealthAddress) {
		return err
	}
	m.health, err = listenOn(m.options.HealthAddress)
	return err
}

func listenOn(address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", address, err)
	}
	return listener, nil
}

// addRunnables adds what runs on every replica, and what runs on the leader: the keeper of signing keys, and assigning
// revisions.
func (m *Manager) addRunnables(*rest.Config) error {
	runnables := append([]manager.Runnable{
		m.certificates, m.admission, m.key, m.keeper, m.issuers, m.publisher, everywhere(m.serveDistribution), m.leading(),
	}, m.gathering.runnables()...)
	if m.health != nil {
		runnables = append(runnables, &manager.Server{
			Name: "health", Server: httpServer(health(m.checks(), m.remarks)), Listener: m.health,
		})
	}
	for _, r := range runnables {
		if err := m.ctrl.Add(r); err != nil {
			return fmt.Errorf("adding %T: %w", r, err)
		}
	}
	return nil
}

// leading has this replica assign revisions once it leads. Without an election there is nobody else.
func (m *Manager) leading() bundle.Leading {
	if m.options.Election != ElectionOn {
		return bundle.Leading{Publisher: m.publisher}
	}
	return bundle.Leading{Publisher: m.publisher, Others: m.leadership.others}
}

// everywhere runs on every replica, leader or not.
type everywhere func(context.Context) error

// Start runs it.
func (e everywhere) Start(ctx context.Context) error { return e(ctx) }

// NeedLeaderElection is false.
func (everywhere) NeedLeaderElection() bool { return false }

func (m *Manager) serveDistribution(ctx context.Context) error {
	return m.distribution.Serve(ctx, m.listener, &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: m.certificate}, m.gathering.services()...)
}

// Start runs the manager until the context ends or a part fails for good. It lets go of the leader lease, so the process
// must end soon after.
func (m *Manager) Start(ctx context.Context) error {
	release := m.serveMetrics()
	defer release()
	m.options.Log.Info("starting", "namespace", m.options.Namespace, "distribution", m.listener.Addr().String(),
		"webhook", m.options.WebhookAddress, "lease", m.options.Lease.String(), "identity", m.leadership.Identity())
	return errors.Join(m.ctrl.Start(ctx), m.close())
}

// close lets go of listeners that nobody serves.
func (m *Manager) close() error {
	var errs []error
	for _, listener := range []net.Listener{m.listener, m.health} {
		if listener == nil {
			continue
		}
		if err := listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// DistributionAddress is where authorizers connect to.
func (m *Manager) DistributionAddress() string { return m.listener.Addr().String() }

// HealthAddress is where /readyz is asked; empty where it is off.
func (m *Manager) HealthAddress() string {
	if m.health == nil {
		return ""
	}
	return m.health.Addr().String()
}

func (m *Manager) checks() []check {
	return append([]check{
		{name: "certificate", ready: func() error { _, err := m.certificate(nil); return err }},
		{name: "signing key", ready: m.key.Ready, says: m.key.String},
		{name: "bundles", ready: m.publisher.Ready, says: m.publisher.String},
	}, m.gathering.checks()...)
}

// awaited are the replicas without which nothing can be said of what is enforced.
func (m *Manager) awaited() []string {
	if awaited := m.distribution.Awaited(); len(awaited) > 0 {
		return []string{"status waits until these replicas report, or serve no longer: " + strings.Join(awaited, ", ")}
	}
	return nil
}

// remarks are who writes status, who is there to enforce, what of admission cannot be put right, and which issuers cannot be
// reached.
func (m *Manager) remarks() []string {
	writer := "this replica (leader election is off)"
	if m.options.Election == ElectionOn {
		writer = m.leadership.String()
	}
	connected, expected := m.distribution.Expected()
	attendance := fmt.Sprintf("authorizers: %d of %d expected connected", connected, expected)
	return slices.Concat([]string{"status is written by " + writer, m.workloads.String(), attendance}, m.awaited(), m.admission.Problems(), unreachable(m.issuers.States()))
}
