// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/distribution/distributiontest"
	"behalf.dev/behalf/internal/snapshot"
)

func TestTheServersFiguresAreNamedAsPrometheusHasThem(t *testing.T) {
	m := startDefault(t)
	if problems, err := testutil.CollectAndLint(m.Server); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// THREATS 25
func TestAPeersOwnWordIsNoLabel(t *testing.T) {
	t.Parallel()
	for _, reason := range snapshot.Refusals() {
		err := fmt.Errorf("told: %w", &snapshot.Refused{Reason: reason, Err: errBad})
		if got := knownReason(reasonOf(err)); got != string(reason) {
			t.Errorf("%s arrives as %s", reason, got)
		}
	}
	for _, word := range []string{"", "alice@example.com", reasonOf(errors.New("untrusted"))} {
		if got := knownReason(word); got != "other" {
			t.Errorf("%q became the label %q", word, got)
		}
	}
	if slices.Contains(reasons, "") {
		t.Error("nothing is a reason")
	}
}

func TestWhoIsThereIsCounted(t *testing.T) {
	m := startManager(t, Options{Authenticator: newReviewer(everywhere), ClusterWide: []authz.Actor{everywhere}}, "")
	policy := policyFor("support/tickets", 1, "t", support)
	mustSet(t, m.Server, policy)
	s := newShelf()
	m.connect(t, everywhere, "node-1", s)
	a := m.connect(t, everywhere, "node-2", newShelf())
	distributiontest.Eventually(t, "both are there", func() bool { return len(m.Authorizers()) == 2 })
	a.stop()
	distributiontest.Eventually(t, "one of them went", func() bool {
		all := m.Authorizers()
		return len(all) == 2 && all[0].Connected != all[1].Connected
	})
	want := `# HELP behalf_distribution_accounts Service accounts that are named as authorizers, for everything or for a resource server: connected with at least one instance, or missing.
# TYPE behalf_distribution_accounts gauge
behalf_distribution_accounts{state="connected"} 1
behalf_distribution_accounts{state="missing"} 1
# HELP behalf_distribution_authorizers Authorizers that count: connected, or gone for less than a lease.
# TYPE behalf_distribution_authorizers gauge
behalf_distribution_authorizers{state="connected"} 1
behalf_distribution_authorizers{state="gone"} 1
`
	if err := testutil.CollectAndCompare(m.Server, strings.NewReader(want), "behalf_distribution_accounts", "behalf_distribution_authorizers"); err != nil {
		t.Error(err)
	}
}
