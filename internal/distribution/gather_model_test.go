// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"pgregory.net/rapid"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution/distributiontest"
)

// The model of gathering is a world of three replicas, one of which leads, and a few authorizers that connect, answer, move
// and go, while replicas change what they distribute, each in its own time, die and start anew. Whatever happened, once
// everybody was told everything, the leader says of each content what a plain count over all authorizers comes to; and at no
// time does it say of one that it has acknowledged what it never did, or did before it was something else. An authorizer takes
// nothing that is older than what it has seen, so what it acknowledged is the least that it enforces. Replicas are cut off from
// each other too, and serve or lead unheard: never does the leader say that something is enforced while one of those that any
// replica serves decides by what was before. THREATS 39, 44.

var (
	gatherKeys = []Key{{bundle.KindPolicy, "a/one"}, {bundle.KindPolicy, "b/two"}, {bundle.KindTrust, bundle.TrustName}}
	gatherFor  = time.Minute
)

// versioned is a content with the revision that it has.
type versioned struct {
	revision int64
	digest   string
}

// reaches says whether who has this has that or something later: the same bytes under a later revision.
func (v versioned) reaches(that versioned) bool {
	return v.digest == that.digest && v.revision >= that.revision
}

type gatherWorld struct {
	clock    *distributiontest.Clock
	replicas []*post
	leads    int
	started  int
	people   []*agent
	// record is what leaders write down: who reports, and who did until when.
	record map[string]time.Time
	// presumes is until when the leader may take somebody for gone later than he went: a replica that was cut off has those of
	// replicas which it was not told of any more there until then, and it, or whom it tells, may lead when those are lost.
	presumes time.Time
	// assigned is every content that ever had each name, in the order of revisions, of which the first is 1.
	assigned map[Key][]string
}

// post is a replica. It is another one after it died.
type post struct {
	*Server
	alive bool
	// lonely replicas reach no other one.
	lonely bool
	has    map[Key]versioned
	links  []*link
}

// link is what goes one way between the leader and a follower.
type link struct {
	tell *Telling
	hear *Hearing
}

// agent is an authorizer. What a replica knows of it is in its postings.
type agent struct {
	peer     peer
	holds    map[Key]versioned
	floors   map[Key]versioned
	ever     map[Key]map[versioned]bool
	refuses  string
	postings map[*post]*posting
	at       *post
}

// posting is an authorizer as one replica has to know it.
type posting struct {
	at      *post
	session *session
	waiting []*discoveryv3.DeltaDiscoveryResponse
	open    bool
	seen    time.Time
	knows   map[Key]versioned
	// owed is what changed since it was last sent and answered; sent is what was sent and did not change since.
	owed, sent map[Key]bool
	// brought is what it said to hold and was not sent, until it has caught up: that is known by digest.
	brought map[Key]bool
	// trusts says that it has some trust bundle, without which it enforces no policy.
	trusts bool
}

// GoString is how a failure names it.
func (p *post) GoString() string { return p.options.Replica }

// GoString is how a failure names it.
func (a *agent) GoString() string { return a.peer.String() }

func TestModelOfGathering(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newGatherWorld()
		t.Repeat(map[string]func(*rapid.T){
			"change":       w.change,
			"change again": w.change,
			"follow":       w.follow,
			"connect":      w.connect,
			"move":         w.connect,
			"half-open":    w.halfOpen,
			"leave":        w.leave,
			"serve":        w.serve,
			"serve more":   w.serve,
			"dislike":      w.dislike,
			"gossip":       w.gossip,
			"gossip more":  w.gossip,
			"cut":          w.cut,
			"cut off":      w.isolate,
			"reach again":  w.heal,
			"die":          w.die,
			"start":        w.start,
			"time passes":  w.pass,
			"settle":       w.settle,
			"":             w.believe,
		})
		w.settle(t)
	})
}

