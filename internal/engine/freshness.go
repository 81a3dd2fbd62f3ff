// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"behalf.dev/behalf/internal/authz"
)

// skew is how far ahead of ours an issuer's clock may run.
const skew = 60 * time.Second

// freshness: what is held may still be served, and the presented token is within its time.
func freshness(j *judgement) *authz.Denial {
	if denial := j.freshBundles(); denial != nil {
		return denial
	}
	return j.freshToken()
}

func (j *judgement) freshBundles() *authz.Denial {
	lease := j.snapshot.lease
	if j.served != nil {
		lease = j.served.lease
	}
	if lease.covers(j.now) {
		return nil
	}
	if lease.until == 0 {
		return deny(authz.ReasonStaleBundle, "the authorizer holds no %s", own(lease.of))
	}
	return deny(authz.ReasonStaleBundle, "the lease of the %s ran out at %s", own(lease.of), stamp(lease.until))
}

func (j *judgement) freshToken() *authz.Denial {
	t := j.req.Token
	switch {
	case t == nil:
		return nil
	case !t.ExpiresAt.IsZero() && !t.ExpiresAt.After(j.now):
		return deny(authz.ReasonTokenExpired, "the token expired at %s", stamp(t.ExpiresAt.Unix()))
	case t.IssuedAt.After(j.now.Add(skew)):
		return deny(authz.ReasonTokenNotYetValid, "the token was issued at %s, which is to come", stamp(t.IssuedAt.Unix()))
	default:
		return nil
	}
}

func stamp(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }

// lease is the time until which something may be served, and what it is that ends first.
type lease struct {
	until int64 // seconds since the Unix epoch; 0 where there is nothing to serve
	of    string
}

func (l lease) covers(now time.Time) bool {
	seconds := now.Unix()
	return seconds < l.until || (seconds == l.until && now.Nanosecond() == 0)
}

// earlier is whichever lease ends first.
func earlier(a, b lease) lease {
	if b.until < a.until {
		return b
	}
	return a
}
