// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"behalf.dev/behalf/internal/authz"
)

// Dispatch is what one replica of the manager tells another about one replica, itself or a third: what it distributes, whom it
// serves, and what those acknowledged. It brings what has become another since the one before (ADR 0022).
type Dispatch struct {
	// Replica is whom it is about.
	Replica string `json:"replica"`
	// Lost says that the teller has no word from that replica any more.
	Lost bool `json:"lost,omitempty"`
	// Fresh says that what was told of the replica before is void.
	Fresh bool `json:"fresh,omitempty"`
	// More says that another one belongs to it: what is fresh takes effect with the last.
	More bool `json:"more,omitempty"`
	// All says that the teller has told of all replicas that it knows of: what it told over an earlier stream of others is void.
	All bool `json:"all,omitempty"`
	// Since is from when on the teller knows of everybody who was served, whichever replica served them, in nanoseconds since
	// the Unix epoch; 0 where it does not.
	Since int64 `json:"since,omitempty"`
	// Number asks for an answer once all up to here was heard, and Heard is the one of the latest that was.
	Number uint64 `json:"number,omitempty"`
	Heard  uint64 `json:"heard,omitempty"`

	Contents  []Content  `json:"contents,omitempty"`
	Withdrawn []string   `json:"withdrawn,omitempty"`
	Instances []Instance `json:"instances,omitempty"`
	// Left are instances that are no longer remembered.
	Left []string `json:"left,omitempty"`
}

// Content is what a replica distributes under one key. Positions are those of its own ledger.
type Content struct {
	Key    string `json:"key"`
	Digest string `json:"digest"`
	// Revision that it has there.
	Revision int64 `json:"revision"`
	// Changed is where the content or its revision last changed, Moved where that or who may see it did.
	Changed uint64 `json:"changed"`
	Moved   uint64 `json:"moved"`
	// Access are the service accounts that may see it beside those that may see everything, and since when.
	Access map[string]uint64 `json:"access,omitempty"`
}

// Instance is an authorizer as the replica knows it that serves it or served it.
type Instance struct {
	Account string `json:"account"`
	Node    string `json:"node"`
	// Everything says that it may see everything.
	Everything bool `json:"everything,omitempty"`
	Connected  bool `json:"connected,omitempty"`
	// Seen is when it connected, or when it was lost, in nanoseconds since the Unix epoch.
	Seen int64 `json:"seen"`
	// Acked are the positions up to which it has acknowledged revocations, trust and policies, but for those that it lacks
	// or refused. One that holds no trust or no revocations decides by no policy, and has acknowledged none.
	Acked   [leaseIndex]uint64 `json:"acked"`
	Lacks   []string           `json:"lacks,omitempty"`
	Refused []Refusal          `json:"refused,omitempty"`
}

// Refusal is an instance's word on a content that it cannot enforce.
type Refusal struct {
	Key     string `json:"key"`
	Digest  string `json:"digest"`
	Message string `json:"message"`
	// Floor is the revision that it has seen, where that is beyond what came.
	Floor int64 `json:"floor,omitempty"`
}

// Bounds of what a replica is believed to tell.
const (
	// maxTold is how many of each list one dispatch brings.
	maxTold = 512
	// maxExceptions is how many contents an instance is told to lack or to have refused. One with more than that is told to
	// have acknowledged nothing of the kind, which is on the safe side.
	maxExceptions = 16
	// maxReasonBytes is what is told of a reason.
	maxReasonBytes = 256
	// maxViews is how many replicas are remembered, maxViewed how many instances and maxContents how many contents of each.
	maxViews    = 64
	maxViewed   = 4 * 4096
	maxContents = 1 << 17
)

var errUnbelievable = errors.New("no manager tells such a thing")

func (i *Instance) name() string { return i.Account + "@" + i.Node }

func (i *Instance) seen() time.Time { return time.Unix(0, i.Seen) }

func (i *Instance) same(other *Instance) bool {
	return i.Account == other.Account && i.Node == other.Node && i.Everything == other.Everything &&
		i.Connected == other.Connected && i.Seen == other.Seen && i.Acked == other.Acked &&
		slices.Equal(i.Lacks, other.Lacks) && slices.Equal(i.Refused, other.Refused)
}

// check refuses what could not be told apart or shown, and what is too much.
func (d *Dispatch) check() error {
	if err := checkNode(d.Replica); err != nil {
		return fmt.Errorf("dispatch about replica %q: %w", d.Replica, errUnbelievable)
	}
	for _, length := range []int{len(d.Contents), len(d.Withdrawn), len(d.Instances), len(d.Left)} {
		if length > maxTold {
			return fmt.Errorf("dispatch about %s with a list of %d: %w", d.Replica, length, errUnbelievable)
		}
	}
	return nil
}

// read gives the peer of an instance.
func (i *Instance) read() (peer, error) {
	account, err := authz.ParseActor(i.Account)
	if err != nil || checkNode(i.Node) != nil || len(i.Lacks) > leaseIndex*maxExceptions || len(i.Refused) > leaseIndex*maxExceptions {
		return peer{}, fmt.Errorf("dispatch with instance %q: %w", i.name(), errUnbelievable)
	}
	return peer{account: account, node: i.Node}, nil
}

// readKey reads what Key.String wrote.
func readKey(text string) (Key, error) { return readResourceName(leaseIndex, text) }

func readKeys(texts []string) ([]Key, error) {
	keys := make([]Key, len(texts))
	for n, text := range texts {
		key, err := readKey(text)
		if err != nil {
			return nil, err
		}
		keys[n] = key
	}
	return keys, nil
}

// parted makes as many dispatches of one as its length needs. Contents come before the instances that acknowledged them.
func (d *Dispatch) parted() []Dispatch {
	var parts []Dispatch
	for rest := *d; ; rest.Fresh = false {
		part := rest
		part.Contents, rest.Contents = cut(rest.Contents)
		part.Withdrawn, rest.Withdrawn = cut(rest.Withdrawn)
		if part.Instances = nil; len(rest.Contents)+len(rest.Withdrawn) == 0 {
			part.Instances, rest.Instances = cut(rest.Instances)
		}
		part.Left, rest.Left = cut(rest.Left)
		part.More = len(rest.Contents)+len(rest.Withdrawn)+len(rest.Instances)+len(rest.Left) > 0
		parts = append(parts, part)
		if !part.More {
			return parts
		}
	}
}

func cut[T any](list []T) (now, later []T) {
	n := min(len(list), maxTold)
	return list[:n:n], list[n:]
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
