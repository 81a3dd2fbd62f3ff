// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"time"
)

// Leading has a Publisher assign revisions once this replica is the leader. A manager starts it then.
type Leading struct{ Publisher *Publisher }

// NeedLeaderElection is true.
func (Leading) NeedLeaderElection() bool { return true }

// Start begins to lead, and does so until the context ends: the process ends with it.
func (l Leading) Start(ctx context.Context) error {
	l.Publisher.Lead(time.Now())
	<-ctx.Done()
	return nil
}
