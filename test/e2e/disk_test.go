// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/snapshot/disk"
	"behalf.dev/behalf/test/scenes"
	"behalf.dev/behalf/test/stack"
)

// kept are the files of a policy bundle in an authorizer's state folder.
type kept struct {
	t    *testing.T
	dir  string
	stem string
}

func keptOf(t *testing.T, authorizer *stack.Authorizer, name string) kept {
	t.Helper()
	return kept{t, authorizer.StateDir, disk.Stem(bundle.KindPolicy, name)}
}

func (k kept) path(ending string) string {
	k.t.Helper()
	found, err := filepath.Glob(filepath.Join(k.dir, k.stem+"*"+ending))
	if err != nil || len(found) != 1 {
		k.t.Fatalf("%d files end in %s: %v", len(found), ending, err)
	}
	return found[0]
}

func (k kept) edit(ending string, by func([]byte) []byte) {
	k.t.Helper()
	path := k.path(ending)
	raw, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, by(raw), 0o600)
	}
	if err != nil {
		k.t.Fatal(err)
	}
}

func flip(raw []byte) []byte { raw[len(raw)/2] ^= 1; return raw }

// copyFolder puts all files of one folder into another in place of what is there.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// THREATS 33, 34: with nothing else alive, an authorizer decides on what it kept, and only on what is in order.
func TestAnAuthorizerStartsFromWhatItKept(t *testing.T) {
	skipShort(t)
	ctx := t.Context()
	on := startStage(ctx, t, 0)
	whole, damaged := on.Authorizers[0], on.Authorizers[1]
	before := mustStand(ctx, t, on, whole)
	mustStand(ctx, t, on, damaged) // fetches its tokens, too

	on.Manager.Kill()
	end := on.Cluster.Outage()
	startAgain(t, &whole.Program)
	mustBeReady(ctx, t, &whole.Program)
	if diff := differences(before, mustStand(ctx, t, on, whole)); diff != "" {
		t.Errorf("started without manager, API server and etcd it decides otherwise:\n%s", diff)
	}

	damaged.Kill()
	keptOf(t, damaged, "support/tickets").edit(".content", flip)
	if err := damaged.Start(); err != nil {
		t.Fatal(err)
	}
	mustBeReady(ctx, t, &damaged.Program)
	says(ctx, t, damaged.Health, "/readyz", "Policy bundle support/tickets: what was kept of it was refused", "(altered)")
	says(ctx, t, damaged.Health, "/metrics", `behalf_state_refusals_total{reason="altered"} 1`)
	after := mustStand(ctx, t, on, damaged)
	for _, question := range scenes.Questions() {
		ofTickets := question.Audience == "https://tickets.example"
		if got := after[question.Title]; ofTickets && got.Allow || !ofTickets && got != before[question.Title] {
			t.Errorf("with tickets damaged: %s: %+v, before it was %+v", question.Title, got, before[question.Title])
		}
	}

	if err := end(ctx); err != nil {
		t.Fatal(err)
	}
	if err := on.Manager.Start(); err != nil {
		t.Fatal(err)
	}
	mustBeReady(ctx, t, &on.Manager.Program)
	await(ctx, t, "what was damaged is sent again", func() error {
		got, err := standing(ctx, on, damaged)
		if diff := differences(before, got); err == nil && diff != "" {
			return errText(diff)
		}
		return err
	})
}

type errText string

func (e errText) Error() string { return string(e) }

// THREATS 33, 34: what lies in the folder of a real authorizer and is not what its manager last gave it is not activated.
func TestOfWhatWasTamperedWithOnDiskNothingIsActivated(t *testing.T) {
	skipUnlessLong(t)
	ctx := t.Context()
	on := startStage(ctx, t, 0)
	authorizer := on.Authorizers[0]
	tickets := keptOf(t, authorizer, "support/tickets")
	older := t.TempDir()
	copyFolder(t, authorizer.StateDir, older)
	if err := policyChange(t).Play(ctx, on); err != nil {
		t.Fatal(err)
	}
	before := mustStand(ctx, t, on, authorizer)
	on.Manager.Kill()
	authorizer.Kill()
	latest := t.TempDir()
	copyFolder(t, authorizer.StateDir, latest)
	_, foreign, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		sentence, reason string
		tamper           func(t *testing.T)
	}{
		{"a replayed older bundle", "rolled_back", func(t *testing.T) {
			t.Helper()
			old := kept{t, older, tickets.stem}
			if err := os.Remove(tickets.path(".content")); err != nil {
				t.Fatal(err)
			}
			for _, ending := range []string{".envelope", ".content"} {
				raw, err := os.ReadFile(old.path(ending))
				if err == nil {
					err = os.WriteFile(filepath.Join(tickets.dir, filepath.Base(old.path(ending))), raw, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}},
		{"a truncated one", "altered", func(*testing.T) {
			tickets.edit(".content", func(raw []byte) []byte { return raw[:len(raw)/2] })
		}},
		{"a truncated envelope", "malformed", func(*testing.T) {
			tickets.edit(".envelope", func(raw []byte) []byte { return raw[:len(raw)/2] })
		}},
		{"a flipped bit", "altered", func(*testing.T) { tickets.edit(".content", flip) }},
		{"a bundle signed by a foreign key", "untrusted", func(t *testing.T) {
			t.Helper()
			tickets.edit(".envelope", func(raw []byte) []byte {
				statement, err := bundle.Unverified(raw)
				if err != nil {
					t.Fatal(err)
				}
				envelope, err := bundle.Sign(statement, foreign)
				if err != nil {
					t.Fatal(err)
				}
				return envelope
			})
		}},
		{"a bundle of another resource server under this name", "wrong_name", func(t *testing.T) {
			t.Helper()
			other := keptOf(t, authorizer, "sales/crm")
			for _, ending := range []string{".envelope", ".content"} {
				raw, err := os.ReadFile(other.path(ending))
				name := string(bytes.Replace([]byte(filepath.Base(other.path(ending))), []byte(other.stem), []byte(tickets.stem), 1))
				if err == nil {
					err = os.WriteFile(filepath.Join(tickets.dir, name), raw, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}},
		{"a floor that is gone", "floor_lost", func(t *testing.T) {
			t.Helper()
			if err := os.Remove(tickets.path(".floor")); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			copyFolder(t, latest, authorizer.StateDir)
			c.tamper(t)
			if err := authorizer.Start(); err != nil {
				t.Fatal(err)
			}
			defer authorizer.Kill()
			mustBeReady(ctx, t, &authorizer.Program)
			says(ctx, t, authorizer.Health, "/readyz", "Policy bundle support/tickets: what was kept of it was refused", "("+c.reason+")")
			says(ctx, t, authorizer.Health, "/metrics", `behalf_state_refusals_total{reason="`+c.reason+`"} 1`)
			after := mustStand(ctx, t, on, authorizer)
			for _, question := range scenes.Questions() {
				ofTickets := question.Audience == "https://tickets.example"
				if got := after[question.Title]; ofTickets && got.Allow || !ofTickets && got != before[question.Title] {
					t.Errorf("%s: %+v, before it was %+v", question.Title, got, before[question.Title])
				}
			}
		})
	}
}
