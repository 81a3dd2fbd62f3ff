// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package replicas

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"go.uber.org/goleak"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/distribution/distributiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sharedKey is what replicas have and nobody else.
type sharedKey struct{ key ed25519.PrivateKey }

func (k sharedKey) Current() (ed25519.PrivateKey, bool) { return k.key, k.key != nil }

var (
	ours   = sharedKey{ed25519.NewKeyFromSeed([]byte("the seed that all replicas share"))}
	theirs = sharedKey{ed25519.NewKeyFromSeed([]byte("a seed that nobody here believes"))}
	nobody = sharedKey{}
)

// election is a lease that the test writes.
type election struct {
	mu        sync.Mutex
	leader    Elected
	observers []chan struct{}
}

func (e *election) now() Elected {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.leader
}

func (e *election) observe() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	changes := make(chan struct{}, 1)
	e.observers = append(e.observers, changes)
	return changes
}

func (e *election) elect(leader Elected) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.leader = leader
	for _, changes := range e.observers {
		select {
		case changes <- struct{}{}:
		default:
		}
	}
}

var (
	account    = authz.Actor{Namespace: "behalf-system", ServiceAccount: "authorizer"}
	ticketsKey = distribution.Key{Kind: bundle.KindPolicy, Name: "support/tickets"}

	revocationsKey = distribution.Key{Kind: bundle.KindRevocations, Name: bundle.RevocationsName}
)

// byName authenticates tokens that are the one authorizer's.
type byName struct{}

func (byName) Authenticate(_ context.Context, token string) (distribution.Identity, error) {
	if token != "token-of-the-authorizer" {
		return distribution.Identity{}, distribution.ErrUnauthenticated
	}
	return distribution.Identity{Account: account}, nil
}

// cluster is what replicas share.
type cluster struct {
	tb        testing.TB
	authority *distributiontest.Authority
	election  *election
	record    *record
}

// record is where leaders write down who follows them.
type record struct {
	mu       sync.Mutex
	replicas []string
	failing  error
}

func (r *record) Write(_ context.Context, replicas []string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failing == nil {
		r.replicas = replicas
	}
	return r.failing
}

func (r *record) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failing = err
}

func (r *record) read() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.replicas
}

func newCluster(tb testing.TB) *cluster {
	tb.Helper()
	return &cluster{tb: tb, authority: distributiontest.NewAuthority(tb), election: &election{}, record: &record{}}
}

// trusted is TLS with which replicas connect to each other.
func (c *cluster) trusted() (*tls.Config, error) { return c.authority.Client(), nil }

// replica is one manager's distribution with what it tells the others.
type replica struct {
	*distribution.Server
	cluster  *cluster
	elected  Elected
	leader   *Leader
	follower *Follower
	stop     func()
}

// start gives a replica that listens on the loopback and reports to whoever is elected.
func (c *cluster) start(name string) *replica {
	c.tb.Helper()
	clock := distribution.SystemClock{}
	server, err := distribution.NewServer(distribution.Options{
		Authenticator: byName{}, Clock: clock, Replica: name, ClusterWide: []authz.Actor{account}, CountFor: time.Minute,
		Leads: func() bool { return c.election.now().Identity == name },
	})
	if err != nil {
		c.tb.Fatal(err)
	}
	var config net.ListenConfig
	listener, err := config.Listen(c.tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		c.tb.Fatal(err)
	}
	r := &replica{Server: server, cluster: c, elected: Elected{Identity: name, Address: listener.Addr().String()}}
	r.leader = NewLeader(LeaderOptions{
		Identity: name, Leads: func() bool { return c.election.now().Identity == name },
		Keys: ours, Record: c.record, Gatherer: server, Clock: clock, Log: logr.Discard(),
	})
	r.follower = NewFollower(FollowerOptions{
		Identity: name, Leader: c.election.now, Changes: c.election.observe(), Keys: ours, TLS: c.trusted,
		Gatherer: server, Clock: clock, Log: logr.Discard(), Random: func() float64 { return 0.01 },
	})
	serving := c.authority.Server(c.tb)
	r.stop = distributiontest.Run(c.tb, r.follower.Start, r.leader.Start, func(ctx context.Context) error {
		return server.Serve(ctx, listener, serving, r.leader)
	})
	return r
}

// leads makes this replica the leader.
func (r *replica) leads() {
	r.Lead(slices.DeleteFunc(slices.Clone(r.cluster.record.read()), func(name string) bool { return name == r.elected.Identity })...)
	r.cluster.election.elect(r.elected)
}

// publish distributes one policy.
func (r *replica) publish(content string, revision int64) {
	r.cluster.tb.Helper()
	if err := r.Set([]distribution.Resource{policy(r.cluster.tb, content, revision)}); err != nil {
		r.cluster.tb.Fatal(err)
	}
}

func policy(tb testing.TB, content string, revision int64) distribution.Resource {
	tb.Helper()
	return resource(tb, ticketsKey, content, revision)
}

func revocations(tb testing.TB, revision int64) distribution.Resource {
	tb.Helper()
	return resource(tb, revocationsKey, "somebody", revision)
}

func resource(tb testing.TB, key distribution.Key, content string, revision int64) distribution.Resource {
	tb.Helper()
	s := bundle.Statement{Kind: key.Kind, Name: key.Name, Revision: revision, Digest: bundle.Digest([]byte(content)), LeaseUntil: 1}
	envelope, err := bundle.Sign(s, ours.key)
	if err != nil {
		tb.Fatal(err)
	}
	return distribution.Resource{Statement: s, Artifact: bundle.Artifact{Envelope: envelope, Content: []byte(content)}}
}

func (r *replica) progress(content string) distribution.Progress {
	return r.Progress(ticketsKey.Kind, ticketsKey.Name, 0, bundle.Digest([]byte(content)))
}

// shelf is a Sink that takes everything, once its gate lets it.
type shelf struct {
	mu   sync.Mutex
	held map[distribution.Key]bundle.Statement
	gate chan struct{}
}

func (s *shelf) has(key distribution.Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, held := s.held[key]
	return held
}

func newShelf() *shelf { return &shelf{held: map[distribution.Key]bundle.Statement{}} }

func (s *shelf) Update(changes []bundle.Change) []error {
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := make([]error, len(changes))
	for i, change := range changes {
		statement, err := bundle.Unverified(change.Artifact.Envelope)
		if errs[i] = err; err == nil {
			s.held[distribution.Key{Kind: change.Kind, Name: change.Name}] = statement
		}
	}
	return errs
}

func (s *shelf) Held() []bundle.Statement {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []bundle.Statement
	for _, statement := range s.held {
		all = append(all, statement)
	}
	return all
}

// connect connects an authorizer to the replica.
func (r *replica) connect(node string, sink distribution.Sink) (stop func()) {
	tb := r.cluster.tb
	tb.Helper()
	folder := tb.TempDir()
	for name, content := range map[string]string{"ca.crt": string(r.cluster.authority.PEM), "token": "token-of-the-authorizer"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	client, err := distribution.NewClient(distribution.ClientOptions{
		Address: r.elected.Address, ServerName: distributiontest.ServerName, CAFile: filepath.Join(folder, "ca.crt"), TokenFile: filepath.Join(folder, "token"),
		Node: node, Sink: sink, Clock: distribution.SystemClock{}, MinBackoff: time.Millisecond, MaxBackoff: 5 * time.Millisecond,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return distributiontest.Run(tb, client.Run)
}

func nameOf(node string) string { return fmt.Sprintf("%s@%s", account, node) }
