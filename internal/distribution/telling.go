// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"cmp"
	"iter"
	"maps"
	"slices"
)

// Telling says what another replica has to know, as far as it was not told yet. However much happens between two calls of
// Next, it costs one look and brings the latest: a replica that is slow to listen holds nobody up and makes nothing pile up.
type Telling struct {
	server *Server
	to     string
	role   Role
	told   map[string]*told
	// begun says that all was told once, since what was told last of since when all is known.
	begun bool
	since int64
	// turn of the roll that was told, and heard is what was answered last.
	turn, heard uint64
}

// Role is what a replica tells as.
type Role string

const (
	// Leads tells all that it was told by others too.
	Leads Role = "Leads"
	// Follows tells of itself, and of what an earlier leader told.
	Follows Role = "Follows"
)

// told is what was told about one replica: the positions of contents, and instances.
type told struct {
	lost      bool
	contents  map[Key]uint64
	instances map[string]*Instance
}

// Tell begins to tell a replica, which is taken to know nothing.
func (s *Server) Tell(to string, role Role) *Telling {
	return &Telling{server: s, to: to, role: role, told: map[string]*told{}}
}

// picture is what there is to tell about one replica now.
type picture struct {
	lost      bool
	contents  iter.Seq2[Key, telltale]
	instances map[string]*Instance
}

// telltale is a content that can be told: an entry of our ledger, or what another replica told.
type telltale interface {
	position() uint64
	tell() Content
}

// Next gives what is new; nothing where nothing is. Whoever calls it sees to it that all of it arrives, or tells from the
// beginning.
func (t *Telling) Next() []Dispatch {
	s := t.server
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.gathered.mu.Lock()
	defer s.gathered.mu.Unlock()
	var all []Dispatch
	pictures, turn := t.pictures()
	for _, replica := range sortedKeys(pictures) {
		if d := t.difference(replica, pictures[replica]); !d.empty() {
			all = append(all, d.parted()...)
		}
	}
	all = append(all, t.gone(pictures)...)
	if d := t.last(turn); d.All || d.Since != 0 || d.Number != 0 || d.Heard != 0 {
		all = append(all, d)
	}
	return all
}

// last comes last: whoever hears it has heard of everybody by then.
func (t *Telling) last(turn uint64) Dispatch {
	d := Dispatch{Replica: t.server.options.Replica, All: !t.begun}
	if t.role == Follows && (!t.begun || turn != t.turn) {
		d.Number, t.turn = t.server.counting.tell(turn), turn
	}
	// One that may lead no longer answers nothing: another one may count by now.
	if heard := t.server.gathered.heard[t.to].number; t.role == Leads && heard != t.heard && t.server.leads() {
		d.Heard, t.heard = heard, heard
	}
	t.begun = true
	if since := t.server.authorizers.knowsSince(); since != t.since {
		d.Since, t.since = since, since
	}
	return d
}

func (d *Dispatch) empty() bool {
	return !d.Fresh && len(d.Contents)+len(d.Withdrawn)+len(d.Instances)+len(d.Left) == 0
}

// pictures are of this replica, and of others as far as the peer cannot know better: not of itself, and not what it told.
func (t *Telling) pictures() (map[string]picture, uint64) {
	s := t.server
	own, turn := s.picture()
	all := map[string]picture{s.options.Replica: own}
	for replica, v := range s.gathered.views {
		if replica != t.to && v.by.from != t.to && (t.role == Leads || v.lost) {
			all[replica] = v.picture()
		}
	}
	return all, turn
}

// picture of this replica, and the turn of the roll that it shows. The ledger is held.
func (s *Server) picture() (picture, uint64) {
	p := picture{instances: map[string]*Instance{}, contents: func(yield func(Key, telltale) bool) {
		for key, e := range s.ledger.entries {
			if !e.removed && !yield(key, e) {
				return
			}
		}
	}}
	members, turn := s.authorizers.counted()
	for _, m := range members {
		i := m.tell(s.ledger)
		p.instances[i.name()] = i
	}
	return p, turn
}

// difference is what becomes of one picture after another.
func (t *Telling) difference(replica string, p picture) Dispatch {
	before := t.told[replica]
	d := Dispatch{Replica: replica, Lost: p.lost}
	if before == nil || before.lost != p.lost {
		d.Fresh, before = true, &told{lost: p.lost, contents: map[Key]uint64{}, instances: map[string]*Instance{}}
		t.told[replica] = before
	}
	d.Contents, d.Withdrawn = before.takeContents(p.contents)
	d.Instances, d.Left = before.takeInstances(p.instances)
	return d
}

