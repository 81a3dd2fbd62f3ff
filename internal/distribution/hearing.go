// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"behalf.dev/behalf/internal/authz"
)

// gathered is what other replicas told: one view of each. Its lock is taken after that of the ledger and before that of the roll.
type gathered struct {
	mu    sync.Mutex
	views map[string]*view
	// turn counts the changes.
	turn   uint64
	roster *roster
	// heard is up to where all was heard that the others told, each over its latest stream.
	heard map[string]receipt
}

// receipt is the number of a dispatch that was heard.
type receipt struct {
	over   *Hearing
	number uint64
}

// view is one replica as it, or another one in its place, told of it.
type view struct {
	replica string
	// by is whose word it is.
	by *Hearing
	// lost says that no word comes any more. What was acknowledged until then stays so; who was connected is gone since.
	lost      bool
	contents  map[Key]Content
	instances map[string]*heard
}

// heard is an instance that another replica told of.
type heard struct {
	Instance

	peer    peer
	lacks   map[Key]bool
	refused map[Key]Refusal
	// presumed says that it was connected by the last word there was, and is taken for gone since that stream ended. The teller
	// may know better.
	presumed bool
}

// Hearing takes what one replica tells over one stream. What it tells first takes effect when that was all: a part of it would
// look as if everybody were known.
type Hearing struct {
	server *Server
	from   string

	// begun says that all was told once. Before, building are the views that are to come; afterwards, views that are not
	// complete. Served are the service accounts that were told of and may see something.
	begun    bool
	building map[string]*view
	served   map[authz.Actor]bool
	// knows says that it told since when it knows of everybody.
	knows, ended bool
}

var (
	errTooManyReplicas = errors.New("there are as many replicas as are remembered")
	errEnded           = errors.New("it came after the end")
)

// Hear begins to listen to a replica.
func (s *Server) Hear(from string) *Hearing {
	return &Hearing{server: s, from: from, building: map[string]*view{}, served: map[authz.Actor]bool{}}
}

// Take takes a dispatch in. An error says that the teller is not to be believed any longer; what it told before stays. One
// goroutine calls it.
func (h *Hearing) Take(d Dispatch) error {
	if err := d.check(); err != nil {
		return err
	}
	instances, err := h.server.readInstances(d.Instances)
	if err != nil {
		return err
	}
	h.note(instances)
	if err := h.take(d, instances); err != nil {
		return err
	}
	if h.begun {
		h.server.authorizers.served(h.served)
		h.server.listeners.notify()
	}
	return nil
}

// learn takes since when the teller knows of everybody, if it says so. The lock of what was gathered is held, so that it is not
// after the end.
func (h *Hearing) learn(since int64) {
	if since != 0 {
		h.server.authorizers.learn(time.Unix(0, since), !h.knows)
		h.knows = true
	}
}

func (h *Hearing) take(d Dispatch, instances []*heard) error {
	g := &h.server.gathered
	g.mu.Lock()
	defer g.mu.Unlock()
	if h.ended {
		return fmt.Errorf("hearing of replica %s: %w", d.Replica, errEnded)
	}
	if d.Fresh && len(h.building) >= maxViews {
		return fmt.Errorf("hearing of replica %s: %w", d.Replica, errTooManyReplicas)
	}
	if v := h.viewOf(g, d); v != nil {
		if err := v.take(d, instances); err != nil {
			return err
		}
	}
	h.begun = h.begun || d.All
	g.turn++
	if !h.begun || d.More {
		return nil
	}
	if err := h.complete(g, d); err != nil {
		return err
	}
	h.learn(d.Since)
	return h.receive(d)
}

// receive notes what was heard to its end, and what the other side says to have heard. The lock of what was gathered is held.
func (h *Hearing) receive(d Dispatch) error {
	s := h.server
	if d.All {
		s.counting.heard(h.from)
	}
	if d.Number != 0 {
		s.gathered.heard[h.from] = receipt{h, d.Number}
	}
	if d.Heard == 0 {
		return nil
	}
	if err := s.counting.answered(h, d.Heard); err != nil {
		return err
	}
	s.rouse()
	return nil
}

