// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package conditions

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// One policy can change what is said of a thousand objects. Their events, written as they come, would reach the API server all at
// once and among the statuses that they tell of: priority and fairness takes both for one flow, since one account writes them. So
// events are held back, and the statuses are not. What waits is one entry an object, and the latest word.
const (
	// EventsPerSecond is how many objects of one kind have events written in a second, in the long run.
	EventsPerSecond = 10
	// EventsAtOnce is how many may have after a silence.
	EventsAtOnce = 50
)

// pace spaces events out.
type pace struct{ *rate.Limiter }

func newPace() pace { return pace{rate.NewLimiter(EventsPerSecond, EventsAtOnce)} }

// reserve gives when the next may be written: now, or later.
func (p pace) reserve(now time.Time) time.Time {
	return now.Add(p.ReserveN(now, 1).DelayFrom(now))
}

// untold is what events of an object do not tell yet.
type untold struct {
	due time.Time
	// reserved says that pace gave that time. Otherwise it is to be asked then.
	reserved bool
	// kinds are the types of conditions that are to be told of, as they stand then. Those that are false only while a counterpart
	// is missing.
	kinds map[string]bool
}

func (u *untold) note(changed []metav1.Condition) {
	for _, c := range changed {
		u.kinds[c.Type] = !counterpart(c)
	}
}

// of gives those of the conditions that are to be told.
func (u *untold) of(conditions []metav1.Condition) []metav1.Condition {
	return slices.DeleteFunc(slices.Clone(conditions), func(c metav1.Condition) bool {
		whatever, waits := u.kinds[c.Type]
		return !waits || !whatever && !counterpart(c)
	})
}

// tell makes an event of every change.
func (r *Reconciler[T]) tell(object T, changed []metav1.Condition) {
	for _, c := range changed {
		kind := corev1.EventTypeNormal
		if warning(c) {
			kind = corev1.EventTypeWarning
		}
		r.events.Eventf(object, nil, kind, c.Reason, c.Type, "%s", note(c))
	}
}

// putOff gives what is to be told at once, and notes what waits.
func (r *Reconciler[T]) putOff(key client.ObjectKey, changed []metav1.Condition, now time.Time) []metav1.Condition {
	r.mu.Lock()
	defer r.mu.Unlock()
	waits, atOnce := split(changed, counterpart)
	if len(waits) > 0 {
		r.waiting(key, now.Add(Grace)).note(waits)
	}
	if len(atOnce) == 0 {
		return nil
	}
	if u := r.untold[key]; u != nil && u.reserved {
		u.note(atOnce)
		return nil
	}
	at := r.pace.reserve(now)
	if !at.After(now) {
		return atOnce
	}
	u := r.waiting(key, at)
	u.reserved = true
	if u.due.Before(at) {
		u.due = at
	}
	u.note(atOnce)
	return nil
}

func split(all []metav1.Condition, by func(metav1.Condition) bool) (these, others []metav1.Condition) {
	for _, c := range all {
		if by(c) {
			these = append(these, c)
		} else {
			others = append(others, c)
		}
	}
	return these, others
}

// waiting is what waits for an object, until then where nothing did. The lock is held.
func (r *Reconciler[T]) waiting(key client.ObjectKey, until time.Time) *untold {
	if r.untold[key] == nil {
		r.untold[key] = &untold{due: until, kinds: map[string]bool{}}
	}
	return r.untold[key]
}

// tellLater tells what has waited long enough and still holds, in the words of now. It gives how long there is to wait yet.
func (r *Reconciler[T]) tellLater(object T, conditions []metav1.Condition, now time.Time) time.Duration {
	due, wait := r.due(client.ObjectKeyFromObject(object), conditions, now)
	r.tell(object, due)
	return wait
}

// due takes what is to be told now out of what waits.
func (r *Reconciler[T]) due(key client.ObjectKey, conditions []metav1.Condition, now time.Time) (told []metav1.Condition, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := r.untold[key]
	if u == nil {
		return nil, 0
	}
	if now.Before(u.due) {
		return nil, until(u.due, now)
	}
	told = u.of(conditions)
	if len(told) > 0 && !u.reserved {
		if at := r.pace.reserve(now); at.After(now) {
			u.due, u.reserved = at, true
			return nil, until(at, now)
		}
	}
	delete(r.untold, key)
	return told, 0
}

func (r *Reconciler[T]) forget(key client.ObjectKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.untold, key)
}

// maxNote is what the API server takes in an event's note, less a little (events.k8s.io/v1: 1 kB).
const maxNote = 1000

func note(c metav1.Condition) string {
	return Clip(fmt.Sprintf("%s is %s: %s", c.Type, c.Status, c.Message), maxNote)
}
