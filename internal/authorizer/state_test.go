// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authorizer_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"behalf.dev/behalf/internal/authorizer"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/distribution/distributiontest"
	"behalf.dev/behalf/internal/snapshot/disk"
)

// keeping is a scene with a state folder.
func keeping(t *testing.T) *scene {
	t.Helper()
	s := newScene(t)
	s.options.StateDir = s.path("state")
	return s
}

// restart ends the authorizer and starts another one as it was.
func (s *scene) restart() {
	s.t.Helper()
	s.end()
	s.start()
}

// fileOf finds the file of the policy bundle by the end of its name.
func (s *scene) fileOf(ending string) string {
	s.t.Helper()
	found, err := filepath.Glob(filepath.Join(s.options.StateDir, disk.Stem(bundle.KindPolicy, "support/tickets")+"*"+ending))
	if err != nil || len(found) != 1 {
		s.t.Fatalf("%d files end in %s: %v", len(found), ending, err)
	}
	return found[0]
}

func TestAnAuthorizerThatIsStartedAgainWithoutAManagerDecidesAsBefore(t *testing.T) {
	s := keeping(t)
	s.publish(42)
	s.start()
	s.waitReady()
	s.stopManager()
	s.restart()
	if status, body := s.get("/readyz"); status != http.StatusOK {
		t.Errorf("readiness %d: %s", status, body)
	}
	if got := s.check(); got != "" {
		t.Errorf("ext_authz denies: %s", got)
	}
	if got := s.evaluate(); !strings.Contains(got, `"decision":true`) {
		t.Errorf("AuthZEN answers %s", got)
	}
	s.log.says(t, `"msg"="started from what was kept"`, `"bundles"=3`, `"refused"=0`)
	if s.log.count("kept in memory only") != 0 {
		t.Error("it says that it keeps nothing")
	}

	s.clock.Advance(61 * time.Minute)
	if status, body := s.get("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "the lease of the Trust bundle ended") { // THREATS 33
		t.Errorf("after the lease readiness is %d: %s", status, body)
	}
	s.options.ManagerAddress = s.startManager(s.options.ManagerAddress)
	s.publish(43)
	distributiontest.Eventually(t, "it catches up", func() bool {
		return s.metric(`behalf_bundle_revision{kind="Policy",name="support/tickets"}`) == "43"
	})
}

