// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// service stands in for a Service of Kubernetes: connections to its address go to its targets in turn, and past those that
// do not answer.
type service struct {
	listener net.Listener
	targets  []string
	turn     atomic.Uint64

	mu sync.Mutex
	// open are the connections; nil once it is stopped.
	open map[net.Conn]bool
}

func startService(address string, targets []string) (*service, error) {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("standing in for a Service: %w", err)
	}
	s := &service{listener: listener, targets: targets, open: map[net.Conn]bool{}}
	go s.serve()
	return s, nil
}

// stop lets nobody through any more, and ends the connections that there are.
func (s *service) stop() {
	_ = s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for connection := range s.open {
		_ = connection.Close()
	}
	s.open = nil
}

// note takes down a connection, unless the service is stopped; the function forgets it.
func (s *service) note(connection net.Conn) (forget func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		return nil, false
	}
	s.open[connection] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, connection)
	}, true
}

func (s *service) serve() {
	for {
		connection, err := s.listener.Accept()
		if err != nil {
			return
		}
		go s.forward(connection)
	}
}

func (s *service) forward(from net.Conn) {
	defer from.Close()
	forget, ok := s.note(from)
	if !ok {
		return
	}
	defer forget()
	to, err := s.dial()
	if err != nil {
		return
	}
	defer to.Close()
	ended := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		go func() {
			_, _ = io.Copy(way[0], way[1]) // whichever side goes, both connections end
			ended <- struct{}{}
		}()
	}
	<-ended
}

func (s *service) dial() (net.Conn, error) {
	dialer := net.Dialer{Timeout: time.Second}
	var last error
	for range s.targets {
		target := s.targets[s.turn.Add(1)%uint64(len(s.targets))]
		connection, err := dialer.DialContext(context.Background(), "tcp", target)
		if err == nil {
			return connection, nil
		}
		last = err
	}
	return nil, fmt.Errorf("no target answers: %w", last)
}
