// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution/distributiontest"
)

var (
	everywhere = authz.Actor{Namespace: "behalf-system", ServiceAccount: "authorizer"}
	support    = authz.Actor{Namespace: "support", ServiceAccount: "authorizer"}
	billing    = authz.Actor{Namespace: "billing", ServiceAccount: "authorizer"}
)

func startDefault(tb testing.TB) *manager {
	tb.Helper()
	return startManager(tb, Options{
		Authenticator: newReviewer(everywhere, support, billing),
		ClusterWide:   []authz.Actor{everywhere},
	}, "")
}

func TestFirstSyncBringsRevocationsThenTrustThenPolicies(t *testing.T) {
	m, s := startDefault(t), newShelf()
	policy := policyFor("support/tickets", 1, "policy 1")
	mustSet(t, m.Server, policy, trustFor(1, "trust 1"), revocationsFor(1, "revocations 1"))
	a := m.connect(t, everywhere, "node-1", s)

	distributiontest.Eventually(t, "everything came", func() bool { return s.size() == 3 })
	_, order := s.came()
	want := []Key{{bundle.KindRevocations, "revocations"}, {bundle.KindTrust, "trust"}, {bundle.KindPolicy, "support/tickets"}}
	if !slices.Equal(order, want) {
		t.Errorf("came as %v, want %v", order, want)
	}
	distributiontest.Eventually(t, "it is acknowledged", func() bool {
		p := m.Progress(bundle.KindPolicy, "support/tickets", policy.Statement.Revision, policy.Statement.Digest)
		return p.Authorizers == 1 && p.Acked == 1 && p.Enforced()
	})
	if state := a.State(); !state.Connected || state.LastError != nil || state.Received != 3 {
		t.Errorf("state is %+v", state)
	}
}

func TestNothingIsConcludedBeforeTheFirstSet(t *testing.T) {
	m, s := startDefault(t), newShelf()
	held := policyFor("support/tickets", 4, "policy 4")
	s.held[held.key()] = held.Statement
	if err := m.Put(revocationsFor(1, "revocations 1")); err != nil {
		t.Fatal(err)
	}
	a := m.connect(t, everywhere, "node-1", s)
	distributiontest.Eventually(t, "the authorizer is let in", func() bool { return a.State().Connected })
	if !s.holds(held) || s.size() != 1 {
		t.Fatal("a manager that does not know yet what there is changed what is held")
	}
	mustSet(t, m.Server)
	distributiontest.Eventually(t, "what is gone is removed", func() bool { return s.size() == 0 })
}

func TestChangesAndRemovalsReachAuthorizers(t *testing.T) {
	m, s := startDefault(t), newShelf()
	first := policyFor("support/tickets", 1, "policy 1")
	mustSet(t, m.Server, first)
	m.connect(t, everywhere, "node-1", s)
	distributiontest.Eventually(t, "the first revision came", func() bool { return s.holds(first) })

	second := policyFor("support/tickets", 2, "policy 2")
	mustSet(t, m.Server, second)
	distributiontest.Eventually(t, "the second revision came", func() bool { return s.holds(second) })

	mustSet(t, m.Server)
	distributiontest.Eventually(t, "it was removed", func() bool { return s.size() == 0 })
}

func TestWhatIsTheSameCausesNothing(t *testing.T) {
	m, s := startDefault(t), newShelf()
	policy, trust := policyFor("support/tickets", 1, "policy 1", support), trustFor(1, "trust 1")
	mustSet(t, m.Server, policy, trust)
	m.connect(t, everywhere, "node-1", s)
	distributiontest.Eventually(t, "everything came", func() bool { return s.size() == 2 })
	head := m.ledger.head
	mustSet(t, m.Server, trust, policy)
	if m.ledger.head != head {
		t.Errorf("setting the same in another order wrote %d changes", m.ledger.head-head)
	}
}

