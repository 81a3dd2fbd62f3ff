// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package replicas

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"behalf.dev/behalf/internal/distribution"
)

// settle is how long one side waits from telling until it tells again: what happens meanwhile is told together.
const settle = 100 * time.Millisecond

// messages are the part of a stream that both sides have.
type messages interface {
	SendMsg(message any) error
	RecvMsg(message any) error
}

// conversation is one side of a stream.
type conversation struct {
	stream  messages
	telling *distribution.Telling
	hearing *distribution.Hearing
	changes <-chan struct{}
	clock   distribution.Clock
	// over has in it why nothing is heard any more.
	over chan error
}

// hold tells and hears until the context or the stream ends, or the other side says what cannot be. Whoever calls it ends the
// stream then. A peer that does not listen holds up this alone, and finds the latest when it listens again.
func (c *conversation) hold(ctx context.Context) error {
	heard := c.over
	go func() { heard <- c.hear() }()
	for {
		if err := c.tell(); err != nil {
			return orHeard(err, heard)
		}
		if err := c.pause(ctx, heard, c.changes); err != nil {
			return err
		}
		if err := c.rest(ctx, heard); err != nil {
			return err
		}
	}
}

func (c *conversation) tell() error {
	for _, d := range c.telling.Next() {
		message, err := encode(d)
		if err != nil {
			return err
		}
		if err := c.stream.SendMsg(message); err != nil {
			return fmt.Errorf("telling: %w", err)
		}
	}
	return nil
}

func (c *conversation) hear() error {
	for {
		message := &wrapperspb.BytesValue{}
		if err := c.stream.RecvMsg(message); err != nil {
			return fmt.Errorf("hearing: %w", err)
		}
		d, err := decode(message)
		if err != nil {
			return err
		}
		if err := c.hearing.Take(d); err != nil {
			return err
		}
	}
}

func (c *conversation) pause(ctx context.Context, heard <-chan error, changes <-chan struct{}) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case err := <-heard:
		return err
	case <-changes:
		return nil
	}
}

func (c *conversation) rest(ctx context.Context, heard <-chan error) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case err := <-heard:
		return err
	case <-c.clock.After(settle):
		return nil
	}
}

// orHeard prefers what was heard: sending only knows that a stream is gone, and not why.
func orHeard(err error, heard <-chan error) error {
	if errors.Is(err, io.EOF) {
		return <-heard
	}
	return err
}
