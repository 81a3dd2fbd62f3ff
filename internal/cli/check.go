// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/manifest"
	"behalf.dev/behalf/internal/offline"
)

// Check decides one request.
type Check struct {
	// World gives what is decided by.
	World func(context.Context) (*offline.World, error)
	// Request is the file that holds it; manifest.Stdin is standard input.
	Request string
	// Now is the time of the decision.
	Now    time.Time
	Output Format
}

// checked is a decision with what it answers.
type checked struct {
	Request  *authz.Request
	Decision authz.Decision
	At       time.Time
}

// Run gives the exit code: OK for Allow, No for Deny, Failed where nothing was decided.
func (c Check) Run(ctx context.Context, s Streams) int {
	const undecided = "nothing was decided"
	if c.Output == JUnit {
		return s.fail(undecided, fmt.Errorf("output %s is for suites: use kubectl behalf test, or -o json", JUnit))
	}
	request, err := c.request(s.In)
	if err != nil {
		return s.fail(undecided, err)
	}
	world, err := c.World(ctx)
	if world != nil {
		s.warn(world.Warnings)
	}
	if err != nil {
		return s.fail(undecided, err)
	}
	answer := checked{Request: request, Decision: world.Decide(request, c.Now), At: c.Now}
	code := No
	if answer.Decision.Allowed() {
		code = OK
	}
	out, err := c.render(answer, s.Color)
	return s.write(out, err, code)
}

func (c Check) render(answer checked, color bool) ([]byte, error) {
	if c.Output == Text {
		return answer.text(palette(color)), nil
	}
	return structured(c.Output, viewOf(answer.Decision, answer.At))
}

func (c Check) request(stdin io.Reader) (*authz.Request, error) {
	raw, name, err := manifest.File{Name: c.Request, Named: true}.Read(stdin)
	if err != nil {
		return nil, err
	}
	return offline.ReadRequest(name, raw)
}
