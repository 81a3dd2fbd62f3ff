// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"bytes"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"behalf.dev/behalf/internal/bundle"
)

// FuzzReadResource: whatever a manager sends under whatever name, it becomes one change of one kind of content, or is
// refused; nothing of one kind travels as another.
func FuzzReadResource(f *testing.F) {
	artifact, err := bundle.Artifact{Envelope: []byte("{}"), Content: []byte("{}")}.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{"support/tickets", "", "/", "Policy/support/tickets", "Trust/trust", "Nothing/x", "a\x00b"} { // THREATS 37
		for url := range typeURLs {
			raw, err := proto.Marshal(&discoveryv3.Resource{Name: name, Resource: &anypb.Any{TypeUrl: typeURLs[url], Value: artifact}})
			if err != nil {
				f.Fatal(err)
			}
			f.Add(url, raw)
		}
	}
	f.Fuzz(func(t *testing.T, url int, raw []byte) {
		if url < 0 || url >= len(typeURLs) {
			return
		}
		var resource discoveryv3.Resource
		if proto.Unmarshal(raw, &resource) != nil {
			return
		}
		change, err := readResource(typeURLs[url], &resource)
		if err != nil {
			return
		}
		if resource.GetResource().GetTypeUrl() != typeURLs[url] {
			t.Errorf("a resource of type %q passed for one of %q", resource.GetResource().GetTypeUrl(), typeURLs[url])
		}
		if _, known := kindIndex(change.Kind); !known {
			t.Errorf("a change of the kind %q", change.Kind)
		}
		if (change.Operation == bundle.Renew) != (url == leaseIndex) {
			t.Errorf("a %s came as %q", change.Operation, typeURLs[url])
		}
		if change.Operation == bundle.Put {
			again, err := change.Artifact.MarshalBinary()
			if err != nil || !bytes.Equal(again, resource.GetResource().GetValue()) {
				t.Errorf("the artifact is written back as other bytes (%v)", err)
			}
		}
	})
}
