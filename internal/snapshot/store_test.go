// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/snapshot"
)

func TestAnEmptyStoreDenies(t *testing.T) {
	t.Parallel()
	s, clock := newStore()
	if s.Current() != nil {
		t.Fatal("there is a snapshot of nothing")
	}
	decision := s.Current().Decide(&authz.Request{Subject: authz.Subject{Issuer: "corp", ID: "alice"}}, clock.Now())
	if decision.Allowed() || decision.Reason != authz.ReasonStaleBundle {
		t.Errorf("decided %+v", decision)
	}
}

func TestWhatWasAppliedIsEnforcedWhenApplyReturns(t *testing.T) {
	t.Parallel()
	s, _ := newStore()
	mustApply(t, s, artifact("tickets", 1, tickets("https://one.example")))
	if got := audienceOf(s, "tickets.example"); got != "https://one.example" {
		t.Errorf("the host has audience %q", got)
	}
	mustApply(t, s, artifact("tickets", 2, tickets("https://two.example")))
	if got := audienceOf(s, "tickets.example"); got != "https://two.example" {
		t.Errorf("after the change the host has audience %q", got)
	}
	mustApply(t, s, singleton(bundle.KindTrust, "trust", 1, encode(trust())))
	if s.Current().Trust() == nil {
		t.Error("no trust is enforced")
	}
	mustUpdate(t, s, remove("tickets"))
	if got := audienceOf(s, "tickets.example"); got != "" {
		t.Errorf("after the removal the host has audience %q", got)
	}
}