func newGatherWorld() *gatherWorld {
	w := &gatherWorld{clock: distributiontest.NewClock(), assigned: map[Key][]string{}, record: map[string]time.Time{}}
	for _, key := range gatherKeys {
		w.assigned[key] = []string{"first"}
	}
	for range 3 {
		w.replicas = append(w.replicas, w.newPost())
	}
	w.elect(0)
	for _, account := range []authz.Actor{modelAccounts[0], modelAccounts[1], modelAccounts[2]} {
		for _, node := range []string{"1", "2"} {
			w.people = append(w.people, &agent{
				peer:  peer{account: account, node: node, clusterWide: account == modelAccounts[2]},
				holds: map[Key]versioned{}, floors: map[Key]versioned{}, ever: map[Key]map[versioned]bool{}, postings: map[*post]*posting{},
			})
		}
	}
	return w
}

func (w *gatherWorld) newPost() *post {
	w.started++
	p := &post{alive: true, has: map[Key]versioned{}}
	server, err := NewServer(Options{
		Authenticator: anybody{}, Clock: w.clock, CountFor: gatherFor,
		Replica: fmt.Sprintf("replica-%d", w.started), ClusterWide: modelAccounts[2:],
		Leads: func() bool { return w.leads < len(w.replicas) && w.leader() == p },
	})
	if err != nil {
		panic(err)
	}
	p.Server = server
	for _, key := range gatherKeys {
		p.has[key] = versioned{1, "first"}
	}
	p.publish()
	return p
}

// publish distributes what the replica has compiled. Everybody but the first account may see everything.
func (p *post) publish() {
	var all []Resource
	for _, key := range gatherKeys {
		has := p.has[key]
		all = append(all, Resource{
			Statement:   bundle.Statement{Kind: key.Kind, Name: key.Name, Revision: has.revision, Digest: has.digest},
			Artifact:    bundle.Artifact{Envelope: []byte(strconv.FormatInt(has.revision, 10)), Content: []byte(has.digest)},
			Authorizers: named(key),
		})
	}
	if err := p.Set(all); err != nil {
		panic(err)
	}
}

func named(key Key) []authz.Actor {
	switch key.Name {
	case "a/one":
		return modelAccounts[:1]
	case "b/two":
		return modelAccounts[:2]
	default:
		return nil
	}
}

func (w *gatherWorld) leader() *post { return w.replicas[w.leads] }

// elect makes a replica the leader and has all others follow it. It reads whom it has to wait for.
func (w *gatherWorld) elect(n int) {
	for _, p := range w.replicas {
		w.unlink(p)
	}
	w.leads = n
	var others []string
	for _, name := range sortedKeys(w.record) {
		if lost := w.record[name]; w.clock.Now().Sub(lost) < Unheard && name != w.leader().options.Replica {
			others = append(others, name)
		}
	}
	w.leader().Lead(others...)
	for _, p := range w.replicas {
		w.link(p)
	}
}

func (w *gatherWorld) link(p *post) {
	leader := w.leader()
	if p == leader || !p.alive || !leader.alive || p.lonely || leader.lonely || len(p.links) > 0 {
		return
	}
	w.record[p.options.Replica] = w.clock.Now().Add(time.Hour)
	p.links = []*link{
		{tell: p.Tell(leader.options.Replica, Follows), hear: leader.Hear(p.options.Replica)},
		{tell: leader.Tell(p.options.Replica, Leads), hear: p.Hear(leader.options.Replica)},
	}
}

func (w *gatherWorld) unlink(p *post) {
	for _, l := range p.links {
		l.hear.End()
		w.record[p.options.Replica] = w.clock.Now()
	}
	p.links = nil
}

// isolate has a replica reach no other one any more, until it is healed.
func (w *gatherWorld) isolate(t *rapid.T) {
	w.tick()
	p := w.living(t)
	p.lonely = true
	w.presumes = w.clock.Now().Add(gatherFor)
	w.unlink(p)
	if p == w.leader() {
		for _, other := range w.replicas {
			w.unlink(other)
		}
	}
}

func (w *gatherWorld) heal(*rapid.T) {
	w.tick()
	for _, p := range w.replicas {
		p.lonely = false
	}
	for _, p := range w.replicas {
		w.link(p)
	}
}

