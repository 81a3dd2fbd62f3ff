// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authorizer_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"behalf.dev/behalf/internal/authorizer"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/distribution/distributiontest"
	"behalf.dev/behalf/internal/frontdoor/authzen"
	"behalf.dev/behalf/internal/frontdoor/doortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock stands where it is set, and wakes who waits soon all the same: files are looked at and managers tried again meanwhile.
type clock struct{ *distributiontest.Clock }

func (clock) After(time.Duration) <-chan time.Time { return time.After(5 * time.Millisecond) }

// anyone lets every token in.
type anyone struct{}

func (anyone) Authenticate(context.Context, string) (distribution.Identity, error) {
	return distribution.Identity{Account: authz.Actor{Namespace: "behalf-system", ServiceAccount: "authorizer"}, UID: "u"}, nil
}

// scene is a manager and an authorizer, as real servers.
type scene struct {
	t         *testing.T
	dir       string
	clock     clock
	world     *doortest.World
	signer    ed25519.PrivateKey
	authority *distributiontest.Authority
	options   authorizer.Options
	manager   *distribution.Server
	// stopManager ends the manager.
	stopManager func()
	it          *authorizer.Authorizer
	// end ends the authorizer.
	end func()
	log journal
	// the manager lets in whom this says, and shows all to those.
	authenticator distribution.Authenticator
	clusterWide   []authz.Actor
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{
		t: t, dir: t.TempDir(), clock: clock{distributiontest.ClockAt(doortest.Now)}, world: doortest.New(t), authenticator: anyone{},
		clusterWide: []authz.Actor{{Namespace: "behalf-system", ServiceAccount: "authorizer"}},
	}
	_, s.signer, _ = ed25519.GenerateKey(rand.Reader)
	s.certify()
	s.write("token", "a token")
	s.write("keys", bundle.MarshalPublicKeys(s.signer.Public().(ed25519.PublicKey)))
	s.options = authorizer.Options{
		ManagerAddress: s.startManager("127.0.0.1:0"), ManagerCAFile: s.path("ca.crt"), ManagerServerName: distributiontest.ServerName,
		TokenFile: s.path("token"), BundleKeysFile: s.path("keys"), NodeID: "pod-1",
		ExtAuthzAddress: "127.0.0.1:0", AuthZENAddress: "127.0.0.1:0", HealthAddress: "127.0.0.1:0",
		AuthZENPeers: []authz.Actor{doortest.Gateway}, TLSCertFile: s.path("tls.crt"), TLSKeyFile: s.path("tls.key"),
		DecisionLog: s.path("decisions.jsonl"),
	}
	return s
}

func (s *scene) path(name string) string { return filepath.Join(s.dir, name) }

func (s *scene) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// certify has a new authority vouch for the authorizer, and for managers that start from now on.
func (s *scene) certify() {
	s.t.Helper()
	s.authority = distributiontest.NewAuthority(s.t)
	certificate, key := s.authority.Issue(s.t)
	s.write("ca.crt", string(s.authority.PEM))
	s.write("tls.crt", string(certificate))
	s.write("tls.key", string(key))
}

