// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"time"
)

// Defaults and bounds of the rotation of signing keys.
const (
	DefaultKeyPeriod = 90 * 24 * time.Hour
	// DefaultKeyPropagation is ample for kubelets, which bring a changed ConfigMap into a volume within two minutes.
	DefaultKeyPropagation = 10 * time.Minute
	// longestStale is the bound of spec.maxStaleSeconds: what is on a disk may be believed for so long after its lease.
	longestStale = 7 * 24 * time.Hour
	// slack is for replicas that follow late, and for clocks that differ.
	slack = 5 * time.Minute
	// maxRetired bounds what authorizers believe at the same time. Where it is reached, the next rotation waits.
	maxRetired = 8
)

// Rotation says how signing keys follow each other.
type Rotation struct {
	// Period is for how long a key signs before another takes its place; for ever where zero.
	Period time.Duration
	// Propagation is for how long the next key stands in the config map before anything is signed with it, so that every
	// authorizer knows it by then.
	Propagation time.Duration
	// Lease of bundles. A key is believed until all that it signed has run out: for this, the longest time that anything is
	// served stale, and some slack after it signed last.
	Lease time.Duration
}

// step is one step on the way of a keyring, or nil where there is none to take now. Every step is written before the next is
// looked for, so that whoever goes on, after whatever end of its predecessor, goes on from what is written. published are
// the keys in the config map.
func (r Rotation) step(k *keyring, published []ed25519.PublicKey, now time.Time, generate func() (ed25519.PrivateKey, error)) (*keyring, error) {
	next := *k
	switch {
	case k.asked == rotateCompromised:
		return fresh(now, generate)
	case k.since.After(now.Add(slack)): // whoever wrote that had another clock
		next.since = now
	case slices.ContainsFunc(k.retired, over(now)):
		next.retired = slices.DeleteFunc(slices.Clone(k.retired), over(now))
	case k.next == nil && r.due(k, now) && len(k.retired) < maxRetired:
		made, err := generate()
		if err != nil {
			return nil, err
		}
		next.next, next.published, next.asked = made, time.Time{}, answered(k.asked)
	case k.next == nil:
		return nil, nil //nolint:nilnil // nothing to do and nothing wrong
	case k.asked == rotateNow: // it is under way
		next.asked = ""
	case !holds(published, publicOf(k.next)) && !k.published.IsZero(), k.published.After(now.Add(slack)):
		next.published = time.Time{}
	case holds(published, publicOf(k.next)) && k.published.IsZero():
		next.published = now
	case r.known(k, now):
		next = r.promoted(k, now)
	default:
		return nil, nil //nolint:nilnil // nothing to do and nothing wrong
	}
	return &next, nil
}

// fresh is a keyring of one new key.
func fresh(now time.Time, generate func() (ed25519.PrivateKey, error)) (*keyring, error) {
	made, err := generate()
	if err != nil {
		return nil, err
	}
	return &keyring{signing: made, since: now}, nil
}

// promoted has the next key sign. The one before it is believed until all that it signed has run out.
func (r Rotation) promoted(k *keyring, now time.Time) keyring {
	last := retiredKey{public: publicOf(k.signing), until: now.Add(r.Lease + longestStale + slack)}
	return keyring{signing: k.next, since: now, retired: append(slices.Clone(k.retired), last), asked: k.asked}
}

func (r Rotation) due(k *keyring, now time.Time) bool {
	return k.asked == rotateNow || r.Period > 0 && !now.Before(k.since.Add(r.Period))
}

// known says whether authorizers have had the time to learn of the next key.
func (r Rotation) known(k *keyring, now time.Time) bool {
	return !k.published.IsZero() && !now.Before(k.published.Add(r.Propagation))
}

func over(now time.Time) func(retiredKey) bool {
	return func(r retiredKey) bool { return !now.Before(r.until) }
}

// answered is what is left of a request when the next key is prepared: one that is not understood stays, to be complained of.
func answered(asked request) request {
	if asked == rotateNow {
		return ""
	}
	return asked
}

// complaint is about a request that cannot be granted; nil where there is none.
func (k *keyring) complaint() error {
	switch {
	case k.asked == "" || k.asked == rotateCompromised:
		return nil
	case k.asked != rotateNow:
		return fmt.Errorf("secret %s: its annotation %s says %q; say %s, or %s to have all former keys believed no longer",
			SigningSecret, RotateAnnotation, k.asked, rotateNow, rotateCompromised)
	case len(k.retired) >= maxRetired:
		return fmt.Errorf("secret %s: %d former keys are believed still, so the rotation that was asked for waits until %s; "+
			"say %s=%s to have them believed no longer", SigningSecret, len(k.retired), spell(k.earliestEnd()), RotateAnnotation, rotateCompromised)
	default:
		return nil
	}
}

func (k *keyring) earliestEnd() time.Time {
	return slices.MinFunc(k.retired, func(a, b retiredKey) int { return a.until.Compare(b.until) }).until
}

// nextStep is when the clock alone makes a step due; zero where it never does.
func (r Rotation) nextStep(k *keyring) time.Time {
	var ends []time.Time
	if len(k.retired) > 0 {
		ends = append(ends, k.earliestEnd())
	}
	switch {
	case k.next != nil && !k.published.IsZero():
		ends = append(ends, k.published.Add(r.Propagation))
	case k.next == nil && r.Period > 0 && len(k.retired) < maxRetired:
		ends = append(ends, k.since.Add(r.Period))
	}
	if len(ends) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(ends, time.Time.Compare)
}
