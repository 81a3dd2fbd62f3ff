// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package engine answers requests: what was loaded from bundles, a request and the time give a decision. It is a pure
// function of these, takes no locks, and reaches for nothing outside.
//
// A request is allowed only if each of ten legs permits it (legs.go). Loading does the work that can be done once: what a
// bundle says about an actor, a person or a scope is found by one look-up, so that the cost of a decision does not grow
// with policies, delegations and entitlements that do not concern it.
package engine