func TestRejectionKeepsTheLastGoodAndIsReported(t *testing.T) {
	m, s := startDefault(t), newShelf()
	good, other := policyFor("support/tickets", 1, "policy 1"), policyFor("billing/ledger", 1, "policy 1")
	mustSet(t, m.Server, good, other)
	m.connect(t, everywhere, "node-1", s)
	distributiontest.Eventually(t, "both came", func() bool { return s.size() == 2 })

	bad, fine := policyFor("support/tickets", 2, "bad policy"), policyFor("billing/ledger", 2, "policy 2")
	mustSet(t, m.Server, bad, fine)
	distributiontest.Eventually(t, "the rejection is known", func() bool {
		p := m.Progress(bundle.KindPolicy, "support/tickets", bad.Statement.Revision, bad.Statement.Digest)
		return len(p.Rejected) == 1 && !p.Enforced() &&
			p.Rejected[0] == Rejection{"behalf-system/authorizer@node-1", errBad.Error()}
	})
	if !s.holds(good) {
		t.Error("the last good one was let go")
	}
	// gRFC A46: what was in order in the same response takes effect.
	distributiontest.Eventually(t, "the other one is enforced", func() bool {
		return s.holds(fine) && m.Progress(bundle.KindPolicy, "billing/ledger", fine.Statement.Revision, fine.Statement.Digest).Enforced()
	})
	distributiontest.Eventually(t, "one rejection is counted", func() bool {
		return testutil.ToFloat64(m.metrics.rejected.WithLabelValues("Policy", "other")) == 1
	})

	mended := policyFor("support/tickets", 3, "policy 3")
	mustSet(t, m.Server, mended, fine)
	distributiontest.Eventually(t, "the mended one is enforced", func() bool {
		return s.holds(mended) && m.Progress(bundle.KindPolicy, "support/tickets", mended.Statement.Revision, mended.Statement.Digest).Enforced()
	})
}

func TestProgressNamesLaggards(t *testing.T) {
	m := startDefault(t)
	slow, quick := newShelf(), newShelf()
	slow.gate = make(chan struct{})
	policy := policyFor("support/tickets", 1, "policy 1", support)
	mustSet(t, m.Server, policy)
	m.connect(t, everywhere, "quick", quick)
	m.connect(t, support, "slow", slow)

	distributiontest.Eventually(t, "one has it and one lags", func() bool {
		p := m.Progress(bundle.KindPolicy, "support/tickets", policy.Statement.Revision, policy.Statement.Digest)
		return p.Authorizers == 2 && p.Acked == 1 && slices.Equal(p.Lagging, []string{"support/authorizer@slow"})
	})
	if p := m.Progress(bundle.KindPolicy, "support/tickets", 0, "sha256:other"); p.Acked != 0 || len(p.Lagging) != 2 {
		t.Errorf("of another digest it says %+v", p)
	}
	if p := m.Progress(bundle.KindPolicy, "support/unknown", 0, "sha256:other"); p.Authorizers != 0 {
		t.Errorf("of what is not distributed it says %+v", p)
	}
	close(slow.gate)
	distributiontest.Eventually(t, "both have it", func() bool {
		return m.Progress(bundle.KindPolicy, "support/tickets", policy.Statement.Revision, policy.Statement.Digest).Enforced()
	})
}

func TestGoneAuthorizersCountForTheirLease(t *testing.T) {
	m := startManager(t, Options{
		Authenticator: newReviewer(everywhere), ClusterWide: []authz.Actor{everywhere}, CountFor: time.Minute,
	}, "")
	s := newShelf()
	first := policyFor("support/tickets", 1, "policy 1")
	mustSet(t, m.Server, first)
	a := m.connect(t, everywhere, "node-1", s)
	distributiontest.Eventually(t, "it came", func() bool { return s.holds(first) })
	a.stop()
	distributiontest.Eventually(t, "it is gone", func() bool {
		all := m.Authorizers()
		return len(all) == 1 && !all[0].Connected
	})
	second := policyFor("support/tickets", 2, "policy 2")
	mustSet(t, m.Server, second)
	if p := m.Progress(bundle.KindPolicy, "support/tickets", second.Statement.Revision, second.Statement.Digest); !slices.Equal(p.Lagging,
		[]string{"behalf-system/authorizer@node-1 (gone since 10:00:00Z, counts until 10:01:00Z)"}) || p.Connected != 0 || p.Authorizers != 1 {
		t.Errorf("within its lease: %+v", p)
	}
	m.clock.Advance(61 * time.Second)
	if p := m.Progress(bundle.KindPolicy, "support/tickets", second.Statement.Revision, second.Statement.Digest); p.Authorizers != 0 {
		t.Errorf("after its lease: %+v", p)
	}
}

