// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"unicode/utf8"

	"behalf.dev/behalf/internal/authz"
)

// Bounds of a denial's message, in bytes and without the ellipsis.
const (
	maxQuoted  = 128
	maxMessage = 2048
)

// own is text that comes from the bundle or from a front door, and not from whoever asks: a message has it whole.
type own string

// deny makes an obstacle. The leg is filled in by whoever asked, unless the check names another. Whatever a client may have
// sent is clipped here, before it is written or quoted, so that a message stays short; text that is not to be clipped is
// marked as own.
func deny(reason authz.Reason, format string, args ...any) obstacles {
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			args[i] = clip(v)
		case authz.Subject:
			args[i] = clip(v.Issuer) + ":" + clip(v.ID)
		case authz.Actor:
			args[i] = clipActor(v)
		case *authz.Actor:
			args[i] = clipActor(*v)
		}
	}
	return obstacles{{Denial: authz.Denial{Reason: reason, Message: clipTo(maxMessage, fmt.Sprintf(format, args...))}}}
}

func clipActor(a authz.Actor) string { return clip(a.Namespace) + "/" + clip(a.ServiceAccount) }

// clip keeps what is quoted short, whatever a client sends.
func clip(s string) string { return clipTo(maxQuoted, s) }

// clipTo cuts between two characters.
func clipTo(most int, s string) string {
	if len(s) <= most {
		return s
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
