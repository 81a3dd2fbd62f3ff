// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package upkeep_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"behalf.dev/behalf/internal/upkeep"
)

// later has policy and binding wait until ready is closed.
func later(ready <-chan struct{}) with {
	return func(o *upkeep.Options) {
		for i := range o.Objects {
			if kind := o.Objects[i].Manifest.GetKind(); kind == policy || kind == binding {
				o.Objects[i].After = ready
			}
		}
	}
}

// completed has the policy's text come from elsewhere.
func completed(complete func(context.Context) (*unstructured.Unstructured, error)) with {
	return func(o *upkeep.Options) {
		for i := range o.Objects {
			if m := o.Objects[i].Manifest; m.GetKind() == policy {
				o.Objects[i].Manifest, o.Objects[i].Complete = empty(m), complete
			}
		}
	}
}

// empty is a manifest without anything but kind and name.
func empty(m *unstructured.Unstructured) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(m.GroupVersionKind())
	u.SetName(m.GetName())
	return u
}

// looksAt waits until what followed the first look at a kind is over. A replica that starts looks twice: at once, and when it
// watches.
func (f *fixture) looksAt(kind string) {
	f.t.Helper()
	f.eventually("a second look at "+kind, func() error {
		if f.looks[kind].Load() < 2 {
			return errors.New("not yet")
		}
		return nil
	})
}

func (f *fixture) delete(kind string) {
	f.t.Helper()
	if err := api.Delete(f.t.Context(), f.empty(kind)); err != nil {
		f.t.Fatal(err)
	}
}

// THREATS 10: a policy whose parameters are not written yet would deny what it should not.
func TestWhatMayNotTakeEffectYet(t *testing.T) {
	leader := func(*upkeep.Options) {}
	t.Run("is not created, whoever leads, until it may", func(t *testing.T) {
		for name, replica := range map[string]with{"the leader": leader, "a replica that does not lead": follower} {
			t.Run(name, func(t *testing.T) {
				f := newFixture(t)
				ready := make(chan struct{})
				f.keeper(replica, later(ready))
				f.looksAt(policy)
				f.looksAt(binding)
				if f.get(policy) != nil || f.get(binding) != nil {
					t.Fatal("it was created early")
				}
				f.eventually("all else is there", func() error {
					if f.get(validating) == nil || f.get(mutating) == nil {
						return errors.New("not yet")
					}
					return nil
				})
				close(ready)
				f.eventually("it is there", func() error {
					if f.get(policy) == nil || f.get(binding) == nil {
						return errors.New("not yet")
					}
					return nil
				})
			})
		}
	})
	t.Run("is put back by whoever saw it stand, for it was in effect", func(t *testing.T) {
		for name, replica := range map[string]with{"the leader": leader, "a replica that does not lead": follower} {
			t.Run(name, func(t *testing.T) {
				f := newFixture(t)
				f.install()
				want := f.bodies()
				f.keeper(replica, later(make(chan struct{})))
				for _, kind := range []string{policy, binding} {
					f.looksAt(kind)
					f.delete(kind)
					f.becomes(want)
				}
			})
		}
	})
	t.Run("is restored once it may", func(t *testing.T) {
		f := newFixture(t)
		f.install()
		want := f.bodies()
		f.patch(policy, `[{"op":"replace","path":"/spec/failurePolicy","value":"Ignore"}]`)
		ready := make(chan struct{})
		f.keeper(later(ready))
		f.looksAt(policy)
		f.patch(validating, `[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]`)
		f.eventually("all else is restored", func() error {
			if got := f.bodies(); fmt.Sprint(got[validating]) != fmt.Sprint(want[validating]) {
				return errors.New("not yet")
			}
			return nil
		})
		if text := fmt.Sprint(body(f.get(policy))); !strings.Contains(text, "failurePolicy:Ignore") {
			t.Errorf("it was restored early: %s", text)
		}
		close(ready)
		f.becomes(want)
	})
}

