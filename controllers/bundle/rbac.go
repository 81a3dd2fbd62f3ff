// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

// What the manager may do beside reading our kinds and writing their status, which stands with each controller. It may
// change nothing that others wrote, and read Secrets by their name and in its own namespace only. Creating cannot be
// bounded by name, so it is bounded by the namespace; where it must be bounded by name, what is created is applied.
//
// Where selectors get their labels from, and which service accounts exist (metadata only):
//
// +kubebuilder:rbac:groups="",resources=namespaces;serviceaccounts,verbs=get;list;watch
//
// Whose token an authorizer presents:
//
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
//
// The signing key and the serving authority, and their public parts:
//
// +kubebuilder:rbac:groups="",namespace=behalf-system,resources=secrets;configmaps,verbs=create
// +kubebuilder:rbac:groups="",namespace=behalf-system,resources=secrets,resourceNames=behalf-bundle-signing;behalf-serving-ca,verbs=get;update
// +kubebuilder:rbac:groups="",namespace=behalf-system,resources=configmaps,resourceNames=behalf-bundle-keys;behalf-ca,verbs=get;update
//
// The revisions of what is none of a resource server's; theirs are in their status:
//
// +kubebuilder:rbac:groups="",namespace=behalf-system,resources=configmaps,resourceNames=behalf-revisions,verbs=get;list;watch;update
//
// The election of the leader:
//
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=behalf-system,resources=leases,verbs=create
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=behalf-system,resources=leases,resourceNames=behalf-manager,verbs=get;update
//
// What admission rests on, which is put right. Applying asks for the right to create with the name, as a POST does not: so
// the manager may create these, and no other webhook or policy. Whoever makes a policy that reads ConfigMaps must be allowed to
// get the one that is called *, in every namespace; there is none, and no other is meant. The guard of bounds says by which
// name the API server knows the manager:
//
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingwebhookconfigurations,resourceNames=behalf-validating,verbs=get;list;watch;create;patch;update
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=mutatingwebhookconfigurations,resourceNames=behalf-mutating,verbs=get;list;watch;create;patch;update
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingadmissionpolicies;validatingadmissionpolicybindings,resourceNames=behalf-grant-approval;behalf-onward-delegation;behalf-revocation;behalf-pods-bounds;behalf-pods-namespaces;behalf-templates-syntax;behalf-templates-bounds;behalf-templates-namespaces;behalf-bindings;behalf-bounds-guard,verbs=get;list;watch;create;patch;update
// +kubebuilder:rbac:groups="",resources=configmaps,resourceNames=*,verbs=get
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=selfsubjectreviews,verbs=create