// complete has fresh views take effect. What was told over an earlier stream is void when all was told over this one, but for
// what is known of replicas that are lost: who counts no longer is dropped from that in time. What was presumed of them because
// the earlier stream ended is void too, for the teller knows by now who is there.
func (h *Hearing) complete(g *gathered, d Dispatch) error {
	for _, replica := range sortedKeys(h.building) {
		if err := h.place(g, h.building[replica]); err != nil {
			return err
		}
		delete(h.building, replica)
	}
	if d.All {
		maps.DeleteFunc(g.views, func(_ string, v *view) bool {
			if v.by == h || v.by.from != h.from {
				return false
			}
			v.unpresume()
			return !v.lost
		})
	}
	return nil
}

// viewOf is nil for a replica of which others tell better: this one knows itself, and each replica is heard itself where it can be.
func (h *Hearing) viewOf(g *gathered, d Dispatch) *view {
	if d.Replica == h.server.options.Replica {
		return nil
	}
	if d.Fresh {
		h.building[d.Replica] = &view{replica: d.Replica, by: h, lost: d.Lost, contents: map[Key]Content{}, instances: map[string]*heard{}}
	}
	if v := h.building[d.Replica]; v != nil {
		return v
	}
	if v := g.views[d.Replica]; v != nil && v.by == h {
		return v
	}
	return nil
}

// place puts a fresh view in its place. What is told of a replica that is lost only adds to what is known of it, whoever told
// that: two that heard it last at different times may each know of what the other one does not. But one that told of it before
// is not held to what was presumed when it fell silent.
func (h *Hearing) place(g *gathered, v *view) error {
	if v.lost {
		v.lose(h.server.options.Clock.Now())
	}
	before := g.views[v.replica]
	switch {
	case before == nil && len(g.views) >= maxViews:
		return fmt.Errorf("hearing of replica %s: %w", v.replica, errTooManyReplicas)
	case before != nil && before.lost && v.lost:
		if before.by.from == h.from {
			before.unpresume()
			before.by = h
		}
		before.fill(v)
	case before == nil || before.by.from == h.from || v.replica == h.from || before.lost:
		g.views[v.replica] = v
	}
	return nil
}

// End says that no more comes.
func (h *Hearing) End() {
	g := &h.server.gathered
	g.mu.Lock()
	if h.knows && !h.ended {
		h.server.authorizers.unlearn()
	}
	h.ended = true
	h.server.counting.silenced(h)
	if g.heard[h.from].over == h {
		delete(g.heard, h.from)
	}
	for _, v := range g.views {
		if v.by == h {
			v.lose(h.server.options.Clock.Now())
		}
	}
	g.turn++
	g.mu.Unlock()
	h.server.listeners.notify()
}

// lose notes that nothing is heard any more. An authorizer that was connected may go on deciding out of sight, like one whose
// stream to this replica ended.
func (v *view) lose(now time.Time) {
	v.lost = true
	for _, i := range v.instances {
		if i.Connected {
			i.Connected, i.Seen, i.presumed = false, now.UnixNano(), true
		}
	}
}

// unpresume forgets whoever was only presumed to have been there until the stream ended.
func (v *view) unpresume() {
	maps.DeleteFunc(v.instances, func(_ string, i *heard) bool { return i.presumed })
}

// fill adds what is known of the same replica from another side. Of contents the latest that it distributed is kept, for the
// positions are all of its one ledger; of instances what was known when they were last there.
func (v *view) fill(from *view) {
	for key, c := range from.contents {
		if known, there := v.contents[key]; !there || known.Moved < c.Moved {
			v.contents[key] = c
		}
	}
	for name, i := range from.instances {
		if known := v.instances[name]; known == nil || known.Seen < i.Seen {
			v.instances[name] = i
		}
	}
}

