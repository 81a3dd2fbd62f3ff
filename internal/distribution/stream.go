// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	grpcpeer "google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

type deltaStream = discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesServer

// DeltaAggregatedResources serves one authorizer until one of the two sides is gone, its token is no longer good, or it
// does not answer.
func (s *Server) DeltaAggregatedResources(stream deltaStream) error {
	token, err := bearer(stream.Context())
	if err != nil {
		return err
	}
	identity, err := s.authenticate(stream.Context(), token)
	if err != nil {
		return err
	}
	if err := s.Counted(); err != nil {
		s.metrics.uncounted.Inc()
		return err
	}
	first, err := s.firstRequest(stream)
	if err != nil {
		return err
	}
	p := peer{account: identity.Account, node: first.GetNode().GetId(), clusterWide: s.clusterWide[identity.Account]}
	if err := checkNode(p.node); err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(stream.Context())
	defer end(nil)
	session, err := s.admit(p, s.guest(p), end)
	if err != nil {
		return status.Error(codes.ResourceExhausted, err.Error())
	}
	s.arrive(session)
	defer s.depart(session)
	if err := stream.SendHeader(nil); err != nil { // tells the peer that it is let in, even if nothing is owed to it
		return err
	}
	go func() { end(s.receive(stream, session, first)) }()
	go func() { end(s.send(ctx, stream, session)) }()
	return s.supervise(ctx, session, token, identity)
}

// admit takes a peer in. What it decides by it gets once it counts.
func (s *Server) admit(p peer, guest bool, end func(error)) (*session, error) {
	session, err := s.authorizers.join(p, guest, end)
	if err == nil {
		session.counts = func() bool { return s.counts(session) }
	}
	return session, err
}

// firstRequest gives up on peers that say nothing.
func (s *Server) firstRequest(stream deltaStream) (*discoveryv3.DeltaDiscoveryRequest, error) {
	type received struct {
		request *discoveryv3.DeltaDiscoveryRequest
		err     error
	}
	first := make(chan received, 1)
	go func() {
		request, err := stream.Recv()
		first <- received{request, err}
	}()
	select {
	case r := <-first:
		return r.request, r.err
	case <-s.options.Clock.After(s.options.StallAfter):
		return nil, status.Error(codes.DeadlineExceeded, "no request came")
	}
}

// guest says that the peer may see nothing at present.
func (s *Server) guest(p peer) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return !p.clusterWide && s.ledger.named[p.account] == 0
}

func (s *Server) arrive(session *session) {
	s.options.Log.Info("authorizer connected", "authorizer", session.peer.String())
	if s.guest(session.peer) {
		s.stranger(session.peer)
	}
	s.metrics.streams.Inc()
	s.listeners.notify()
}

// stranger logs that an authorizer gets nothing, because nobody named its service account.
func (s *Server) stranger(p peer) {
	if unsaid, say := s.guests.pass(s.options.Clock.Now()); say {
		s.options.Log.Info("authorizer may see nothing: neither the manager's --authorizers nor any ResourceServer's spec.authorizers names it",
			"authorizer", p.String(), "moreSinceLastLogged", unsaid)
	}
}

func (s *Server) depart(session *session) {
	s.options.Log.Info("authorizer gone", "authorizer", session.peer.String())
	s.authorizers.leave(session, s.guest(session.peer))
	s.metrics.streams.Dec()
	s.listeners.notify()
}

const bearerPrefix = "Bearer "

// bearer gives the one token that the peer presents.
func bearer(ctx context.Context) (string, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	values := md.Get("authorization")
	if len(values) != 1 || !strings.HasPrefix(values[0], bearerPrefix) {
		return "", status.Error(codes.Unauthenticated, "present exactly one bearer token: a service account token for audience "+TokenAudience)
	}
	return strings.TrimPrefix(values[0], bearerPrefix), nil
}

// authenticate turns an Authenticator's errors into a stream's: no doubt lets anybody in.
func (s *Server) authenticate(ctx context.Context, token string) (Identity, error) {
	identity, err := s.options.Authenticator.Authenticate(ctx, token)
	switch {
	case errors.Is(err, ErrUnauthenticated):
		s.metrics.unauthenticated.Inc()
		s.refused(ctx, err)
		return Identity{}, status.Error(codes.Unauthenticated, err.Error())
	case err != nil:
		return Identity{}, status.Error(codes.Unavailable, "the token could not be reviewed: "+err.Error())
	case !identity.Account.Present():
		s.metrics.unauthenticated.Inc()
		s.refused(ctx, ErrUnauthenticated)
		return Identity{}, status.Error(codes.Unauthenticated, ErrUnauthenticated.Error())
	default:
		return identity, nil
	}
}

// refused logs that a token was not taken, and never the token. Anybody can present one, so it is not logged each time.
func (s *Server) refused(ctx context.Context, why error) {
	unsaid, say := s.refusals.pass(s.options.Clock.Now())
	if !say {
		return
	}
	from := "unknown"
	if p, ok := grpcpeer.FromContext(ctx); ok {
		from = p.Addr.String()
	}
	s.options.Log.Info("the token of a peer was refused: authorizers present a service account token for audience "+TokenAudience,
		"from", from, "why", why.Error(), "moreSinceLastLogged", unsaid)
}