func (s *scene) startManager(address string) string {
	s.t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.manager, err = distribution.NewServer(distribution.Options{
		Authenticator: s.authenticator, Clock: s.clock, Log: logr.Discard(), ClusterWide: s.clusterWide,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	manager, serving := s.manager, s.authority.Server(s.t)
	s.stopManager = distributiontest.Run(s.t, func(ctx context.Context) error { return manager.Serve(ctx, listener, serving) })
	return listener.Addr().String()
}

// resource signs content as the manager does, for an hour.
func resource[T bundle.Content](s *scene, kind bundle.Kind, name string, revision int64, content *T) distribution.Resource {
	s.t.Helper()
	raw, err := bundle.Encode(content)
	if err != nil {
		s.t.Fatal(err)
	}
	statement := bundle.Statement{
		Kind: kind, Name: name, Revision: revision, Digest: bundle.Digest(raw),
		IssuedAt: s.clock.Now().Unix(), LeaseUntil: s.clock.Now().Add(time.Hour).Unix(),
	}
	envelope, err := bundle.Sign(statement, s.signer)
	if err != nil {
		s.t.Fatal(err)
	}
	return distribution.Resource{Statement: statement, Artifact: bundle.Artifact{Envelope: envelope, Content: raw}}
}

func (s *scene) publish(revision int64) {
	s.t.Helper()
	if err := s.manager.Set([]distribution.Resource{
		resource(s, bundle.KindPolicy, "support/tickets", revision, s.world.Policy),
		resource(s, bundle.KindTrust, bundle.TrustName, revision, s.world.Trust),
		resource(s, bundle.KindRevocations, bundle.RevocationsName, revision, s.world.Revocations),
	}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) start() {
	s.t.Helper()
	var err error
	if s.it, err = authorizer.New(s.options, s.log.logger(), s.clock); err != nil {
		s.t.Fatal(err)
	}
	stop := distributiontest.Run(s.t, s.it.Run)
	s.end = func() {
		http.DefaultClient.CloseIdleConnections()
		stop()
	}
	s.t.Cleanup(http.DefaultClient.CloseIdleConnections)
}

func (s *scene) get(path string) (status int, body string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+s.it.Address("health")+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	return do(s.t, http.DefaultClient, r)
}

func do(t *testing.T, client *http.Client, r *http.Request) (status int, body string) {
	t.Helper()
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

func (s *scene) waitReady() {
	s.t.Helper()
	distributiontest.Eventually(s.t, "the authorizer is ready", func() bool { status, _ := s.get("/readyz"); return status == http.StatusOK })
}

// check asks over ext_authz whether the portal may read alice's ticket, and gives the reason that denied.
func (s *scene) check() string {
	s.t.Helper()
	connection, err := grpc.NewClient(s.it.Address("extauthz"), grpc.WithTransportCredentials(credentials.NewTLS(s.authority.Client())))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { s.t.Log(connection.Close()) }()
	response, err := authv3.NewAuthorizationClient(connection).Check(s.t.Context(), &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{
			Method: "GET", Host: doortest.TicketsHost, Path: "/tickets/42", Headers: map[string]string{
				"authorization": "Bearer " + s.world.Alice(s.t), "behalf-actor-token": s.world.Actor(s.t, doortest.Portal, doortest.Tickets),
			},
		}},
		ContextExtensions: map[string]string{"context.purpose": "support"},
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	return response.GetStatus().GetMessage()
}

// evaluate asks the same over AuthZEN.
func (s *scene) evaluate() string {
	s.t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: s.authority.Client(), ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, "https://"+s.it.Address("authzen")+"/access/v1/evaluation", strings.NewReader(`{
		"subject": {"type": "user", "id": "alice", "properties": {"issuer": "corp", "groups": ["customers"]}},
		"action": {"name": "tickets:read"}, "resource": {"type": "ticket", "id": "42"},
		"context": {"audience": "https://tickets.example", "actor": "support/portal", "purpose": "support"}}`))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+s.world.Actor(s.t, doortest.Gateway, authzen.Audience))
	_, body := do(s.t, client, r)
	return body
}

func TestAnAuthorizerDecidesOnWhatItsManagerSends(t *testing.T) {
	s := newScene(t)
	s.publish(42)
	s.start()
	s.waitReady()

	if got := s.check(); got != "" {
		t.Errorf("ext_authz denies: %s", got)
	}
	if got := s.evaluate(); !strings.Contains(got, `"decision":true`) {
		t.Errorf("AuthZEN answers %s", got)
	}
	_, metrics := s.get("/metrics")
	for _, want := range []string{
		`behalf_decisions_total{frontdoor="extauthz",leg="",outcome="Allow",reason=""} 1`,
		`behalf_decisions_total{frontdoor="authzen",leg="",outcome="Allow",reason=""} 1`,
		`behalf_decision_duration_seconds_count{frontdoor="extauthz"} 1`,
		`behalf_bundle_revision{kind="Policy",name="support/tickets"} 42`,
		`behalf_bundle_lease_seconds{kind="Trust",name="trust"} 3600`,
		`behalf_manager_connected 1`,
		`behalf_decision_log_lost_total 0`,
		`behalf_bundle_updates_total 3`,
		`behalf_decisions_total{frontdoor="authzen",leg="identity",outcome="Deny",reason="internal_error"} 0`,
		`behalf_decisions_total{frontdoor="extauthz",leg="policy",outcome="Deny",reason="internal_error"} 0`,
		`behalf_bundle_refusals_total{kind="Policy",reason="rolled_back"} 0`,
	} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("metrics do not say %s", want)
		}
	}
	problems, err := promlint.New(strings.NewReader(metrics)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		if strings.HasPrefix(problem.Metric, "behalf_") {
			t.Errorf("%s is not named as Prometheus has it: %s", problem.Metric, problem.Text)
		}
	}
	for _, secret := range []string{"alice", "eyJ", "portal"} { // THREATS 25
		if strings.Contains(metrics, secret) {
			t.Errorf("metrics name %s", secret)
		}
	}
	distributiontest.Eventually(t, "both decisions are in the log", func() bool { return len(s.decisions()) == 2 })
	for _, record := range s.decisions() {
		if record["decision"] != "Allow" || record["scope"] != "tickets:read" || record["actor"] != "support/portal" {
			t.Errorf("record %v", record)
		}
	}
}

func (s *scene) decisions() []map[string]any {
	s.t.Helper()
	raw, err := os.ReadFile(s.options.DecisionLog)
	if err != nil {
		s.t.Fatal(err)
	}
	if bytes.Contains(raw, []byte("eyJ")) { // THREATS 25
		s.t.Error("the decision log holds a token")
	}
	var records []map[string]any
	for line := range bytes.Lines(raw) {
		var record map[string]any
		if err := json.Unmarshal(line, &record); err != nil {
			s.t.Fatal(err)
		}
		records = append(records, record)
	}
	return records
}

