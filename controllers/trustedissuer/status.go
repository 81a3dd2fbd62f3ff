// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package trustedissuer

import (
	"crypto/x509"
	"errors"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/controllers/conditions"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/issuerkeys"
)

// derive says whether the issuer's keys are known and have reached every authorizer.
func derive(issuer *v1alpha1.TrustedIssuer, outcome conditions.Outcome, keys issuerkeys.State) conditions.Verdict {
	return conditions.Verdict{Known: true, Conditions: conditions.Conclude(conditions.Ready(outcome),
		conditions.Accepted(outcome), keysFetched(issuer, outcome, keys), reached(outcome))}
}

func keysFetched(issuer *v1alpha1.TrustedIssuer, outcome conditions.Outcome, keys issuerkeys.State) metav1.Condition {
	const kind = v1alpha1.ConditionKeysFetched
	switch {
	case issuer.Spec.Keys.Type == v1alpha1.KeysInline:
		return conditions.True(kind, v1alpha1.ReasonKeysFetched, "The keys are in spec.keys.jwks; nothing is fetched.")
	case !keys.Attempted:
		return conditions.Unknown(kind, v1alpha1.ReasonPending, "The keys are being fetched for the first time.")
	case !keys.Known():
		return conditions.False(kind, v1alpha1.ReasonKeysUnavailable,
			"No keys, so nobody of this issuer is believed: "+fault(keys.Err)+" It is tried again."+lastFetched(keys))
	case keys.Err != nil:
		return conditions.False(kind, v1alpha1.ReasonKeysStale,
			"The keys of "+spell(keys.FetchedAt)+" serve until "+spell(keys.ServeUntil)+": "+fault(keys.Err)+" It is tried again.")
	}
	if unusable := unusableKeys(outcome); unusable != "" {
		return conditions.False(kind, v1alpha1.ReasonKeysUnavailable, unusable)
	}
	return conditions.True(kind, v1alpha1.ReasonKeysFetched, "The keys are known and kept fresh; they are the same since "+spell(keys.Since)+".")
}

// lastFetched tells of keys that serve no longer.
func lastFetched(keys issuerkeys.State) string {
	if keys.FetchedAt.IsZero() {
		return ""
	}
	return " The last keys that served were fetched at " + spell(keys.FetchedAt) + "."
}

// fault says why keys were not fetched, and what to do where it is known.
func fault(err error) string {
	text := err.Error() + "."
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
		text += " Set spec.keys.caBundle to the certificate of the authority that signed the issuer's."
	}
	return text
}

// unusableKeys is what the compiler says of keys that were fetched and that it cannot use.
func unusableKeys(outcome conditions.Outcome) string {
	i := slices.IndexFunc(outcome.Problems, func(p compile.Problem) bool { return p.Reason == v1alpha1.ReasonKeysUnavailable })
	if i < 0 {
		return ""
	}
	return outcome.Problems[i].Field + ": " + outcome.Problems[i].Message
}

// reached is Enforced; it says, of an issuer without keys, why it is in no bundle.
func reached(outcome conditions.Outcome) metav1.Condition {
	if outcome.Report.Accepted && len(outcome.Standings) == 0 {
		return conditions.False(v1alpha1.ConditionEnforced, v1alpha1.ReasonKeysUnavailable,
			"Without keys it is not part of the trust bundle: nobody of this issuer is believed.")
	}
	return conditions.Enforced(outcome)
}

func spell(t time.Time) string { return t.UTC().Format(time.RFC3339) }
