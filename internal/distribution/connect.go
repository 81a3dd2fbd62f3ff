// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
)

type deltaClient = discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesClient

// open connects and opens the stream.
func (c *Client) open(ctx context.Context) (*grpc.ClientConn, deltaClient, error) {
	authorities, err := readAuthorities(c.options.CAFile)
	if err != nil {
		return nil, nil, err
	}
	connection, err := grpc.NewClient(c.options.Address,
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
			RootCAs: authorities, ServerName: c.options.ServerName, MinVersion: tls.VersionTLS13,
		})),
		grpc.WithPerRPCCredentials(tokenFile(c.options.TokenFile)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 10 * time.Second}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessageBytes), grpc.MaxCallSendMsgSize(MaxMessageBytes)),
		grpc.WithDisableServiceConfig(),
	)
	if err != nil {
		return nil, nil, fmt.Errorf("connecting to %s: %w", c.options.Address, err)
	}
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(connection).DeltaAggregatedResources(ctx)
	if err != nil {
		ignore(connection)
		return nil, nil, fmt.Errorf("opening a stream to %s: %w", c.options.Address, err)
	}
	return connection, stream, nil
}

func readAuthorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the authorities that vouch for the manager: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading the authorities that vouch for the manager: %s holds no PEM certificate", file)
	}
	return pool, nil
}

// tokenFile presents the token in a file, which the kubelet replaces from time to time.
type tokenFile string

// GetRequestMetadata reads the file.
func (f tokenFile) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	raw, err := os.ReadFile(string(f))
	if err != nil {
		return nil, fmt.Errorf("reading the service account token: %w", err)
	}
	token := strings.TrimSpace(string(raw))
	if token == "" {
		return nil, errors.New("reading the service account token: the file is empty")
	}
	return map[string]string{"authorization": bearerPrefix + token}, nil
}

// RequireTransportSecurity keeps the token off connections without TLS.
func (tokenFile) RequireTransportSecurity() bool { return true }
