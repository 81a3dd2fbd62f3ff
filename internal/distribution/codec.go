// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"fmt"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// codec is gRPC's own, but for responses: it puts the bytes of resources, which all streams share, between what is written
// for each. gRPC's would copy all of it for every peer, into a buffer of a megabyte as soon as it is larger than 32 KiB, and
// keep that until the peer has read it: a thousand of them at once.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2(protocodec.Name)} }

// The numbers of fields, as discovery.proto and any.proto have them.
const (
	responseResources protowire.Number = 2
	resourceResource  protowire.Number = 2
	anyTypeURL        protowire.Number = 1
	anyValue          protowire.Number = 2
)

// Marshal gives what is to be written. The order of fields is of no meaning (protobuf encoding, "Message structure").
func (c codec) Marshal(message any) (mem.BufferSlice, error) {
	response, ok := message.(*discoveryv3.DeltaDiscoveryResponse)
	if !ok {
		return c.CodecV2.Marshal(message)
	}
	head, err := proto.Marshal(without(response, responseResources))
	if err != nil {
		return nil, fmt.Errorf("writing a response: %w", err)
	}
	written := mem.BufferSlice{mem.SliceBuffer(head)}
	for _, resource := range response.GetResources() {
		before, err := beforeValue(resource)
		if err != nil {
			return nil, err
		}
		written = append(written, mem.SliceBuffer(before), mem.SliceBuffer(resource.GetResource().GetValue()))
	}
	return written, nil
}

// beforeValue is everything of one resource that stands before the bytes of its value, which end it.
func beforeValue(resource *discoveryv3.Resource) ([]byte, error) {
	about, err := proto.Marshal(without(resource, resourceResource))
	if err != nil {
		return nil, fmt.Errorf("writing resource %s: %w", resource.GetName(), err)
	}
	size := len(resource.GetResource().GetValue())
	packed := protowire.AppendTag(nil, anyTypeURL, protowire.BytesType)
	packed = protowire.AppendString(packed, resource.GetResource().GetTypeUrl())
	packed = protowire.AppendTag(packed, anyValue, protowire.BytesType)
	packed = protowire.AppendVarint(packed, uint64(size))

	about = protowire.AppendTag(about, resourceResource, protowire.BytesType)
	about = protowire.AppendVarint(about, uint64(len(packed)+size))
	about = append(about, packed...)

	before := protowire.AppendTag(nil, responseResources, protowire.BytesType)
	before = protowire.AppendVarint(before, uint64(len(about)+size))
	return append(before, about...), nil
}

// without is the message but for one field. What it holds it shares with the message.
func without(message proto.Message, field protowire.Number) proto.Message {
	rest := message.ProtoReflect().New()
	message.ProtoReflect().Range(func(of protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if of.Number() != field {
			rest.Set(of, value)
		}
		return true
	})
	return rest.Interface()
}
