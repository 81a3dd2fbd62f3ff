// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
)

// activation resolves the variables of an Input where they lie, without a map for each request.
type activation Input

// ResolveName gives a variable.
func (a *activation) ResolveName(name string) (any, bool) {
	switch name {
	case "subject":
		return a.Subject, true
	case "actor":
		return &a.Actor, true
	case "chain":
		return a.Chain, true
	case "audience":
		return types.String(a.Audience), true
	case "scope":
		return types.String(a.Scope), true
	case "resource":
		return a.Resource, true
	case "context":
		return a.Context, true
	case "now":
		return types.Timestamp{Time: a.Now}, true
	default:
		return nil, false
	}
}

// Parent is nothing: there is no scope around the request.
func (a *activation) Parent() cel.Activation { return nil }
