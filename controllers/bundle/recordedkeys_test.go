// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"errors"
	"maps"
	"testing"
	"time"

	"behalf.dev/behalf/internal/issuerkeys"
)

// THREATS 14
func TestWhoseKeysCount(t *testing.T) {
	here := issuerkeys.Web{Issuer: "https://idp.example"}
	elsewhere := here
	elsewhere.KeysURL = "https://idp.example/keys"
	recorded := func(source issuerkeys.Source, age time.Duration) map[string]RecordedKeys {
		return map[string]RecordedKeys{"corp": {
			Name: "corp", Origin: originOf(source), Issuer: here.Issuer, JWKS: "recorded", FetchedAt: now.Add(-age).Unix(),
		}}
	}
	fetched := issuerkeys.State{Attempted: true, Keys: issuerkeys.Keys{Issuer: here.Issuer, JWKS: "fetched"}, FetchedAt: now}
	failed := issuerkeys.State{Attempted: true, Err: errors.New("no route to host")}
	for sentence, c := range map[string]struct {
		leads    bool
		own      issuerkeys.State
		recorded map[string]RecordedKeys
		want     string
	}{
		"the leader's are those that it fetched":                        {true, fetched, recorded(here, time.Hour), "fetched"},
		"a leader that can fetch none goes on with what is recorded":    {true, failed, recorded(here, time.Hour), "recorded"},
		"but not for longer than keys serve":                            {true, failed, recorded(here, 24*time.Hour), ""},
		"and not with those from where the issuer was before":           {true, failed, recorded(elsewhere, time.Hour), ""},
		"a leader that can fetch none and has none believes nobody":     {true, failed, nil, ""},
		"a follower's are those of the leader, whatever it fetched":     {false, fetched, recorded(here, time.Hour), "recorded"},
		"a follower believes nobody of whom the leader has no keys":     {false, fetched, nil, ""},
		"nor anybody whose keys the leader fetched from somewhere else": {false, fetched, recorded(elsewhere, time.Hour), ""},
		"nor keys that the leader has not fetched for too long":         {false, failed, recorded(here, 25*time.Hour), ""},
	} {
		k := belief{sources: sources{"corp": here}, recorded: c.recorded, leads: c.leads, maxAge: 24 * time.Hour}
		states := k.believe(map[string]issuerkeys.State{"corp": c.own}, now)
		if got := states["corp"]; got.Keys.JWKS != c.want || !errors.Is(got.Err, c.own.Err) {
			t.Errorf("%s: %+v", sentence, got)
		}
	}
}

// THREATS 44
func TestKeysAreRecordedAnewOnlyWhenTheyChangeOrGrowOld(t *testing.T) {
	here := issuerkeys.Web{Issuer: "https://idp.example"}
	k := belief{sources: sources{"corp": here}, leads: true, maxAge: 24 * time.Hour}
	state := func(jwks string, at time.Time) map[string]issuerkeys.State {
		return map[string]issuerkeys.State{"corp": {Keys: issuerkeys.Keys{Issuer: here.Issuer, JWKS: jwks}, FetchedAt: at}, "none": {}}
	}
	first := k.record(state("a", now))
	if len(first) != 1 || first["corp"].FetchedAt != now.Unix() {
		t.Fatalf("recorded %+v", first)
	}
	k.recorded = first
	for sentence, c := range map[string]struct {
		jwks  string
		later time.Duration
		anew  bool
	}{
		"the same, a moment later": {"a", time.Minute, false},
		"the same, much later":     {"a", 6 * time.Hour, true},
		"others":                   {"b", time.Minute, true},
	} {
		if next := k.record(state(c.jwks, now.Add(c.later))); maps.Equal(next, first) == c.anew {
			t.Errorf("%s: recorded %+v", sentence, next)
		}
	}
	if next := k.record(nil); len(next) != 0 {
		t.Errorf("of an issuer that is gone is recorded %+v", next)
	}
}

func TestASourceIsToldFromOthers(t *testing.T) {
	seen := map[string]issuerkeys.Source{}
	for _, s := range []issuerkeys.Source{
		issuerkeys.Cluster{},
		issuerkeys.Web{Issuer: "a"},
		issuerkeys.Web{Issuer: "a", KeysURL: "b"},
		issuerkeys.Web{Issuer: "a", CABundle: "b"},
		issuerkeys.Web{Issuer: `a" "b`},
	} {
		if other, twice := seen[originOf(s)]; twice {
			t.Errorf("%+v and %+v count as one", other, s)
		}
		seen[originOf(s)] = s
	}
}
