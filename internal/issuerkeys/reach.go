// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package issuerkeys

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// ErrForbiddenTarget says that an address is one that an issuer's keys are never fetched from.
var ErrForbiddenTarget = errors.New("the address is not one that keys may be fetched from")

// Reach says where keys may be fetched from.
type Reach struct {
	Loopback Loopback
	// Ports of all but loopback addresses; none where empty.
	Ports Ports
}

// Loopback says whether issuers on this very machine may be asked.
type Loopback bool

const (
	// LoopbackRefused is for everything but demonstrations and tests.
	LoopbackRefused Loopback = false
	// LoopbackAllowed also allows plain http, to loopback addresses only, and every port there.
	LoopbackAllowed Loopback = true
)

// Ports are numbers of ports, separated by commas, as ParsePorts gives them.
type Ports string

// DefaultPorts are those that issuers are found at: not the ones of databases, kubelets or API servers.
const DefaultPorts Ports = "443,8443"

// ParsePorts reads numbers of ports, separated by commas; at least one.
func ParsePorts(text string) (Ports, error) {
	var ports []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		number, err := strconv.ParseUint(part, 10, 16)
		if err != nil || strconv.FormatUint(number, 10) != part || number == 0 {
			return "", fmt.Errorf("reading ports: %q is not a number from 1 to 65535", part)
		}
		ports = append(ports, part)
	}
	if len(ports) == 0 {
		return "", errors.New("reading ports: none is named")
	}
	return Ports(strings.Join(ports, ",")), nil
}

func (p Ports) permit(port string) error {
	if slices.Contains(strings.Split(string(p), ","), port) {
		return nil
	}
	return fmt.Errorf("port %s is not one that keys are fetched from; --issuer-ports names them: %s: %w", port, p, ErrForbiddenTarget)
}

// dialControl is what net.Dialer asks before it connects.
type dialControl func(network, address string, conn syscall.RawConn) error

// dialControl is the one for a URL that is permitted.
func (r Reach) dialControl(url string) dialControl {
	if strings.HasPrefix(strings.ToLower(url), "https:") {
		return r.control
	}
	return r.controlPlain
}

// control is for net.Dialer: it sees the address after the name was resolved, for every attempt to connect, so that a name
// that resolves to an inside address, now or the next time, is refused too.
func (r Reach) control(_, address string, _ syscall.RawConn) error {
	ip, port, err := readAddress(address)
	if err != nil {
		return err
	}
	if ip.IsLoopback() && r.Loopback == LoopbackAllowed {
		return nil
	}
	if err := permit(ip); err != nil {
		return err
	}
	return r.Ports.permit(port)
}

// controlPlain is control for plain http: a host that is spelt as loopback must be just that.
func (r Reach) controlPlain(network, address string, conn syscall.RawConn) error {
	ip, _, err := readAddress(address)
	if err != nil {
		return err
	}
	if !ip.IsLoopback() {
		return fmt.Errorf("%s is no loopback address, and others are asked by https only: %w", ip, ErrForbiddenTarget)
	}
	return r.control(network, address, conn)
}

func readAddress(address string) (netip.Addr, string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return netip.Addr{}, "", fmt.Errorf("reading address %q: %w", address, err)
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}, "", fmt.Errorf("reading address %q: %w", address, err)
	}
	return reached(ip.WithZone("").Unmap()), port, nil
}

// nat64 is the well-known prefix of RFC 6052, through which machines without IPv4 reach IPv4.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// reached is where a packet to an address comes out.
func reached(ip netip.Addr) netip.Addr {
	if !nat64.Contains(ip) {
		return ip
	}
	raw := ip.As16()
	return netip.AddrFrom4([4]byte(raw[12:]))
}

// forbidden are the addresses that no issuer has, and that lead to what must not be asked. Private networks are not among
// them: many issuers are there.
var forbidden = []struct {
	prefix netip.Prefix
	are    string
}{
	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address (--issuer-allow-loopback permits it)"},
	{netip.MustParsePrefix("::1/128"), "a loopback address (--issuer-allow-loopback permits it)"},
	{netip.MustParsePrefix("0.0.0.0/8"), "an address of this network"},
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local address"},
	{netip.MustParsePrefix("fec0::/10"), "a site-local address"},
	{netip.MustParsePrefix("100.100.100.200/32"), "a cloud's metadata service"}, // Alibaba
	{netip.MustParsePrefix("168.63.129.16/32"), "a cloud's metadata service"},   // Azure
	{netip.MustParsePrefix("fd00:ec2::/32"), "a cloud's metadata service"},      // AWS
	{netip.MustParsePrefix("fd20:ce::/32"), "a cloud's metadata service"},       // Google
	{netip.MustParsePrefix("fd00:c1::/32"), "a cloud's metadata service"},       // Oracle
	{netip.MustParsePrefix("192.0.0.0/24"), "an address for protocols"},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"},
	{netip.MustParsePrefix("::/96"), "an address that embeds IPv4"},
	{netip.MustParsePrefix("::ffff:0:0:0/96"), "an address that embeds IPv4"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "an address that embeds IPv4"},
	{netip.MustParsePrefix("2001::/32"), "an address that embeds IPv4"},
	{netip.MustParsePrefix("2002::/16"), "an address that embeds IPv4"},
}

func permit(ip netip.Addr) error {
	for _, f := range forbidden {
		if f.prefix.Contains(ip) {
			return fmt.Errorf("%s is %s: %w", ip, f.are, ErrForbiddenTarget)
		}
	}
	return nil
}

// permitsURL holds a URL to https, or to http where the host is spelt as a loopback address and that is allowed.
func (r Reach) permitsURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return fmt.Errorf("reading URL %q: %w", cut(raw), errors.Unwrap(err))
	}
	switch {
	case u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("URL %q: want a host, and neither user nor fragment", cut(raw))
	case u.Scheme == "https", u.Scheme == "http" && bool(r.Loopback) && spelledLoopback(u.Hostname()):
		return nil
	default:
		return fmt.Errorf("URL %q: only https is allowed", cut(raw))
	}
}

func spelledLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// cut bounds what is quoted of what a server says.
func cut(text string) string {
	const most = 256
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
