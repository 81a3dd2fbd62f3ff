// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes"
	coordinationv1client "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"behalf.dev/behalf/internal/replicas"
)

// Times of the election. A leader that goes in good order lets go of the lease at once; one that is killed is followed
// after leaseDuration. A leader that cannot renew it stops before another one may begin.
const (
	leaseDuration = 10 * time.Second
	renewDeadline = 7 * time.Second
	retryPeriod   = 2 * time.Second
)

// leadership is the lock of the election, which remembers what it saw, so that a replica can say who writes status, and
// report to it, without asking the API server for that.
type leadership struct {
	resourcelock.Interface
	log logr.Logger
	// changes has something in it when the leader became another.
	changes chan struct{}

	mu     sync.Mutex
	holder string
	err    error
	// leader is the last holder that was seen: a lease that cannot be read is no other leader.
	leader string
	// renewed is when this replica began to write the lease that it was last seen to hold.
	renewed time.Time
	// now is the clock; time.Now where nil.
	now func() time.Time

	// seen is the lease as it was read last, and vacancy is how it stood when this replica came in the place of its holder.
	seen, vacancy tenure

	leases coordinationv1client.LeaseInterface
}

// tenure is a holder's, as of one renewal.
type tenure struct {
	holder  string
	renewed int64
}

func tenureOf(record *resourcelock.LeaderElectionRecord) tenure {
	return tenure{record.HolderIdentity, record.RenewTime.UnixMicro()}
}

// newLeadership names this replica so that others find it: where it listens stands behind the slash. That way it is told by
// the lease, which is written anyway.
func newLeadership(config *rest.Config, namespace, address string, log logr.Logger) (*leadership, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("naming this replica: %w", err)
	}
	patient := rest.AddUserAgent(rest.CopyConfig(config), "leader-election")
	patient.Timeout = renewDeadline / 2 // one request that hangs is not the end
	clients, err := kubernetes.NewForConfig(patient)
	if err != nil {
		return nil, fmt.Errorf("making the election's client: %w", err)
	}
	lock, err := resourcelock.New(resourcelock.LeasesResourceLock, namespace, leaderLease,
		clients.CoreV1(), clients.CoordinationV1(), resourcelock.ResourceLockConfig{Identity: host + "_" + string(uuid.NewUUID()) + "/" + address})
	if err != nil {
		return nil, fmt.Errorf("making the election's lock: %w", err)
	}
	return &leadership{Interface: lock, log: log, changes: make(chan struct{}, 1), leases: clients.CoordinationV1().Leases(namespace)}, nil
}

// elected is who leads, as far as the lease could be read.
func (l *leadership) elected() replicas.Elected {
	l.mu.Lock()
	defer l.mu.Unlock()
	return electedOf(l.leader)
}

// electedOf reads a holder. One of an earlier version does not say where it listens.
func electedOf(holder string) replicas.Elected {
	_, address, _ := strings.Cut(holder, "/")
	return replicas.Elected{Identity: holder, Address: address}
}

// Get reads the lease and remembers its holder.
func (l *leadership) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.Interface.Get(ctx)
	if err != nil {
		l.saw(tenure{}, err)
		return nil, nil, err
	}
	l.saw(tenureOf(record), nil)
	return record, raw, nil
}

// Create makes the lease.
func (l *leadership) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	began := l.clock()
	return l.wrote(record, began, l.Interface.Create(ctx, record))
}

// Update takes, renews or lets go of the lease.
func (l *leadership) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	began := l.clock()
	return l.wrote(record, began, l.Interface.Update(ctx, record))
}

func (l *leadership) wrote(record resourcelock.LeaderElectionRecord, began time.Time, err error) error {
	if err != nil {
		l.saw(tenure{}, err)
		return err
	}
	l.saw(tenureOf(&record), nil)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.renewed = began
	return nil
}

func (l *leadership) clock() time.Time {
	if l.now == nil {
		return time.Now()
	}
	return l.now()
}

// holds says that nobody else can lead: another replica waits for leaseDuration after it saw a renewal, which is after this one
// began to write it. That one renewal fails is no end.
func (l *leadership) holds() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.leader == l.Identity() && l.clock().Sub(l.renewed) < leaseDuration
}

func (l *leadership) saw(now tenure, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && (now.holder != l.holder || l.err != nil) {
		l.log.Info("leader election", "holder", now.holder, "thisReplica", now.holder == l.Identity())
	}
	l.holder, l.err = now.holder, err
	if err != nil {
		return
	}
	l.seen = now
	if now.holder != l.leader {
		l.leader = now.holder
		select {
		case l.changes <- struct{}{}:
		default:
		}
	}
}

// String says in words who writes status.
func (l *leadership) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.err != nil:
		return "nobody that this replica knows of: lease " + leaderLease + ": " + l.err.Error()
	case l.holder == "":
		return "nobody yet: lease " + leaderLease + " has no holder"
	case l.holder == l.Identity():
		return "this replica"
	default:
		return l.holder + " (this replica is not the leader)"
	}
}

// leads says whether this replica held the lease when it looked last.
func (l *leadership) leads() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err == nil && l.holder == l.Identity()
}
