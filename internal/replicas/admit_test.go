// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package replicas

import (
	"context"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/distribution/distributiontest"
)

// dial connects to a replica like another one, and proves nothing.
func (r *replica) dial(tb testing.TB) *grpc.ClientConn {
	tb.Helper()
	f := NewFollower(FollowerOptions{TLS: r.cluster.trusted})
	connection, err := f.connect(r.elected)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = connection.Close() })
	return connection
}

// open opens the service with this metadata, and gives why not if it is not let in.
func open(tb testing.TB, connection *grpc.ClientConn, pairs ...string) (grpc.ClientStream, error) {
	tb.Helper()
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(tb.Context(), pairs...))
	tb.Cleanup(cancel)
	stream, err := connection.NewStream(ctx, &service.Streams[0], "/"+serviceName+"/"+methodName)
	if err != nil {
		return nil, err
	}
	if header, err := stream.Header(); err != nil || header == nil {
		return nil, orRefused(stream, err)
	}
	return stream, nil
}

func statementOf(tb testing.TB, key sharedKey, replica, leader string, at time.Time) string {
	tb.Helper()
	raw, err := bundle.SignReplica(bundle.ReplicaStatement{Replica: replica, Leader: leader, IssuedAt: at.Unix()}, key.key)
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}

// THREATS 38
func TestNobodyButAReplicaOpensTheServiceOfReplicas(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a"), c.start("b")
	a.leads()
	distributiontest.Eventually(t, "the other replica reports", func() bool { return a.leader.Followers() == 1 })
	good := statementOf(t, ours, "x", "a", time.Now())
	ofBundle := string(policy(t, "one", 1).Artifact.Envelope)
	for sentence, tc := range map[string]struct {
		to    *replica
		pairs []string
		code  codes.Code
		want  string
	}{
		"nothing to show":                       {a, nil, codes.Unauthenticated, "present exactly one statement"},
		"an authorizer's token":                 {a, []string{"authorization", "Bearer token-of-the-authorizer"}, codes.Unauthenticated, "exactly one statement"},
		"an authorizer's token for a statement": {a, []string{statementHeader, "token-of-the-authorizer"}, codes.Unauthenticated, "verifying a replica's statement"},
		"a statement of a foreign key":          {a, []string{statementHeader, statementOf(t, theirs, "x", "a", time.Now())}, codes.Unauthenticated, bundle.ErrUntrusted.Error()},
		"a statement for another leader":        {a, []string{statementHeader, statementOf(t, ours, "x", "b", time.Now())}, codes.Unauthenticated, `it is for leader "b"`},
		"a statement of long ago":               {a, []string{statementHeader, statementOf(t, ours, "x", "a", time.Now().Add(-2*time.Minute))}, codes.Unauthenticated, "see that the clocks agree"},
		"a statement of the future":             {a, []string{statementHeader, statementOf(t, ours, "x", "a", time.Now().Add(time.Minute))}, codes.Unauthenticated, "see that the clocks agree"},
		"a bundle's statement":                  {a, []string{statementHeader, ofBundle}, codes.Unauthenticated, "payload type"},
		"two statements":                        {a, []string{statementHeader, good, statementHeader, good}, codes.Unauthenticated, "exactly one statement"},
		"a statement for one that does not lead": {
			b, []string{statementHeader, statementOf(t, ours, "x", "b", time.Now())}, codes.FailedPrecondition, "not the leader",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			_, err := open(t, tc.to.dial(t), tc.pairs...)
			if status.Code(err) != tc.code || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := open(t, a.dial(t), statementHeader, good); err != nil {
		t.Errorf("a replica: %v", err)
	}
}

// THREATS 38
func TestWithoutAKeyNobodyIsAReplica(t *testing.T) {
	t.Parallel()
	l := NewLeader(LeaderOptions{Identity: "a", Leads: func() bool { return true }, Keys: nobody, Clock: distributiontest.NewClock()})
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs(statementHeader, statementOf(t, ours, "b", "a", l.options.Clock.Now())))
	if _, err := l.admit(ctx); status.Code(err) != codes.Unavailable {
		t.Errorf("got %v", err)
	}
}

// THREATS 38
func TestAReplicasStatementOpensNothingOfAuthorizers(t *testing.T) {
	c := newCluster(t)
	a := c.start("a")
	a.leads()
	a.publish("one", 1)
	statement := statementOf(t, ours, "x", "a", time.Now())
	for sentence, pairs := range map[string][]string{
		"as it is":  {statementHeader, statement},
		"as bearer": {"authorization", "Bearer " + strings.ReplaceAll(statement, "\n", "")},
		"as both":   {statementHeader, statement, "authorization", "Bearer " + statement},
	} {
		t.Run(sentence, func(t *testing.T) {
			ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(t.Context(), pairs...))
			defer cancel()
			stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(a.dial(t)).DeltaAggregatedResources(ctx)
			if err != nil {
				t.Fatal(err)
			}
			_ = stream.Send(&discoveryv3.DeltaDiscoveryRequest{ // that it is refused is what Recv says
				Node: &corev3.Node{Id: "x"}, TypeUrl: distribution.PolicyType, ResourceNamesSubscribe: []string{"*"},
			})
			if _, err := stream.Recv(); status.Code(err) != codes.Unauthenticated {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWhatIsNoDispatchEndsTheStream(t *testing.T) {
	c := newCluster(t)
	a := c.start("a")
	a.leads()
	for sentence, tc := range map[string]struct {
		message string
		want    string
	}{
		"no JSON":                    {"nonsense", "invalid character"},
		"a field that is unknown":    {`{"replica":"x","secret":1}`, errNotCanonical.Error()},
		"a field that stands twice":  {`{"replica":"x","replica":"y"}`, errNotCanonical.Error()},
		"a field in another case":    {`{"Replica":"x"}`, errNotCanonical.Error()},
		"something behind the end":   {`{"replica":"x"} {}`, "after top-level value"},
		"a replica without a name":   {`{"replica":""}`, "no manager tells such a thing"},
		"an instance of no account":  {`{"replica":"x","fresh":true,"instances":[{"account":"x","node":"n","seen":0,"acked":[0,0,0]}]}`, "no manager tells"},
		"a position that is no such": {`{"replica":"x","fresh":true,"instances":[{"account":"a/x","node":"n","seen":0,"acked":[0,0,-1]}]}`, "cannot unmarshal"},
	} {
		t.Run(sentence, func(t *testing.T) {
			stream, err := open(t, a.dial(t), statementHeader, statementOf(t, ours, "x", "a", time.Now()))
			if err != nil {
				t.Fatal(err)
			}
			if err := stream.SendMsg(wrapperspb.Bytes([]byte(tc.message))); err != nil {
				t.Fatal(err)
			}
			for err == nil {
				err = stream.RecvMsg(&wrapperspb.BytesValue{})
			}
			if status.Code(err) != codes.Aborted || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	distributiontest.Eventually(t, "nothing is left of it", func() bool { return a.leader.Followers() == 0 })
}

// THREATS 35
func TestADispatchWithoutEndIsNotRead(t *testing.T) {
	t.Parallel()
	_, err := decode(wrapperspb.Bytes([]byte(`{"replica":"` + strings.Repeat("x", maxBytes) + `"}`)))
	if err == nil || !strings.Contains(err.Error(), "bytes are more than") {
		t.Errorf("got %v", err)
	}
}

func TestAReplicaHasOneStream(t *testing.T) {
	c := newCluster(t)
	a := c.start("a")
	a.leads()
	first, err := open(t, a.dial(t), statementHeader, statementOf(t, ours, "x", "a", time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, a.dial(t), statementHeader, statementOf(t, ours, "x", "a", time.Now())); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		err = first.RecvMsg(&wrapperspb.BytesValue{})
	}
	if !strings.Contains(err.Error(), errAgain.Error()) {
		t.Errorf("the first ended with %v", err)
	}
	distributiontest.Eventually(t, "one is left", func() bool { return a.leader.Followers() == 1 })
}

// THREATS 35
func TestReplicasAreListenedToUpToABound(t *testing.T) {
	t.Parallel()
	l := NewLeader(LeaderOptions{Clock: distributiontest.NewClock()})
	names := "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"
	for _, name := range names[:maxFollowers] {
		if _, err := l.join(string(name), func(error) {}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.join("one more", func(error) {}); err == nil {
		t.Error("one more was let in")
	}
	leave, err := l.join("a", func(error) {})
	if err != nil {
		t.Fatal("one that comes again was not let in")
	}
	leave()
	if _, err := l.join("one more", func(error) {}); err != nil {
		t.Errorf("there was room: %v", err)
	}
}

// THREATS 35
func TestAReplicaThatDoesNotListenHoldsNobodyUp(t *testing.T) {
	c := newCluster(t)
	a, b := c.start("a"), c.start("b")
	a.leads()
	if _, err := open(t, a.dial(t), statementHeader, statementOf(t, ours, "deaf", "a", time.Now())); err != nil {
		t.Fatal(err)
	}
	b.connect("at-b", newShelf())
	large := strings.Repeat("x", 1<<10)
	for revision := range int64(5) { // with names like these, each telling is far more than a window holds
		var all []distribution.Resource
		for n := range 200 {
			r := policy(t, "one", revision+1)
			r.Statement.Name = "ns/" + large + string(rune('a'+n%26)) + strings.Repeat("y", n)
			r.Statement.Digest = bundle.Digest([]byte{byte(revision)})
			all = append(all, r)
		}
		if err := a.Set(all); err != nil {
			t.Fatal(err)
		}
		content := string(rune('a' + revision))
		a.publishBeside(content, revision+1)
		b.publish(content, revision+1)
		distributiontest.Eventually(t, "what another one tells is heard", func() bool { return a.progress(content).Acked == 1 })
	}
}

// publishBeside distributes one policy beside what there is.
func (r *replica) publishBeside(content string, revision int64) {
	r.cluster.tb.Helper()
	if err := r.Put(policy(r.cluster.tb, content, revision)); err != nil {
		r.cluster.tb.Fatal(err)
	}
}
