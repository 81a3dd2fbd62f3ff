// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authorizer_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/distribution/distributiontest"
)

// journal keeps what is logged, a line each; those of errors have "error"=.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) logger() logr.Logger {
	return funcr.New(func(prefix, args string) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.lines = append(j.lines, prefix+" "+args)
	}, funcr.Options{})
}

// count gives how many lines hold all of these words.
func (j *journal) count(words ...string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
lines:
	for _, line := range j.lines {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue lines
			}
		}
		n++
	}
	return n
}

func (j *journal) says(t *testing.T, words ...string) {
	t.Helper()
	distributiontest.Eventually(t, "the log says "+strings.Join(words, " … "), func() bool { return j.count(words...) > 0 })
}

const asError = `"error"=`

func TestAnOperatorIsToldWhatGoesWellAndWhatNot(t *testing.T) {
	t.Run("connected and ready are said once each", func(t *testing.T) {
		s := newScene(t)
		s.publish(1)
		s.start()
		s.waitReady()
		s.log.says(t, `"msg"="ready"`, `"bundles"=3`)
		s.log.says(t, `"msg"="connected to the manager"`)
		s.clock.Advance(time.Minute)
		if status, _ := s.get("/readyz"); status != http.StatusOK {
			t.Error("it is not ready any more")
		}
		if ready, connected := s.log.count(`"msg"="ready"`), s.log.count(`"msg"="connected to the manager"`); ready != 1 || connected != 1 {
			t.Errorf("said ready %d times and connected %d times, want once each", ready, connected)
		}
		if s.log.count(asError) != 0 {
			t.Errorf("there are errors: %q", s.log.lines)
		}
	})
	t.Run("a lease that ran out is an error, once it has lasted", func(t *testing.T) {
		s := newScene(t)
		s.publish(1)
		s.start()
		s.log.says(t, `"msg"="ready"`)
		s.stopManager()
		s.log.says(t, `"msg"="the connection to the manager ended"`)
		s.clock.Advance(61 * time.Minute)
		distributiontest.Eventually(t, "time passes and it is said", func() bool {
			s.clock.Advance(time.Second)
			return s.log.count(asError, "not ready: every request is denied", "the lease of the Trust bundle ended at 2026-06-01T11:00:00Z") == 1
		})
	})
	t.Run("an authority that does not vouch for the manager", func(t *testing.T) {
		s := newScene(t)
		s.certify() // after the manager took the one before
		s.start()
		s.log.says(t, asError, "not connected to the manager", "compare --manager-ca-file with ca.crt of the ConfigMap behalf-ca")
		_, body := s.get("/readyz")
		if !strings.Contains(body, "compare --manager-ca-file") {
			t.Errorf("readiness does not say what to do: %s", body)
		}
	})
	t.Run("another name in the manager's certificate", func(t *testing.T) {
		s := newScene(t)
		s.options.ManagerServerName = "localhost"
		s.start()
		s.log.says(t, asError, "not connected to the manager", "compare --manager-server-name")
	})
	t.Run("a token that the manager does not take", func(t *testing.T) {
		s := newScene(t)
		s.stopManager()
		s.authenticator = nobody{}
		s.options.ManagerAddress = s.startManager("127.0.0.1:0")
		s.start()
		s.log.says(t, asError, "not connected to the manager", "the manager does not take this token")
	})
	t.Run("a token file that is not there", func(t *testing.T) {
		s := newScene(t)
		s.options.TokenFile = s.path("none")
		s.start()
		s.log.says(t, asError, "not connected to the manager", "mount a projected service account token with the audience behalf-distribution")
	})
	t.Run("a manager that is not there, said once", func(t *testing.T) {
		s := newScene(t)
		s.stopManager()
		s.start()
		s.log.says(t, asError, "not connected to the manager", "is the manager running")
		tried := s.metric("behalf_manager_connections_total")
		distributiontest.Eventually(t, "it tries again", func() bool { return s.metric("behalf_manager_connections_total") != tried })
		if got := s.log.count(asError, "not connected to the manager"); got != 1 {
			t.Errorf("said %d times, want once", got)
		}
	})
	t.Run("a bundle that no known key signed", func(t *testing.T) { // THREATS 33
		s := newScene(t)
		_, s.signer, _ = ed25519.GenerateKey(rand.Reader)
		s.publish(1)
		s.start()
		const remedy = "no trusted key signed this: compare --bundle-keys-file with the ConfigMap behalf-bundle-keys"
		s.log.says(t, asError, "refusing what the manager sent", remedy)
		distributiontest.Eventually(t, "readiness says so", func() bool { _, body := s.get("/readyz"); return strings.Contains(body, remedy) })
	})
	t.Run("a bad key file at the start", func(t *testing.T) {
		s := newScene(t)
		s.write("keys", "not a key")
		s.publish(1)
		s.start()
		s.log.says(t, asError, "no bundle keys, so every bundle is refused and every request denied", s.path("keys"))
		if s.log.count("what was read before stays in force") != 0 {
			t.Error("it says that something was read before")
		}
		s.write("keys", bundle.MarshalPublicKeys(s.signer.Public().(ed25519.PublicKey)))
		s.waitReady()
		s.write("keys", "not a key")
		s.log.says(t, asError, "what was read before stays in force", s.path("keys"))
	})
}

