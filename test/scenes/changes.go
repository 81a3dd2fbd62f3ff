// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package scenes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/test/stack"
)

func workflowPays(title, invoice string) stack.Question {
	return stack.Question{
		Title: title, Subject: "fred", Actor: "finance/workflow", Audience: payments, Scope: "payments:execute",
		Resource: stack.Resource{Type: "invoice", ID: invoice},
	}
}

var payment = Scene{
	Title: "A payment that needs a grant for that invoice",
	Story: "Fred in finance starts a payment. The workflow must hold a second person's approval for exactly this invoice.",
	Questions: []Asked{
		{workflowPays("the workflow pays inv-7 without approval", "inv-7"), denied("grant", "grant_required")},
	},
	Then: func(ctx context.Context, on *Stage) error {
		grant, err := requestGrant(ctx, on)
		if err != nil {
			return err
		}
		if err := approve(ctx, on, grant); err != nil {
			return err
		}
		if err := on.Ask(ctx, workflowPays("the workflow pays inv-7, approved", "inv-7"), allowed); err != nil {
			return err
		}
		return on.Ask(ctx, workflowPays("the workflow pays inv-8 with the approval for inv-7", "inv-8"), denied("grant", "grant_mismatch"))
	},
}

func requestGrant(ctx context.Context, on *Stage) (*v1alpha1.DelegationGrant, error) {
	team := stack.Team("finance")
	c, err := on.As(team)
	if err != nil {
		return nil, err
	}
	grant := &v1alpha1.DelegationGrant{
		ObjectMeta: metav1.ObjectMeta{Namespace: "finance", GenerateName: "pay-inv-7-"},
		Spec: v1alpha1.DelegationGrantSpec{
			Subject:  v1alpha1.SubjectReference{Issuer: "corp", ID: "fred"},
			Actor:    v1alpha1.ServiceAccountReference{Namespace: "finance", ServiceAccount: "workflow"},
			Audience: payments,
			Scopes:   []v1alpha1.ScopeName{"payments:execute"},
			Resource: &v1alpha1.GrantResource{Type: "invoice", ID: "inv-7"},
			NotAfter: metav1.NewTime(time.Now().Add(30 * time.Minute).Truncate(time.Second)),
		},
	}
	if err := c.Create(ctx, grant); err != nil {
		return nil, fmt.Errorf("requesting a grant: %w", err)
	}
	on.Audience.Did(team.Username, "requests DelegationGrant "+grant.Name, "state Requested")
	return grant, selfApprovalRefused(ctx, on, c, grant)
}

// selfApprovalRefused has the requesting team try what only an approver may.
func selfApprovalRefused(ctx context.Context, on *Stage, c client.Client, grant *v1alpha1.DelegationGrant) error {
	mine := grant.DeepCopy()
	mine.Spec.State = v1alpha1.GrantApproved
	return on.refused(stack.Team("finance"), "approves it", c.Update(ctx, mine))
}

func approve(ctx context.Context, on *Stage, grant *v1alpha1.DelegationGrant) error {
	c, err := on.As(stack.Approver)
	if err != nil {
		return err
	}
	patch := client.MergeFrom(grant.DeepCopy())
	grant.Spec.State = v1alpha1.GrantApproved
	grant.Spec.Approver = &v1alpha1.Approver{Username: "somebody-else@example.com"}
	began := time.Now()
	if err := c.Patch(ctx, grant, patch); err != nil {
		return fmt.Errorf("approving the grant: %w", err)
	}
	if grant.Spec.Approver == nil || string(grant.Spec.Approver.Username) != stack.Approver.Username {
		return fmt.Errorf("the approver was not stamped from the request: %+v", grant.Spec.Approver)
	}
	on.Audience.Did(stack.Approver.Username, "approves it", "approver stamped from the request, whatever the object said")
	if err := on.AwaitEnforced(ctx, grant); err != nil {
		return err
	}
	on.Audience.Measured("from the approval until Enforced=True", time.Since(began))
	return nil
}

var refusedDeployment = Scene{
	Title: "A Deployment refused by the webhook",
	Story: "A workload says in an annotation which scopes it will use. One that asks for more than its service account declared never starts.",
	Then: func(ctx context.Context, on *Stage) error {
		team := stack.Team("support")
		c, err := on.As(team)
		if err != nil {
			return err
		}
		const apply = "applies Deployment portal with behalf.dev/scopes: "
		within, beyond := tickets+"#tickets:read", tickets+"#tickets:delete"
		if err := client.IgnoreAlreadyExists(c.Create(ctx, deployment("portal", within))); err != nil {
			return fmt.Errorf("a Deployment within its bounds was refused: %w", err)
		}
		on.Audience.Did(team.Username, apply+within, "created")
		return on.refused(team, apply+beyond, c.Create(ctx, deployment("portal-greedy", beyond)),
			"tickets:delete", tickets, "support/portal", "ServiceDelegation")
	},
}

func deployment(name, scopes string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: name},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: map[string]string{"behalf.dev/scopes": scopes}},
				Spec: corev1.PodSpec{
					ServiceAccountName: "portal",
					Containers:         []corev1.Container{{Name: "portal", Image: "registry.example/portal:1"}},
				},
			},
		},
	}
}

