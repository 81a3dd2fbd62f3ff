// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"errors"
	"slices"
	"strings"
)

// reasons are the words in which an authorizer says why it refused something, those of snapshot.Refusal, and otherReason
// stands for all that a peer may say beside: a label is never a peer's own word (THREATS 25).
var reasons = []string{
	"untrusted", "malformed", "altered", "wrong_name", "rolled_back", "unloadable", "conflicting", "not_held",
	"not_persisted", "damaged", "floor_lost", otherReason,
}

const otherReason = "other"

// wordOf is the one word of a Sink's error, as a field violation has it (UPPER_SNAKE_CASE); empty where it has none.
func wordOf(err error) string {
	var worded interface{ RefusalReason() string }
	if !errors.As(err, &worded) {
		return ""
	}
	return strings.ToUpper(worded.RefusalReason())
}

// knownReason is a peer's word as a label. One that says which revision the peer has seen says that what came was older.
func knownReason(word string) string {
	if floorIn(word) > 0 {
		return "rolled_back"
	}
	if label := strings.ToLower(word); slices.Contains(reasons, label) {
		return label
	}
	return otherReason
}