// THREATS 33, 34, 37, 39: whatever is not in order is not activated, is counted, and leaves the last good one in force.
func TestRefusals(t *testing.T) {
	t.Parallel()
	good := func() bundle.Artifact { return artifact("tickets", 6, tickets("https://six.example")) }
	signed := func(raw []byte, revision int64) bundle.Artifact {
		return bundle.Artifact{
			Envelope: sign(statementFor(bundle.KindPolicy, "support/tickets", revision, raw), ours), Content: raw,
		}
	}
	flip := func(raw []byte) []byte {
		flipped := slices.Clone(raw)
		flipped[len(flipped)/2] ^= 1
		return flipped
	}
	for sentence, tc := range map[string]struct {
		change func() bundle.Change
		want   snapshot.Refusal
	}{
		"a bit of the content flipped": {func() bundle.Change {
			a := good()
			a.Content = flip(a.Content)
			return put("tickets", a)
		}, snapshot.Altered},
		"content that is cut": {func() bundle.Change {
			a := good()
			a.Content = a.Content[:len(a.Content)-1]
			return put("tickets", a)
		}, snapshot.Altered},
		"the content of another revision under a good envelope": {func() bundle.Change {
			a := good()
			a.Content = encode(tickets("https://five.example"))
			return put("tickets", a)
		}, snapshot.Altered},
		"a bit of the signature flipped": {func() bundle.Change {
			a := good()
			at := bytes.Index(a.Envelope, []byte(`"sig":"`)) + 20
			a.Envelope = slices.Clone(a.Envelope)
			a.Envelope[at] = map[bool]byte{true: 'B', false: 'A'}[a.Envelope[at] == 'A']
			return put("tickets", a)
		}, snapshot.Untrusted},
		"a foreign key": {func() bundle.Change {
			a := good()
			a.Envelope = sign(statementFor(bundle.KindPolicy, "support/tickets", 6, a.Content), theirs)
			return put("tickets", a)
		}, snapshot.Untrusted},
		"an envelope that is cut": {func() bundle.Change {
			a := good()
			a.Envelope = a.Envelope[:40]
			return put("tickets", a)
		}, snapshot.Malformed},
		"no envelope": {func() bundle.Change {
			return put("tickets", bundle.Artifact{Content: good().Content})
		}, snapshot.Malformed},
		"an older revision": {func() bundle.Change {
			return put("tickets", artifact("tickets", 4, tickets("https://four.example")))
		}, snapshot.RolledBack},
		"the same revision with another content": {func() bundle.Change {
			return put("tickets", artifact("tickets", 5, tickets("https://other.example")))
		}, snapshot.RolledBack},
		"another bundle under this name": {func() bundle.Change {
			return put("tickets", artifact("other", 6, policy("other", "https://other.example")))
		}, snapshot.WrongName},
		"a trust bundle under this name": {func() bundle.Change {
			return put("tickets", singleton(bundle.KindTrust, "trust", 6, encode(trust())))
		}, snapshot.WrongName},
		"content that speaks of another resource server": {func() bundle.Change {
			return put("tickets", artifact("tickets", 6, policy("other", "https://other.example")))
		}, snapshot.WrongName},
		"a field that this build does not know": {func() bundle.Change {
			raw := bytes.Replace(good().Content, []byte(`"audience"`), []byte(`"newer":true,"audience"`), 1)
			return put("tickets", signed(raw, 6))
		}, snapshot.Malformed},
		"another format": {func() bundle.Change {
			p := tickets("https://six.example")
			p.Format = 2
			return put("tickets", artifact("tickets", 6, p))
		}, snapshot.Malformed},
		"a condition that cannot be loaded": {func() bundle.Change {
			p := tickets("https://six.example")
			p.Conditions = []bundle.Condition{{Expression: "true", Checked: []byte("not an expression")}}
			p.Scopes[0].Entitlements = []bundle.Entitlement{{Subjects: bundle.SubjectSelector{Issuer: "corp", All: true}, Conditions: []int{0}}}
			return put("tickets", artifact("tickets", 6, p))
		}, snapshot.Unloadable},
		"an index that leads nowhere": {func() bundle.Change {
			p := tickets("https://six.example")
			p.Routes = []bundle.Route{{Methods: []string{"GET"}, Path: "/", Scope: 7, Delegated: true}}
			return put("tickets", artifact("tickets", 6, p))
		}, snapshot.Unloadable},
		"an audience that another bundle holds": {func() bundle.Change {
			return put("tickets", artifact("tickets", 6, tickets("https://held.example")))
		}, snapshot.Conflicting},
		"a host that another bundle holds": {func() bundle.Change {
			return put("tickets", artifact("tickets", 6, policy("tickets", "https://six.example", "held.example")))
		}, snapshot.Conflicting},
		"a lease for another content": {func() bundle.Change {
			a := good()
			return bundle.Change{Operation: bundle.Renew, Kind: bundle.KindPolicy, Name: "support/tickets", Artifact: a}
		}, snapshot.NotHeld},
		"a lease for what is not held": {func() bundle.Change {
			a := artifact("other", 1, policy("other", "https://other.example"))
			return bundle.Change{Operation: bundle.Renew, Kind: bundle.KindPolicy, Name: "support/other", Artifact: a}
		}, snapshot.NotHeld},
		"a lease of a foreign key": {func() bundle.Change {
			raw := encode(tickets("https://five.example"))
			envelope := sign(statementFor(bundle.KindPolicy, "support/tickets", 6, raw), theirs)
			return bundle.Change{Operation: bundle.Renew, Kind: bundle.KindPolicy, Name: "support/tickets", Artifact: bundle.Artifact{Envelope: envelope}}
		}, snapshot.Untrusted},
		"an operation that does not exist": {func() bundle.Change {
			return bundle.Change{Operation: "Merge", Kind: bundle.KindPolicy, Name: "support/tickets", Artifact: good()}
		}, snapshot.Malformed},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			s, _ := newStore()
			mustApply(t, s, artifact("held", 1, policy("held", "https://held.example", "held.example")))
			mustApply(t, s, artifact("tickets", 5, tickets("https://five.example")))
			before := s.Held()

			change := tc.change()
			err := s.Update([]bundle.Change{change})[0]
			if got := reasonOf(t, err); got != tc.want {
				t.Errorf("refused as %s (%v), want %s", got, err, tc.want)
			}
			if got := audienceOf(s, "tickets.example"); got != "https://five.example" {
				t.Errorf("the host has audience %q: the last good one is not in force", got)
			}
			if !slices.Equal(s.Held(), before) {
				t.Errorf("held is %+v, was %+v", s.Held(), before)
			}
			if got := s.Refusals()[tc.want]; got != 1 || len(s.Refusals()) != 1 {
				t.Errorf("counted %v", s.Refusals())
			}
			if state := stateOf(t, s, change.Name); state.Refused != err.Error() || !state.RefusedAt.Equal(begin) {
				t.Errorf("state is %+v", state)
			}
		})
	}
}

