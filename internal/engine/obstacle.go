// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import "behalf.dev/behalf/internal/authz"

// obstacle is one thing that stands in the way of a request, with the objects that put it there.
type obstacle struct {
	authz.Denial

	policies   []authz.ObjectRef
	revocation *authz.ObjectRef
}

type obstacles []obstacle

// of names the leg of those that do not name another.
func (o obstacles) of(leg authz.Leg) obstacles {
	for i := range o {
		if o[i].Leg == "" {
			o[i].Leg = leg
		}
	}
	return o
}
