// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/snapshot"
	"behalf.dev/behalf/internal/snapshot/disk"
)

// storeOn is a store on a folder, restored.
func storeOn(tb testing.TB, fs disk.FS) (*snapshot.Store, snapshot.Restored) {
	tb.Helper()
	c := &clock{}
	c.set(begin)
	s := snapshot.NewIn(disk.On(fs), bundle.NewVerifier(publicOf(ours)), c.Now)
	restored, err := s.Restore()
	if err != nil {
		tb.Fatal(err)
	}
	return s, restored
}

// restarted is what a new process finds.
func restarted(tb testing.TB, fs disk.FS) *snapshot.Store {
	tb.Helper()
	s, restored := storeOn(tb, fs)
	if restored.Refused != nil {
		tb.Errorf("refused were %v", restored.Refused)
	}
	return s
}

func mustUpdate(tb testing.TB, s *snapshot.Store, changes ...bundle.Change) {
	tb.Helper()
	if err := errors.Join(s.Update(changes)...); err != nil {
		tb.Fatal(err)
	}
}

func remove(name string) bundle.Change {
	return bundle.Change{Operation: bundle.Remove, Kind: bundle.KindPolicy, Name: "support/" + name}
}

// renewal is a lease for a content, for a minute longer than the one before.
func renewal(name string, revision int64, p *bundle.Policy) bundle.Change {
	statement := statementFor(bundle.KindPolicy, "support/"+name, revision, encode(p))
	statement.LeaseUntil += 60
	return bundle.Change{
		Operation: bundle.Renew, Kind: bundle.KindPolicy, Name: "support/" + name,
		Artifact: bundle.Artifact{Envelope: sign(statement, ours)},
	}
}

// THREATS 33, 34: what was acknowledged is there after a restart, and nothing else.
func TestARestartFindsWhatWasEnforced(t *testing.T) {
	t.Parallel()
	one, two := tickets("https://one.example"), tickets("https://two.example")
	unloadable := tickets("https://three.example")
	unloadable.Routes = []bundle.Route{{Methods: []string{"GET"}, Path: "/", Scope: 7, Delegated: true}}
	for sentence, tc := range map[string]struct {
		updates [][]bundle.Change
		refused snapshot.Refusal // of the last update
		want    string           // the audience of tickets.example
		// floor is the revision below which all is refused.
		floor int64
	}{
		"a content": {
			updates: [][]bundle.Change{{put("tickets", artifact("tickets", 5, one))}}, want: one.Audience, floor: 5,
		},
		"a later content": {
			updates: [][]bundle.Change{{put("tickets", artifact("tickets", 5, one))}, {put("tickets", artifact("tickets", 6, two))}},
			want:    two.Audience, floor: 6,
		},
		"the last of several in one update": {
			updates: [][]bundle.Change{{put("tickets", artifact("tickets", 5, one)), put("tickets", artifact("tickets", 6, two))}},
			want:    two.Audience, floor: 6,
		},
		"a content and its renewal in one update": {
			updates: [][]bundle.Change{{put("tickets", artifact("tickets", 5, one)), renewal("tickets", 6, one)}}, want: one.Audience, floor: 6,
		},
		"a renewal": {
			updates: [][]bundle.Change{{put("tickets", artifact("tickets", 5, one))}, {renewal("tickets", 6, one)}}, want: one.Audience, floor: 6,
		},
		"a renewal by a replica with a lower revision": {
			updates: [][]bundle.Change{{put("tickets", artifact("tickets", 5, one))}, {renewal("tickets", 4, one)}}, want: one.Audience, floor: 5,
		},
		"a removal": {
			updates: [][]bundle.Change{{put("tickets", artifact("tickets", 5, one))}, {remove("tickets")}}, floor: 5,
		},
		"a removal of what never was": {
			updates: [][]bundle.Change{{remove("tickets")}},
		},
		"a removal, and the same content again": {
			updates: [][]bundle.Change{
				{put("tickets", artifact("tickets", 5, one))}, {remove("tickets")}, {put("tickets", artifact("tickets", 5, one))},
			}, want: one.Audience, floor: 5,
		},
		"a removal and the same content again in one update": {
			updates: [][]bundle.Change{
				{put("tickets", artifact("tickets", 5, one))}, {remove("tickets"), put("tickets", artifact("tickets", 5, one))},
			}, want: one.Audience, floor: 5,
		},
		"the last good one, where a later one cannot be loaded": {
			updates: [][]bundle.Change{{put("tickets", artifact("tickets", 5, one))}, {put("tickets", artifact("tickets", 7, unloadable))}},
			refused: snapshot.Unloadable, want: one.Audience, floor: 7,
		},
		"what came after one that could not be loaded": {
			updates: [][]bundle.Change{
				{put("tickets", artifact("tickets", 5, one))}, {put("tickets", artifact("tickets", 7, unloadable))}, {put("tickets", artifact("tickets", 8, two))},
			}, want: two.Audience, floor: 8,
		},
		"nothing, where the first one cannot be loaded": {
			updates: [][]bundle.Change{{put("tickets", artifact("tickets", 7, unloadable))}}, refused: snapshot.Unloadable, floor: 7,
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			fs := newMemory()
			s, _ := storeOn(t, fs)
			mustApply(t, s, singleton(bundle.KindTrust, "trust", 1, encode(trusting("corp"))))
			mustApply(t, s, singleton(bundle.KindRevocations, "revocations", 1, encode(revocations())))
			var last error
			for _, changes := range tc.updates {
				last = errors.Join(s.Update(changes)...)
			}
			if (tc.refused == "") != (last == nil) || (last != nil && reasonOf(t, last) != tc.refused) {
				t.Fatalf("the last update gave %v, want %q", last, tc.refused)
			}

			again := restarted(t, fs.afterPowerLoss(rand.New(rand.NewPCG(1, 1))))
			if got := audienceOf(again, "tickets.example"); got != tc.want {
				t.Errorf("after the restart the host has audience %q, want %q", got, tc.want)
			}
			if !slices.Equal(again.Held(), s.Held()) {
				t.Errorf("held are %+v, were %+v", again.Held(), s.Held())
			}
			if tc.floor > 0 {
				var rolledBack *bundle.RolledBackError
				err := again.Apply(artifact("tickets", tc.floor-1, tickets("https://old.example")))
				if !errors.As(err, &rolledBack) || rolledBack.Floor != tc.floor {
					t.Errorf("an older one gives %v, want the floor %d", err, tc.floor)
				}
			}
			if got, want := len(fs.files), 3*len(s.Held()); tc.refused == "" && tc.want != "" && got != want {
				t.Errorf("%d files lie there, want %d: %v", got, want, fs.files)
			}
		})
	}
}

