// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/webhook/workload"
)

var start = time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)

// declared is a cache and a compiler in the test's hand.
type declared struct {
	client.Reader
	bounds bounds
	err    error
}

func (d *declared) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	into, ok := list.(*v1alpha1.ServiceDelegationList)
	if !ok {
		return fmt.Errorf("a list of %T", list)
	}
	into.Items = nil
	for _, one := range d.bounds {
		into.Items = append(into.Items, one.object)
	}
	return d.err
}

func (d *declared) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	into, ok := object.(*v1alpha1.ServiceDelegation)
	i := slices.IndexFunc(d.bounds, func(one declaration) bool { return one.object.Name == key.Name })
	if !ok || i < 0 {
		return errors.New("not there")
	}
	*into = d.bounds[i].object
	return nil
}

func (d *declared) Compiled(_ string, object client.Object) (compile.Report, bool) {
	for _, one := range d.bounds {
		if one.object.Name == object.GetName() {
			return one.report, one.compiled
		}
	}
	return compile.Report{}, false
}

func (*declared) Subscribe(string, func(types.NamespacedName)) (cancel func()) { return func() {} }

// testSweep knows all pods, of which there are none.
func testSweep(d *declared) *Sweep {
	if d == nil {
		d = &declared{}
	}
	s := New(Options{Reader: d, Reports: d, ExchangeAudience: exchange, Log: logr.Discard()})
	s.now, s.known = func() time.Time { return start }, true
	return s
}

func (s *Sweep) comes(t testing.TB, name, scopes string, made ...metav1.OwnerReference) *pod {
	t.Helper()
	full := asking(scopes)
	full.Name, full.UID, full.OwnerReferences = name, types.UID("uid-"+name), made
	p := kept(t, full)
	s.pod(nil, p, s.now())
	return p
}

func madeBy(apiVersion, kind, name string) metav1.OwnerReference {
	return metav1.OwnerReference{APIVersion: apiVersion, Kind: kind, Name: name, UID: types.UID("uid-" + name), Controller: new(true)}
}

func (s *Sweep) stands(t testing.TB) Standing {
	t.Helper()
	standing, known := s.Of("support", "portal")
	if !known {
		t.Fatal("nothing is known")
	}
	return standing
}

var portal = item{name: types.NamespacedName{Namespace: "support", Name: "portal"}}

func (s *Sweep) looks(t testing.TB) (wait time.Duration) {
	t.Helper()
	wait, err := s.process(t.Context(), portal)
	if err != nil {
		t.Fatal(err)
	}
	return wait
}

