// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"behalf.dev/behalf/internal/bundle"
)

// Sink takes what comes. A snapshot.Store is one.
type Sink interface {
	// Update makes all changes and says of each whether it is enforced now (nil) or why not.
	Update(changes []bundle.Change) []error
	// Held gives the statements of what is enforced.
	Held() []bundle.Statement
}

// ClientOptions of a Client. Address, CAFile, TokenFile, Node, Sink and Clock must be set; the rest has defaults.
type ClientOptions struct {
	// Address of the manager's distribution server, as gRPC's resolver takes it: host:port, or dns:///host:port.
	Address string
	// ServerName that the server's certificate must have; the host of Address where empty.
	ServerName string
	// CAFile holds the PEM authorities that may vouch for the server; it is read anew for each connection.
	CAFile string
	// TokenFile holds the projected service account token; it is read anew for each connection.
	TokenFile string
	// Node tells this instance from others of its service account: the pod's name.
	Node string
	Sink Sink

	Clock Clock
	Log   logr.Logger
	// Remedy says what can be done about being cut off for this cause, for the log; empty where nothing is known.
	Remedy func(error) string
	// Random gives numbers in [0, 1); math/rand/v2's where nil.
	Random func() float64
	// MinBackoff and MaxBackoff bound the wait between connections: 500 ms and 30 s where zero.
	MinBackoff, MaxBackoff time.Duration
}

func (o ClientOptions) withDefaults() ClientOptions {
	o.MinBackoff = defaultTo(o.MinBackoff, 500*time.Millisecond)
	o.MaxBackoff = defaultTo(o.MaxBackoff, 30*time.Second)
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if o.Remedy == nil {
		o.Remedy = func(error) string { return "" }
	}
	return o
}

// ClientState says how an authorizer stands with its manager.
type ClientState struct {
	// Connected says whether the manager has let this authorizer in; Since when that is so, or not so.
	Connected bool
	Since     time.Time
	// LastError is why the last stream ended or could not be opened; nil where none did.
	LastError error
	// Attempts counts connections tried, Received resources that came, and Rejected those of them that were refused.
	Attempts, Received, Rejected uint64
}

// Client keeps a Sink up to date with a manager.
type Client struct {
	options ClientOptions

	mu    sync.Mutex
	state ClientState
	// said is the cause of being cut off that was logged last, and in whether the manager has let this authorizer in since;
	// only Run uses them.
	said string
	in   bool
}

// NewClient makes a Client; Run makes it work.
func NewClient(options ClientOptions) (*Client, error) {
	for name, value := range map[string]string{
		"address": options.Address, "CA file": options.CAFile, "token file": options.TokenFile, "node": options.Node,
	} {
		if value == "" {
			return nil, errors.New("making a distribution client: " + name + " must be set")
		}
	}
	if options.Sink == nil || options.Clock == nil {
		return nil, errors.New("making a distribution client: sink and clock must be set")
	}
	return &Client{options: options.withDefaults(), state: ClientState{Since: options.Clock.Now()}}, nil
}

// State says how it stands now.
func (c *Client) State() ClientState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Run keeps a stream open until the context ends. It returns nil then, and nothing else ends it.
func (c *Client) Run(ctx context.Context) error {
	for failures := 0; ctx.Err() == nil; {
		began := c.options.Clock.Now()
		c.lost(c.attempt(ctx))
		if c.options.Clock.Now().Sub(began) > c.options.MaxBackoff {
			failures = 0
		}
		c.wait(ctx, failures)
		failures++
	}
	return nil
}

// wait passes the time until the next attempt.
func (c *Client) wait(ctx context.Context, failures int) {
	if ctx.Err() != nil {
		return
	}
	wait := c.backoff(failures)
	c.sayLost(wait)
	select {
	case <-ctx.Done():
	case <-c.options.Clock.After(wait):
	}
}

// attempt opens a stream and follows it to its end.
func (c *Client) attempt(ctx context.Context) error {
	c.update(func(s *ClientState) { s.Attempts++ })
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	connection, stream, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer ignore(connection)
	if err := c.subscribe(stream); err != nil {
		return err
	}
	return c.follow(stream)
}

// ignore closes what nobody waits for.
func ignore(c io.Closer) { _ = c.Close() }

// backoff is exponential with full jitter, so that a thousand authorizers do not come back all at once.
func (c *Client) backoff(failures int) time.Duration {
	most := c.options.MaxBackoff
	if failures < 16 {
		most = min(most, c.options.MinBackoff<<failures)
	}
	return time.Duration(c.options.Random() * float64(most))
}

func (c *Client) lost(err error) {
	c.update(func(s *ClientState) {
		if s.Connected {
			s.Connected, s.Since = false, c.options.Clock.Now()
		}
		s.LastError = err
	})
}

func (c *Client) connected() {
	c.update(func(s *ClientState) {
		if !s.Connected {
			s.Connected, s.Since, s.LastError = true, c.options.Clock.Now(), nil
		}
	})
	c.sayConnected()
}

func (c *Client) update(change func(*ClientState)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.state)
}
