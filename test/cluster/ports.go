// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"syscall"
)

const (
	lowestPort = 10_000
	// firstEphemeral is where the ports of outgoing connections begin on Linux, unless somebody set them.
	firstEphemeral = 32_768
)

var errNoPort = errors.New("none is free")

// FreePorts finds loopback ports that are free now. They lie below those that the kernel gives to outgoing connections
// (ip(7), ip_local_port_range), so that a program which is killed and started again finds its port free: among those,
// whatever connects to anything may have taken it meanwhile.
func FreePorts(count int) ([]int, error) {
	ports := make([]int, 0, count)
	for range count {
		listener, err := listenBelow(ephemeral())
		if err != nil {
			return nil, fmt.Errorf("looking for a free port: %w", err)
		}
		// Held until all are found, so that no port is found twice.
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

func listenBelow(end int) (net.Listener, error) {
	const attempts = 1000
	for range attempts {
		port := lowestPort + rand.IntN(end-lowestPort) // at random, for other programs look at the same time
		listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if !errors.Is(err, syscall.EADDRINUSE) {
			return listener, err
		}
	}
	return nil, errNoPort
}

// ephemeral is the first port of outgoing connections.
func ephemeral() int {
	raw, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return firstEphemeral
	}
	var first, last int
	if n, _ := fmt.Sscan(string(raw), &first, &last); n != 2 || first <= lowestPort {
		return firstEphemeral
	}
	return first
}
