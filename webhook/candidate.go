// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"errors"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/json"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
)

// candidate is an object of ours that somebody applies.
type candidate struct {
	key compile.Key
	// in gives the world with the object in place of its earlier form.
	in func(compile.World) compile.World
}

// readers of the kinds that are validated. What is wrong with a DelegationGrant or a DelegationRevocation the schema sees.
var readers = map[schema.GroupVersionKind]func(raw []byte, now time.Time) (*candidate, error){
	v1alpha1.GroupVersion.WithKind(compile.KindResourceServer): reader(compile.KindResourceServer,
		func(w *compile.World) *[]v1alpha1.ResourceServer { return &w.ResourceServers }),
	v1alpha1.GroupVersion.WithKind(compile.KindDelegationPolicy): reader(compile.KindDelegationPolicy,
		func(w *compile.World) *[]v1alpha1.DelegationPolicy { return &w.Policies }),
	v1alpha1.GroupVersion.WithKind(compile.KindServiceDelegation): reader(compile.KindServiceDelegation,
		func(w *compile.World) *[]v1alpha1.ServiceDelegation { return &w.ServiceDelegations }),
	v1alpha1.GroupVersion.WithKind(compile.KindTrustedIssuer): reader(compile.KindTrustedIssuer,
		func(w *compile.World) *[]v1alpha1.TrustedIssuer { return &w.Issuers }),
}

func readCandidate(kind schema.GroupVersionKind, raw []byte, now time.Time) (*candidate, error) {
	read, known := readers[kind]
	if !known {
		return nil, fmt.Errorf("objects of kind %s are not validated here", kind)
	}
	return read(raw, now)
}

// reader makes candidates of one kind, which stands in one list of a world.
func reader[T any, P interface {
	*T
	client.Object
}](kind string, list func(*compile.World) *[]T) func([]byte, time.Time) (*candidate, error) {
	return func(raw []byte, now time.Time) (*candidate, error) {
		object := P(new(T))
		if err := readObject(raw, object); err != nil {
			return nil, err
		}
		if stamp := object.GetCreationTimestamp(); stamp.IsZero() {
			object.SetCreationTimestamp(metav1.NewTime(now)) // a new object must not win a conflict for having no age
		}
		namespace, name := object.GetNamespace(), object.GetName()
		return &candidate{
			key: compile.Key{Kind: kind, Namespace: namespace, Name: name},
			in: func(w compile.World) compile.World {
				others := list(&w)
				*others = append(slices.DeleteFunc(slices.Clone(*others), func(other T) bool {
					o := P(&other)
					return o.GetNamespace() == namespace && o.GetName() == name
				}), *object)
				return w
			},
		}, nil
	}
}

// readObject wants every field to be known: what this program cannot read it cannot enforce.
func readObject(raw []byte, into any) error {
	if len(raw) == 0 {
		return errors.New("there is no object")
	}
	wrong, err := json.UnmarshalStrict(raw, into)
	if err != nil {
		return fmt.Errorf("reading the object: %w", err)
	}
	if len(wrong) > 0 {
		return fmt.Errorf("reading the object, perhaps of a later release than this webhook: %w", errors.Join(wrong...))
	}
	return nil
}
