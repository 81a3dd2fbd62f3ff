// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// DefaultExchangeAudience is the exchange's audience as config/webhook/manifests.yaml has it in its match conditions. For
// another, Configurations puts that in its place.
const DefaultExchangeAudience = "behalf-exchange"

// The paths on the webhook server, which config/webhook/manifests.yaml names.
const (
	PathWorkloads     = "/validate-workloads"
	PathTokens        = "/validate-tokens"
	PathObjects       = "/validate-objects"
	PathGrants        = "/validate-delegationgrants"
	PathGrantApprover = "/mutate-delegationgrants"
)

// patience is how long an answer may take. It is less than timeoutSeconds in config/webhook/manifests.yaml, so that whoever
// waited learns what was waited for.
const patience = 4 * time.Second

// Options of Setup.
type Options struct {
	// ExchangeAudience is the audience of the tokens that the exchange takes from actors: a pod that mounts one asks for
	// delegation. Required.
	ExchangeAudience string
	// Others know all objects that there are, to warn of what those make of one that is applied. Required.
	Others Others
	// Answers counts what is answered. Required.
	Answers *Answers
}

// What the webhooks read, most of it from the caches that the controllers fill.
//
// +kubebuilder:rbac:groups=behalf.dev,resources=resourceservers;delegationpolicies;servicedelegations;trustedissuers,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=pods,verbs=get

// Setup registers the webhooks on the manager's webhook server, and the index that they read by. Whatever cannot be
// answered is denied: before the caches are in sync, after an error, a panic or too long a time.
func Setup(mgr ctrl.Manager, options Options) error {
	if options.ExchangeAudience == "" {
		return errors.New("setting up webhooks: the exchange's audience is not set")
	}
	if options.Others == nil {
		return errors.New("setting up webhooks: nobody is named who compiles the other objects")
	}
	if options.Answers == nil {
		return errors.New("setting up webhooks: nobody is named who counts the answers")
	}
	cached, live := mgr.GetClient(), mgr.GetAPIReader()
	known, err := newCachedDelegations(mgr.GetCache())
	if err != nil {
		return err
	}
	judge := judge{
		exchangeAudience: options.ExchangeAudience,
		cached:           known,
		live:             liveDelegations{live},
	}
	for path, hook := range map[string]struct {
		name    string // in metrics
		handler admission.Handler
	}{
		PathWorkloads:     {"workloads", &workloads{judge}},
		PathTokens:        {"tokens", &tokens{judge: judge, pods: live}},
		PathObjects:       {"objects", &objects{reader: cached, others: options.Others, clock: time.Now}},
		PathGrants:        {"grants", &grantChecker{approvers: approvers{cached}}},
		PathGrantApprover: {"grant_approver", &grantStamper{approvers: approvers{cached}}},
	} {
		mgr.GetWebhookServer().Register(path, newReviewEndpoint(hook.handler, options.Answers.of(hook.name)))
	}
	return nil
}

// patient gives a handler a limited time.
type patient struct{ handler admission.Handler }

// Handle asks the handler.
func (p patient) Handle(ctx context.Context, req admission.Request) admission.Response {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return p.handler.Handle(ctx, req)
}
