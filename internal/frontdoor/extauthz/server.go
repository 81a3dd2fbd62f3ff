// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	"context"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/frontdoor"
)

// Door is the name of this front door in logs and metrics.
const Door = "extauthz"

// Server implements envoy.service.auth.v3.Authorization.
type Server struct {
	authv3.UnimplementedAuthorizationServer

	judge *frontdoor.Judge
}

// NewServer answers with what the judge decides. Serve it with the codec of this package (see Codec).
func NewServer(judge *frontdoor.Judge) *Server { return &Server{judge: judge} }

// Check never gives an error. What it answers is what was decided and recorded: nothing here decides again.
func (s *Server) Check(_ context.Context, check *authv3.CheckRequest) (response *authv3.CheckResponse, _ error) {
	defer func() {
		if recover() != nil {
			response = denied(authz.Decision{Denial: authz.Denial{Leg: authz.LegIdentity, Reason: authz.ReasonInternalError}})
		}
	}()
	asked := open(check)
	event := s.judge.Answer(asked.caller(), asked.request)
	if !event.Decision.Allowed() {
		return denied(event.Decision), nil
	}
	return allowed(asked, event), nil
}
