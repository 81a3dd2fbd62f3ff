// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"fmt"
	"maps"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
)

// watched is a kind that the compiler looks at: an object that names it to the cache, and how one is told to a compiler.
type watched struct {
	object client.Object
	put    func(*compile.Compiler, client.Object)
}

// kinds are all of them, by what the compiler calls them. Of namespaces and service accounts only the metadata are kept.
var kinds = map[string]watched{
	compile.KindResourceServer:       ours[v1alpha1.ResourceServer](),
	compile.KindDelegationPolicy:     ours[v1alpha1.DelegationPolicy](),
	compile.KindServiceDelegation:    ours[v1alpha1.ServiceDelegation](),
	compile.KindTrustedIssuer:        ours[v1alpha1.TrustedIssuer](),
	compile.KindDelegationGrant:      ours[v1alpha1.DelegationGrant](),
	compile.KindDelegationRevocation: ours[v1alpha1.DelegationRevocation](),
	compile.KindNamespace: metadata("Namespace", func(c *compile.Compiler, o client.Object) {
		compile.Put(c, &compile.Namespace{Name: o.GetName(), Labels: o.GetLabels(), UID: string(o.GetUID())})
	}),
	compile.KindServiceAccount: metadata("ServiceAccount", func(c *compile.Compiler, o client.Object) {
		compile.Put(c, &compile.ServiceAccount{Namespace: o.GetNamespace(), Name: o.GetName(), UID: string(o.GetUID())})
	}),
}

func ours[T compile.Reported, P interface {
	*T
	client.Object
}]() watched {
	return watched{object: P(new(T)), put: func(c *compile.Compiler, o client.Object) {
		if object, ok := o.(P); ok {
			compile.Put(c, (*T)(object))
		}
	}}
}

func metadata(kind string, put func(*compile.Compiler, client.Object)) watched {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: kind})
	return watched{object: object, put: put}
}

// watch has the intake told of everything, and calls changed at every change that the compiler could see. It returns once
// the intake knows all that there is.
func watch(ctx context.Context, informers cache.Informers, in *intake, changed func()) error {
	var known []toolscache.DoneChecker
	for kind, w := range kinds {
		informer, err := informers.GetInformer(ctx, w.object)
		if err != nil {
			return fmt.Errorf("watching objects of kind %s: %w", kind, err)
		}
		h := handler(kind, in, hearing{now: time.Now, newest: func() string { return lastSync(informer) }, changed: changed})
		registration, err := informer.AddEventHandler(h)
		if err != nil {
			return fmt.Errorf("watching objects of kind %s: %w", kind, err)
		}
		known = append(known, registration.HasSyncedChecker())
	}
	for _, k := range known {
		select {
		case <-k.Done():
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", k.Name(), ctx.Err())
		}
	}
	return revocationsListed(ctx, informers, in)
}

// revocationsListed takes note of how new the first list of revocations is: what was deleted before, nobody is told of.
func revocationsListed(ctx context.Context, informers cache.Informers, in *intake) error {
	informer, err := informers.GetInformer(ctx, kinds[compile.KindDelegationRevocation].object)
	if err != nil {
		return fmt.Errorf("watching revocations: %w", err)
	}
	in.revocationsAt(lastSync(informer))
	return nil
}

// lastSync is the resource version up to which an informer knows everything; empty where it does not say.
func lastSync(informer cache.Informer) string {
	if i, ok := informer.(interface{ LastSyncResourceVersion() string }); ok {
		return i.LastSyncResourceVersion()
	}
	return ""
}

// hearing is what a handler needs to know and whom it tells.
type hearing struct {
	now func() time.Time
	// newest is the resource version up to which the cache knows everything.
	newest func() string
	// changed is called at every change that the compiler could see.
	changed func()
}

func handler(kind string, in *intake, h hearing) toolscache.ResourceEventHandlerDetailedFuncs {
	put := func(o any, arrived time.Time) {
		if object, ok := o.(client.Object); ok {
			in.put(compile.Key{Kind: kind, Namespace: object.GetNamespace(), Name: object.GetName()}, object, arrived)
		}
	}
	return toolscache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(o any, initially bool) {
			arrived := h.now()
			if initially {
				arrived = time.Time{}
			}
			put(o, arrived)
			h.changed()
		},
		UpdateFunc: func(before, after any) {
			if !matters(before, after) {
				put(after, time.Time{})
				return
			}
			put(after, h.now())
			h.changed()
		},
		DeleteFunc: func(o any) {
			if key, ok := keyOfDeleted(kind, o); ok {
				in.remove(key, versionOfDeleted(o, h.newest), h.now())
				h.changed()
			}
		},
	}
}

// keyOfDeleted also knows objects whose deletion went unseen.
func keyOfDeleted(kind string, o any) (compile.Key, bool) {
	text, err := toolscache.DeletionHandlingMetaNamespaceKeyFunc(o)
	if err != nil {
		return compile.Key{}, false
	}
	namespace, name, err := toolscache.SplitMetaNamespaceKey(text)
	return compile.Key{Kind: kind, Namespace: namespace, Name: name}, err == nil
}

// versionOfDeleted is when it was deleted. Of a deletion that went unseen, only a time by which it had happened is known.
func versionOfDeleted(o any, newest func() string) string {
	if object, ok := o.(client.Object); ok {
		return object.GetResourceVersion()
	}
	return newest()
}

// matters is false for what need not be compiled at once: above all for our own writes of conditions, and for resyncs. What
// the compiler reads is compared again when it is told.
func matters(before, after any) bool {
	a, ok := before.(client.Object)
	b, also := after.(client.Object)
	if !ok || !also {
		return true
	}
	return a.GetUID() != b.GetUID() || a.GetGeneration() != b.GetGeneration() || !maps.Equal(a.GetLabels(), b.GetLabels()) || assigned(a) != assigned(b)
}

// assigned is the bundle that the leader wrote down for a resource server.
func assigned(o client.Object) v1alpha1.BundleStatus {
	if server, ok := o.(*v1alpha1.ResourceServer); ok {
		return server.Status.Bundle
	}
	return v1alpha1.BundleStatus{}
}