func (b *told) takeContents(contents iter.Seq2[Key, telltale]) (another []Content, withdrawn []string) {
	now := make(map[Key]uint64, len(b.contents))
	for key, c := range contents {
		now[key] = c.position()
		if b.contents[key] != c.position() {
			another = append(another, c.tell())
		}
	}
	for key := range b.contents {
		if _, there := now[key]; !there {
			withdrawn = append(withdrawn, key.String())
		}
	}
	b.contents = now
	slices.SortFunc(another, func(a, b Content) int { return cmp.Compare(a.Key, b.Key) })
	slices.Sort(withdrawn)
	return another, withdrawn
}

func (b *told) takeInstances(instances map[string]*Instance) (another []Instance, left []string) {
	for _, name := range sortedKeys(instances) {
		if before := b.instances[name]; before == nil || !before.same(instances[name]) {
			another = append(another, *instances[name])
		}
	}
	for _, name := range sortedKeys(b.instances) {
		if instances[name] == nil {
			left = append(left, name)
		}
	}
	b.instances = instances
	return another, left
}

// gone has the peer forget the replicas of which nothing is to be told any more.
func (t *Telling) gone(still map[string]picture) []Dispatch {
	var all []Dispatch
	for _, replica := range sortedKeys(t.told) {
		if _, there := still[replica]; !there {
			delete(t.told, replica)
			all = append(all, Dispatch{Replica: replica, Lost: true, Fresh: true})
		}
	}
	return all
}

func (e *entry) position() uint64 { return e.moved }

func (e *entry) tell() Content {
	c := Content{Key: e.key.String(), Digest: e.statement.Digest, Revision: e.statement.Revision, Changed: e.changed, Moved: e.moved}
	for account := range e.access.opened() {
		if c.Access == nil {
			c.Access = map[string]uint64{}
		}
		c.Access[account.String()] = e.access[account].since
	}
	return c
}

// tell gives a member as another replica has to know it.
func (m *member) tell(l *ledger) *Instance {
	i := &Instance{
		Account: m.peer.account.String(), Node: m.peer.node, Everything: m.peer.clusterWide,
		Connected: m.end != nil, Seen: m.seen.UnixNano(),
	}
	m.session.tell(l, i)
	return i
}

// tell says what the peer acknowledged. Whoever holds the ledger calls it.
func (s *session) tell(l *ledger, i *Instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for index, sub := range s.subs[:leaseIndex] {
		if sub == nil {
			continue
		}
		refused := sub.refusals(l, s.peer)
		acked, lacks := s.upTo(l, index, sub)
		if len(refused) > maxExceptions {
			refused, acked, lacks = refused[:maxExceptions], 0, nil
		}
		if index == policyIndex && !s.decides(l.needs()) {
			acked, lacks = 0, nil
		}
		i.Acked[index], i.Lacks, i.Refused = acked, append(i.Lacks, lacks...), append(i.Refused, refused...)
	}
}

// refusals are those of present content, sorted.
func (sub *subscription) refusals(l *ledger, p peer) []Refusal {
	var all []Refusal
	for _, key := range slices.SortedFunc(maps.Keys(sub.rejected), compareKeys) {
		r := sub.rejected[key]
		if e := l.entries[key]; e != nil && e.visible(p) && e.statement.Digest == r.digest {
			all = append(all, Refusal{key.String(), r.digest, shortenTo(r.message, maxReasonBytes), r.floor})
		}
	}
	return all
}

// upTo is how far the peer has acknowledged, and what it lacks before that. Of a peer that is still being served for the first
// time since it connected, much may be known by what it brought along, which positions do not tell.
func (s *session) upTo(l *ledger, index int, sub *subscription) (acked uint64, lacks []string) {
	if sub.held == nil {
		return sub.acked, nil
	}
	for key, e := range l.entries {
		if of, _ := kindIndex(key.Kind); of != index || !e.visible(s.peer) || s.has(e) {
			continue
		}
		if len(lacks) == maxExceptions {
			return sub.acked, nil
		}
		lacks = append(lacks, key.String())
	}
	slices.Sort(lacks)
	return l.head, lacks
}
