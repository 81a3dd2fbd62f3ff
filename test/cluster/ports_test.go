// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import "testing"

// Whatever is killed and started again must find its port, though thousands of connections come and go.
func TestFreePortsAreNotThoseOfConnections(t *testing.T) {
	ports, err := FreePorts(20)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, port := range ports {
		if port < lowestPort || port >= ephemeral() {
			t.Errorf("port %d may be that of a connection: they begin at %d", port, ephemeral())
		}
		if seen[port] {
			t.Errorf("port %d is given twice", port)
		}
		seen[port] = true
	}
}
