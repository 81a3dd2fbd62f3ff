// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import "fmt"

// RolledBackError says that a statement is not newer than what an authorizer has seen under its name. Whoever signs must go
// beyond the floor to be heard.
type RolledBackError struct {
	// Floor is the highest revision seen.
	Floor int64
}

// Error names the floor.
func (e *RolledBackError) Error() string {
	return fmt.Sprintf("revision %d was seen before; only a later one is taken", e.Floor)
}
