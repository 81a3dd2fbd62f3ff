// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
)

// changesEach is how many changes each sequence has, after those that make up the World to begin with; sequences depends on
// whether the race detector runs.
const changesEach, changesBefore = 12, 24

func compareText(a, b string) int { return strings.Compare(a, b) }

// A Compiler that was told of changes stands where a compilation of the same World from nothing stands, after each of them,
// and what it says has changed is all that has (THREATS 44: a change is never lost).
func TestACompilerStandsWhereACompilationFromNothingDoes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(sequences) {
		s := newShifting(seed)
		c, m := compile.NewCompiler(), newMirror()
		var log sayings
		for step := range changesBefore + changesEach {
			log = append(log, s.change(c))
			if step < changesBefore-1 || step >= changesBefore && s.IntN(4) == 0 { // several at a time
				continue
			}
			before := c.Result()
			delta := c.Compile()
			want := compile.Compile(s.world())
			for key, report := range want.Reports {
				if got, ok := c.Report(key); !ok || !reflect.DeepEqual(got, report) {
					t.Fatalf("seed %d, step %d: of %v it reports\n%+v\nwant\n%+v", seed, step, key, got, report)
				}
			}
			if got := c.Result(); !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, step %d: after\n%s\nit stands at\n%s\nand from nothing\n%s", seed, step, log, asJSON(got), asJSON(want))
			}
			if wrong := m.apply(delta, c, before, want); wrong != "" {
				t.Fatalf("seed %d, step %d: after\n%s\n%s in\n%+v", seed, step, log, wrong, delta)
			}
		}
	}
}

type sayings []said

// String is one line each.
func (s sayings) String() string {
	var out strings.Builder
	for _, one := range s {
		fmt.Fprintln(&out, one)
	}
	return out.String()
}

// mirror is what a reader of Deltas alone comes to know.
type mirror struct {
	policies    map[types.NamespacedName]*bundle.Policy
	trust       *bundle.Trust
	revocations *bundle.Revocations
	reports     map[compile.Key]compile.Report
	problems    map[compile.Key][]compile.Problem
}

func newMirror() *mirror {
	return &mirror{
		policies: map[types.NamespacedName]*bundle.Policy{}, reports: map[compile.Key]compile.Report{},
		problems: map[compile.Key][]compile.Problem{},
	}
}

// apply takes in a Delta, and says what is wrong with it: that it leaves something out, or has something that is as before.
func (m *mirror) apply(d *compile.Delta, c *compile.Compiler, before, want *compile.Result) string {
	wrong := m.repeats(d, c, before)
	m.hear(d, c)
	if wrong == "" {
		wrong = m.compare(want)
	}
	return wrong
}

// repeats says what a Delta has that is as before.
func (m *mirror) repeats(d *compile.Delta, c *compile.Compiler, before *compile.Result) string {
	for name, p := range d.Policies {
		if reflect.DeepEqual(before.Policies[name], p) {
			return "the bundle " + name.String() + " is no other than before"
		}
	}
	if d.Trust != nil && reflect.DeepEqual(m.trust, d.Trust) {
		return "the trust bundle is no other than before"
	}
	if d.Revocations && reflect.DeepEqual(m.revocations, c.Revocations()) {
		return "the revocation list is no other than before"
	}
	for key, report := range d.Reports {
		if known, ok := m.reports[key]; ok && reflect.DeepEqual(known, report) && slices.Equal(m.problems[key], d.Problems[key]) {
			return "nothing else is said of " + key.Kind + " " + key.Name
		}
	}
	for key := range d.Gone {
		if _, known := m.reports[key]; !known {
			return key.Kind + " " + key.Name + " is gone and was never there"
		}
	}
	return ""
}

func (m *mirror) hear(d *compile.Delta, c *compile.Compiler) {
	for name, p := range d.Policies {
		if p == nil {
			delete(m.policies, name)
		} else {
			m.policies[name] = p
		}
	}
	if d.Trust != nil {
		m.trust = d.Trust
	}
	if d.Revocations {
		m.revocations = c.Revocations()
	}
	for key, report := range d.Reports {
		m.reports[key], m.problems[key] = report, nil
	}
	maps.Copy(m.problems, d.Problems)
	for key := range d.Gone {
		delete(m.reports, key)
		delete(m.problems, key)
	}
}