// THREATS 7.
func TestPodsOutsideTheirBoundsAreFound(t *testing.T) {
	cases := map[string]struct {
		bounds bounds
		asks   []string // one pod each
		// outside, named and reasons are what is found; undeclared beside effect.
		outside    int
		named      string
		undeclared bool
		reasons    map[workload.Reason]int
	}{
		"all are within":                       {bounds{declares("a", "read")}, []string{"read", "read"}, 0, "", false, nil},
		"a scope is no longer declared":        {bounds{declares("a", "write")}, []string{"read", "write"}, 1, "p0", true, map[workload.Reason]int{workload.NotDeclared: 1}},
		"a policy took the effect of a scope":  {bounds{declares("a", "read").without("no policy", "read")}, []string{"read"}, 1, "p0", false, map[workload.Reason]int{workload.NoEffect: 1}},
		"a resource server took one of two":    {bounds{declares("a", "read", "write").without("gone", "read")}, []string{"read write"}, 1, "p0", false, map[workload.Reason]int{workload.NoEffect: 1}},
		"both at once, and neither hides":      {bounds{declares("a", "read").without("no policy", "read")}, []string{"read", "x"}, 2, "p0 p1", true, map[workload.Reason]int{workload.NoEffect: 1, workload.NotDeclared: 1}},
		"the last ServiceDelegation is gone":   {nil, []string{"read"}, 1, "p0", true, map[workload.Reason]int{workload.NoServiceDelegation: 1}},
		"a second one still declares it":       {bounds{declares("a", "x"), declares("b", "read")}, []string{"read"}, 0, "", false, nil},
		"an annotation that nobody admitted":   {bounds{declares("a", "read")}, []string{"*"}, 1, "p0", true, map[workload.Reason]int{workload.Malformed: 1}},
		"the first three are named":            {nil, []string{"a", "b", "c", "d", "e"}, 5, "p0 p1 p2", true, map[workload.Reason]int{workload.NoServiceDelegation: 5}},
		"what is not compiled is not outside":  {bounds{declares("a", "read").uncompiled()}, []string{"read"}, 0, "", false, nil},
		"what is not accepted has no effect":   {bounds{declares("a", "read").refused()}, []string{"read"}, 1, "p0", false, map[workload.Reason]int{workload.NoEffect: 1}},
		"of a pod the first reason is counted": {bounds{declares("a", "read").without("no", "read")}, []string{"read x"}, 1, "p0", true, map[workload.Reason]int{workload.NoEffect: 1}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := testSweep(&declared{bounds: c.bounds})
			for i := range slices.Backward(c.asks) { // names are sorted, whatever the order of arrival
				s.comes(t, fmt.Sprintf("p%d", i), c.asks[i])
			}
			got := s.stands(t)
			if got.Outside != c.outside || strings.Join(got.Named, " ") != c.named || got.Undeclared != c.undeclared {
				t.Errorf("got %+v", got)
			}
			if reasons := s.accounts[portal.name].reasons; !maps.Equal(reasons, c.reasons) {
				t.Errorf("reasons: got %v, want %v", reasons, c.reasons)
			}
			if got.Outside > 0 && !strings.Contains(got.Problem.String(), "metadata.annotations[behalf.dev/scopes]: ") {
				t.Errorf("the problem is %s", got.Problem)
			}
		})
	}
}

func TestPodsThatGoAreForgotten(t *testing.T) {
	s := testSweep(nil)
	first, second := s.comes(t, "a", "read"), s.comes(t, "b", "read")
	if got := s.stands(t); got.Outside != 2 {
		t.Fatalf("got %+v", got)
	}
	s.pod(first, nil, start)
	if got := s.stands(t); got.Outside != 1 || got.Named[0] != "b" {
		t.Errorf("got %+v", got)
	}
	s.pod(second, nil, start)
	if got := s.stands(t); !got.same(Standing{}) {
		t.Errorf("got %+v", got)
	}
	s.looks(t)
	if len(s.accounts) != 0 {
		t.Error("an account without pods is kept")
	}
}

// Ten thousand pods of one Deployment are one question.
func TestPodsThatAskForTheSameAreJudgedOnce(t *testing.T) {
	d := &declared{bounds: bounds{declares("a", "read")}}
	s := testSweep(d)
	for i := range 1000 {
		s.comes(t, fmt.Sprintf("p%d", i), "read")
	}
	s.comes(t, "other", " read")
	s.stands(t)
	if groups := s.accounts[portal.name].groups; len(groups) != 2 {
		t.Errorf("%d groups", len(groups))
	}
	d.bounds = bounds{declares("a", "write")}
	d.bounds[0].object.Generation = 2
	if got := s.stands(t); got.Outside != 1001 {
		t.Errorf("after the bounds shrank: %+v", got)
	}
}

func TestNothingIsSaidBeforeAllPodsAreKnownOrAfterAnError(t *testing.T) { // THREATS 5, 6
	d := &declared{}
	s := testSweep(d)
	s.comes(t, "p", "read")
	s.known = false
	if got, known := s.Of("support", "portal"); known {
		t.Errorf("before all pods are known it is said that %+v", got)
	}
	if n := testutil.CollectAndCount(s, "behalf_workloads_asking", "behalf_workloads_outside_bounds"); n != 0 {
		t.Errorf("before all pods are known there are %d gauges", n)
	}
	s.known, d.err = true, errors.New("the cache is away")
	if got, known := s.Of("support", "portal"); known {
		t.Errorf("after an error it is said that %+v", got)
	}
}

