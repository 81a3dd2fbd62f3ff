// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package condition

import "unicode/utf8"

// valid says whether a text is UTF-8. It is asked of every text of every request, and nearly all of those are short ASCII,
// for which utf8.ValidString goes byte by byte.
func valid(text string) bool { return isPlain(text) || utf8.ValidString(text) }

const (
	foreign8 = 0x8080808080808080
	foreign4 = 0x80808080
)

// isPlain says whether a text is ASCII. The last word of a text overlaps the one before.
func isPlain(text string) bool {
	n := len(text)
	switch {
	case n >= 8:
		bits := eight(text[n-8:])
		for ; len(text) > 8; text = text[8:] {
			bits |= eight(text)
		}
		return bits&foreign8 == 0
	case n >= 4:
		return (four(text)|four(text[n-4:]))&foreign4 == 0
	default:
		var bits byte
		for i := range n {
			bits |= text[i]
		}
		return bits < utf8.RuneSelf
	}
}

// eight and four are one load each.
func eight(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func four(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}
