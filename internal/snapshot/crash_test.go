// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package snapshot_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/snapshot"
	"behalf.dev/behalf/internal/snapshot/disk"
)

var crashes = flag.Int("crashes", 1, "how often a store is killed at each step of persist and swap; make e2e does it 20 times")

// The child of a crash test works in the folder that the first names, and dies at the moment that the second counts.
const (
	crashFolder = "BEHALF_TEST_CRASH_FOLDER"
	crashMoment = "BEHALF_TEST_CRASH_MOMENT"
)

func TestMain(m *testing.M) {
	folder := os.Getenv(crashFolder)
	if folder == "" {
		os.Exit(m.Run())
	}
	moment, err := strconv.Atoi(os.Getenv(crashMoment))
	if err == nil {
		err = work(folder, moment)
	}
	if errors.Is(err, errAlive) {
		os.Exit(beyondTheLast)
	}
	fmt.Fprintln(os.Stderr, "the child was not killed:", err)
	os.Exit(1)
}

// errAlive says that there are fewer moments than were to pass; beyondTheLast is how the child says so.
var errAlive = errors.New("no moment is left to die in")

const beyondTheLast = 3

// work is what the child does: all kinds of changes in one update.
func work(folder string, moment int) error {
	dir, err := disk.OpenDir(folder)
	if err != nil {
		return err
	}
	deadly := &deadly{Dir: dir, left: moment}
	c := &clock{}
	c.set(begin)
	s := snapshot.NewIn(disk.On(deadly), bundle.NewVerifier(publicOf(ours)), c.Now)
	if _, err := s.Restore(); err != nil {
		return err
	}
	if err := errors.Join(s.Update(allKindsOfChanges())...); err != nil {
		return err
	}
	deadly.moment() // between swap and acknowledgement
	return errAlive
}

// deadly is a folder that kills its process at a moment: before, in the middle of or after each step that changes something.
type deadly struct {
	*disk.Dir
	mu   sync.Mutex
	left int
}

// moment passes, or is the last.
func (d *deadly) moment() {
	d.left--
	if d.left == 0 {
		kill()
	}
}

func kill() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func (d *deadly) Write(name string, content []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.moment()
	if d.left == 1 {
		if err := d.Dir.Write(name, content[:len(content)/2]); err != nil {
			return err
		}
	}
	d.moment()
	return d.Dir.Write(name, content)
}

func (d *deadly) Rename(from, to string) error {
	d.moment()
	return d.Dir.Rename(from, to)
}

func (d *deadly) Remove(name string) error {
	d.moment()
	return d.Dir.Remove(name)
}

func (d *deadly) Sync() error {
	d.moment()
	return d.Dir.Sync()
}

// What is there before a crash, by name: changed (revision 5), renewed (5) and removed (5).
func beforeAllKindsOfChanges(tb testing.TB, fs disk.FS) {
	tb.Helper()
	s, _ := storeOn(tb, fs)
	mustUpdate(tb, s,
		put("changed", artifact("changed", 5, plain("changed", "old"))),
		put("renewed", artifact("renewed", 5, plain("renewed", "old"))),
		put("removed", artifact("removed", 5, plain("removed", "old"))),
	)
}

var allKindsOfChanges = sync.OnceValue(func() []bundle.Change {
	return []bundle.Change{
		put("changed", artifact("changed", 6, plain("changed", "new"))),
		renewal("renewed", 6, plain("renewed", "old")),
		remove("removed"),
		put("added", artifact("added", 6, plain("added", "new"))),
	}
})

// plain is a policy whose audience tells whether it is the old or the new one.
func plain(name, age string) *bundle.Policy {
	return policy(name, "https://"+name+"."+age+".example", name+".example")
}

