// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"

	"behalf.dev/behalf/internal/distribution/distributiontest"
)

// Without any trust or revocations an authorizer denies, whatever policy it holds: that is not what the policy says.
func TestAPolicyIsEnforcedByNobodyWhoHoldsNoTrustOrRevocations(t *testing.T) {
	t.Parallel()
	policy, trust, revocations := policyFor("support/tickets", 1, "policy"), trustFor(1, "trust"), revocationsFor(1, "revocations")
	for sentence, c := range map[string]struct {
		// brought are the kinds of which it brings something older along.
		brought []int
		// answers are the kinds that it answers, and refuses those of them that it does not take.
		answers, refuses []int
		// withheld says that the trust bundle is.
		withheld bool
		enforced bool
	}{
		"it has all":                               {answers: []int{revocationsIndex, trustIndex, policyIndex}, enforced: true},
		"it has the policy alone":                  {answers: []int{policyIndex}},
		"it has no revocations yet":                {answers: []int{trustIndex, policyIndex}},
		"it has no trust yet":                      {answers: []int{revocationsIndex, policyIndex}},
		"it has refused the trust that came":       {answers: []int{revocationsIndex, trustIndex, policyIndex}, refuses: []int{trustIndex}},
		"it goes on with an older trust":           {brought: []int{trustIndex}, answers: []int{revocationsIndex, policyIndex}, enforced: true},
		"it has refused a later trust":             {brought: []int{trustIndex}, answers: []int{revocationsIndex, trustIndex, policyIndex}, refuses: []int{trustIndex}, enforced: true},
		"there is no trust that it could be given": {withheld: true, answers: []int{revocationsIndex, policyIndex}},
		"it has trust and revocations alone":       {answers: []int{revocationsIndex, trustIndex}},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			clock := distributiontest.NewClock()
			leader, follower := replica(t, "a", clock), replica(t, "b", clock)
			for _, s := range []*Server{leader, follower} {
				trust := trust
				trust.Withheld = c.withheld
				mustSet(t, s, policy, trust, revocations)
			}
			bring := map[int]map[string]string{}
			for _, index := range c.brought {
				bring[index] = map[string]string{trust.Statement.Name: "sha256:older"}
			}
			who := joinWith(t, follower, bring)
			sent := map[int]*discoveryv3.DeltaDiscoveryResponse{}
			for {
				response, err := who.next(follower.ledger, clock.Now())
				if err != nil {
					t.Fatal(err)
				}
				if response == nil {
					break
				}
				index, _ := typeIndex(response.GetTypeUrl())
				sent[index] = response
			}
			for _, index := range c.answers {
				answer := subscribeTo("", typeURLs[index])
				answer.ResponseNonce = sent[index].GetNonce()
				for _, refused := range c.refuses {
					if refused == index {
						answer.ErrorDetail = reject(map[string]error{sent[index].GetResources()[0].GetName(): errBad})
					}
				}
				who.answered(index, answer)
			}
			newPair(t, leader, follower).talk()
			for at, s := range map[string]*Server{"by the one that serves it": follower, "by the leader": leader} {
				if p := progressOf(s, policy); p.Enforced() != c.enforced || p.Connected != 1 {
					t.Errorf("%s: %+v", at, p)
				}
			}
		})
	}
}

// An account that nobody names any more is told to drop all, and is given all anew when it is named again.
func TestWhoLostTrustHoldsNoneUntilItComesAgain(t *testing.T) {
	t.Parallel()
	s := replica(t, "a", distributiontest.NewClock())
	named, trust, revocations := policyFor("support/tickets", 1, "policy", support), trustFor(1, "trust"), revocationsFor(1, "revocations")
	nobodys := policyFor("support/tickets", 1, "policy")
	mustSet(t, s, named, trust, revocations)
	who := authorizers(t, s, support, "1")[0]
	mustSet(t, s, nobodys, trust, revocations)
	catchUp(t, s, who, nil)
	mustSet(t, s, named, trust, revocations)
	catchUp(t, s, who, map[string]error{trust.Statement.Name: errBad})
	if p := progressOf(s, named); p.Acked != 0 {
		t.Errorf("it has refused the trust that came again: %+v", p)
	}
}

// joinWith has an authorizer that may see everything join, which brings along what is given by type.
func joinWith(t *testing.T, s *Server, brought map[int]map[string]string) *session {
	t.Helper()
	who, err := s.authorizers.join(peer{account: everywhere, node: "1", clusterWide: true}, false, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	for index := range typeURLs {
		held := brought[index]
		if held == nil {
			held = map[string]string{}
		}
		if err := who.subscribe(s.ledger, index, held); err != nil {
			t.Fatal(err)
		}
	}
	return who
}