func TestARefusalEndsWithItsConnection(t *testing.T) {
	m := startManager(t, Options{
		Authenticator: newReviewer(everywhere), ClusterWide: []authz.Actor{everywhere}, CountFor: time.Minute,
	}, "")
	refused := policyFor("support/tickets", 1, "bad policy")
	s := newShelf()
	mustSet(t, m.Server, refused)
	a := m.connect(t, everywhere, "node-1", s)
	progress := func() Progress {
		return m.Progress(bundle.KindPolicy, "support/tickets", refused.Statement.Revision, refused.Statement.Digest)
	}
	distributiontest.Eventually(t, "it refuses", func() bool { return len(progress().Rejected) == 1 })
	a.stop()
	distributiontest.Eventually(t, "it is gone", func() bool { return progress().Connected == 0 })
	want := []string{"behalf-system/authorizer@node-1 (refused it, gone since 10:00:00Z, counts until 10:01:00Z)"}
	if p := progress(); len(p.Rejected) != 0 || !slices.Equal(p.Lagging, want) {
		t.Errorf("got %+v", p)
	}
}

// THREATS 39: a manager that has just started does not know what an earlier one gave to whom.
func TestAuthorizersThatAreExpectedLagUntilTheyAreHeardOf(t *testing.T) {
	m := startManager(t, Options{
		Authenticator: newReviewer(everywhere, support, billing), ClusterWide: []authz.Actor{everywhere}, CountFor: time.Minute,
	}, "")
	tickets, ledger := policyFor("support/tickets", 1, "t", support), policyFor("billing/ledger", 1, "l", billing)
	mustSet(t, m.Server, tickets, ledger)
	s := newShelf()
	a := m.connect(t, everywhere, "node-1", s)
	distributiontest.Eventually(t, "one holds everything", func() bool { return s.holds(tickets) && s.holds(ledger) })
	progress := func(r Resource) Progress {
		return m.Progress(bundle.KindPolicy, r.Statement.Name, r.Statement.Revision, r.Statement.Digest)
	}
	distributiontest.Eventually(t, "it said so", func() bool { return progress(tickets).Acked == 1 && progress(ledger).Acked == 1 })

	want := []string{support.String() + " (not heard of since the manager started)"}
	if p := progress(tickets); p.Enforced() || p.Authorizers != 2 || p.Connected != 1 || !slices.Equal(p.Lagging, want) {
		t.Errorf("tickets, which support's authorizer serves too: %+v", p)
	}
	if connected, expected := m.Expected(); connected != 1 || expected != 3 {
		t.Errorf("%d of %d are connected", connected, expected)
	}
	b := m.connect(t, support, "node-1", newShelf())
	distributiontest.Eventually(t, "the other one is back", func() bool { return progress(tickets).Enforced() })
	b.stop()
	distributiontest.Eventually(t, "it went again", func() bool { return progress(tickets).Connected == 1 })
	if p := progress(tickets); !p.Enforced() {
		t.Errorf("it held the newest when it went: %+v", p)
	}
	if p := progress(ledger); p.Enforced() {
		t.Errorf("nobody has heard of billing's: %+v", p)
	}
	m.clock.Advance(61 * time.Second)
	if p := progress(ledger); !p.Enforced() || p.Authorizers != 1 {
		t.Errorf("after a lease whatever it held is void: %+v", p)
	}
	a.stop()
}

