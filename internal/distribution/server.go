// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/go-logr/logr"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"behalf.dev/behalf/internal/authz"
)

// Options of a Server. Authenticator and Clock must be set; the rest has defaults.
type Options struct {
	Authenticator Authenticator
	Clock         Clock
	Log           logr.Logger
	// Replica is what this replica of the manager is called among the others; empty where there are none.
	Replica string
	// Leads says whether this replica is the leader, which counts those of all; nil where there are no others.
	Leads func() bool
	// StandsIn says that this replica serves in the place of a leader that is dead, and that whoever leads next will wait for it.
	StandsIn func() bool
	// ClusterWide are the authorizers that may see everything.
	ClusterWide []authz.Actor
	// CountFor is how long an authorizer that is gone counts as one that serves: the lease of bundles, and for how long a replica that
	// is not heard may renew it. Default 15 minutes.
	CountFor time.Duration
	// ReviewEvery is how often the token behind a stream is reviewed again. Default 2 minutes.
	ReviewEvery time.Duration
	// StallAfter is how long a peer may leave a response unanswered before its stream is ended. Default 1 minute.
	StallAfter time.Duration
	// MaxAuthorizers bounds the instances that are served and remembered. Default 4096.
	MaxAuthorizers int
}

func (o Options) withDefaults() Options {
	o.CountFor = defaultTo(o.CountFor, 15*time.Minute)
	o.ReviewEvery = defaultTo(o.ReviewEvery, 2*time.Minute)
	o.StallAfter = defaultTo(o.StallAfter, time.Minute)
	o.MaxAuthorizers = defaultTo(o.MaxAuthorizers, 4096)
	return o
}

func defaultTo[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// Server gives authorizers what they may see and keeps track of what they acknowledged.
type Server struct {
	discoveryv3.UnimplementedAggregatedDiscoveryServiceServer

	options     Options
	clusterWide map[authz.Actor]bool
	metrics     *serverMetrics

	// mu guards the ledger. It is taken before the others.
	mu     sync.RWMutex
	ledger *ledger

	// gathered is what other replicas told of whom they serve, authorizers are those that this one does.
	gathered    gathered
	authorizers *roll
	listeners   listeners
	counting    counting

	// refusals and guests are logged now and then.
	refusals, guests occasionally
}

// NewServer makes a Server that has nothing yet: authorizers may connect, and get nothing before the first Set.
func NewServer(options Options) (*Server, error) {
	if options.Authenticator == nil || options.Clock == nil {
		return nil, errors.New("making a distribution server: authenticator and clock must be set")
	}
	s := &Server{
		options:     options.withDefaults(),
		clusterWide: map[authz.Actor]bool{},
		metrics:     newServerMetrics(),
		ledger:      newLedger(),
		gathered:    gathered{views: map[string]*view{}, heard: map[string]receipt{}},
		counting:    counting{clock: options.Clock, since: options.Clock.Now(), expected: map[string]time.Time{}},
	}
	for _, account := range options.ClusterWide {
		s.clusterWide[account] = true
	}
	s.authorizers = newRoll(s.options)
	return s, nil
}

// Lead notes that this replica leads from now on: the others report to it. What they served before it knows as far as it was told,
// so it says nothing of what is enforced before it has heard those that may serve, or they do no longer.
func (s *Server) Lead(others ...string) {
	s.counting.lead(others)
	s.authorizers.lead()
	s.rouse()
	s.listeners.notify()
}

// Set replaces all that is distributed. What is the same as before causes nothing. A resource that cannot be distributed
// (its revision would regress) is left as it was and stands in the error; the others take effect.
func (s *Server) Set(resources []Resource) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := make(map[Key]bool, len(resources))
	for _, r := range resources {
		kept[r.key()] = true
	}
	changed, err := s.put(resources)
	for _, key := range slices.SortedFunc(maps.Keys(s.ledger.entries), compareKeys) {
		if !kept[key] {
			changed = s.ledger.remove(key) || changed
		}
	}
	if !s.ledger.complete {
		s.ledger.complete, changed = true, true
	}
	s.announce(changed)
	return err
}

// Put adds or replaces resources beside what there is, at a cost that depends on them alone. Errors are as for Set.
func (s *Server) Put(resources ...Resource) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed, err := s.put(resources)
	s.announce(changed)
	return err
}

// Remove takes resources away; what is not there is no error.
func (s *Server) Remove(keys ...Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := false
	for _, key := range keys {
		changed = s.ledger.remove(key) || changed
	}
	s.announce(changed)
}

func (s *Server) put(resources []Resource) (changed bool, err error) {
	var errs []error
	for _, r := range resources {
		if err := s.ledger.check(r); err != nil {
			errs = append(errs, err)
			continue
		}
		changed = s.ledger.put(r) || changed
	}
	return changed, errors.Join(errs...)
}

// announce wakes all streams. The ledger is held.
func (s *Server) announce(changed bool) {
	if !changed {
		return
	}
	sessions := s.authorizers.sessions()
	if s.ledger.overgrown() {
		s.ledger.compact(passedByAll(sessions, s.ledger.head))
	}
	for _, session := range sessions {
		session.rouse()
	}
	s.listeners.notify()
}

// rouse has all streams look whether something is owed to them.
func (s *Server) rouse() {
	for _, session := range s.authorizers.sessions() {
		session.rouse()
	}
}

func passedByAll(sessions []*session, head uint64) uint64 {
	lowest := head
	for _, session := range sessions {
		if at, subscribed := session.passed(); subscribed {
			lowest = min(lowest, at)
		}
	}
	return lowest
}

// Service is a further one beside that of distribution.
type Service interface {
	Register(registrar grpc.ServiceRegistrar)
}

// Serve answers on the listener until the context ends, then lets go of all streams.
func (s *Server) Serve(ctx context.Context, listener net.Listener, config *tls.Config, further ...Service) error {
	server := grpc.NewServer(append(ServerOptions(), grpc.Creds(credentials.NewTLS(config)))...)
	for _, service := range append(further, s) {
		service.Register(server)
	}
	stopped := context.AfterFunc(ctx, server.Stop)
	defer stopped()
	if err := server.Serve(listener); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serving distribution on %s: %w", listener.Addr(), err)
	}
	return nil
}

// Register adds the service to a gRPC server, which must have TLS and should have the ServerOptions.
func (s *Server) Register(registrar grpc.ServiceRegistrar) {
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(registrar, s)
}

// ServerOptions bound what a peer can ask of the gRPC server and what is kept for it, and find out about peers that are gone.
func ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(newCodec()),
		grpc.MaxRecvMsgSize(MaxMessageBytes),
		grpc.MaxSendMsgSize(MaxMessageBytes),
		grpc.MaxConcurrentStreams(4),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.MaxHeaderListSize(32 << 10),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 20 * time.Second, Timeout: 10 * time.Second}),
	}
}
