// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Command issuer is a small OpenID Connect issuer for the demo and the end-to-end tests: a real HTTPS server with
// discovery, keys and a token endpoint that signs in whoever is named. Never run it where anybody else can reach it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "issuer:", err)
		os.Exit(1)
	}
}

func run() error {
	address := flag.String("address", "127.0.0.1:0", "where to listen; loopback only makes sense")
	url := flag.String("url", "", "the issuer's own URL, its iss")
	cert := flag.String("tls-cert-file", "", "serving certificate (PEM)")
	key := flag.String("tls-key-file", "", "key of the serving certificate (PEM)")
	flag.Parse()
	if *url == "" || *cert == "" || *key == "" {
		return errors.New("--url, --tls-cert-file and --tls-key-file are required")
	}
	issuer, err := newIssuer(*url, time.Now)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return serve(ctx, &http.Server{
		Addr: *address, Handler: issuer.handler(), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
	}, *cert, *key)
}

func serve(ctx context.Context, server *http.Server, cert, key string) error {
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServeTLS(cert, key) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
		return server.Close()
	}
}
