// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package workload judges what a pod or a pod template asks for against what its service account was given. It is pure: no
// client, no clock, no context, so that the webhook, a sweep over what runs and a person at a terminal all come to the same
// word.
//
// A pod asks for delegation in two ways: by the annotation behalf.dev/scopes, and by mounting a projected service account
// token for the exchange's audience. Both are volumes and metadata of the pod as a whole. Its containers, whether init,
// sidecar, ephemeral or plain, cannot ask for anything: they mount what volumes the pod has, and no environment variable,
// lifecycle hook or image volume holds a token. That is why no list of containers is walked here. A test lists every source
// from which anything comes into a container, and why it yields no token.
//
// A token for the exchange may also be asked for in the pod's name: by a TokenRequest that is bound to it, as a kubelet asks
// for what the pod mounts, and for what a CSI driver wants to have. That asks for delegation as a mounted token does, whether
// the pod mounts one or not.
//
// Nothing else yields a token for an audience of somebody's choosing. Secrets of the type kubernetes.io/service-account-token
// hold one without an audience, for the API server; pod certificates are no tokens.
package workload
