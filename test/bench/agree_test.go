// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"testing"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/test/bench/cedar"
	"behalf.dev/behalf/test/bench/opa"
	"behalf.dev/behalf/test/bench/rules"
	"behalf.dev/behalf/test/estate"
)

// A benchmark of engines that answer differently would compare nothing: each is asked thousands of requests, of which many
// have something wrong or are at a bound, and must answer as Behalf does.
func TestAllEnginesGiveTheSameAnswer(t *testing.T) {
	for _, size := range []estate.Size{
		estate.Of(100, 0), estate.Of(1000, 20),
		{ResourceServers: 3, Actors: 60, Delegations: 150, Conditions: 4, Arithmetic: true, Groups: 12},
	} {
		t.Run(fmt.Sprintf("%+v", size), func(t *testing.T) { agree(t, estate.New(size), 4000) })
	}
}

func agree(t *testing.T, e *estate.Estate, requests int) {
	t.Helper()
	w := e.World()
	snapshot, err := estate.Snapshot(w)
	if err != nil {
		t.Fatal(err)
	}
	r, err := rules.Of(&w)
	if err != nil {
		t.Fatal(err)
	}
	o, err := opa.New(t.Context(), r, estate.LeaseEnd)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cedar.New(r, estate.LeaseEnd)
	if err != nil {
		t.Fatal(err)
	}
	one, err := cedar.NewPolicyEach(r, estate.LeaseEnd)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[authz.Reason]int{}
	for _, request := range e.Anything(requests, 7) {
		decision := snapshot.Decide(request, estate.Now)
		reasons[decision.Reason]++
		fromOPA, err := o.Allows(t.Context(), opa.Prepare(request, estate.Now))
		if err != nil {
			t.Fatal(err)
		}
		prepared := cedar.Prepare(request, estate.Now)
		if fromCedar, fromEach := c.Allows(prepared), one.Allows(prepared); fromOPA != decision.Allowed() || fromCedar != fromOPA || fromEach != fromOPA {
			t.Fatalf("OPA says %t, cedar-go %t, with a policy for each rule %t, and Behalf %s (%s):\n%+v",
				fromOPA, fromCedar, fromEach, decision.Outcome, decision.Message, request)
		}
	}
	// Ten of each, or the answers agree for want of trying.
	for _, reason := range tried {
		if reasons[reason] < 10 {
			t.Errorf("%d requests were denied for %q", reasons[reason], reason)
		}
	}
	if reasons[""] < requests/5 {
		t.Errorf("%d of %d requests were allowed", reasons[""], requests)
	}
}

var tried = []authz.Reason{
	authz.ReasonSubjectMissing, authz.ReasonScopeUnknown, authz.ReasonRevoked, authz.ReasonScopeNotInToken, authz.ReasonNotEntitled,
	authz.ReasonActorNotAllowed, authz.ReasonNotDeclared, authz.ReasonEdgeNotDeclared, authz.ReasonChainLoop, authz.ReasonChainTooDeep,
	authz.ReasonForbidden, authz.ReasonNoPolicy, authz.ReasonSubjectTooOld, authz.ReasonTokenLifetimeTooLong,
}