func TestAnAuthorizerThatLacksSomethingSaysWhatAndDenies(t *testing.T) {
	t.Run("bundle keys that are not there yet", func(t *testing.T) {
		s := newScene(t)
		s.options.BundleKeysFile = s.path("later")
		s.publish(1)
		s.start()
		distributiontest.Eventually(t, "readiness names the file", func() bool {
			status, body := s.get("/readyz")
			return status == http.StatusServiceUnavailable && strings.Contains(body, "missing: no bundle keys: open "+s.path("later"))
		})
		if got := s.check(); got != "stale_bundle" {
			t.Errorf("denied by %q, want stale_bundle", got)
		}
		s.write("later", bundle.MarshalPublicKeys(s.signer.Public().(ed25519.PublicKey)))
		s.waitReady()
		if got := s.check(); got != "" {
			t.Errorf("denied by %q once the keys were there", got)
		}
	})
	t.Run("a manager that cannot be reached", func(t *testing.T) {
		s := newScene(t)
		s.stopManager()
		s.start()
		distributiontest.Eventually(t, "readiness says so", func() bool {
			status, body := s.get("/readyz")
			return status == http.StatusServiceUnavailable && strings.Contains(body, "not ready: every request is denied\n") &&
				strings.Contains(body, "missing: no Trust bundle has come yet") && strings.Contains(body, "missing: no policy bundle has come") &&
				strings.Contains(body, "note: not connected to the manager since 2026-06-01T10:00:00Z: ")
		})
		if got := s.check(); got != "stale_bundle" {
			t.Errorf("denied by %q, want stale_bundle", got)
		}
		if status, _ := s.get("/livez"); status != http.StatusOK {
			t.Error("it is not alive")
		}
	})
	t.Run("a lease that has run out", func(t *testing.T) {
		s := newScene(t)
		s.publish(1)
		s.start()
		s.waitReady()
		s.stopManager()
		s.clock.Advance(59 * time.Minute)
		distributiontest.Eventually(t, "it is ready without a manager, and says so", func() bool {
			status, body := s.get("/readyz")
			return status == http.StatusOK && strings.HasPrefix(body, "ready\n") && strings.Contains(body, "note: not connected to the manager")
		})
		s.clock.Advance(2 * time.Minute)
		status, body := s.get("/readyz")
		if status != http.StatusServiceUnavailable || !strings.Contains(body, "the lease of the Trust bundle ended at 2026-06-01T11:00:00Z") {
			t.Errorf("readiness %d: %s", status, body)
		}
	})
	t.Run("no resource server at all", func(t *testing.T) {
		s := newScene(t)
		if err := s.manager.Set([]distribution.Resource{
			resource(s, bundle.KindTrust, bundle.TrustName, 1, s.world.Trust),
			resource(s, bundle.KindRevocations, bundle.RevocationsName, 1, s.world.Revocations),
		}); err != nil {
			t.Fatal(err)
		}
		s.start()
		distributiontest.Eventually(t, "it waits for a policy bundle", func() bool {
			_, body := s.get("/readyz")
			return body == "not ready: every request is denied\nmissing: no policy bundle has come: every request is denied; waiting for the manager\n"
		})
		s.clock.Advance(5 * time.Second)
		status, body := s.get("/readyz")
		if status != http.StatusOK || !strings.Contains(body, "note: no policy bundle has come") {
			t.Errorf("readiness %d: %s", status, body)
		}
	})
}

func TestNewBundleKeysAreTakenWithoutARestart(t *testing.T) {
	s := newScene(t)
	s.publish(1)
	s.start()
	s.waitReady()

	_, s.signer, _ = ed25519.GenerateKey(rand.Reader)
	s.world.Policy.Rules = nil
	s.publish(2)
	distributiontest.Eventually(t, "what an unknown key signed is refused, and said", func() bool {
		status, body := s.get("/readyz")
		return status == http.StatusOK && strings.Contains(body, "note: Policy bundle support/tickets: an update was refused")
	})
	if got := s.metric(`behalf_bundle_refusals_total{kind="Policy",reason="untrusted"}`); got == "0" || got == "" {
		t.Errorf("%q refusals are counted", got)
	}
	if got := s.check(); got != "" {
		t.Errorf("denied by %q, although what was verified before stays", got)
	}
	s.write("keys", bundle.MarshalPublicKeys(s.signer.Public().(ed25519.PublicKey)))
	distributiontest.Eventually(t, "the new policy is in force", func() bool { return s.check() == "no_policy" })
}

func TestWhatCannotBeOpenedEndsTheStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, test := range map[string]struct {
		edit func(*scene)
		want string
	}{
		"an address that is taken":              {func(s *scene) { s.options.AuthZENAddress = taken.Addr().String() }, "listening for AuthZEN"},
		"a certificate that is not there":       {func(s *scene) { s.options.TLSCertFile = s.path("none") }, "no such file"},
		"a certificate without its key":         {func(s *scene) { s.write("tls.key", "") }, "loading the serving certificate"},
		"a decision log where none can be kept": {func(s *scene) { s.options.DecisionLog = s.path("no/such/folder") }, "opening the decision log (--decision-log)"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			test.edit(s)
			_, err := authorizer.New(s.options, logr.Discard(), s.clock)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one that says %q", err, test.want)
			}
		})
	}
}
