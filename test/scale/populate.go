// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// creators are how many objects are created at a time. More of them gain nothing on two processors.
const creators = 16

// populate creates the world's objects through the API server, namespaces first.
func (s *stage) populate(ctx context.Context) error {
	began := time.Now()
	spaces, rest := s.namespaces(), s.others()
	for _, objects := range [][]client.Object{spaces, rest} {
		if err := s.createAll(ctx, objects); err != nil {
			return err
		}
	}
	progressf("created %d objects in %.1f s", len(spaces)+len(rest), time.Since(began).Seconds())
	return nil
}

func (s *stage) createAll(ctx context.Context, objects []client.Object) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(creators)
	for _, object := range objects {
		group.Go(func() error {
			if err := s.admin.Create(ctx, object); err != nil {
				return fmt.Errorf("creating %T %s: %w", object, client.ObjectKeyFromObject(object), err)
			}
			return nil
		})
	}
	return group.Wait()
}

func (s *stage) namespaces() []client.Object {
	var all []client.Object
	for _, n := range s.objects.Namespaces {
		all = append(all, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: n.Labels}})
	}
	return all
}

func (s *stage) others() []client.Object {
	w := s.objects
	var all []client.Object
	for _, a := range w.ServiceAccounts {
		all = append(all, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: a.Namespace, Name: a.Name}})
	}
	all = append(all, pointers(w.Issuers)...)
	all = append(all, pointers(w.ResourceServers)...)
	all = append(all, pointers(w.Policies)...)
	all = append(all, pointers(w.ServiceDelegations)...)
	return append(all, pointers(w.Revocations)...)
}

func pointers[T any, P interface {
	*T
	client.Object
}](objects []T) []client.Object {
	all := make([]client.Object, len(objects))
	for i := range objects {
		all[i] = P(&objects[i])
	}
	return all
}
