// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec that is wrapped
	"google.golang.org/grpc/mem"
)

// codec reads a CheckRequest that is no protobuf as an empty one, which is denied. Left to gRPC it would become a gRPC
// error, and a proxy that fails open would let the request pass.
type codec struct {
	encoding.CodecV2
}

// Codec is for grpc.ForceServerCodecV2.
func Codec() encoding.CodecV2 { return codec{CodecV2: encoding.GetCodecV2("proto")} }

// Unmarshal is that of protobuf, but for a CheckRequest never fails.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	err := c.CodecV2.Unmarshal(data, v)
	check, ok := v.(*authv3.CheckRequest)
	if !ok || err == nil {
		return err
	}
	check.Reset()
	return nil // an empty request is denied; an error might not be
}