func (m *mirror) compare(want *compile.Result) string {
	count := 0
	for key, problems := range m.problems {
		count += len(problems)
		if !slices.Equal(problems, want.ProblemsOf(key)) {
			return "other problems of " + key.Kind + " " + key.Name
		}
	}
	switch {
	case count != len(want.Problems):
		return "problems are left out"
	case !reflect.DeepEqual(m.policies, want.Policies):
		return "bundles are left out"
	case !reflect.DeepEqual(m.trust, want.Trust):
		return "the trust bundle is left out"
	case !reflect.DeepEqual(m.revocations, want.Revocations):
		return "the revocation list is left out"
	case !reflect.DeepEqual(m.reports, want.Reports):
		return "reports are left out"
	default:
		return ""
	}
}

// What makes an object invalid and changes nothing else that it says still takes it out of its bundle, and what mends it puts
// it back, even where the API server counts generations again.
func TestBecomingInvalidReachesTheBundle(t *testing.T) {
	w := soundWorld(t)
	c := compile.NewCompiler()
	putWorld(c, w)
	c.Compile()
	tickets := types.NamespacedName{Namespace: "support", Name: "tickets"}
	if rules := c.Result().Policies[tickets].Rules; len(rules) != 1 {
		t.Fatalf("%d rules at first", len(rules))
	}
	invalid := w.Policies[0].DeepCopy()
	invalid.Spec.Enforcement.Until = new(metav1.NewTime(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)))
	compile.Put(c, invalid)
	c.Compile()
	if rules := c.Result().Policies[tickets].Rules; len(rules) != 0 {
		t.Errorf("%d rules of a Permit that is not accepted", len(rules))
	}
	compile.Put(c, &w.Policies[0])
	c.Compile()
	if rules := c.Result().Policies[tickets].Rules; len(rules) != 1 {
		t.Errorf("%d rules once it is mended", len(rules))
	}
}

// A host that its holder gave up is free as soon as the holder is acceptable again, though it claims what it claimed before.
func TestAMendedServerGivesUpWhatItNoLongerNames(t *testing.T) {
	server := func(name string, change func(*v1alpha1.ResourceServerSpec)) *v1alpha1.ResourceServer {
		rs := soundWorld(t).ResourceServers[0]
		rs.Name, rs.UID, rs.Spec.Audience = name, types.UID(name), v1alpha1.Audience("https://"+name+".example")
		change(&rs.Spec)
		return &rs
	}
	before := server("giver", func(s *v1alpha1.ResourceServerSpec) { s.Hosts = []string{"kept.example", "given.example"} })
	broken := server("giver", func(s *v1alpha1.ResourceServerSpec) {
		s.Hosts, s.Enforcement.Mode = []string{"kept.example"}, v1alpha1.EnforcementDryRun // without an end
	})
	mended := server("giver", func(s *v1alpha1.ResourceServerSpec) { s.Hosts = []string{"kept.example"} })
	taker := server("taker", func(s *v1alpha1.ResourceServerSpec) { s.Hosts = []string{"given.example"} })
	c := compile.NewCompiler()
	c.PutLastAccepted(types.NamespacedName{Namespace: "support", Name: "giver"}, before)
	compile.Put(c, broken)
	compile.Put(c, taker)
	c.Compile()
	accepted := func() bool {
		report, _ := c.Report(compile.Key{Kind: compile.KindResourceServer, Namespace: "support", Name: "taker"})
		return report.Accepted
	}
	if accepted() {
		t.Error("the host was taken while its holder had something to mend")
	}
	compile.Put(c, mended)
	c.Compile()
	if !accepted() {
		t.Error("the host is not free though its holder gave it up")
	}
}

// THREATS 12: what was accepted of a resource server does not stand in for one made anew under its name, be it the same to
// the letter.
func TestNothingStandsInForAServerMadeAnew(t *testing.T) {
	accepted := soundWorld(t).ResourceServers[0]
	accepted.UID = "u"
	broken := accepted.DeepCopy()
	broken.Spec.Enforcement.Mode = v1alpha1.EnforcementDryRun // without an end
	anew := broken.DeepCopy()
	anew.UID = "v"
	name := types.NamespacedName{Namespace: "support", Name: "tickets"}
	c := compile.NewCompiler()
	c.PutLastAccepted(name, &accepted)
	compile.Put(c, broken)
	c.Compile()
	if c.Result().Policies[name] == nil {
		t.Error("what was accepted does not stand in")
	}
	compile.Put(c, anew)
	c.Compile()
	if c.Result().Policies[name] != nil {
		t.Error("what was accepted of another one stands in")
	}
}

