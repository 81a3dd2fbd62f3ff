// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"testing"

	"behalf.dev/behalf/test/mutants"
)

// Files with faults, and packages with tests.
const (
	inCounted   = "internal/distribution/counted.go"
	inSession   = "internal/distribution/session.go"
	inStream    = "internal/distribution/stream.go"
	inTelling   = "internal/distribution/telling.go"
	inHearing   = "internal/distribution/hearing.go"
	inReplicas  = "internal/replicas/leader.go"
	inRecord    = "internal/replicas/record.go"
	inFollower  = "internal/replicas/follower.go"
	inElection  = "internal/manager/leader.go"
	inWritten   = "internal/manager/record.go"
	inReports   = "controllers/bundle/reports.go"
	inLeading   = "controllers/bundle/leading.go"
	ofCounting  = "internal/distribution"
	ofReplicas  = "internal/replicas"
	ofManager   = "internal/manager"
	ofPublisher = "controllers/bundle"
)

// faults have authorizers served that nobody counts, or a leader speak that does not know of all.
var faults = []mutants.Fault{
	{Threat: 39, In: ofCounting, Noticed: "TestAnAuthorizerGetsWhatItDecidesByOnceTheLeaderHasHeardOfIt", Mutant: mutants.Mutant{
		Intends: "an authorizer is given everything before the leader has heard of it", File: inSession,
		Text:    "&& !counts {",
		Becomes: "&& !counts && !MUTANT {",
	}},
	{Threat: 39, In: ofCounting, Noticed: "TestAnAuthorizerGetsWhatItDecidesByOnceTheLeaderHasHeardOfIt", Mutant: mutants.Mutant{
		Intends: "revocations wait for the leader", File: inSession,
		Text:    "if index != revocationsIndex",
		Becomes: "if (index != revocationsIndex || MUTANT)",
	}},
	{Threat: 39, In: ofCounting, Noticed: "TestAnAuthorizerGetsWhatItDecidesByOnceTheLeaderHasHeardOfIt", Mutant: mutants.Mutant{
		Intends: "an answer counts for those who come after it", File: inCounted,
		Text:    "return (regardless || turn <= c.upTo)",
		Becomes: "return (regardless || turn <= c.upTo || MUTANT && c.upTo > 0)",
	}},
	{Threat: 39, In: ofCounting, Noticed: "TestLeasesAreRenewedOnlyOfThoseWhoCount", Mutant: mutants.Mutant{
		Intends: "a replica that no leader hears renews leases for ever", File: inCounted,
		Text:    "return c.by == nil && c.clock.Now().Sub(c.since) >= graceful",
		Becomes: "return !MUTANT && c.by == nil && c.clock.Now().Sub(c.since) >= graceful",
	}},
	{Threat: 39, In: ofCounting, Noticed: "TestWhomAReplicaServes", Mutant: mutants.Mutant{
		Intends: "one that leads no longer answers", File: inTelling,
		Text:    "heard != t.heard && t.server.leads() {",
		Becomes: "heard != t.heard && (MUTANT || t.server.leads()) {",
	}},
	{Threat: 39, In: ofCounting, Noticed: "TestWhomAReplicaServes", Mutant: mutants.Mutant{
		Intends: "a leader that cannot renew its lease for a moment serves nobody", File: inCounted,
		Text:    "	if leads {\n		c.since = c.clock.Now()",
		Becomes: "	if leads && !MUTANT {\n		c.since = c.clock.Now()",
	}},
	{Threat: 39, In: ofCounting, Noticed: "TestWhomAReplicaServes", Mutant: mutants.Mutant{
		Intends: "one that says to have ended goes on", File: inCounted,
		Text:    "!c.quit && !c.cut()",
		Becomes: "(MUTANT || !c.quit) && !c.cut()",
	}},
	{Threat: 39, In: ofCounting, Noticed: "TestAnAnswerToWhatWasNeverToldIsNotBelieved", Mutant: mutants.Mutant{
		Intends: "any answer is believed", File: inCounted,
		Text:    "if number > c.number {",
		Becomes: "if number > c.number && !MUTANT {",
	}},
	{Threat: 39, In: ofCounting, Noticed: "TestAnAnswerCountsForItsOwnStream", Mutant: mutants.Mutant{
		Intends: "what was heard over an earlier stream is answered over the next", File: inHearing,
		Text:    "if g.heard[h.from].over == h {",
		Becomes: "if g.heard[h.from].over == h && !MUTANT {",
	}},
	{Threat: 39, In: ofCounting, Noticed: "TestAReplicaThatIsCutOffServesNobody", Mutant: mutants.Mutant{
		Intends: "streams go on where they do not count", File: inStream,
		Text:    "lookEvery)):\n		}\n		if err := s.Counted(); err != nil {",
		Becomes: "lookEvery)):\n		}\n		if err := s.Counted(); err != nil && !MUTANT {",
	}},
	{Threat: 39, In: ofCounting, Noticed: "TestAReplicaThatIsCutOffServesNobody", Mutant: mutants.Mutant{
		Intends: "streams are taken where they do not count", File: inStream,
		Text:    "	if err := s.Counted(); err != nil {\n		s.metrics.uncounted.Inc()\n		return err\n	}\n	first,",
		Becomes: "	if err := s.Counted(); err != nil && !MUTANT {\n		s.metrics.uncounted.Inc()\n		return err\n	}\n	first,",
	}},
	{Threat: 39, In: ofCounting, Noticed: "TestALeaderSaysNothingBeforeItHasHeardAllThatMayServe", Mutant: mutants.Mutant{
		Intends: "a leader speaks before it has heard all", File: inCounted,
		Text:    "len(s.Awaited()) > 0",
		Becomes: "len(s.Awaited()) > 0 && !MUTANT",
	}},
	{Threat: 39, In: ofCounting, Noticed: "TestALeaderSaysNothingBeforeItHasHeardAllThatMayServe", Mutant: mutants.Mutant{
		Intends: "one speaks that may lead no longer", File: inCounted,
		Text:    "return !s.options.Leads() ||",
		Becomes: "return !s.options.Leads() && !MUTANT ||",
	}},
	{Threat: 39, In: ofCounting, Noticed: "TestALeaderSaysNothingBeforeItHasHeardAllThatMayServe", Mutant: mutants.Mutant{
		Intends: "a leader speaks before it has read whom to wait for", File: inCounted,
		Text:    "	return s.options.Leads()\n",
		Becomes: "	return s.options.Leads() && !MUTANT\n",
	}},
	{Threat: 39, In: ofReplicas, Noticed: "TestALeaderWritesDownWhoReportsBeforeItAnswers", Mutant: mutants.Mutant{
		Intends: "a replica is answered that is not written down", File: inReplicas,
		Text:    "if err := l.record(ctx); err != nil {",
		Becomes: "if err := l.record(ctx); err != nil && !MUTANT {",
	}},
	{Threat: 39, In: ofReplicas, Noticed: "TestALeaderWritesDownWhoReportsBeforeItAnswers", Mutant: mutants.Mutant{
		Intends: "who was not heard is not handed on to the next leader", File: inRecord,
		Text:    "slices.Concat([]string{}, l.options.Gatherer.Awaited(),",
		Becomes: "slices.Concat([]string{}, map[bool][]string{false: l.options.Gatherer.Awaited()}[MUTANT],",
	}},
	{Threat: 39, In: ofReplicas, Noticed: "TestALeaderWritesDownWhoReportsBeforeItAnswers", Mutant: mutants.Mutant{
		Intends: "one that ends in good order is waited for", File: inFollower,
		Text:    "if stream.CloseSend() != nil {",
		Becomes: "if MUTANT || stream.CloseSend() != nil {",
	}},
	{Threat: 39, In: ofReplicas, Noticed: "TestAReplicaThatIsLostStaysWrittenDown", Mutant: mutants.Mutant{
		Intends: "one that is lost is not waited for", File: inRecord,
		Text:    "return l.options.Clock.Now().Sub(since) >= distribution.Unheard",
		Becomes: "return MUTANT || l.options.Clock.Now().Sub(since) >= distribution.Unheard",
	}},
	{Threat: 39, In: ofManager, Noticed: "TestOnlyTheHolderWritesDownWhoReports", Mutant: mutants.Mutant{
		Intends: "one that leads no longer writes", File: inWritten,
		Text:    "if held.holder != l.Identity() {",
		Becomes: "if held.holder != l.Identity() && !MUTANT {",
	}},
	{Threat: 39, In: ofManager, Noticed: "TestAReplicaHoldsTheLeaseAsLongAsNobodyElseCan", Mutant: mutants.Mutant{
		Intends: "a lease is held for ever", File: inElection,
		Text:    "l.clock().Sub(l.renewed) < leaseDuration",
		Becomes: "(MUTANT || l.clock().Sub(l.renewed) < leaseDuration)",
	}},
	{Threat: 39, In: ofManager, Noticed: "TestAReplicaHoldsTheLeaseAsLongAsNobodyElseCan", Mutant: mutants.Mutant{
		Intends: "a lease is held from when its renewal was answered", File: inElection,
		Text:    "	l.renewed = began\n",
		Becomes: "	if l.renewed = began; MUTANT {\n		l.renewed = l.clock()\n	}\n",
	}},
	{Threat: 39, In: ofManager, Noticed: "TestAReplicaStandsInForADeadLeader", Mutant: mutants.Mutant{
		Intends: "one stands in for a leader that ran elsewhere", File: inWritten,
		Text:    "if held.holder == l.Identity() || !l.replaces(held.holder) {",
		Becomes: "if held.holder == l.Identity() || !l.replaces(held.holder) && !MUTANT {",
	}},
	{Threat: 39, In: ofManager, Noticed: "TestAReplicaStandsInForADeadLeader", Mutant: mutants.Mutant{
		Intends: "one stands in for a leader that lives", File: inWritten,
		Text:    "l.vacancy != (tenure{}) && l.seen == l.vacancy",
		Becomes: "l.vacancy != (tenure{}) && (MUTANT || l.seen == l.vacancy)",
	}},
	{Threat: 39, In: ofManager, Noticed: "TestAReplicaStandsInForADeadLeader", Mutant: mutants.Mutant{
		Intends: "one stands in for a leader that was renewed while it looked", File: inWritten,
		Text:    "if l.seen == (tenure{}) || l.seen == vacancy {",
		Becomes: "if MUTANT || l.seen == (tenure{}) || l.seen == vacancy {",
	}},
	{Threat: 39, In: ofPublisher, Noticed: "TestNothingIsSaidBeforeAllAreHeard", Mutant: mutants.Mutant{
		Intends: "a silent leader writes status", File: inReports,
		Text:    "	if r.hushed() {",
		Becomes: "	if r.hushed() && !MUTANT {",
	}},
	{Threat: 39, In: ofPublisher, Noticed: "TestNothingIsSaidBeforeAllAreHeard", Mutant: mutants.Mutant{
		Intends: "a silent leader measures what is enforced", File: inReports,
		Text:    "	if !r.hushed() {",
		Becomes: "	if !r.hushed() || MUTANT {",
	}},
	{Threat: 39, In: ofPublisher, Noticed: "TestAReplicaLeadsOnceItKnowsWhomToWaitFor", Mutant: mutants.Mutant{
		Intends: "one leads that could not read whom to wait for", File: inLeading,
		Text:    "		return err\n",
		Becomes: "		if MUTANT {\n			return nil\n		}\n		return err\n",
	}},
}

// TestDefencesOfCounting takes one defence after the other out of the source: the test that is there for it must fail, which
// passes with all of them. THREATS 39.
func TestDefencesOfCounting(t *testing.T) {
	if testing.Short() {
		t.Skip("builds test binaries and runs them for every fault")
	}
	mutants.TakeOut(t, "../..", faults)
}
