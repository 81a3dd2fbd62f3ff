// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"errors"
	"fmt"
	"net"
)

// advertised refuses an address that nobody could connect to.
func advertised(value string) error {
	if value == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(value)
	if ip := net.ParseIP(host); err != nil || host == "" || ip != nil && ip.IsUnspecified() {
		return fmt.Errorf("--advertise-address: %q is not host:port that other replicas can connect to", value)
	}
	return nil
}

// advertise is where other replicas reach this one: what was said, where it listens if that is one address, or else the
// address of this machine, which in a pod is the pod's.
func advertise(said string, listens net.Addr, machine func() ([]net.Addr, error)) (string, error) {
	if said != "" {
		return said, nil
	}
	host, port, err := net.SplitHostPort(listens.String())
	if err != nil {
		return "", fmt.Errorf("reading where the manager listens: %w", err)
	}
	if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() {
		return listens.String(), nil
	}
	addresses, err := machine()
	if err != nil {
		return "", fmt.Errorf("looking for an address of this machine: %w; name one with --advertise-address", err)
	}
	for _, a := range addresses {
		if network, ok := a.(*net.IPNet); ok && network.IP.IsGlobalUnicast() {
			return net.JoinHostPort(network.IP.String(), port), nil
		}
	}
	return loopback(port, addresses)
}

// loopback is for machines without any network, on which all replicas are.
func loopback(port string, addresses []net.Addr) (string, error) {
	for _, a := range addresses {
		if network, ok := a.(*net.IPNet); ok && network.IP.IsLoopback() {
			return net.JoinHostPort(network.IP.String(), port), nil
		}
	}
	return "", errors.New("this machine has no address that other replicas could connect to; name one with --advertise-address")
}
