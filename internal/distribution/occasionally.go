// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"sync"
	"time"
)

// sayEvery is how often the same is logged at most.
const sayEvery = 10 * time.Second

// occasionally keeps strangers from filling the log: what they cause passes once in a while, and is counted otherwise.
type occasionally struct {
	mu     sync.Mutex
	next   time.Time
	unsaid int
}

// pass says whether to log now, and how often it was not since it last did.
func (o *occasionally) pass(now time.Time) (unsaid int, say bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now.Before(o.next) {
		o.unsaid++
		return 0, false
	}
	unsaid, o.unsaid, o.next = o.unsaid, 0, now.Add(sayEvery)
	return unsaid, true
}