func TestEverythingIsLookedAtOnceAllPodsAreKnown(t *testing.T) {
	d := &declared{bounds: bounds{declares("a", "x"), declares("b", "y")}, err: errors.New("the cache is away")}
	s := testSweep(d)
	s.known = false
	called := calls(s)
	s.comes(t, "p", "read")
	if _, err := s.process(t.Context(), portal); err != nil || called() != 0 {
		t.Errorf("before that: %v", err)
	}
	if _, err := s.process(t.Context(), everything); err == nil || s.known {
		t.Errorf("with an error, which is tried again: %v, and it is known: %v", err, s.known)
	}
	d.err = nil
	if _, err := s.process(t.Context(), everything); err != nil || !s.known || called() != 2 {
		t.Errorf("then: %v", err)
	}
	if got := s.stands(t); got.Outside != 1 {
		t.Errorf("then it stands as %+v", got)
	}
}

// THREATS 7: a pod that comes after the bounds shrank is found though nothing else happens.
func TestAPodThatComesOrGoesHasItsAccountLookedAt(t *testing.T) {
	s := testSweep(nil)
	handler := s.podHandler()
	expect := func(what string) {
		t.Helper()
		looked := make(chan item, 1)
		go func() { next, _ := s.queue.Get(); s.queue.Done(next); looked <- next }()
		select {
		case next := <-looked:
			if next != portal {
				t.Errorf("%s: %+v is looked at", what, next)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: nobody looks", what)
		}
	}
	p := kept(t, asking("read"))
	handler.OnAdd(p, false)
	expect("it comes")
	changed := kept(t, asking("write"))
	handler.OnUpdate(p, changed)
	expect("it asks for something else")
	handler.OnDelete(toolscache.DeletedFinalStateUnknown{Obj: changed})
	expect("it goes unseen")
}

// calls are the objects that a controller is called for, since it was asked last.
func calls(s *Sweep) func() int {
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
	s.subscribers = append(s.subscribers, queue)
	return func() int {
		n := queue.Len()
		for range n {
			next, _ := queue.Get()
			queue.Done(next)
		}
		return n
	}
}

// THREATS 44: a rollout of many pods is not as many writes.
func TestStatusIsCalledForAtOnceWhereItTurnsAndNowAndThenWhereItGoesOn(t *testing.T) {
	s := testSweep(&declared{bounds: bounds{declares("a", "x"), declares("b", "y")}})
	clock := start
	s.now = func() time.Time { return clock }
	called := calls(s)
	expect := func(what string, wait time.Duration, want int) {
		t.Helper()
		if got := s.looks(t); got != wait {
			t.Errorf("%s: it waits %v, want %v", what, got, wait)
		}
		if got := called(); got != want {
			t.Errorf("%s: %d objects are looked at, want %d", what, got, want)
		}
	}
	within := s.comes(t, "good", "x")
	expect("all are within", 0, 0)
	first := s.comes(t, "a", "read")
	expect("the first is outside", 0, 2)
	expect("nothing changed", 0, 0)
	second := s.comes(t, "b", "read")
	expect("another is outside", calm, 0)
	clock = clock.Add(calm / 2)
	s.comes(t, "c", "read")
	expect("and another", calm/2, 0)
	clock = clock.Add(calm / 2)
	expect("once that is over", 0, 2)
	s.pod(first, nil, clock)
	s.pod(second, nil, clock)
	expect("fewer are outside", calm, 0)
	s.pod(within, nil, clock)
	s.pod(s.accounts[portal.name].workloads[owner{"v1", "Pod", "c", "uid-c"}].pod, nil, clock)
	expect("none is", 0, 2)
}

// byUrgency is a controller's queue that keeps what is asked of it.
type byUrgency struct {
	priorityqueue.PriorityQueue[reconcile.Request]
	asked []string
}

func (q *byUrgency) AddWithOpts(o priorityqueue.AddOpts, requests ...reconcile.Request) {
	for _, r := range requests {
		q.asked = append(q.asked, fmt.Sprintf("%s %d", r.Name, *o.Priority))
	}
}

// THREATS 7: where one policy touches ten thousand ServiceDelegations, those with violators do not stand behind the others.
func TestWhereSomebodyIsOutsideTheStatusIsWrittenBeforeOthers(t *testing.T) {
	s := testSweep(&declared{bounds: bounds{declares("a", "x"), declares("b", "y")}})
	queue := &byUrgency{}
	s.subscribers = append(s.subscribers, queue)
	expect := func(what string, want ...string) {
		t.Helper()
		if s.looks(t); !slices.Equal(queue.asked, want) {
			t.Errorf("%s: asked for %q, want %q", what, queue.asked, want)
		}
		queue.asked = nil
	}
	s.comes(t, "good", "x")
	expect("all are within")
	p := s.comes(t, "p", "read")
	expect("one is outside", "a 1", "b 1")
	s.pod(p, nil, s.now())
	expect("none is", "a 0", "b 0")
}

func TestStatusIsCalledForAtOnceWhereAPolicyTurnsIt(t *testing.T) {
	with, without := bounds{declares("a", "read")}, bounds{declares("a", "read").without("no policy", "read")}
	d := &declared{bounds: with}
	s := testSweep(d)
	called := calls(s)
	s.comes(t, "p", "read")
	for i, turn := range []bounds{without, with, without} {
		d.bounds = turn
		if wait := s.looks(t); wait != 0 || called() != 1 {
			t.Errorf("turn %d waits %v", i, wait)
		}
	}
}

func TestTheTimeToFlaggingIsThatOfTheStatus(t *testing.T) {
	d := &declared{bounds: bounds{declares("a", "read")}}
	s := testSweep(d)
	clock := start
	s.now = func() time.Time { return clock }
	measured := func() uint64 {
		t.Helper()
		registry := prometheus.NewRegistry()
		registry.MustRegister(s)
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "behalf_workloads_flagging_duration_seconds" {
				return f.GetMetric()[0].GetHistogram().GetSampleCount()
			}
		}
		t.Fatal("there is no histogram")
		return 0
	}
	s.comes(t, "p", "read")
	s.looks(t)
	says := func(status metav1.ConditionStatus, generation int64) *v1alpha1.ServiceDelegation {
		object := d.bounds[0].object.DeepCopy()
		object.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionWorkloadsWithinBounds, Status: status, ObservedGeneration: generation}}
		return object
	}
	d.bounds = bounds{declares("a", "x")}
	d.bounds[0].object.Generation = 2
	s.delegation(&d.bounds[0].object, clock)
	clock = clock.Add(time.Second)
	s.looks(t)
	s.seen(says(metav1.ConditionTrue, 2))
	s.seen(says(metav1.ConditionFalse, 1))
	if measured() != 0 {
		t.Error("it was measured before the status said so")
	}
	s.seen(says(metav1.ConditionFalse, 2))
	s.seen(says(metav1.ConditionFalse, 2))
	if measured() != 1 {
		t.Errorf("measured %d times, want once", measured())
	}
}

