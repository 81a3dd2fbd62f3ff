// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"time"
)

// Leading has a Publisher assign revisions once this replica is the leader. A manager starts it then.
type Leading struct {
	Publisher *Publisher
	// Others reads which replicas may serve authorizers, as the leader before wrote it down; nil where there are none.
	Others func(context.Context) ([]string, error)
}

// NeedLeaderElection is true.
func (Leading) NeedLeaderElection() bool { return true }

// Start begins to lead, and does so until the context ends: the process ends with it. Without knowing the others nothing can be
// said of what is enforced, so that is tried until it succeeds.
func (l Leading) Start(ctx context.Context) error {
	var others []string
	read := func() (err error) {
		if l.Others != nil {
			others, err = l.Others(ctx)
		}
		return err
	}
	if l.Publisher.retry(ctx, "reading which replicas may serve authorizers", read) {
		l.Publisher.Lead(time.Now(), others...)
	}
	<-ctx.Done()
	return nil
}