// THREATS 38
func TestTokensThatAreNotGoodAreRefused(t *testing.T) {
	m := startDefault(t)
	mustSet(t, m.Server, policyFor("support/tickets", 1, "policy 1"), trustFor(1, "trust 1"))
	for sentence, token := range map[string]string{
		"a token of another audience": "token-for-somebody-else",
		"a token with a suffix":       tokenOf(everywhere) + "x",
	} {
		t.Run(sentence, func(t *testing.T) {
			s := newShelf()
			options := m.clientOptions(t, everywhere, "node-1", s)
			writeFile(t, options.TokenFile, []byte(token))
			a := run(t, options)
			distributiontest.Eventually(t, "it was refused", func() bool { return status.Code(a.State().LastError) == codes.Unauthenticated })
			if state := a.State(); state.Connected || s.size() != 0 {
				t.Errorf("state %+v, %d held", state, s.size())
			}
			if strings.Contains(a.State().LastError.Error(), token) {
				t.Error("the error quotes the token")
			}
		})
	}
	t.Run("an empty token file", func(t *testing.T) {
		options := m.clientOptions(t, everywhere, "node-1", newShelf())
		writeFile(t, options.TokenFile, []byte("\n"))
		a := run(t, options)
		distributiontest.Eventually(t, "it says so", func() bool {
			err := a.State().LastError
			return err != nil && strings.Contains(err.Error(), "the file is empty")
		})
	})
	t.Run("a reviewer that cannot tell lets nobody in", func(t *testing.T) {
		m.reviewer.change(func(r *reviewer) { r.failing = errors.New("the API server is away") })
		a := m.connect(t, everywhere, "node-2", newShelf())
		distributiontest.Eventually(t, "it was refused", func() bool { return status.Code(a.State().LastError) == codes.Unavailable })
	})
	if got := len(m.Authorizers()); got != 0 {
		t.Errorf("%d authorizers on the roll", got)
	}
}

func TestServersThatNobodyVouchesForAreNotBelieved(t *testing.T) {
	m, s := startDefault(t), newShelf()
	mustSet(t, m.Server, trustFor(1, "trust 1"))
	options := m.clientOptions(t, everywhere, "node-1", s)
	writeFile(t, options.CAFile, distributiontest.NewAuthority(t).PEM)
	a := run(t, options)
	distributiontest.Eventually(t, "the certificate was refused", func() bool {
		err := a.State().LastError
		return err != nil && strings.Contains(err.Error(), "certificate")
	})
	// The file is read anew, so that a rotated authority needs no restart.
	writeFile(t, options.CAFile, m.authority.PEM)
	distributiontest.Eventually(t, "it connects with the right authority", func() bool { return s.size() == 1 })
}

// THREATS 38
func TestAuthorizersGetWhatNamesThemAndNothingElse(t *testing.T) {
	m := startDefault(t)
	tickets, ledger := policyFor("support/tickets", 1, "tickets 1", support), policyFor("billing/ledger", 1, "ledger 1", billing)
	mustSet(t, m.Server, tickets, ledger, trustFor(1, "trust 1"), revocationsFor(1, "revocations 1"))
	all, one := newShelf(), newShelf()
	m.connect(t, everywhere, "node-1", all)
	m.connect(t, support, "node-1", one)
	distributiontest.Eventually(t, "the cluster-wide one has all", func() bool { return all.size() == 4 })
	distributiontest.Eventually(t, "the named one has its own with trust and revocations", func() bool { return one.size() == 3 })
	if one.get(ledger.key()).Revision != 0 {
		t.Error("it was sent what does not name it")
	}

	t.Run("one that is not named sees nothing", func(t *testing.T) {
		mustSet(t, m.Server, tickets, trustFor(1, "trust 1"), revocationsFor(1, "revocations 1"))
		none := newShelf()
		a := m.connect(t, billing, "node-1", none)
		distributiontest.Eventually(t, "it is let in", func() bool { return a.State().Connected })
		changed := policyFor("support/tickets", 2, "tickets 2", support)
		mustSet(t, m.Server, changed, trustFor(2, "trust 2"), revocationsFor(2, "revocations 2"))
		distributiontest.Eventually(t, "the others have the change", func() bool { return all.holds(changed) && one.holds(changed) })
		if puts, order := none.came(); puts != 0 {
			t.Errorf("it was sent %v", order)
		}
	})
	t.Run("one that is named later gets it, and trust and revocations with it", func(t *testing.T) {
		none := newShelf()
		m.connect(t, billing, "node-2", none)
		mustSet(t, m.Server, policyFor("support/tickets", 2, "tickets 2", support, billing), trustFor(2, "trust 2"), revocationsFor(2, "revocations 2"))
		distributiontest.Eventually(t, "it has them", func() bool { return none.size() == 3 })
		puts, _ := one.came()
		mustSet(t, m.Server, policyFor("support/tickets", 2, "tickets 2", support), trustFor(2, "trust 2"), revocationsFor(2, "revocations 2"))
		distributiontest.Eventually(t, "it lost them", func() bool { return none.size() == 0 })
		if after, _ := one.came(); after != puts {
			t.Error("who kept its access was sent everything again")
		}
	})
}

