// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/issuerkeys"
	"behalf.dev/behalf/internal/manager"
	"behalf.dev/behalf/internal/upkeep"
)

func TestParse(t *testing.T) {
	o, l, err := parse([]string{
		"--serving-names=localhost,127.0.0.1", "--authorizers=gate/a,gate/b", "--lease=20s", "--issuer-allow-loopback",
		"--metrics-address=0", "--leader-elect=false", "--log-level=debug", "--advertise-address=manager-0.manager:9444",
		"--admission-objects=Unmanaged", "--webhook-service=gate", "--webhook-url=https://192.0.2.1:9443",
		"--serving-cert-file=tls.crt", "--serving-key-file=tls.key", "--serving-ca-file=ca.crt", "--inject-ca-from=behalf-system/behalf-serving",
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := []authz.Actor{{Namespace: "gate", ServiceAccount: "a"}, {Namespace: "gate", ServiceAccount: "b"}}
	if !slices.Equal(o.ServingNames, []string{"localhost", "127.0.0.1"}) || !slices.Equal(o.Authorizers, want) ||
		o.Lease != 20*time.Second || o.Reach.Loopback != issuerkeys.LoopbackAllowed || o.Election != manager.ElectionOff || l.level != "debug" ||
		o.AdvertiseAddress != "manager-0.manager:9444" || o.AdmissionObjects != upkeep.Unmanaged || o.WebhookService != "gate" || o.WebhookURL != "https://192.0.2.1:9443" ||
		o.ServingCertFile != "tls.crt" || o.ServingKeyFile != "tls.key" || o.ServingCAFile != "ca.crt" || o.InjectCAFrom != "behalf-system/behalf-serving" {
		t.Errorf("got %+v, %+v", o, l)
	}
	o, _, err = parse([]string{"--serving-names=x"}, io.Discard)
	if err != nil || o.Reach.Loopback != issuerkeys.LoopbackRefused || o.Election != manager.ElectionOn || o.Lease != time.Hour ||
		o.Namespace != "behalf-system" || o.ExchangeAudience != "behalf-exchange" || o.KeysMaxAge != 24*time.Hour ||
		o.AdmissionObjects != upkeep.Managed || o.WebhookService != "behalf-manager" || o.WebhookURL != "" || o.ServingCertFile != "" || o.InjectCAFrom != "" ||
		o.Reach.Ports != "443,8443" || o.SigningKeyPeriod != 90*24*time.Hour || o.SigningKeyPropagation != 10*time.Minute {
		t.Errorf("defaults: got %+v, %v", o, err)
	}
}

func TestFlagsThatMakeNoSense(t *testing.T) {
	cases := map[string]struct {
		args []string
		want string
		code int
	}{
		"help":                       {args: []string{"--help"}, want: "-distribution-address", code: 0},
		"nothing to serve under":     {args: nil, want: "--serving-names", code: 2},
		"an unknown flag":            {args: []string{"--nope"}, want: "-nope", code: 2},
		"an argument":                {args: []string{"--serving-names=x", "y"}, want: `unexpected argument "y"`, code: 2},
		"an authorizer without name": {args: []string{"--serving-names=x", "--authorizers=y"}, want: "--authorizers: reading authorizers", code: 2},
		"an unknown level":           {args: []string{"--serving-names=x", "--log-level=loud"}, want: "--log-level", code: 2},
		"a port that is none":        {args: []string{"--serving-names=x", "--issuer-ports=https"}, want: `--issuer-ports: reading ports: "https" is not a number`, code: 2},
		"keys that follow too fast":  {args: []string{"--serving-names=x", "--signing-key-period=1m"}, want: "--signing-key-period", code: 2},
		"objects of nobody":          {args: []string{"--serving-names=x", "--admission-objects=no"}, want: "--admission-objects", code: 2},
		"a lease too short":          {args: []string{"--serving-names=x", "--lease=1s"}, want: "--lease", code: 2},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var stderr strings.Builder
			if code := run(t.Context(), c.args, &stderr); code != c.code || !strings.Contains(stderr.String(), c.want) {
				t.Errorf("exit %d, said %q", code, stderr.String())
			}
		})
	}
}
