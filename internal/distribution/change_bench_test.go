// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution/distributiontest"
)

// BenchmarkOneChangeToAll measures from one change of one resource until all clients have acknowledged it, beside the
// floor: the same bytes, written by plain gRPC streams to as many clients over the same TLS, until all have read them. The
// two take turns. It reports medians and their ratio, and the heap that a connected client costs at both ends.
func BenchmarkOneChangeToAll(b *testing.B) {
	for _, size := range []struct{ resources, clients int }{{1000, 100}, {10000, 100}, {1000, 1000}} {
		b.Run(fmt.Sprintf("resources=%d/clients=%d", size.resources, size.clients), func(b *testing.B) {
			benchmarkChange(b, size.resources, size.clients)
		})
	}
}

const benchmarkBytes = 2 << 10

func benchmarkChange(b *testing.B, resources, clients int) {
	b.Helper()
	m := startManager(b, Options{Authenticator: anybodyEverywhere{}, ClusterWide: []authz.Actor{everywhere}}, "")
	mustSet(b, m.Server, fillers(resources)...)
	applied := &tally{reached: make(chan struct{}, 1)}
	last := Key{bundle.KindPolicy, fillerName(resources - 1)}
	var heap []int64
	for i := range clients {
		m.connect(b, everywhere, strconv.Itoa(i), applied)
		if i == 0 || i == clients-1 { // the first has the messages made that all of them share
			await(b, m, last, fillerContent(resources-1, 0), i+1)
			heap = append(heap, liveHeap())
		}
	}
	raw := startRaw(b, clients)

	var ours, floor []time.Duration
	for revision := 2; b.Loop(); revision++ {
		content := fillerContent(resources/2, revision)
		change := policyFor(fillerName(resources/2), int64(revision), content)
		bytes, err := change.Artifact.MarshalBinary()
		if err != nil {
			b.Fatal(err)
		}
		floor = append(floor, stopwatch(func() { raw.broadcast(bytes) }))
		ours = append(ours, stopwatch(func() {
			applied.expect(clients)
			if err := m.Put(change); err != nil {
				b.Fatal(err)
			}
			<-applied.reached
			await(b, m, change.key(), content, clients)
		}))
	}
	b.ReportMetric(float64(median(ours).Microseconds()), "µs/change")
	b.ReportMetric(float64(median(floor).Microseconds()), "µs/floor")
	b.ReportMetric(float64(median(ours))/float64(median(floor)), "ratio")
	b.ReportMetric(float64(heap[1]-heap[0])/float64(clients-1), "B/client")
	b.ReportMetric(0, "ns/op")
}

// liveHeap collects twice: the first leaves what finalizers and pools still hold.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func stopwatch(what func()) time.Duration {
	began := SystemClock{}.Now()
	what()
	return SystemClock{}.Now().Sub(began)
}

func median(durations []time.Duration) time.Duration {
	slices.Sort(durations)
	return durations[len(durations)/2]
}

// await looks at the progress until all have acknowledged.
func await(b *testing.B, m *manager, key Key, content string, clients int) {
	b.Helper()
	notices, cancel := m.Subscribe()
	defer cancel()
	digest := bundle.Digest([]byte(content))
	for m.Progress(key.Kind, key.Name, 0, digest).Acked != clients {
		<-notices
	}
}

func fillers(count int) []Resource {
	all := make([]Resource, count)
	for i := range all {
		all[i] = policyFor(fillerName(i), 1, fillerContent(i, 0))
	}
	return all
}

func fillerName(i int) string { return "ns/rs-" + strconv.Itoa(i) }

func fillerContent(i, revision int) string {
	head := fmt.Sprintf("%d of %d:", revision, i)
	return head + strings.Repeat("x", benchmarkBytes-len(head))
}

// tally is a Sink that counts the updates that it takes.
type tally struct {
	left    atomic.Int64
	reached chan struct{}
}

func (c *tally) expect(updates int) { c.left.Store(int64(updates)) }

func (c *tally) Update(changes []bundle.Change) []error {
	if c.left.Add(-1) == 0 {
		c.reached <- struct{}{}
	}
	return make([]error, len(changes))
}

func (*tally) Held() []bundle.Statement { return nil }

type anybodyEverywhere struct{}

func (anybodyEverywhere) Authenticate(context.Context, string) (Identity, error) {
	return Identity{Account: everywhere}, nil
}

// rawBroadcast is what nothing can be faster than: a stream a client, and no thought on what to send.
type rawBroadcast struct {
	discoveryv3.UnimplementedAggregatedDiscoveryServiceServer

	streams []chan *discoveryv3.DeltaDiscoveryResponse
	joined  chan chan *discoveryv3.DeltaDiscoveryResponse
	read    chan struct{}
}

func startRaw(b *testing.B, clients int) *rawBroadcast {
	b.Helper()
	r := &rawBroadcast{joined: make(chan chan *discoveryv3.DeltaDiscoveryResponse), read: make(chan struct{}, clients)}
	ca := distributiontest.NewAuthority(b)
	server := grpc.NewServer(append(ServerOptions(), grpc.Creds(credentials.NewTLS(ca.Server(b))))...)
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(server, r)
	var config net.ListenConfig
	listener, err := config.Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	b.Cleanup(server.Stop)
	m := &manager{address: listener.Addr().String(), authority: ca}
	for range clients {
		stream := m.speak(b, everywhere)
		mustSend(b, stream, subscribeTo("raw", PolicyType))
		r.streams = append(r.streams, <-r.joined)
		go r.follow(stream)
	}
	return r
}

func (r *rawBroadcast) DeltaAggregatedResources(stream deltaStream) error {
	mine := make(chan *discoveryv3.DeltaDiscoveryResponse)
	r.joined <- mine
	for {
		select {
		case <-stream.Context().Done():
			return nil
		case response := <-mine:
			if err := stream.Send(response); err != nil {
				return err
			}
		}
	}
}

func (r *rawBroadcast) follow(stream deltaClient) {
	for {
		if _, err := stream.Recv(); err != nil {
			return
		}
		r.read <- struct{}{}
	}
}

func (r *rawBroadcast) broadcast(bytes []byte) {
	response := &discoveryv3.DeltaDiscoveryResponse{
		TypeUrl: PolicyType, Nonce: "1",
		Resources: []*discoveryv3.Resource{newResource(policyIndex, &entry{key: Key{bundle.KindPolicy, fillerName(0)}}, bytes)},
	}
	for _, stream := range r.streams {
		stream <- response
	}
	for range r.streams {
		<-r.read
	}
}

// BenchmarkProgress looks how far one change has come that half of a thousand authorizers have acknowledged.
func BenchmarkProgress(b *testing.B) {
	const authorizers = 1000
	m := startManager(b, Options{Authenticator: anybodyEverywhere{}, ClusterWide: []authz.Actor{everywhere}}, "")
	mustSet(b, m.Server, policyFor(fillerName(0), 1, "content"))
	for i := range authorizers {
		session, err := m.authorizers.join(peer{account: everywhere, node: strconv.Itoa(i), clusterWide: true}, false, func(error) {})
		if err != nil {
			b.Fatal(err)
		}
		session.subs[policyIndex] = &subscription{acked: uint64(i % 2)}
	}
	digest := bundle.Digest([]byte("content"))
	if p := m.Progress(bundle.KindPolicy, fillerName(0), 0, digest); p.Acked != authorizers/2 || len(p.Lagging) != authorizers/2 {
		b.Fatalf("%d have acknowledged, and %d lag", p.Acked, len(p.Lagging))
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Progress(bundle.KindPolicy, fillerName(0), 0, digest)
	}
}
