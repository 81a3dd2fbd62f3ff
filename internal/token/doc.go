// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package token verifies the tokens that requests bring: subject tokens of TrustedIssuers and projected service account
// tokens of the cluster. It is strict where JOSE leaves a choice (RFC 8725): compact JWS only, algorithms by configuration
// and by key, no keys from headers, no extensions, no repair of what is malformed.
package token
