// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"bytes"
	"reflect"
	"testing"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/engine"
	"behalf.dev/behalf/test/reference"
)

// The laws of DESIGN section 1.
const (
	lawForbid      = "adding a Forbid never widens"
	lawRevocation  = "adding a revocation never widens"
	lawLimit       = "adding a limit never widens"
	lawPermit      = "adding a Permit never narrows"
	lawEntitlement = "adding an entitlement never narrows"
	lawDeclared    = "adding a declared scope never narrows"
	lawSupport     = "removing any leg's support denies"
	lawIssued      = "what is revoked before a time is what was issued before, and what does not say when"
	lawOrder       = "the order of objects and of list entries never matters"
	lawErrs        = "a condition that errs is not met in a Permit or an entitlement, and met in a Forbid"
	lawZero        = "the zero value of every decision type denies"
)

// laws are checked on random worlds of sound objects, on the way from objects through the compiler and the engine.
var laws = []struct {
	law   string
	holds func(*testing.T, *scene)
}{
	{lawForbid, neverWidens(func(s *scene) { s.forbid(s.someStory()) })},
	{lawRevocation, neverWidens(func(s *scene) { s.revoke(s.someStory()) })},
	{lawLimit, neverWidens((*scene).limitPermits)},
	{lawPermit, neverNarrows(func(s *scene) { s.permit(s.someStory()) })},
	{lawEntitlement, neverNarrows(func(s *scene) { s.entitle(s.someStory()) })},
	{lawDeclared, neverNarrows(func(s *scene) { s.declare(s.someStory()) })},
	{lawSupport, needsEverySupport},
	{lawIssued, revokesWhatWasIssuedBefore},
	{lawOrder, orderNeverMatters},
	{lawErrs, errorsNeverHelp},
	{lawZero, zeroDenies},
}

// TestLaws holds every law on so many worlds. TestMutants shows that each can fail.
func TestLaws(t *testing.T) {
	worlds := uint64(60)
	if testing.Short() || underRaceDetector {
		worlds = 15
	}
	for _, law := range laws {
		t.Run(law.law, func(t *testing.T) {
			for seed := range worlds {
				law.holds(t, chanceOf(seed+1, nil).soundScene())
				if t.Failed() {
					t.Fatalf("the law does not hold: %s (seed %d)", law.law, seed+1)
				}
			}
			if law.law == lawSupport && !testing.Short() && !underRaceDetector {
				assertTaken(t)
			}
		})
	}
}

// someStory is one of the world's, or another.
func (s *scene) someStory() story {
	if s.percent(70) {
		return oneOf(s.chance, s.stories...)
	}
	return s.story()
}

func neverWidens(change func(*scene)) func(*testing.T, *scene) {
	return compares(change, func(before, after bool) bool { return before || !after })
}

func neverNarrows(change func(*scene)) func(*testing.T, *scene) {
	return compares(change, func(before, after bool) bool { return after || !before })
}

// compares asks the same before and after a change, several times over.
func compares(change func(*scene), may func(before, after bool) bool) func(*testing.T, *scene) {
	return func(t *testing.T, s *scene) {
		t.Helper()
		for range 6 {
			before, trials := s.load(t), s.trials(50)
			s.world = copyOf(s.world)
			change(s)
			after := s.load(t)
			for _, one := range trials {
				if was, is := allows(before, one), allows(after, one); !may(was, is) {
					t.Errorf("allowed before: %v, after: %v\n%s%s", was, is, inYAML(s.world), inYAML(one))
					return
				}
			}
		}
	}
}

