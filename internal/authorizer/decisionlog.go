// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authorizer

import (
	"fmt"
	"io"
	"os"

	"behalf.dev/behalf/internal/audit"
	"behalf.dev/behalf/internal/frontdoor"
)

// logQueue is how many decisions may wait to be written: some seconds' worth.
const logQueue = 16384

// decisionLog hands decisions to the log.
type decisionLog struct {
	*audit.Log
}

// Observe writes one decision down.
func (l decisionLog) Observe(e frontdoor.Event) {
	record := audit.NewRecord(e.At, e.Request, e.Decision)
	record.FrontDoor, record.RequestID, record.Peer = e.Door, e.RequestID, e.Peer
	l.Write(record)
}

// openDecisionLog opens where decisions are written to; nil where they are not. The file is for its owner alone: it says who
// did what.
func openDecisionLog(name string) (io.WriteCloser, error) {
	switch name {
	case "":
		return nil, nil //nolint:nilnil // no log is wanted
	case "-":
		return keepOpen{os.Stdout}, nil
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the decision log (--decision-log): %w", err)
	}
	return file, nil
}

// keepOpen is a writer that others write to as well.
type keepOpen struct {
	io.Writer
}

// Close leaves it open.
func (keepOpen) Close() error { return nil }
