// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot_test

import (
	"maps"
	"slices"
	"testing"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/snapshot/disk"
)

// THREATS 34: whatever lies in the folder, the store starts, and enforces what was signed for the name, not older than the
// floor beside it, or nothing.
func FuzzRestore(f *testing.F) {
	fs := newMemory()
	s, _ := storeOn(f, fs)
	mustApply(f, s, artifact("tickets", 5, tickets("https://five.example")))
	floor, envelope, content := fileOf(f, fs, "tickets", floorFile), fileOf(f, fs, "tickets", envelopeFile), fileOf(f, fs, "tickets", contentFile)
	good := maps.Clone(fs.files)
	older := artifact("tickets", 4, tickets("https://four.example"))
	f.Add(good[floor], good[envelope], good[content])
	f.Add(good[floor], older.Envelope, older.Content)
	f.Add(good[floor], good[envelope], older.Content)
	f.Add([]byte{}, good[envelope], good[content])
	f.Add(good[floor], []byte{}, []byte{})
	f.Add(good[floor][1:], good[envelope][1:], good[content][1:])
	f.Fuzz(func(t *testing.T, rawFloor, rawEnvelope, rawContent []byte) {
		found := newMemory()
		found.files[floor], found.files[envelope], found.files[content] = rawFloor, rawEnvelope, rawContent
		found.files[disk.Stem(bundle.KindPolicy, "support/tickets")+".x.content"] = rawContent
		s, restored := storeOn(t, found)
		whole := slices.Equal(rawFloor, good[floor]) && slices.Equal(rawEnvelope, good[envelope]) && slices.Equal(rawContent, good[content])
		if got := len(s.Held()); whole != (got == 1) || got != restored.Taken {
			t.Errorf("%d are held of %+v", got, restored)
		}
	})
}