func TestMetricsCountEachPodOnce(t *testing.T) {
	s := testSweep(&declared{bounds: bounds{declares("a", "read", "write").without("no policy", "read")}})
	for name, scopes := range map[string]string{"a": "read x", "b": "read", "c": "x", "d": "write"} {
		s.comes(t, name, scopes)
	}
	s.stands(t)
	want := `# HELP behalf_workloads_asking Running pods that ask for delegation; absent where this replica does not lead, or while they are not all known.
# TYPE behalf_workloads_asking gauge
behalf_workloads_asking 4
# HELP behalf_workloads_outside_bounds Running pods that ask for more than their service account is given, by the first reason; absent as behalf_workloads_asking is.
# TYPE behalf_workloads_outside_bounds gauge
behalf_workloads_outside_bounds{reason="Ambiguous"} 0
behalf_workloads_outside_bounds{reason="Malformed"} 0
behalf_workloads_outside_bounds{reason="NoEffect"} 2
behalf_workloads_outside_bounds{reason="NoServiceDelegation"} 0
behalf_workloads_outside_bounds{reason="NotDeclared"} 1
`
	if err := testutil.CollectAndCompare(s, strings.NewReader(want), "behalf_workloads_asking", "behalf_workloads_outside_bounds"); err != nil {
		t.Error(err)
	}
	if got := s.String(); got != "running workloads: 4 pods ask for delegation, 3 of them for more than they are given" {
		t.Errorf("it says %q", got)
	}
}

