// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authorizer

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/snapshot"
	"behalf.dev/behalf/internal/snapshot/disk"
)

// openState makes the store, in its folder where one is named.
func (a *Authorizer) openState() error {
	if a.options.StateDir == "" {
		a.store = snapshot.New(bundle.NewVerifier(), a.clock.Now)
		a.log.Info("bundles are kept in memory only: after a restart every request is denied until a manager answers; set --state-dir to keep them")
		return nil
	}
	folder, err := disk.Open(a.options.StateDir)
	if err != nil {
		return fmt.Errorf("%w: %s", err, remedyStateDir)
	}
	a.state, a.store = folder, snapshot.NewIn(folder, bundle.NewVerifier(), a.clock.Now)
	return nil
}

func (a *Authorizer) closeState() error {
	if a.state == nil {
		return nil
	}
	return a.state.Close()
}

// writeAgainAfter is how long after a change that could not be written its manager is asked for it again.
const writeAgainAfter = 30 * time.Second

// awaitRoom calls again when something that could not be written should be tried once more.
func (a *Authorizer) awaitRoom(ctx context.Context, again func()) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.clock.After(writeAgainAfter):
		}
		if a.awaited() {
			again()
		}
	}
}

func (a *Authorizer) awaited() bool {
	for _, state := range a.store.States() {
		if state.Reason == snapshot.NotPersisted && a.clock.Now().Sub(state.RefusedAt) >= writeAgainAfter {
			return true
		}
	}
	return false
}

// restoring is a store that looks into its folder again under each new set of keys: what no key of before signed may be
// signed by one of these.
type restoring struct {
	store *snapshot.Store
	log   logr.Logger
}

// SetVerifier believes in the keys, and tells what came of the folder.
func (r restoring) SetVerifier(verifier *bundle.Verifier) {
	r.store.SetVerifier(verifier)
	restored, err := r.store.Restore()
	if err != nil {
		r.log.Error(err, "what was kept cannot be used, so requests are denied until a manager answers: "+remedyStateDir)
	}
	for _, refused := range restored.Refused {
		r.log.Error(refused, "what was kept is not in order, so this name has no policy until a manager sends it again")
	}
	if restored.Taken > 0 {
		r.log.Info("started from what was kept", "bundles", restored.Taken, "refused", len(restored.Refused))
	}
}
