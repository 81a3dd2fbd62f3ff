// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Command manager compiles policy, distributes it to authorizers, admits workloads and writes status.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/client/config"

	"behalf.dev/behalf/controllers/bundle"
	"behalf.dev/behalf/internal/issuerkeys"
	"behalf.dev/behalf/internal/manager"
	"behalf.dev/behalf/internal/upkeep"
)

func main() {
	os.Exit(run(ctrl.SetupSignalHandler(), os.Args[1:], os.Stderr))
}

// run gives the exit code: 0 after an orderly end, 1 after a failure, 2 for flags that make no sense.
func run(ctx context.Context, args []string, stderr io.Writer) int {
	options, logging, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "manager:", err)
		return 2
	}
	log, err := logging.logger()
	if err != nil {
		fmt.Fprintln(stderr, "manager:", err)
		return 2
	}
	options.Log = zapr.NewLogger(log)
	ctrl.SetLogger(options.Log)
	klog.SetLogger(options.Log) // client-go's own words, in our form
	if err := start(ctx, options); err != nil {
		options.Log.Error(err, "the manager ends")
		return 1
	}
	return 0
}

func start(ctx context.Context, options manager.Options) error {
	config, err := ctrlconfig.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the API server: %w", err)
	}
	m, err := manager.New(config, options)
	if err != nil {
		return err
	}
	return m.Start(ctx)
}

// logging is how to log.
type logging struct {
	level  string
	format string
}

func (l logging) logger() (*zap.Logger, error) {
	config := zap.NewProductionConfig()
	if l.format == "console" {
		config.Encoding, config.EncoderConfig = "console", zap.NewDevelopmentEncoderConfig()
	}
	config.EncoderConfig.EncodeTime = zapcore.ISO8601TimeEncoder
	level, err := zapcore.ParseLevel(l.level)
	if err != nil {
		return nil, fmt.Errorf("--log-level: %w", err)
	}
	config.Level = zap.NewAtomicLevelAt(level)
	config.Sampling = nil // what is logged here is rare, and each line counts
	return config.Build()
}

// parse reads the flags.
func parse(args []string, stderr io.Writer) (manager.Options, logging, error) {
	var (
		o                         manager.Options
		l                         logging
		authorizers, servingNames string
		issuerPorts               string
		elect, loopback           bool
	)
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	flags.SetOutput(stderr)
	ctrlconfig.RegisterFlags(flags)
	flags.StringVar(&o.Namespace, "namespace", manager.DefaultNamespace, "the manager's own namespace")
	flags.StringVar(&o.DistributionAddress, "distribution-address", manager.DefaultDistributionAddress, "where authorizers connect to")
	flags.StringVar(&o.AdvertiseAddress, "advertise-address", "", "host:port under which other replicas reach --distribution-address; an address of this machine where empty")
	flags.StringVar(&o.WebhookAddress, "webhook-address", manager.DefaultWebhookAddress, "where the API server's admission requests go; off for none")
	flags.StringVar((*string)(&o.AdmissionObjects), "admission-objects", string(upkeep.Managed), "Managed: create and restore Behalf's webhook configurations and admission policies; Unmanaged: leave them to somebody else")
	flags.StringVar(&o.WebhookService, "webhook-service", manager.DefaultWebhookService, "Service in --namespace that the API server's admission requests go to")
	flags.StringVar(&o.WebhookURL, "webhook-url", "", "https://host:port that they go to in place of --webhook-service, where the manager runs beside the cluster")
	flags.StringVar(&o.HealthAddress, "health-address", manager.DefaultHealthAddress, "where /healthz and /readyz are served over http; off for none")
	flags.StringVar(&o.MetricsAddress, "metrics-address", manager.DefaultMetricsAddress, "where /metrics is served over http; off for none")
	flags.StringVar(&servingNames, "serving-names", "", "DNS names and IP addresses under which the manager is reached, separated by commas")
	flags.StringVar(&o.ServingCertFile, "serving-cert-file", "", "serving certificate that somebody else makes and renews, such as cert-manager; read anew when it changes; the manager makes its own where empty")
	flags.StringVar(&o.ServingKeyFile, "serving-key-file", "", "key of --serving-cert-file")
	flags.StringVar(&o.ServingCAFile, "serving-ca-file", "", "authorities that vouch for --serving-cert-file")
	flags.StringVar(&o.InjectCAFrom, "inject-ca-from", "", "cert-manager's Certificate, namespace/name, whose authority cert-manager writes into the webhook configurations; the manager does where empty")
	flags.StringVar(&authorizers, "authorizers", "", "service accounts of authorizers that may see every resource server: namespace/name, separated by commas")
	flags.DurationVar(&o.Lease, "lease", bundle.DefaultLease, "for how long authorizers may serve a bundle that is not renewed")
	flags.DurationVar(&o.SigningKeyPeriod, "signing-key-period", bundle.DefaultKeyPeriod, "for how long a key signs bundles before another takes its place; 0 for ever")
	flags.DurationVar(&o.SigningKeyPropagation, "signing-key-propagation", bundle.DefaultKeyPropagation, "for how long the next key is published before it signs, so that every authorizer's copy of the keys has it by then")
	flags.StringVar(&o.ExchangeAudience, "exchange-audience", manager.DefaultExchangeAudience, "audience of the service account tokens that the exchange takes")
	flags.BoolVar(&loopback, "issuer-allow-loopback", false, "allow issuers on this machine, over http too; for demonstrations")
	flags.StringVar(&issuerPorts, "issuer-ports", string(issuerkeys.DefaultPorts), "ports that issuers' keys may be fetched from, separated by commas")
	flags.DurationVar(&o.KeysMaxAge, "issuer-keys-max-age", issuerkeys.DefaultMaxAge, "for how long keys of an issuer serve that cannot be fetched again")
	flags.BoolVar(&elect, "leader-elect", true, "agree with other replicas on which one writes status")
	flags.StringVar(&l.level, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&l.format, "log-format", "json", "json or console")
	if err := flags.Parse(args); err != nil {
		return o, l, err
	}
	if flags.NArg() > 0 {
		return o, l, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	var err error
	if o.Authorizers, err = manager.ParseAuthorizers(authorizers); err != nil {
		return o, l, fmt.Errorf("--authorizers: %w", err)
	}
	if servingNames != "" {
		o.ServingNames = strings.Split(servingNames, ",")
	}
	o.Reach.Loopback = issuerkeys.Loopback(loopback)
	if o.Reach.Ports, err = issuerkeys.ParsePorts(issuerPorts); err != nil {
		return o, l, fmt.Errorf("--issuer-ports: %w", err)
	}
	o.Election = manager.ElectionOff
	if elect {
		o.Election = manager.ElectionOn
	}
	return o, l, o.Validate()
}
