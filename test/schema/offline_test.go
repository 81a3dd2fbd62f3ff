// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"behalf.dev/behalf/internal/manifest"
)

// TestManifestsAreRefusedAsTheAPIServerRefuses runs the rules' objects through what reads manifests without a cluster. Rules
// about changes and status are left out: a manifest is an object anew.
func TestManifestsAreRefusedAsTheAPIServerRefuses(t *testing.T) {
	t.Parallel()
	for i, r := range allRules() {
		if r.before != "" || r.status {
			continue
		}
		t.Run(fmt.Sprintf("%03d %s %s", i, r.kind, r.field), func(t *testing.T) {
			t.Parallel()
			if err := readOffline(t, r, r.good); err != nil {
				t.Errorf("refused what keeps the rule %q:\n%s\n%v", r.says, r.good, err)
			}
			err := readOffline(t, r, r.bad)
			if err == nil {
				t.Fatalf("took what breaks the rule %q:\n%s", r.says, r.bad)
			}
			// One line for each fault: file, object, field, message.
			if !slices.ContainsFunc(strings.Split(err.Error(), "\n"), func(line string) bool {
				return strings.Contains(line, ": "+r.field+": ") && strings.HasSuffix(line, ": "+r.says)
			}) {
				t.Errorf("the refusal does not name %s and say %q:\n%v", r.field, r.says, err)
			}
		})
	}
}

func readOffline(t *testing.T, r rule, changes string) error {
	t.Helper()
	u := object(t, r.kind, changes)
	u.SetName("o")
	raw, err := json.Marshal(u.Object)
	if err != nil {
		t.Fatal(err)
	}
	_, err = manifest.Read(t.Context(), manifest.Options{Files: []string{manifest.Stdin}, Stdin: bytes.NewReader(raw)})
	return err
}
