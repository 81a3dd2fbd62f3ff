// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"slices"
)

// controlPlane are the names of the processes that Start starts, in their order.
var controlPlane = []string{"etcd", "kube-apiserver", "kube-controller-manager"}

// Outage kills the control plane as a crash would. What it gives starts it again on the same data and addresses, and waits
// until it is ready. Nothing else may be started or stopped at the same time.
func (c *Cluster) Outage() (end func(context.Context) error) {
	var killed []*Process
	c.processes = slices.DeleteFunc(c.processes, func(p *Process) bool {
		if !slices.Contains(controlPlane, p.name) {
			return false
		}
		p.Kill()
		killed = append(killed, p)
		return true
	})
	return func(ctx context.Context) error {
		others := c.processes
		c.processes = nil // only those that are waited for: some of the others may have been killed on purpose
		for _, p := range killed {
			if err := c.run(p.name, p.cmd.Args[1:]...); err != nil {
				return err
			}
		}
		ctx, cancel := context.WithTimeout(ctx, startPatience)
		defer cancel()
		err := c.awaitReady(ctx)
		c.processes = append(c.processes, others...)
		return err
	}
}
