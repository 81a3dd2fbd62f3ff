// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package manager puts the manager together: what every replica does (compile, sign, distribute, admit) and what the leader
// alone does (write status).
package manager

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"

	"behalf.dev/behalf/controllers/bundle"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/issuerkeys"
	"behalf.dev/behalf/internal/upkeep"
	"behalf.dev/behalf/webhook"
)

// Off switches an address off; so does "0", as controller-runtime spells it.
const Off = "off"

func off(address string) bool { return address == Off || address == "0" }

// leaderLease is the name of the Lease by which replicas agree on a leader.
const leaderLease = "behalf-manager"

// Election says whether replicas agree on a leader.
type Election string

const (
	// ElectionOn is for everything but a single process that nobody else stands in for.
	ElectionOn Election = "On"
	// ElectionOff makes this replica write status without asking.
	ElectionOff Election = "Off"
)

// Options of a manager.
type Options struct {
	// Namespace of the manager itself: of its Secrets, ConfigMaps and leader lease.
	Namespace string
	// DistributionAddress is where authorizers connect to.
	DistributionAddress string
	// AdvertiseAddress is where other replicas reach this one, host:port; where empty, an address of this machine with the
	// port of DistributionAddress.
	AdvertiseAddress string
	// WebhookAddress is where the API server connects to, host:port; Off for none.
	WebhookAddress string
	// HealthAddress serves /healthz and /readyz over plain http; Off for none.
	HealthAddress string
	// MetricsAddress serves /metrics over plain http; Off for none.
	MetricsAddress string
	// AdmissionObjects says who looks after the webhook configurations and admission policies.
	AdmissionObjects upkeep.Mode
	// WebhookService, in Namespace, is what the API server asks; WebhookURL takes its place outside the cluster.
	WebhookService, WebhookURL string
	// ServingNames are the DNS names and IP addresses of the serving certificate.
	ServingNames []string
	// ServingCertFile, ServingKeyFile and ServingCAFile are a serving certificate that somebody else makes and renews, its key
	// and its authorities; the manager makes its own where they are empty.
	ServingCertFile, ServingKeyFile, ServingCAFile string
	// InjectCAFrom is the Certificate of cert-manager, namespace/name, whose authority cert-manager writes into the webhooks;
	// the manager does where it is empty.
	InjectCAFrom string
	// Authorizers are the service accounts of the authorizers that may see everything.
	Authorizers []authz.Actor
	// Lease is for how long a bundle may be served without being renewed.
	Lease time.Duration
	// SigningKeyPeriod is for how long a key signs bundles before another takes its place; for ever where zero.
	SigningKeyPeriod time.Duration
	// SigningKeyPropagation is for how long authorizers can know a key before anything is signed with it.
	SigningKeyPropagation time.Duration
	// ExchangeAudience is the audience of the tokens that the exchange takes from actors.
	ExchangeAudience string
	// Reach says where issuers may be asked for keys.
	Reach issuerkeys.Reach
	// KeysMaxAge is for how long keys of an issuer serve that cannot be fetched again.
	KeysMaxAge time.Duration
	Election   Election
	Log        logr.Logger
}

// Defaults of what a flag may leave out.
const (
	DefaultNamespace           = webhook.DefaultNamespace
	DefaultDistributionAddress = ":9444"
	DefaultWebhookAddress      = ":9443"
	DefaultHealthAddress       = ":8081"
	DefaultMetricsAddress      = ":8080"
	DefaultExchangeAudience    = webhook.DefaultExchangeAudience
	DefaultWebhookService      = webhook.DefaultService
)

