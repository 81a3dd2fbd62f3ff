// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Command layering holds the tree to its layers by what packages reach, however
// far away: an authorizer links client-go as surely through three packages as by
// its own import. Which of our packages may import which directly is depguard's
// part, in .golangci.yml.
//
// Tests are not looked at: they may reach further than what they test.
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "layering: %v\n", err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	g, err := loadGraph()
	if err != nil {
		return err
	}
	complaints := reportUnplaced(out, g)
	for _, r := range rules {
		complaints += reportRule(out, g, r)
	}
	if complaints > 0 {
		return fmt.Errorf("%d violations of the layers that CONTRIBUTING.md draws", complaints)
	}
	return nil
}
