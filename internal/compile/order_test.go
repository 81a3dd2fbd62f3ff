// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
)

// shuffles is how often each golden input is shuffled.
const shuffles = 25

// The order of objects and of the entries of their lists never matters (DESIGN section 1): the bytes of all bundles stay
// the same, and so does whatever is said of objects. Messages are left out of the comparison, because a field's path and
// which of two equals is the first to be named do follow the order of a list.
func TestOrderNeverMatters(t *testing.T) {
	t.Parallel()
	everyShuffle(t, shuffle, withoutMessages)
}

// The order in which objects are listed does not even matter to the messages.
func TestOrderOfObjectsNeverMatters(t *testing.T) {
	t.Parallel()
	everyShuffle(t, func(w reflect.Value, r *rand.Rand) {
		for _, list := range w.Elem().Fields() {
			if list.Kind() == reflect.Slice {
				r.Shuffle(list.Len(), reflect.Swapper(list.Interface()))
			}
		}
	}, func(r *compile.Result) *compile.Result { return r })
}

// everyShuffle shuffles each golden input in some way, and compares what comes of it with what came of it before.
func everyShuffle(t *testing.T, shuffle func(reflect.Value, *rand.Rand), judged func(*compile.Result) *compile.Result) {
	t.Helper()
	for _, name := range goldenCases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(goldenFolder, name)
			want := judged(compile.Compile(loadWorld(t, dir)))
			bytes := encoded(t, want)
			for seed := range uint64(shuffles) {
				w := loadWorld(t, dir)
				shuffle(reflect.ValueOf(&w), rand.New(rand.NewPCG(seed, seed)))
				got := judged(compile.Compile(w))
				if !maps.Equal(encoded(t, got), bytes) {
					t.Fatalf("seed %d: other bytes when shuffled:\n%s\nwant\n%s", seed, asJSON(got), asJSON(want))
				}
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("seed %d: something else is said when shuffled:\n%s\nwant\n%s", seed, asJSON(got), asJSON(want))
				}
			}
		})
	}
}

// encoded are the bytes of all bundles.
func encoded(t *testing.T, r *compile.Result) map[string]string {
	t.Helper()
	bytes := map[string]string{
		bundle.TrustName: string(readable(t, r.Trust)), bundle.RevocationsName: string(readable(t, r.Revocations)),
	}
	for name, p := range r.Policies {
		bytes[name.String()] = string(readable(t, p))
	}
	return bytes
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