// Validate says what is missing or wrong, all of it at once.
func (o Options) Validate() error {
	var errs []error
	if o.Namespace == "" {
		errs = append(errs, errors.New("--namespace: name the manager's own namespace"))
	}
	if len(o.ServingNames) == 0 || slices.Contains(o.ServingNames, "") {
		errs = append(errs, errors.New("--serving-names: give the DNS names and IP addresses under which the manager is reached"))
	}
	if o.Lease < bundle.MinLease {
		errs = append(errs, fmt.Errorf("--lease: %s is too short to be renewed in time; %s is the least", o.Lease, bundle.MinLease))
	}
	errs = append(errs, o.rotation().Validate())
	if o.Reach.Ports == "" {
		errs = append(errs, errors.New("--issuer-ports: name at least one port, such as 443"))
	}
	if o.KeysMaxAge < issuerkeys.MinMaxAge {
		errs = append(errs, fmt.Errorf("--issuer-keys-max-age: %s is too short for keys to be fetched again; %s is the least", o.KeysMaxAge, issuerkeys.MinMaxAge))
	}
	if o.ExchangeAudience == "" {
		errs = append(errs, errors.New("--exchange-audience: must not be empty"))
	}
	errs = append(errs, o.validateWebhook(), o.validateFiles(), address("--distribution-address", o.DistributionAddress), advertised(o.AdvertiseAddress))
	for flag, value := range map[string]string{
		"--webhook-address": o.WebhookAddress, "--health-address": o.HealthAddress, "--metrics-address": o.MetricsAddress,
	} {
		if !off(value) {
			errs = append(errs, address(flag, value))
		}
	}
	return errors.Join(errs...)
}

func (o Options) validateWebhook() error {
	var errs []error
	if o.AdmissionObjects != upkeep.Managed && o.AdmissionObjects != upkeep.Unmanaged {
		errs = append(errs, fmt.Errorf("--admission-objects: %q is neither %s nor %s", o.AdmissionObjects, upkeep.Managed, upkeep.Unmanaged))
	}
	if o.WebhookService == "" {
		errs = append(errs, errors.New("--webhook-service: name the Service that the API server asks"))
	}
	if o.WebhookURL != "" {
		if u, err := url.Parse(o.WebhookURL); err != nil || u.Host == "" || o.WebhookURL != "https://"+u.Host {
			errs = append(errs, fmt.Errorf("--webhook-url: %q is not https://host:port", o.WebhookURL))
		}
	}
	return errors.Join(errs...)
}

func (o Options) validateFiles() error {
	var errs []error
	if given := o.ServingCertFile + o.ServingKeyFile + o.ServingCAFile; given != "" &&
		(o.ServingCertFile == "" || o.ServingKeyFile == "" || o.ServingCAFile == "") {
		errs = append(errs, errors.New("--serving-cert-file, --serving-key-file and --serving-ca-file: give all three, or none"))
	}
	if o.InjectCAFrom != "" {
		if namespace, name, ok := strings.Cut(o.InjectCAFrom, "/"); !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
			errs = append(errs, fmt.Errorf("--inject-ca-from: %q is not namespace/name of a Certificate", o.InjectCAFrom))
		}
		if o.ServingCertFile == "" {
			errs = append(errs, errors.New("--inject-ca-from: the authority of a certificate that the manager makes itself is in no Certificate; give --serving-cert-file"))
		}
	}
	return errors.Join(errs...)
}

func (o Options) rotation() bundle.Rotation {
	return bundle.Rotation{Period: o.SigningKeyPeriod, Propagation: o.SigningKeyPropagation, Lease: o.Lease}
}

func address(flag, value string) error {
	if _, _, err := net.SplitHostPort(value); err != nil {
		return fmt.Errorf("%s: %q is not host:port", flag, value)
	}
	return nil
}

// ParseAuthorizers reads service accounts, namespace/serviceaccount, separated by commas.
func ParseAuthorizers(list string) ([]authz.Actor, error) {
	var accounts []authz.Actor
	for part := range strings.SplitSeq(list, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		account, err := authz.ParseActor(part)
		if err != nil {
			return nil, fmt.Errorf("reading authorizers: %w", err)
		}
		accounts = append(accounts, account)
	}
	return accounts, nil
}
