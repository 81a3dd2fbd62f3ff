// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package workload judges what a pod or a pod template asks for against what its service account was given. It is pure: no
// client, no clock, no context, so that the webhook, a sweep over what runs and a person at a terminal all come to the same
// word.
//
// A pod asks for delegation in two ways: by the annotation behalf.dev/scopes, and by mounting a projected service account
// token for the exchange's audience. Both are volumes and metadata of the pod as a whole. Its containers, whether init,
// sidecar, ephemeral or plain, cannot ask for anything: they mount what volumes the pod has, and no environment variable,
// lifecycle hook or image volume holds a token. That is why no list of containers is walked here.
//
// Neither can what follows, for it yields no token for an audience of the pod's choosing: secrets of the type
// kubernetes.io/service-account-token, which are for the API server; CSI volumes, to whose drivers the kubelet hands tokens
// for audiences that the cluster's administrator wrote into the CSIDriver; and pod certificates.
package workload