// THREATS 36
func TestReconnectResendsNothingThatIsHeld(t *testing.T) {
	m, s := startDefault(t), newShelf()
	resources := []Resource{trustFor(1, "trust 1"), revocationsFor(1, "revocations 1")}
	for i := range 1500 {
		resources = append(resources, policyFor("ns/rs-"+strconv.Itoa(i), 1, "policy "+strconv.Itoa(i)))
	}
	mustSet(t, m.Server, resources...)
	a := m.connect(t, everywhere, "node-1", s)
	distributiontest.Eventually(t, "everything came", func() bool { return s.size() == len(resources) })
	a.stop()
	m.stop()

	again := startManager(t, Options{Authenticator: newReviewer(everywhere), ClusterWide: []authz.Actor{everywhere}}, m.address)
	changed, renewed := policyFor("ns/rs-7", 2, "policy seven"), resourceFor(Key{bundle.KindPolicy, "ns/rs-8"}, 1, 2000, "policy 8")
	resources = slices.DeleteFunc(resources, func(r Resource) bool {
		return slices.Contains([]string{"ns/rs-7", "ns/rs-8", "ns/rs-9"}, r.Statement.Name)
	})
	mustSet(t, again.Server, append(resources, changed, renewed)...)
	again.connect(t, everywhere, "node-1", s)
	distributiontest.Eventually(t, "what differs was made up for", func() bool {
		return s.holds(changed) && s.holds(renewed) && s.size() == 1501
	})
	distributiontest.Eventually(t, "what was sent last is counted", func() bool {
		return testutil.ToFloat64(again.metrics.resources.WithLabelValues("Lease")) > 0
	})
	for url, want := range map[string]float64{"PolicyBundle": 1, "TrustBundle": 0, "RevocationList": 0, "Lease": 1} {
		if got := testutil.ToFloat64(again.metrics.resources.WithLabelValues(url)); got != want {
			t.Errorf("%v of %s were sent, want %v", got, url, want)
		}
	}
	distributiontest.Eventually(t, "what was held counts as enforced", func() bool {
		return again.Progress(bundle.KindPolicy, "ns/rs-1", 0, bundle.Digest([]byte("policy 1"))).Enforced()
	})
}

func TestLeasesAreRenewedWithoutContent(t *testing.T) {
	m, s := startDefault(t), newShelf()
	key := Key{bundle.KindPolicy, "support/tickets"}
	mustSet(t, m.Server, resourceFor(key, 1, 1000, "policy 1"))
	m.connect(t, everywhere, "node-1", s)
	distributiontest.Eventually(t, "it came", func() bool { return s.size() == 1 })

	renewed := resourceFor(key, 1, 1300, "policy 1")
	mustSet(t, m.Server, renewed)
	distributiontest.Eventually(t, "the lease is longer", func() bool { return s.holds(renewed) })
	if got := testutil.ToFloat64(m.metrics.resources.WithLabelValues("PolicyBundle")); got != 1 {
		t.Errorf("content was sent %v times", got)
	}
	if puts, _ := s.came(); puts != 1 {
		t.Errorf("content came %d times", puts)
	}
	if !m.Progress(key.Kind, key.Name, renewed.Statement.Revision, renewed.Statement.Digest).Enforced() {
		t.Error("a renewal put enforcement in doubt")
	}
}

