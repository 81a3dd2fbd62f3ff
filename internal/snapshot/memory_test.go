// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"

	"behalf.dev/behalf/internal/snapshot/disk"
)

var errPower = errors.New("the power is gone")

// memory is a disk.FS that forgets what a real one may forget when the power goes: of the names that changed since the last
// Sync, any. It counts what changes something, and can fail from one such step on.
type memory struct {
	mu    sync.Mutex
	files map[string][]byte
	// synced are the names as the last Sync left them, and since the changes after it.
	synced map[string][]byte
	since  []change

	// written are the names of all files that were written.
	written []string
	// steps counts; from failAt on, all fail with the error, and the step that is interrupted writes a half.
	steps, failAt int
	failure       error
}

// change is what became of one name: a content, or nil for none.
type change struct {
	name    string
	content []byte
}

func newMemory() *memory { return &memory{files: map[string][]byte{}, synced: map[string][]byte{}} }

func (m *memory) List() ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Keys(m.files)), nil
}

func (m *memory) Read(name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	raw, ok := m.files[name]
	if !ok {
		return nil, os.ErrNotExist
	}
	return slices.Clone(raw), nil
}

func (m *memory) Write(name string, content []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.steps++
	m.written = append(m.written, name)
	if m.failure != nil && m.steps >= m.failAt {
		if m.steps == m.failAt {
			m.set(name, content[:len(content)/2])
		}
		return m.failure
	}
	m.set(name, slices.Clone(content))
	return nil
}

func (m *memory) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step(); err != nil {
		return err
	}
	content, ok := m.files[from]
	if !ok {
		return os.ErrNotExist
	}
	m.set(to, content)
	m.set(from, nil)
	return nil
}

func (m *memory) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step(); err != nil {
		return err
	}
	m.set(name, nil)
	return nil
}

func (m *memory) Sync() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step(); err != nil {
		return err
	}
	m.synced, m.since = maps.Clone(m.files), nil
	return nil
}

func (m *memory) step() error {
	m.steps++
	if m.failure != nil && m.steps >= m.failAt {
		return m.failure
	}
	return nil
}

func (m *memory) set(name string, content []byte) {
	m.since = append(m.since, change{name, content})
	if content == nil {
		delete(m.files, name)
		return
	}
	m.files[name] = content
}

// afterPowerLoss is what may be found then: some of the changes since the last Sync came through.
func (m *memory) afterPowerLoss(chance *rand.Rand) *memory {
	found := newMemory()
	found.files = maps.Clone(m.synced)
	for _, c := range m.since {
		switch {
		case chance.IntN(2) == 0:
		case c.content == nil:
			delete(found.files, c.name)
		default:
			found.files[c.name] = c.content
		}
	}
	found.synced = maps.Clone(found.files)
	return found
}

// failing lets everything fail from the nth step on, counted from now.
func (m *memory) failing(step int, failure error) {
	m.steps, m.failAt, m.failure, m.written = 0, step, failure, nil
}

var _ disk.FS = (*memory)(nil)
