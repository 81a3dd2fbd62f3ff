// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package compile turns what people wrote into what authorizers hold: one policy bundle per ResourceServer, the trust
// bundle and the revocation list, with a typed problem for everything that is wrong and a report for every object.
//
// It is pure: no client, no clock, no context. The order of objects and of the entries of their lists never matters, so
// that every replica comes to the same bytes.
//
// The function Compile compiles a World once. A Compiler is told of changes and compiles what they touch; it comes to the same,
// because Compile is one that is told of everything. How it knows what a change touches stands at fact.
//
// One invalid object never stops the others, and never makes anything wider than its owner meant:
//
//   - an invalid Permit, ServiceDelegation, DelegationGrant, TrustedIssuer or entitlement is left out;
//   - an invalid Forbid stays, and what is wrong in it counts as matched: a condition that does not compile counts as met;
//   - an invalid DelegationRevocation revokes all that can be made out of it;
//   - an invalid ResourceServer has no bundle, unless World.LastAccepted holds an earlier form of it to stand in. It goes
//     on holding its audience and hosts all the same, so that nobody can take them over while its owner mends it.
package compile
