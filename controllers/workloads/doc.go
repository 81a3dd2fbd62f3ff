// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package workloads finds running pods that ask for more than their service account was given, though admission let them
// in: because a ServiceDelegation or a policy narrowed since, because the two met in mid-air, because the pod is older than
// Behalf, or because the webhooks were away or pass over its namespace. They are told of in the condition
// WorkloadsWithinBounds, in an event on each workload, and in metrics. Nothing is evicted, and no decision depends on it:
// authorizers judge by the bounds of the moment (THREATS 7).
//
// The leader alone watches pods, keeps of them what is judged and nothing else, and judges them by the function that the
// webhook judges by. Pods of one service account that ask for the same are judged once, so that a change costs what is asked
// for in its reach, and not how many ask.
package workloads
