// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager_test

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	artifacts "behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/manager"
	"behalf.dev/behalf/internal/snapshot"
)

// gate is a Sink that waits with each update until it may pass.
type gate struct {
	*snapshot.Store
	pass chan struct{}
}

func (g *gate) Update(changes []artifacts.Change) []error {
	<-g.pass
	return g.Store.Update(changes)
}

// heldBack connects an authorizer that enforces nothing before it is released.
func heldBack(ctx context.Context, m *running, node string) (e *enforcer, release func()) {
	g := &gate{pass: make(chan struct{})}
	e = connectThrough(ctx, m, node, func(s *snapshot.Store) distribution.Sink { g.Store = s; return g })
	return e, func() { close(g.pass) }
}

// messageNow is what a condition says at present.
func messageNow(object client.Object, condition string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		err := admin.Get(ctx, client.ObjectKeyFromObject(object), object)
		return messageOf(object, condition), err
	}
}

var _ = Describe("Three manager replicas", func() {
	// THREATS 39
	It("say of the authorizers of all of them what is enforced, and go on when the leader goes", func(ctx context.Context) {
		first := start(ctx)
		Eventually(readyz(first)).WithContext(ctx).WithTimeout(readyWithin).Should(ContainSubstring("status is written by this replica"))
		second, third := start(ctx), start(ctx)
		for _, follower := range []*running{second, third} {
			Eventually(readyz(follower)).WithContext(ctx).WithTimeout(readyWithin).Should(ContainSubstring("[+] status: reporting to "))
		}
		Expect(followers(ctx)).To(ConsistOf(HaveSuffix("/"+second.DistributionAddress()), HaveSuffix("/"+third.DistributionAddress())))
		rs := tickets()
		create(ctx, issuer(), permit(), declaration(), rs)
		a, b := connect(ctx, first, "at-first"), connect(ctx, second, "at-second")
		becomes(ctx, rs, HavePrefix("Accepted=True(Accepted) Enforced="))
		slow, release := heldBack(ctx, third, "at-third")
		for _, e := range []*enforcer{a, b} {
			Eventually(decides(e)).WithContext(ctx).Should(Equal("Allow"))
		}
		becomes(ctx, rs, "Accepted=True(Accepted) Enforced=False(Lagging) Ready=False(Lagging)")
		Eventually(messageNow(rs, "Enforced")).WithContext(ctx).Should(MatchRegexp(
			`^1 authorizer has not acknowledged revision \d+ of bundle support/tickets yet: \S+@at-third\.$`))
		Consistently(conditionsOf(rs)).WithContext(ctx).WithTimeout(nothingHappensIn).Should(ContainSubstring("Enforced=False"),
			"one that is connected to a follower and silent counts")
		release()
		becomes(ctx, rs, enforced)
		Expect(decides(slow)()).To(Equal("Allow"))
		for _, m := range []*running{first, second, third} {
			Eventually(readyz(m)).WithContext(ctx).Should(ContainSubstring("authorizers: 1 of 1 expected connected"), "each knows of those of the others")
		}

		By("stopping the leader")
		first.stop()
		a.stop()
		Eventually(func() (string, error) {
			one, err := readyz(second)()
			if err != nil {
				return "", err
			}
			other, err := readyz(third)()
			return one + other, err
		}).WithContext(ctx).WithTimeout(3 * readyWithin).Should(And(
			ContainSubstring("[+] status: others report to this replica"), ContainSubstring("[+] status: reporting to ")))
		Eventually(followers).WithContext(ctx).Should(HaveLen(1), "the lease names who reports to the next leader")
		becomes(ctx, rs, enforced)

		By("changing what the authorizer that went with it cannot have heard of")
		forbid := permit()
		forbid.Name, forbid.Spec.Effect = "no-portal", v1alpha1.EffectForbid
		create(ctx, forbid)
		for _, e := range []*enforcer{b, slow} {
			Eventually(decides(e)).WithContext(ctx).Should(Equal("Deny policy forbidden"))
		}
		Expect(decides(a)()).To(Equal("Allow"), "it goes on by what it has")
		Eventually(messageNow(forbid, "Enforced")).WithContext(ctx).WithTimeout(readyWithin).Should(MatchRegexp(
			`^1 authorizer has not acknowledged revision \d+ of bundle support/tickets yet: \S+@at-first \(gone since \S+, counts until \S+\)\.$`))
		Expect(countsFor(messageOf(forbid, "Enforced"))).To(Equal(time.Hour+distribution.Unheard), "its lease, which a replica that is not heard may have renewed")

		By("connecting it to another replica")
		again := connect(ctx, third, "at-first")
		becomes(ctx, forbid, enforced)
		Expect(decides(again)()).To(Equal("Deny policy forbidden"))
		Consistently(conditionsOf(forbid)).WithContext(ctx).WithTimeout(time.Second).Should(Equal(enforced))
	}, NodeTimeout(2*time.Minute))
})

