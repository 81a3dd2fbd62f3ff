// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
)

const (
	// settle is how long pods that come or go are gathered before anybody looks: they come in crowds.
	settle = 100 * time.Millisecond
	// calm is how often a status is written anew at most while pods outside stay outside and only their number or names
	// change, as they do for as long as a rollout takes (THREATS 44).
	calm = 2 * time.Second
)

// Reports is what the compiler made of objects.
type Reports interface {
	Compiled(kind string, object client.Object) (compile.Report, bool)
	// Subscribe has notify called with the objects about which something changed. It must not ask what was Compiled.
	Subscribe(kind string, notify func(types.NamespacedName)) (cancel func())
}

// Options of New.
type Options struct {
	// Reader reads ServiceDelegations from a cache in which Index was called, and Informers are of that cache.
	Reader    client.Reader
	Informers cache.Informers
	// Live reads workloads from the API server, and writes events.
	Live client.Client
	// Pods lists and watches the pods that run.
	Pods toolscache.ListerWatcher
	// Reports are of ServiceDelegations.
	Reports Reports
	// ExchangeAudience is the audience of a token that asks for delegation by being mounted.
	ExchangeAudience string
	Log              logr.Logger
}

// Sweep knows which running pods ask for more than they are given.
type Sweep struct {
	options Options
	now     func() time.Time
	metrics *sweepMetrics
	queue   workqueue.TypedRateLimitingInterface[item]
	teller  *teller

	mu sync.Mutex
	// known says that all running pods are. Nothing is said before.
	known    bool
	accounts map[types.NamespacedName]*account
	// noticed is when a change was that nobody has looked at yet.
	noticed     map[types.NamespacedName]time.Time
	subscribers []workqueue.TypedRateLimitingInterface[reconcile.Request]
}

// item is what is looked at: a service account, or the one that a ServiceDelegation names.
type item struct {
	delegation bool
	name       types.NamespacedName
}

// everything is looked at once, when all running pods are known.
var everything item

// New makes a Sweep, which knows nothing before it is started.
func New(options Options) *Sweep {
	s := &Sweep{
		options: options, now: time.Now, metrics: newSweepMetrics(),
		queue:    workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[item]()),
		accounts: map[types.NamespacedName]*account{}, noticed: map[types.NamespacedName]time.Time{},
	}
	s.teller = newTeller(s)
	return s
}

// NeedLeaderElection is true: those who do not write status need not know of pods.
func (*Sweep) NeedLeaderElection() bool { return true }

// Of gives how the running pods of a service account stand by what is known now; false while not all running pods are. It asks
// nobody but caches.
func (s *Sweep) Of(namespace, serviceAccount string) (Standing, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known {
		return Standing{}, false
	}
	a, err := s.look(context.Background(), types.NamespacedName{Namespace: namespace, Name: serviceAccount})
	if err != nil {
		s.options.Log.Error(err, "running workloads are not judged", "namespace", namespace, "serviceAccount", serviceAccount)
		return Standing{}, false
	}
	if a == nil {
		return Standing{}, true
	}
	return a.standing, true
}

// Source makes a controller look at the ServiceDelegations about whose workloads something changed.
func (s *Sweep) Source() source.Source {
	return source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.subscribers = append(s.subscribers, queue)
		return nil
	})
}

// String says in words how the running workloads stand.
func (s *Sweep) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known {
		return "running workloads are not known yet, or to the leader only"
	}
	asking, outside := s.count()
	total := 0
	for _, n := range outside {
		total += n
	}
	return fmt.Sprintf("running workloads: %d pods ask for delegation, %d of them for more than they are given", asking, total)
}

// Start watches and judges until the context ends. What cannot be listed is asked for again and again, and meanwhile nothing
// is said: that pods cannot be seen must be no reason for a manager to end.
func (s *Sweep) Start(ctx context.Context) error {
	stop, err := s.watch(ctx)
	if err != nil {
		return err
	}
	defer stop()
	var group sync.WaitGroup
	defer group.Wait()
	context.AfterFunc(ctx, s.queue.ShutDown)
	context.AfterFunc(ctx, s.teller.queue.ShutDown)
	group.Go(func() { s.work(ctx) })
	group.Go(func() { s.teller.work(ctx) })
	<-ctx.Done()
	return nil
}