// THREATS 35
func TestStalledPeerHoldsUpNobodyAndIsEnded(t *testing.T) {
	m, s := startDefault(t), newShelf()
	mustSet(t, m.Server, policyFor("ns/huge", 1, strings.Repeat("x", 8<<20)))
	m.connect(t, everywhere, "healthy", s)
	distributiontest.Eventually(t, "the healthy one has it", func() bool { return s.size() == 1 })

	stalled := m.speak(t, everywhere) // it never reads, so that the server's Send blocks on flow control
	subscribeToAll(t, stalled, "stalled")
	distributiontest.Eventually(t, "it is owed something", func() bool {
		p := m.Progress(bundle.KindPolicy, "ns/huge", 0, bundle.Digest([]byte(strings.Repeat("x", 8<<20))))
		return slices.Equal(p.Lagging, []string{"behalf-system/authorizer@stalled"})
	})
	for revision := int64(2); revision < 50; revision++ {
		change := policyFor("ns/huge", revision, strconv.FormatInt(revision, 10)+strings.Repeat("x", 1<<20))
		mustSet(t, m.Server, change)
		distributiontest.Eventually(t, "the healthy one enforces the change", func() bool {
			return s.holds(change) && m.Progress(bundle.KindPolicy, "ns/huge", change.Statement.Revision, change.Statement.Digest).Acked == 1
		})
	}
	distributiontest.Eventually(t, "the server has given up on it", func() bool {
		m.clock.Advance(31 * time.Second)
		return testutil.ToFloat64(m.metrics.streams) == 1
	})
	if got := testutil.ToFloat64(m.metrics.stalled); got != 1 {
		t.Errorf("%v streams counted as stalled", got)
	}
}

// THREATS 35: while a peer has not answered, what it is owed does not pile up.
func TestLatestWins(t *testing.T) {
	m := startDefault(t)
	mustSet(t, m.Server, policyFor("support/tickets", 1, "policy 1"))
	stream := m.speak(t, everywhere)
	subscribeToAll(t, stream, "by-hand")
	first := mustReceive(t, stream)
	for revision := int64(2); revision <= 100; revision++ {
		mustSet(t, m.Server, policyFor("support/tickets", revision, "policy "+strconv.FormatInt(revision, 10)))
	}
	mustSend(t, stream, &discoveryv3.DeltaDiscoveryRequest{TypeUrl: PolicyType, ResponseNonce: first.GetNonce()})
	second := mustReceive(t, stream)
	if got, want := second.GetResources()[0].GetVersion(), bundle.Digest([]byte("policy 100")); got != want || len(second.GetResources()) != 1 {
		t.Errorf("then came %d resources, version %s, want 1 of %s", len(second.GetResources()), got, want)
	}
	distributiontest.Eventually(t, "two resources are counted as sent", func() bool {
		return testutil.ToFloat64(m.metrics.resources.WithLabelValues("PolicyBundle")) == 2
	})
}

