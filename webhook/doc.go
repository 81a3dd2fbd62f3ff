// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package webhook is what Behalf says at admission: workloads that ask for more than their service account was given are
// refused, requesters and approvers are stamped on grants, and what is wrong with an object of ours is told as it is applied.
//
// config/webhook/manifests.yaml sends requests here. It is written by hand, because its match conditions cannot be generated:
// by them, what asks for nothing, and what goes on asking for what it was admitted with, never leaves the API server, so
// that a cluster without a manager still runs, scales and comes back.
//
// # What is judged, and what need not be
//
// Every built-in kind that makes pods is judged on creation and update, so that a person sees the error at the object that
// they applied; the Pod itself always, because other controllers make pods too. So is a request for a token for the exchange,
// which must be bound to a pod that passes. Of the subresources of pods, status may change annotations and is judged as the
// pod is, and a Binding, whose annotations are copied to the pod, may not bring ours.
//
// The surface in surface_test.go is the list of all that an API server serves, with the webhook that judges it or the reason
// why it need not be judged. It is held against a running API server: what stands nowhere fails the test.
//
// An update that asks for what the object asked for before is admitted, whatever the bounds are by now: running things can
// be scaled, patched and finalized, and the pods that come of them are judged themselves. There is no other exemption: not by
// label, user, deletion or dry run.
//
// Admission is hygiene and tells people early; authorizers decide on the bounds of the moment anyway.
package webhook