// told is a sweep with an API server that has some workloads, and the events that are there.
func told(t *testing.T, d *declared, fail *error, objects ...client.Object) (s *Sweep, events func() []string) {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	api := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if *fail != nil {
				return *fail
			}
			return c.Get(ctx, key, o, opts...)
		},
	}).Build()
	s = testSweep(d)
	s.options.Live = api
	return s, func() []string {
		var list eventsv1.EventList
		if err := api.List(t.Context(), &list); err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, e := range list.Items {
			lines = append(lines, fmt.Sprintf("%s %s %s/%s: %s", e.Reason, e.Regarding.Kind, e.Regarding.Namespace, e.Regarding.Name, e.Note))
		}
		slices.Sort(lines)
		return lines
	}
}

// tellAll tells of all that is untold, as the queue would have it done.
func (s *Sweep) tellAll(t *testing.T) (err error) {
	t.Helper()
	s.looks(t)
	a := s.accounts[portal.name]
	for _, w := range slices.Collect(maps.Keys(a.workloads)) {
		err = errors.Join(err, s.teller.tell(t.Context(), task{account: a.name, owner: w}))
	}
	return err
}

func object[T client.Object](o T, name string, made ...metav1.OwnerReference) T {
	o.SetNamespace("support")
	o.SetName(name)
	o.SetUID(types.UID("uid-" + name))
	o.SetOwnerReferences(made)
	return o
}

const noDelegation = "service account support/portal asks for read and has no ServiceDelegation: create one in namespace support with " +
	"spec.serviceAccountName: portal that declares under spec.audiences what it needs"