func stateOf(tb testing.TB, s *snapshot.Store, name string) snapshot.State {
	tb.Helper()
	for _, state := range s.States() {
		if state.Name == name {
			return state
		}
	}
	tb.Fatalf("nothing is known of %s", name)
	return snapshot.State{}
}

func TestApplyRefusesWhatHasNoName(t *testing.T) {
	t.Parallel()
	s, _ := newStore()
	if got := reasonOf(t, s.Apply(bundle.Artifact{Envelope: []byte("{}")})); got != snapshot.Malformed {
		t.Errorf("refused as %s", got)
	}
	if got := reasonOf(t, s.Renew([]byte("{}"))); got != snapshot.Malformed {
		t.Errorf("refused as %s", got)
	}
}

func TestFloors(t *testing.T) { // THREATS 33, 39
	t.Parallel()
	t.Run("a removal does not lower the floor", func(t *testing.T) {
		t.Parallel()
		s, _ := newStore()
		mustApply(t, s, artifact("tickets", 5, tickets("https://five.example")))
		mustUpdate(t, s, remove("tickets"))
		if got := reasonOf(t, s.Apply(artifact("tickets", 4, tickets("https://four.example")))); got != snapshot.RolledBack {
			t.Errorf("refused as %s", got)
		}
		mustApply(t, s, artifact("tickets", 5, tickets("https://five.example")))
	})
	t.Run("what is signed and cannot be loaded raises it", func(t *testing.T) {
		t.Parallel()
		s, _ := newStore()
		mustApply(t, s, artifact("tickets", 5, tickets("https://five.example")))
		bad := tickets("https://seven.example")
		bad.Routes = []bundle.Route{{Methods: []string{"GET"}, Path: "/", Scope: 7, Delegated: true}}
		if got := reasonOf(t, s.Apply(artifact("tickets", 7, bad))); got != snapshot.Unloadable {
			t.Errorf("refused as %s", got)
		}
		if got := reasonOf(t, s.Apply(artifact("tickets", 6, tickets("https://six.example")))); got != snapshot.RolledBack {
			t.Errorf("refused as %s", got)
		}
		mustApply(t, s, artifact("tickets", 8, tickets("https://five.example")))
		if stateOf(t, s, "support/tickets").Refused != "" {
			t.Error("the refusal outlives what mended it")
		}
	})
	t.Run("the refusal tells the floor, which whoever signs must go beyond", func(t *testing.T) {
		t.Parallel()
		s, _ := newStore()
		mustApply(t, s, artifact("tickets", 5, tickets("https://five.example")))
		for _, revision := range []int64{4, 5} {
			var rolledBack *bundle.RolledBackError
			err := s.Apply(artifact("tickets", revision, tickets("https://other.example")))
			if !errors.As(err, &rolledBack) || rolledBack.Floor != 5 || !strings.Contains(err.Error(), "revision 5 was seen before") {
				t.Errorf("revision %d: %v", revision, err)
			}
		}
	})
	t.Run("the same content under a lower revision is nothing old, and the later lease counts", func(t *testing.T) {
		t.Parallel()
		for sentence, tc := range map[string]struct {
			lease time.Duration
			want  int64
			by    func(*snapshot.Store, bundle.Artifact) error
		}{
			"content with a later lease":    {lease + time.Minute, 4, (*snapshot.Store).Apply},
			"content with an earlier lease": {lease - time.Minute, 5, (*snapshot.Store).Apply},
			"a later lease":                 {lease + time.Minute, 4, renew},
			"an earlier lease":              {lease - time.Minute, 5, renew},
		} {
			t.Run(sentence, func(t *testing.T) {
				t.Parallel()
				s, _ := newStore()
				mustApply(t, s, artifact("tickets", 5, tickets("https://five.example")))
				raw := encode(tickets("https://five.example"))
				other := statementFor(bundle.KindPolicy, "support/tickets", 4, raw)
				other.LeaseUntil = begin.Add(tc.lease).Unix()
				if err := tc.by(s, bundle.Artifact{Envelope: sign(other, ours), Content: raw}); err != nil {
					t.Fatal(err)
				}
				if got := stateOf(t, s, "support/tickets").Statement.Revision; got != tc.want {
					t.Errorf("held is revision %d, want %d", got, tc.want)
				}
				if got := reasonOf(t, s.Apply(artifact("tickets", 4, tickets("https://four.example")))); got != snapshot.RolledBack {
					t.Errorf("the floor was lowered: refused as %s", got)
				}
			})
		}
	})
	t.Run("what is not signed by us does not raise it", func(t *testing.T) {
		t.Parallel()
		s, _ := newStore()
		raw := encode(tickets("https://nine.example"))
		foreign := bundle.Artifact{Envelope: sign(statementFor(bundle.KindPolicy, "support/tickets", 9, raw), theirs), Content: raw}
		if got := reasonOf(t, s.Apply(foreign)); got != snapshot.Untrusted {
			t.Errorf("refused as %s", got)
		}
		mustApply(t, s, artifact("tickets", 1, tickets("https://one.example")))
	})
}

