// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authorizer

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
)

// lookEvery is how often files are looked at for changes.
const lookEvery = 2 * time.Second

// watched is a file whose content is taken whenever it has changed. A content that cannot be taken leaves the last in force.
type watched struct {
	file string
	take func(raw []byte) error
	log  logr.Logger
	// without says what it means that nothing could ever be read, and what to do about it.
	without string

	mu      sync.Mutex
	last    []byte
	problem error
}

// look reads the file once, and says whether a new content was taken.
func (w *watched) look() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	raw, err := os.ReadFile(w.file)
	if err == nil && w.last != nil && bytes.Equal(raw, w.last) {
		w.problem = nil
		return false
	}
	if err == nil {
		err = w.take(raw)
	}
	w.note(err)
	if err != nil {
		return false
	}
	w.last = raw
	return true
}

// note logs a problem when it comes, and not again while it stays.
func (w *watched) note(err error) {
	if err != nil && (w.problem == nil || w.problem.Error() != err.Error()) {
		w.log.Error(err, w.consequence(), "file", w.file)
	}
	w.problem = err
}

func (w *watched) consequence() string {
	if w.last == nil {
		return w.without
	}
	return "what was read before stays in force"
}

// missing says why nothing was ever taken; nil where something was.
func (w *watched) missing() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last != nil {
		return nil
	}
	return w.problem
}

// follow looks again and again until ctx ends, and calls changed after each new content.
func (w *watched) follow(ctx context.Context, clock distribution.Clock, changed func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-clock.After(lookEvery):
			if w.look() {
				w.log.Info("read anew", "file", w.file)
				changed()
			}
		}
	}
}

// verifierSink is what believes in bundle keys.
type verifierSink interface {
	SetVerifier(v *bundle.Verifier)
}

func watchKeys(file string, sink verifierSink, log logr.Logger) *watched {
	const without = "no bundle keys, so every bundle is refused and every request denied: " + remedyKeys
	return &watched{file: file, log: log, without: without, take: func(raw []byte) error {
		keys, err := bundle.ParsePublicKeys(raw)
		if err != nil {
			return err
		}
		sink.SetVerifier(bundle.NewVerifier(keys...))
		return nil
	}}
}

// certificate is a serving certificate in two files.
type certificate struct {
	certFile, keyFile string

	mu   sync.RWMutex
	leaf *tls.Certificate
}

// load reads both files. The certificate is watched; it is loaded with whatever key lies beside it then, and a pair that
// does not fit is tried again at the next look.
func (c *certificate) load([]byte) error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("loading the serving certificate: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaf = &pair
	return nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.leaf, nil
}

// config is nil where there is no certificate to serve with.
func (c *certificate) config() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS13, NextProtos: []string{"h2", "http/1.1"}}
}
