// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot_test

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/snapshot"
	"behalf.dev/behalf/internal/snapshot/disk"
)

// The files of support/tickets.
const (
	floorFile    = ".floor"
	envelopeFile = ".envelope"
	contentFile  = ".content"
)

// fileOf finds a file by the end of its name.
func fileOf(tb testing.TB, fs *memory, name, ending string) string {
	tb.Helper()
	stem := disk.Stem(bundle.KindPolicy, "support/"+name)
	for file := range fs.files {
		if strings.HasPrefix(file, stem) && strings.HasSuffix(file, ending) {
			return file
		}
	}
	tb.Fatalf("%s has no %s", name, ending)
	return ""
}

// household is a folder with tickets (revision 5, and 4 before), other (revision 3), trust and revocations.
func household(tb testing.TB) *memory {
	tb.Helper()
	fs := newMemory()
	s, _ := storeOn(tb, fs)
	mustApply(tb, s, singleton(bundle.KindTrust, "trust", 1, encode(trusting("corp"))))
	mustApply(tb, s, singleton(bundle.KindRevocations, "revocations", 1, encode(revocations())))
	mustApply(tb, s, artifact("other", 3, policy("other", "https://other.example", "other.example")))
	mustApply(tb, s, artifact("tickets", 5, tickets("https://five.example")))
	return fs
}