// begin has every service account and every ServiceDelegation looked at.
func (s *Sweep) begin(ctx context.Context) error {
	var all v1alpha1.ServiceDelegationList
	if err := s.options.Reader.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("looking for ServiceDelegations: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = true
	for name := range s.accounts {
		s.queue.Add(item{name: name})
	}
	for i := range all.Items {
		s.notify(calmly, &all.Items[i])
	}
	return nil
}

func (s *Sweep) work(ctx context.Context) {
	for {
		next, ended := s.queue.Get()
		if ended {
			return
		}
		wait, err := s.process(ctx, next)
		switch {
		case err != nil:
			s.options.Log.Error(err, "running workloads are not judged", "namespace", next.name.Namespace, "name", next.name.Name)
			s.queue.AddRateLimited(next)
		case wait > 0:
			s.queue.Forget(next)
			s.queue.AddAfter(next, wait)
		default:
			s.queue.Forget(next)
		}
		s.queue.Done(next)
	}
}

// process looks at an account, and calls whom that concerns. It gives when to look again, where something waits.
func (s *Sweep) process(ctx context.Context, next item) (wait time.Duration, err error) {
	if next == everything {
		return 0, s.begin(ctx)
	}
	name := next.name
	if next.delegation {
		var d v1alpha1.ServiceDelegation
		if err := s.options.Reader.Get(ctx, next.name, &d, client.UnsafeDisableDeepCopy); err != nil {
			return 0, client.IgnoreNotFound(err) // its deletion is told of with the account's name
		}
		name.Name = string(d.Spec.ServiceAccountName)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known {
		return 0, nil
	}
	a, err := s.look(ctx, name)
	if a == nil || err != nil {
		return 0, err
	}
	for w := range a.workloads {
		if a.untold(w) {
			s.teller.add(a, w)
		}
	}
	if wait := a.patience(s.now()); wait > 0 {
		return wait, nil
	}
	if !a.standing.same(a.notified) {
		urgency := calmly
		if a.notified.Outside == 0 && a.standing.Outside > 0 {
			urgency = urgently
		}
		a.notified, a.notifiedAt = a.standing, s.now()
		s.notify(urgency, a.bounds.objects()...)
	}
	if len(a.bounds) == 0 {
		s.flagged(a) // no object could say it
	}
	if len(a.groups) == 0 {
		delete(s.accounts, name)
	}
	return 0, nil
}

// patience is for how long to keep quiet about a standing.
func (a *account) patience(now time.Time) time.Duration {
	if a.standing.same(a.notified) || (a.standing.Outside == 0) != (a.notified.Outside == 0) || a.standing.Undeclared != a.notified.Undeclared {
		return 0
	}
	return max(0, a.notifiedAt.Add(calm).Sub(now))
}

// look brings an account up to date; nil where no pod of it asks for anything. The lock is held.
func (s *Sweep) look(ctx context.Context, name types.NamespacedName) (*account, error) {
	a := s.accounts[name]
	if a == nil {
		delete(s.noticed, name)
		return nil, nil //nolint:nilnil // no pod and no error
	}
	now, err := s.bounds(ctx, name)
	if err != nil {
		return nil, err
	}
	before := a.standing.Outside
	a.judge(now)
	at, noticed := s.noticed[name]
	switch {
	case a.standing.Outside == 0:
		a.outsideSince = time.Time{}
	case before == 0 && noticed:
		a.outsideSince = at
	case before == 0 && !a.initial:
		a.outsideSince = s.now() // what is told by the compiler has no other time
	}
	a.initial = false
	delete(s.noticed, name)
	return a, nil
}

// bounds reads what one service account declares, by name.
func (s *Sweep) bounds(ctx context.Context, name types.NamespacedName) (bounds, error) {
	var list v1alpha1.ServiceDelegationList
	err := s.options.Reader.List(ctx, &list, client.InNamespace(name.Namespace), client.MatchingFields{byServiceAccount: name.Name},
		client.UnsafeDisableDeepCopy) // they are read and never changed
	if err != nil {
		return nil, fmt.Errorf("looking for ServiceDelegations: %w", err)
	}
	all := make(bounds, 0, len(list.Items))
	for i := range list.Items {
		report, compiled := s.options.Reports.Compiled(compile.KindServiceDelegation, &list.Items[i])
		all = append(all, declaration{object: list.Items[i], compiled: compiled, report: report})
	}
	slices.SortFunc(all, func(a, b declaration) int { return compareNames(&a.object, &b.object) })
	return all, nil
}

// The urgency of a look, in terms of a priority queue. What changes a ServiceDelegation in any way has it looked at, calmly;
// one policy can do that to ten thousand of them, of which a few have pods outside.
const (
	calmly   = 0
	urgently = 1
)

// notify has the controllers look at these, urgent ones before others that wait, where their queue knows of that. The lock is
// held: they only take down the names.
func (s *Sweep) notify(urgency int, delegations ...*v1alpha1.ServiceDelegation) {
	requests := make([]reconcile.Request, len(delegations))
	for i, d := range delegations {
		requests[i].NamespacedName = client.ObjectKeyFromObject(d)
	}
	for _, queue := range s.subscribers {
		if byPriority, ok := queue.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
			byPriority.AddWithOpts(priorityqueue.AddOpts{Priority: &urgency}, requests...)
			continue
		}
		for _, request := range requests {
			queue.Add(request)
		}
	}
}

// notice takes note of a change, and of when the first was that nobody has looked at. The lock is held.
func (s *Sweep) notice(name types.NamespacedName, at time.Time, settle time.Duration) {
	if _, earlier := s.noticed[name]; !earlier && !at.IsZero() {
		s.noticed[name] = at
	}
	s.queue.AddAfter(item{name: name}, settle)
}

// flagged takes down that it is told everywhere that pods of the account are outside. The lock is held.
func (s *Sweep) flagged(a *account) {
	if a.standing.Outside > 0 && !a.outsideSince.IsZero() {
		s.metrics.flagging.Observe(s.now().Sub(a.outsideSince).Seconds())
		a.outsideSince = time.Time{}
	}
}

// seen looks whether a ServiceDelegation says what is to be said of its workloads. The lock is held.
func (s *Sweep) seen(d *v1alpha1.ServiceDelegation) {
	a := s.accounts[accountOf(d)]
	if a == nil {
		return
	}
	c := meta.FindStatusCondition(d.Status.Conditions, v1alpha1.ConditionWorkloadsWithinBounds)
	if c != nil && c.Status == metav1.ConditionFalse && c.ObservedGeneration == d.Generation {
		s.flagged(a)
	}
}

func accountOf(d *v1alpha1.ServiceDelegation) types.NamespacedName {
	return types.NamespacedName{Namespace: d.Namespace, Name: string(d.Spec.ServiceAccountName)}
}
