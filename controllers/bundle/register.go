// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
)

// Register is where the leader writes down the revision of a content before anybody is served under it, and where every
// replica reads it (ADR 0023). What is written for a resource server comes back with its status.
type Register interface {
	// Watch keeps up with what is written, and calls changed when that is something new. It returns once it knows all.
	Watch(ctx context.Context, informers cache.Informers, changed func()) error
	// WriteBundle writes which bundle a resource server has, unless it is another object or has another one than was thought;
	// the zero one says that it has none.
	WriteBundle(ctx context.Context, server *v1alpha1.ResourceServer, thought, b v1alpha1.BundleStatus) error
	// Shared is what is written of bundles that are none of a resource server's; false as long as nothing is.
	Shared() (Shared, bool)
	// WriteShared writes that, unless something else was written since Shared.
	WriteShared(ctx context.Context, s Shared) error
}

// Shared is what is written down of trust and revocations. Nobody may change it.
type Shared struct {
	// Trust is the trust bundle that was assigned last.
	Trust v1alpha1.BundleStatus
	// RevocationsBase is what the resource version of the newest revocation is added to: their list is numbered by the API
	// server, so that every replica may send it at once.
	RevocationsBase int64
	// Keys of issuers, by the names of these.
	Keys map[string]RecordedKeys
}

// RevisionsConfigMap has what is shared, in the manager's own namespace.
const RevisionsConfigMap = "behalf-revisions"

// The keys in it.
const (
	trustRevisionKey   = "trust"
	revocationsBaseKey = "revocations-base"
)

// Records is the Register in the API server.
type Records struct {
	client    client.Client
	namespace string
	current   atomic.Pointer[record]
}

// record is the ConfigMap as it was last told of, read once: it is asked for several times in every turn.
type record struct {
	config *corev1.ConfigMap
	shared Shared
	// whole says that it could be read.
	whole bool
}

func recordOf(config *corev1.ConfigMap) *record {
	shared, err := readShared(config)
	return &record{config: config, shared: shared, whole: err == nil}
}

var _ Register = (*Records)(nil)

// NewRecords gives a Register that writes with the client. It knows nothing before Watch.
func NewRecords(c client.Client, namespace string) *Records {
	return &Records{client: c, namespace: namespace}
}

// Watch has the cache keep up with the one ConfigMap. It need hold no other.
func (r *Records) Watch(ctx context.Context, informers cache.Informers, changed func()) error {
	informer, err := informers.GetInformer(ctx, &corev1.ConfigMap{})
	if err != nil {
		return fmt.Errorf("watching config map %s: %w", RevisionsConfigMap, err)
	}
	take := func(o any) {
		if config, ok := o.(*corev1.ConfigMap); ok && config.Name == RevisionsConfigMap && config.Namespace == r.namespace {
			r.current.Store(recordOf(config))
			changed()
		}
	}
	registration, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: take, UpdateFunc: func(_, after any) { take(after) },
		DeleteFunc: func(any) {
			r.current.Store(nil)
			changed()
		},
	})
	if err != nil {
		return fmt.Errorf("watching config map %s: %w", RevisionsConfigMap, err)
	}
	select {
	case <-registration.HasSyncedChecker().Done():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for config map %s: %w", RevisionsConfigMap, ctx.Err())
	}
}

// attempts at writing to an object that others change at the same time.
const attempts = 5

// WriteBundle looks at the object again where it has changed since it was read, so that of two that take themselves for the
// leader one comes too late.
func (r *Records) WriteBundle(ctx context.Context, server *v1alpha1.ResourceServer, thought, b v1alpha1.BundleStatus) error {
	doing := fmt.Sprintf("writing down revision %d of %s/%s", b.Revision, server.Namespace, server.Name)
	for range attempts {
		err := r.patchBundle(ctx, server, b)
		if !apierrors.IsConflict(err) {
			return wrapped(doing, client.IgnoreNotFound(err)) // of one that is gone the cache is about to tell
		}
		live := &v1alpha1.ResourceServer{}
		if err := r.client.Get(ctx, client.ObjectKeyFromObject(server), live); err != nil {
			return wrapped(doing, client.IgnoreNotFound(err))
		}
		if live.UID != server.UID || live.Status.Bundle != thought {
			return fmt.Errorf("%s: it has revision %d already, written by another replica", doing, live.Status.Bundle.Revision)
		}
		server = live
	}
	return fmt.Errorf("%s: it changed %d times meanwhile", doing, attempts)
}

func wrapped(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func (r *Records) patchBundle(ctx context.Context, server *v1alpha1.ResourceServer, b v1alpha1.BundleStatus) error {
	changed := server.DeepCopy()
	changed.Status.Bundle = b
	return r.client.Status().Patch(ctx, changed, client.MergeFromWithOptions(server, client.MergeFromWithOptimisticLock{}))
}

// Shared is what the ConfigMap says. One that cannot be read counts as none, and is written anew.
func (r *Records) Shared() (Shared, bool) {
	known := r.current.Load()
	if known == nil {
		return Shared{}, false
	}
	return known.shared, known.whole
}

// WriteShared replaces or makes the ConfigMap.
func (r *Records) WriteShared(ctx context.Context, s Shared) error {
	known := r.current.Load()
	next := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: RevisionsConfigMap}}
	write := func() error { return r.client.Create(ctx, next) }
	if known != nil {
		next = known.config.DeepCopy()
		write = func() error { return r.client.Update(ctx, next) }
	}
	if err := s.write(next); err != nil {
		return err
	}
	switch err := write(); {
	case apierrors.IsAlreadyExists(err):
		return fmt.Errorf("writing down revisions: config map %s was just made by somebody else", RevisionsConfigMap)
	case err != nil:
		return fmt.Errorf("writing down revisions in config map %s: %w", RevisionsConfigMap, err)
	}
	r.current.CompareAndSwap(known, recordOf(next))
	return nil
}

func (s Shared) write(config *corev1.ConfigMap) error {
	config.Data = map[string]string{
		trustRevisionKey:   fmt.Sprintf("%d %s", s.Trust.Revision, s.Trust.Digest),
		revocationsBaseKey: strconv.FormatInt(s.RevocationsBase, 10),
	}
	config.BinaryData = map[string][]byte{}
	for _, keys := range s.Keys {
		packed, err := keys.pack()
		if err != nil {
			return err
		}
		config.BinaryData[keys.slot()] = packed
	}
	return nil
}

var errShared = errors.New("it is not in the form that the manager writes")

func readShared(config *corev1.ConfigMap) (Shared, error) {
	data := config.Data
	revision, digest, ok := strings.Cut(data[trustRevisionKey], " ")
	trust, err := strconv.ParseInt(revision, 10, 64)
	base, baseErr := strconv.ParseInt(data[revocationsBaseKey], 10, 64)
	if !ok || err != nil || baseErr != nil || trust < 0 {
		return Shared{}, errShared
	}
	s := Shared{Trust: v1alpha1.BundleStatus{Revision: trust, Digest: digest}, RevocationsBase: base, Keys: map[string]RecordedKeys{}}
	for _, packed := range config.BinaryData {
		keys, err := unpackKeys(packed)
		if err != nil {
			return Shared{}, err
		}
		s.Keys[keys.Name] = keys
	}
	return s, nil
}
