// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Command kubectl-behalf decides offline, by the compiler and the engine that enforce: kubectl behalf check answers one
// request, kubectl behalf test runs suites of them.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"behalf.dev/behalf/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	streams := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Color: showsColors(os.Stdout)}
	code := run(ctx, os.Args[1:], streams)
	stop()
	os.Exit(code)
}

// run gives the exit code; a command line that is not understood fails like everything else that could not be decided.
func run(ctx context.Context, arguments []string, s cli.Streams) int {
	code := cli.OK
	root := newRoot(s, &code) //nolint:contextcheck // commands get theirs when they run
	root.SetArgs(arguments)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(s.Err, "Error: %v\nSee kubectl behalf --help.\n", err)
		return cli.Failed
	}
	return code
}

func newRoot(s cli.Streams, code *int) *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-behalf",
		Short: "Ask what Behalf would decide, and test that it decides as you mean it",
		// As kubectl calls its plugins.
		Annotations:       map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl behalf"},
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.AddCommand(newCheck(s, code), newTest(s, code), newVersion(s.Out))
	return root
}

// showsColors says whether somebody looks at the output on a terminal that shows colours (https://no-color.org).
func showsColors(out *os.File) bool {
	info, err := out.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// clock is a flag for an instant; the zero value is the present.
type clock struct{ at time.Time }

// String is the instant as it was given.
func (c *clock) String() string {
	if c.at.IsZero() {
		return ""
	}
	return c.at.Format(time.RFC3339)
}

// Set takes an instant as in RFC 3339.
func (c *clock) Set(text string) error {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return fmt.Errorf("%q is not a time as in RFC 3339, such as 2026-06-01T10:00:00Z", text)
	}
	c.at = at
	return nil
}

// Type is how the help calls it.
func (c *clock) Type() string { return "time" }

// now is the instant, to the second as it is told.
func (c *clock) now() time.Time {
	if c.at.IsZero() {
		return time.Now().UTC().Truncate(time.Second)
	}
	return c.at
}

func newVersion(out io.Writer) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which build this is",
		Args:  cobra.NoArgs,
		Run:   func(*cobra.Command, []string) { fmt.Fprintln(out, version()) },
	}
}
