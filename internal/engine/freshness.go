// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"behalf.dev/behalf/internal/authz"
)

// skew is how far ahead of ours an issuer's clock may run.
const skew = 60 * time.Second

// freshBundles: what is held may still be served.
func freshBundles(j *judgement) obstacles {
	lease := &j.snapshot.lease
	if j.served != nil {
		lease = &j.served.lease
	}
	switch {
	case lease.covers(j.seconds, j.now.Nanosecond()):
		j.degraded = j.served != nil && !j.served.fresh.covers(j.seconds, j.now.Nanosecond())
		return nil
	case lease.until == 0:
		return deny(authz.ReasonStaleBundle, "the authorizer holds no %s", own(lease.of))
	default:
		return deny(authz.ReasonStaleBundle, "the lease of the %s ran out at %s", own(lease.of), stamp(lease.until))
	}
}

// freshToken: the presented token is within its time.
func freshToken(j *judgement) obstacles {
	t := j.req.Token
	switch {
	case t == nil:
		return nil
	case !t.ExpiresAt.IsZero() && !t.ExpiresAt.After(j.now):
		return deny(authz.ReasonTokenExpired, "the token expired at %s", stamp(t.ExpiresAt.Unix()))
	case further(j.now, t.IssuedAt, skew):
		return deny(authz.ReasonTokenNotYetValid, "the token was issued at %s, which is to come", stamp(t.IssuedAt.Unix()))
	default:
		return nil
	}
}

// further says whether one instant lies more than a number of whole seconds after another.
func further(from, to time.Time, most time.Duration) bool {
	apart, limit := to.Unix()-from.Unix(), int64(most/time.Second)
	return apart > limit || (apart == limit && to.Nanosecond() > from.Nanosecond())
}

func stamp(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }

// lease is the time until which something may be served, and what it is that ends first.
type lease struct {
	until int64 // seconds since the Unix epoch; 0 where there is nothing to serve
	of    string
}

// covers takes seconds since the Unix epoch, and what is left of one in nanoseconds.
func (l *lease) covers(seconds int64, nanoseconds int) bool {
	return seconds < l.until || (seconds == l.until && nanoseconds == 0)
}

// earlier is whichever lease ends first.
func earlier(a, b lease) lease {
	if b.until < a.until {
		return b
	}
	return a
}
