// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package monitoring_test

import (
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
)

// What a scrape adds.
const (
	manager    = `namespace="behalf-system", job="manager", instance="m-0"`
	authorizer = `namespace="gateway", job="authorizer", instance="a-0"`
)

// Series have a sample each minute, in Prometheus' notation: 0x9 is ten zeros, 0+6x9 grows by six a minute, and _ is none.
var cases = map[string]struct {
	series []string
	// The alert fires from one minute until before the other; a zero until is to the end.
	from, until int
	// says stands in its description.
	says string
}{
	"BehalfChangeNotEnforced": {
		series: []string{`behalf_enforcement_oldest_waiting_seconds{` + manager + `} 0x4 60+60x9 0x5`},
		from:   12, until: 15, says: "For 8m 0s a changed object",
	},
	"BehalfAuthorizersLagging": {
		series: []string{`behalf_enforcement_lagging_authorizers{` + manager + `} 0x4 2x19 0x5`},
		from:   20, until: 25, says: "2 authorizers have not acknowledged",
	},
	"BehalfBundleRefused": {
		series: []string{`behalf_enforcement_refusing_authorizers{` + manager + `} 0x4 1x9 0x5`},
		from:   6, until: 15, says: "1 authorizers are connected and refuse",
	},
	"BehalfEnforcementSlow": {
		series: []string{
			`behalf_enforcement_duration_seconds_bucket{` + manager + `, kind="DelegationPolicy", le="1"} 0x60`,
			`behalf_enforcement_duration_seconds_bucket{` + manager + `, kind="DelegationPolicy", le="10"} 0+6x29 174x30`,
			`behalf_enforcement_duration_seconds_bucket{` + manager + `, kind="DelegationPolicy", le="+Inf"} 0+6x29 174x30`,
		},
		from: 16, until: 43, says: "more than 9.91s",
	},
	"BehalfManagerAbsent": {
		series: []string{`behalf_manager_leader{` + manager + `} 1x4 _x19 1x5`},
		from:   14, until: 24, says: "No manager tells",
	},
	"BehalfNoLeader": {
		series: []string{`behalf_manager_leader{` + manager + `} 1x4 0x9 1x5`, `behalf_manager_leader{namespace="behalf-system", job="manager", instance="m-1"} 0x20`},
		from:   7, until: 15, says: "Status is written by the leader alone",
	},
	"BehalfAdmissionObjectsAltered": {
		series: []string{`behalf_admission_objects_restored_total{` + manager + `, object="ValidatingWebhookConfiguration/behalf-validating", found="missing"} 0x4 1x25`},
		from:   5, until: 14, says: "ValidatingWebhookConfiguration/behalf-validating was deleted or altered",
	},
	"BehalfAdmissionObjectsNotKept": {
		series: []string{`behalf_admission_objects_failures_total{` + manager + `, object="ValidatingWebhookConfiguration/behalf-validating"} 0x4 60+60x9 600x15`},
		from:   7, until: 18, says: "cannot read, create or restore ValidatingWebhookConfiguration/behalf-validating",
	},
	"BehalfAdmissionUndecided": {
		series: []string{
			`behalf_admission_answers_total{` + manager + `, webhook="workloads", answer="undecidable"} 0x4 1+1x19 20x10`,
			`behalf_admission_answers_total{` + manager + `, webhook="workloads", answer="denied"} 0+60x35`,
			`behalf_admission_answers_total{` + manager + `, webhook="tokens", answer="undecidable"} 0x4 1x30`,
		},
		from: 15, until: 28, says: "the webhook workloads has denied what it could not judge",
	},
	"BehalfWorkloadsOutsideBounds": {
		series: []string{
			`behalf_workloads_outside_bounds{` + manager + `, reason="NotDeclared"} 0x4 2x19 0x5`,
			`behalf_workloads_outside_bounds{` + manager + `, reason="NoEffect"} 0x30`,
		},
		from: 20, until: 25, says: "2 pods have asked for more than their service account is given (NotDeclared)",
	},
	"BehalfWorkloadsUnseen": {
		series: []string{
			`behalf_manager_leader{` + manager + `} 1x30`, `behalf_manager_leader{namespace="behalf-system", job="manager", instance="m-1"} 0x30`,
			`behalf_workloads_asking{` + manager + `} 5x4 _x19 5x5`,
		},
		from: 19, until: 24, says: "The manager m-0 leads and could not list pods",
	},
	"BehalfManagerNotPublishing": {
		series: []string{
			`behalf_publish_last_success_timestamp_seconds{` + manager + `} 0+60x9 540x14 1500+60x9`,
			`behalf_publish_failures_total{` + manager + `} 0x9 60+60x14 900x9`,
		},
		from: 15, until: 25, says: "published nothing for 5 minutes",
	},
	"BehalfLeasesNotRenewed": {
		series: []string{`behalf_publish_lease_seconds{` + manager + `, kind="Policy"} 3600-60x20 3600-60x40 3600x5`},
		from:   53, until: 62, says: "Policy bundles ends in 28m 0s",
	},
	"BehalfNobodyConnected": {
		series: []string{
			`behalf_distribution_streams{` + manager + `} 3x4 0x9 3x5`,
			`behalf_distribution_accounts{` + manager + `, state="connected"} 1x4 0x9 1x5`,
			`behalf_distribution_accounts{` + manager + `, state="missing"} 0x4 1x9 0x5`,
		},
		from: 10, until: 15, says: "none of them is connected",
	},
	"BehalfAuthorizerMissing": {
		series: []string{`behalf_distribution_accounts{` + manager + `, state="missing"} 0x4 1x19 0x5`},
		from:   20, until: 25, says: "Of 1 service accounts",
	},
	"BehalfPeersRefused": {
		series: []string{`behalf_distribution_unauthenticated_total{` + manager + `} 0x4 2+2x14 30x20`},
		from:   15, until: 24, says: "streams were refused or ended within 10 minutes",
	},
	"BehalfReplicaCutOff": {
		series: []string{`behalf_distribution_uncounted_total{` + manager + `} 0x4 1+1x9 10x30`},
		from:   10, until: 23, says: "because no leading replica hears it",
	},
	"BehalfPeersStalled": {
		series: []string{`behalf_distribution_stalled_total{` + manager + `} 0x4 1+1x9 10x60`},
		from:   13, until: 41, says: "left a response unanswered",
	},
	"BehalfSigningKeys": {
		series: []string{`behalf_signing_key_problem{` + manager + `} 0x4 1x14 0x5`},
		from:   15, until: 20, says: "cannot be read, published or rotated",
	},
	"BehalfBackstopFailing": {
		series: []string{`behalf_backstop_failures_total{` + manager + `} 0x4 0+1x29 29x20`},
		from:   19, until: 41, says: "Within 10 minutes 10 attempts",
	},
	"BehalfBackstopIncomplete": {
		series: []string{`behalf_backstop_left_out{` + manager + `, kind="ServiceAccount"} 0x4 2x9 0x5`},
		from:   10, until: 15, says: "The bounds of 2 objects of kind ServiceAccount",
	},
	"BehalfIssuerKeysStale": {
		series: []string{`behalf_issuers{` + manager + `, state="stale"} 0x4 1x19 0x5`},
		from:   20, until: 25, says: "The keys of 1 issuers cannot be fetched again",
	},
	"BehalfIssuerKeysEnding": {
		series: []string{`behalf_issuer_keys_remaining_seconds{` + manager + `} 14700-60x19 _x10`},
		from:   11, until: 24, says: "In 3h 54m 0s the last good keys",
	},
	"BehalfIssuerKeysUnavailable": {
		series: []string{`behalf_issuers{` + manager + `, state="unavailable"} 0x4 1x9 0x5`},
		from:   10, until: 15, says: "Nobody of 1 issuers is believed",
	},
	"BehalfAuthorizerExpired": {
		series: []string{`behalf_bundles{` + authorizer + `, kind="Trust", state="Expired"} 0x4 1x9 0x5`},
		from:   6, until: 15, says: "The leases of 1 Trust bundles have ended",
	},
	"BehalfBundleAbsent": {
		series: []string{`behalf_bundles{` + authorizer + `, kind="Policy", state="Absent"} 0x4 1x9 0x5`},
		from:   10, until: 15, says: "Of 1 Policy bundles the authorizer refused",
	},
	"BehalfAuthorizerDegraded": {
		series: []string{`behalf_bundles{` + authorizer + `, kind="Policy", state="Degraded"} 0x4 3x9 0x5`},
		from:   10, until: 15, says: "The leases of 3 Policy bundles have ended",
	},
	"BehalfLeaseEnding": {
		series: []string{
			`behalf_bundle_lease_seconds{` + authorizer + `, kind="Policy", name="support/tickets"} 3600-60x59 3600x5`,
			`behalf_bundle_lease_seconds{` + authorizer + `, kind="Policy", name="billing/ledger"} 3600x64`,
		},
		from: 32, until: 60, says: "Policy bundles ends in 28m 0s",
	},
	"BehalfManagerUnreachable": {
		series: []string{`behalf_manager_connected{` + authorizer + `} 1x4 0x14 1x5`},
		from:   15, until: 20, says: "decides by what it holds",
	},
	"BehalfBundleForged": {
		series: []string{
			`behalf_bundle_refusals_total{` + authorizer + `, kind="Policy", reason="untrusted"} 0x4 1x20`,
			`behalf_bundle_refusals_total{` + authorizer + `, kind="Policy", reason="unloadable"} 0+1x25`,
		},
		from: 5, until: 14, says: "refused because it is untrusted",
	},
	"BehalfDecisionErrors": {
		series: []string{
			`behalf_decisions_total{` + authorizer + `, outcome="Deny", leg="policy", reason="internal_error", frontdoor="extauthz"} 0x4 3x20`,
			`behalf_decisions_total{` + authorizer + `, outcome="Deny", leg="policy", reason="no_policy", frontdoor="extauthz"} 0+9x25`,
		},
		from: 5, until: 14, says: "(leg policy)",
	},
	"BehalfStaleDenials": {
		series: []string{`behalf_decisions_total{` + authorizer + `, outcome="Deny", leg="freshness", reason="stale_bundle", frontdoor="authzen"} 0x4 60+60x9 600x10`},
		from:   7, until: 18, says: "At door authzen 0.60 requests a second",
	},
	"BehalfDecisionsSlow": {
		series: []string{
			`behalf_decision_duration_seconds_bucket{` + authorizer + `, frontdoor="extauthz", le="0.006"} 0x60`,
			`behalf_decision_duration_seconds_bucket{` + authorizer + `, frontdoor="extauthz", le="0.015"} 0+600x19 11400x40`,
			`behalf_decision_duration_seconds_bucket{` + authorizer + `, frontdoor="extauthz", le="+Inf"} 0+600x19 11400x40`,
		},
		from: 11, until: 23, says: "more than 14.91ms",
	},
	"BehalfDecisionLogLosing": {
		series: []string{`behalf_decision_log_lost_total{` + authorizer + `} 0x4 7x20`},
		from:   5, until: 14, says: "decisions were not written down",
	},
}

