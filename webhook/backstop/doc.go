// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package backstop says in the API server's own terms what webhook/workload judges, so that workloads stay within their
// bounds while nobody answers for the webhook, or its configuration is lost: ValidatingAdmissionPolicies, and the ConfigMaps
// that they read. It is pure; controllers/bounds brings it to the API server. docs/adr/0026 has the reasons.
//
// # What is read
//
// The bounds of a namespace are a ConfigMap in it. Which service account may ask for what is worked out here, by
// workload.Permitted, and not in the policies: they only look an element up. A further ConfigMap, in Behalf's own namespace,
// lists the namespaces that have bounds. All bear one name, so that one policy keeps everybody else from writing them.
//
// # What is denied, and what is only said
//
// A pod is denied what the webhook denies it. A namespace's ConfigMap may not be there: the policy that reads it then says
// nothing, whoever writes, for a policy that wants a parameter denies every pod without it, and asks for nothing first. That
// is why a second policy denies whoever asks in a namespace that is not on the list.
//
// At what makes pods, only an annotation that cannot be read is denied. Bounds arrive here a moment after the
// ServiceDelegation was applied, and the webhook reads live before it denies: a Deployment that follows its ServiceDelegation
// in one file must not fail because of that moment. So what depends on bounds is told there as a warning, and the pods are
// denied, which their controllers make again.
package backstop
