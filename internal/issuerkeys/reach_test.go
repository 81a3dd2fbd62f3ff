// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package issuerkeys

import (
	"errors"
	"strings"
	"testing"
)

// Whatever name led there, an address is judged when it is dialled. THREATS 14
func TestAddresses(t *testing.T) {
	const permitted = ""
	cases := map[string]struct {
		address string
		want    string
	}{
		"an issuer on the internet":                       {"203.0.113.7:443", permitted},
		"on the internet by IPv6":                         {"[2606:4700::1]:443", permitted},
		"in a private network":                            {"10.96.0.10:8443", permitted},
		"in a private network by IPv6":                    {"[fd12:3456::1]:443", permitted},
		"on the internet, through NAT64":                  {"[64:ff9b::cb00:7107]:443", permitted},
		"loopback":                                        {"127.0.0.1:443", "127.0.0.1 is a loopback address (--issuer-allow-loopback permits it)"},
		"elsewhere in loopback":                           {"127.8.8.8:443", "is a loopback address"},
		"loopback by IPv6":                                {"[::1]:443", "is a loopback address"},
		"loopback, mapped into IPv6":                      {"[::ffff:127.0.0.1]:443", "127.0.0.1 is a loopback address"},
		"loopback, through NAT64":                         {"[64:ff9b::7f00:1]:443", "127.0.0.1 is a loopback address"},
		"this host, spelt as nothing":                     {"0.0.0.0:443", "0.0.0.0 is an address of this network"},
		"this host, by IPv6":                              {"[::]:443", "is an address that embeds IPv4"},
		"this network":                                    {"0.1.2.3:443", "is an address of this network"},
		"the metadata service of most clouds":             {"169.254.169.254:443", "169.254.169.254 is a link-local address"},
		"the same, mapped into IPv6":                      {"[::ffff:169.254.169.254]:443", "169.254.169.254 is a link-local address"},
		"the same, through NAT64":                         {"[64:ff9b::a9fe:a9fe]:443", "169.254.169.254 is a link-local address"},
		"the same, through a local NAT64":                 {"[64:ff9b:1::a9fe:a9fe]:443", "is an address that embeds IPv4"},
		"the same, through 6to4":                          {"[2002:a9fe:a9fe::1]:443", "is an address that embeds IPv4"},
		"the same, through Teredo":                        {"[2001::5601:5601]:443", "is an address that embeds IPv4"},
		"the same, as IPv6 that is compatible with IPv4":  {"[::a9fe:a9fe]:443", "is an address that embeds IPv4"},
		"the same, translated without state":              {"[::ffff:0:a9fe:a9fe]:443", "is an address that embeds IPv4"},
		"link-local by IPv6, with its zone":               {"[fe80::1%eth0]:443", "is a link-local address"},
		"site-local":                                      {"[fec0::1]:443", "is a site-local address"},
		"the metadata service of AWS by IPv6":             {"[fd00:ec2::254]:443", "is a cloud's metadata service"},
		"the metadata service of GCP by IPv6":             {"[fd20:ce::254]:443", "is a cloud's metadata service"},
		"the metadata service of Oracle by IPv6":          {"[fd00:c1::a9fe:a9fe]:443", "is a cloud's metadata service"},
		"the metadata service of Alibaba":                 {"100.100.100.200:443", "is a cloud's metadata service"},
		"the wire server of Azure":                        {"168.63.129.16:443", "is a cloud's metadata service"},
		"the metadata service of Oracle's older machines": {"192.0.0.192:443", "is an address for protocols"},
		"multicast":                                       {"224.0.0.1:443", "is a multicast address"},
		"multicast by IPv6":                               {"[ff02::1]:443", "is a multicast address"},
		"broadcast":                                       {"255.255.255.255:443", "is a reserved address"},
		"a port of something else":                        {"203.0.113.7:6443", "port 6443 is not one that keys are fetched from; --issuer-ports names them: 443,8443"},
		"a port of something else, through NAT64":         {"[64:ff9b::cb00:7107]:22", "port 22 is not one"},
		"an address that is none":                         {"idp.example:443", "reading address"},
		"an address without a port":                       {"203.0.113.7", "reading address"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := Reach{Ports: DefaultPorts}.control("tcp", c.address, nil)
			if c.want == permitted {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestLoopbackWhereItIsAllowed(t *testing.T) {
	reach := Reach{Loopback: LoopbackAllowed, Ports: DefaultPorts}
	for _, address := range []string{"127.0.0.1:34567", "[::1]:1", "[::ffff:127.0.0.1]:80"} {
		if err := reach.control("tcp", address, nil); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := reach.control("tcp", "169.254.169.254:80", nil); !errors.Is(err, ErrForbiddenTarget) {
		t.Errorf("the metadata service: %v", err)
	}
	if err := reach.controlPlain("tcp", "127.0.0.1:34567", nil); err != nil {
		t.Errorf("plain http to loopback: %v", err)
	}
	if err := reach.controlPlain("tcp", "203.0.113.7:443", nil); !errors.Is(err, ErrForbiddenTarget) {
		t.Errorf("plain http to where localhost does not lead: %v", err)
	}
	for _, url := range []string{"http://localhost:1/", "http://127.0.0.1/"} {
		if err := reach.dialControl(url)("tcp", "203.0.113.7:443", nil); !errors.Is(err, ErrForbiddenTarget) {
			t.Errorf("%s: %v", url, err)
		}
	}
	if err := reach.dialControl("HTTPS://idp.example/")("tcp", "203.0.113.7:443", nil); err != nil {
		t.Errorf("https, spelt in capitals: %v", err)
	}
	if err := (Reach{}).control("tcp", "203.0.113.7:443", nil); !errors.Is(err, ErrForbiddenTarget) {
		t.Errorf("without any port named: %v", err)
	}
}

func TestParsePorts(t *testing.T) {
	for text, want := range map[string]Ports{"443": "443", "443, 8443,": "443,8443", "65535,1": "65535,1"} {
		if got, err := ParsePorts(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", ",", "https", "0", "65536", "-1", "443-450", "0443"} {
		if got, err := ParsePorts(text); err == nil {
			t.Errorf("%q was taken for %q", text, got)
		}
	}
}
