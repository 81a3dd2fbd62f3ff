// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// door is a webhook that is asked over and over, each time about another object.
type door struct {
	address string
	tls     *tls.Config
	// requests are whole, to be sent as they are: asking must cost little beside answering.
	requests [][]byte
}

func newDoor(address, path string, config *tls.Config, reviews [][]byte) *door {
	d := &door{address: address, tls: config}
	for _, review := range reviews {
		head := "POST " + path + " HTTP/1.1\r\nHost: " + address + "\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(review)) + "\r\n\r\n"
		d.requests = append(d.requests, append([]byte(head), review...))
	}
	return d
}

// caller asks over one connection.
type caller struct {
	conn   net.Conn
	reader *bufio.Reader
	answer bytes.Buffer
}

func (d *door) connect(ctx context.Context) (*caller, error) {
	dialer := tls.Dialer{Config: d.tls}
	conn, err := dialer.DialContext(ctx, "tcp", d.address)
	if err != nil {
		return nil, fmt.Errorf("connecting to the webhook: %w", err)
	}
	return &caller{conn: conn, reader: bufio.NewReader(conn)}, nil
}

var (
	errRefused = errors.New("what is within its bounds is refused")
	admitted   = []byte(`"allowed":true`)
)

// ask sends a request, and wants its object admitted.
func (c *caller) ask(request []byte) error {
	if _, err := c.conn.Write(request); err != nil {
		return fmt.Errorf("asking the webhook: %w", err)
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return fmt.Errorf("reading the webhook's answer: %w", err)
	}
	defer response.Body.Close()
	c.answer.Reset()
	if _, err := io.Copy(&c.answer, response.Body); err != nil {
		return fmt.Errorf("reading the webhook's answer: %w", err)
	}
	if !bytes.Contains(c.answer.Bytes(), admitted) {
		return fmt.Errorf("asking the webhook: %w: %s", errRefused, c.answer.Bytes())
	}
	return nil
}

// everyCaller has so many callers connect, and then work until one of them fails or all are done. Each is told when they began.
// This program's own collector waits meanwhile, so that what is measured is the webhook.
func (d *door) everyCaller(ctx context.Context, callers int, work func(context.Context, *caller, time.Time) error) error {
	var all []*caller
	defer func() {
		for _, c := range all {
			_ = c.conn.Close() // all is asked and answered
		}
	}()
	for range callers {
		c, err := d.connect(ctx)
		if err != nil {
			return err
		}
		all = append(all, c)
	}
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for _, c := range all {
		group.Go(func() error { return work(ctx, c, began) })
	}
	return group.Wait()
}

// throughput is how many questions are answered in a second when every caller asks without a pause.
func (d *door) throughput(ctx context.Context, callers int, while time.Duration) (float64, error) {
	var asked atomic.Int64
	err := d.everyCaller(ctx, callers, func(_ context.Context, c *caller, began time.Time) error {
		for time.Since(began) < while {
			if err := c.ask(d.request(asked.Add(1))); err != nil {
				return err
			}
		}
		return nil
	})
	return float64(asked.Load()) / while.Seconds(), err
}

// latencies of questions that come at a rate, whether or not the ones before are answered: each is counted from when it was
// due. In rising order.
func (d *door) latencies(ctx context.Context, callers int, rate float64, while time.Duration) ([]time.Duration, error) {
	var turn atomic.Int64
	var mu sync.Mutex
	var all []time.Duration
	err := d.everyCaller(ctx, callers, func(ctx context.Context, c *caller, began time.Time) error {
		var own []time.Duration
		for {
			i := turn.Add(1)
			due := began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
			if due.Sub(began) > while {
				break
			}
			if err := pause(ctx, time.Until(due)); err != nil {
				return err
			}
			if err := c.ask(d.request(i)); err != nil {
				return err
			}
			own = append(own, time.Since(due))
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, own...)
		return nil
	})
	slices.Sort(all)
	return all, err
}

func (d *door) request(turn int64) []byte { return d.requests[turn%int64(len(d.requests))] }