// take takes in what became another. Of a replica that is lost nothing is taken away: others may have told of it too.
func (v *view) take(d Dispatch, instances []*heard) error {
	told := view{contents: make(map[Key]Content, len(d.Contents)), instances: make(map[string]*heard, len(instances))}
	for _, c := range d.Contents {
		key, err := readKey(c.Key)
		if err != nil {
			return err
		}
		told.contents[key] = c
	}
	for _, i := range instances {
		told.instances[i.name()] = i
	}
	withdrawn, err := readKeys(d.Withdrawn)
	switch {
	case err != nil:
		return err
	case v.lost:
		v.fill(&told)
	default:
		v.replace(&told, withdrawn, d.Left)
	}
	if len(v.instances) > maxViewed || len(v.contents) > maxContents {
		return fmt.Errorf("%d instances and %d contents of replica %s: %w", len(v.instances), len(v.contents), v.replica, errUnbelievable)
	}
	return nil
}

func (v *view) replace(told *view, withdrawn []Key, left []string) {
	for _, key := range withdrawn {
		delete(v.contents, key)
	}
	for _, name := range left {
		delete(v.instances, name)
	}
	maps.Copy(v.contents, told.contents)
	maps.Copy(v.instances, told.instances)
}

// readInstances reads instances. What they may see is this replica's to say.
func (s *Server) readInstances(told []Instance) ([]*heard, error) {
	all := make([]*heard, len(told))
	for n, i := range told {
		p, err := i.read()
		if err != nil {
			return nil, err
		}
		p.clusterWide = s.clusterWide[p.account]
		h := &heard{Instance: i, peer: p, lacks: map[Key]bool{}, refused: map[Key]Refusal{}}
		if err := h.readExceptions(); err != nil {
			return nil, err
		}
		all[n] = h
	}
	return all, nil
}

func (h *heard) readExceptions() error {
	lacks, err := readKeys(h.Lacks)
	if err != nil {
		return err
	}
	for _, key := range lacks {
		h.lacks[key] = true
	}
	for _, r := range h.Refused {
		key, err := readKey(r.Key)
		if err != nil {
			return err
		}
		r.Message = shortenTo(r.Message, maxReasonBytes)
		h.refused[key] = r
	}
	return nil
}

// note takes down the service accounts that may see something.
func (h *Hearing) note(instances []*heard) {
	for _, i := range instances {
		if !h.served[i.peer.account] && !h.server.guest(i.peer) {
			h.served[i.peer.account] = true
		}
	}
}

// standing is how an instance stands to what is wanted, by what its replica told. A replica that distributes something else has
// nobody who acknowledged that.
func (v *view) standing(i *heard, key Key, want wanted) (standing, rejection) {
	c, there := v.contents[key]
	if !there || !want.met(key.Kind, c.Revision, c.Digest) {
		return lagging, rejection{}
	}
	if r, refused := i.refused[key]; refused && r.Digest == want.digest {
		return rejected, rejection{digest: r.Digest, message: r.Message, floor: r.Floor}
	}
	index, _ := kindIndex(key.Kind)
	if due, sees := c.due(i); sees && due <= i.Acked[index] && !i.lacks[key] {
		return acked, rejection{}
	}
	return lagging, rejection{}
}

// due is entry.due by another replica's word; sees is false where it does not give the instance this content.
func (c Content) due(i *heard) (due uint64, sees bool) {
	if i.Everything {
		return c.Changed, true
	}
	since, named := c.Access[i.Account]
	return max(c.Changed, since), named
}

func (c Content) position() uint64 { return c.Moved }

func (c Content) tell() Content { return c }

// picture is what there is to tell of another replica. The lock is held.
func (v *view) picture() picture {
	p := picture{lost: v.lost, instances: map[string]*Instance{}, contents: func(yield func(Key, telltale) bool) {
		for key, c := range v.contents {
			if !yield(key, c) {
				return
			}
		}
	}}
	for name, i := range v.instances {
		instance := i.Instance // a view that is lost changes its own
		p.instances[name] = &instance
	}
	return p
}

// shed drops, of a replica that is lost, whoever has been gone for longer than it counts or has appeared elsewhere since.
// It is false where nobody is left.
func (v *view) shed(before time.Time, elsewhere func(name string, since time.Time) bool) bool {
	maps.DeleteFunc(v.instances, func(name string, i *heard) bool {
		return i.seen().Before(before) || elsewhere(name, i.seen())
	})
	return len(v.instances) > 0
}