func renew(s *snapshot.Store, a bundle.Artifact) error { return s.Renew(a.Envelope) }

func TestRenewalExtendsTheLease(t *testing.T) {
	t.Parallel()
	s, clock := newStore()
	raw := encode(tickets("https://one.example"))
	first := statementFor(bundle.KindPolicy, "support/tickets", 1, raw)
	mustApply(t, s, bundle.Artifact{Envelope: sign(first, ours), Content: raw})
	mustApply(t, s, singleton(bundle.KindTrust, "trust", 1, encode(trust())))
	mustApply(t, s, singleton(bundle.KindRevocations, "revocations", 1, encode(revocations())))

	second := first
	second.Revision, second.IssuedAt, second.LeaseUntil = 2, first.IssuedAt+300, first.LeaseUntil+300
	if err := s.Renew(sign(second, ours)); err != nil {
		t.Fatal(err)
	}
	if got := stateOf(t, s, "support/tickets").Statement; got != second {
		t.Errorf("held under %+v", got)
	}
	replayed := second
	replayed.LeaseUntil -= 100
	if err := s.Renew(sign(replayed, ours)); err != nil {
		t.Fatal(err)
	}
	if got := stateOf(t, s, "support/tickets").Statement; got != second {
		t.Errorf("a replayed lease shortened it: %+v", got)
	}
	clock.set(begin.Add(lease + time.Minute))
	if got := stateOf(t, s, "support/tickets").Freshness; got != snapshot.Fresh {
		t.Errorf("it is %s", got)
	}
	for _, kind := range []bundle.Kind{bundle.KindTrust, bundle.KindRevocations} {
		renewed := heldOf(t, s, kind)
		renewed.LeaseUntil += 600
		if err := s.Renew(sign(renewed, ours)); err != nil {
			t.Fatal(err)
		}
		if got := heldOf(t, s, kind); got != renewed {
			t.Errorf("%s is held under %+v", kind, got)
		}
	}
	if got := s.Current().Trust().Statement(); got != heldOf(t, s, bundle.KindTrust) {
		t.Errorf("trust is enforced under %+v", got)
	}
}

func heldOf(tb testing.TB, s *snapshot.Store, kind bundle.Kind) bundle.Statement {
	tb.Helper()
	for _, statement := range s.Held() {
		if statement.Kind == kind {
			return statement
		}
	}
	tb.Fatalf("no %s is held", kind)
	return bundle.Statement{}
}

