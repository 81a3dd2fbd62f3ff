// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package issuerkeys

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"syscall"
)

// ErrForbiddenTarget says that an address is one that an issuer's keys are never fetched from.
var ErrForbiddenTarget = errors.New("the address is not one that keys may be fetched from")

// Loopback says whether issuers on this very machine may be asked.
type Loopback bool

const (
	// LoopbackRefused is for everything but demonstrations and tests.
	LoopbackRefused Loopback = false
	// LoopbackAllowed also allows plain http, to loopback addresses only.
	LoopbackAllowed Loopback = true
)

// control is for net.Dialer: it sees the address after the name was resolved, for every attempt to connect, so that a name
// that resolves to an inside address, now or the next time, is refused too.
func (l Loopback) control(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("reading address %q: %w", address, err)
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return fmt.Errorf("reading address %q: %w", address, err)
	}
	return l.permits(ip.Unmap().WithZone(""))
}

func (l Loopback) permits(ip netip.Addr) error {
	switch {
	case ip.IsLoopback() && l == LoopbackAllowed:
		return nil
	case ip.IsLoopback():
		return fmt.Errorf("%s is a loopback address (--issuer-allow-loopback permits it): %w", ip, ErrForbiddenTarget)
	case !ip.IsGlobalUnicast(): // link-local (cloud metadata), multicast, unspecified
		return fmt.Errorf("%s is a link-local, multicast or unspecified address: %w", ip, ErrForbiddenTarget)
	default:
		return nil
	}
}

// permitsURL holds a URL to https, or to http where the host is spelt as a loopback address and that is allowed.
func (l Loopback) permitsURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return fmt.Errorf("reading URL %q: %w", raw, err)
	}
	switch {
	case u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("URL %q: want a host, and neither user nor fragment", raw)
	case u.Scheme == "https", u.Scheme == "http" && bool(l) && spelledLoopback(u.Hostname()):
		return nil
	default:
		return fmt.Errorf("URL %q: only https is allowed", raw)
	}
}

func spelledLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
