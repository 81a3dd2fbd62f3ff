// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"

	"behalf.dev/behalf/internal/bundle"
)

// BenchmarkSave measures what it takes until changes are on disk, on the disk of the temporary folder.
func BenchmarkSave(b *testing.B) {
	for _, names := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("contents=%d", names), func(b *testing.B) { benchmarkSave(b, names, make([]byte, 4096)) })
		b.Run(fmt.Sprintf("leases=%d", names), func(b *testing.B) { benchmarkSave(b, names, nil) })
	}
}

func benchmarkSave(b *testing.B, names int, content []byte) {
	b.Helper()
	folder, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer folder.Close()
	held := "sha256:" + string(bytes.Repeat([]byte("a"), 64))
	revision := int64(1)
	for b.Loop() {
		writes := make([]Write, names)
		for i := range writes {
			writes[i] = Write{
				Floor:    Floor{Kind: bundle.KindPolicy, Name: "support/" + strconv.Itoa(i), Revision: revision, Digest: held, Held: held},
				Envelope: make([]byte, 600), Content: content,
			}
		}
		if err := folder.Save(writes); err != nil {
			b.Fatal(err)
		}
		if content != nil {
			revision++
		}
	}
}