func TestNothingIsReportedOfWhatIsNotThere(t *testing.T) {
	c := compile.NewCompiler()
	key := compile.Key{Kind: compile.KindDelegationPolicy, Name: "p"}
	p := soundWorld(t).Policies[0]
	p.Name = "p"
	expect := func(sentence string, want bool) {
		t.Helper()
		if report, got := c.Report(key); got != want || !want && !reflect.DeepEqual(report, compile.Report{}) {
			t.Errorf("%s: %+v, %v", sentence, report, got)
		}
	}
	expect("before it was put", false)
	compile.Put(c, &p)
	expect("before it was compiled", false)
	c.Compile()
	expect("once it was compiled", true)
	c.Remove(key)
	c.Compile()
	expect("once it is gone", false)
}

// What is the same is the same value, so that whoever has encoded a bundle need not look into it again.
func TestABundleThatStaysIsTheSameValue(t *testing.T) {
	t.Parallel()
	for seed := range uint64(sequences / 4) {
		s := newShifting(seed)
		c := compile.NewCompiler()
		for range changesBefore {
			s.change(c)
		}
		c.Compile()
		before := c.Result()
		for range changesEach {
			said := s.change(c)
			c.Compile()
			after := c.Result()
			for name, p := range after.Policies {
				if old := before.Policies[name]; old != p && reflect.DeepEqual(old, p) {
					t.Fatalf("seed %d: the bundle of %s was made anew by %s", seed, name, said)
				}
			}
			if before.Trust != after.Trust && reflect.DeepEqual(before.Trust, after.Trust) {
				t.Fatalf("seed %d: the trust bundle was made anew by %s", seed, said)
			}
			if before.Revocations != after.Revocations && reflect.DeepEqual(before.Revocations, after.Revocations) {
				t.Fatalf("seed %d: the revocation list was made anew by %s", seed, said)
			}
			before = after
		}
	}
}

// What a Compiler is told twice it passes over, be it the same value or another that says the same.
func TestWhatIsPutAgainChangesNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(sequences / 20) {
		s := newShifting(seed)
		c := compile.NewCompiler()
		for range changesBefore {
			s.change(c)
		}
		c.Compile()
		for _, again := range []compile.World{s.world(), *deepCopy(s.world())} {
			putWorld(c, again)
			if d := c.Compile(); !reflect.DeepEqual(d, compile.NewDelta()) {
				t.Fatalf("seed %d: %+v", seed, d)
			}
		}
	}
}

// Deltas that nobody read in time can be joined and read later: whoever reads them so comes to know the same.
func TestDeltasCanBeJoined(t *testing.T) {
	t.Parallel()
	for seed := range uint64(sequences / 8) {
		s := newShifting(seed)
		c, m, pending := compile.NewCompiler(), newMirror(), compile.NewDelta()
		for range 3 * changesEach {
			s.change(c)
			pending.Join(c.Compile())
			if s.often() {
				continue
			}
			m.hear(pending, c)
			pending = compile.NewDelta()
		}
		m.hear(pending, c)
		if wrong := m.compare(c.Result()); wrong != "" {
			t.Fatalf("seed %d: %s", seed, wrong)
		}
	}
}

// Judge may be called beside Judge. There is something to find here for the race detector alone.
func TestJudgesDoNotMeet(t *testing.T) {
	t.Parallel()
	s := newShifting(1)
	c := compile.NewCompiler()
	for range 4 * changesBefore {
		s.change(c)
	}
	c.Compile()
	var judging sync.WaitGroup
	for seed := range uint64(4) {
		judging.Go(func() {
			other := newShifting(seed)
			for range 50 {
				other.judge(c)
			}
		})
	}
	judging.Wait()
}

// The order in which a Compiler is told, and where Compile falls, do not matter.
func TestTheOrderOfTellingNeverMatters(t *testing.T) {
	t.Parallel()
	for seed := range uint64(sequences / 20) {
		s := newShifting(seed)
		for range 2 * changesBefore {
			s.change(compile.NewCompiler())
		}
		want := compile.Compile(s.world())
		for range 5 {
			c := compile.NewCompiler()
			tell := tellings(c, s.world())
			s.Shuffle(len(tell), func(i, k int) { tell[i], tell[k] = tell[k], tell[i] })
			for _, one := range tell {
				one()
				if s.seldom() {
					c.Compile()
				}
			}
			c.Compile()
			if got := c.Result(); !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d: it stands at\n%s\nand all at once\n%s", seed, asJSON(got), asJSON(want))
			}
		}
	}
}

