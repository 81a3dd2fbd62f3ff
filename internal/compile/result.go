// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// The kinds of objects that problems and reports speak of.
const (
	KindResourceServer       = "ResourceServer"
	KindDelegationPolicy     = "DelegationPolicy"
	KindServiceDelegation    = "ServiceDelegation"
	KindTrustedIssuer        = "TrustedIssuer"
	KindDelegationGrant      = "DelegationGrant"
	KindDelegationRevocation = "DelegationRevocation"
	// KindCluster is not a kind of object: it stands for the cluster's own service account issuer.
	KindCluster = "Cluster"
	// KindNamespace and KindServiceAccount are what selectors and names are about. Neither has a Report.
	KindNamespace      = "Namespace"
	KindServiceAccount = "ServiceAccount"
)

// Result is what a World compiles to.
type Result struct {
	// Policies are the bundles, by the ResourceServer's name. A ResourceServer that has a Report and no bundle is not
	// accepted and nothing stands in for it.
	Policies map[types.NamespacedName]*bundle.Policy
	// Trust and Revocations are never nil.
	Trust       *bundle.Trust
	Revocations *bundle.Revocations
	// Problems of all objects, in the order of object and field.
	Problems []Problem
	// Reports has an entry for every object of ours in the World.
	Reports map[Key]Report
}

// Key names an object whatever its generation.
type Key struct {
	Kind      string
	Namespace string
	Name      string
}

// KeyOf is the key of the object that a reference names.
func KeyOf(ref authz.ObjectRef) Key {
	return Key{Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name}
}

// Severity says what a Problem does to its object. The zero value is the severe one.
type Severity uint8

const (
	// Error says that the object is not accepted.
	Error Severity = iota
	// Warning says that the object is accepted and that something in it has no effect, perhaps not yet, or another one than
	// its owner may think.
	Warning
)

// String is Error or Warning.
func (s Severity) String() string {
	if s == Warning {
		return "Warning"
	}
	return "Error"
}

// Problem is one thing that is wrong with one object. The same value becomes a condition, an admission error and a line
// on the terminal.
type Problem struct {
	Object authz.ObjectRef
	// Field is the path of what is wrong, such as spec.scopes[0].entitlements[1].conditions[0].expression.
	Field string
	// Reason is one of the Reason constants of v1alpha1: Invalid, Conflict, NoEffect or KeysUnavailable.
	Reason string
	// Message is a sentence that says what is wrong and what to do about it. It names neither object nor field.
	Message  string
	Severity Severity
	// Consequence is the end of Message that says what holds until the object is mended; mostly empty.
	Consequence string
}

// Refusal is the message for whoever is refused the object, so that nothing of it will hold.
func (p Problem) Refusal() string { return strings.TrimSuffix(p.Message, p.Consequence) }

// String is the problem on one line: object, field, message.
func (p Problem) String() string {
	return p.Object.String() + ": " + p.Field + ": " + p.Message
}

// Report is what became of one object.
type Report struct {
	// Object with the generation that was compiled.
	Object authz.ObjectRef
	// Accepted is false where the object has a problem of severity Error.
	Accepted bool
	// Reason and Message are those of the first Error, or Accepted and a sentence that says so.
	Reason  string
	Message string
	// Bundles that the object landed in, sorted: namespace/name of a policy bundle, bundle.TrustName or
	// bundle.RevocationsName. An object that is not accepted may still be in some: a Forbid, a revocation and a
	// ResourceServer with a faulty entitlement stay in force as far as they can be made out.
	Bundles []string
	// StandIn says that a ResourceServer is not accepted and that World.LastAccepted stands in for it.
	StandIn bool
	// Effective and Excess are the status fields of a ServiceDelegation, sorted; Excess is complete, while a status lists
	// at most 100.
	Effective []v1alpha1.AudienceScopes
	Excess    []v1alpha1.ExcessScope
}

// ProblemsOf are the problems of one object, in the order of their fields.
func (r *Result) ProblemsOf(key Key) []Problem {
	var own []Problem
	for _, p := range r.Problems {
		if KeyOf(p.Object) == key {
			own = append(own, p)
		}
	}
	return own
}
