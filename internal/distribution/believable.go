// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"time"

	"behalf.dev/behalf/internal/bundle"
)

const (
	// foresight is how far ahead of what can have been assigned a revision may be: those of an API server that was restored are
	// believed, and one that was made up uses up no more than that.
	foresight = 24 * time.Hour
	// lastRevision leaves room for a next one.
	lastRevision = 1 << 62
)

// Believable says whether somebody can have assigned a revision. Those of policies and trust are hardly ever ahead of the clock
// (ADR 0006). The API server may count revocations faster, so that of the one that is assigned now its word counts too.
func Believable(kind bundle.Kind, revision, assigned int64, now time.Time) bool {
	latest := now.UnixMilli()
	if kind == bundle.KindRevocations {
		latest = max(latest, assigned)
	}
	return revision > 0 && revision < lastRevision && revision-foresight.Milliseconds() <= latest
}
