// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package offline

import (
	"errors"
	"fmt"
	"math"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/document"
	"behalf.dev/behalf/internal/engine"
	"behalf.dev/behalf/internal/frontdoor"
	"behalf.dev/behalf/internal/manifest"
	"behalf.dev/behalf/internal/token"
)

// Door is the name of this front door.
const Door = "offline"

// Revision is that of every bundle.
const Revision = 1

// World is manifests made ready to decide by.
type World struct {
	snapshot *engine.Snapshot
	// Warnings are about manifests that are accepted, and mean less than somebody may think.
	Warnings []*document.Fault
}

// NewWorld compiles manifests. What the compiler does not accept is an error, which joins a *document.Fault for each thing
// that is wrong: a pipeline is to learn of it, though a cluster would go on with the rest.
func NewWorld(set *manifest.Set) (*World, error) {
	objects := set.World
	objects.Keyless = true
	result := compile.Compile(objects)
	w := &World{Warnings: set.Warnings}
	var errs []error
	for _, problem := range result.Problems {
		if problem.Severity == compile.Warning {
			w.Warnings = append(w.Warnings, faultOf(set, problem))
		} else {
			errs = append(errs, faultOf(set, problem))
		}
	}
	if len(errs) > 0 {
		return w, errors.Join(errs...)
	}
	return w, w.load(result)
}

func faultOf(set *manifest.Set, p compile.Problem) *document.Fault {
	file, line := set.Origin(compile.KeyOf(p.Object), p.Field)
	return &document.Fault{File: file, Line: line, Object: p.Object.String(), Field: p.Field, Message: p.Message}
}

func (w *World) load(result *compile.Result) error {
	policies := make([]*engine.Policy, 0, len(result.Policies))
	for name, compiled := range result.Policies {
		travelled, err := travel(compiled)
		if err != nil {
			return err
		}
		policy, err := engine.LoadPolicy(travelled, statement(bundle.KindPolicy, name.String()))
		if err != nil {
			return err
		}
		policies = append(policies, policy)
	}
	trust, err := loadTrust(result.Trust)
	if err != nil {
		return err
	}
	revocations, err := loadRevocations(result.Revocations)
	if err != nil {
		return err
	}
	w.snapshot, err = engine.NewSnapshot(policies, trust, revocations)
	return err
}

func loadTrust(compiled *bundle.Trust) (*token.Trust, error) {
	travelled, err := travel(compiled)
	if err != nil {
		return nil, err
	}
	return token.NewTrust(travelled, statement(bundle.KindTrust, bundle.TrustName))
}

func loadRevocations(compiled *bundle.Revocations) (*engine.Revocations, error) {
	travelled, err := travel(compiled)
	if err != nil {
		return nil, err
	}
	return engine.LoadRevocations(travelled, statement(bundle.KindRevocations, bundle.RevocationsName))
}

// travel takes a bundle the way it takes to an authorizer, so that what would be lost on it is lost here too.
func travel[T bundle.Content](content *T) (*T, error) {
	raw, err := bundle.Encode(content)
	if err != nil {
		return nil, fmt.Errorf("encoding a bundle: %w", err)
	}
	return bundle.Decode[T](raw)
}

// statement has a lease that outlasts every time that can be written.
func statement(kind bundle.Kind, name string) bundle.Statement {
	return bundle.Statement{Kind: kind, Name: name, Revision: Revision, LeaseUntil: math.MaxInt64 / 2}
}

// Current is the snapshot that is decided by.
func (w *World) Current() *engine.Snapshot { return w.snapshot }

// Decide answers a request at a time, as every front door does. It leaves the request as it is.
func (w *World) Decide(request *authz.Request, now time.Time) authz.Decision {
	return Ask(w, request, now)
}

// Ask answers a request on the snapshot in force.
func Ask(snapshots frontdoor.Snapshots, request *authz.Request, now time.Time) authz.Decision {
	judge := frontdoor.Judge{Snapshots: snapshots, Clock: func() time.Time { return now }}
	event := judge.Answer(frontdoor.Caller{Door: Door}, func(*engine.Snapshot, time.Time) *authz.Request { return request })
	return event.Decision
}
