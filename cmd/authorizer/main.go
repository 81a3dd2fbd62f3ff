// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Command authorizer decides requests from the bundles that a manager sends it: Envoy ext_authz and AuthZEN.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"behalf.dev/behalf/internal/authorizer"
	"behalf.dev/behalf/internal/distribution"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := run(ctx, os.Args[1:], os.Stderr)
	stop()
	os.Exit(code)
}

// run gives the exit code: 0 for an orderly end, 1 for a failure, 2 for a command line that is not understood.
func run(ctx context.Context, arguments []string, stderr io.Writer) int {
	options, err := authorizer.ParseOptions(arguments, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "authorizer does not start:\n%v\n", err)
		return 2
	}
	log := newLogger(stderr, options.LogLevel)
	if err := serve(ctx, options, log); err != nil {
		log.Error(err, "the authorizer ends")
		return 1
	}
	log.Info("the authorizer ends in order")
	return 0
}

func serve(ctx context.Context, options authorizer.Options, log logr.Logger) error {
	a, err := authorizer.New(options, log, distribution.SystemClock{})
	if err != nil {
		return err
	}
	return a.Run(ctx)
}

// newLogger writes a JSON line for each entry.
func newLogger(out io.Writer, level zapcore.Level) logr.Logger {
	config := zap.NewProductionEncoderConfig()
	config.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	core := zapcore.NewCore(zapcore.NewJSONEncoder(config), zapcore.Lock(zapcore.AddSync(out)), level)
	return zapr.NewLogger(zap.New(core))
}
