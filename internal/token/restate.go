// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import "behalf.dev/behalf/internal/bundle"

// WithStatement gives the same trust under a renewed statement: keys and remembered tokens are shared.
func (t *Trust) WithStatement(s bundle.Statement) *Trust {
	renewed := *t
	renewed.statement = s
	return &renewed
}
