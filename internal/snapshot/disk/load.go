// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"behalf.dev/behalf/internal/bundle"
)

var (
	errNoFloor    = errors.New("the file with the highest revision seen is missing")
	errNoEnvelope = errors.New("the envelope is missing")
	errMisnamed   = errors.New("the file belongs to another name")
)

// Load reads the whole folder, and takes away what a crash left half done. The error says that the folder cannot be read;
// what is wrong with single files stands in what is returned, which is sorted by stem.
func (f *Folder) Load() ([]Stored, error) {
	names, err := f.fs.List()
	if err != nil {
		return nil, fmt.Errorf("reading the state folder: %w", err)
	}
	f.known = map[string]*known{}
	stems := map[string][]string{}
	for _, name := range names {
		f.sort(name, stems)
	}
	var all []Stored
	for _, stem := range slices.Sorted(maps.Keys(stems)) {
		all = append(all, f.load(stem, stems[stem]))
	}
	f.removeStrays(all)
	return all, nil
}

// sort puts floors and envelopes where their stem is. Files that are none of ours are left alone.
func (f *Folder) sort(name string, stems map[string][]string) {
	stem := stemOf(name)
	switch {
	case strings.HasSuffix(name, unfinished):
		_ = f.fs.Remove(name) // the next file of this name takes its place
	case name == stem+floorSuffix, name == stem+envelopeSuffix:
		stems[stem] = append(stems[stem], name)
	case strings.HasSuffix(name, contentSuffix):
		f.at(stem).contents = append(f.at(stem).contents, name)
	}
}

func (f *Folder) load(stem string, names []string) Stored {
	s := Stored{Stem: stem}
	f.loadFloor(&s, slices.Contains(names, stem+floorSuffix))
	f.loadArtifact(&s, slices.Contains(names, stem+envelopeSuffix))
	return s
}

func (f *Folder) loadFloor(s *Stored, there bool) {
	if !there {
		s.FloorErr = errNoFloor
		return
	}
	raw, err := f.fs.Read(s.Stem + floorSuffix)
	var floor Floor
	if err == nil {
		floor, err = readFloor(raw)
	}
	if err == nil && Stem(floor.Kind, floor.Name) != s.Stem {
		err = fmt.Errorf("reading a floor: %w", errMisnamed)
	}
	if err != nil {
		s.FloorErr = err
		return
	}
	s.Floor, s.Kind, s.Name = &floor, floor.Kind, floor.Name
	f.at(s.Stem).floor = &floor
}

func (f *Folder) loadArtifact(s *Stored, there bool) {
	if !there {
		if s.Floor == nil || s.Floor.Held != "" {
			s.Err = errNoEnvelope
		}
		return
	}
	f.at(s.Stem).envelope = true
	s.Artifact.Envelope, s.Err = f.fs.Read(s.Stem + envelopeSuffix)
	if s.Err != nil {
		return
	}
	claimed, err := bundle.Unverified(s.Artifact.Envelope)
	if err != nil {
		return // whoever verifies finds out, and says so better
	}
	if s.Name == "" && Stem(claimed.Kind, claimed.Name) == s.Stem {
		s.Kind, s.Name = claimed.Kind, claimed.Name
	}
	if name := contentFile(s.Stem, claimed.Digest); name != "" {
		s.Artifact.Content, s.Err = f.fs.Read(name)
	}
}

// removeStrays takes away contents that no envelope speaks of: a crash came before the envelope, or before they were taken
// away. Where an envelope cannot be read, all stay for whoever looks into it.
func (f *Folder) removeStrays(all []Stored) {
	unclear, spoken := map[string]bool{}, map[string]string{}
	for _, s := range all {
		claimed, err := bundle.Unverified(s.Artifact.Envelope)
		unclear[s.Stem] = err != nil && f.at(s.Stem).envelope
		spoken[s.Stem] = contentFile(s.Stem, claimed.Digest)
	}
	for stem := range f.known {
		if !unclear[stem] {
			f.keepOnly(stem, spoken[stem])
		}
	}
}
