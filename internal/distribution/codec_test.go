// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
)

func sent(name string, value []byte) *discoveryv3.Resource {
	return &discoveryv3.Resource{Name: name, Version: "v-" + name, Resource: &anypb.Any{TypeUrl: PolicyType, Value: value}}
}

// THREATS 37
func TestAResponseIsWrittenAsGRPCWouldWriteIt(t *testing.T) {
	for sentence, message := range map[string]proto.Message{
		"an empty response": &discoveryv3.DeltaDiscoveryResponse{},
		"a response of ours": &discoveryv3.DeltaDiscoveryResponse{
			TypeUrl: PolicyType, Nonce: "7", ControlPlane: controlPlane, Resources: []*discoveryv3.Resource{sent("ns/a", []byte("a")), sent("ns/b", []byte("b"))},
		},
		"with a removal":      &discoveryv3.DeltaDiscoveryResponse{TypeUrl: PolicyType, Nonce: "7", RemovedResources: []string{"ns/a", "ns/b"}},
		"with an empty value": &discoveryv3.DeltaDiscoveryResponse{Resources: []*discoveryv3.Resource{sent("ns/a", nil), sent("", []byte{0})}},
		"with a long value":   &discoveryv3.DeltaDiscoveryResponse{Resources: []*discoveryv3.Resource{sent("ns/a", make([]byte, 300<<10))}},
		"with all that it may": &discoveryv3.DeltaDiscoveryResponse{
			SystemVersionInfo: "1", TypeUrl: PolicyType, Nonce: "7", ControlPlane: controlPlane, RemovedResources: []string{"ns/c"},
			RemovedResourceNames: []*discoveryv3.ResourceName{{Name: "ns/d"}},
			ResourceErrors:       []*discoveryv3.ResourceError{{ResourceName: &discoveryv3.ResourceName{Name: "ns/e"}}},
			Resources: []*discoveryv3.Resource{{
				Name: "ns/a", Version: "1", Aliases: []string{"a"}, ResourceName: &discoveryv3.ResourceName{Name: "ns/a"},
				Resource: &anypb.Any{TypeUrl: PolicyType, Value: []byte("content")}, Ttl: durationpb.New(time.Minute),
				CacheControl: &discoveryv3.Resource_CacheControl{DoNotCache: true}, Metadata: &corev3.Metadata{},
			}},
		},
		"what is no response": &discoveryv3.DeltaDiscoveryRequest{TypeUrl: PolicyType, ResponseNonce: "7"},
	} {
		written, err := newCodec().Marshal(message)
		if err != nil {
			t.Errorf("%s: %v", sentence, err)
			continue
		}
		read := message.ProtoReflect().New().Interface()
		if err := proto.Unmarshal(written.Materialize(), read); err != nil || !proto.Equal(read, message) {
			t.Errorf("%s: read back is %v, %v", sentence, read, err)
		}
	}
}

// THREATS 35
func TestStreamsShareTheBytesThatTheyAreSent(t *testing.T) {
	value := []byte("content that many streams are sent")
	response := &discoveryv3.DeltaDiscoveryResponse{Resources: []*discoveryv3.Resource{sent("ns/a", value)}}
	written, err := newCodec().Marshal(response)
	if err != nil {
		t.Fatal(err)
	}
	last := written[len(written)-1].ReadOnlyData()
	if len(last) != len(value) || &last[0] != &value[0] {
		t.Error("the value was copied for the stream")
	}
}