const maxNodeBytes = 253

// checkNode keeps out ids that could not be shown or told apart.
func checkNode(id string) error {
	outside := func(r rune) bool { return r <= ' ' || r > '~' }
	if id == "" || len(id) > maxNodeBytes || strings.ContainsFunc(id, outside) {
		return status.Errorf(codes.InvalidArgument, "node.id must be 1 to %d printable ASCII characters: the pod's name", maxNodeBytes)
	}
	return nil
}

// receive takes what the peer says until it ends.
func (s *Server) receive(stream deltaStream, session *session, request *discoveryv3.DeltaDiscoveryRequest) error {
	for {
		if err := s.heed(session, request); err != nil {
			return err
		}
		next, err := stream.Recv()
		if err != nil {
			return err
		}
		request = next
	}
}

func (s *Server) heed(session *session, request *discoveryv3.DeltaDiscoveryRequest) error {
	index, known := typeIndex(request.GetTypeUrl())
	if !known {
		return status.Errorf(codes.InvalidArgument, "type %q is not distributed here", request.GetTypeUrl())
	}
	if request.GetResponseNonce() != "" {
		s.note(session, index, request)
		return nil
	}
	if !slices.Equal(request.GetResourceNamesSubscribe(), []string{wildcard}) {
		return status.Error(codes.InvalidArgument, "subscribe to *: an authorizer gets all that it may see")
	}
	s.mu.RLock()
	err := session.subscribe(s.ledger, index, request.GetInitialResourceVersions())
	s.mu.RUnlock()
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	session.rouse()
	s.listeners.notify() // what it holds already counts from now on
	return nil
}

func (s *Server) note(session *session, index int, request *discoveryv3.DeltaDiscoveryRequest) {
	rejected := session.answered(index, request)
	for key, r := range rejected {
		s.metrics.rejected.WithLabelValues(string(key.Kind), r.reason).Inc()
		s.options.Log.Info("authorizer rejected what it was sent", "authorizer", session.peer.String(),
			"kind", key.Kind, "name", key.Name, "digest", r.digest, "why", r.message)
	}
	session.rouse()
	s.listeners.notify()
}

// send sends what the peer is owed whenever there is reason to look. A peer that does not read holds up this alone.
func (s *Server) send(ctx context.Context, stream deltaStream, session *session) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-session.wake:
		}
		if err := s.sendAll(stream, session); err != nil {
			return err
		}
	}
}

func (s *Server) sendAll(stream deltaStream, session *session) error {
	for {
		s.mu.RLock()
		response, err := session.next(s.ledger, s.options.Clock.Now())
		s.mu.RUnlock()
		if err != nil {
			return status.Error(codes.Internal, err.Error())
		}
		if response == nil {
			return nil
		}
		if err := stream.Send(response); err != nil {
			return err
		}
		s.metrics.sent(response)
	}
}

// supervise returns why the stream is to end.
func (s *Server) supervise(ctx context.Context, session *session, token string, identity Identity) error {
	review := s.options.Clock.Now().Add(s.options.ReviewEvery)
	for {
		select {
		case <-ctx.Done():
			return ended(context.Cause(ctx))
		case <-s.options.Clock.After(min(s.options.ReviewEvery, s.options.StallAfter, lookEvery)):
		}
		if err := s.Counted(); err != nil {
			s.metrics.uncounted.Inc()
			return err
		}
		session.rouse() // it may count by now
		now := s.options.Clock.Now()
		if since := session.stalled(); !since.IsZero() && now.Sub(since) >= s.options.StallAfter {
			s.metrics.stalled.Inc()
			return status.Errorf(codes.DeadlineExceeded, "a response was left unanswered since %s", since.UTC().Format(time.RFC3339))
		}
		if now.Before(review) {
			continue
		}
		review = now.Add(s.options.ReviewEvery)
		if err := s.review(ctx, session, token, identity); err != nil {
			return err
		}
	}
}

// ended makes a status of the cause for which a stream ended.
func ended(cause error) error {
	if errors.Is(cause, errReplaced) {
		return status.Error(codes.Aborted, errReplaced.Error())
	}
	if _, ok := status.FromError(cause); ok {
		return cause
	}
	return status.Error(codes.Canceled, cause.Error())
}

// review asks again whether the token is good. While nobody can tell, the stream goes on until the token ends: the peer
// holds what it was given anyway, and renewed leases are what it needs then.
func (s *Server) review(ctx context.Context, session *session, token string, before Identity) error {
	now, err := s.authenticate(ctx, token)
	switch {
	case status.Code(err) == codes.Unavailable:
		if !before.Expires.IsZero() && !s.options.Clock.Now().Before(before.Expires) {
			return status.Error(codes.Unauthenticated, "the token has expired: connect again with the next one")
		}
		s.options.Log.Info("token of authorizer could not be reviewed again", "authorizer", session.peer.String(), "why", err.Error())
		return nil
	case err != nil:
		return err
	case now.Account != before.Account || now.UID != before.UID:
		return status.Error(codes.Unauthenticated, fmt.Sprintf("the token is now %s's", now.Account))
	default:
		return nil
	}
}
