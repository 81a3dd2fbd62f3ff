// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package replicas lets the replicas of the manager tell each other whom they serve and what those acknowledged, so that the
// leader can say of all authorizers what is enforced, and the next leader of those that the one before served (ADR 0022).
//
// A replica whose authorizers the leader has not heard of gives them nothing to decide by (distribution.Server.Counted), and the
// leader writes down who reports before it answers, so that the next one knows whom to wait for.
//
// Each replica opens one stream to the leader, over the listener and the certificate of distribution. Both sides tell what has
// become another since they last told, at most every 100 ms. Nothing of it is written to the API server but the
// names of replicas.
package replicas

import (
	"context"
	"crypto/ed25519"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"behalf.dev/behalf/internal/distribution"
)

// Gatherer keeps what replicas tell. A distribution.Server is one.
type Gatherer interface {
	// Tell begins to tell a replica what is to be known.
	Tell(to string, role distribution.Role) *distribution.Telling
	// Hear begins to listen to one.
	Hear(from string) *distribution.Hearing
	// Subscribe says when there may be something to tell.
	Subscribe() (changes <-chan struct{}, cancel func())
	// Counted says why authorizers should be connected to another replica.
	Counted() error
	// Awaited are the replicas that may serve authorizers and that the leader has not heard.
	Awaited() []string
	// Quit has nothing served any more.
	Quit()
}

// Record is where the leader writes down which replicas report to it, so that the next one knows whom to wait for. It fails
// where this replica leads no longer.
type Record interface {
	Write(ctx context.Context, replicas []string) error
}

// Keys gives the key that all replicas share and nobody else has; false as long as there is none.
type Keys interface {
	Current() (ed25519.PrivateKey, bool)
}

// The service, which no file describes: a message is a google.protobuf.BytesValue with the JSON of a distribution.Dispatch.
const (
	serviceName = "behalf.replicas.v1.Replicas"
	methodName  = "Exchange"
	// statementHeader carries the statement by which a replica proves to be one. It is no authorization header: what opens
	// one service opens no other.
	statementHeader = "behalf-replica-bin"
)

type exchanger interface {
	exchange(stream grpc.ServerStream) error
}

var service = grpc.ServiceDesc{
	ServiceName: serviceName,
	HandlerType: (*exchanger)(nil),
	Streams: []grpc.StreamDesc{{
		StreamName:    methodName,
		ServerStreams: true,
		ClientStreams: true,
		Handler: func(server any, stream grpc.ServerStream) error {
			e, ok := server.(exchanger)
			if !ok {
				return status.Error(codes.Internal, "not a server of this service")
			}
			return e.exchange(stream)
		},
	}},
}
