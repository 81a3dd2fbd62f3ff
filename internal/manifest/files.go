// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"behalf.dev/behalf/internal/document"
)

// Stdin is the name by which standard input is asked for.
const Stdin = "-"

// extensions of the files that are read from folders, as kubectl does.
var extensions = []string{".json", ".yaml", ".yml"}

// File is one file to read.
type File struct {
	Name string
	// Named says that somebody gave this very file, and not a folder that holds it.
	Named bool
}

// Files lists the files that are named, and those in folders that are named and in the folders below them, in the order of
// their names. A file that is reached twice is listed once.
func Files(names []string) ([]File, error) {
	var files []File
	seen := map[string]bool{}
	add := func(f File) error {
		key := f.Name
		if f.Name != Stdin {
			resolved, err := filepath.EvalSymlinks(f.Name)
			if err != nil {
				return fmt.Errorf("finding manifests: %w", err)
			}
			key = resolved
		}
		if !seen[key] {
			seen[key] = true
			files = append(files, f)
		}
		return nil
	}
	for _, name := range names {
		if err := list(name, add); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func list(name string, add func(File) error) error {
	if name == Stdin {
		return add(File{Stdin, true})
	}
	info, err := os.Stat(name)
	if err != nil {
		return fmt.Errorf("finding manifests: %w", err)
	}
	if !info.IsDir() {
		return add(File{name, true})
	}
	// The separator at the end leads into a folder that is named by a link.
	err = filepath.WalkDir(name+string(filepath.Separator), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() || !slices.Contains(extensions, filepath.Ext(path)) {
			return nil
		}
		if info, err := os.Stat(path); err != nil || info.IsDir() { // a link to a folder is not followed
			return err
		}
		return add(File{filepath.Clean(path), false})
	})
	if err != nil {
		return fmt.Errorf("finding manifests in %s: %w", name, err)
	}
	return nil
}

// Read gives what a file holds, and the name to call it by. More than document.MaxBytes and one are not even read.
func (f File) Read(stdin io.Reader) (raw []byte, name string, err error) {
	from, name := stdin, "standard input"
	if f.Name != Stdin {
		file, err := os.Open(f.Name)
		if err != nil {
			return nil, f.Name, fmt.Errorf("reading a file: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		from, name = file, f.Name
	}
	if from == nil {
		return nil, name, errors.New("standard input cannot be read here; name a file")
	}
	raw, err = io.ReadAll(io.LimitReader(from, document.MaxBytes+1))
	if err != nil {
		return nil, name, fmt.Errorf("reading %s: %w", name, err)
	}
	return raw, name, nil
}

// Documents takes one file apart.
func (f File) Documents(stdin io.Reader) ([]document.Document, error) {
	raw, name, err := f.Read(stdin)
	if err != nil {
		return nil, err
	}
	return document.Read(name, raw)
}