func TestUpdateMakesWhatIsInOrderAndRefusesTheRest(t *testing.T) {
	t.Parallel()
	t.Run("a host moves from one to another in one update, in either order", func(t *testing.T) {
		t.Parallel()
		s, _ := newStore()
		mustApply(t, s, artifact("a", 1, policy("a", "https://a.example", "shared.example")))
		errs := s.Update([]bundle.Change{
			put("b", artifact("b", 1, policy("b", "https://b.example", "shared.example"))),
			put("a", artifact("a", 2, policy("a", "https://a.example"))),
		})
		if errs[0] != nil || errs[1] != nil {
			t.Errorf("errors %v", errs)
		}
		if got := audienceOf(s, "shared.example"); got != "https://b.example" {
			t.Errorf("the host has audience %q", got)
		}
	})
	t.Run("a clash does not keep out what has no part in it, and who held it keeps it", func(t *testing.T) {
		t.Parallel()
		s, _ := newStore()
		mustApply(t, s, artifact("a", 1, policy("a", "https://a.example", "a.example")))
		errs := s.Update([]bundle.Change{
			put("b", artifact("b", 1, policy("b", "https://b.example", "a.example"))),
			put("c", artifact("c", 1, policy("c", "https://c.example", "c.example"))),
		})
		if reasonOf(t, errs[0]) != snapshot.Conflicting || errs[1] != nil {
			t.Errorf("errors %v", errs)
		}
		if audienceOf(s, "a.example") != "https://a.example" || audienceOf(s, "c.example") != "https://c.example" {
			t.Error("the wrong ones are enforced")
		}
	})
	t.Run("one that waits for a host gets in although a third one clashes", func(t *testing.T) {
		t.Parallel()
		s, _ := newStore()
		mustApply(t, s, artifact("a", 1, policy("a", "https://a.example", "shared.example")))
		errs := s.Update([]bundle.Change{
			put("b", artifact("b", 1, policy("b", "https://b.example", "shared.example"))),
			put("c", artifact("c", 1, policy("c", "https://b.example"))),
			put("a", artifact("a", 2, policy("a", "https://a.example"))),
		})
		if errs[2] != nil || (errs[0] == nil) == (errs[1] == nil) {
			t.Errorf("errors %v", errs)
		}
	})
	t.Run("later changes build on earlier ones", func(t *testing.T) {
		t.Parallel()
		s, _ := newStore()
		p := tickets("https://one.example")
		renewed := statementFor(bundle.KindPolicy, "support/tickets", 2, encode(p))
		errs := s.Update([]bundle.Change{
			put("tickets", artifact("tickets", 1, p)),
			{Operation: bundle.Renew, Kind: bundle.KindPolicy, Name: "support/tickets", Artifact: bundle.Artifact{Envelope: sign(renewed, ours)}},
		})
		if errs[0] != nil || errs[1] != nil || heldOf(t, s, bundle.KindPolicy) != renewed {
			t.Errorf("errors %v, held %+v", errs, s.Held())
		}
	})
}

func TestKeysAreReplaced(t *testing.T) {
	t.Parallel()
	s, _ := newStore()
	mustApply(t, s, artifact("tickets", 1, tickets("https://one.example")))
	s.SetVerifier(bundle.NewVerifier(publicOf(theirs)))
	if got := audienceOf(s, "tickets.example"); got != "https://one.example" {
		t.Error("what was verified before is no longer enforced")
	}
	if got := reasonOf(t, s.Apply(artifact("tickets", 2, tickets("https://two.example")))); got != snapshot.Untrusted {
		t.Errorf("refused as %s", got)
	}
	raw := encode(tickets("https://three.example"))
	mustApply(t, s, bundle.Artifact{Envelope: sign(statementFor(bundle.KindPolicy, "support/tickets", 3, raw), theirs), Content: raw})
}

func TestStatesTellHowFreshEverythingIs(t *testing.T) {
	t.Parallel()
	s, clock := newStore()
	stale := policy("stale", "https://stale.example")
	stale.MaxStaleSeconds = 600
	mustApply(t, s, artifact("stale", 1, stale))
	mustApply(t, s, artifact("tickets", 1, tickets("https://one.example")))
	_ = s.Update([]bundle.Change{put("never", bundle.Artifact{})})
	for _, tc := range []struct {
		sentence string
		at       time.Time
		want     []snapshot.Freshness // of never, stale, tickets
	}{
		{"at the end of the lease", begin.Add(lease), []snapshot.Freshness{snapshot.Absent, snapshot.Fresh, snapshot.Fresh}},
		{"after it", begin.Add(lease + time.Second), []snapshot.Freshness{snapshot.Absent, snapshot.Degraded, snapshot.Expired}},
		{"at the end of what may be stale", begin.Add(lease + 10*time.Minute), []snapshot.Freshness{snapshot.Absent, snapshot.Degraded, snapshot.Expired}},
		{"after that", begin.Add(lease + 10*time.Minute + time.Second), []snapshot.Freshness{snapshot.Absent, snapshot.Expired, snapshot.Expired}},
	} {
		clock.set(tc.at)
		var got []snapshot.Freshness
		for _, state := range s.States() {
			got = append(got, state.Freshness)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.sentence, got, tc.want)
		}
	}
}