func (w *gatherWorld) tick() { w.clock.Advance(time.Millisecond) }

func (w *gatherWorld) living(t *rapid.T) *post {
	return rapid.SampledFrom(slices.DeleteFunc(slices.Clone(w.replicas), func(p *post) bool { return !p.alive })).Draw(t, "replica")
}

func (w *gatherWorld) agent(t *rapid.T) *agent {
	return rapid.SampledFrom(w.people).Draw(t, "authorizer")
}

// change has a content become another one, which one replica knows of.
func (w *gatherWorld) change(t *rapid.T) {
	w.tick()
	p, key := w.living(t), rapid.SampledFrom(gatherKeys).Draw(t, "key")
	digest := fmt.Sprintf("digest-%d", rapid.IntRange(0, 3).Draw(t, "digest"))
	if w.latest(key).digest != digest {
		w.assigned[key] = append(w.assigned[key], digest)
	}
	w.changeTo(p, key, w.latest(key))
}

// follow has one replica come to a content that another one knows of already, maybe past some.
func (w *gatherWorld) follow(t *rapid.T) {
	w.tick()
	p, key := w.living(t), rapid.SampledFrom(gatherKeys).Draw(t, "key")
	revision := rapid.Int64Range(p.has[key].revision, w.latest(key).revision).Draw(t, "revision")
	w.changeTo(p, key, versioned{revision, w.assigned[key][revision-1]})
}

func (w *gatherWorld) latest(key Key) versioned {
	all := w.assigned[key]
	return versioned{int64(len(all)), all[len(all)-1]}
}

func (w *gatherWorld) changeTo(p *post, key Key, next versioned) {
	if p.has[key] == next {
		return
	}
	p.has[key] = next
	p.publish()
	for _, a := range w.people {
		switch posting := a.postings[p]; {
		case posting == nil:
		case posting.open && a.at == p:
			posting.owed[key] = true
			delete(posting.sent, key)
		case !posting.brought[key]:
			delete(posting.knows, key) // what one that is not there would say to it, nobody knows
		}
	}
}

func (w *gatherWorld) connect(t *rapid.T) {
	a, p := w.agent(t), w.living(t)
	for at := range a.postings {
		w.close(a, at)
	}
	w.open(a, p)
}

// halfOpen connects without that the replica before has noticed.
func (w *gatherWorld) halfOpen(t *rapid.T) { w.open(w.agent(t), w.living(t)) }

func (w *gatherWorld) open(a *agent, p *post) {
	w.tick()
	session, err := p.admit(a.peer, false, func(error) {})
	if err != nil {
		panic(err)
	}
	for index := range typeURLs {
		held := map[string]string{}
		for key, has := range a.holds {
			switch of, _ := kindIndex(key.Kind); index {
			case of:
				held[key.Name] = has.digest
			case leaseIndex:
				held[key.String()] = leaseVersion(bundle.Statement{Revision: has.revision})
			}
		}
		if err := session.subscribe(p.ledger, index, held); err != nil {
			panic(err)
		}
	}
	if before := a.postings[a.at]; before != nil {
		before.silenced()
	}
	a.at = p
	a.postings[p] = &posting{at: p, session: session, open: true, seen: w.clock.Now(), knows: maps.Clone(a.holds), owed: map[Key]bool{}, sent: map[Key]bool{}, brought: map[Key]bool{}}
	for key := range a.holds {
		a.postings[p].brought[key] = true
		a.postings[p].trusts = a.postings[p].trusts || key.Kind == bundle.KindTrust
	}
}

func (w *gatherWorld) leave(t *rapid.T) {
	a := w.agent(t)
	if len(a.postings) == 0 {
		t.Skip("it is nowhere")
	}
	at := slices.SortedFunc(maps.Keys(a.postings), func(x, y *post) int { return strings.Compare(x.options.Replica, y.options.Replica) })
	w.close(a, rapid.SampledFrom(at).Draw(t, "replica"))
}

func (w *gatherWorld) close(a *agent, p *post) {
	w.tick()
	w.closed(a, p)
}

