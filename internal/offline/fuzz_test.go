// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package offline_test

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"testing"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/document"
	"behalf.dev/behalf/internal/manifest"
	"behalf.dev/behalf/internal/offline"
)

// tricks that every decoder is tried with.
var tricks = []string{
	`{"subject":{"id":"alice","ID":"bob","id":"carol"}}`,   // THREATS 22: keys that stand twice
	"subject: {id: alice}\nsubject: {id: bob}\n",           // THREATS 22
	"subject: {id: \"a\\0b\", groups: [\"\\ud800\"]}\n",    // THREATS 22: zero bytes, half characters
	"token: {scopes: [\"a\\tb\", '', ' a', \"\u0430\"]}\n", // THREATS 23: scopes that only look like some
	"token: {scopes: a b}\n",                               // THREATS 23
	"context: &c {a: *c, b: &d [*c, *d]}\n",                // THREATS 43: growth
	"subject: {groups: [y, no, ~, 1e999, .inf]}\n",         // THREATS 23
	"",
}

func FuzzReadRequest(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(question))
	for _, seed := range tricks {
		f.Add([]byte(seed))
	}
	w := compiled(f, []byte(manifests))
	f.Fuzz(func(t *testing.T, raw []byte) {
		request, err := offline.ReadRequest("fuzz", raw)
		if (request == nil) != (err != nil) {
			t.Fatalf("request %v and error %v", request, err)
		}
		if err != nil {
			return
		}
		again, err := offline.ReadRequest("fuzz", raw)
		if err != nil || !reflect.DeepEqual(request, again) {
			t.Errorf("read %+v, then %+v, %v", request, again, err)
		}
		if d := w.Decide(request, at(10, 0)); d.Reason == authz.ReasonInternalError {
			t.Errorf("deciding it panicked: %s", d.Message)
		}
	})
}

func FuzzReadSuite(f *testing.F) {
	f.Add([]byte(heading + "manifests: [../manifests]\nnow: 2026-06-01T10:00:00Z\ncases:\n- name: a\n  request: {actor: a/b, via: []}\n  expect: {decision: Deny, leg: actor, reason: not_declared}\n"))
	for _, seed := range tricks {
		f.Add([]byte(seed))
		f.Add([]byte(heading + "manifests: [x]\ncases: [{name: a, expect: {decision: Deny}, request: {" + seed + "}}]\n"))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		documents, err := document.Read("fuzz", raw)
		if err != nil {
			return
		}
		for _, d := range documents {
			suite, err := offline.ReadSuite(d)
			if (suite == nil) != (err != nil) {
				t.Fatalf("suite %v and error %v", suite, err)
			}
			if err == nil && (len(suite.Cases) == 0 || len(suite.Manifests) == 0 || suite.Cases[0].Request == nil) {
				t.Errorf("a suite that tests nothing was taken: %+v", suite)
			}
		}
	})
}

// FuzzManifests holds that what is accepted can be decided by: nothing that compiles fails to load.
func FuzzManifests(f *testing.F) {
	for _, file := range []string{
		"../../test/schema/testdata/design.yaml", "../../config/samples/support/api-team.yaml", "../../config/samples/chain/service-team.yaml",
		"../../config/samples/payments/security.yaml",
	} {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte(manifests))
	for _, seed := range tricks {
		f.Add([]byte(seed))
		f.Add([]byte("apiVersion: behalf.dev/v1alpha1\nkind: List\nitems: [" + seed + "]\n"))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		set, err := manifest.Read(t.Context(), manifest.Options{Files: []string{manifest.Stdin}, Namespace: "support", Stdin: bytes.NewReader(raw)})
		if err != nil {
			return
		}
		_, err = offline.NewWorld(set)
		var fault *document.Fault
		if err != nil && !errors.As(err, &fault) {
			t.Errorf("what compiled does not load: %v", err)
		}
	})
}

func compiled(f *testing.F, raw []byte) *offline.World {
	f.Helper()
	set, err := manifest.Read(f.Context(), manifest.Options{Files: []string{manifest.Stdin}, Stdin: bytes.NewReader(raw)})
	if err != nil {
		f.Fatal(err)
	}
	w, err := offline.NewWorld(set)
	if err != nil {
		f.Fatal(err)
	}
	return w
}
