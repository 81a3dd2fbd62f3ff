// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	artifacts "behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
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

		By("connecting it to another replica")
		again := connect(ctx, third, "at-first")
		becomes(ctx, forbid, enforced)
		Expect(decides(again)()).To(Equal("Deny policy forbidden"))
		Consistently(conditionsOf(forbid)).WithContext(ctx).WithTimeout(time.Second).Should(Equal(enforced))
	}, NodeTimeout(2*time.Minute))
})
