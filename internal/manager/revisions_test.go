// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/bundle"
)

var _ = Describe("Replicas of a manager", func() {
	// THREATS 39
	It("serve the same revisions, lose no change and go back nowhere, though the leader goes", func(ctx context.Context) {
		replicas := []*running{start(ctx), start(ctx), start(ctx)}
		rs := tickets()
		create(ctx, issuer(), permit(), declaration(), rs)
		var enforcers []*enforcer
		for i, m := range replicas {
			e := connect(ctx, m, fmt.Sprint("node-", i))
			Eventually(decides(e)).Should(Equal("Allow"))
			enforcers = append(enforcers, e)
		}
		Expect(agree(enforcers)()).To(Succeed())

		highest := map[string]int64{}
		for turn := range 40 {
			change(ctx, rs, func(rs *v1alpha1.ResourceServer) {
				rs.Spec.Scopes[0].Entitlements[0].Conditions[0].Expression = fmt.Sprintf("resource.properties.owner == subject.id && %d > 0", turn+1)
			})
			for i, e := range enforcers {
				for name, revision := range revisions(e) {
					at := fmt.Sprint(i, " ", name)
					Expect(revision).To(BeNumerically(">=", highest[at]), at)
					highest[at] = revision
				}
			}
			if turn == 20 {
				leader := leaderOf(replicas)
				replicas[leader].stop()
				enforcers[leader].stop()
				replicas, enforcers = slices.Delete(replicas, leader, leader+1), slices.Delete(enforcers, leader, leader+1)
				highest = map[string]int64{}
			}
		}
		change(ctx, rs, func(rs *v1alpha1.ResourceServer) {
			rs.Spec.Scopes[0].Entitlements[0].Conditions[0].Expression = "resource.properties.owner == 'nobody'"
		})
		for _, e := range enforcers {
			Eventually(decides(e)).Should(Equal("Deny subject not_entitled"))
		}
		Eventually(agree(enforcers)).Should(Succeed())
		Eventually(func(ctx context.Context) (int64, error) {
			err := admin.Get(ctx, client.ObjectKeyFromObject(rs), rs)
			return rs.Status.Bundle.Revision, err
		}).WithContext(ctx).Should(Equal(revisions(enforcers[0])["Policy support/tickets"]))
	})
})

// agree says whether authorizers of different replicas hold the same bundles, under the same revisions but for the list of
// revocations, which every replica numbers by what it sees.
func agree(enforcers []*enforcer) func() error {
	held := func(e *enforcer) string {
		var lines []string
		for _, s := range e.Held() {
			if s.Kind == bundle.KindRevocations {
				s.Revision = 0
			}
			lines = append(lines, fmt.Sprint(s.Kind, s.Name, s.Revision, s.Digest))
		}
		return strings.Join(lines, ", ")
	}
	return func() error {
		want := held(enforcers[0])
		for _, e := range enforcers[1:] {
			if got := held(e); got != want {
				return fmt.Errorf("one holds %s, another %s", want, got)
			}
		}
		return nil
	}
}

func leaderOf(replicas []*running) int {
	var leader int
	Eventually(func() bool {
		for i, m := range replicas {
			if said, err := readyz(m)(); err == nil && strings.Contains(said, "status is written by this replica") {
				leader = i
				return true
			}
		}
		return false
	}).Should(BeTrue())
	return leader
}