func TestTheEventStandsOnTheObjectThatAPersonApplied(t *testing.T) {
	other := object(&appsv1.ReplicaSet{}, "rs", madeBy("apps/v1", "Deployment", "d"))
	other.UID = "another"
	cases := map[string]struct {
		made  []metav1.OwnerReference
		there []client.Object
		want  string
	}{
		"of a bare pod, the pod":                     {nil, nil, "Pod support/p"},
		"of a StatefulSet, that":                     {[]metav1.OwnerReference{madeBy("apps/v1", "StatefulSet", "s")}, nil, "StatefulSet support/s"},
		"of something else's pod, that":              {[]metav1.OwnerReference{madeBy("argoproj.io/v1alpha1", "Rollout", "r")}, nil, "Rollout support/r"},
		"of a Deployment, the Deployment":            {[]metav1.OwnerReference{madeBy("apps/v1", "ReplicaSet", "rs")}, []client.Object{object(&appsv1.ReplicaSet{}, "rs", madeBy("apps/v1", "Deployment", "d"))}, "Deployment support/d"},
		"of a bare ReplicaSet, that":                 {[]metav1.OwnerReference{madeBy("apps/v1", "ReplicaSet", "rs")}, []client.Object{object(&appsv1.ReplicaSet{}, "rs")}, "ReplicaSet support/rs"},
		"of a ReplicaSet that is gone, that":         {[]metav1.OwnerReference{madeBy("apps/v1", "ReplicaSet", "rs")}, nil, "ReplicaSet support/rs"},
		"of a ReplicaSet that is another by now":     {[]metav1.OwnerReference{madeBy("apps/v1", "ReplicaSet", "rs")}, []client.Object{other}, "ReplicaSet support/rs"},
		"of a CronJob, the CronJob":                  {[]metav1.OwnerReference{madeBy("batch/v1", "Job", "j")}, []client.Object{object(&batchv1.Job{}, "j", madeBy("batch/v1", "CronJob", "c"))}, "CronJob support/c"},
		"of a kind with a name like a ReplicaSet's":  {[]metav1.OwnerReference{madeBy("example.com/v1", "ReplicaSet", "rs")}, []client.Object{object(&appsv1.ReplicaSet{}, "rs", madeBy("apps/v1", "Deployment", "d"))}, "ReplicaSet support/rs"},
		"of an owner whose version cannot be read":   {[]metav1.OwnerReference{madeBy("a/b/c", "ReplicaSet", "rs")}, nil, "ReplicaSet support/rs"},
		"of the mirror of a static pod, the pod too": {[]metav1.OwnerReference{madeBy("v1", "Node", "n")}, nil, "Pod support/p"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var fail error
			s, events := told(t, nil, &fail, c.there...)
			s.comes(t, "p", "read", c.made...)
			if err := s.tellAll(t); err != nil {
				t.Fatal(err)
			}
			want := "OutsideBounds " + c.want + ": Pod p is outside its bounds: metadata.annotations[behalf.dev/scopes]: " + noDelegation
			if got := events(); len(got) != 1 || got[0] != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

// THREATS 44: one event for each workload and change, whoever leads and however many pods it has.
func TestAWorkloadIsToldOfOnce(t *testing.T) {
	var fail error
	d := &declared{bounds: bounds{declares("a", "x")}}
	there := []client.Object{
		object(&appsv1.ReplicaSet{}, "old", madeBy("apps/v1", "Deployment", "d")), object(&appsv1.ReplicaSet{}, "new", madeBy("apps/v1", "Deployment", "d")),
	}
	s, events := told(t, d, &fail, there...)
	arrive := func(s *Sweep) {
		for i := range 100 {
			s.comes(t, fmt.Sprintf("old-%02d", i), "read", madeBy("apps/v1", "ReplicaSet", "old"))
			s.comes(t, fmt.Sprintf("new-%02d", i), "read", madeBy("apps/v1", "ReplicaSet", "new"))
		}
	}
	expect := func(what string, s *Sweep, want int) {
		t.Helper()
		if err := s.tellAll(t); err != nil {
			t.Fatal(err)
		}
		if got := events(); len(got) != want {
			t.Errorf("%s: %d events, want %d: %q", what, len(got), want, got)
		}
		a := s.accounts[portal.name]
		for w := range a.workloads {
			if a.untold(w) {
				t.Errorf("%s: the API server would be asked again about %s", what, w.name)
			}
		}
	}
	arrive(s)
	expect("two ReplicaSets of one Deployment", s, 1)
	expect("nothing new", s, 1)
	s.comes(t, "old-xx", "read", madeBy("apps/v1", "ReplicaSet", "old"))
	expect("one more pod", s, 1)

	next := testSweep(d) // the next leader knows nothing of what was told
	next.options.Live = s.options.Live
	arrive(next)
	expect("the next leader", next, 1)

	d.bounds = bounds{declares("a", "y")}
	d.bounds[0].object.Generation = 2
	expect("another change", s, 2)
	d.bounds = bounds{declares("a", "read")}
	d.bounds[0].object.Generation = 3
	expect("back within", s, 2)
	d.bounds = bounds{declares("a", "y")}
	d.bounds[0].object.Generation = 4
	expect("the same again, by another change", s, 3)
	s.comes(t, "z", "write", madeBy("apps/v1", "ReplicaSet", "new"))
	expect("something else is wrong as well", s, 4)
}

func TestAnEventThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	fail := errors.New("the API server is away")
	s, events := told(t, nil, &fail, object(&appsv1.ReplicaSet{}, "rs"))
	s.comes(t, "p", "read", madeBy("apps/v1", "ReplicaSet", "rs"))
	if err := s.tellAll(t); err == nil || len(events()) != 0 {
		t.Fatalf("got %v and %q", err, events())
	}
	fail = nil
	if err := s.tellAll(t); err != nil || len(events()) != 1 {
		t.Errorf("got %v and %q", err, events())
	}
}

func TestAWorkloadThatWentBackIsNotToldOf(t *testing.T) {
	var fail error
	d := &declared{}
	s, events := told(t, d, &fail)
	s.comes(t, "p", "read")
	s.looks(t)
	d.bounds = bounds{declares("a", "read")}
	s.stands(t)
	if err := s.teller.tell(t.Context(), task{account: portal.name, owner: owner{"v1", "Pod", "p", "uid-p"}}); err != nil || len(events()) != 0 {
		t.Errorf("got %v and %q", err, events())
	}
}

func TestALongNoteIsCut(t *testing.T) {
	f := finding{account: portal.name, pod: owner{name: "p"}, problems: []workload.Problem{{Field: "f", Message: strings.Repeat("ä", 2000)}, {}}}
	got := f.event(owner{kind: "Pod", name: "p"}, start).Note
	if len(got) > maxNote || !strings.HasPrefix(got, "Pod p is outside its bounds (and 1 more problems): f: ää") {
		t.Errorf("%d bytes: %.80s", len(got), got)
	}
}
