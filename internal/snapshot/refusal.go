// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"errors"
	"fmt"

	"behalf.dev/behalf/internal/bundle"
)

// Refusal says why something was not activated. The list is closed: it labels a metric.
type Refusal string

// The refusals.
const (
	// Untrusted: no trusted key signed the envelope.
	Untrusted Refusal = "untrusted"
	// Malformed: envelope or content is not in the form that this build reads.
	Malformed Refusal = "malformed"
	// Altered: the content is not the one that was signed.
	Altered Refusal = "altered"
	// WrongName: it came under another name than it was signed for, or speaks of another resource server.
	WrongName Refusal = "wrong_name"
	// RolledBack: a later revision was seen before, or this revision with another content.
	RolledBack Refusal = "rolled_back"
	// Unloadable: a condition, a key or an index in it cannot be used.
	Unloadable Refusal = "unloadable"
	// Conflicting: it claims an audience or a host that another bundle holds.
	Conflicting Refusal = "conflicting"
	// NotHeld: a lease was renewed for content that is not held.
	NotHeld Refusal = "not_held"
	// NotPersisted: it is in order and could not be written to the state folder, so a restart would have lost it.
	NotPersisted Refusal = "not_persisted"
	// Damaged: in the state folder, a file is missing or cannot be read.
	Damaged Refusal = "damaged"
	// FloorLost: in the state folder, nothing tells the highest revision seen, so an older one could not be told from the last.
	FloorLost Refusal = "floor_lost"
)

// Refusals lists every refusal.
func Refusals() []Refusal {
	return []Refusal{Untrusted, Malformed, Altered, WrongName, RolledBack, Unloadable, Conflicting, NotHeld, NotPersisted, Damaged, FloorLost}
}

// Refused is the error of a change that was not made. What was held before stays.
type Refused struct {
	Kind   bundle.Kind
	Name   string
	Reason Refusal
	Err    error
}

// Error names the content, the reason and the cause.
func (r *Refused) Error() string {
	return fmt.Sprintf("refusing %s %s (%s): %v", r.Kind, r.Name, r.Reason, r.Err)
}

// Unwrap gives the cause.
func (r *Refused) Unwrap() error { return r.Err }

// RefusalReason is the reason in one word, for the manager to count.
func (r *Refused) RefusalReason() string { return string(r.Reason) }

// refuse is a Refused that does not yet know what it concerns.
func refuse(reason Refusal, err error) error { return &Refused{Reason: reason, Err: err} }

// concerning completes a refusal with what it concerns.
func concerning(k key, err error) *Refused {
	var refused *Refused
	if !errors.As(err, &refused) {
		return &Refused{Kind: k.kind, Name: k.name, Reason: Malformed, Err: err}
	}
	return &Refused{Kind: k.kind, Name: k.name, Reason: refused.Reason, Err: refused.Err}
}