// THREATS 34: a damaged file is no policy, is told in every way there is, and is mended by the manager.
func TestAnAuthorizerWithADamagedStateFolderDeniesAndSaysSo(t *testing.T) {
	s := keeping(t)
	s.publish(42)
	s.start()
	s.waitReady()
	s.stopManager()
	s.end()
	content := s.fileOf(".content")
	raw, err := os.ReadFile(content)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(content, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()

	if got := s.check(); got == "" {
		t.Error("it allows")
	}
	const told = "refusing Policy support/tickets (altered): in the state folder: the content is sha256:"
	s.log.says(t, asError, "what was kept is not in order", told)
	_, body := s.get("/readyz")
	if !strings.Contains(body, "missing: no policy bundle has come") || !strings.Contains(body, "note: Policy bundle support/tickets: what was kept of it was refused at 2026-06-01T10:00:00Z") ||
		!strings.Contains(body, told) {
		t.Errorf("readiness says %s", body)
	}
	for name, want := range map[string]string{
		`behalf_state_refusals_total{reason="altered"}`:      "1",
		`behalf_bundles{kind="Policy",state="Absent"}`:       "1",
		`behalf_bundles{kind="Trust",state="Fresh"}`:         "1",
		`behalf_bundles{kind="Revocations",state="Expired"}`: "0",
	} {
		if got := s.metric(name); got != want {
			t.Errorf("%s is %q, want %s", name, got, want)
		}
	}

	s.options.ManagerAddress = s.startManager(s.options.ManagerAddress)
	s.publish(42)
	distributiontest.Eventually(t, "the manager sends it again", func() bool { return s.check() == "" })
	if _, body := s.get("/readyz"); strings.Contains(body, "refused") {
		t.Errorf("readiness still says %s", body)
	}
}

// THREATS 34: what could not be kept is not enforced, and the manager is told; once it can be, it is.
func TestWhatCannotBeKeptIsRefusedAndSaidAndTriedAgain(t *testing.T) {
	s := keeping(t)
	s.publish(42)
	s.start()
	s.waitReady()
	obstacle := s.fileOf(".envelope") + ".tmp" // a folder where a file should be
	if err := os.Mkdir(obstacle, 0o700); err != nil {
		t.Fatal(err)
	}
	s.world.Policy.Rules = nil
	s.publish(43)
	const remedy = "give --state-dir a folder that this instance alone uses and can write to, with room"
	distributiontest.Eventually(t, "readiness says so", func() bool {
		_, body := s.get("/readyz")
		return strings.Contains(body, "an update was refused") && strings.Contains(body, "(not_persisted): writing to the state folder: ") && strings.Contains(body, remedy)
	})
	s.log.says(t, asError, "refusing what the manager sent", "not_persisted", remedy)
	if got := s.metric(`behalf_bundle_refusals_total{kind="Policy",reason="not_persisted"}`); got == "" || got == "0" {
		t.Error("it is not counted")
	}
	if got := s.metric(`behalf_bundle_revision{kind="Policy",name="support/tickets"}`); got != "42" {
		t.Errorf("revision %s is enforced", got)
	}
	if got := s.check(); got != "" {
		t.Errorf("denied by %q, although the last good one stays", got)
	}
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(30 * time.Second)
	distributiontest.Eventually(t, "it is asked for again", func() bool { return s.check() == "no_policy" })
}

// What a ResourceServer lets be served stale keeps the authorizer in service, and every decision says what it rests on.
func TestServingStaleIsSaidInReadinessMetricsAndEveryDecision(t *testing.T) {
	s := keeping(t)
	s.world.Policy.MaxStaleSeconds = 600
	resources := []distribution.Resource{
		resource(s, bundle.KindPolicy, "support/tickets", 1, s.world.Policy),
		resource(s, bundle.KindTrust, bundle.TrustName, 1, s.world.Trust),
		resource(s, bundle.KindRevocations, bundle.RevocationsName, 1, s.world.Revocations),
	}
	for i := range resources {
		r := &resources[i]
		r.Statement.LeaseUntil = s.clock.Now().Add(20 * time.Second).Unix()
		var err error
		if r.Artifact.Envelope, err = bundle.Sign(r.Statement, s.signer); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.manager.Set(resources); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.waitReady()
	distributiontest.Eventually(t, "all has come", func() bool { return s.check() == "" })
	if got := s.metric("behalf_bundle_lease_earliest_seconds"); got != "20" {
		t.Errorf("the earliest lease ends in %q seconds, want 20", got)
	}
	s.stopManager()
	s.clock.Advance(21 * time.Second)
	s.restart()

	status, body := s.get("/readyz")
	if status != http.StatusOK || strings.Count(body, "it is served stale for now, where a ResourceServer says so") != 3 {
		t.Errorf("readiness %d: %s", status, body)
	}
	if got := s.check(); got != "" {
		t.Errorf("denied by %q", got)
	}
	if got := s.evaluate(); !strings.Contains(got, `"decision":true,"context":{"revision":1,"degraded":true`) {
		t.Errorf("AuthZEN answers %s", got)
	}
	distributiontest.Eventually(t, "all decisions are in the log", func() bool { return len(s.decisions()) >= 3 })
	records := s.decisions()
	if records[0]["degraded"] != nil || records[len(records)-1]["degraded"] != true {
		t.Errorf("records %v", records)
	}
	for name, want := range map[string]string{
		`behalf_bundles{kind="Policy",state="Degraded"}`: "1",
		`behalf_bundles{kind="Policy",state="Fresh"}`:    "0",
		"behalf_bundle_lease_earliest_seconds":           "-1",
	} {
		if got := s.metric(name); got != want {
			t.Errorf("%s is %q, want %s", name, got, want)
		}
	}
	s.clock.Advance(10 * time.Minute)
	if status, _ := s.get("/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("readiness %d although nothing can be decided", status)
	}
}

func TestAStateFolderThatCannotBeUsedEndsTheStartWithTheRemedy(t *testing.T) {
	for name, spoil := range map[string]func(*scene){
		"a file in its place": func(s *scene) { s.write("state", "") },
		"another authorizer in it": func(s *scene) {
			other, err := disk.Open(s.options.StateDir)
			if err != nil {
				s.t.Fatal(err)
			}
			s.t.Cleanup(func() { s.t.Log(other.Close()) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := keeping(t)
			spoil(s)
			_, err := authorizer.New(s.options, logr.Discard(), s.clock)
			if err == nil || !strings.Contains(err.Error(), "give --state-dir a folder that this instance alone uses") {
				t.Errorf("error = %v", err)
			}
		})
	}
}

func TestWithoutAStateFolderTheLogSaysWhatThatMeans(t *testing.T) {
	s := newScene(t)
	s.start()
	s.log.says(t, "bundles are kept in memory only", "set --state-dir to keep them")
}
