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
// they applied; the Pod itself always, because other controllers make pods too. Of the subresources:
//
//   - pods/status may change annotations, and is judged as pods is;
//   - pods/binding and bindings copy the annotations of the Binding to the pod: a Binding that brings ours is refused;
//   - pods/ephemeralcontainers and pods/resize keep the pod's metadata, service account and volumes (registry/core/pod
//     resets them from the stored pod), and an ephemeral container mounts only volumes that the pod had before;
//   - pods/eviction, attach, exec, log, portforward and proxy write no pod;
//   - status and scale of the other kinds keep the template.
//
// An update that asks for what the object asked for before is admitted, whatever the bounds are by now: running things can
// be scaled, patched and finalized, and the pods that come of them are judged themselves. There is no other exemption: not by
// label, user, deletion or dry run.
//
// Admission is hygiene and tells people early; authorizers decide on the bounds of the moment anyway.
package webhook
