// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"fmt"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
)

// delegations finds the ServiceDelegations of a service account, for reading only. It may give others beside them.
type delegations interface {
	of(ctx context.Context, namespace, serviceAccount string) ([]*v1alpha1.ServiceDelegation, error)
}

// cachedDelegations are those that the manager's cache knows, by service account. It takes as long whether there are ten or
// ten thousand, and copies none: a Reader copies each that it lists.
type cachedDelegations struct {
	informer cache.Informer
	indexer  toolscache.Indexer
}

// byServiceAccount is the name of an index of ours.
const byServiceAccount = "webhook:serviceAccount"

var (
	errNoIndexer = errors.New("the cache does not show its indexer")
	errNotSynced = errors.New("the cache is not in sync yet")
)

func newCachedDelegations(informers cache.Informers) (*cachedDelegations, error) {
	informer, err := informers.GetInformer(context.Background(), &v1alpha1.ServiceDelegation{})
	if err != nil {
		return nil, fmt.Errorf("watching ServiceDelegations: %w", err)
	}
	shared, ok := informer.(toolscache.SharedIndexInformer)
	if !ok {
		return nil, fmt.Errorf("indexing ServiceDelegations by service account: %w", errNoIndexer)
	}
	if err := shared.AddIndexers(toolscache.Indexers{byServiceAccount: serviceAccountOf}); err != nil {
		return nil, fmt.Errorf("indexing ServiceDelegations by service account: %w", err)
	}
	return &cachedDelegations{informer: informer, indexer: shared.GetIndexer()}, nil
}

func serviceAccountOf(object any) ([]string, error) {
	d, ok := object.(*v1alpha1.ServiceDelegation)
	if !ok {
		return nil, nil
	}
	return []string{indexKey(d.Namespace, string(d.Spec.ServiceAccountName))}, nil
}

func indexKey(namespace, serviceAccount string) string { return namespace + "/" + serviceAccount }

// of fails while the cache is not in sync.
func (c *cachedDelegations) of(_ context.Context, namespace, serviceAccount string) ([]*v1alpha1.ServiceDelegation, error) {
	if !c.informer.HasSynced() {
		return nil, fmt.Errorf("looking for ServiceDelegations: %w", errNotSynced)
	}
	objects, err := c.indexer.ByIndex(byServiceAccount, indexKey(namespace, serviceAccount))
	if err != nil {
		return nil, fmt.Errorf("looking for ServiceDelegations: %w", err)
	}
	found := make([]*v1alpha1.ServiceDelegation, 0, len(objects))
	for _, object := range objects {
		if d, ok := object.(*v1alpha1.ServiceDelegation); ok {
			found = append(found, d)
		}
	}
	return found, nil
}

// liveDelegations asks the API server, for all of the namespace: it cannot select custom resources by a field.
type liveDelegations struct{ reader client.Reader }

func (l liveDelegations) of(ctx context.Context, namespace, _ string) ([]*v1alpha1.ServiceDelegation, error) {
	var list v1alpha1.ServiceDelegationList
	if err := l.reader.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("looking for ServiceDelegations: %w", err)
	}
	found := make([]*v1alpha1.ServiceDelegation, len(list.Items))
	for i := range list.Items {
		found[i] = &list.Items[i]
	}
	return found, nil
}
