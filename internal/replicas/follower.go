// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package replicas

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
)

// Elected is who leads; zero where nobody is known to.
type Elected struct {
	// Identity as it stands in the lease; Address is where it listens, empty where it does not say.
	Identity, Address string
}

// FollowerOptions of a Follower; all must be set but Random.
type FollowerOptions struct {
	// Identity of this replica.
	Identity string
	// Leader says who leads, and Changes has something in it when that became another.
	Leader  func() Elected
	Changes <-chan struct{}
	Keys    Keys
	// TLS is what a connection to the leader is held to; it is asked for each.
	TLS      func() (*tls.Config, error)
	Gatherer Gatherer
	Clock    distribution.Clock
	Log      logr.Logger
	// Random gives numbers in [0, 1); math/rand/v2's where nil.
	Random func() float64
}

// Follower reports to whichever replica leads.
type Follower struct {
	options FollowerOptions

	mu    sync.Mutex
	state state
}

// state is how this replica stands to the leader.
type state struct {
	leader Elected
	// reports says whether the leader listens; since when that is so, or not so, and err why not.
	reports bool
	since   time.Time
	err     error
}

// The wait between streams grows up to the longest, with full jitter.
const (
	minBackoff = 200 * time.Millisecond
	maxBackoff = 5 * time.Second
)

// NewFollower gives a Follower; Start makes it work.
func NewFollower(options FollowerOptions) *Follower {
	if options.Random == nil {
		options.Random = rand.Float64
	}
	return &Follower{options: options}
}

// Start reports to whoever leads until the context ends. While this replica leads it has nothing to do.
func (f *Follower) Start(ctx context.Context) error {
	for failures := 0; ctx.Err() == nil; {
		leader := f.options.Leader()
		f.knows(leader)
		if !f.follows(leader) {
			failures = 0
			f.await(ctx, nil)
			continue
		}
		began := f.options.Clock.Now()
		f.lost(f.attempt(ctx, leader))
		if f.options.Leader() != leader {
			failures = 0
			continue // the notice of that may be spent, and another leader owes no wait
		}
		if f.options.Clock.Now().Sub(began) > maxBackoff {
			failures = 0
		}
		f.await(ctx, f.options.Clock.After(f.backoff(failures)))
		failures++
	}
	return nil
}

// NeedLeaderElection is false: it is the others that report.
func (f *Follower) NeedLeaderElection() bool { return false }

func (f *Follower) follows(leader Elected) bool {
	return leader.Address != "" && leader.Identity != f.options.Identity
}

// await passes the time until the leader is another or, where it is given, later.
func (f *Follower) await(ctx context.Context, later <-chan time.Time) {
	select {
	case <-ctx.Done():
	case <-f.options.Changes:
	case <-later:
	}
}

func (f *Follower) backoff(failures int) time.Duration {
	most := maxBackoff
	if failures < 8 {
		most = min(most, minBackoff<<failures)
	}
	return time.Duration(f.options.Random() * float64(most))
}

var errAnother = errors.New("another replica leads now")

// attempt reports to one leader until the stream ends or another one leads.
func (f *Follower) attempt(ctx context.Context, leader Elected) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan error, 1)
	go func() { done <- f.report(ctx, leader) }()
	for {
		select {
		case err := <-done:
			return err
		case <-f.options.Changes:
			if f.options.Leader() != leader {
				cancel(errAnother)
			}
		}
	}
}

func (f *Follower) report(ctx context.Context, leader Elected) error {
	stream, cancel := outlast(ctx)
	defer cancel()
	return f.reportOver(ctx, stream, leader)
}

// farewell is how long a replica that ends waits for the leader to hear so.
const farewell = time.Second

// outlast gives a context that ends with the other one, or, where the process ends, time enough later to say so.
func outlast(ctx context.Context) (later context.Context, cancel func()) {
	later, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(context.Cause(ctx), errAnother) {
			end()
			return
		}
		time.AfterFunc(farewell, end)
	})
	return later, func() { stop(); end() }
}

// reportOver reports until the context ends, over a stream that may outlast it.
func (f *Follower) reportOver(ctx, outlasting context.Context, leader Elected) error {
	connection, err := f.connect(leader)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }() // nobody waits for it
	stream, err := f.open(outlasting, connection, leader)
	if err != nil {
		return fmt.Errorf("opening a stream to the leader at %s: %w", leader.Address, err)
	}
	f.reporting()
	changes, unsubscribe := f.options.Gatherer.Subscribe()
	defer unsubscribe()
	hearing := f.options.Gatherer.Hear(leader.Identity)
	defer hearing.End()
	c := conversation{
		stream: stream, hearing: hearing, telling: f.options.Gatherer.Tell(leader.Identity, distribution.Follows),
		changes: changes, clock: f.options.Clock, over: make(chan error, 1),
	}
	err = c.hold(ctx)
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errAnother) {
		f.leave(outlasting, stream, c.over)
	}
	return err
}

// leave ends the stream such that the leader knows that nobody is served here any more. One that ends otherwise may still serve.
func (f *Follower) leave(ctx context.Context, stream grpc.ClientStream, over <-chan error) {
	f.options.Gatherer.Quit()
	if stream.CloseSend() != nil {
		return
	}
	select {
	case why := <-over:
		f.options.Log.V(1).Info("the leader has heard that this replica ends", "why", why.Error())
	case <-ctx.Done():
	}
}

func (f *Follower) connect(leader Elected) (*grpc.ClientConn, error) {
	config, err := f.options.TLS()
	if err != nil {
		return nil, err
	}
	connection, err := grpc.NewClient("passthrough:///"+leader.Address,
		grpc.WithTransportCredentials(credentials.NewTLS(config)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 10 * time.Second}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxBytes), grpc.MaxCallSendMsgSize(maxBytes)),
		grpc.WithDisableServiceConfig(), grpc.WithNoProxy(),
	)
	if err != nil {
		return nil, fmt.Errorf("connecting to the leader at %s: %w", leader.Address, err)
	}
	return connection, nil
}

// open proves to the leader that this is a replica, and returns once it is let in.
func (f *Follower) open(ctx context.Context, connection *grpc.ClientConn, leader Elected) (grpc.ClientStream, error) {
	key, ok := f.options.Keys.Current()
	if !ok {
		return nil, errors.New("there is no key yet to be known by")
	}
	statement, err := bundle.SignReplica(bundle.ReplicaStatement{
		Replica: f.options.Identity, Leader: leader.Identity, IssuedAt: f.options.Clock.Now().Unix(),
	}, key)
	if err != nil {
		return nil, err
	}
	ctx = metadata.AppendToOutgoingContext(ctx, statementHeader, string(statement))
	stream, err := connection.NewStream(ctx, &service.Streams[0], "/"+serviceName+"/"+methodName)
	if err != nil {
		return nil, err
	}
	if header, err := stream.Header(); err != nil || header == nil {
		return nil, orRefused(stream, err)
	}
	return stream, nil
}

// orRefused says why a stream was not let in: Header leaves that to RecvMsg.
func orRefused(stream grpc.ClientStream, err error) error {
	if err != nil {
		return err
	}
	return stream.RecvMsg(nil)
}
