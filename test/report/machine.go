// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bufio"
	"cmp"
	"context"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// Machine says where and with what it is measured.
func (r *Report) Machine(ctx context.Context) {
	r.Printf("Measured on %s at %s, with %s on %s/%s, %d processors of type %s; load average at the beginning %s.\n",
		time.Now().UTC().Format(time.DateOnly), revision(ctx), runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.GOMAXPROCS(0), processor(), LoadAverage())
}

// revision is the commit, with a plus where the tree has been changed.
func revision(ctx context.Context) string {
	described, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty=+", "--abbrev=12").Output()
	if err != nil {
		return "an unknown commit"
	}
	return "commit " + strings.TrimSpace(string(described))
}

// processor is what Linux tells; elsewhere it is unknown.
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

// LoadAverage is how many processes wanted a processor over the last minute, where Linux tells.
func LoadAverage() string {
	raw, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(raw), " ")
	return cmp.Or(first, "unknown")
}

// Busy says whether more wants a processor than there are, before anything is measured.
func Busy() bool {
	load, err := strconv.ParseFloat(LoadAverage(), 64)
	return err == nil && load > float64(runtime.NumCPU())
}

// Rest waits until the machine is not busy, for so long at most: what was built just now counts in the load of the last minute.
func Rest(ctx context.Context, atMost time.Duration) {
	// That it is busy still, Busy tells whoever asks next.
	_ = wait.PollUntilContextTimeout(ctx, time.Second, atMost, true, func(context.Context) (rested bool, err error) { return !Busy(), nil })
}