func TestRevocationsOvertakePolicies(t *testing.T) {
	m := startDefault(t)
	var resources []Resource
	for i := range 3 * maxPuts {
		resources = append(resources, policyFor("ns/rs-"+strconv.Itoa(i), 1, "policy "+strconv.Itoa(i)))
	}
	mustSet(t, m.Server, resources...)
	stream := m.speak(t, everywhere)
	subscribeToAll(t, stream, "by-hand")
	first := mustReceive(t, stream)
	if got := len(first.GetResources()); got != maxPuts {
		t.Fatalf("%d resources came in the first response", got)
	}
	if err := m.Put(revocationsFor(1, "revocations 1")); err != nil {
		t.Fatal(err)
	}
	mustSend(t, stream, &discoveryv3.DeltaDiscoveryRequest{TypeUrl: PolicyType, ResponseNonce: first.GetNonce()})
	if second := mustReceive(t, stream); second.GetTypeUrl() != RevocationsType {
		t.Errorf("then came %s", second.GetTypeUrl())
	}
}

func TestRevisionsNeverRegress(t *testing.T) { // THREATS 39
	m, s := startDefault(t), newShelf()
	held := policyFor("support/tickets", 5, "policy 5")
	mustSet(t, m.Server, held, trustFor(1, "trust 1"))
	m.connect(t, everywhere, "node-1", s)
	distributiontest.Eventually(t, "everything came", func() bool { return s.size() == 2 })

	trust := trustFor(2, "trust 2")
	if err := m.Set([]Resource{policyFor("support/tickets", 4, "policy 4"), trust}); !errors.Is(err, errRegress) {
		t.Errorf("an older revision: %v", err)
	}
	distributiontest.Eventually(t, "what was in order took effect", func() bool { return s.holds(trust) })
	if !s.holds(held) {
		t.Error("the older one took effect")
	}
	if err := m.Put(policyFor("support/tickets", 5, "policy five")); err == nil {
		t.Error("the same revision with another content was taken")
	}
}

func TestStreamsEndWithTheirToken(t *testing.T) {
	m, s := startDefault(t), newShelf()
	policy := policyFor("support/tickets", 1, "policy 1", support)
	mustSet(t, m.Server, policy)
	a := m.connect(t, support, "node-1", s)
	distributiontest.Eventually(t, "it came and was acknowledged", func() bool {
		return m.Progress(bundle.KindPolicy, "support/tickets", policy.Statement.Revision, policy.Statement.Digest).Acked == 1
	})

	t.Run("while nobody can tell, they go on", func(t *testing.T) {
		m.reviewer.change(func(r *reviewer) { r.failing = errors.New("the API server is away") })
		before := m.reviewer.count()
		distributiontest.Eventually(t, "it was reviewed", func() bool {
			m.clock.Advance(time.Minute)
			return m.reviewer.count() > before
		})
		change := policyFor("support/tickets", 2, "policy 2", support)
		mustSet(t, m.Server, change)
		distributiontest.Eventually(t, "it gets changes", func() bool {
			return s.holds(change) && m.Progress(bundle.KindPolicy, "support/tickets", change.Statement.Revision, change.Statement.Digest).Acked == 1
		})
	})
	t.Run("a deleted service account loses its stream", func(t *testing.T) {
		m.reviewer.change(func(r *reviewer) { r.failing, r.known = nil, map[string]Identity{} })
		distributiontest.Eventually(t, "it was ended", func() bool {
			m.clock.Advance(time.Minute)
			return status.Code(a.State().LastError) == codes.Unauthenticated && !a.State().Connected
		})
	})
	t.Run("one made anew under its name comes in with a new token", func(t *testing.T) {
		m.reviewer.change(func(r *reviewer) {
			r.known = map[string]Identity{tokenOf(support): {Account: support, UID: "another"}}
		})
		distributiontest.Eventually(t, "it is back", func() bool { return a.State().Connected })
	})
}

func (r *reviewer) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

func TestExpiredTokensEndStreamsEvenUnreviewed(t *testing.T) {
	m := startDefault(t)
	m.reviewer.change(func(r *reviewer) {
		r.known[tokenOf(support)] = Identity{Account: support, Expires: m.clock.Now().Add(5 * time.Minute)}
	})
	mustSet(t, m.Server)
	a := m.connect(t, support, "node-1", newShelf())
	distributiontest.Eventually(t, "it is let in", func() bool { return a.State().Connected })
	m.reviewer.change(func(r *reviewer) { r.failing = errors.New("the API server is away") })
	end := m.clock.Now().Add(5 * time.Minute)
	distributiontest.Eventually(t, "it was ended", func() bool {
		m.clock.Advance(time.Minute)
		return !a.State().Connected
	})
	if m.clock.Now().Before(end) {
		t.Error("it was ended before its token was")
	}
}

