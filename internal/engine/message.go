// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"strconv"
	"strings"
	"time"
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
// marked as own. The format knows %s, and %q for texts; what stands there may be of the types that say knows.
func deny(reason authz.Reason, format string, args ...any) obstacles {
	var space [256]byte
	message := space[:0]
	for _, arg := range args {
		before, after, _ := strings.Cut(format, "%")
		message = append(message, before...)
		message = say(message, after[0], arg)
		format = after[1:]
	}
	message = append(message, format...)
	return obstacles{{Denial: authz.Denial{Reason: reason, Message: clipTo(maxMessage, string(message))}}}
}

// say appends what an argument says. It keeps hold of none of them and hands none on, so that they need no place on the heap:
// a flood of requests that are denied costs little more than one that is not.
func say(message []byte, verb byte, arg any) []byte {
	switch v := arg.(type) {
	case string:
		if verb == 'q' {
			return strconv.AppendQuote(message, clip(v))
		}
		return append(message, clip(v)...)
	case own:
		return append(message, v...)
	case int:
		return strconv.AppendInt(message, int64(v), 10)
	case time.Duration:
		return append(message, v.String()...)
	case authz.Subject:
		return sayPair(message, v.Issuer, ':', v.ID)
	case authz.Actor:
		return sayPair(message, v.Namespace, '/', v.ServiceAccount)
	case *authz.Actor:
		return sayPair(message, v.Namespace, '/', v.ServiceAccount)
	case authz.ObjectRef:
		return v.Append(message)
	default:
		panic("nothing is known of how to say it")
	}
}

func sayPair(message []byte, a string, between byte, b string) []byte {
	message = append(message, clip(a)...)
	message = append(message, between)
	return append(message, clip(b)...)
}

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
