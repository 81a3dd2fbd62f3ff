// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package replicas

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
)

// maxFollowers is how many replicas are listened to at a time.
const maxFollowers = 32

// LeaderOptions of a Leader; all must be set.
type LeaderOptions struct {
	// Identity of this replica, as it stands in the election's lease.
	Identity string
	// Leads says whether this replica is the leader, and knows who served before.
	Leads    func() bool
	Keys     Keys
	Record   Record
	Gatherer Gatherer
	Clock    distribution.Clock
	Log      logr.Logger
}

// Leader listens to the other replicas while this one leads.
type Leader struct {
	options LeaderOptions

	mu sync.Mutex
	// followers are the streams, each with what ends it.
	followers map[string]*follower
	// lost are those that may serve though their stream ended, and since when it did.
	lost map[string]time.Time

	// writing is held while the record is written, which says written.
	writing sync.Mutex
	written []string
}

type follower struct{ end context.CancelCauseFunc }

// NewLeader gives a Leader; it answers once it is registered.
func NewLeader(options LeaderOptions) *Leader {
	return &Leader{options: options, followers: map[string]*follower{}, lost: map[string]time.Time{}}
}

// Register adds the service to a gRPC server, which must have TLS.
func (l *Leader) Register(registrar grpc.ServiceRegistrar) { registrar.RegisterService(&service, l) }

// Followers is how many replicas are listened to.
func (l *Leader) Followers() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.followers)
}

var (
	errAgain = errors.New("the same replica has opened another stream")
	errMany  = errors.New("there are as many replicas as are listened to")
)

// exchange serves one replica until one of the two is gone.
func (l *Leader) exchange(stream grpc.ServerStream) error {
	replica, err := l.admit(stream.Context())
	if err != nil {
		l.options.Log.V(1).Info("a replica was not let in", "why", err.Error())
		return err
	}
	ctx, end := context.WithCancelCause(stream.Context())
	defer end(nil)
	leave, err := l.join(replica, end)
	if err != nil {
		return status.Error(codes.ResourceExhausted, err.Error())
	}
	defer leave()
	if err := l.record(ctx); err != nil {
		return status.Error(codes.Unavailable, err.Error())
	}
	if err := stream.SendHeader(nil); err != nil { // tells the replica that it is let in
		return err
	}
	l.options.Log.Info("a replica reports to this one", "replica", replica)
	if err = l.converse(ctx, stream, replica); errors.Is(err, io.EOF) {
		l.ended(ctx, replica)
	}
	l.options.Log.Info("a replica reports no longer", "replica", replica, "why", err.Error())
	return status.Error(codes.Aborted, err.Error())
}

func (l *Leader) converse(ctx context.Context, stream grpc.ServerStream, replica string) error {
	changes, cancel := l.options.Gatherer.Subscribe()
	defer cancel()
	hearing := l.options.Gatherer.Hear(replica)
	defer hearing.End()
	c := conversation{
		stream: stream, hearing: hearing, telling: l.options.Gatherer.Tell(replica, distribution.Leads),
		changes: changes, clock: l.options.Clock, over: make(chan error, 1),
	}
	return c.hold(ctx)
}

// join ends an earlier stream of the same replica: it would not open another one if that still served.
func (l *Leader) join(replica string, end context.CancelCauseFunc) (leave func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.followers[replica]
	if before == nil && len(l.followers) >= maxFollowers {
		return nil, errMany
	}
	if before != nil {
		before.end(errAgain)
	}
	now := &follower{end: end}
	l.followers[replica] = now
	delete(l.lost, replica)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.followers[replica] == now {
			delete(l.followers, replica)
			l.lost[replica] = l.options.Clock.Now()
		}
	}, nil
}

// admit gives the name of the replica that opens the stream, if it proves to be one. No doubt lets anybody in.
func (l *Leader) admit(ctx context.Context) (string, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	values := md.Get(statementHeader)
	if len(values) != 1 {
		return "", status.Error(codes.Unauthenticated, "this is for replicas of the manager, which present exactly one statement in "+statementHeader)
	}
	verifier, err := l.verifier()
	if err != nil {
		return "", err
	}
	statement, err := verifier.VerifyReplica([]byte(values[0]), l.options.Identity, l.options.Clock.Now())
	if err != nil {
		return "", status.Error(codes.Unauthenticated, err.Error())
	}
	if !l.options.Leads() {
		return "", status.Error(codes.FailedPrecondition, "this replica is not the leader")
	}
	return statement.Replica, nil
}

func (l *Leader) verifier() (*bundle.Verifier, error) {
	key, ok := l.options.Keys.Current()
	if !ok {
		return nil, status.Error(codes.Unavailable, "there is no key yet to know replicas by")
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, status.Error(codes.Internal, "the key of replicas has no public part")
	}
	return bundle.NewVerifier(public), nil
}
