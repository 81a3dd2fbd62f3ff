// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authorizer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"behalf.dev/behalf/internal/frontdoor"
	"behalf.dev/behalf/internal/frontdoor/extauthz"
)

// What the servers take (THREATS 32).
const (
	// maxCheckBytes of one CheckRequest: all the headers that Envoy takes by default, many times over.
	maxCheckBytes  = 1 << 20
	maxStreams     = 1024
	maxHeaderBytes = 32 << 10
	connectTimeout = 10 * time.Second
	requestTimeout = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	// drainTimeout is how long requests may take to end when the program does.
	drainTimeout = 10 * time.Second
)

// server serves one listener until it is stopped.
type server struct {
	name     string
	listener net.Listener
	// serve returns when stop was called, with nil then.
	serve func(net.Listener) error
	// stop lets requests end until the context does.
	stop func(context.Context)
}

func listen(name, address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for %s: %w", name, err)
	}
	return listener, nil
}

// run serves until ctx ends and the server has stopped.
func (s *server) run(ctx context.Context) error {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
		defer cancel()
		s.stop(drain)
	}()
	if err := s.serve(s.listener); err != nil {
		return fmt.Errorf("serving %s: %w", s.name, err)
	}
	<-stopped
	return nil
}

func newExtAuthz(listener net.Listener, judge *frontdoor.Judge, config *tls.Config) *server {
	options := []grpc.ServerOption{
		grpc.ForceServerCodecV2(extauthz.Codec()),
		grpc.MaxRecvMsgSize(maxCheckBytes),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.ConnectionTimeout(connectTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	}
	if config != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(config)))
	}
	s := grpc.NewServer(options...)
	authv3.RegisterAuthorizationServer(s, extauthz.NewServer(judge))
	return &server{name: extauthz.Door, listener: listener, serve: s.Serve, stop: func(ctx context.Context) { stopGRPC(ctx, s) }}
}

// stopGRPC lets calls end until ctx does.
func stopGRPC(ctx context.Context, s *grpc.Server) {
	ended := context.AfterFunc(ctx, s.Stop)
	defer ended()
	s.GracefulStop()
}

func newHTTP(name string, listener net.Listener, handler http.Handler, config *tls.Config) *server {
	s := &http.Server{
		Handler:           handler,
		TLSConfig:         config,
		ReadHeaderTimeout: connectTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
	}
	return &server{name: name, listener: listener, serve: func(l net.Listener) error { return serveHTTP(s, l) }, stop: func(ctx context.Context) {
		if s.Shutdown(ctx) != nil {
			s.Close() //nolint:errcheck // what has not ended by now is cut off
		}
	}}
}

func serveHTTP(s *http.Server, l net.Listener) error {
	serve := s.Serve
	if s.TLSConfig != nil {
		serve = func(l net.Listener) error { return s.ServeTLS(l, "", "") }
	}
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
