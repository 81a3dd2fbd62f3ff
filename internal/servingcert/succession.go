// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"maps"
	"slices"
	"time"
)

const (
	// propagation is for how long an authority is published before it issues what is presented: ample for kubelets, which
	// bring a changed ConfigMap into a volume within two minutes.
	propagation = 10 * time.Minute
	// keepKeyFor is for how long the key of the former authority is kept, for replicas that cannot publish the new one.
	keepKeyFor = 24 * time.Hour
)

// authorities are what the Secret says.
type authorities struct {
	newest authority
	// before is the one that newest took the place of; without a key where it cannot issue any more.
	before authority
	// bundle of all that are to be believed.
	bundle []byte
}

func readAuthorities(data map[string][]byte, now time.Time) (authorities, error) {
	newest, err := parseAuthority(data[secretCert], data[secretKey])
	if err != nil {
		return authorities{}, err
	}
	found := authorities{newest: newest, bundle: slices.Concat(newest.certPEM(), living(data[secretPrevious], now))}
	if before, err := parseAuthority(data[secretPrevious], data[secretPreviousKey]); err == nil && !now.Before(before.cert.NotBefore) && !now.After(before.cert.NotAfter) {
		found.before = before
	}
	return found, nil
}

// presents is the authority whose certificates are presented: the newest once everybody can know it, who holds a copy of
// what was published.
func (a authorities) presents(now time.Time, published bool) authority {
	if a.before.key != nil && (!published || now.Before(a.newest.made().Add(propagation))) {
		return a.before
	}
	return a.newest
}

// successor is a Secret with a new authority, which keeps the certificates of those before it, and the key of the last.
func successor(data map[string][]byte, now time.Time) (map[string][]byte, error) {
	ca, err := newAuthority(now)
	if err != nil {
		return nil, err
	}
	key, err := ca.keyPEM()
	if err != nil {
		return nil, err
	}
	next := map[string][]byte{secretCert: ca.certPEM(), secretKey: key}
	if former := living(slices.Concat(data[secretCert], data[secretPrevious]), now); len(former) > 0 {
		next[secretPrevious] = former
	}
	if _, err := parseAuthority(next[secretPrevious], data[secretKey]); err == nil {
		next[secretPreviousKey] = data[secretKey]
	}
	return next, nil
}

func withoutFormerKey(data map[string][]byte) map[string][]byte {
	next := maps.Clone(data)
	delete(next, secretPreviousKey)
	return next
}
