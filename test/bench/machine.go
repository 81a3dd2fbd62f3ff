// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"runtime/debug"

	"behalf.dev/behalf/test/report"
)

// machine says where and with what it was measured.
func machine(ctx context.Context, r *report.Report, p plans) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("reading what the program was built from: %w", errNoBuildInfo)
	}
	r.Machine(ctx)
	r.Printf("OPA %s, cedar-go %s, cel-go %s. %s of %d rounds; processor time of the process.\n",
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
