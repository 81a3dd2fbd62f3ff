// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package scenes

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/test/stack"
)

// Report errs unless the status of what config/samples declares says which declared scopes have no effect, and why.
func Report(ctx context.Context, on *Stage) error {
	for key, want := range map[client.ObjectKey][]v1alpha1.ExcessScope{
		{Namespace: "billing", Name: "invoices"}: nil,
		{Namespace: "support", Name: "portal"}:   {{Audience: tickets, Scope: "tickets:comment", Reason: "Forbidden"}},
		{Namespace: "sales", Name: "copilot"}:    {{Audience: crm, Scope: "crm:export", Reason: "ScopeUnknown"}},
		{Namespace: "shop", Name: "chat"}:        {{Audience: ledger, Scope: "ledger:read", Reason: "ActorNotAllowed"}},
	} {
		if err := reportsExcess(ctx, on, key, want); err != nil {
			return err
		}
	}
	return nil
}

func reportsExcess(ctx context.Context, on *Stage, key client.ObjectKey, want []v1alpha1.ExcessScope) error {
	delegation := &v1alpha1.ServiceDelegation{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	within := metav1.ConditionTrue
	if len(want) > 0 {
		within = metav1.ConditionFalse
	}
	if err := on.AwaitCondition(ctx, delegation, v1alpha1.ConditionWithinPolicy, within); err != nil {
		return err
	}
	if err := on.Admin.Get(ctx, key, delegation); err != nil {
		return fmt.Errorf("reading ServiceDelegation %s: %w", key, err)
	}
	var got []v1alpha1.ExcessScope
	for _, excess := range delegation.Status.Excess {
		if excess.Message == "" {
			return fmt.Errorf("ServiceDelegation %s: status.excess has no message for %s", key, excess.Scope)
		}
		got = append(got, v1alpha1.ExcessScope{Audience: excess.Audience, Scope: excess.Scope, Reason: excess.Reason})
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("ServiceDelegation %s: status.excess is %+v, expected %+v", key, got, want)
	}
	return nil
}

// AllowCommentsAgain takes back the change of the scene about a policy change, and waits until that is enforced.
func AllowCommentsAgain(ctx context.Context, on *Stage) error {
	security, err := on.As(stack.Security)
	if err != nil {
		return err
	}
	forbid := &v1alpha1.DelegationPolicy{ObjectMeta: metav1.ObjectMeta{Name: forbidComments}}
	if err := security.Delete(ctx, forbid); err != nil {
		return fmt.Errorf("deleting DelegationPolicy %s: %w", forbidComments, err)
	}
	comment := portal("the portal comments again", "alice", http.MethodPost, "/customers/alice/tickets/42/comments")
	comment.Session = "session-after"
	return on.awaitAnswer(ctx, comment, allowed)
}
