// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
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
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// eventually fails the test when the condition does not come true.
func eventually(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	giveUp := time.After(patience)
	for !condition() {
		select {
		case <-tick.C:
		case <-giveUp:
			tb.Fatalf("this never came true: %s", what)
		}
	}
}

// handClock moves when it is told to.
type handClock struct {
	mu      sync.Mutex
	now     time.Time
	waiting []alarm
}

type alarm struct {
	at time.Time
	c  chan time.Time
}

func newHandClock() *handClock {
	return &handClock{now: time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)}
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan time.Time, 1)
	c.waiting = append(c.waiting, alarm{c.now.Add(d), ch})
	return ch
}

func (c *handClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	var still []alarm
	for _, a := range c.waiting {
		if a.at.After(c.now) {
			still = append(still, a)
			continue
		}
		a.c <- c.now
	}
	c.waiting = still
}

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

// authority is a certificate authority of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(tb testing.TB) *authority {
	tb.Helper()
	key := newECKey(tb)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Now().Add(time.Hour), // TLS looks at the real clock
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		tb.Fatal(err)
	}
	return &authority{cert: cert, key: key, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})}
}

func newECKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

const serverName = "behalf-manager.behalf-system.svc"

func (a *authority) serving(tb testing.TB) *tls.Config {
	tb.Helper()
	key := newECKey(tb)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "manager"}, DNSNames: []string{serverName},
		NotBefore: time.Unix(0, 0), NotAfter: time.Now().Add(time.Hour), // TLS looks at the real clock
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		tb.Fatal(err)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}},
	}
}

// manager is a distribution server on a loopback port.
type manager struct {
	*Server
	address   string
	authority *authority
	clock     *handClock
	reviewer  *reviewer
	stop      func()
}

// startManager serves at the address, or at any free port of the loopback.
func startManager(tb testing.TB, options Options, address string) *manager {
	tb.Helper()
	m := &manager{authority: newAuthority(tb), clock: newHandClock()}
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
	m.stop = serve(tb, server, listener, m.authority.serving(tb))
	return m
}

func serve(tb testing.TB, server *Server, listener net.Listener, config *tls.Config) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener, config) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("serving: %v", err)
		}
	})
	tb.Cleanup(stop)
	return stop
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
		Address: m.address, ServerName: serverName,
		CAFile: filepath.Join(dir, "ca.crt"), TokenFile: filepath.Join(dir, "token"),
		Node: node, Sink: sink, Clock: SystemClock{},
		MinBackoff: time.Millisecond, MaxBackoff: 5 * time.Millisecond,
	}
	writeFile(tb, options.CAFile, m.authority.pem)
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
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan error, 1)
	go func() { done <- client.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("running client: %v", err)
		}
	})
	tb.Cleanup(stop)
	return &authorizer{Client: client, caFile: options.CAFile, tokenFile: options.TokenFile, stop: stop}
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
