// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package disk keeps what an authorizer holds in a folder, so that it starts without its manager: of every name the signed
// envelope and the content that it speaks of, byte for byte as they came, and the highest revision seen. It believes none of
// it; whoever reads verifies. Docs: docs/adr/0020.
package disk

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"behalf.dev/behalf/internal/bundle"
)

const (
	// maxFileBytes is more than any content that travels has.
	maxFileBytes = 64 << 20
	// writers is how many files are written at once: a disk syncs several in little more than the time of one.
	writers = 16
)

// Folder is the state folder of one authorizer. One goroutine at a time may use it.
type Folder struct {
	fs     FS
	closes []io.Closer

	// known is what lies on disk, by stem.
	known map[string]*known
}

// known is what lies on disk of one name.
type known struct {
	floor    *Floor
	envelope bool
	contents []string
}

// Open takes a folder for this process alone, and makes it if it is not there.
func Open(path string) (*Folder, error) {
	dir, err := OpenDir(path)
	if err != nil {
		return nil, fmt.Errorf("opening the state folder: %w", err)
	}
	lock, err := dir.lock()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking the state folder %s: %w", path, err), dir.Close())
	}
	f := On(dir)
	f.closes = []io.Closer{lock, dir}
	return f, nil
}

// On is a Folder on any FS, without a lock.
func On(fs FS) *Folder {
	return &Folder{fs: fs, known: map[string]*known{}}
}

// Close lets other processes in.
func (f *Folder) Close() error {
	var problems []error
	for _, c := range f.closes {
		problems = append(problems, c.Close())
	}
	return errors.Join(problems...)
}

// Write is what is to lie under the name in Floor.
type Write struct {
	Floor Floor
	// Envelope and Content, where they are new. Content is the one that Floor.Held is the digest of.
	Envelope, Content []byte
}

// file is a name with what is to stand in it.
type file struct {
	name    string
	content []byte
}

// Save returns when all of it is on disk. Under each name a crash, or an error, leaves what was there before or what is there
// now; only a name without any floor can be left with neither. The content is there before the envelope that speaks of it, and
// the envelope before the floor that the one before would be too old for.
func (f *Folder) Save(writes []Write) error {
	var contents, envelopes, floors []file
	for _, w := range writes {
		stem := Stem(w.Floor.Kind, w.Floor.Name)
		if w.Content != nil {
			contents = append(contents, file{contentFile(stem, w.Floor.Held), w.Content})
		}
		if w.Envelope != nil {
			envelopes = append(envelopes, file{stem + envelopeSuffix, w.Envelope})
		}
		if on := f.at(stem).floor; on != nil && *on == w.Floor {
			continue
		}
		raw, err := w.Floor.marshal()
		if err != nil {
			return err
		}
		floors = append(floors, file{stem + floorSuffix, raw})
	}
	for _, stage := range [][]file{contents, envelopes, floors} {
		if err := f.put(stage); err != nil {
			return fmt.Errorf("writing to the state folder: %w", err)
		}
	}
	f.remember(writes)
	f.tidy(writes)
	return nil
}

// at is what is known of a stem, to be changed.
func (f *Folder) at(stem string) *known {
	k := f.known[stem]
	if k == nil {
		k = &known{}
		f.known[stem] = k
	}
	return k
}

// put writes files whole: nobody ever sees one of these names with half of what belongs there.
func (f *Folder) put(files []file) error {
	if len(files) == 0 {
		return nil
	}
	var group errgroup.Group
	group.SetLimit(writers)
	for _, one := range files {
		group.Go(func() error { return f.fs.Write(one.name+unfinished, one.content) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, one := range files {
		if err := f.fs.Rename(one.name+unfinished, one.name); err != nil {
			return err
		}
	}
	return f.fs.Sync()
}

func (f *Folder) remember(writes []Write) {
	for _, w := range writes {
		stem := Stem(w.Floor.Kind, w.Floor.Name)
		k, floor := f.at(stem), w.Floor
		k.floor, k.envelope = &floor, k.envelope || w.Envelope != nil
		if name := contentFile(stem, w.Floor.Held); w.Content != nil && !slices.Contains(k.contents, name) {
			k.contents = append(k.contents, name)
		}
	}
}

// tidy takes away what the floors make void: first envelopes without anything in force, then contents without an envelope.
// What cannot be taken away does no harm: the floor refuses it at the next start.
func (f *Folder) tidy(writes []Write) {
	removed := false
	for _, w := range writes {
		stem := Stem(w.Floor.Kind, w.Floor.Name)
		if k := f.at(stem); w.Floor.Held == "" && k.envelope {
			removed, k.envelope = true, false
			_ = f.fs.Remove(stem + envelopeSuffix)
		}
	}
	if removed {
		_ = f.fs.Sync()
	}
	for _, w := range writes {
		stem := Stem(w.Floor.Kind, w.Floor.Name)
		f.keepOnly(stem, contentFile(stem, w.Floor.Held))
	}
}

// keepOnly takes all other contents of a stem away.
func (f *Folder) keepOnly(stem, keep string) {
	k := f.at(stem)
	k.contents = slices.DeleteFunc(k.contents, func(name string) bool {
		if name != keep {
			_ = f.fs.Remove(name)
		}
		return name != keep
	})
}

// Stored is what lies under one name. Nothing of it is verified.
type Stored struct {
	// Kind and Name are empty where no file tells them; Stem is where the files begin.
	Kind bundle.Kind
	Name string
	Stem string
	// Floor is nil where it is missing or not whole; FloorErr says which.
	Floor    *Floor
	FloorErr error
	Artifact bundle.Artifact
	// Err says that there should be an artifact and is none, or not all of it.
	Err error
}