func TestARenewalWritesNoContentAndWhatIsNotNewWritesNothing(t *testing.T) {
	t.Parallel()
	one := tickets("https://one.example")
	for sentence, tc := range map[string]struct {
		change bundle.Change
		want   []string // the endings of what is written
	}{
		"a renewal of the same revision": {renewal("tickets", 5, one), []string{".envelope.tmp"}},
		"a renewal of a later revision":  {renewal("tickets", 6, one), []string{".envelope.tmp", ".floor.tmp"}},
		"the same content again":         {put("tickets", artifact("tickets", 5, one)), nil},
		"another content":                {put("tickets", artifact("tickets", 6, tickets("https://two.example"))), []string{".content.tmp", ".envelope.tmp", ".floor.tmp"}},
		"a removal":                      {remove("tickets"), []string{".floor.tmp"}},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			fs := newMemory()
			s, _ := storeOn(t, fs)
			mustApply(t, s, artifact("tickets", 5, one))
			fs.failing(0, nil)
			mustUpdate(t, s, tc.change)
			if !slices.EqualFunc(fs.written, tc.want, strings.HasSuffix) {
				t.Errorf("written were %q, want %q", fs.written, tc.want)
			}
		})
	}
}

// THREATS 34: what a restart would lose is not enforced and not acknowledged, at whichever step the disk fails.
func TestWhatCannotBeWrittenIsNotTaken(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left on device")
	for sentence, changes := range map[string][]bundle.Change{
		"a later content": {put("tickets", artifact("tickets", 6, tickets("https://two.example")))},
		"a new content":   {put("other", artifact("other", 1, policy("other", "https://other.example", "other.example")))},
		"a renewal":       {renewal("tickets", 5, tickets("https://one.example"))},
		"a removal":       {remove("tickets")},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			for step := 1; ; step++ {
				fs := newMemory()
				s, _ := storeOn(t, fs)
				mustApply(t, s, artifact("tickets", 5, tickets("https://one.example")))
				before := s.Held()
				fs.failing(step, full)
				err := s.Update(changes)[0]
				if err == nil {
					if step == 1 {
						t.Fatal("nothing was written")
					}
					return // the step that fails lies behind what matters
				}
				if got := reasonOf(t, err); got != snapshot.NotPersisted || !errors.Is(err, full) {
					t.Fatalf("step %d: %v", step, err)
				}
				if !slices.Equal(s.Held(), before) || audienceOf(s, "tickets.example") != "https://one.example" || audienceOf(s, "other.example") != "" {
					t.Errorf("step %d: it was taken: %+v", step, s.Held())
				}
				if s.Refusals()[snapshot.NotPersisted] != 1 || stateOf(t, s, changes[0].Name).Refused != err.Error() {
					t.Errorf("step %d: counted %v, states %+v", step, s.Refusals(), s.States())
				}
				fs.failing(0, nil)
				mustUpdate(t, s, changes...)
				if again := restarted(t, fs); !slices.Equal(again.Held(), s.Held()) {
					t.Errorf("step %d: once there was room, a restart holds %+v, want %+v", step, again.Held(), s.Held())
				}
			}
		})
	}
}

func TestThatAFloorCannotBeWrittenIsToldWithTheRefusalThatRaisedIt(t *testing.T) {
	t.Parallel()
	fs := newMemory()
	s, _ := storeOn(t, fs)
	fs.failing(1, errPower)
	bad := tickets("https://one.example")
	bad.Routes = []bundle.Route{{Methods: []string{"GET"}, Path: "/", Scope: 7, Delegated: true}}
	err := s.Apply(artifact("tickets", 7, bad))
	if got := reasonOf(t, err); got != snapshot.NotPersisted || !errors.Is(err, errPower) || !strings.Contains(err.Error(), string(snapshot.Unloadable)) {
		t.Errorf("refused as %s: %v", got, err)
	}
}

func TestAStoreDoesNotStartOnAFolderThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := snapshot.NewIn(disk.On(unreadable{newMemory()}), bundle.NewVerifier(publicOf(ours)), time.Now)
	if _, err := s.Restore(); !errors.Is(err, errPower) {
		t.Errorf("error %v", err)
	}
}

type unreadable struct{ *memory }

func (unreadable) List() ([]string, error) { return nil, errPower }

func TestAStoreWithoutAFolderHasNothingToRestore(t *testing.T) {
	t.Parallel()
	s, _ := newStore()
	if restored, err := s.Restore(); err != nil || restored.Taken != 0 || restored.Refused != nil {
		t.Errorf("%+v, %v", restored, err)
	}
}