// Judge says of an object what is said once it was put, and changes nothing.
func TestJudgeSaysWhatWouldBeSaid(t *testing.T) {
	t.Parallel()
	for seed := range uint64(sequences / 2) {
		s := newShifting(seed)
		c := compile.NewCompiler()
		for range changesBefore {
			s.change(c)
		}
		c.Compile()
		before := c.Result()
		key, report, problems := s.judge(c)
		if after := c.Result(); !reflect.DeepEqual(c.Compile(), compile.NewDelta()) || !reflect.DeepEqual(before, after) {
			t.Fatalf("seed %d: judging %v changed something", seed, key)
		}
		want := compile.Compile(s.world())
		if !reflect.DeepEqual(report, want.Reports[key]) || !slices.Equal(problems, want.ProblemsOf(key)) {
			t.Fatalf("seed %d: of %v is judged\n%+v\n%v\nand said\n%+v\n%v", seed, key, report, problems, want.Reports[key], want.ProblemsOf(key))
		}
	}
}

// judge has an object judged that it then puts.
func (s *shifting) judge(c *compile.Compiler) (key compile.Key, report compile.Report, problems []compile.Problem) {
	switch s.IntN(6) {
	case 0:
		return judgeAndPut(c, s.servers, compile.KindResourceServer, s.resourceServer("blue", "rs1"))
	case 1:
		return judgeAndPut(c, s.policies, compile.KindDelegationPolicy, s.policy("", "p1"))
	case 2:
		return judgeAndPut(c, s.delegations, compile.KindServiceDelegation, s.serviceDelegation("red", "d1"))
	case 3:
		return judgeAndPut(c, s.issuers, compile.KindTrustedIssuer, s.trustedIssuer("", "partner"))
	case 4:
		return judgeAndPut(c, s.grants, compile.KindDelegationGrant, s.delegationGrant("red", "g1"))
	default:
		return judgeAndPut(c, s.revocations, compile.KindDelegationRevocation, s.delegationRevocation("", "r1"))
	}
}

func judgeAndPut[T compile.Reported](c *compile.Compiler, in map[compile.Key]*T, kind string, o *T) (key compile.Key, report compile.Report, problems []compile.Problem) {
	report, problems = compile.Judge(c, o)
	key = compile.Key{Kind: kind, Namespace: report.Object.Namespace, Name: report.Object.Name}
	in[key] = o
	return key, report, problems
}

// tellings are what a World is made of, each to be told by itself.
func tellings(c *compile.Compiler, w compile.World) []func() {
	var tell []func()
	tell = append(tell, func() { c.PutCluster(w.Cluster) })
	tell = append(tell, puts(c, w.ResourceServers)...)
	tell = append(tell, puts(c, w.Policies)...)
	tell = append(tell, puts(c, w.ServiceDelegations)...)
	tell = append(tell, puts(c, w.Issuers)...)
	tell = append(tell, puts(c, w.Grants)...)
	tell = append(tell, puts(c, w.Revocations)...)
	tell = append(tell, puts(c, w.Namespaces)...)
	tell = append(tell, puts(c, w.ServiceAccounts)...)
	for name, jwks := range maps.All(w.IssuerKeys) {
		tell = append(tell, func() { c.PutIssuerKeys(name, jwks) })
	}
	for name, rs := range maps.All(w.LastAccepted) {
		tell = append(tell, func() { c.PutLastAccepted(name, &rs) })
	}
	return tell
}

func puts[T compile.Object](c *compile.Compiler, objects []T) []func() {
	var tell []func()
	for i := range objects {
		tell = append(tell, func() { compile.Put(c, &objects[i]) })
	}
	return tell
}

func putWorld(c *compile.Compiler, w compile.World) {
	for _, tell := range tellings(c, w) {
		tell()
	}
}

func deepCopy(w compile.World) *compile.World {
	out := w
	out.ResourceServers = copied(w.ResourceServers)
	out.Policies = copied(w.Policies)
	out.ServiceDelegations = copied(w.ServiceDelegations)
	out.Issuers = copied(w.Issuers)
	out.Grants = copied(w.Grants)
	out.Revocations = copied(w.Revocations)
	return &out
}

func copied[T any, P interface {
	*T
	DeepCopy() *T
}](objects []T) []T {
	var out []T
	for i := range objects {
		out = append(out, *P(&objects[i]).DeepCopy())
	}
	return out
}