func (s *scene) load(t *testing.T) *engine.Snapshot {
	t.Helper()
	snapshot, err := load(s.world)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func (s *scene) trials(n int) []trial {
	list := make([]trial, n)
	for i := range list {
		list[i] = s.trial()
	}
	return list
}

func allows(snapshot *engine.Snapshot, t trial) bool {
	return snapshot.Decide(&t.Request, t.Now).Allowed()
}

// limitPermits gives a Permit one limit more, or makes one stricter.
func (s *scene) limitPermits() {
	l := &pick(s.chance, s.world.Policies).Spec
	if l.Effect != v1alpha1.EffectPermit {
		return
	}
	oneOf(s.chance,
		func() { l.Limits.MaxChainDepth = int32(s.between(1, int(max(1, l.Limits.MaxChainDepth)))) },
		func() { l.Limits.MaxSubjectAgeSeconds = tighter(l.Limits.MaxSubjectAgeSeconds) },
		func() { l.Limits.MaxTokenLifetimeSeconds = tighter(l.Limits.MaxTokenLifetimeSeconds) },
		func() {
			if l.RequireGrant == nil {
				l.RequireGrant = s.requireGrant()
			}
		},
	)()
}

func tighter(seconds int32) int32 {
	if seconds == 0 {
		return 120
	}
	return max(1, seconds/2)
}

// orderNeverMatters shuffles everything that is a list, and expects the same bytes and the same answers.
func orderNeverMatters(t *testing.T, s *scene) {
	t.Helper()
	before, bytesBefore, trials := s.load(t), bytesOf(t, s.world), s.trials(40)
	s.world = copyOf(s.world)
	shuffleAll(s.chance, reflect.ValueOf(&s.world).Elem())
	if after := bytesOf(t, s.world); !bytes.Equal(bytesBefore, after) {
		t.Errorf("other bytes after shuffling:\n%s\n%s", bytesBefore, after)
	}
	after := s.load(t)
	for _, one := range trials {
		if was, is := decide(before, one), decide(after, one); !reflect.DeepEqual(was, is) {
			t.Errorf("before: %s\nafter:  %s\n%s%s", describe(was), describe(is), inYAML(s.world), inYAML(one))
			return
		}
	}
}

// bytesOf is everything that a world compiles to.
func bytesOf(t *testing.T, w reference.World) []byte {
	t.Helper()
	result := compile.Compile(compilerWorld(w))
	all := [][]byte{encoded(t, result.Trust), encoded(t, result.Revocations)}
	for _, server := range w.ResourceServers { // which no law puts in two lists
		for name, policy := range result.Policies {
			if name.Namespace == server.Namespace && name.Name == server.Name {
				all = append(all, encoded(t, policy))
			}
		}
	}
	sortBytes(all)
	return bytes.Join(all, []byte("\n"))
}

func encoded[T bundle.Content](t *testing.T, content *T) []byte {
	t.Helper()
	raw, err := bundle.Encode(content)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// errorsNeverHelp adds a condition that always errs: a Permit or an entitlement is then as if it were not there, and a Forbid
// as if the condition were not.
func errorsNeverHelp(t *testing.T, s *scene) {
	t.Helper()
	s.forbid(s.someStory())
	for i, p := range s.world.Policies {
		with, without := copyOf(s.world), copyOf(s.world)
		spec := &with.Policies[i].Spec
		spec.Conditions = append(spec.Conditions, alwaysErrs)
		if p.Spec.Effect == v1alpha1.EffectPermit {
			without.Policies = append(without.Policies[:i], without.Policies[i+1:]...)
		}
		s.sameOutcomes(t, with, without)
	}
	for i := range s.world.ResourceServers {
		for k := range s.world.ResourceServers[i].Spec.Scopes {
			with, without := copyOf(s.world), copyOf(s.world)
			entitlements := &with.ResourceServers[i].Spec.Scopes[k].Entitlements
			if len(*entitlements) == 0 {
				continue
			}
			(*entitlements)[0].Conditions = append((*entitlements)[0].Conditions, alwaysErrs)
			less := &without.ResourceServers[i].Spec.Scopes[k].Entitlements
			*less = (*less)[1:]
			s.sameOutcomes(t, with, without)
		}
	}
}

// alwaysErrs reads what no request of the tests has.
var alwaysErrs = v1alpha1.Condition{Expression: "context.nobodyEverSaysThis == 'x'"}

func (s *scene) sameOutcomes(t *testing.T, with, without reference.World) {
	t.Helper()
	if t.Failed() {
		return
	}
	a, b := (&scene{world: with}).load(t), (&scene{world: without}).load(t)
	for _, one := range s.trials(25) {
		if allows(a, one) != allows(b, one) {
			t.Errorf("with the condition that errs %v, as it should be %v\n%s%s", allows(a, one), allows(b, one), inYAML(with), inYAML(one))
			return
		}
	}
}

// zeroDenies asks nothing of nobody.
func zeroDenies(t *testing.T, s *scene) {
	t.Helper()
	var decision authz.Decision
	var outcome authz.Outcome
	var nobody *engine.Snapshot
	empty, err := engine.NewSnapshot(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	request := s.trial().Request
	for what, allowed := range map[string]bool{
		"the zero decision":               decision.Allowed(),
		"the zero outcome":                outcome == authz.Allow,
		"no snapshot":                     nobody.Decide(&request, noon).Allowed(),
		"a snapshot of nothing":           empty.Decide(&request, noon).Allowed(),
		"no request":                      s.load(t).Decide(nil, noon).Allowed(),
		"the zero request":                s.load(t).Decide(&authz.Request{}, noon).Allowed(),
		"the zero answer of the model":    reference.Answer{}.Outcome == authz.Allow,
		"a condition of the zero verdict": reference.Verdict(0) == reference.Met,
	} {
		if allowed {
			t.Errorf("%s allows", what)
		}
	}
}
