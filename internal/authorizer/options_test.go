// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authorizer_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap/zapcore"

	"behalf.dev/behalf/internal/authorizer"
	"behalf.dev/behalf/internal/authz"
)

var needed = []string{"--manager-address=m:9443", "--manager-ca-file=ca.crt", "--token-file=token", "--bundle-keys-file=keys", "--node-id=pod-1"}

func TestOptionsAreReadFromTheCommandLine(t *testing.T) {
	got, err := authorizer.ParseOptions(append([]string{
		"--authzen-address=:1", "--authzen-peers=edge/gateway, edge/other", "--authzen-url=https://pdp.example",
		"--tls-cert-file=c", "--tls-key-file=k", "--decision-log=-", "--log-level=debug", "--manager-server-name=n", "--state-dir=s",
	}, needed...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := authorizer.Options{
		ManagerAddress: "m:9443", ManagerCAFile: "ca.crt", ManagerServerName: "n", TokenFile: "token", BundleKeysFile: "keys", NodeID: "pod-1", StateDir: "s",
		ExtAuthzAddress: ":9191", AuthZENAddress: ":1", AuthZENURL: "https://pdp.example",
		AuthZENPeers:  []authz.Actor{{Namespace: "edge", ServiceAccount: "gateway"}, {Namespace: "edge", ServiceAccount: "other"}},
		HealthAddress: ":9190", TLSCertFile: "c", TLSKeyFile: "k", DecisionLog: "-", LogLevel: zapcore.DebugLevel,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("options (-want +got):\n" + diff)
	}
}

func TestACommandLineThatCannotWorkIsRefusedWithTheRemedy(t *testing.T) {
	without := func(flag string) []string {
		var rest []string
		for _, argument := range needed {
			if !strings.HasPrefix(argument, flag+"=") {
				rest = append(rest, argument)
			}
		}
		return rest
	}
	with := func(arguments ...string) []string { return append(arguments, needed...) }
	for name, test := range map[string]struct {
		arguments []string
		want      []string
	}{
		"no manager":                  {without("--manager-address"), []string{"--manager-address is not set: give host:port"}},
		"no authority":                {without("--manager-ca-file"), []string{"--manager-ca-file is not set: mount"}},
		"no token":                    {without("--token-file"), []string{"--token-file is not set: mount a projected service account token with the audience behalf-distribution"}},
		"no bundle keys":              {without("--bundle-keys-file"), []string{"--bundle-keys-file is not set: mount"}},
		"nothing at all":              {nil, []string{"--manager-address", "--manager-ca-file", "--token-file", "--bundle-keys-file"}},
		"nobody who could ask":        {with("--extauthz-address="), []string{"--extauthz-address and --authzen-address are both empty"}},
		"AuthZEN without peers":       {with("--authzen-address=:1"), []string{"--authzen-peers is not set: name the service accounts"}},
		"a peer that is no name":      {with("--authzen-peers=gateway"), []string{"want namespace/serviceaccount"}},
		"half a certificate":          {with("--tls-cert-file=c"), []string{"--tls-cert-file and --tls-key-file go together"}},
		"no health address":           {with("--health-address="), []string{"--health-address is empty"}},
		"an unknown flag":             {with("--managers=x"), []string{"managers"}},
		"an unknown level":            {with("--log-level=loud"), []string{"log-level"}},
		"an argument that is no flag": {append(with(), "serve"), []string{`argument "serve" is not understood`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := authorizer.ParseOptions(test.arguments, io.Discard)
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	var help bytes.Buffer
	if _, err := authorizer.ParseOptions([]string{"--help"}, &help); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("error = %v, want %v", err, flag.ErrHelp)
	}
	for _, name := range []string{"manager-address", "bundle-keys-file", "authzen-peers", "decision-log"} {
		if !strings.Contains(help.String(), "-"+name) {
			t.Errorf("help does not name --%s:\n%s", name, help.String())
		}
	}
}
