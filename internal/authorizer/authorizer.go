// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package authorizer puts an authorizer together: it takes signed bundles from the manager, decides on them at its front
// doors, and says how it stands.
package authorizer

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"behalf.dev/behalf/internal/audit"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/frontdoor"
	"behalf.dev/behalf/internal/frontdoor/authzen"
	"behalf.dev/behalf/internal/snapshot"
	"behalf.dev/behalf/internal/snapshot/disk"
)

// Authorizer is one authorizer with its listeners open.
type Authorizer struct {
	options Options
	log     logr.Logger
	clock   distribution.Clock

	state    *disk.Folder // nil without a state folder
	store    *snapshot.Store
	client   *distribution.Client
	health   *health
	registry *prometheus.Registry
	judge    *frontdoor.Judge

	keys        *watched
	certificate *watched // nil without TLS
	tls         *certificate
	decisions   *audit.Log // nil without a decision log
	out         io.Closer
	servers     []*server
}

// New opens all that can fail to open. Close it if Run is never called.
func New(options Options, log logr.Logger, clock distribution.Clock) (*Authorizer, error) {
	a := &Authorizer{options: options, log: log, clock: clock, registry: newRegistry()}
	for _, step := range []func() error{a.openState, a.openStore, a.openCertificate, a.openLog, a.openHealth, a.openDoors} {
		if err := step(); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

// openStore enforces what was kept before the first connection is tried: decisions wait for no manager.
func (a *Authorizer) openStore() error {
	believer := restoring{a.store, a.log.WithName("state")}
	a.keys = watchKeys(a.options.BundleKeysFile, believer, a.log.WithName("bundle-keys"))
	a.keys.look()
	client, err := distribution.NewClient(distribution.ClientOptions{
		Address: a.options.ManagerAddress, ServerName: a.options.ManagerServerName,
		CAFile: a.options.ManagerCAFile, TokenFile: a.options.TokenFile, Node: a.options.NodeID,
		Sink: guided{a.store, newRefusals(a.registry)}, Clock: a.clock, Log: a.log.WithName("distribution"), Remedy: remedy,
	})
	a.client = client
	return err
}

func (a *Authorizer) openCertificate() error {
	if a.options.TLSCertFile == "" {
		return nil
	}
	a.tls = &certificate{certFile: a.options.TLSCertFile, keyFile: a.options.TLSKeyFile}
	a.certificate = &watched{file: a.options.TLSCertFile, take: a.tls.load, log: a.log.WithName("certificate"), without: "there is no certificate to serve with"}
	a.certificate.look()
	return a.certificate.missing()
}

func (a *Authorizer) openLog() error {
	a.judge = &frontdoor.Judge{Snapshots: a.store, Clock: a.clock.Now, Observers: []frontdoor.Observer{newDecisionMetrics(a.registry)}}
	out, err := openDecisionLog(a.options.DecisionLog)
	if err != nil || out == nil {
		return err
	}
	a.out, a.decisions = out, audit.NewLog(out, logQueue, a.clock.Now)
	a.judge.Observers = append(a.judge.Observers, decisionLog{a.decisions})
	return nil
}

func (a *Authorizer) lost() uint64 {
	if a.decisions == nil {
		return 0
	}
	return a.decisions.Lost()
}

// openHealth serves on a port of its own and without TLS, as kubelets and scrapers ask.
func (a *Authorizer) openHealth() error {
	a.health = &health{
		store: a.store, client: a.client, keys: a.keys, wake: a.clock, account: func() string { return ownAccount(a.options.TokenFile) },
	}
	a.registry.MustRegister(&stateMetrics{store: a.store, client: a.client, lost: a.lost, clock: a.clock.Now})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", live)
	mux.HandleFunc("GET /healthz", live)
	mux.HandleFunc("GET /readyz", a.health.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{}))
	return a.open("health", a.options.HealthAddress, func(l net.Listener) *server {
		return newHTTP("health", l, mux, nil)
	})
}

func (a *Authorizer) openDoors() error {
	if a.options.ExtAuthzAddress != "" {
		if err := a.open("ext_authz", a.options.ExtAuthzAddress, func(l net.Listener) *server {
			return newExtAuthz(l, a.judge, a.tls.config())
		}); err != nil {
			return err
		}
	}
	if a.options.AuthZENAddress == "" {
		return nil
	}
	handler := authzen.NewHandler(authzen.Options{Judge: a.judge, Peers: a.options.AuthZENPeers, URL: a.options.AuthZENURL})
	return a.open("AuthZEN", a.options.AuthZENAddress, func(l net.Listener) *server {
		return newHTTP(authzen.Door, l, handler, a.tls.config())
	})
}

func (a *Authorizer) open(name, address string, serving func(net.Listener) *server) error {
	listener, err := listen(name, address)
	if err != nil {
		return err
	}
	a.servers = append(a.servers, serving(listener))
	a.log.Info("listening", "for", name, "address", listener.Addr().String())
	return nil
}

// Address is where a server listens: health, extauthz or authzen; empty where there is none.
func (a *Authorizer) Address(name string) string {
	for _, s := range a.servers {
		if s.name == name {
			return s.listener.Addr().String()
		}
	}
	return ""
}

// Close closes what New opened.
func (a *Authorizer) Close() error {
	var problems []error
	for _, s := range a.servers {
		problems = append(problems, s.listener.Close())
	}
	if a.out != nil {
		problems = append(problems, a.out.Close())
	}
	return errors.Join(append(problems, a.closeState())...)
}

// Run decides until ctx ends; then it is no longer ready, lets requests end, and writes the decision log to its end.
func (a *Authorizer) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	context.AfterFunc(ctx, func() { a.health.closing.Store(true) })
	for _, s := range a.servers {
		group.Go(func() error { return s.run(ctx) })
	}
	group.Go(func() error { return a.followManager(ctx) })
	group.Go(func() error { return a.announce(ctx) })
	if a.certificate != nil {
		group.Go(func() error { return a.watch(ctx, a.certificate, func() {}) })
	}
	finish := a.startLog(context.WithoutCancel(ctx))
	err := group.Wait()
	return errors.Join(err, finish(), a.closeState())
}

// followManager keeps the store up to date. New bundle keys begin a new connection, and so does what could not be written for
// a while: what was refused is only sent again then.
func (a *Authorizer) followManager(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := a.connect(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (a *Authorizer) connect(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	ctx, again := context.WithCancel(ctx)
	defer again()
	group.Go(func() error { return a.client.Run(ctx) })
	group.Go(func() error { return a.watch(ctx, a.keys, again) })
	group.Go(func() error { return a.awaitRoom(ctx, again) })
	return group.Wait()
}

func (a *Authorizer) announce(ctx context.Context) error {
	(&announcer{health: a.health, log: a.log}).follow(ctx)
	return nil
}

func (a *Authorizer) watch(ctx context.Context, file *watched, changed func()) error {
	file.follow(ctx, a.clock, changed)
	return nil
}

// startLog writes the decision log until the function that it returns is called, after the last decision.
func (a *Authorizer) startLog(ctx context.Context) (finish func() error) {
	if a.decisions == nil {
		return func() error { return nil }
	}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- a.decisions.Run(ctx) }()
	return func() error {
		stop()
		return errors.Join(<-done, a.out.Close())
	}
}
