// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution/distributiontest"
)

// reviewer authenticates the tokens it knows: those of tokenOf.
type reviewer struct {
	mu      sync.Mutex
	known   map[string]Identity
	failing error
	asked   int
}

func newReviewer(accounts ...authz.Actor) *reviewer {
	r := &reviewer{known: map[string]Identity{}}
	for _, account := range accounts {
		r.known[tokenOf(account)] = Identity{Account: account, UID: "uid-" + account.String()}
	}
	return r
}

func tokenOf(account authz.Actor) string { return "token-of-" + account.String() }

func (r *reviewer) Authenticate(_ context.Context, token string) (Identity, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	if r.failing != nil {
		return Identity{}, r.failing
	}
	identity, ok := r.known[token]
	if !ok {
		return Identity{}, fmt.Errorf("%w: its audience is another", ErrUnauthenticated)
	}
	return identity, nil
}

func (r *reviewer) change(change func(*reviewer)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r)
}

// manager is a distribution server on a loopback port.
type manager struct {
	*Server
	address   string
	authority *distributiontest.Authority
	clock     *distributiontest.Clock
	reviewer  *reviewer
	stop      func()
}

// startManager serves at the address, or at any free port of the loopback.
func startManager(tb testing.TB, options Options, address string) *manager {
	tb.Helper()
	m := &manager{authority: distributiontest.NewAuthority(tb), clock: distributiontest.NewClock()}
	m.reviewer, _ = options.Authenticator.(*reviewer)
	options.Clock = m.clock
	server, err := NewServer(options)
	if err != nil {
		tb.Fatal(err)
	}
	m.Server = server
	if address == "" {
		address = "127.0.0.1:0"
	}
	var config net.ListenConfig
	listener, err := config.Listen(tb.Context(), "tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	m.address = listener.Addr().String()
	serving := m.authority.Server(tb)
	m.stop = distributiontest.Run(tb, func(ctx context.Context) error { return server.Serve(ctx, listener, serving) })
	return m
}

// authorizer is a Client with the files that it reads.
type authorizer struct {
	*Client
	caFile, tokenFile string
	stop              func()
}

func (m *manager) clientOptions(tb testing.TB, account authz.Actor, node string, sink Sink) ClientOptions {
	tb.Helper()
	dir := tb.TempDir()
	options := ClientOptions{
		Address: m.address, ServerName: distributiontest.ServerName,
		CAFile: filepath.Join(dir, "ca.crt"), TokenFile: filepath.Join(dir, "token"),
		Node: node, Sink: sink, Clock: SystemClock{},
		MinBackoff: time.Millisecond, MaxBackoff: 5 * time.Millisecond,
	}
	writeFile(tb, options.CAFile, m.authority.PEM)
	writeFile(tb, options.TokenFile, []byte(tokenOf(account)+"\n"))
	return options
}

func (m *manager) connect(tb testing.TB, account authz.Actor, node string, sink Sink) *authorizer {
	tb.Helper()
	return run(tb, m.clientOptions(tb, account, node, sink))
}

func run(tb testing.TB, options ClientOptions) *authorizer {
	tb.Helper()
	client, err := NewClient(options)
	if err != nil {
		tb.Fatal(err)
	}
	return &authorizer{Client: client, caFile: options.CAFile, tokenFile: options.TokenFile, stop: distributiontest.Run(tb, client.Run)}
}

func writeFile(tb testing.TB, name string, content []byte) {
	tb.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		tb.Fatal(err)
	}
}

// shelf is a Sink that keeps what comes. It refuses content that begins with "bad".
type shelf struct {
	mu    sync.Mutex
	held  map[Key]bundle.Statement
	order []Key
	puts  int
	// gate, where set, has to be passed before an update is made.
	gate chan struct{}
}

func newShelf() *shelf { return &shelf{held: map[Key]bundle.Statement{}} }

var errBad = errors.New("condition 3 does not compile")

