// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
)

// The order of objects and of the entries of their lists never matters (DESIGN section 1): the bytes of all bundles stay
// the same, and so does whatever is said of objects. Messages are left out of the comparison, because a field's path and
// which of two equals is the first to be named do follow the order of a list.
func TestOrderNeverMatters(t *testing.T) {
	cases := goldenCases(t)
	rapid.Check(t, func(rt *rapid.T) {
		dir := filepath.Join(goldenFolder, rapid.SampledFrom(cases).Draw(rt, "case"))
		seed := rapid.Uint64().Draw(rt, "seed")
		w := loadWorld(t, dir)
		shuffle(reflect.ValueOf(&w), rand.New(rand.NewPCG(seed, seed)))
		expectSame(rt, withoutMessages(compile.Compile(w)), withoutMessages(compile.Compile(loadWorld(t, dir))))
	})
}

// The order in which objects are listed does not even matter to the messages.
func TestOrderOfObjectsNeverMatters(t *testing.T) {
	cases := goldenCases(t)
	rapid.Check(t, func(rt *rapid.T) {
		dir := filepath.Join(goldenFolder, rapid.SampledFrom(cases).Draw(rt, "case"))
		seed := rapid.Uint64().Draw(rt, "seed")
		w := loadWorld(t, dir)
		lists := reflect.ValueOf(&w).Elem()
		for _, list := range lists.Fields() {
			if list.Kind() == reflect.Slice {
				rand.New(rand.NewPCG(seed, seed)).Shuffle(list.Len(), reflect.Swapper(list.Interface()))
			}
		}
		expectSame(rt, compile.Compile(w), compile.Compile(loadWorld(t, dir)))
	})
}

func expectSame(rt *rapid.T, got, want *compile.Result) {
	if !reflect.DeepEqual(got, want) {
		rt.Fatalf("it is not the same when shuffled:\n%s\nwant\n%s", asJSON(got), asJSON(want))
	}
}

func asJSON(r *compile.Result) string {
	var out strings.Builder
	for name, p := range r.Policies {
		text, err := json.MarshalIndent(p, "", " ")
		fmt.Fprintf(&out, "%s: %s %v\n", name, text, err)
	}
	fmt.Fprintf(&out, "%+v\n%+v\n%+v\n%+v", r.Trust, r.Revocations, r.Problems, r.Reports)
	return out.String()
}

// withoutMessages keeps, of what is said, the objects with severity and reason.
func withoutMessages(r *compile.Result) *compile.Result {
	for i := range r.Problems {
		r.Problems[i].Field, r.Problems[i].Message, r.Problems[i].Consequence = "", "", ""
	}
	slices.SortFunc(r.Problems, func(a, b compile.Problem) int {
		return strings.Compare(brief(a), brief(b))
	})
	for key, report := range r.Reports {
		report.Message = ""
		r.Reports[key] = report
	}
	return r
}

// Compile reads a World and changes nothing in it, for it shares memory with an informer's cache.
func TestCompileChangesNothing(t *testing.T) {
	for _, name := range goldenCases(t) {
		dir := filepath.Join(goldenFolder, name)
		w := loadWorld(t, dir)
		compile.Compile(w)
		if !reflect.DeepEqual(w, loadWorld(t, dir)) {
			t.Errorf("%s was changed", name)
		}
	}
}

// The same World gives the same Result again, whatever order Go's maps take.
func TestCompilingAgainGivesTheSame(t *testing.T) {
	for _, name := range goldenCases(t) {
		w := loadWorld(t, filepath.Join(goldenFolder, name))
		first, second := compile.Compile(w), compile.Compile(w)
		if !reflect.DeepEqual(first, second) {
			t.Errorf("%s came out differently", name)
		}
	}
}

// shuffle turns the order of every list below v around.
func shuffle(v reflect.Value, r *rand.Rand) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			shuffle(v.Elem(), r)
		}
	case reflect.Struct:
		if v.Type().PkgPath() == "time" {
			return
		}
		for _, field := range v.Fields() {
			shuffle(field, r)
		}
	case reflect.Slice:
		for i := range v.Len() {
			shuffle(v.Index(i), r)
		}
		swap := reflect.Swapper(v.Interface())
		r.Shuffle(v.Len(), swap)
	default:
	}
}

func brief(p compile.Problem) string { return fmt.Sprint(p.Object, p.Severity, p.Reason) }

// What was published last may stay only where nothing took its place.
func TestMayKeep(t *testing.T) {
	tickets := types.NamespacedName{Namespace: "support", Name: "tickets"}
	last := &bundle.Policy{Audience: "https://tickets.example", Hosts: []string{"tickets.example"}}
	cases := map[string]struct {
		change func(*compile.World)
		want   bool
	}{
		"it is compiled anew": {change: func(*compile.World) {}, want: false},
		"it is no longer acceptable": {
			change: func(w *compile.World) { w.ResourceServers[0].Spec.Scopes = nil },
			want:   true,
		},
		"it is gone": {change: func(w *compile.World) { w.ResourceServers = nil }, want: false},
		"it moved without being acceptable, and another has its audience": {
			change: func(w *compile.World) {
				other := w.ResourceServers[0].DeepCopy()
				other.Name, other.Spec.Hosts = "other", nil
				w.ResourceServers[0].Spec.Audience = ""
				w.ResourceServers = append(w.ResourceServers, *other)
			},
			want: false,
		},
		"it moved without being acceptable, and another has its host": {
			change: func(w *compile.World) {
				other := w.ResourceServers[0].DeepCopy()
				other.Name, other.Spec.Audience = "other", "https://other.example"
				w.ResourceServers[0].Spec.Hosts = []string{"elsewhere.example:80"}
				w.ResourceServers = append(w.ResourceServers, *other)
			},
			want: false,
		},
	}
	for sentence, c := range cases {
		t.Run(sentence, func(t *testing.T) {
			w := soundWorld(t)
			c.change(&w)
			if got := compile.Compile(w).MayKeep(tickets, last); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