// THREATS 33, 34: what lies in the folder and is not in order gives no policy for its name and never an older one, is
// counted and told, leaves everything else as it is, and is replaced when a manager sends the bundle again.
func TestWhatIsNotInOrderOnDiskIsNotEnforced(t *testing.T) {
	t.Parallel()
	edit := func(ending string, by func([]byte) []byte) func(*testing.T, *memory) {
		return func(t *testing.T, fs *memory) {
			t.Helper()
			name := fileOf(t, fs, "tickets", ending)
			fs.files[name] = by(slices.Clone(fs.files[name]))
		}
	}
	drop := func(endings ...string) func(*testing.T, *memory) {
		return func(t *testing.T, fs *memory) {
			t.Helper()
			for _, ending := range endings {
				delete(fs.files, fileOf(t, fs, "tickets", ending))
			}
		}
	}
	half := func(raw []byte) []byte { return raw[:len(raw)/2] }
	flip := func(raw []byte) []byte { raw[len(raw)/2] ^= 1; return raw }
	none := func([]byte) []byte { return []byte{} }
	longer := func(raw []byte) []byte { return append(raw, '\n') }
	// older puts the files of the revision before in the place of those of this one, but the floor.
	older := func(t *testing.T, fs *memory) {
		t.Helper()
		before := newMemory()
		s, _ := storeOn(t, before)
		mustApply(t, s, artifact("tickets", 4, tickets("https://four.example")))
		floor := fileOf(t, fs, "tickets", floorFile)
		delete(before.files, floor)
		delete(fs.files, fileOf(t, fs, "tickets", contentFile))
		maps.Copy(fs.files, before.files)
	}
	for sentence, tc := range map[string]struct {
		spoil func(*testing.T, *memory)
		want  snapshot.Refusal
	}{
		"a bit of the content flipped":     {edit(contentFile, flip), snapshot.Altered},
		"a content that is cut":            {edit(contentFile, half), snapshot.Altered},
		"a content of nothing":             {edit(contentFile, none), snapshot.Altered},
		"a content with something after":   {edit(contentFile, longer), snapshot.Altered},
		"a content that is missing":        {drop(contentFile), snapshot.Damaged},
		"an envelope that is cut":          {edit(envelopeFile, half), snapshot.Malformed},
		"an envelope of nothing":           {edit(envelopeFile, none), snapshot.Malformed},
		"an envelope with something after": {edit(envelopeFile, longer), snapshot.Malformed},
		"an envelope that is missing":      {drop(envelopeFile), snapshot.Damaged},
		"a floor with a bit flipped":       {edit(floorFile, flip), snapshot.FloorLost},
		"a floor that is cut":              {edit(floorFile, half), snapshot.FloorLost},
		"a floor of nothing":               {edit(floorFile, none), snapshot.FloorLost},
		"a floor that is missing":          {drop(floorFile), snapshot.FloorLost},
		"a floor without its sum": {edit(floorFile, func(raw []byte) []byte {
			line, _, _ := strings.Cut(string(raw), "\n")
			return []byte(line)
		}), snapshot.FloorLost},
		"the floor of another name": {func(t *testing.T, fs *memory) {
			t.Helper()
			fs.files[fileOf(t, fs, "tickets", floorFile)] = fs.files[fileOf(t, fs, "other", floorFile)]
		}, snapshot.FloorLost},
		"a bit of the signature flipped": {edit(envelopeFile, func(raw []byte) []byte {
			at := bytes.Index(raw, []byte(`"sig":"`)) + 20
			raw[at] = map[bool]byte{true: 'B', false: 'A'}[raw[at] == 'A']
			return raw
		}), snapshot.Untrusted},
		"an envelope by a foreign key": {edit(envelopeFile, func([]byte) []byte {
			return sign(statementFor(bundle.KindPolicy, "support/tickets", 6, encode(tickets("https://five.example"))), theirs)
		}), snapshot.Untrusted},
		"the bundle of another resource server": {func(t *testing.T, fs *memory) {
			t.Helper()
			fs.files[fileOf(t, fs, "tickets", envelopeFile)] = fs.files[fileOf(t, fs, "other", envelopeFile)]
			theirs := fileOf(t, fs, "other", contentFile)
			stem, others := disk.Stem(bundle.KindPolicy, "support/tickets"), disk.Stem(bundle.KindPolicy, "support/other")
			fs.files[strings.Replace(theirs, others, stem, 1)] = fs.files[theirs]
		}, snapshot.WrongName},
		"the bundle of the revision before": {older, snapshot.RolledBack},
		"the bundle of the revision before, and no floor": {func(t *testing.T, fs *memory) {
			t.Helper()
			older(t, fs)
			drop(floorFile)(t, fs)
		}, snapshot.FloorLost},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			fs := household(t)
			tc.spoil(t, fs)
			s, restored := storeOn(t, fs)

			if restored.Taken != 3 || len(restored.Refused) != 1 || reasonOf(t, restored.Refused[0]) != tc.want {
				t.Fatalf("restored %+v, want a refusal as %s", restored, tc.want)
			}
			if audienceOf(s, "tickets.example") != "" || audienceOf(s, "other.example") != "https://other.example" {
				t.Errorf("enforced are %q and %q", audienceOf(s, "tickets.example"), audienceOf(s, "other.example"))
			}
			for _, held := range s.Held() {
				if held.Name == "support/tickets" {
					t.Errorf("it claims to hold %+v", held)
				}
			}
			if s.Refusals()[tc.want] != 1 || s.Found()[tc.want] != 1 {
				t.Errorf("counted %v and %v", s.Refusals(), s.Found())
			}
			state := stateOf(t, s, "support/tickets")
			if state.Freshness != snapshot.Absent || !state.Stored || state.Refused != restored.Refused[0].Error() ||
				!strings.Contains(state.Refused, "in the state folder: ") {
				t.Errorf("state %+v", state)
			}

			mustApply(t, s, artifact("tickets", 5, tickets("https://five.example")))
			if stateOf(t, s, "support/tickets").Refused != "" {
				t.Error("the refusal outlives what mended it")
			}
			if again := restarted(t, fs); audienceOf(again, "tickets.example") != "https://five.example" {
				t.Error("what was mended is not there after a restart")
			}
		})
	}
}

// THREATS 34: wherever a file is torn or a bit of it flips, the name has no policy.
func TestNoByteOfWhatLiesOnDiskCanChangeUnseen(t *testing.T) {
	t.Parallel()
	fs := newMemory()
	s, _ := storeOn(t, fs)
	mustApply(t, s, artifact("tickets", 5, tickets("https://five.example")))
	for _, ending := range []string{floorFile, envelopeFile, contentFile} {
		name := fileOf(t, fs, "tickets", ending)
		whole := fs.files[name]
		for at := range whole {
			for kind, raw := range map[string][]byte{
				"cut": whole[:at], "flipped": append(append(slices.Clone(whole[:at]), whole[at]^(1<<(at%8))), whole[at+1:]...),
			} {
				found := newMemory()
				found.files = maps.Clone(fs.files)
				found.files[name] = raw
				s, restored := storeOn(t, found)
				if len(restored.Refused) != 1 || len(s.Held()) != 0 {
					t.Errorf("%s at byte %d of the %s: %+v", kind, at, ending, restored)
				}
			}
		}
	}
}

