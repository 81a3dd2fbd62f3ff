// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestAnAuthorizerThatLacksAFlagDoesNotStartAndSaysWhich(t *testing.T) {
	var stderr bytes.Buffer
	if code := run(t.Context(), nil, &stderr); code != 2 { // THREATS 15
		t.Errorf("exit code %d, want 2", code)
	}
	for _, want := range []string{"authorizer does not start:", "--manager-address is not set", "--bundle-keys-file is not set"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, stderr.String())
		}
	}
}

func TestHelpIsNoFailure(t *testing.T) {
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"-h"}, &stderr); code != 0 || !strings.Contains(stderr.String(), "-manager-address") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
}

func TestAFailureToStartIsLoggedWithItsCause(t *testing.T) {
	var stderr bytes.Buffer
	code := run(t.Context(), []string{
		"--manager-address=localhost:1", "--manager-ca-file=ca", "--token-file=t", "--bundle-keys-file=k",
		"--decision-log=" + t.TempDir() + "/no/such/folder",
	}, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "opening the decision log") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
}
