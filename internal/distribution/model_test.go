// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"pgregory.net/rapid"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// The model is a world of a few contents, accounts and peers in which anything happens in any order. Whatever happened,
// once every peer has answered all that it was owed, it holds what it may see and nothing else, under the newest lease, and
// it was never told of anything that it could not see. THREATS 35, 38.

var (
	modelNames    = []string{"a/one", "a/two", "b/three"}
	modelAccounts = []authz.Actor{{Namespace: "a", ServiceAccount: "x"}, {Namespace: "b", ServiceAccount: "y"}, {Namespace: "ops", ServiceAccount: "all"}}
)

type world struct {
	ledger   *ledger
	revision map[Key]int64
	issued   int64
	peers    []*modelPeer
	// ever is who could ever see what.
	ever map[authz.Actor]map[Key]bool
}

type modelPeer struct {
	peer    peer
	session *session
	holds   map[Key]held
	// refuses the digests that it cannot load.
	refuses map[string]bool
	waiting []*discoveryv3.DeltaDiscoveryResponse
}

type held struct{ digest, lease string }

func TestModelOfLedgerAndSessions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		t.Repeat(map[string]func(*rapid.T){
			"put":        w.put,
			"renew":      w.renew,
			"remove":     w.remove,
			"deliver":    w.deliver,
			"answer":     w.answer,
			"reconnect":  w.reconnect,
			"dislike":    w.dislike,
			"compact":    w.compact,
			"settle":     w.settle,
			"":           func(*rapid.T) {},
			"put again":  w.put,
			"put thrice": w.put,
		})
		w.settle(t)
	})
}

func newWorld() *world {
	w := &world{ledger: newLedger(), revision: map[Key]int64{}, ever: map[authz.Actor]map[Key]bool{}}
	w.ledger.complete = true
	for i, account := range modelAccounts {
		w.ever[account] = map[Key]bool{}
		for _, node := range []string{"1", "2"} {
			p := &modelPeer{
				peer:    peer{account: account, node: node, clusterWide: i == 2},
				holds:   map[Key]held{},
				refuses: map[string]bool{},
			}
			p.connect(w.ledger)
			w.peers = append(w.peers, p)
		}
	}
	return w
}

func (p *modelPeer) connect(l *ledger) {
	p.session = newSession(p.peer, p.session)
	p.session.most = 1 + len(p.peer.account.Namespace)%2 // so that most of what is owed takes several responses
	p.waiting = nil
	for index := range typeURLs {
		versions := map[string]string{}
		for key, h := range p.holds {
			of, _ := kindIndex(key.Kind)
			switch index {
			case of:
				versions[key.Name] = h.digest
			case leaseIndex:
				versions[key.String()] = h.lease
			}
		}
		if err := p.session.subscribe(l, index, versions); err != nil {
			panic(err)
		}
	}
}

func (w *world) key(t *rapid.T) Key {
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return Key{bundle.KindTrust, bundle.TrustName}
	case 1:
		return Key{bundle.KindRevocations, bundle.RevocationsName}
	default:
		return Key{bundle.KindPolicy, rapid.SampledFrom(modelNames).Draw(t, "name")}
	}
}

func (w *world) put(t *rapid.T) {
	key := w.key(t)
	w.revision[key]++
	w.issued++
	// Few digests, so that content often returns to what it was.
	digest := fmt.Sprintf("digest-%d", rapid.IntRange(0, 2).Draw(t, "digest"))
	var named []authz.Actor
	if key.Kind == bundle.KindPolicy {
		named = rapid.SliceOfN(rapid.SampledFrom(modelAccounts[:2]), 0, 2).Draw(t, "named")
	}
	w.enter(t, key, digest, named)
}

func (w *world) enter(t *rapid.T, key Key, digest string, named []authz.Actor) {
	r := Resource{
		Statement:   bundle.Statement{Kind: key.Kind, Name: key.Name, Revision: w.revision[key], Digest: digest, IssuedAt: w.issued},
		Artifact:    bundle.Artifact{Envelope: fmt.Appendf(nil, "%d.%d", w.revision[key], w.issued), Content: []byte(digest)},
		Authorizers: named,
	}
	if err := w.ledger.check(r); err != nil {
		t.Fatalf("%s was refused: %v", key, err)
	}
	w.ledger.put(r)
	w.noteAccess()
}

func (w *world) noteAccess() {
	for _, p := range w.peers {
		for key, e := range w.ledger.entries {
			if e.visible(p.peer) {
				w.ever[p.peer.account][key] = true
			}
		}
	}
}

func (w *world) renew(t *rapid.T) {
	key := w.key(t)
	e := w.ledger.entries[key]
	if e == nil || e.removed {
		t.Skip("nothing to renew")
	}
	w.issued++
	w.enter(t, key, e.statement.Digest, slices.Collect(e.access.opened()))
}

func (w *world) remove(t *rapid.T) { w.ledger.remove(w.key(t)) }

func (w *world) compact(*rapid.T) {
	sessions := make([]*session, len(w.peers))
	for i, p := range w.peers {
		sessions[i] = p.session
	}
	w.ledger.compact(passedByAll(sessions, w.ledger.head))
}

