// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/issuerkeys"
	"behalf.dev/behalf/test/worlds"
)

// shelf is a distributor that keeps what it is handed, unless it fails.
type shelf struct {
	fakeDistributor
	fails bool
	held  map[string]distribution.Resource
}

func (s *shelf) Set(resources []distribution.Resource) error {
	if s.fails {
		return errors.New("the shelf is full")
	}
	s.held = map[string]distribution.Resource{}
	for _, r := range resources {
		s.held[r.Statement.Name] = r
	}
	return nil
}

// publishing is a Publisher without a cache, told by the test itself.
func publishing(tb testing.TB) (*Publisher, *shelf) {
	tb.Helper()
	d := &shelf{}
	key := NewSigningKey(nil, "behalf-system", logr.Discard(), func() {})
	key.current.Store(&keyOne)
	p, err := NewPublisher(Options{Key: key, Issuers: issuerkeys.NewFetcher(issuerkeys.Options{}), Distributor: d, Register: &notebook{}})
	if err != nil {
		tb.Fatal(err)
	}
	p.Lead(now.Add(-time.Hour))
	return p, d
}

func (p *Publisher) tell(objects map[compile.Key]client.Object) {
	for key, o := range objects {
		p.intake.put(key, o, time.Time{})
	}
}

func (p *Publisher) must(tb testing.TB) {
	tb.Helper()
	if err := p.publish(tb.Context(), now); err != nil {
		tb.Fatal(err)
	}
}

// watchedIn are the objects of a world as a cache would tell of them.
func watchedIn(w compile.World) map[compile.Key]client.Object {
	out := map[compile.Key]client.Object{}
	add(out, compile.KindResourceServer, w.ResourceServers)
	add(out, compile.KindDelegationPolicy, w.Policies)
	add(out, compile.KindServiceDelegation, w.ServiceDelegations)
	add(out, compile.KindTrustedIssuer, w.Issuers)
	add(out, compile.KindDelegationGrant, w.Grants)
	add(out, compile.KindDelegationRevocation, w.Revocations)
	for _, ns := range w.Namespaces {
		o := kinds[compile.KindNamespace].object.DeepCopyObject().(client.Object)
		o.SetName(ns.Name)
		o.SetLabels(ns.Labels)
		out[compile.Key{Kind: compile.KindNamespace, Name: ns.Name}] = o
	}
	for _, sa := range w.ServiceAccounts {
		o := kinds[compile.KindServiceAccount].object.DeepCopyObject().(client.Object)
		o.SetNamespace(sa.Namespace)
		o.SetName(sa.Name)
		o.SetUID(types.UID(sa.UID))
		out[compile.Key{Kind: compile.KindServiceAccount, Namespace: sa.Namespace, Name: sa.Name}] = o
	}
	return out
}

func add[T any, P interface {
	*T
	client.Object
}](to map[compile.Key]client.Object, kind string, objects []T) {
	for i := range objects {
		o := P(&objects[i])
		to[compile.Key{Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName()}] = o
	}
}

// small is a world in which every kind has a few.
func small() map[compile.Key]client.Object {
	return watchedIn(worlds.Sized(40, 4, 12, worlds.Everything))
}

func TestOnlyWhatChangedIsEncodedAndSignedAnew(t *testing.T) {
	p, d := publishing(t)
	world := small()
	p.tell(world)
	p.must(t)
	before, encodedBefore := d.held, maps.Clone(p.contents)

	changed := someDelegation(world, "api-0001")
	changed.Generation, changed.Spec.Audiences[0].Scopes = 2, changed.Spec.Audiences[0].Scopes[1:]
	p.tell(map[compile.Key]client.Object{keyFor(compile.KindServiceDelegation, changed): changed})
	p.must(t)
	for name, r := range d.held {
		key := keyOf(name)
		same := &p.contents[key].raw[0] == &encodedBefore[key].raw[0]
		if want := name != "api-0001/api"; same != want || (r.Statement == before[name].Statement) != want {
			t.Errorf("%s: encoded once %v, statement %+v after %+v", name, same, r.Statement, before[name].Statement)
		}
	}
}