func (w *gatherWorld) closed(a *agent, p *post) {
	posting := a.postings[p]
	if posting == nil || !posting.open {
		return
	}
	posting.open, posting.seen = false, w.clock.Now()
	posting.silenced()
	if p.alive {
		p.authorizers.leave(posting.session, false)
	}
	if a.at == p {
		a.at = nil
	}
}

// silenced says that it will not answer on this stream any more for what it is owed.
func (p *posting) silenced() {
	maps.DeleteFunc(p.knows, func(key Key, _ versioned) bool { return p.owed[key] && !p.brought[key] })
}

func (w *gatherWorld) dislike(t *rapid.T) {
	w.agent(t).refuses = fmt.Sprintf("digest-%d", rapid.IntRange(0, 3).Draw(t, "digest"))
}

func (w *gatherWorld) serve(t *rapid.T) { w.step(t, w.agent(t)) }

// step has an authorizer get the next response, or answer one. It is false where neither is to be done.
func (w *gatherWorld) step(t *rapid.T, a *agent) bool {
	w.tick()
	if a.at == nil {
		return false
	}
	posting := a.postings[a.at]
	if len(posting.waiting) > 0 {
		response := posting.waiting[0]
		posting.waiting = posting.waiting[1:]
		a.answer(t, posting, response)
		return true
	}
	response, err := posting.session.next(a.at.ledger, w.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	if response == nil && !posting.session.counts() {
		return false // it is owed what it does not get yet
	}
	if response == nil {
		clear(posting.brought)
		clear(posting.owed)
		return false
	}
	posting.waiting = append(posting.waiting, response)
	index, _ := typeIndex(response.GetTypeUrl())
	for _, resource := range response.GetResources() {
		if key, err := readResourceName(index, resource.GetName()); err == nil && index != leaseIndex {
			delete(posting.brought, key)
			posting.sent[key] = true
		}
	}
	return true
}

func (a *agent) answer(t *rapid.T, posting *posting, response *discoveryv3.DeltaDiscoveryResponse) {
	index, _ := typeIndex(response.GetTypeUrl())
	bad := &errdetails.BadRequest{}
	for _, resource := range response.GetResources() {
		if index == leaseIndex {
			continue
		}
		key, err := readResourceName(index, resource.GetName())
		if err != nil {
			t.Fatal(err)
		}
		if came := versionIn(t, resource); a.rejects(key, came) {
			bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{Field: resource.GetName(), Description: "no"})
			delete(posting.knows, key)
		} else {
			a.take(posting, key, came)
		}
	}
	answer := &discoveryv3.DeltaDiscoveryRequest{TypeUrl: response.GetTypeUrl(), ResponseNonce: response.GetNonce()}
	if len(bad.GetFieldViolations()) > 0 {
		detail, err := anypb.New(bad)
		if err != nil {
			t.Fatal(err)
		}
		answer.ErrorDetail = &statuspb.Status{Code: 3, Details: []*anypb.Any{detail}}
	}
	posting.session.answered(index, answer)
}

