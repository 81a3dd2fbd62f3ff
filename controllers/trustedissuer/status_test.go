// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package trustedissuer

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/controllers/conditions"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/issuerkeys"
)

var now = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)

func said(verdict conditions.Verdict) []string {
	var lines []string
	for _, c := range verdict.Conditions {
		lines = append(lines, c.Type+"="+string(c.Status)+" "+c.Reason+": "+c.Message)
	}
	return lines
}

func check(t *testing.T, verdict conditions.Verdict, want []string, next time.Time) {
	t.Helper()
	if !verdict.Known {
		t.Error("nothing is known")
	}
	if got := said(verdict); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if !verdict.Next.Equal(next) {
		t.Errorf("next look at %v, want %v", verdict.Next, next)
	}
}

// everywhere is an object that is accepted and that one authorizer enforces.
func everywhere() conditions.Outcome {
	return conditions.Outcome{
		Report:    compile.Report{Accepted: true, Reason: "Accepted", Message: "Compiled without errors."},
		Standings: []conditions.Standing{{Bundle: "support/tickets", Connected: 1}},
	}
}

const (
	accepted = "Accepted=True Accepted: Compiled without errors."
	enforced = "Enforced=True Enforced: Every live authorizer that serves it has acknowledged this generation."
	ready    = "Ready=True Ready: Accepted and enforced."
)

const fetched = "KeysFetched=True KeysFetched: The keys are known and kept fresh; they are the same since 2026-06-01T08:00:00Z."

func TestDerive(t *testing.T) {
	down := errors.New("fetching https://idp.example: connection refused")
	known := issuerkeys.Keys{JWKS: "{}"}
	nowhere := conditions.Outcome{Report: everywhere().Report}
	unusable := nowhere
	unusable.Problems = []compile.Problem{{
		Field: "spec.keys", Message: "none of them fits", Reason: v1alpha1.ReasonKeysUnavailable, Severity: compile.Warning,
	}}
	const strange = "No keys, so nobody of this issuer is believed: fetching https://idp.example: x509: certificate signed by unknown authority. " +
		"Set spec.keys.caBundle to the certificate of the authority that signed the issuer's. It is tried again."
	const gone = "No keys, so nobody of this issuer is believed: fetching https://idp.example: connection refused. It is tried again. " +
		"The last keys that served were fetched at 2026-05-31T10:00:00Z."
	const believed = "Enforced=False KeysUnavailable: Without keys it is not part of the trust bundle: nobody of this issuer is believed."
	cases := map[string]struct {
		keys    v1alpha1.KeysType
		state   issuerkeys.State
		outcome conditions.Outcome
		want    []string
	}{
		"keys that were fetched": {
			keys:    v1alpha1.KeysDiscovery,
			state:   issuerkeys.State{Attempted: true, Keys: known, Since: now.Add(-2 * time.Hour), FetchedAt: now},
			outcome: everywhere(),
			want:    []string{accepted, fetched, enforced, ready},
		},
		"keys in the object itself": {
			keys:    v1alpha1.KeysInline,
			outcome: everywhere(),
			want: []string{
				accepted, "KeysFetched=True KeysFetched: The keys are in spec.keys.jwks; nothing is fetched.", enforced, ready,
			},
		},
		"keys that are being fetched": {
			keys:    v1alpha1.KeysURL,
			outcome: nowhere,
			want: []string{
				accepted, "KeysFetched=Unknown Pending: The keys are being fetched for the first time.", believed,
				"Ready=Unknown Pending: The keys are being fetched for the first time.",
			},
		},
		"an issuer that was never reached": {
			keys:    v1alpha1.KeysDiscovery,
			state:   issuerkeys.State{Attempted: true, Err: down},
			outcome: nowhere,
			want: []string{
				accepted,
				"KeysFetched=False KeysUnavailable: No keys, so nobody of this issuer is believed: fetching https://idp.example: connection refused. It is tried again.",
				believed,
				"Ready=False KeysUnavailable: No keys, so nobody of this issuer is believed: fetching https://idp.example: connection refused. It is tried again.",
			},
		},
		"an issuer whose certificate nobody knows": {
			keys:    v1alpha1.KeysDiscovery,
			state:   issuerkeys.State{Attempted: true, Err: fmt.Errorf("fetching https://idp.example: %w", x509.UnknownAuthorityError{})},
			outcome: nowhere,
			want: []string{
				accepted, "KeysFetched=False KeysUnavailable: " + strange, believed, "Ready=False KeysUnavailable: " + strange,
			},
		},
		"an issuer that can no longer be reached, while its last good keys serve": {
			keys: v1alpha1.KeysDiscovery,
			state: issuerkeys.State{
				Attempted: true, Keys: known, Err: down, FetchedAt: now.Add(-time.Hour), ServeUntil: now.Add(23 * time.Hour),
			},
			outcome: everywhere(),
			want: []string{
				accepted,
				"KeysFetched=False KeysStale: The keys of 2026-06-01T09:00:00Z serve until 2026-06-02T09:00:00Z: fetching https://idp.example: connection refused. It is tried again.",
				enforced,
				"Ready=False KeysStale: The keys of 2026-06-01T09:00:00Z serve until 2026-06-02T09:00:00Z: fetching https://idp.example: connection refused. It is tried again.",
			},
		},
		"keys that ran out, or that the issuer has withdrawn": {
			keys:    v1alpha1.KeysDiscovery,
			state:   issuerkeys.State{Attempted: true, Err: down, FetchedAt: now.Add(-24 * time.Hour), ServeUntil: now},
			outcome: nowhere,
			want: []string{
				accepted, "KeysFetched=False KeysUnavailable: " + gone, believed, "Ready=False KeysUnavailable: " + gone,
			},
		},
		"keys that were fetched and fit no algorithm": {
			keys:    v1alpha1.KeysDiscovery,
			state:   issuerkeys.State{Attempted: true, Keys: known},
			outcome: unusable,
			want: []string{
				"Accepted=True Accepted: spec.keys: none of them fits", "KeysFetched=False KeysUnavailable: spec.keys: none of them fits",
				believed, "Ready=False KeysUnavailable: spec.keys: none of them fits",
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			issuer := &v1alpha1.TrustedIssuer{}
			issuer.Spec.Keys.Type = c.keys
			check(t, derive(issuer, c.outcome, c.state), c.want, time.Time{})
		})
	}
}
