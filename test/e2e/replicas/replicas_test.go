// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package replicas holds three replicas of the manager, as real processes, to losing and reordering nothing when one of them
// goes.
package replicas

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/audit"
	"behalf.dev/behalf/test/cluster"
	"behalf.dev/behalf/test/scenes"
	"behalf.dev/behalf/test/stack"
)

var binaries = flag.String("binaries", "../../../bin", "folder with manager, authorizer and issuer, as make build leaves them")

func TestReplicas(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a control plane and built binaries; run make test")
	}
	RegisterFailHandler(Fail)
	RunSpecs(t, "Replicas of the manager")
}

const (
	policies = 10
	changes  = 200
)

var (
	dir string
	s   *stack.Stack
)

var _ = BeforeSuite(func(ctx SpecContext) {
	dir = GinkgoT().TempDir()
	s = startStack(ctx)
}, NodeTimeout(5*time.Minute))

// THREATS 39, 44
var _ = It("loses none of 200 changes in the middle of which the leader is killed, and no revision goes back", func(ctx SpecContext) {
	for i := range policies {
		Expect(s.Admin.Create(ctx, nobodyMay(i))).To(Succeed())
	}
	asking, stop := context.WithCancel(ctx)
	DeferCleanup(stop)
	for i := range changes {
		if i == changes/2 {
			leader, err := s.Leader(ctx)
			Expect(err).NotTo(HaveOccurred())
			leader.Kill()
		}
		Expect(revise(ctx, i)).To(Succeed())
		if i%5 == 0 {
			ask(asking)
		}
	}
	for i := range policies {
		Expect(s.AwaitEnforced(ctx, nobodyMay(i))).To(Succeed())
	}
	var servers v1alpha1.ResourceServerList
	Expect(s.Admin.List(ctx, &servers)).To(Succeed())
	for i := range servers.Items {
		Expect(s.AwaitEnforced(ctx, &servers.Items[i])).To(Succeed())
	}
	ask(ctx)
	for _, a := range s.Authorizers {
		Expect(revisionsIn(filepath.Join(dir, a.Name+".decisions.jsonl"))).To(BeNumerically(">", 1),
			"%s decided by one revision only: nothing changed while it was asked", a.Name)
	}
}, SpecTimeout(5*time.Minute))

// THREATS 39: a replica that the leader does not hear of gives its authorizers up to those that it does.
var _ = It("counts every authorizer when no replica reaches the leader any more", func(ctx SpecContext) {
	leader, err := s.Leader(ctx)
	Expect(err).NotTo(HaveOccurred())
	leader.Part()
	for _, m := range s.Managers {
		if m == leader || !m.Running() {
			continue
		}
		Eventually(readyz(m)).WithContext(ctx).WithTimeout(time.Minute).Should(
			ContainSubstring("[-] status: not yet reporting to "), "it says that it serves nobody")
	}
	Eventually(readyz(leader)).WithContext(ctx).WithTimeout(time.Minute).Should(ContainSubstring("authorizers: 2 of 2 expected connected"))
	forbid := nobodyMay(policies)
	Expect(s.Admin.Create(ctx, forbid)).To(Succeed())
	Expect(s.AwaitEnforced(ctx, forbid)).To(Succeed())
	ask(ctx)
}, SpecTimeout(5*time.Minute))

// THREATS 38
var _ = It("gives nothing to an authorizer whose service account nobody named", func(ctx SpecContext) {
	stranger, err := s.StartAuthorizer(ctx, "authorizer-x")
	Expect(err).NotTo(HaveOccurred())
	defer stranger.Kill()
	Eventually(func() (string, error) { return stranger.Metrics(ctx) }).WithContext(ctx).Should(ContainSubstring("behalf_manager_connected 1\n"))
	question := scenes.Questions()[0]
	Consistently(func(g Gomega) {
		answer, err := s.AskOne(ctx, stranger, question)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(answer.Allowed).To(BeFalse())
		g.Expect(answer.Reason).To(Equal("stale_bundle"))
	}).WithContext(ctx).WithTimeout(2 * time.Second).Should(Succeed())
	held, err := filepath.Glob(filepath.Join(stranger.StateDir, "*"))
	Expect(err).NotTo(HaveOccurred())
	for _, file := range held {
		content, err := os.ReadFile(file)
		if err == nil {
			Expect(string(content)).NotTo(ContainSubstring("tickets"), file)
		}
	}
}, SpecTimeout(time.Minute))

func readyz(m *stack.Manager) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		_, body, err := cluster.Get(ctx, "http://"+m.Health+"/readyz")
		return body, err
	}
}

func startStack(ctx context.Context) *stack.Stack {
	repository, err := filepath.Abs("../../..")
	Expect(err).NotTo(HaveOccurred())
	bin, err := filepath.Abs(*binaries)
	Expect(err).NotTo(HaveOccurred())
	s, err := stack.Start(ctx, stack.Options{Binaries: bin, Repository: repository, Dir: dir, Progress: GinkgoWriter, Replicas: 3})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(s.Stop)
	Expect(scenes.Setup(ctx, s)).To(Succeed())
	return s
}

// nobodyMay is a Forbid that is part of every bundle with the scope, and forbids a group that nobody is in.
func nobodyMay(i int) *v1alpha1.DelegationPolicy {
	return &v1alpha1.DelegationPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("nobody-%d", i)},
		Spec: v1alpha1.DelegationPolicySpec{
			Effect:    v1alpha1.EffectForbid,
			Actors:    []v1alpha1.ActorSelector{{Namespace: "support", ServiceAccount: "portal"}},
			Subjects:  []v1alpha1.SubjectSelector{{Issuer: "corp", Groups: []v1alpha1.GroupName{"nobody"}}},
			Audiences: []v1alpha1.AudienceScopePatterns{{Audience: "https://tickets.example", Scopes: []v1alpha1.ScopePattern{"tickets:*"}}},
		},
	}
}

func revise(ctx context.Context, i int) error {
	patch := fmt.Sprintf(`{"spec":{"subjects":[{"issuer":"corp","groups":["nobody-%d"]}]}}`, i)
	return s.Admin.Patch(ctx, nobodyMay(i%policies), client.RawPatch(types.MergePatchType, []byte(patch)))
}

// ask puts every everyday question to both authorizers: whatever changes, their answers stay.
func ask(ctx context.Context) {
	for _, scene := range scenes.All() {
		for _, asked := range scene.Questions {
			for _, a := range s.Authorizers {
				answer, err := s.AskOne(ctx, a, asked.Question)
				Expect(err).NotTo(HaveOccurred())
				Expect(scenes.Expectation{Allow: answer.Allowed, Leg: answer.Leg, Reason: answer.Reason}).To(Equal(asked.Want), asked.Title)
			}
		}
	}
}

// revisionsIn counts the revisions of bundles that decisions rest on, and fails where one goes back.
func revisionsIn(log string) int {
	file, err := os.Open(log)
	Expect(err).NotTo(HaveOccurred())
	defer file.Close()
	last, seen := map[string]int64{}, map[int64]bool{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var record audit.Record
		Expect(json.Unmarshal(lines.Bytes(), &record)).To(Succeed())
		if record.ResourceServer == "" {
			continue
		}
		Expect(record.Revision).To(BeNumerically(">=", last[record.ResourceServer]), "%s: %s", log, lines.Text())
		last[record.ResourceServer], seen[record.Revision] = record.Revision, true
	}
	Expect(lines.Err()).NotTo(HaveOccurred())
	return len(seen)
}
