// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
)

// delegations finds the ServiceDelegations of a service account. It may give others beside them.
type delegations interface {
	of(ctx context.Context, namespace, serviceAccount string) ([]v1alpha1.ServiceDelegation, error)
}

// byServiceAccount is the name of an index of ours. Others may index the same field by another name.
const byServiceAccount = "webhook:spec.serviceAccountName"

func indexDelegations(indexer client.FieldIndexer) error {
	err := indexer.IndexField(context.Background(), &v1alpha1.ServiceDelegation{}, byServiceAccount, func(o client.Object) []string {
		d, ok := o.(*v1alpha1.ServiceDelegation)
		if !ok {
			return nil
		}
		return []string{string(d.Spec.ServiceAccountName)}
	})
	if err != nil {
		return fmt.Errorf("indexing ServiceDelegations by service account: %w", err)
	}
	return nil
}

// cachedDelegations takes as long whether there are ten or ten thousand. It fails while the cache is not in sync.
type cachedDelegations struct{ reader client.Reader }

func (c cachedDelegations) of(ctx context.Context, namespace, serviceAccount string) ([]v1alpha1.ServiceDelegation, error) {
	return listDelegations(ctx, c.reader, client.InNamespace(namespace), client.MatchingFields{byServiceAccount: serviceAccount},
		client.UnsafeDisableDeepCopy) // they are read and let go
}

// liveDelegations asks the API server, for all of the namespace: it cannot select custom resources by a field.
type liveDelegations struct{ reader client.Reader }

func (l liveDelegations) of(ctx context.Context, namespace, _ string) ([]v1alpha1.ServiceDelegation, error) {
	return listDelegations(ctx, l.reader, client.InNamespace(namespace))
}

func listDelegations(ctx context.Context, reader client.Reader, options ...client.ListOption) ([]v1alpha1.ServiceDelegation, error) {
	var list v1alpha1.ServiceDelegationList
	if err := reader.List(ctx, &list, options...); err != nil {
		return nil, fmt.Errorf("looking for ServiceDelegations: %w", err)
	}
	return list.Items, nil
}
