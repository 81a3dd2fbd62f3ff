// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// FS is one flat folder. Each method is one step, and a crash may fall before, into or after it.
type FS interface {
	// List names all files.
	List() ([]string, error)
	Read(name string) ([]byte, error)
	// Write makes a file anew. When it returns, the content is on disk; the name may not be.
	Write(name string, content []byte) error
	// Rename takes the place of whatever has the new name.
	Rename(from, to string) error
	Remove(name string) error
	// Sync returns when all names are on disk.
	Sync() error
}

// Dir is an FS on a folder of the operating system. Names cannot lead out of it.
type Dir struct {
	root *os.Root
	// itself is open to be synced.
	itself *os.File
}

// OpenDir opens a folder, and makes it if it is not there. It is for its owner alone: bundles say who may do what.
func OpenDir(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	itself, err := root.Open(".")
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &Dir{root: root, itself: itself}, nil
}

// List names all files.
func (d *Dir) List() ([]string, error) {
	folder, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	names, err := folder.Readdirnames(-1)
	return names, errors.Join(err, folder.Close())
}

// Read gives the content of a file.
func (d *Dir) Read(name string) ([]byte, error) {
	file, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if len(raw) > maxFileBytes {
		err = fmt.Errorf("reading %s: larger than the %d bytes that any of ours has", name, maxFileBytes)
	}
	return raw, errors.Join(err, file.Close())
}

// Write makes a file anew.
func (d *Dir) Write(name string, content []byte) error {
	file, err := d.root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// Rename takes the place of whatever has the new name.
func (d *Dir) Rename(from, to string) error { return d.root.Rename(from, to) }

// Remove takes a file away.
func (d *Dir) Remove(name string) error { return d.root.Remove(name) }

// Sync returns when all names are on disk.
func (d *Dir) Sync() error { return d.itself.Sync() }

// Close lets go of the folder.
func (d *Dir) Close() error { return errors.Join(d.itself.Close(), d.root.Close()) }
