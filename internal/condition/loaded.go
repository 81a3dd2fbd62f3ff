// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"crypto/sha256"
	"encoding/binary"
	"runtime"
	"sync"
	"weak"
)

// loaded finds the programs that are in use, by what they were loaded from. Bundles come again and again, with a new lease
// or with one change, and carry the same conditions: those are planned once, and are in memory once. It keeps nothing
// alive, and says nothing that Load would not say.
var loaded programs

type programs struct{ byOrigin sync.Map }

// origin is what a program was loaded from.
type origin [sha256.Size]byte

// originOf hashes the length of the text before both, so that no two pairs are hashed as one (THREATS 31).
func originOf(expression string, checked []byte) origin {
	hash := sha256.New()
	hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(expression))))
	hash.Write([]byte(expression))
	hash.Write(checked)
	return origin(hash.Sum(nil))
}

// find gives nil for a program that nobody uses.
func (p *programs) find(from origin) *Program {
	found, ok := p.byOrigin.Load(from)
	if !ok {
		return nil
	}
	return found.(weak.Pointer[Program]).Value() //nolint:errcheck // keep puts nothing else there
}

// keep makes a program known for as long as somebody uses it.
func (p *programs) keep(from origin, program *Program) {
	pointer := weak.Make(program)
	p.byOrigin.Store(from, pointer)
	runtime.AddCleanup(program, func(from origin) { p.byOrigin.CompareAndDelete(from, pointer) }, from)
}
