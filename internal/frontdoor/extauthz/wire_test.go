// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package extauthz_test

import (
	"net"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/frontdoor/doortest"
	"behalf.dev/behalf/internal/frontdoor/extauthz"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rawBytes sends bytes as they are.
type rawBytes struct{ encoding.CodecV2 }

func (rawBytes) Name() string { return "proto" }

func (c rawBytes) Marshal(v any) (mem.BufferSlice, error) {
	if raw, ok := v.([]byte); ok {
		return mem.BufferSlice{mem.SliceBuffer(raw)}, nil
	}
	return c.CodecV2.Marshal(v)
}

// dial serves the door over a real connection, in the way that an authorizer does.
func dial(t *testing.T, w *doortest.World) *grpc.ClientConn {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.ForceServerCodecV2(extauthz.Codec()))
	authv3.RegisterAuthorizationServer(server, extauthz.NewServer(w.Judge(t)))
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	connection, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := connection.Close(); err != nil {
			t.Error(err)
		}
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return connection
}

func TestBytesThatAreNoCheckRequestAreDeniedAndNoGRPCError(t *testing.T) {
	w := doortest.New(t)
	connection := dial(t, w)
	path := request(t, w)
	path.GetAttributes().GetRequest().GetHttp().Path = "/PATH"
	notText, err := proto.Marshal(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range notText { // protobuf strings are UTF-8; a proxy that does not see to it sends what no decoder takes
		if string(notText[n:n+5]) == "/PATH" {
			notText[n+1] = 0xff
			break
		}
	}
	for name, raw := range map[string][]byte{ // THREATS 29, 30
		"garbage":                  []byte("\xff\xff\xff"),
		"half a message":           {0x0a, 0x20, 0x01},
		"a path that is not UTF-8": notText,
	} {
		t.Run(name, func(t *testing.T) {
			var response authv3.CheckResponse
			err := connection.Invoke(t.Context(), authv3.Authorization_Check_FullMethodName, raw, &response,
				grpc.ForceCodecV2(rawBytes{encoding.GetCodecV2("proto")}))
			if err != nil {
				t.Fatalf("a gRPC error: %v", err)
			}
			wantDenied(t, &response, 403, authz.LegIdentity, authz.ReasonRequestMalformed)
		})
	}
	t.Run("and a good request passes", func(t *testing.T) {
		response, err := authv3.NewAuthorizationClient(connection).Check(t.Context(), request(t, w))
		if err != nil || response.GetOkResponse() == nil {
			t.Errorf("response = %v, %v, want an allow", response, err)
		}
	})
}

// FuzzCheck: whatever bytes come as a CheckRequest, there is an answer, and nothing but what the issuers signed passes.
func FuzzCheck(f *testing.F) {
	w := doortest.New(f)
	server := extauthz.NewServer(w.Judge(f))
	good := request(f, w)
	for _, edit := range []func(*authv3.AttributeContext_HttpRequest){
		func(*authv3.AttributeContext_HttpRequest) {},
		func(h *authv3.AttributeContext_HttpRequest) { h.Path = "//tickets/42" },
		func(h *authv3.AttributeContext_HttpRequest) { h.Host = "tickets.example." },
		func(h *authv3.AttributeContext_HttpRequest) { h.Headers["authorization"] = "Bearer a,Bearer b" },
		func(h *authv3.AttributeContext_HttpRequest) { h.Headers["connection"] = "x_behalf_subject" },
		func(h *authv3.AttributeContext_HttpRequest) {
			h.Path, h.Headers["x-tenant"] = "/search?id=42&owner=alice", "acme"
		},
		func(h *authv3.AttributeContext_HttpRequest) {
			h.Method, h.Path, h.RawBody = "POST", "/mcp", []byte(listing)
			h.Headers["content-type"], h.Headers["x-envoy-auth-partial-body"] = "application/json", "false"
		},
	} {
		seed := proto.Clone(good).(*authv3.CheckRequest)
		edit(seed.GetAttributes().GetRequest().GetHttp())
		raw, err := proto.Marshal(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r authv3.CheckRequest
		if err := extauthz.Codec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(raw)}, &r); err != nil {
			t.Fatalf("reading failed: %v", err)
		}
		response, err := server.Check(t.Context(), &r)
		if err != nil || response.GetHttpResponse() == nil {
			t.Fatalf("response = %v, %v", response, err)
		}
		if response.GetOkResponse() == nil {
			if response.GetStatus().GetCode() == 0 {
				t.Error("a deny whose status is OK")
			}
			return
		}
		if extauthz.Collect(r.GetAttributes().GetRequest().GetHttp()).Headers["authorization"] == nil {
			t.Error("a request without a subject token passes")
		}
	})
}
