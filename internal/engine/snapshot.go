// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/canonical"
	"behalf.dev/behalf/internal/token"
)

// Snapshot is everything that decisions rest on at one instant. It does not change; a nil one denies.
type Snapshot struct {
	trust       *token.Trust
	revocations *Revocations
	audiences   table[string, *served]
	hosts       map[string]*served
	// issuers are those that trust believes.
	issuers table[string, bool]
	// lease of what every decision rests on, for requests that lead to no resource server.
	lease lease
}

// served is a policy with the lease of everything that a decision by it rests on, and what it allows beyond.
type served struct {
	policy *Policy
	lease  lease
	// fresh is the lease without that allowance.
	fresh lease
}

var errTwice = errors.New("two resource servers have it")

// NewSnapshot joins what was loaded. Without trust or revocations every request is denied as stale; an audience or host
// that two policies claim is an error.
func NewSnapshot(policies []*Policy, trust *token.Trust, revocations *Revocations) (*Snapshot, error) {
	s := &Snapshot{
		trust:       trust,
		revocations: revocations,
		hosts:       make(map[string]*served, len(policies)),
	}
	s.lease = earlier(lease{trust.Statement().LeaseUntil, "trust bundle"}, lease{revocations.Statement().LeaseUntil, "revocation list"})
	if trust == nil {
		s.lease = lease{0, "trust bundle"}
	}
	for name := range trust.Issuers() {
		s.issuers.add(hashOf(name), name, true)
	}
	for _, p := range policies {
		if err := s.serve(p); err != nil {
			return nil, fmt.Errorf("joining policies: %s: %w", p.source, err)
		}
	}
	return s, nil
}

func (s *Snapshot) serve(p *Policy) error {
	entry := &served{policy: p, lease: earlier(s.lease, lease{p.statement.LeaseUntil, "policy bundle of " + p.source.String()})}
	entry.fresh = entry.lease
	if entry.lease.until > 0 {
		entry.lease.until += p.maxStale
	}
	if s.byAudience(p.audience) != nil {
		return fmt.Errorf("audience %q: %w", p.audience, errTwice)
	}
	s.audiences.add(hashOf(p.audience), p.audience, entry)
	for _, host := range p.hosts {
		if s.hosts[host] != nil {
			return fmt.Errorf("host %q: %w", host, errTwice)
		}
		s.hosts[host] = entry
	}
	return nil
}

// Decide answers a request. It denies on a nil snapshot (stale_bundle), a nil request, and a panic (internal_error).
func (s *Snapshot) Decide(req *authz.Request, now time.Time) (decision authz.Decision) {
	switch {
	case s == nil:
		return refusal(authz.LegFreshness, authz.ReasonStaleBundle, "the authorizer holds no bundle yet")
	case req == nil:
		return refusal(authz.LegIdentity, authz.ReasonRequestMalformed, "there is no request")
	}
	defer func() {
		if r := recover(); r != nil {
			decision = refusal(authz.LegIdentity, authz.ReasonInternalError, fmt.Sprintf("the judgement panicked: %T", r))
		}
	}()
	j := newJudgement(s, req, now)
	j.decide(&decision)
	j.release()
	return decision
}

func refusal(leg authz.Leg, reason authz.Reason, message string) authz.Decision {
	return authz.Decision{Denial: authz.Denial{Leg: leg, Reason: reason, Message: message}}
}

// Trust gives what tokens are verified against; nil where there is none.
func (s *Snapshot) Trust() *token.Trust {
	if s == nil {
		return nil
	}
	return s.trust
}

// Audience gives the audience of the resource server that has a host, as a client wrote it.
func (s *Snapshot) Audience(host string) (string, bool) {
	if s == nil {
		return "", false
	}
	entry := s.byHost(host)
	if entry == nil {
		return "", false
	}
	return entry.policy.audience, true
}

func (s *Snapshot) byAudience(audience string) *served {
	return s.audiences.find(hashOf(audience), audience)
}

func (s *Snapshot) byHost(host string) *served {
	name, ok := canonical.HostOf(host)
	if !ok {
		return nil
	}
	return s.hosts[name]
}
