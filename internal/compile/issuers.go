// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// algorithms are the JWS algorithms with a public key.
var algorithms = []v1alpha1.SignatureAlgorithm{
	"ES256", "ES384", "ES512", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512",
}

// issuer is one TrustedIssuer.
type issuer struct {
	findings
	entry bundle.Issuer
	since metav1.Time
	// keyed says that there are keys to verify with.
	keyed bool
	// conflicts are settled with all others.
	conflicts []Problem
}

func (i *issuer) inForce() bool { return i.keyed && !i.failed() && len(i.conflicts) == 0 }

func (i *issuer) claimant() claimant { return claimant{object: i.object, since: i.since} }

// claimURLs says who holds which issuer's URL: the cluster its own, and of two with one URL the older.
func claimURLs(issuers []*issuer, cluster *bundle.Cluster) claims {
	slices.SortFunc(issuers, func(a, b *issuer) int {
		return cmp.Or(a.since.Compare(b.since.Time), compareRefs(a.object, b.object))
	})
	held := claims{}
	if cluster != nil {
		held.take(cluster.Issuer, claimant{object: authz.ObjectRef{Kind: KindCluster}})
	}
	for _, i := range issuers {
		held.take(i.entry.URL, i.claimant())
	}
	return held
}

func (i *issuer) conflictsIn(held claims) []Problem {
	holder, taken := held.other(i.entry.URL, i.object)
	if !taken || i.entry.URL == "" {
		return nil
	}
	own := findings{object: i.object}
	if holder.object.Kind == KindCluster {
		own.conflictf("spec.url", "%q issues the cluster's own service account tokens, whose bearers are actors and never subjects; name another issuer", i.entry.URL)
	} else {
		own.conflictf("spec.url", "%s and holds the issuer %q; remove one of the two", holder.precedes(i.claimant()), i.entry.URL)
	}
	return own.problems
}

func (v *view) readIssuer(o *v1alpha1.TrustedIssuer) *issuer {
	i := &issuer{findings: findingsOf(KindTrustedIssuer, o.ObjectMeta), since: o.CreationTimestamp}
	i.entry = bundle.Issuer{
		Source:        i.object,
		Name:          o.Name,
		URL:           o.Spec.URL,
		Audiences:     nonEmpty(&i.findings, "spec.audiences", o.Spec.Audiences),
		Algorithms:    i.algorithms(o.Spec.Algorithms),
		UsernameClaim: string(o.Spec.Claims.Username),
		GroupsClaim:   string(o.Spec.Claims.Groups),
		SessionClaim:  string(o.Spec.Claims.Session),
		Forward:       nonEmpty(&i.findings, "spec.forward", o.Spec.Forward),
	}
	if o.Spec.URL == "" {
		i.invalidf("spec.url", "there is no issuer URL; give the exact 'iss' of its tokens")
	}
	if len(o.Spec.Audiences) == 0 {
		i.invalidf("spec.audiences", "there is no audience, and a token for anybody is a token for nobody; name at least one")
	}
	i.scopes(o.Spec.Scopes)
	i.readKeys(o.Spec.Keys, v.keys(o.Name), v.around.keyless)
	return i
}

func (i *issuer) algorithms(named []v1alpha1.SignatureAlgorithm) []string {
	if len(named) == 0 {
		i.invalidf("spec.algorithms", "there is no algorithm; name those that the issuer signs with, such as ES256")
	}
	for k, a := range named {
		if !slices.Contains(algorithms, a) {
			i.invalidf(fmt.Sprintf("spec.algorithms[%d]", k), "%q is no algorithm with a public key; use %s", a, someNames(sortedNames(algorithms)))
		}
	}
	return sortedNames(named)
}

func (i *issuer) scopes(s v1alpha1.IssuerScopes) {
	i.entry.ScopesClaim = string(s.Claim)
	switch s.Type {
	case v1alpha1.IssuerScopesClaim:
		if s.Claim == "" {
			i.invalidf("spec.scopes.claim", "type Claim needs the claim that holds the scopes; name it, such as scope")
		}
	case v1alpha1.IssuerScopesUnbounded:
		i.entry.Unbounded = true
		if s.Claim != "" {
			i.invalidf("spec.scopes.claim", "a claim goes with type Claim; remove it or say Claim")
		}
	default:
		i.invalidf("spec.scopes.type", "%q is not known; say Claim or Unbounded", s.Type)
	}
}

// readKeys finds the keys and their faults: inline ones are their owner's to mend, fetched ones are not.
func (i *issuer) readKeys(keys v1alpha1.IssuerKeys, fetched string, keyless bool) {
	switch keys.Type {
	case v1alpha1.KeysInline:
		i.readInline(keys.JWKS)
	case v1alpha1.KeysURL, v1alpha1.KeysDiscovery:
		if keys.Type == v1alpha1.KeysURL && keys.URL == "" {
			i.invalidf("spec.keys.url", "type URL needs a URL; give that of the JWK set")
		}
		i.readFetched(fetched, keyless)
	default:
		i.invalidf("spec.keys.type", "%q is not known; say Discovery, URL or Inline", keys.Type)
	}
}

func (i *issuer) readInline(jwks string) {
	if jwks == "" {
		i.invalidf("spec.keys.jwks", "type Inline needs keys; give a JWK set with the issuer's public keys")
		return
	}
	set, err := canonicalKeys(jwks, i.entry.Algorithms)
	if err != nil {
		i.invalidf("spec.keys.jwks", "the JWK set cannot be used: %v; give a set with public keys of the issuer", err)
		return
	}
	i.entry.JWKS, i.keyed = set, true
}

func (i *issuer) readFetched(jwks string, keyless bool) {
	if jwks == "" && keyless {
		i.entry.JWKS, i.keyed = `{"keys":[]}`, true
		return
	}
	if jwks == "" {
		i.add(Warning, v1alpha1.ReasonKeysUnavailable, "spec.keys",
			"no keys of the issuer are known, so none of its people can be known; see to it that the manager can fetch them")
		return
	}
	set, err := canonicalKeys(jwks, i.entry.Algorithms)
	if err != nil {
		i.add(Warning, v1alpha1.ReasonKeysUnavailable, "spec.keys", fmt.Sprintf(
			"the JWK set that was fetched cannot be used: %v; correct spec.keys or spec.algorithms, or have the issuer correct its keys", err))
		return
	}
	i.entry.JWKS, i.keyed = set, true
}
