// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"errors"
	"fmt"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// Skew is how far ahead of ours an issuer's clock may run: for 'iat' and 'nbf'. 'exp' is taken as it is.
const Skew = 60 * time.Second

// Trust is a trust bundle made ready: whom to believe, with which keys. It does not change, but for the memory of tokens
// that it has verified, which goes when it goes: a key that a new bundle lacks is forgotten with all that it signed.
type Trust struct {
	statement bundle.Statement
	issuers   map[string]*issuer // by URL
	names     map[string]bool    // of the issuers
	cluster   *issuer
	pins      map[authz.Actor]string
	seen      *cache
}

// issuer is one bundle.Issuer with its keys, or the cluster.
type issuer struct {
	bundle.Issuer
	keys []key
}

// NewTrust loads a trust bundle. Keys that cannot be used (for encryption, symmetric, private, of an unknown type) are
// passed over, as RFC 7517 section 5 asks; what contradicts itself is an error.
func NewTrust(t *bundle.Trust, s bundle.Statement) (*Trust, error) {
	if t == nil {
		return nil, errors.New("loading trust: there is none")
	}
	trust := &Trust{statement: s, seen: newCache(cacheSize)}
	if err := trust.loadIssuers(t.Issuers); err != nil {
		return nil, fmt.Errorf("loading trust: %w", err)
	}
	if err := trust.loadCluster(t.Cluster); err != nil {
		return nil, fmt.Errorf("loading trust: %w", err)
	}
	if err := trust.loadPins(t.ServiceAccounts); err != nil {
		return nil, fmt.Errorf("loading trust: %w", err)
	}
	return trust, nil
}

// Statement is what vouches for the bundle.
func (t *Trust) Statement() bundle.Statement {
	if t == nil {
		return bundle.Statement{}
	}
	return t.statement
}

func (t *Trust) loadIssuers(issuers []bundle.Issuer) error {
	t.issuers = make(map[string]*issuer, len(issuers))
	t.names = make(map[string]bool, len(issuers))
	for _, i := range issuers {
		if t.names[i.Name] || t.issuers[i.URL] != nil {
			return fmt.Errorf("issuer %s: its name or its URL %s stands twice", i.Name, i.URL)
		}
		loaded, err := loadIssuer(i)
		if err != nil {
			return fmt.Errorf("issuer %s: %w", i.Name, err)
		}
		t.names[i.Name], t.issuers[i.URL] = true, loaded
	}
	return nil
}

func loadIssuer(i bundle.Issuer) (*issuer, error) {
	if i.Name == "" || i.URL == "" || len(i.Audiences) == 0 || len(i.Algorithms) == 0 {
		return nil, errors.New("name, url, audiences and algorithms must all be set")
	}
	if i.Unbounded == (i.ScopesClaim != "") {
		return nil, errors.New("either a claim carries the scopes or tokens are unbounded")
	}
	if err := knownAlgorithms(i.Algorithms); err != nil {
		return nil, err
	}
	keys, err := loadKeys(i.JWKS)
	if err != nil {
		return nil, err
	}
	return &issuer{Issuer: i, keys: keys}, nil
}

// clusterAlgorithms are those that API servers sign with (KEP-740 names the same for external signers).
var clusterAlgorithms = []string{"RS256", "ES256", "ES384", "ES512"}

func (t *Trust) loadCluster(c *bundle.Cluster) error {
	if c == nil {
		return nil
	}
	if c.Issuer == "" {
		return errors.New("cluster: the issuer must be set")
	}
	keys, err := loadKeys(c.JWKS)
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	t.cluster = &issuer{Issuer: bundle.Issuer{Name: "the cluster", URL: c.Issuer, Algorithms: clusterAlgorithms}, keys: keys}
	return nil
}

func (t *Trust) loadPins(accounts []bundle.ServiceAccount) error {
	t.pins = make(map[authz.Actor]string, len(accounts))
	for _, a := range accounts {
		actor := authz.Actor{Namespace: a.Namespace, ServiceAccount: a.Name}
		if !actor.Present() {
			return fmt.Errorf("service account %s: namespace and name must be set", actor)
		}
		if _, twice := t.pins[actor]; twice {
			return fmt.Errorf("service account %s stands twice", actor)
		}
		t.pins[actor] = a.UID
	}
	return nil
}