// nobody is let in.
type nobody struct{}

func (nobody) Authenticate(context.Context, string) (distribution.Identity, error) {
	return distribution.Identity{}, distribution.ErrUnauthenticated
}

func TestAnAuthorizerThatMaySeeNothingSaysAsWhomTheManagerKnowsIt(t *testing.T) {
	payload := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"system:serviceaccount:edge:authorizer"}`))
	for name, test := range map[string]struct{ token, known string }{
		"a service account's token": {"e30." + payload + ".c2ln", "the service account edge/authorizer"},
		"a token of another kind":   {"a token", "this service account"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.stopManager()
			s.clusterWide = []authz.Actor{}
			s.options.ManagerAddress = s.startManager("127.0.0.1:0")
			s.write("token", test.token)
			s.publish(1)
			s.start()
			want := "connected, and the manager serves nothing to " + test.known +
				": name it in the manager's --authorizers or in spec.authorizers of a ResourceServer"
			distributiontest.Eventually(t, "it is connected", func() bool { return s.metric("behalf_manager_connected") == "1" })
			s.clock.Advance(5 * time.Second)
			if status, body := s.get("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "missing: "+want+"\n") {
				t.Errorf("readiness %d: %s", status, body)
			}
			distributiontest.Eventually(t, "the log says so, as an error", func() bool {
				s.clock.Advance(time.Second)
				return s.log.count(asError, "not ready: every request is denied", want) == 1
			})
		})
	}
}

// metric gives the value of a metric without labels.
func (s *scene) metric(name string) string {
	s.t.Helper()
	_, metrics := s.get("/metrics")
	for line := range strings.Lines(metrics) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func TestDeniesWithoutABundleAreCountedAtBothDoors(t *testing.T) {
	s := newScene(t)
	s.stopManager()
	s.start()
	if got := s.check(); got != "stale_bundle" {
		t.Errorf("ext_authz denies by %q, want stale_bundle", got)
	}
	if got := s.evaluate(); !strings.Contains(got, "no trust bundle has come yet") {
		t.Errorf("AuthZEN answers %s", got)
	}
	for _, door := range []string{"extauthz", "authzen"} {
		want := `behalf_decisions_total{frontdoor="` + door + `",leg="freshness",outcome="Deny",reason="stale_bundle"}`
		if got := s.metric(want); got != "1" {
			t.Errorf("%s is %q, want 1", want, got)
		}
	}
}

func TestItIsAliveUnderBothNames(t *testing.T) {
	s := newScene(t)
	s.stopManager()
	s.start()
	for _, path := range []string{"/healthz", "/livez"} {
		if status, body := s.get(path); status != http.StatusOK || body != "alive\n" {
			t.Errorf("%s answers %d %q", path, status, body)
		}
	}
}
