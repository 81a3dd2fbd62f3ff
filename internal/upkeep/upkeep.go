// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package upkeep puts right what admission rests on: webhook configurations, admission policies and their bindings that were
// deleted or altered, without hands.
//
// What is missing is created by whichever replica sees it first. What differs is restored by the leader alone: replicas of two
// versions, as there are during an update, would otherwise undo each other's work for ever. The caBundle of webhooks is kept
// by all, for all have the same.
//
// Some objects may take effect only after something else is in place, of which the leader knows. The leader creates and
// restores them when it is. Every other replica creates what it saw stand before: it was in effect until then.
//
// Everything beside metadata is an object's body, and is held to the manifest as a whole: a match condition too many is as
// good as no webhook. Of metadata, only the annotations that the manifest has are held; labels and all else belong to whoever
// installed it.
package upkeep

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Mode says whose the objects are.
type Mode string

const (
	// Managed has the manager create and restore them.
	Managed Mode = "Managed"
	// Unmanaged leaves them to somebody else; of webhooks that exist the caBundle is kept all the same.
	Unmanaged Mode = "Unmanaged"
)

// fieldOwner is the name under which objects are written.
const fieldOwner = client.FieldOwner("behalf-manager")

const (
	// lookEvery is how often everything is looked at beside what is watched, and retryAfter when after a failure.
	lookEvery  = 10 * time.Second
	retryAfter = time.Second
	// The pause after a write doubles from one to the other while somebody else goes on changing the same object.
	leastPause = 50 * time.Millisecond
	mostPause  = 2 * time.Second
)

// Options of a Keeper.
type Options struct {
	Mode Mode
	// Objects are what must be there.
	Objects []Object
	// Elected is closed when this replica leads.
	Elected <-chan struct{}
	Log     logr.Logger
}

// Keeper looks after the objects. It runs on every replica.
type Keeper struct {
	client  client.WithWatch
	options Options
	objects []*object
	leads   atomic.Bool
	// bundle is what the caBundle of webhooks should be; nil where it is not known, or is somebody else's business.
	bundle atomic.Pointer[[]byte]

	restored *prometheus.CounterVec
	failures *prometheus.CounterVec
}

// New gives a Keeper that reads and writes through a client without a cache: it may read by name only.
func New(c client.WithWatch, options Options) (*Keeper, error) {
	k := &Keeper{
		client:  c,
		options: options,
		restored: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "behalf_admission_objects_restored_total",
			Help: "Webhook configurations, admission policies and bindings that this replica created or put back as they must be.",
		}, []string{"object", "found"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "behalf_admission_objects_failures_total",
			Help: "Attempts to look after a webhook configuration, an admission policy or a binding that failed.",
		}, []string{"object"}),
	}
	if options.Mode != Managed && options.Mode != Unmanaged {
		return nil, fmt.Errorf("looking after admission objects: mode is %q; say %s or %s", options.Mode, Managed, Unmanaged)
	}
	for _, each := range options.Objects {
		manifest := each.Manifest
		if manifest.GetName() == "" || manifest.GetNamespace() != "" || manifest.GetKind() == "" {
			return nil, fmt.Errorf("looking after admission objects: %s %q is not a named object of the cluster", manifest.GetKind(), manifest.GetName())
		}
		o := newObject(each)
		k.objects = append(k.objects, o)
		for _, found := range []string{foundMissing, foundAltered} {
			k.restored.WithLabelValues(o.label(), found)
		}
		k.failures.WithLabelValues(o.label())
	}
	for _, o := range k.objects {
		o.policy = o.policyOf(k.objects)
	}
	return k, nil
}

// Kinds that depend on each other.
const (
	policyKind  = "ValidatingAdmissionPolicy"
	bindingKind = "ValidatingAdmissionPolicyBinding"
)

// What was found in place of an object, as the metric says it.
const (
	foundMissing = "missing"
	foundAltered = "altered"
)

// NeedLeaderElection is false: every replica creates what is missing.
func (k *Keeper) NeedLeaderElection() bool { return false }

// Publish has the caBundle of all webhooks that exist be this, and errs where it could not be brought about. One that does not
// exist is no error: nobody asks it.
func (k *Keeper) Publish(ctx context.Context, bundle []byte) error {
	k.bundle.Store(&bundle)
	var errs []error
	for _, o := range k.objects {
		if o.hasWebhooks() {
			errs = append(errs, k.publishTo(ctx, o))
		}
	}
	return errors.Join(errs...)
}

func (k *Keeper) publishTo(ctx context.Context, o *object) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	live, err := k.read(ctx, o)
	if err != nil || live == nil {
		return err
	}
	_, err = k.fill(ctx, o, live)
	return err
}