// THREATS 33: a removed bundle that is put back does not return.
func TestWhatWasRemovedDoesNotReturnFromDisk(t *testing.T) {
	t.Parallel()
	fs := household(t)
	before := maps.Clone(fs.files)
	s, _ := storeOn(t, fs)
	mustUpdate(t, s, remove("tickets"))
	floor := fileOf(t, fs, "tickets", floorFile)
	delete(before, floor)
	maps.Copy(fs.files, before)

	again, restored := storeOn(t, fs)
	if len(restored.Refused) != 1 || reasonOf(t, restored.Refused[0]) != snapshot.RolledBack || audienceOf(again, "tickets.example") != "" {
		t.Errorf("restored %+v", restored)
	}
	restarted(t, fs) // and is gone
}

// THREATS 33: a whole folder of before is older than nothing in it, so that its leases alone end it.
func TestAWholeFolderOfBeforeServesUntilItsLeasesEnd(t *testing.T) {
	t.Parallel()
	fs := household(t)
	before := newMemory()
	before.files = maps.Clone(fs.files)
	s, _ := storeOn(t, fs)
	mustApply(t, s, artifact("tickets", 6, tickets("https://six.example")))

	c := &clock{}
	c.set(begin.Add(lease + time.Second))
	again := snapshot.NewIn(disk.On(before), bundle.NewVerifier(publicOf(ours)), c.Now)
	if _, err := again.Restore(); err != nil {
		t.Fatal(err)
	}
	if got := decide(again, c, "https://five.example"); got.Allowed() || got.Reason != "stale_bundle" {
		t.Errorf("decided %+v", got)
	}
}

func TestFilesOfWhichNothingTellsWhatTheyBelongToAreToldByTheirStem(t *testing.T) {
	t.Parallel()
	fs := household(t)
	for _, ending := range []string{floorFile, envelopeFile} {
		fs.files[fileOf(t, fs, "tickets", ending)] = []byte("?")
	}
	s, restored := storeOn(t, fs)
	stem := disk.Stem(bundle.KindPolicy, "support/tickets")
	if len(restored.Refused) != 1 || stateOf(t, s, stem).Freshness != snapshot.Absent {
		t.Fatalf("restored %+v, states %+v", restored, s.States())
	}
	mustApply(t, s, artifact("tickets", 5, tickets("https://five.example")))
	for _, state := range s.States() {
		if state.Name == stem {
			t.Error("the refusal outlives what mended it")
		}
	}
	restarted(t, fs)
}

func TestUnderOtherKeysTheFolderIsReadAgain(t *testing.T) {
	t.Parallel()
	fs := household(t)
	c := &clock{}
	c.set(begin)
	s := snapshot.NewIn(disk.On(fs), bundle.NewVerifier(publicOf(theirs)), c.Now)
	restored, err := s.Restore()
	if err != nil || restored.Taken != 0 || len(restored.Refused) != 4 || s.Found()[snapshot.Untrusted] != 4 {
		t.Fatalf("restored %+v, %v", restored, err)
	}
	s.SetVerifier(bundle.NewVerifier(publicOf(ours)))
	mustApply(t, s, artifact("tickets", 6, tickets("https://six.example")))
	restored, err = s.Restore()
	if err != nil || restored.Taken != 3 || restored.Refused != nil {
		t.Errorf("restored %+v, %v", restored, err)
	}
	if audienceOf(s, "tickets.example") != "https://six.example" || audienceOf(s, "other.example") != "https://other.example" {
		t.Error("the wrong ones are enforced")
	}
	if state := stateOf(t, s, "support/other"); state.Refused != "" {
		t.Errorf("the refusal outlives what mended it: %+v", state)
	}
}

func TestOfTwoThatClashOnDiskOneIsEnforced(t *testing.T) {
	t.Parallel()
	fs := household(t)
	apart := newMemory()
	s, _ := storeOn(t, apart)
	mustApply(t, s, artifact("rival", 1, policy("rival", "https://five.example")))
	maps.Copy(fs.files, apart.files)
	again, restored := storeOn(t, fs)
	if restored.Taken != 4 || len(restored.Refused) != 1 || reasonOf(t, restored.Refused[0]) != snapshot.Conflicting {
		t.Errorf("restored %+v", restored)
	}
	if err := again.Ready(); err != nil {
		t.Error(err)
	}
}

func TestALockedFolderIsNotShared(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/state"
	first, err := disk.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := disk.Open(path); err == nil || !strings.Contains(err.Error(), "another process uses it") {
		t.Errorf("error %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := disk.Open(path)
	if err := errors.Join(err, second.Close()); err != nil {
		t.Error(err)
	}
}