func (s *shelf) Update(changes []bundle.Change) []error {
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := make([]error, len(changes))
	for i, change := range changes {
		errs[i] = s.one(change)
	}
	return errs
}

func (s *shelf) one(change bundle.Change) error {
	key := Key{change.Kind, change.Name}
	if change.Operation == bundle.Remove {
		delete(s.held, key)
		return nil
	}
	statement, err := bundle.Unverified(change.Artifact.Envelope)
	if err != nil {
		return err
	}
	if change.Operation == bundle.Renew {
		if s.held[key].Digest != statement.Digest {
			return errors.New("renewed is not what is held")
		}
		s.held[key] = statement
		return nil
	}
	s.puts++
	s.order = append(s.order, key)
	if strings.HasPrefix(string(change.Artifact.Content), "bad") {
		return errBad
	}
	s.held[key] = statement
	return nil
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

func (s *shelf) get(key Key) bundle.Statement {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[key]
}

func (s *shelf) holds(r Resource) bool { return s.get(r.key()) == r.Statement }

func (s *shelf) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held)
}

func (s *shelf) came() (puts int, order []Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts, append([]Key(nil), s.order...)
}

// Contents of tests.

var signingKey = ed25519.NewKeyFromSeed([]byte("a seed of 32 bytes for the tests"))

// policyFor is a policy resource; the content is not looked into here.
func policyFor(name string, revision int64, content string, authorizers ...authz.Actor) Resource {
	return resourceFor(Key{bundle.KindPolicy, name}, revision, 1000, content, authorizers...)
}

func trustFor(revision int64, content string) Resource {
	return resourceFor(Key{bundle.KindTrust, bundle.TrustName}, revision, 1000, content)
}

func revocationsFor(revision int64, content string) Resource {
	return resourceFor(Key{bundle.KindRevocations, bundle.RevocationsName}, revision, 1000, content)
}

func resourceFor(key Key, revision, issued int64, content string, authorizers ...authz.Actor) Resource {
	statement := bundle.Statement{
		Kind: key.Kind, Name: key.Name, Revision: revision, Digest: bundle.Digest([]byte(content)),
		IssuedAt: issued, LeaseUntil: issued + 900,
	}
	envelope, err := bundle.Sign(statement, signingKey)
	if err != nil {
		panic(err)
	}
	return Resource{
		Statement:   statement,
		Artifact:    bundle.Artifact{Envelope: envelope, Content: []byte(content)},
		Authorizers: authorizers,
	}
}

func mustSet(tb testing.TB, s *Server, resources ...Resource) {
	tb.Helper()
	if err := s.Set(resources); err != nil {
		tb.Fatal(err)
	}
}

// speak opens a stream by hand, to say what a Client does not.
func (m *manager) speak(tb testing.TB, account authz.Actor) deltaClient {
	tb.Helper()
	client, err := NewClient(m.clientOptions(tb, account, "by-hand", newShelf()))
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	connection, stream, err := client.open(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		cancel()
		ignore(connection)
	})
	return stream
}

func subscribeTo(node, url string) *discoveryv3.DeltaDiscoveryRequest {
	return &discoveryv3.DeltaDiscoveryRequest{
		Node: &corev3.Node{Id: node}, TypeUrl: url, ResourceNamesSubscribe: []string{wildcard},
	}
}

func subscribeToAll(tb testing.TB, stream deltaClient, node string) {
	tb.Helper()
	for _, url := range typeURLs {
		mustSend(tb, stream, subscribeTo(node, url))
	}
}

func mustSend(tb testing.TB, stream grpc.ClientStream, request any) {
	tb.Helper()
	if err := stream.SendMsg(request); err != nil {
		tb.Fatal(err)
	}
}

func mustReceive(tb testing.TB, stream deltaClient) *discoveryv3.DeltaDiscoveryResponse {
	tb.Helper()
	response, err := stream.Recv()
	if err != nil {
		tb.Fatal(err)
	}
	return response
}