func TestTheSameInstanceHasOneStream(t *testing.T) {
	m := startDefault(t)
	mustSet(t, m.Server)
	first := m.speak(t, everywhere)
	mustSend(t, first, subscribeTo("node-1", TrustType))
	if _, err := first.Header(); err != nil {
		t.Fatal(err)
	}
	second := m.speak(t, everywhere)
	mustSend(t, second, subscribeTo("node-1", TrustType))
	if _, err := first.Recv(); status.Code(err) != codes.Aborted {
		t.Errorf("the earlier stream ended with %v", err)
	}
	if all := m.Authorizers(); len(all) != 1 || !all[0].Connected {
		t.Errorf("on the roll: %+v", all)
	}
}

func TestRequestsThatMakeNoSense(t *testing.T) {
	m := startDefault(t)
	mustSet(t, m.Server, trustFor(1, "trust 1"))
	named := subscribeTo("node-1", TrustType)
	named.ResourceNamesSubscribe = []string{"trust"}
	for sentence, request := range map[string]*discoveryv3.DeltaDiscoveryRequest{
		"a type that is not distributed":      subscribeTo("node-1", "type.googleapis.com/envoy.config.cluster.v3.Cluster"),
		"no node id":                          subscribeTo("", TrustType),
		"a node id with a line break":         subscribeTo("a\nb", TrustType),
		"a node id that is too long":          subscribeTo(strings.Repeat("n", 254), TrustType),
		"a subscription to names, not to all": named,
	} {
		t.Run(sentence, func(t *testing.T) {
			stream := m.speak(t, everywhere)
			mustSend(t, stream, request)
			if _, err := stream.Recv(); status.Code(err) != codes.InvalidArgument {
				t.Errorf("it ended with %v", err)
			}
		})
	}
	t.Run("a type twice", func(t *testing.T) {
		stream := m.speak(t, everywhere)
		mustSend(t, stream, subscribeTo("twice", TrustType))
		mustSend(t, stream, subscribeTo("twice", TrustType))
		if _, err := stream.Recv(); status.Code(err) != codes.InvalidArgument {
			t.Errorf("it ended with %v", err)
		}
	})
	t.Run("an answer to what was never sent is passed over", func(t *testing.T) {
		stream := m.speak(t, everywhere)
		mustSend(t, stream, &discoveryv3.DeltaDiscoveryRequest{Node: subscribeTo("n", "").GetNode(), TypeUrl: TrustType, ResponseNonce: "77"})
		subscribeToAll(t, stream, "n")
		if got := mustReceive(t, stream); len(got.GetResources()) != 1 {
			t.Errorf("then came %v", got)
		}
	})
}

func TestSilentPeersAreGivenUp(t *testing.T) {
	m := startDefault(t)
	stream := m.speak(t, everywhere)
	ended := make(chan error, 1)
	go func() {
		_, err := stream.Recv()
		ended <- err
	}()
	distributiontest.Eventually(t, "it was given up", func() bool {
		m.clock.Advance(time.Minute)
		select {
		case err := <-ended:
			return status.Code(err) == codes.DeadlineExceeded
		default:
			return false
		}
	})
}

func TestNoticesAreCoalesced(t *testing.T) {
	m := startDefault(t)
	notices, cancel := m.Subscribe()
	for revision := range int64(10) {
		mustSet(t, m.Server, trustFor(revision+1, strconv.FormatInt(revision, 10)))
	}
	<-notices
	select {
	case <-notices:
		t.Error("a second notice waited")
	default:
	}
	cancel()
	mustSet(t, m.Server)
	select {
	case <-notices:
		t.Error("a notice came after the subscription had ended")
	default:
	}
}