func versionIn(t *rapid.T, resource *discoveryv3.Resource) versioned {
	var artifact bundle.Artifact
	if err := artifact.UnmarshalBinary(resource.GetResource().GetValue()); err != nil {
		t.Fatal(err)
	}
	revision, err := strconv.ParseInt(string(artifact.Envelope), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return versioned{revision, resource.GetVersion()}
}

// rejects says whether it does not take what is older than what it has seen, or what it does not like.
func (a *agent) rejects(key Key, came versioned) bool {
	if seen := a.floors[key]; came.revision > seen.revision {
		a.floors[key] = came
	} else if came.digest != seen.digest {
		return true
	}
	return came.digest == a.refuses && a.holds[key].digest != came.digest
}

func (a *agent) take(posting *posting, key Key, came versioned) {
	if a.holds[key].reaches(came) {
		came = a.holds[key]
	}
	a.holds[key], posting.knows[key] = came, came
	posting.trusts = posting.trusts || key.Kind == bundle.KindTrust
	if posting.sent[key] {
		delete(posting.owed, key)
	}
	if a.ever[key] == nil {
		a.ever[key] = map[versioned]bool{}
	}
	a.ever[key][came] = true
}

func (w *gatherWorld) gossip(t *rapid.T) {
	w.tick()
	p := w.living(t)
	if len(p.links) == 0 {
		t.Skip("it leads")
	}
	rapid.SampledFrom(p.links).Draw(t, "direction").pass(t)
}

// pass has told what is new, as it travels.
func (l *link) pass(t *rapid.T) bool {
	dispatches := l.tell.Next()
	for _, d := range dispatches {
		raw, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var came Dispatch
		if err := json.Unmarshal(raw, &came); err != nil {
			t.Fatal(err)
		}
		if err := l.hear.Take(came); err != nil {
			t.Fatal(err)
		}
	}
	return len(dispatches) > 0
}

// tellAll passes until nobody has anything to say.
func (w *gatherWorld) tellAll(t *rapid.T) {
	for round := 0; ; round++ {
		said := false
		for _, p := range w.replicas {
			for _, l := range p.links {
				said = l.pass(t) || said
			}
		}
		if !said {
			return
		}
		if round > 20 {
			t.Fatal("replicas never cease to tell each other the same")
		}
	}
}

// cut ends the streams of a follower, which comes again.
func (w *gatherWorld) cut(t *rapid.T) {
	w.tick()
	p := w.living(t)
	w.unlink(p)
	w.link(p)
}

// die takes a replica away, at a moment at which the others know what it knew.
func (w *gatherWorld) die(t *rapid.T) {
	p := w.living(t)
	if len(w.people) == 0 || w.alive() < 2 {
		t.Skip("it is the last one")
	}
	if !w.told(p) {
		t.Skip("nobody knows what it knew")
	}
	w.tellAll(t)
	w.tick()
	p.alive = false
	for _, a := range w.people {
		w.closed(a, p)
	}
	if p != w.leader() {
		w.unlink(p)
		return
	}
	next := w.living(t) // maybe one that was told nothing for long
	w.elect(slices.Index(w.replicas, next))
}

// told says that somebody beside this one is there whom the leader told all.
func (w *gatherWorld) told(died *post) bool {
	return !died.lonely && !w.leader().lonely &&
		slices.ContainsFunc(w.replicas, func(p *post) bool { return p != died && p.alive && !p.lonely })
}

func (w *gatherWorld) alive() (n int) {
	for _, p := range w.replicas {
		if p.alive {
			n++
		}
	}
	return n
}

func (w *gatherWorld) start(t *rapid.T) {
	w.tick()
	for n, p := range w.replicas {
		if !p.alive {
			w.replicas[n] = w.newPost()
			w.link(w.replicas[n])
			return
		}
	}
	t.Skip("all are there")
}

func (w *gatherWorld) pass(*rapid.T) { w.clock.Advance(gatherFor / 3) }

// settle has everybody reach each other, answer, compile the same and be told, and compares.
func (w *gatherWorld) settle(t *rapid.T) {
	w.heal(t)
	w.tellAll(t)
	for _, p := range w.replicas {
		for _, key := range gatherKeys {
			if p.alive {
				w.changeTo(p, key, w.latest(key))
			}
		}
	}
	for _, a := range w.people {
		for w.step(t, a) {
		}
	}
	w.tellAll(t)
	for _, key := range gatherKeys {
		w.compare(t, key)
	}
}

// tallied is what a count comes to.
type tallied struct{ authorizers, connected, acked []string }

func (w *gatherWorld) compare(t *rapid.T, key Key) {
	has := w.leader().has[key]
	got, want := heardOf(w.leader().Progress(key.Kind, key.Name, has.revision, has.digest)), w.count(key, has)
	missing := slices.DeleteFunc(slices.Clone(want.authorizers), func(name string) bool { return slices.Contains(want.acked, name) })
	if w.clock.Now().Before(w.presumes) {
		lags := func(name string) bool { return slices.Contains(got.late, name) }
		if got.authorizers < len(want.authorizers) || got.connected != len(want.connected) || slices.ContainsFunc(missing, func(name string) bool { return !lags(name) }) {
			t.Fatalf("of %s the leader, after some replica was cut off, says %+v, and there are at least %+v", key, got, want)
		}
		return
	}
	if got.authorizers != len(want.authorizers) || got.connected != len(want.connected) || got.acked != len(want.acked) {
		t.Fatalf("of %s the leader says %+v, and there are %+v", key, got, want)
	}
	if !slices.Equal(got.late, missing) {
		t.Fatalf("of %s the leader names %v, and it is %v", key, got.late, missing)
	}
}

type said struct {
	authorizers, connected, acked int
	late                          []string
}

// heardOf is progress without the accounts that a leader which has just started waits for, and without what is in brackets.
func heardOf(p Progress) said {
	s := said{authorizers: p.Authorizers, connected: p.Connected, acked: p.Acked, late: []string{}}
	for _, name := range p.Lagging {
		bare, _, _ := strings.Cut(name, " ")
		if strings.Contains(name, "not heard of") {
			s.authorizers--
			continue
		}
		s.late = append(s.late, bare)
	}
	for _, r := range p.Rejected {
		s.late = append(s.late, r.Authorizer)
	}
	slices.Sort(s.late)
	return s
}

// count is the plain count.
func (w *gatherWorld) count(key Key, want versioned) tallied {
	c := tallied{authorizers: []string{}}
	for _, a := range w.people {
		open, last := a.streams(w.clock.Now())
		if !w.leader().ledger.entries[key].visible(a.peer) || len(open) == 0 && last == nil {
			continue
		}
		name := a.peer.String()
		c.authorizers = append(c.authorizers, name)
		if len(open) > 0 {
			c.connected = append(c.connected, name)
		} else {
			open = []*posting{last}
		}
		if !slices.ContainsFunc(open, func(p *posting) bool { return !p.enforces(key, want) }) {
			c.acked = append(c.acked, name)
		}
	}
	slices.Sort(c.authorizers)
	return c
}

func (p *posting) enforces(key Key, want versioned) bool {
	return p.at.has[key].reaches(want) && p.knows[key].reaches(p.at.has[key]) && (p.trusts || key.Kind == bundle.KindTrust)
}

// streams gives those that an authorizer has; where it has none, the last one that it had, if that still counts.
func (a *agent) streams(now time.Time) (open []*posting, last *posting) {
	for _, p := range a.postings {
		if p.open {
			open = append(open, p)
		} else if now.Sub(p.seen) <= gatherFor && (last == nil || p.seen.After(last.seen)) {
			last = p
		}
	}
	return open, last
}

// believe holds at any time: nobody is said to have acknowledged what it never did, and nobody is passed over who is served.
func (w *gatherWorld) believe(t *rapid.T) {
	w.countsAll(t)
	for _, key := range gatherKeys {
		want := w.leader().has[key]
		possible := 0
		for _, a := range w.people {
			for ever := range a.ever[key] {
				if ever.reaches(want) {
					possible++
					break
				}
			}
		}
		if p := w.leader().Progress(key.Kind, key.Name, want.revision, want.digest); p.Acked > possible {
			t.Fatalf("of %s the leader says that %d have acknowledged %+v, and %d ever did", key, p.Acked, want, possible)
		}
	}
}

// countsAll has the leader say that a content is enforced only while all that are served decide by that or what came after.
func (w *gatherWorld) countsAll(t *rapid.T) {
	for _, key := range gatherKeys {
		want := w.leader().has[key]
		p := w.leader().Progress(key.Kind, key.Name, want.revision, want.digest)
		if w.leader().Silent() || !p.Enforced() || p.Connected == 0 {
			continue
		}
		for _, a := range w.people {
			if a.at == nil || !a.postings[a.at].session.counts() || !w.leader().ledger.entries[key].visible(a.peer) {
				continue
			}
			if has := a.holds[key]; has.revision > 0 && has.revision < want.revision {
				t.Fatalf("the leader says that %+v of %s is enforced, and %s is served by %s and decides by %+v", want, key, a.peer, a.at.options.Replica, has)
			}
		}
	}
}