// tend looks at an object, puts right what is wrong, and says whether anything was.
func (k *Keeper) tend(ctx context.Context, o *object) (wrote bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	live, err := k.read(ctx, o)
	if err != nil {
		return false, err
	}
	if live != nil {
		o.stood = true
		// Another authority is no alteration, and is not counted as one: so the caBundle comes first, and by itself.
		if wrote, err = k.fill(ctx, o, live); wrote || err != nil {
			return wrote, err
		}
	}
	if !k.may(o, live) {
		return false, nil
	}
	if err := o.know(ctx); err != nil {
		return false, err
	}
	if live == nil {
		return k.create(ctx, o)
	}
	return k.restore(ctx, o, live)
}

// may says whether this replica may create an object, or restore the one that there is.
func (k *Keeper) may(o *object, live *unstructured.Unstructured) bool {
	switch {
	case k.options.Mode == Unmanaged:
		return false
	case live == nil:
		return o.stood || !o.early()
	default:
		return k.leads.Load() && !o.early()
	}
}

// writable says of a binding whether its policy is there, and sees to it; all else is. The API server wants whoever binds
// a policy that is not there to be allowed to read whatever could be its parameter, and the manager is not.
func (k *Keeper) writable(ctx context.Context, o *object) (bool, error) {
	if o.policy == nil {
		return true, nil
	}
	policy, err := k.read(ctx, o.policy)
	if policy != nil || err != nil {
		return policy != nil, err
	}
	if _, err := k.tend(ctx, o.policy); err != nil {
		return false, fmt.Errorf("before %s: %w", o, err)
	}
	policy, err = k.read(ctx, o.policy)
	return policy != nil, err
}

// read gives nil where there is none.
func (k *Keeper) read(ctx context.Context, o *object) (*unstructured.Unstructured, error) {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(o.manifest.GroupVersionKind())
	err := k.client.Get(ctx, client.ObjectKeyFromObject(o.manifest), live)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // there is none, and that is no error
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", o, err)
	}
	return live, nil
}

// create applies the object, because a role can bound that by name: it cannot bound a POST. It does not wait for the caBundle:
// until that is known, a webhook that nobody believes refuses, and a missing one would let pass.
func (k *Keeper) create(ctx context.Context, o *object) (wrote bool, err error) {
	if ready, err := k.writable(ctx, o); !ready || err != nil {
		return false, err
	}
	want := o.text.DeepCopy()
	maps.Copy(want.Object, o.body(k.caBundle(), nil))
	if err := k.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(want), fieldOwner, client.ForceOwnership); err != nil {
		return true, fmt.Errorf("creating %s, which is not there: %w (config/rbac lets the manager do so)", o, err)
	}
	o.stood = true
	k.note(o, foundMissing)
	return true, nil
}

// restore writes what the manifest says over what is there. The API server fills in defaults, so what it made of the same
// text before is what is compared with; the first time it is asked, and writes nothing where nothing differs.
func (k *Keeper) restore(ctx context.Context, o *object, live *unstructured.Unstructured) (wrote bool, err error) {
	want := o.body(k.caBundle(), live)
	if o.settledAs(want, live) {
		return false, nil
	}
	if ready, err := k.writable(ctx, o); !ready || err != nil {
		return false, err
	}
	next := live.DeepCopy()
	for field := range bodyOf(live) {
		delete(next.Object, field)
	}
	maps.Copy(next.Object, want)
	o.annotate(next)
	if err := k.client.Update(ctx, next, fieldOwner); err != nil {
		return false, fmt.Errorf("restoring %s: %w (config/rbac lets the manager do so)", o, err)
	}
	o.settle(want, next)
	if next.GetResourceVersion() == live.GetResourceVersion() {
		return false, nil
	}
	k.note(o, foundAltered)
	return true, nil
}

// fill writes the caBundle and nothing else.
func (k *Keeper) fill(ctx context.Context, o *object, live *unstructured.Unstructured) (wrote bool, err error) {
	next := live.DeepCopy()
	if !setBundle(next, k.caBundle()) {
		return false, nil
	}
	if err := k.client.Update(ctx, next, fieldOwner); err != nil {
		return false, fmt.Errorf("updating the caBundle of %s: %w", o, err)
	}
	k.options.Log.Info("updated caBundle", "object", o.String())
	return true, nil
}

func (k *Keeper) caBundle() []byte {
	if bundle := k.bundle.Load(); bundle != nil {
		return *bundle
	}
	return nil
}

func (k *Keeper) note(o *object, found string) {
	k.restored.WithLabelValues(o.label(), found).Inc()
	k.options.Log.Info("put right what admission rests on", "object", o.String(), "found", found)
}

// Describe implements prometheus.Collector.
func (k *Keeper) Describe(ch chan<- *prometheus.Desc) {
	k.restored.Describe(ch)
	k.failures.Describe(ch)
}

// Collect implements prometheus.Collector.
func (k *Keeper) Collect(ch chan<- prometheus.Metric) {
	k.restored.Collect(ch)
	k.failures.Collect(ch)
}

// Problems are what could not be put right when it was looked at last, for whoever asks for readiness.
func (k *Keeper) Problems() []string {
	var problems []string
	for _, o := range k.objects {
		if err := o.problem.Load(); err != nil {
			problems = append(problems, "admission: "+(*err).Error())
		}
	}
	return problems
}