func (w *world) peerOf(t *rapid.T) *modelPeer { return rapid.SampledFrom(w.peers).Draw(t, "peer") }

func (w *world) deliver(t *rapid.T) { w.deliverTo(t, w.peerOf(t)) }

func (w *world) deliverTo(t *rapid.T, p *modelPeer) bool {
	response, err := p.session.next(w.ledger, time.Time{})
	if err != nil {
		t.Fatalf("next: %v", err)
	}
	if response == nil {
		return false
	}
	p.waiting = append(p.waiting, response)
	return true
}

func (w *world) answer(t *rapid.T) { w.answerOf(t, w.peerOf(t)) }

func (w *world) answerOf(t *rapid.T, p *modelPeer) bool {
	if len(p.waiting) == 0 {
		return false
	}
	response := p.waiting[0]
	p.waiting = p.waiting[1:]
	index, _ := typeIndex(response.GetTypeUrl())
	answer := &discoveryv3.DeltaDiscoveryRequest{TypeUrl: response.GetTypeUrl(), ResponseNonce: response.GetNonce()}
	bad := &errdetails.BadRequest{}
	for _, resource := range response.GetResources() {
		key, err := readResourceName(index, resource.GetName())
		if err != nil {
			t.Fatalf("name %q: %v", resource.GetName(), err)
		}
		if !w.ever[p.peer.account][key] {
			t.Fatalf("%s was told of %s, which it never could see", p.peer, key)
		}
		if err := p.receive(index, key, resource); err != nil {
			if index == leaseIndex {
				t.Fatalf("%s got %v", p.peer, err)
			}
			bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{Field: resource.GetName(), Description: err.Error()})
		}
	}
	for _, name := range response.GetRemovedResources() {
		key, _ := readResourceName(index, name)
		if !w.ever[p.peer.account][key] {
			t.Fatalf("%s was told of the removal of %s, which it never could see", p.peer, key)
		}
		delete(p.holds, key)
	}
	if len(bad.GetFieldViolations()) > 0 {
		detail, err := anypb.New(bad)
		if err != nil {
			t.Fatal(err)
		}
		answer.ErrorDetail = &statuspb.Status{Code: 3, Details: []*anypb.Any{detail}}
	}
	p.session.answered(index, answer)
	return true
}

func (p *modelPeer) receive(index int, key Key, resource *discoveryv3.Resource) error {
	h, holds := p.holds[key]
	if index == leaseIndex {
		if !holds {
			return fmt.Errorf("a lease for %s, of which nothing is held", key)
		}
		p.holds[key] = held{h.digest, resource.GetVersion()}
		return nil
	}
	if p.refuses[resource.GetVersion()] && h.digest != resource.GetVersion() { // what is held need not be loaded again
		return fmt.Errorf("cannot load %s", resource.GetVersion())
	}
	var artifact bundle.Artifact
	if err := artifact.UnmarshalBinary(resource.GetResource().GetValue()); err != nil {
		return err
	}
	p.holds[key] = held{resource.GetVersion(), string(artifact.Envelope)}
	return nil
}

func (w *world) reconnect(t *rapid.T) { w.peerOf(t).connect(w.ledger) }

// dislike makes a peer unable, or able again, to load one of the digests.
func (w *world) dislike(t *rapid.T) {
	p, digest := w.peerOf(t), fmt.Sprintf("digest-%d", rapid.IntRange(0, 2).Draw(t, "digest"))
	p.refuses[digest] = !p.refuses[digest]
}

// settle lets everybody answer until nothing is owed, and compares.
func (w *world) settle(t *rapid.T) {
	for _, p := range w.peers {
		for rounds := 0; w.deliverTo(t, p) || w.answerOf(t, p); rounds++ {
			if rounds > 200 {
				t.Fatalf("%s never has enough", p.peer)
			}
		}
		w.compare(t, p)
	}
}

func (w *world) compare(t *rapid.T, p *modelPeer) {
	for key, e := range w.ledger.entries {
		h, holds := p.holds[key]
		standing, _ := p.session.standing(e, nil)
		switch {
		case !e.visible(p.peer):
			if holds {
				t.Fatalf("%s still holds %s", p.peer, key)
			}
		case standing == lagging:
			t.Fatalf("%s has answered everything and counts as lagging on %s", p.peer, key)
		case standing == rejected:
			if h.digest == e.statement.Digest {
				t.Fatalf("%s holds %s and counts as having rejected it", p.peer, key)
			}
		case h.digest != e.statement.Digest:
			t.Fatalf("%s holds %s of %s and counts as having %s", p.peer, h.digest, key, e.statement.Digest)
		case h.lease != leaseVersion(e.statement):
			t.Fatalf("%s holds %s under lease %s, and there is %s", p.peer, key, h.lease, leaseVersion(e.statement))
		}
	}
	for _, key := range slices.Collect(maps.Keys(p.holds)) {
		if e := w.ledger.entries[key]; e == nil {
			t.Fatalf("%s holds %s, which is gone and forgotten", p.peer, key)
		}
	}
}
