// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "behalf.dev/behalf/internal/bundle"

// WithStatement gives the same policy under a renewed statement, without loading anything again: the parts are shared.
func (p *Policy) WithStatement(s bundle.Statement) *Policy {
	renewed := *p
	renewed.statement = s
	return &renewed
}

// WithStatement gives the same list under a renewed statement.
func (r *Revocations) WithStatement(s bundle.Statement) *Revocations {
	renewed := *r
	renewed.statement = s
	return &renewed
}
