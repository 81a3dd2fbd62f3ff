// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/json"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
)

// candidate is an object of ours that somebody applies; it has a compiler say what it would report of it.
type candidate func(*compile.Compiler) (compile.Report, []compile.Problem)

// readers of the kinds that are validated. What is wrong with a DelegationGrant or a DelegationRevocation the schema sees.
var readers = map[schema.GroupVersionKind]func(raw []byte, now time.Time) (candidate, error){
	v1alpha1.GroupVersion.WithKind(compile.KindResourceServer):    reader[v1alpha1.ResourceServer],
	v1alpha1.GroupVersion.WithKind(compile.KindDelegationPolicy):  reader[v1alpha1.DelegationPolicy],
	v1alpha1.GroupVersion.WithKind(compile.KindServiceDelegation): reader[v1alpha1.ServiceDelegation],
	v1alpha1.GroupVersion.WithKind(compile.KindTrustedIssuer):     reader[v1alpha1.TrustedIssuer],
}

func readCandidate(kind schema.GroupVersionKind, raw []byte, now time.Time) (candidate, error) {
	read, known := readers[kind]
	if !known {
		return nil, fmt.Errorf("objects of kind %s are not validated here", kind)
	}
	return read(raw, now)
}

// reader reads candidates of one kind.
func reader[T compile.Reported, P interface {
	*T
	client.Object
}](raw []byte, now time.Time) (candidate, error) {
	object := P(new(T))
	if err := readObject(raw, object); err != nil {
		return nil, err
	}
	if stamp := object.GetCreationTimestamp(); stamp.IsZero() {
		object.SetCreationTimestamp(metav1.NewTime(now)) // a new object must not win a conflict for having no age
	}
	return func(c *compile.Compiler) (compile.Report, []compile.Problem) { return compile.Judge(c, (*T)(object)) }, nil
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
