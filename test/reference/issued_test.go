// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
)

// revokesWhatWasIssuedBefore takes an allowed request and revokes everything of it before some time, each target by itself.
func revokesWhatWasIssuedBefore(t *testing.T, s *scene) {
	t.Helper()
	if dryRuns(s.world) {
		return
	}
	issued := noon.Add(-10 * time.Minute)
	cases := map[string]struct {
		before time.Time
		issue  func(*authz.Request)
		denies bool
	}{
		"issued since":          {issued, issuedAt(issued, issued), false},
		"issued before":         {issued.Add(time.Second), issuedAt(issued, issued), true},
		"the token before":      {issued, issuedAt(issued.Add(-time.Second), issued), true},
		"nobody knows when":     {issued, issuedAt(time.Time{}, time.Time{}), true},
		"both long after":       {issued, issuedAt(noon.Add(-time.Minute), noon.Add(-time.Minute)), false},
		"the token alone since": {issued, issuedAt(issued, time.Time{}), false},
	}
	s.world.Revocations = nil
	unrevoked := s.load(t)
	for range 6 {
		one := s.trial()
		one.Now = noon
		for name, test := range cases {
			if test.issue(&one.Request); !allows(unrevoked, one) {
				continue
			}
			before := metav1.NewTime(test.before)
			for target, spec := range targetsOf(&one.Request) {
				spec.IssuedBefore = &before
				revoked := &scene{world: s.world}
				revoked.world.Revocations = []v1alpha1.DelegationRevocation{{ObjectMeta: metav1.ObjectMeta{Name: "taken"}, Spec: spec}}
				if denied := !allows(revoked.load(t), one); denied != test.denies {
					t.Errorf("%s, %s: denied %v\n%s%s", target, name, denied, inYAML(revoked.world), inYAML(one))
					return
				}
			}
		}
	}
}

// issuedAt gives the request a token that holds for long, and times of issue.
func issuedAt(token, actor time.Time) func(*authz.Request) {
	return func(r *authz.Request) {
		r.Token = &authz.Token{ID: "jti-9", Transaction: "txn-9", IssuedAt: token, ExpiresAt: noon.Add(time.Minute), Unbounded: true}
		r.ActorIssuedAt = actor
	}
}

func targetsOf(r *authz.Request) map[string]v1alpha1.DelegationRevocationSpec {
	targets := map[string]v1alpha1.DelegationRevocationSpec{
		"subject": {Subject: new(personOf(r.Subject))}, "transaction": {Transaction: "txn-9"}, "token": {Token: "jti-9"},
	}
	if r.Actor.Present() {
		targets["actor"] = v1alpha1.DelegationRevocationSpec{Actor: new(accountOf(r.Actor))}
	}
	if len(r.Via) > 0 {
		targets["edge"] = v1alpha1.DelegationRevocationSpec{
			Edge: &v1alpha1.Edge{From: new(accountOf(r.Via[len(r.Via)-1])), To: accountOf(r.Actor)},
		}
	}
	return targets
}
