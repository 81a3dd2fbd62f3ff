// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"behalf.dev/behalf/test/cluster"
)

// state is what a run that was kept left behind.
type state struct {
	Dir string `json:"dir"`
	// PIDs in the order of their start.
	PIDs []int `json:"pids"`
}

// stateFile is one for each checkout, so that what one left running is not stopped from another.
func stateFile() (string, error) {
	checkout, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the checkout: %w", err)
	}
	sum := sha256.Sum256([]byte(checkout))

	cache := os.Getenv("BEHALF_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("finding the cache folder: %w", err)
		}
		cache = filepath.Join(user, "behalf")
	}
	return filepath.Join(cache, "demo-"+hex.EncodeToString(sum[:6])+".json"), nil
}

func readState() (state, error) {
	path, err := stateFile()
	if err != nil {
		return state{}, err
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, nil
	}
	if err != nil {
		return state{}, fmt.Errorf("reading what an earlier run left: %w", err)
	}
	var s state
	if err := json.Unmarshal(raw, &s); err != nil {
		return state{}, fmt.Errorf("reading what an earlier run left in %s: %w; stop its processes and remove the file", path, err)
	}
	return s, nil
}

func (s state) write() error {
	path, err := stateFile()
	if err != nil {
		return err
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("writing down what is left running: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("writing down what is left running: %w", err)
	}
	return os.WriteFile(path, raw, 0o600)
}

// stop ends what an earlier run left running, and what somebody started again by hand in its place, and forgets it. A
// process id that went to somebody else in the meantime is left alone: every program of a run names the run's folder in
// its arguments.
func (s state) stop() error {
	if s.Dir == "" {
		return nil
	}
	for _, pid := range s.running() {
		if err := cluster.StopPID(pid); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(s.Dir); err != nil {
		return fmt.Errorf("removing the folder of an earlier run: %w", err)
	}
	path, err := stateFile()
	if err != nil {
		return err
	}
	fmt.Println("stopped the demo that an earlier run had left running")
	return os.Remove(path)
}

// running lists the processes of the run, the last started first, and before them those that it did not start itself.
func (s state) running() []int {
	own := slices.DeleteFunc(slices.Clone(s.PIDs), func(pid int) bool { return !s.mentionedBy(pid) })
	slices.Reverse(own)
	var others []int
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return own // Only Linux tells of all processes this way.
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err == nil && !slices.Contains(own, pid) && s.mentionedBy(pid) {
			others = append(others, pid)
		}
	}
	return append(others, own...)
}

// mentionedBy asks the kernel whether a process names the run's folder where it tells, and ps where it does not.
func (s state) mentionedBy(pid int) bool {
	line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil {
		line, err = exec.Command("ps", "-o", "command=", "-ww", "-p", strconv.Itoa(pid)).Output()
	}
	return err == nil && strings.Contains(string(line), s.Dir)
}
