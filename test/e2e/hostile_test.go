// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/test/cluster"
)

// hostile is a manager that sends what it likes, and a real authorizer that follows it.
type hostile struct {
	t       *testing.T
	dir     string
	key     ed25519.PrivateKey
	cert    tls.Certificate
	address string
	health  string
	server  *distribution.Server
	stop    func()
}

var edge = authz.Actor{Namespace: "behalf-system", ServiceAccount: "authorizer"}

// anyone lets every token in.
type anyone struct{}

func (anyone) Authenticate(context.Context, string) (distribution.Identity, error) {
	return distribution.Identity{Account: edge, UID: "u"}, nil
}

func newHostile(t *testing.T) *hostile {
	t.Helper()
	h := &hostile{t: t, dir: t.TempDir()}
	pki, err := cluster.NewPKI(filepath.Join(h.dir, "pki"))
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile, err := pki.Server("manager")
	if err != nil {
		t.Fatal(err)
	}
	if h.cert, err = tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		t.Fatal(err)
	}
	var public ed25519.PublicKey
	if public, h.key, err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	ports, err := cluster.FreePorts(3)
	if err != nil {
		t.Fatal(err)
	}
	address := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	h.address, h.health = address(0), address(1)
	h.write("keys", bundle.MarshalPublicKeys(public))
	h.write("token", "a token")
	process, err := cluster.Run(h.dir, cluster.Command{Name: "authorizer", Path: filepath.Join(binariesFolder(t), "authorizer"), Args: []string{
		"--node-id=pod-1", "--manager-address=" + h.address, "--manager-server-name=localhost", "--manager-ca-file=" + pki.CAFile(),
		"--token-file=" + h.path("token"), "--bundle-keys-file=" + h.path("keys"), "--state-dir=" + h.path("state"),
		"--extauthz-address=" + address(2), "--health-address=" + h.health,
	}}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Stop)
	return h
}

func (h *hostile) path(name string) string { return filepath.Join(h.dir, name) }

func (h *hostile) write(name, content string) {
	h.t.Helper()
	if err := os.WriteFile(h.path(name), []byte(content), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// serve starts the manager anew, with nothing but these resources.
func (h *hostile) serve(resources ...distribution.Resource) {
	h.t.Helper()
	if h.stop != nil {
		h.stop()
	}
	var err error
	h.server, err = distribution.NewServer(distribution.Options{
		Authenticator: anyone{}, Clock: distribution.SystemClock{}, Log: logr.Discard(), ClusterWide: []authz.Actor{edge},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.server.Set(resources); err != nil {
		h.t.Fatal(err)
	}
	listener, err := net.Listen("tcp", h.address)
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func(server *distribution.Server) {
		ended <- server.Serve(ctx, listener, &tls.Config{Certificates: []tls.Certificate{h.cert}, MinVersion: tls.VersionTLS13})
	}(h.server)
	h.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			h.t.Error(err)
		}
	}
}

func signedBy[T bundle.Content](t *testing.T, key ed25519.PrivateKey, kind bundle.Kind, name string, revision int64, content *T) distribution.Resource {
	t.Helper()
	raw, err := bundle.Encode(content)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	statement := bundle.Statement{
		Kind: kind, Name: name, Revision: revision, Digest: bundle.Digest(raw), IssuedAt: now.Unix(), LeaseUntil: now.Add(time.Hour).Unix(),
	}
	envelope, err := bundle.Sign(statement, key)
	if err != nil {
		t.Fatal(err)
	}
	return distribution.Resource{Statement: statement, Artifact: bundle.Artifact{Envelope: envelope, Content: raw}}
}

func policyOf(name, audience string) *bundle.Policy {
	return &bundle.Policy{
		Format: bundle.Format, Audience: audience, Scopes: []bundle.Scope{{Name: "tickets:read"}},
		ResourceServer: authz.ObjectRef{Kind: "ResourceServer", Namespace: "support", Name: name},
	}
}

// THREATS 33, 34, 37, 39: what a manager sends and is not in order is not activated by a real authorizer, which counts it,
// says so, and tells the manager.
func TestOfWhatIsNotInOrderOverTheWireNothingIsActivated(t *testing.T) {
	skipShort(t)
	ctx := t.Context()
	h := newHostile(t)
	trust := signedBy(t, h.key, bundle.KindTrust, bundle.TrustName, 1, &bundle.Trust{Format: bundle.Format})
	revocations := signedBy(t, h.key, bundle.KindRevocations, bundle.RevocationsName, 1, &bundle.Revocations{Format: bundle.Format})
	good := signedBy(t, h.key, bundle.KindPolicy, "support/tickets", 5, policyOf("tickets", "https://five.example"))
	next := signedBy(t, h.key, bundle.KindPolicy, "support/tickets", 6, policyOf("tickets", "https://six.example"))
	_, foreign, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h.serve(trust, revocations, good)
	defer func() { h.stop() }()
	says(ctx, t, h.health, "/metrics", `behalf_bundle_revision{kind="Policy",name="support/tickets"} 5`)

	altered := func(by func([]byte) []byte) distribution.Resource {
		bad := next
		bad.Artifact.Content = by(slices.Clone(bad.Artifact.Content))
		return bad
	}
	other := signedBy(t, h.key, bundle.KindPolicy, "support/other", 6, policyOf("other", "https://other.example"))
	for _, c := range []struct {
		sentence, reason string
		bad              distribution.Resource
		count            int
	}{
		{"a replayed older bundle", "rolled_back", signedBy(t, h.key, bundle.KindPolicy, "support/tickets", 4, policyOf("tickets", "https://four.example")), 1},
		{"a truncated one", "altered", altered(func(raw []byte) []byte { return raw[:len(raw)/2] }), 1},
		{"a flipped bit", "altered", altered(flip), 2},
		{"a bundle signed by a foreign key", "untrusted", signedBy(t, foreign, bundle.KindPolicy, "support/tickets", 6, policyOf("tickets", "https://six.example")), 1},
		{"a bundle of another resource server under this name", "wrong_name", distribution.Resource{Statement: next.Statement, Artifact: other.Artifact}, 1},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			h.serve(trust, revocations, c.bad)
			says(ctx, t, h.health, "/metrics", fmt.Sprintf(`behalf_bundle_refusals_total{kind="Policy",reason=%q} %d`, c.reason, c.count))
			says(ctx, t, h.health, "/readyz", "Policy bundle support/tickets: an update was refused", "("+c.reason+")")
			says(ctx, t, h.health, "/metrics", `behalf_bundle_revision{kind="Policy",name="support/tickets"} 5`)
			await(ctx, t, "the manager is told", func() error {
				progress := h.server.Progress(bundle.KindPolicy, "support/tickets", c.bad.Statement.Revision, c.bad.Statement.Digest)
				if len(progress.Rejected) != 1 || !strings.Contains(progress.Rejected[0].Message, "("+c.reason+")") {
					return fmt.Errorf("progress %+v", progress)
				}
				return nil
			})
		})
	}
	h.serve(trust, revocations, next)
	says(ctx, t, h.health, "/metrics", `behalf_bundle_revision{kind="Policy",name="support/tickets"} 6`)
}
