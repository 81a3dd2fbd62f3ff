// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"behalf.dev/behalf/internal/issuerkeys"
)

// RecordedKeys are the keys of an issuer as the leader fetched them. All replicas compile with these, so that all come to the
// same trust bundle at whatever time each of them asked the issuer; and a leader that cannot ask goes on with them.
type RecordedKeys struct {
	Name string `json:"name"`
	// Origin tells where they came from: those of an issuer that has moved since are not its keys.
	Origin string `json:"origin"`
	Issuer string `json:"issuer"`
	JWKS   string `json:"jwks"`
	// FetchedAt is in seconds since the Unix epoch, and may be behind by a quarter of the time for which keys serve.
	FetchedAt int64 `json:"fetchedAt"`
}

// originOf is the same for the same source under the same permissions, and for no other.
func originOf(s issuerkeys.Source) string {
	web, ok := s.(issuerkeys.Web)
	if !ok {
		return "cluster"
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %v", web.Issuer, web.KeysURL, web.CABundle, web.Reach))
	return hex.EncodeToString(sum[:16])
}

// belief says which keys of issuers count.
type belief struct {
	sources  sources
	recorded map[string]RecordedKeys
	// leads says that what this replica fetched counts, and else only what the leader recorded.
	leads  bool
	maxAge time.Duration
}

// believe gives the states with the keys that count.
func (k *belief) believe(own map[string]issuerkeys.State, now time.Time) map[string]issuerkeys.State {
	states := make(map[string]issuerkeys.State, len(own))
	for name, state := range own {
		if !k.leads || !state.Known() {
			state = k.recall(name, state, now)
		}
		states[name] = state
	}
	return states
}

// recall gives the state with the keys that are recorded, or without any.
func (k *belief) recall(name string, state issuerkeys.State, now time.Time) issuerkeys.State {
	known, ok := k.recorded[name]
	until := time.Unix(known.FetchedAt, 0).Add(k.maxAge)
	state.Keys = issuerkeys.Keys{}
	if ok && known.Origin == originOf(k.sources[name]) && now.Before(until) {
		state.Keys = issuerkeys.Keys{Issuer: known.Issuer, JWKS: known.JWKS}
		state.FetchedAt, state.ServeUntil = time.Unix(known.FetchedAt, 0), until
	}
	return state
}

// record is what is to be recorded of states. What is recorded already stays as it is for a while, though it was fetched again.
func (k *belief) record(states map[string]issuerkeys.State) map[string]RecordedKeys {
	next := map[string]RecordedKeys{}
	for name, state := range states {
		if !state.Known() {
			continue
		}
		keys := RecordedKeys{
			Name: name, Origin: originOf(k.sources[name]), Issuer: state.Keys.Issuer, JWKS: state.Keys.JWKS,
			FetchedAt: state.FetchedAt.Unix(),
		}
		before := k.recorded[name]
		if age := time.Duration(keys.FetchedAt-before.FetchedAt) * time.Second; age < k.maxAge/4 {
			same := keys
			same.FetchedAt = before.FetchedAt
			if same == before {
				keys = before
			}
		}
		next[name] = keys
	}
	return next
}

// maxRecordedBytes is more than the keys of any issuer that are fetched.
const maxRecordedBytes = 4 << 20

// pack is how they lie in a ConfigMap: compressed, for those of all issuers have to fit.
func (k RecordedKeys) pack() ([]byte, error) {
	raw, err := json.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("encoding the keys of issuer %s: %w", k.Name, err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(raw); err != nil {
		return nil, fmt.Errorf("compressing the keys of issuer %s: %w", k.Name, err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compressing the keys of issuer %s: %w", k.Name, err)
	}
	return packed.Bytes(), nil
}

func unpackKeys(packed []byte) (RecordedKeys, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return RecordedKeys{}, errShared
	}
	raw, err := io.ReadAll(io.LimitReader(r, maxRecordedBytes))
	if err != nil {
		return RecordedKeys{}, errShared
	}
	var k RecordedKeys
	if json.Unmarshal(raw, &k) != nil || k.Name == "" || k.JWKS == "" {
		return RecordedKeys{}, errShared
	}
	return k, nil
}

// slot is the key under which they lie: names of objects may be longer than keys of a ConfigMap.
func (k RecordedKeys) slot() string {
	sum := sha256.Sum256([]byte(k.Name))
	return "issuer-" + hex.EncodeToString(sum[:16])
}