// someDelegation is a copy of one that concerns one resource server only, and hands on to nobody.
func someDelegation(world map[compile.Key]client.Object, host string) *v1alpha1.ServiceDelegation {
	for _, key := range slices.SortedFunc(maps.Keys(world), func(a, b compile.Key) int { return strings.Compare(a.Name, b.Name) }) {
		d, ok := world[key].(*v1alpha1.ServiceDelegation)
		if ok && len(d.Spec.Audiences) == 1 && len(d.Spec.Onward) == 0 && strings.Contains(string(d.Spec.Audiences[0].Audience), host) {
			return d.DeepCopy()
		}
	}
	return nil
}

func keyFor(kind string, o client.Object) compile.Key {
	return compile.Key{Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName()}
}

func TestNothingIsSignedWithoutAKey(t *testing.T) {
	p, d := publishing(t)
	p.options.Key.current.Store(nil)
	p.tell(small())
	if err := p.publish(t.Context(), now); err == nil || d.held != nil {
		t.Errorf("error %v, and %d bundles are out", err, len(d.held))
	}
	p.options.Key.current.Store(new(keyOne))
	p.must(t)
	if len(d.held) != 6 || p.String() == "nothing published yet" {
		t.Errorf("%d bundles are out, and it says %q", len(d.held), p)
	}
}

func TestTheAuthorizersOfTheFormInForceGetTheBundle(t *testing.T) {
	p, d := publishing(t)
	world := small()
	key := compile.Key{Kind: compile.KindResourceServer, Namespace: "api-0000", Name: "api"}
	name := "api-0000/api"
	put := func(change func(*v1alpha1.ResourceServer)) {
		rs := world[key].(*v1alpha1.ResourceServer).DeepCopy()
		change(rs)
		rs.Generation++
		world[key] = rs
		p.tell(map[compile.Key]client.Object{key: rs})
		p.must(t)
	}
	allowing := func(account v1alpha1.ServiceAccountName) func(*v1alpha1.ResourceServer) {
		return func(rs *v1alpha1.ResourceServer) {
			rs.Spec.Authorizers = []v1alpha1.ServiceAccountReference{{Namespace: "gate", ServiceAccount: account}}
		}
	}
	expect := func(sentence, account string) {
		t.Helper()
		want := []authz.Actor{{Namespace: "gate", ServiceAccount: account}}
		if got := d.held[name].Authorizers; !slices.Equal(got, want) {
			t.Errorf("%s: the bundle goes to %v", sentence, got)
		}
	}
	p.tell(world)
	put(allowing("one"))
	expect("accepted", "one")
	put(func(rs *v1alpha1.ResourceServer) {
		allowing("two")(rs)
		rs.Spec.Enforcement.Mode = v1alpha1.EnforcementDryRun // without an end
	})
	expect("not accepted, so that what was accepted stands in", "one")
	put(func(rs *v1alpha1.ResourceServer) { rs.Spec.Enforcement.Mode = v1alpha1.EnforcementEnforce })
	expect("mended", "two")
	p.intake.remove(key, "", time.Time{})
	p.must(t)
	if _, there := d.held[name]; there || len(p.compilation.forms) != 3 || len(p.compilation.accepted) != 3 {
		t.Errorf("something is left of a resource server that is gone: %v", p.compilation.forms)
	}
}

// The revision in the status is what the process before remembered, whenever that arrives (THREATS 33).
func TestARevisionBeginsAboveTheOneInTheStatus(t *testing.T) {
	p, d := publishing(t)
	world := small()
	key := compile.Key{Kind: compile.KindResourceServer, Namespace: "api-0000", Name: "api"}
	world[key].(*v1alpha1.ResourceServer).Status.Bundle.Revision = millis + 5000
	p.tell(world)
	p.must(t)
	if got := d.held["api-0000/api"].Statement.Revision; got != millis+5001 {
		t.Errorf("revision %d", got)
	}
}

// What becomes of a world in many turns, of which some fail, is what becomes of it in one (THREATS 44).
func TestManyTurnsComeToWhatOneComesTo(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, seed))
		p, d := publishing(t)
		world := small()
		p.tell(world)
		for range 25 {
			said := shift(r, p, world)
			d.fails = r.IntN(5) == 0
			if r.IntN(8) == 0 {
				breakCompiler(t, p)
			}
			if err := p.publish(t.Context(), now); (err != nil) != d.fails {
				t.Fatalf("seed %d: %s: %v", seed, said, err)
			}
		}
		d.fails = false
		p.must(t)
		p.must(t) // what was accepted counts from the next turn on

		once, shelf := publishing(t)
		maps.Copy(once.compilation.accepted, p.compilation.accepted)
		once.tell(world)
		once.must(t)
		compareTurns(t, seed, p, once)
		if !maps.EqualFunc(d.held, shelf.held, func(a, b distribution.Resource) bool {
			return a.Statement.Digest == b.Statement.Digest && slices.Equal(a.Authorizers, b.Authorizers)
		}) {
			t.Fatalf("seed %d: other bundles are out", seed)
		}
	}
}

