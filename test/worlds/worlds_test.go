// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package worlds_test

import (
	"reflect"
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/engine"
	"behalf.dev/behalf/internal/token"
	"behalf.dev/behalf/test/worlds"
)

func TestWhatIsMadeUpIsWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	w := worlds.Sized(1000, 10, 500, worlds.Everything)
	permits, forbids := 0, 0
	for _, p := range w.Policies {
		if p.Spec.Effect == "Permit" {
			permits++
		} else {
			forbids++
		}
	}
	got := []int{len(w.ServiceDelegations), len(w.ResourceServers), len(w.ServiceAccounts), permits, forbids, len(w.Grants), len(w.Revocations)}
	if want := []int{1000, 10, 500, 100, 20, 50, 20}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v delegations, servers, accounts, Permits, Forbids, grants and revocations, want %v", got, want)
	}
	if !reflect.DeepEqual(w, worlds.Sized(1000, 10, 500, worlds.Everything)) {
		t.Error("the same world twice is not the same")
	}
}

func TestNothingIsWrongWithAnyWorld(t *testing.T) {
	t.Parallel()
	for sentence, w := range map[string]compile.World{
		"everything":                      worlds.Sized(1000, 10, 1000, worlds.Everything),
		"plain":                           worlds.Sized(100, 1, 1000, worlds.Options{}),
		"one server, few actors":          worlds.Sized(500, 1, 50, worlds.Everything),
		"conditions everywhere":           worlds.Sized(200, 3, 70, worlds.Options{Conditions: worlds.AllConditions, Chain: 8}),
		"more servers than delegations":   worlds.Sized(5, 10, 3, worlds.Everything),
		"the smallest":                    worlds.Sized(1, 1, 1, worlds.Everything),
		"servers that share unevenly":     worlds.Sized(101, 7, 13, worlds.Everything),
		"one actor, who hands on to none": worlds.Sized(50, 2, 1, worlds.Everything),
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			r := compile.Compile(w)
			for _, p := range r.Problems {
				t.Error(p)
			}
			for _, report := range r.Reports {
				if !report.Accepted {
					t.Errorf("%s is not accepted", report.Object)
				}
			}
		})
	}
}

func TestWhatIsAskedIsAllowed(t *testing.T) {
	t.Parallel()
	w := worlds.New(1000, 10, 500, worlds.Everything)
	snapshot := load(t, compile.Compile(w.Compilable()))
	asked, through := 0, 0
	for i := range 1000 {
		if w.Asks(i) {
			allow(t, snapshot, w.Ask(i))
			asked++
		}
		if request, ok := w.AskThrough(i, 2); ok {
			allow(t, snapshot, request)
			through++
		}
	}
	if asked != 950 || through < 200 {
		t.Errorf("%d requests and %d through two prior actors were asked", asked, through)
	}
}

func allow(t *testing.T, snapshot *engine.Snapshot, request authz.Request) {
	t.Helper()
	if d := snapshot.Decide(&request, worlds.Now); !d.Allowed() {
		t.Errorf("%s for %s through %v is denied: %s", request.Actor, request.Subject, request.Via, d.Message)
	}
}

func load(t *testing.T, r *compile.Result) *engine.Snapshot {
	t.Helper()
	var policies []*engine.Policy
	for name, p := range r.Policies {
		loaded, err := engine.LoadPolicy(p, statement(bundle.KindPolicy, name.String()))
		if err != nil {
			t.Fatal(err)
		}
		policies = append(policies, loaded)
	}
	trust, err := token.NewTrust(r.Trust, statement(bundle.KindTrust, bundle.TrustName))
	if err != nil {
		t.Fatal(err)
	}
	revocations, err := engine.LoadRevocations(r.Revocations, statement(bundle.KindRevocations, bundle.RevocationsName))
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := engine.NewSnapshot(policies, trust, revocations)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func statement(kind bundle.Kind, name string) bundle.Statement {
	return bundle.Statement{
		Kind: kind, Name: name, Revision: 1, IssuedAt: worlds.Now.Unix(), LeaseUntil: worlds.Now.Add(time.Hour).Unix(),
	}
}
