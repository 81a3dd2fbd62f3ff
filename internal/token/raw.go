// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Raw is a token as it was presented. However it is printed, logged or marshalled, nothing of it shows; string(raw) is the
// one way to the token itself.
type Raw string

// String is [redacted].
func (Raw) String() string { return redacted }

// Format writes [redacted] for every verb.
func (Raw) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// MarshalText gives [redacted].
func (Raw) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue is [redacted].
func (Raw) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalLog is [redacted], for logr.
func (Raw) MarshalLog() any { return redacted }