func TestEveryAlertFiresAndResolves(t *testing.T) {
	all := alerts(t)
	if len(all) != len(cases) {
		t.Errorf("%d alerts, and %d cases", len(all), len(cases))
	}
	for _, rule := range all {
		t.Run(rule.Alert, func(t *testing.T) {
			c, there := cases[rule.Alert]
			if !there {
				t.Fatal("it has no case")
			}
			fired, said := play(t, &rule, c.series, c.until+2)
			for minute, fires := range fired {
				if want := minute >= c.from && minute < c.until; fires != want {
					t.Errorf("in minute %d it fires: %v, want %v", minute, fires, want)
				}
			}
			if !strings.Contains(said, c.says) {
				t.Errorf("it says %q, want %q in it", said, c.says)
			}
		})
	}
}

// play evaluates a rule once a minute. It gives the minutes in which it fired, and its description in the first of them.
func play(t *testing.T, rule *rulefmt.Rule, series []string, minutes int) (fired []bool, said string) {
	t.Helper()
	world, err := promqltest.NewLazyLoader("load 1m\n  "+strings.Join(series, "\n  ")+"\n", promqltest.LazyLoaderOpts{
		EnableAtModifier: true, EnableNegativeOffset: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := world.Close(); err != nil {
			t.Error(err)
		}
	}()
	expression, err := promQL.ParseExpr(rule.Expr)
	if err != nil {
		t.Fatal(err)
	}
	alert := rules.NewAlertingRule(rule.Alert, expression, time.Duration(rule.For), time.Duration(rule.KeepFiringFor),
		labels.FromMap(rule.Labels), labels.FromMap(rule.Annotations), labels.EmptyLabels(), "", true, slog.New(slog.DiscardHandler))
	query := rules.EngineQueryFunc(world.QueryEngine(), world.Queryable())
	for minute := range minutes {
		now := time.Unix(0, 0).Add(time.Duration(minute) * time.Minute)
		world.WithSamplesTill(now, func(problem error) { err = problem })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := alert.Eval(t.Context(), 0, now, query, &url.URL{}, 0); err != nil {
			t.Fatal(err)
		}
		description, fires := firing(alert)
		fired = append(fired, fires)
		if said == "" {
			said = description
		}
	}
	return fired, said
}

func firing(alert *rules.AlertingRule) (description string, fires bool) {
	for _, active := range alert.ActiveAlerts() {
		if active.State == rules.StateFiring {
			return active.Annotations.Get("description"), true
		}
	}
	return "", false
}
