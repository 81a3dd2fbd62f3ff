// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-logr/logr/funcr"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/distribution/distributiontest"
)

func TestReviewsAreRememberedForAMinute(t *testing.T) {
	t.Parallel()
	clock, inner := distributiontest.NewClock(), newReviewer(support)
	memory := Remember(inner, clock)
	ask := func(token string) (Identity, error) { return memory.Authenticate(t.Context(), token) }
	for range 3 {
		if identity, err := ask(tokenOf(support)); err != nil || identity.Account != support {
			t.Fatalf("%+v, %v", identity, err)
		}
	}
	if inner.count() != 1 {
		t.Errorf("asked %d times within a minute", inner.count())
	}
	clock.Advance(time.Minute)
	_, _ = ask(tokenOf(support))
	if inner.count() != 2 {
		t.Errorf("asked %d times after a minute", inner.count())
	}
	for range 2 {
		if _, err := ask("bad"); !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("error %v", err)
		}
	}
	if inner.count() != 4 {
		t.Error("a refusal was remembered: a token may become good")
	}
}

func TestReviewsAreForgottenBeforeTheTokenEnds(t *testing.T) {
	t.Parallel()
	clock, inner := distributiontest.NewClock(), newReviewer()
	inner.known["short"] = Identity{Account: support, Expires: clock.Now().Add(30 * time.Second)}
	memory := Remember(inner, clock)
	for _, tc := range []struct {
		advance time.Duration
		asked   int
	}{{0, 1}, {19 * time.Second, 1}, {time.Second, 2}, {0, 3}} {
		clock.Advance(tc.advance)
		if _, err := memory.Authenticate(t.Context(), "short"); err != nil || inner.count() != tc.asked {
			t.Errorf("asked %d times, want %d (%v)", inner.count(), tc.asked, err)
		}
	}
}