// forbidComments is the name of the policy of the scene below.
const forbidComments = "no-comments-through-the-portal"

var policyChange = Scene{
	Title: "A policy change, enforced on both authorizers",
	Story: "Security forbids comments through the portal for everybody. Enforced=True means that every authorizer has it.",
	Then: func(ctx context.Context, on *Stage) error {
		comment := portal("the portal comments on Alice's ticket for her", "alice", http.MethodPost, "/customers/alice/tickets/42/comments")
		if err := on.Ask(ctx, comment, allowed); err != nil {
			return err
		}
		forbid := &v1alpha1.DelegationPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: forbidComments},
			Spec: v1alpha1.DelegationPolicySpec{
				Effect:    v1alpha1.EffectForbid,
				Actors:    []v1alpha1.ActorSelector{{Namespace: "support", ServiceAccount: "portal"}},
				Subjects:  []v1alpha1.SubjectSelector{{Issuer: "corp", All: new(true)}},
				Audiences: []v1alpha1.AudienceScopePatterns{{Audience: tickets, Scopes: []v1alpha1.ScopePattern{"tickets:comment"}}},
			},
		}
		return on.change(ctx, stack.Security, forbid, comment, denied("policy", "forbidden"))
	},
}

var revocation = Scene{
	Title: "A revocation",
	Story: "Alice lost her laptop. Incident response revokes her session, and every token that rests on it ends at once.",
	Then: func(ctx context.Context, on *Stage) error {
		read := portal("the portal reads Alice's ticket with the lost session", "alice", http.MethodGet, "/customers/alice/tickets/42")
		if err := on.Ask(ctx, read, allowed); err != nil {
			return err
		}
		revoke := &v1alpha1.DelegationRevocation{
			ObjectMeta: metav1.ObjectMeta{Name: "alice-lost-her-laptop"},
			Spec:       v1alpha1.DelegationRevocationSpec{Session: &v1alpha1.SessionReference{Issuer: "corp", ID: "session-of-alice"}},
		}
		if err := on.change(ctx, stack.Incident, revoke, read, denied("revocation", "revoked")); err != nil {
			return err
		}
		again := read
		again.Title, again.Session = "Alice signs in anew", "session-after"
		return on.Ask(ctx, again, allowed)
	},
}

// change creates an object as somebody, and measures until every authorizer gives the new answer, and until the object
// says that it is enforced.
func (on *Stage) change(ctx context.Context, who stack.Person, object client.Object, question stack.Question, want Expectation) error {
	c, err := on.As(who)
	if err != nil {
		return err
	}
	if err := c.Create(ctx, object); err != nil {
		return fmt.Errorf("creating %s as %s: %w", object.GetName(), who.Username, err)
	}
	began := time.Now()
	on.Audience.Did(who.Username, fmt.Sprintf("creates %s %s", kindOf(object), object.GetName()), "created")
	if err := on.awaitAnswer(ctx, question, want); err != nil {
		return err
	}
	on.Audience.Measured("from the API server's answer until every authorizer decides by it", time.Since(began))
	if err := on.AwaitEnforced(ctx, object); err != nil {
		return err
	}
	on.Audience.Measured("until its status says Enforced=True", time.Since(began))
	return on.Ask(ctx, question, want)
}

// awaitAnswer asks until every authorizer gives the wanted answer.
func (on *Stage) awaitAnswer(ctx context.Context, question stack.Question, want Expectation) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, authorizer := range on.Authorizers {
		for {
			answer, err := on.AskOne(ctx, authorizer, question)
			if err != nil {
				return fmt.Errorf("%s: asking %s: %w", question.Title, authorizer.Name, err)
			}
			if (Expectation{Allow: answer.Allowed, Leg: answer.Leg, Reason: answer.Reason}) == want {
				break
			}
			select {
			case <-ctx.Done():
				return errors.New(question.Title + ": " + authorizer.Name + " never gave the new answer")
			case <-time.After(2 * time.Millisecond):
			}
		}
	}
	return nil
}

// refused errs unless the API server forbade what somebody did, with a message that says all of these.
func (on *Stage) refused(who stack.Person, what string, answer error, says ...string) error {
	if answer == nil {
		return fmt.Errorf("%s %s, and was not refused", who.Username, what)
	}
	if !apierrors.IsForbidden(answer) {
		return fmt.Errorf("%s %s, and was refused for another cause: %w", who.Username, what, answer)
	}
	for _, want := range says {
		if !strings.Contains(answer.Error(), want) {
			return fmt.Errorf("%s %s: the refusal does not say %q: %w", who.Username, what, want, answer)
		}
	}
	on.Audience.Did(who.Username, what, "refused: "+short(answer))
	return nil
}

func kindOf(object client.Object) string {
	name := fmt.Sprintf("%T", object)
	return name[strings.LastIndex(name, ".")+1:]
}

// short drops what the API server puts before the webhook's or policy's own words.
func short(err error) string {
	text := err.Error()
	for _, mark := range []string{"denied the request: ", "denied request: "} {
		if _, own, found := strings.Cut(text, mark); found {
			return own
		}
	}
	return text
}