// judgeAfterCrash holds a folder to what every crash must leave: under each name a whole bundle, the old one or the new one,
// or nothing; floors that did not regress; and a store that the next update brings to where it should be.
func judgeAfterCrash(fs disk.FS) error {
	c := &clock{}
	c.set(begin)
	s := snapshot.NewIn(disk.On(fs), bundle.NewVerifier(publicOf(ours)), c.Now)
	if _, err := s.Restore(); err != nil {
		return err
	}
	for name, allowed := range map[string][]string{
		"changed": {"https://changed.old.example", "https://changed.new.example"},
		"renewed": {"https://renewed.old.example"},
		"removed": {"https://removed.old.example", ""},
		"added":   {"https://added.new.example", ""},
	} {
		if got := audienceOf(s, name+".example"); !slices.Contains(allowed, got) {
			return fmt.Errorf("%s has audience %q, want one of %q", name, got, allowed)
		}
		if err := floorHeld(s, name, audienceOf(s, name+".example") == "https://"+name+".new.example"); err != nil {
			return err
		}
	}
	if err := errors.Join(s.Update(allKindsOfChanges())...); err != nil {
		return fmt.Errorf("the next update is refused: %w", err)
	}
	again := snapshot.NewIn(disk.On(fs), bundle.NewVerifier(publicOf(ours)), c.Now)
	if restored, err := again.Restore(); err != nil || len(restored.Refused) > 0 || restored.Taken != 3 {
		return fmt.Errorf("after the next update a restart finds %+v, %w", restored, err)
	}
	return nil
}

// floorHeld says whether what is older than was seen under the name is refused.
func floorHeld(s *snapshot.Store, name string, isNew bool) error {
	floor := int64(5)
	if isNew {
		floor = 6
	} else if name == "added" {
		return nil
	}
	err := s.Apply(artifact(name, floor-1, plain(name, "ancient")))
	var rolledBack *bundle.RolledBackError
	if !errors.As(err, &rolledBack) || rolledBack.Floor < floor {
		return fmt.Errorf("the floor of %s regressed below %d: an older one gives %w", name, floor, err)
	}
	return nil
}

// THREATS 34: the real store in a real folder, killed at every step of persist and swap, twenty times each.
func TestAKilledStoreStartsWithWholeBundlesAndItsFloors(t *testing.T) {
	t.Parallel()
	before := newMemory()
	beforeAllKindsOfChanges(t, before)
	for moment := 1; ; moment++ {
		for range *crashes {
			folder := t.TempDir()
			dir, err := disk.OpenDir(folder)
			if err != nil {
				t.Fatal(err)
			}
			for name, content := range before.files {
				if err := dir.Write(name, content); err != nil {
					t.Fatal(err)
				}
			}
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), crashFolder+"="+folder, crashMoment+"="+strconv.Itoa(moment))
			said, err := child.CombinedOutput()
			if child.ProcessState.ExitCode() == beyondTheLast {
				if moment < 20 {
					t.Fatalf("there are only %d moments to die in", moment)
				}
				t.Logf("killed at %d moments, %d times each", moment-1, *crashes)
				return
			}
			if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
				t.Fatalf("moment %d: the child ended otherwise: %v: %s", moment, err, said)
			}
			if err := errors.Join(judgeAfterCrash(dir), dir.Close()); err != nil {
				t.Errorf("killed at moment %d: %v", moment, err)
			}
		}
	}
}

// THREATS 34: the power goes at every step, and of the names that were not synced yet any are lost.
func TestAPowerLossLeavesWholeBundlesAndFloors(t *testing.T) {
	t.Parallel()
	before := newMemory()
	beforeAllKindsOfChanges(t, before)
	for step := 1; ; step++ {
		for seed := range uint64(10 * *crashes) {
			fs := newMemory()
			fs.files, fs.synced = maps.Clone(before.files), maps.Clone(before.synced)
			s, _ := storeOn(t, fs)
			fs.failing(step, errPower)
			err := errors.Join(s.Update(allKindsOfChanges())...)
			found := fs.afterPowerLoss(rand.New(rand.NewPCG(seed, uint64(step))))
			if problem := judgeAfterCrash(found); problem != nil {
				t.Errorf("step %d, seed %d: %v", step, seed, problem)
			}
			if err == nil && fs.steps < step {
				if step < 20 {
					t.Fatalf("there are only %d steps", step)
				}
				return
			}
		}
	}
}