func TestTheMemoryOfReviewsIsBounded(t *testing.T) {
	t.Parallel()
	memory := Remember(anybody{}, distributiontest.NewClock())
	for i := range 3 * maxRemembered {
		if _, err := memory.Authenticate(t.Context(), strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(memory.seen); got > maxRemembered {
		t.Errorf("%d are remembered", got)
	}
}

// anybody authenticates whoever comes.
type anybody struct{}

func (anybody) Authenticate(_ context.Context, token string) (Identity, error) {
	return Identity{Account: authz.Actor{Namespace: "ns", ServiceAccount: token}}, nil
}

// THREATS 36
func TestBackoffGrowsWithFullJitter(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		failures int
		random   float64
		want     time.Duration
	}{
		{0, 0.5, 250 * time.Millisecond},
		{0, 0, 0},
		{1, 0.5, 500 * time.Millisecond},
		{3, 0.25, time.Second},
		{6, 0.5, 15 * time.Second},
		{15, 0.5, 15 * time.Second},
		{math.MaxInt, 0.5, 15 * time.Second},
	} {
		client, err := NewClient(ClientOptions{
			Address: "a", CAFile: "b", TokenFile: "c", Node: "d", Sink: newShelf(), Clock: distributiontest.NewClock(),
			Random: func() float64 { return tc.random },
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := client.backoff(tc.failures); got != tc.want {
			t.Errorf("after %d failures, random %v: %s, want %s", tc.failures, tc.random, got, tc.want)
		}
	}
}

func TestTheClientWaitsBetweenAttempts(t *testing.T) {
	m := startDefault(t)
	clock := distributiontest.NewClock()
	options := m.clientOptions(t, everywhere, "node-1", newShelf())
	options.Clock, options.MinBackoff, options.MaxBackoff = clock, time.Second, time.Minute
	options.Random = func() float64 { return 0.5 }
	writeFile(t, options.CAFile, []byte("no certificate"))
	a := run(t, options)
	distributiontest.Eventually(t, "the first attempt failed", func() bool { return a.State().LastError != nil })
	if !strings.Contains(a.State().LastError.Error(), "holds no PEM certificate") {
		t.Errorf("error %v", a.State().LastError)
	}
	for attempt, wait := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second} {
		distributiontest.Eventually(t, "it waits", func() bool { return clock.Waiting() == 1 })
		clock.Advance(wait - time.Millisecond)
		// In this order: who was woken too early and waits again has made an attempt.
		if waiting, got := clock.Waiting(), a.State().Attempts; waiting != 1 || got != uint64(attempt)+1 {
			t.Fatalf("%d attempts before %s were over", got, wait)
		}
		clock.Advance(time.Millisecond)
		distributiontest.Eventually(t, "it tries again", func() bool { return a.State().Attempts == uint64(attempt)+2 })
	}
}

func TestOptionsThatMustBeSet(t *testing.T) {
	t.Parallel()
	if _, err := NewServer(Options{Clock: distributiontest.NewClock()}); err == nil {
		t.Error("a server without authenticator was made")
	}
	if _, err := NewServer(Options{Authenticator: anybody{}}); err == nil {
		t.Error("a server without clock was made")
	}
	full := ClientOptions{Address: "a", CAFile: "b", TokenFile: "c", Node: "d", Sink: newShelf(), Clock: distributiontest.NewClock()}
	for what, unset := range map[string]func(*ClientOptions){
		"address": func(o *ClientOptions) { o.Address = "" },
		"CA file": func(o *ClientOptions) { o.CAFile = "" },
		"token":   func(o *ClientOptions) { o.TokenFile = "" },
		"node":    func(o *ClientOptions) { o.Node = "" },
		"sink":    func(o *ClientOptions) { o.Sink = nil },
		"clock":   func(o *ClientOptions) { o.Clock = nil },
	} {
		options := full
		unset(&options)
		if _, err := NewClient(options); err == nil {
			t.Errorf("a client without %s was made", what)
		}
	}
}

func newTestRoll(most int, clock Clock) *roll {
	return newRoll(Options{Clock: clock, MaxAuthorizers: most, CountFor: time.Hour})
}

func membersOf(r *roll) []member {
	all, _ := r.counted()
	return all
}

func TestTheRollIsBounded(t *testing.T) {
	nobody := func(error) {}
	clock := distributiontest.NewClock()
	r := newTestRoll(40, clock)
	join := func(account authz.Actor, node int, guest bool) (*session, error) {
		return r.join(peer{account: account, node: strconv.Itoa(node)}, guest, nobody)
	}
	t.Run("guests take a quarter, and one account no more than its share", func(t *testing.T) {
		admitted := 0
		for node := range 100 {
			if _, err := join(billing, node, true); err == nil {
				admitted++
			}
		}
		if admitted != 10 {
			t.Errorf("%d guests were let in", admitted)
		}
	})
	t.Run("those that are named still get in", func(t *testing.T) {
		for node := range 30 {
			if _, err := join(support, node, false); err != nil {
				t.Fatalf("number %d: %v", node, err)
			}
		}
		if _, err := join(support, 30, false); !errors.Is(err, errTooMany) {
			t.Errorf("one too many: %v", err)
		}
	})
	t.Run("whoever is gone makes room", func(t *testing.T) {
		again, err := join(support, 7, false)
		if err != nil {
			t.Fatal(err)
		}
		r.leave(again, false)
		if _, err := join(support, 30, false); err != nil {
			t.Error(err)
		}
		if gone := slices.ContainsFunc(membersOf(r), func(m member) bool { return m.peer == again.peer }); gone {
			t.Error("the one that is gone is still counted")
		}
	})
	t.Run("one account has a share of its own", func(t *testing.T) {
		r := newTestRoll(1000, clock)
		for node := range 100 {
			_, _ = r.join(peer{account: billing, node: strconv.Itoa(node)}, true, nobody)
		}
		if got := len(membersOf(r)); got != maxGuests {
			t.Errorf("%d were let in", got)
		}
	})
	t.Run("guests that are gone are not remembered", func(t *testing.T) {
		r := newTestRoll(1000, clock)
		s, err := r.join(peer{account: billing, node: "1"}, true, nobody)
		if err != nil {
			t.Fatal(err)
		}
		r.leave(s, true)
		if got := len(membersOf(r)); got != 0 {
			t.Errorf("%d are remembered", got)
		}
	})
}

func TestReasonsOfPeersAreBounded(t *testing.T) {
	t.Parallel()
	for sentence, words := range map[string]string{
		"long": strings.Repeat("x", 5000), "long, of wide characters": strings.Repeat("é", 3000), "not UTF-8": "a\xffb",
	} {
		if got := shorten(words); len(got) > maxRejectionBytes+len("…") || !utf8.ValidString(got) {
			t.Errorf("%s: %d bytes", sentence, len(got))
		}
	}
}

func TestRejectionsWithoutNamesRejectTheWhole(t *testing.T) {
	t.Parallel()
	key := Key{"Policy", "a/b"}
	flight := &inflight{puts: map[string]Key{"a/b": key}, digests: map[string]string{"a/b": "digest"}}
	got := flight.rejections(&statuspb.Status{Code: 3, Message: "I do not like it"})
	if got[key] != (rejection{digest: "digest", message: "I do not like it", reason: "other"}) {
		t.Errorf("%+v", got)
	}
	if got := flight.rejections(reject(map[string]error{"a/b": errBad})); got[key].message != errBad.Error() {
		t.Errorf("%+v", got)
	}
	if got := flight.rejections(reject(map[string]error{"x/y": errBad})); got[key].message != errBad.Error() {
		t.Errorf("a rejection of what was not sent: %+v", got)
	}
	if got := flight.rejections(&statuspb.Status{}); got != nil {
		t.Errorf("code OK: %+v", got)
	}
}

func TestCompactionKeepsWhatMatters(t *testing.T) {
	t.Parallel()
	l := newLedger()
	for revision := range int64(5000) {
		l.put(policyFor("support/tickets", revision+1, strconv.FormatInt(revision, 10), support))
	}
	l.put(policyFor("support/other", 1, "other"))
	l.remove(Key{"Policy", "support/other"})
	if !l.overgrown() {
		t.Fatal("5000 changes of one content are not too many")
	}
	l.compact(l.head - 1)
	if got := len(l.logs[policyIndex]); got != 2+1 { // content, first access, and the removal that somebody is still to hear of
		t.Errorf("%d positions of policies are left", got)
	}
	l.compact(l.head)
	if len(l.entries) != 1 || len(l.logs[leaseIndex]) != 1 {
		t.Errorf("%d entries and %d leases are left", len(l.entries), len(l.logs[leaseIndex]))
	}
}

// THREATS 38
func TestRefusedTokensAreLoggedNowAndThenAndNeverQuoted(t *testing.T) {
	var lines []string
	clock := distributiontest.NewClock()
	server, err := NewServer(Options{
		Authenticator: newReviewer(everywhere), Clock: clock,
		Log: funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	try := func() {
		if _, err := server.authenticate(t.Context(), "token-for-somebody-else"); status.Code(err) != codes.Unauthenticated {
			t.Fatalf("got %v", err)
		}
	}
	try()
	try()
	try()
	clock.Advance(sayEvery)
	try()
	line := func(unsaid int) string {
		return `"level"=0 "msg"="the token of a peer was refused: authorizers present a service account token for audience behalf-distribution" ` +
			`"from"="unknown" "why"="the token does not authenticate an authorizer: its audience is another" "moreSinceLastLogged"=` + strconv.Itoa(unsaid)
	}
	if want := []string{line(0), line(2)}; !slices.Equal(lines, want) {
		t.Errorf("got  %q\nwant %q", lines, want)
	}
}