// countsFor is how long a message says that an authorizer counts which is gone.
func countsFor(message string) time.Duration {
	var at [2]time.Time
	for i, before := range []string{"gone since ", "counts until "} {
		_, after, _ := strings.Cut(message, before)
		var err error
		at[i], err = time.Parse("15:04:05Z", after[:min(len(after), len("15:04:05Z"))])
		Expect(err).NotTo(HaveOccurred(), message)
	}
	return (at[1].Sub(at[0]) + 24*time.Hour) % (24 * time.Hour)
}

// lease is that of the election.
func lease(ctx context.Context) *coordinationv1.Lease {
	var lease coordinationv1.Lease
	Expect(admin.Get(ctx, client.ObjectKey{Namespace: system, Name: "behalf-manager"}, &lease)).To(Succeed())
	return &lease
}

// followers are the replicas that the lease says to report to its holder.
func followers(ctx context.Context) (names []string) {
	text := lease(ctx).Annotations["behalf.dev/followers"]
	if text != "" {
		Expect(json.Unmarshal([]byte(text), &names)).To(Succeed())
	}
	return names
}

var _ = Describe("A manager that starts while the lease is held by one that crashed", func() {
	// crashed has the lease held by one that ran at the address and left everything enforced.
	crashed := func(ctx context.Context, address func(former string) string) (at, holder string) {
		former := start(ctx)
		create(ctx, issuer(), permit(), declaration(), tickets())
		first := connect(ctx, former, "first")
		becomes(ctx, tickets(), enforced)
		first.stop()
		former.stop()
		at = former.DistributionAddress()
		l := lease(ctx)
		l.Spec.HolderIdentity = new("crashed_1/" + address(at))
		l.Spec.LeaseDurationSeconds = new(int32(10))
		l.Spec.RenewTime = new(metav1.NowMicro())
		Expect(admin.Update(ctx, l)).To(Succeed())
		return at, *l.Spec.HolderIdentity
	}
	here := func(address string) func(*manager.Options) {
		return func(o *manager.Options) { o.DistributionAddress = address }
	}

	It("serves at once where that one ran, and is written down before", func(ctx context.Context) {
		at, holder := crashed(ctx, func(former string) string { return former })
		next := start(ctx, here(at))
		fresh := connect(ctx, next, "fresh")
		Eventually(decides(fresh)).WithContext(ctx).Should(Equal("Allow"))
		Expect(followers(ctx)).To(ConsistOf(HaveSuffix("/" + at)))
		Expect(*lease(ctx).Spec.HolderIdentity).To(Equal(holder), "nobody leads yet")
		becomes(ctx, tickets(), enforced)
		Eventually(readyz(next)).WithContext(ctx).WithTimeout(3 * readyWithin).Should(And(
			ContainSubstring("status is written by this replica"), Not(ContainSubstring("status waits"))))
	}, NodeTimeout(2*time.Minute))

	// THREATS 39
	It("gives nothing to decide by where another one may serve still, until it leads itself", func(ctx context.Context) {
		at, holder := crashed(ctx, func(string) string { return "127.0.0.1:1" })
		fresh := connect(ctx, start(ctx, here(at)), "fresh")
		Eventually(decides(fresh)).WithContext(ctx).WithTimeout(3 * readyWithin).Should(Equal("Allow"))
		Expect(*lease(ctx).Spec.HolderIdentity).NotTo(Equal(holder))
	}, NodeTimeout(2*time.Minute))
})
