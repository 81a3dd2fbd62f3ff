// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// machine says where and with what it was measured.
func machine(ctx context.Context, r *report, p plans) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("reading what the program was built from: %w", errNoBuildInfo)
	}
	r.printf("Measured on %s at %s, with %s on %s/%s, %d processors of type %s; load average at the beginning %s.\n",
		time.Now().UTC().Format(time.DateOnly), revision(ctx), runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.GOMAXPROCS(0), processor(), loadAverage())
	r.printf("OPA %s, cedar-go %s, cel-go %s. %s of %d rounds; processor time of the process.\n",
		version(info, "github.com/open-policy-agent/opa"), version(info, "github.com/cedar-policy/cedar-go"),
		version(info, "github.com/google/cel-go"), map[bool]string{false: "Medians", true: "The fastest"}[p.fine.Fastest], p.fine.Rounds)
	return nil
}

var errNoBuildInfo = fmt.Errorf("it was built without modules")

func version(info *debug.BuildInfo, module string) string {
	for _, dependency := range info.Deps {
		if dependency.Path == module {
			return dependency.Version
		}
	}
	return "not linked"
}

// revision is the commit, with a plus where the tree has been changed.
func revision(ctx context.Context) string {
	described, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty=+", "--abbrev=12").Output()
	if err != nil {
		return "an unknown commit"
	}
	return "commit " + strings.TrimSpace(string(described))
}

// processor and loadAverage are what Linux tells; elsewhere they are unknown.
func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "model name"); ok {
			return strings.TrimLeft(name, "\t :")
		}
	}
	return "unknown"
}

func loadAverage() string {
	raw, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(raw), " ")
	return cmp.Or(first, "unknown")
}
