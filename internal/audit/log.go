// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// batchBytes is how much is gathered before it is written although more is waiting.
const batchBytes = 64 << 10

// Log writes records one after the other from a bounded queue.
type Log struct {
	queue chan Record
	clock func() time.Time
	out   io.Writer
	// lost are all records that were dropped or could not be written; missing are those no gap record has told of yet.
	lost, missing atomic.Uint64

	// batch holds the lines that wait to be written together; only Run touches it.
	batch bytes.Buffer
	// batched are the records in the batch, told those that its gap records speak of.
	batched, told uint64
	torn          bool
}

// NewLog writes to out; its queue holds size records. Nothing is written before Run.
func NewLog(out io.Writer, size int, clock func() time.Time) *Log {
	return &Log{queue: make(chan Record, size), clock: clock, out: out}
}

// Write hands a record over and never waits: where the queue is full the record is dropped, and the log will say so.
func (l *Log) Write(r Record) {
	select {
	case l.queue <- r:
	default:
		l.lose(1)
	}
}

// Lost is how many records were dropped or could not be written since the start.
func (l *Log) Lost() uint64 { return l.lost.Load() }

func (l *Log) lose(n uint64) {
	l.lost.Add(n)
	l.missing.Add(n)
}

// Run writes until ctx ends, then what is queued, and returns the error of the last attempt to write. An error before that
// does not end it: what was lost is told as a gap once writing works again.
func (l *Log) Run(ctx context.Context) error {
	for {
		select {
		case r := <-l.queue:
			l.add(r)
			if l.drain() != nil {
				continue // counted; the next batch begins with a gap
			}
		case <-ctx.Done():
			return l.finish()
		}
	}
}

// drain writes all that is queued.
func (l *Log) drain() error {
	for {
		select {
		case r := <-l.queue:
			l.add(r)
			if l.batch.Len() < batchBytes {
				continue
			}
			if err := l.flush(); err != nil {
				return err
			}
		default:
			return l.flush()
		}
	}
}

// finish writes all that is queued and tells of what is missing after it.
func (l *Log) finish() error {
	if err := l.drain(); err != nil {
		return err
	}
	l.tellGap()
	return l.flush()
}

func (l *Log) add(r Record) {
	l.tellGap()
	if err := l.line(r); err != nil {
		l.lose(1)
		return
	}
	l.batched++
}

// tellGap says how many records are missing before the next line.
func (l *Log) tellGap() {
	missing := l.missing.Swap(0)
	if missing == 0 {
		return
	}
	if err := l.line(Record{Time: l.clock().UTC(), Gap: missing}); err != nil {
		l.missing.Add(missing)
		return
	}
	l.told += missing
}

func (l *Log) line(r Record) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encoding a record: %w", err)
	}
	if l.torn {
		l.batch.WriteByte('\n')
		l.torn = false
	}
	l.batch.Write(raw)
	l.batch.WriteByte('\n')
	return nil
}

// flush writes the batch. Where that fails, all of it counts as lost, and a line that was torn is ended before the next.
func (l *Log) flush() error {
	if l.batch.Len() == 0 {
		return nil
	}
	n, err := l.out.Write(l.batch.Bytes())
	if err != nil {
		l.lose(l.batched)
		l.missing.Add(l.told)
		l.torn = n > 0
	}
	l.batch.Reset()
	l.batched, l.told = 0, 0
	if err != nil {
		return fmt.Errorf("writing the decision log: %w", err)
	}
	return nil
}