// That it may is news: waiting for the next look, three times would take longer than the test is given.
func TestWhatMayTakeEffectDoesNotWaitForTheNextLook(t *testing.T) {
	f := newFixture(t)
	given, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 3 {
		ready := make(chan struct{})
		f.looks[policy].Store(0)
		_, stop := f.keeper(follower, later(ready))
		f.looksAt(policy)
		close(ready)
		f.eventually("it is there", func() error {
			if given.Err() != nil {
				t.Fatal("it waited for the next look")
			}
			if f.get(policy) == nil {
				return errors.New("not yet")
			}
			return nil
		})
		stop()
		f.delete(policy)
	}
}

// What an object must be can be known late. Meanwhile all else is looked after, but for the binding, which the API server
// lets nobody make without its policy who may not read everything.
func TestWhatIsNotKnownYet(t *testing.T) {
	f := newFixture(t)
	var known atomic.Bool
	var asked atomic.Int64
	k, _ := f.keeper(completed(func(context.Context) (*unstructured.Unstructured, error) {
		if asked.Add(1); !known.Load() {
			return nil, errors.New("nobody knows")
		}
		for _, o := range f.objects() {
			if o.GetKind() == policy {
				return o, nil
			}
		}
		return nil, errors.New("the manifest has no policy")
	}))
	f.eventually("it tells", func() error {
		said := strings.Join(k.Problems(), "\n")
		for _, want := range []string{
			"admission: finding out what " + policy + " " + f.name + " must be: nobody knows",
			"admission: before " + binding + " " + f.name + ": finding out what " + policy + " " + f.name + " must be: nobody knows",
		} {
			if !strings.Contains(said, want) {
				return fmt.Errorf("said %s, want %s", said, want)
			}
		}
		for _, kind := range []string{policy, binding} {
			if restored(t, k)["failures_total "+kind] < 1 {
				return fmt.Errorf("%s is not counted: %v", kind, restored(t, k))
			}
		}
		if f.get(validating) == nil || f.get(mutating) == nil {
			return errors.New("all else is not there")
		}
		return nil
	})
	if f.get(policy) != nil || f.get(binding) != nil {
		t.Error("something was made of what nobody knows")
	}
	known.Store(true)
	f.eventually("it is there", func() error {
		if f.get(policy) == nil || f.get(binding) == nil || len(k.Problems()) > 0 {
			return fmt.Errorf("not yet: %v", k.Problems())
		}
		return nil
	})
	want := f.bodies()
	before := asked.Load()
	f.delete(policy)
	f.becomes(want)
	f.patch(policy, `[{"op":"replace","path":"/spec/failurePolicy","value":"Ignore"}]`)
	f.becomes(want)
	if asked.Load() != before {
		t.Error("it was asked again for what it knew")
	}
}

// A replica that may not make the policy makes no binding: it would be refused, again and again.
func TestABindingWaitsForItsPolicy(t *testing.T) {
	f := newFixture(t)
	k, _ := f.keeper(follower, func(o *upkeep.Options) {
		for i := range o.Objects {
			if o.Objects[i].Manifest.GetKind() == policy {
				o.Objects[i].After = make(chan struct{})
			}
		}
	})
	f.looksAt(binding)
	if f.get(policy) != nil || f.get(binding) != nil || len(k.Problems()) > 0 {
		t.Errorf("it did something: %v", k.Problems())
	}
}

func TestNobodyAsksForWhatSomebodyElseManages(t *testing.T) {
	f := newFixture(t)
	k, _ := f.keeper(unmanaged, completed(func(context.Context) (*unstructured.Unstructured, error) {
		t.Error("it was asked")
		return nil, errors.New("nobody knows")
	}))
	f.looksAt(policy)
	f.looksAt(binding)
	if f.get(policy) != nil || f.get(binding) != nil || len(k.Problems()) > 0 {
		t.Errorf("it did something: %v", k.Problems())
	}
}