// What one name cannot be distributed under is no reason to keep silent about all others.
func TestWhatDistributionDoesNotTakeKeepsNoStatusBack(t *testing.T) {
	p, d := publishing(t)
	d.fails = true
	p.tell(map[compile.Key]client.Object{delegation: object("u", 3)})
	if err := p.publish(t.Context(), now); err == nil || !strings.Contains(err.Error(), "the shelf is full") {
		t.Errorf("error %v", err)
	}
	if _, known := p.reports.Outcome(delegation.Kind, object("u", 3)); !known {
		t.Error("nothing is known of an object that was compiled")
	}
}

// shift changes, removes or puts back one object, and says what it did.
func shift(r *rand.Rand, p *Publisher, world map[compile.Key]client.Object) string {
	everything := small()
	keys := slices.SortedFunc(maps.Keys(everything), func(a, b compile.Key) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	key := keys[r.IntN(len(keys))]
	if r.IntN(3) == 0 {
		key = compile.Key{Kind: compile.KindResourceServer, Namespace: fmt.Sprintf("api-%04d", r.IntN(4)), Name: "api"}
	}
	if _, there := world[key]; there && r.IntN(2) == 0 {
		delete(world, key)
		p.intake.remove(key, "", time.Time{})
		return fmt.Sprintf("removed %v", key)
	}
	o := everything[key]
	o.SetUID(types.UID(fmt.Sprintf("%s-%d", o.GetUID(), r.IntN(2))))
	o.SetGeneration(int64(1 + r.IntN(2)))
	switch o := o.(type) {
	case *v1alpha1.ResourceServer:
		o.Spec.Enforcement.Mode = []v1alpha1.EnforcementMode{v1alpha1.EnforcementEnforce, v1alpha1.EnforcementDryRun}[r.IntN(2)]
	case *v1alpha1.ServiceDelegation:
		o.Spec.Audiences = o.Spec.Audiences[:1]
		o.Spec.Audiences[0].Audience = v1alpha1.Audience(worlds.Audience(r.IntN(5)))
	}
	world[key] = o
	p.intake.put(key, o, time.Time{})
	return fmt.Sprintf("put %v", key)
}

// breakCompiler has the compiler panic, once.
func breakCompiler(t *testing.T, p *Publisher) {
	t.Helper()
	const kind = "Grenade"
	kinds[kind] = watched{put: func(*compile.Compiler, client.Object) { panic("boom") }}
	defer delete(kinds, kind)
	p.intake.put(compile.Key{Kind: kind}, server("u", "boom"), time.Time{})
	if err := p.publish(t.Context(), now); err == nil || !strings.Contains(err.Error(), "boom") {
		t.Fatalf("error %v", err)
	}
	p.intake.remove(compile.Key{Kind: kind}, "", time.Time{})
	if p.Consult(func(*compile.Compiler) {}) {
		t.Fatal("a compiler that failed is consulted")
	}
}

func compareTurns(t *testing.T, seed uint64, many, once *Publisher) {
	t.Helper()
	got, want := many.reports.ledger, once.reports.ledger
	if len(got.entries) != len(want.entries) {
		t.Fatalf("seed %d: %d entries, want %d", seed, len(got.entries), len(want.entries))
	}
	for key, e := range got.entries {
		w := want.entries[key]
		if e.uid != w.uid || !reflect.DeepEqual(e.report, w.report) || !slices.Equal(e.problems, w.problems) {
			t.Fatalf("seed %d: of %v is known\n%+v\nwant\n%+v", seed, key, e, w)
		}
		if (len(e.left) > 0) != got.leaving[key] {
			t.Fatalf("seed %d: %v has left %v, and is noted as leaving: %v", seed, key, e.left, got.leaving[key])
		}
	}
	for name, keys := range got.parts {
		for key := range keys {
			if e := got.entries[key]; e == nil || !slices.Contains(e.bundles(), name) {
				t.Fatalf("seed %d: %v is noted as part of %s", seed, key, name)
			}
		}
	}
}

func TestAManagerThatHasNotCompiledIsNotConsulted(t *testing.T) {
	p, _ := publishing(t)
	if p.Consult(func(*compile.Compiler) { t.Error("asked") }) {
		t.Error("it answers")
	}
	p.tell(small())
	p.must(t)
	asked := false
	if !p.Consult(func(*compile.Compiler) { asked = true }) || !asked {
		t.Error("it does not answer")
	}
}

// BenchmarkTurn publishes after one ServiceDelegation has become another, and back.
func BenchmarkTurn(b *testing.B) {
	for _, size := range []struct{ delegations, servers int }{{1000, 10}, {10000, 100}} {
		b.Run(fmt.Sprint(size.delegations), func(b *testing.B) {
			p, _ := publishing(b)
			world := watchedIn(worlds.Sized(size.delegations, size.servers, 1000, worlds.Everything))
			p.tell(world)
			p.must(b)
			before := someDelegation(world, "api-0001")
			after := before.DeepCopy()
			after.Generation, after.Spec.Audiences[0].Scopes = 2, after.Spec.Audiences[0].Scopes[1:]
			key, at := keyFor(compile.KindServiceDelegation, before), now
			b.ReportAllocs()
			for b.Loop() {
				at = at.Add(time.Millisecond)
				p.intake.put(key, after, time.Time{})
				if err := p.publish(b.Context(), at); err != nil {
					b.Fatal(err)
				}
				before, after = after, before
			}
		})
	}
}

// A resource server that was in force before this process began, and is not accepted now, is not taken away from those who
// hold its last bundle.
func TestWhatWasInForceBeforeARestartIsWithheldAndNotRemoved(t *testing.T) {
	p, d := publishing(t)
	world := small()
	key := compile.Key{Kind: compile.KindResourceServer, Namespace: "api-0000", Name: "api"}
	rs := world[key].(*v1alpha1.ResourceServer)
	rs.Spec.Enforcement.Mode = v1alpha1.EnforcementDryRun // without an end
	p.tell(world)
	p.must(t)
	if _, there := d.held["api-0000/api"]; there {
		t.Fatal("one that never was in force is distributed")
	}
	rs = rs.DeepCopy()
	rs.Status.Bundle = v1alpha1.BundleStatus{Revision: 7, Digest: "sha256:7"}
	p.tell(map[compile.Key]client.Object{key: rs})
	p.must(t)
	if got := d.held["api-0000/api"]; !got.Withheld {
		t.Fatalf("one that was in force is distributed as %+v", got)
	}
	rs = rs.DeepCopy()
	rs.Generation, rs.Spec.Enforcement.Mode = 2, v1alpha1.EnforcementEnforce
	p.tell(map[compile.Key]client.Object{key: rs})
	p.must(t)
	if got := d.held["api-0000/api"]; got.Withheld || got.Statement.Revision != millis {
		t.Errorf("mended, it is distributed as %+v", got)
	}
}

// THREATS 39
func TestAFollowerServesUnderTheRevisionsOfTheLeader(t *testing.T) {
	leader, ofLeader := publishing(t)
	follower, ofFollower := publishing(t)
	follower.options.Register = leader.options.Register
	follower.assignments.register = leader.options.Register
	follower.Lead(time.Time{})
	world := small()
	leader.tell(world)
	follower.tell(world)
	follower.must(t)
	for name, r := range ofFollower.held {
		if !r.Withheld {
			t.Errorf("before the leader has spoken, %s is served under revision %d", name, r.Statement.Revision)
		}
	}
	leader.must(t)
	follower.tell(recordedIn(leader.options.Register.(*notebook), world))
	follower.must(t)
	for name, r := range ofLeader.held {
		if got := ofFollower.held[name]; got.Withheld || got.Statement != r.Statement {
			t.Errorf("%s: the leader serves %+v, a follower %+v", name, r.Statement, got.Statement)
		}
	}
}

// recordedIn are the resource servers as they come back with what was written down.
func recordedIn(n *notebook, world map[compile.Key]client.Object) map[compile.Key]client.Object {
	out := map[compile.Key]client.Object{}
	for key, o := range world {
		if server, ok := o.(*v1alpha1.ResourceServer); ok {
			server = server.DeepCopy()
			server.Status.Bundle = n.bundles[server.UID]
			out[key] = server
		}
	}
	return out
}