func TestReadyNeedsFreshTrustAndRevocations(t *testing.T) {
	t.Parallel()
	s, clock := newStore()
	if s.Ready() == nil {
		t.Error("an empty store is ready")
	}
	mustApply(t, s, singleton(bundle.KindTrust, "trust", 1, encode(trust())))
	if s.Ready() == nil {
		t.Error("a store without revocations is ready")
	}
	mustApply(t, s, singleton(bundle.KindRevocations, "revocations", 1, encode(revocations())))
	if err := s.Ready(); err != nil {
		t.Errorf("it is not ready: %v", err)
	}
	clock.set(begin.Add(lease + time.Second))
	if s.Ready() == nil {
		t.Error("a store whose leases have ended is ready")
	}
	stale := policy("stale", "https://stale.example")
	stale.MaxStaleSeconds = 60
	mustApply(t, s, artifact("stale", 1, stale))
	if err := s.Ready(); err != nil {
		t.Errorf("a store that may serve stale is not ready: %v", err)
	}
	clock.set(begin.Add(lease + 61*time.Second))
	if s.Ready() == nil {
		t.Error("a store that may serve nothing stale any longer is ready")
	}
}

// What a ResourceServer lets be served stale is served by the store for exactly as long, and the decision says so.
func TestWhatMayBeServedStaleIsDecidedOnUntilThatEnds(t *testing.T) { // THREATS 33
	t.Parallel()
	s, clock := newStore()
	stale, strict := policy("stale", "https://stale.example"), policy("strict", "https://strict.example")
	stale.MaxStaleSeconds = 600
	mustApply(t, s, artifact("stale", 1, stale))
	mustApply(t, s, artifact("strict", 1, strict))
	mustApply(t, s, singleton(bundle.KindTrust, "trust", 1, encode(trusting("corp"))))
	mustApply(t, s, singleton(bundle.KindRevocations, "revocations", 1, encode(revocations())))
	const denied = authz.ReasonNotEntitled // the next thing that these bundles lack
	for _, tc := range []struct {
		sentence      string
		at            time.Time
		stale, strict authz.Reason
		degraded      bool
	}{
		{"at the end of the lease", begin.Add(lease), denied, denied, false},
		{"after it", begin.Add(lease + time.Second), denied, authz.ReasonStaleBundle, true},
		{"at the end of what may be stale", begin.Add(lease + 10*time.Minute), denied, authz.ReasonStaleBundle, true},
		{"after that", begin.Add(lease + 10*time.Minute + time.Second), authz.ReasonStaleBundle, authz.ReasonStaleBundle, false},
	} {
		clock.set(tc.at)
		got, other := decide(s, clock, "https://stale.example"), decide(s, clock, "https://strict.example")
		if got.Reason != tc.stale || got.Degraded != tc.degraded {
			t.Errorf("%s: %+v", tc.sentence, got)
		}
		if other.Reason != tc.strict || other.Degraded {
			t.Errorf("%s, where nothing may be stale: %+v", tc.sentence, other)
		}
	}
}

func decide(s *snapshot.Store, clock *clock, audience string) authz.Decision {
	return s.Current().Decide(&authz.Request{
		Subject: authz.Subject{Issuer: "corp", ID: "alice"}, Actor: authz.Actor{Namespace: "support", ServiceAccount: "portal"},
		Audience: audience, Scope: "tickets:read",
	}, clock.Now())
}

func TestReadersSeeOneOrTheOtherAndNeverWait(t *testing.T) {
	t.Parallel()
	s, _ := newStore()
	mustApply(t, s, artifact("tickets", 1, tickets("https://one.example")))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if got := audienceOf(s, "tickets.example"); got != "https://one.example" && got != "https://two.example" {
					t.Errorf("a reader saw %q", got)
					return
				}
			}
		})
	}
	for revision := int64(2); revision < 100; revision++ {
		mustApply(t, s, artifact("tickets", revision, tickets([]string{"https://one.example", "https://two.example"}[revision%2])))
	}
	close(stop)
	readers.Wait()
}
