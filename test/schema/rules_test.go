// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A rule of a schema, with an object that keeps it and one that breaks it.
type rule struct {
	kind  string
	field string // that the failure names
	says  string // what it says: what is wrong, and the remedy
	good  string // YAML: what differs from the smallest object of the kind
	bad   string

	before string // YAML: the object as it stood, where the rule is about a change
	status bool   // good and bad are of status and not of spec
	also   string // what the schema says beside, where one mistake breaks two rules
}

func allRules() []rule {
	return slices.Concat(selectorRules(), policyRules(), resourceServerRules(), serviceDelegationRules(), issuerRules(),
		grantRules(), revocationRules(), statusRules(), wordRules())
}

func TestEveryRuleTakesWhatKeepsItAndRefusesWhatBreaksIt(t *testing.T) {
	needsCluster(t)
	t.Parallel()
	for i, r := range allRules() {
		t.Run(fmt.Sprintf("%03d %s %s", i, r.kind, r.field), func(t *testing.T) {
			t.Parallel()
			if err := try(t, r, r.good); err != nil {
				t.Errorf("refused what keeps the rule %q:\n%s\n%v", r.says, r.good, err)
			}
			err := try(t, r, r.bad)
			if err == nil {
				t.Fatalf("took what breaks the rule %q:\n%s", r.says, r.bad)
			}
			judge(t, r, err)
		})
	}
}

// judge wants the field and the remedy, and nothing else: a refusal for another reason proves nothing.
func judge(t *testing.T, r rule, err error) {
	t.Helper()
	found := false
	for _, cause := range causes(err) {
		switch {
		case strings.HasSuffix(cause.Message, ": "+r.says):
			if cause.Field != r.field {
				t.Errorf("the refusal names the field %q, want %q", cause.Field, r.field)
			}
			found = true
		case r.also != "" && strings.Contains(cause.Message, r.also):
		default:
			t.Errorf("refused for another reason too: %s: %s", cause.Field, cause.Message)
		}
	}
	if !found {
		t.Errorf("the refusal does not say %q:\n%v", r.says, err)
	}
}

// try makes the object, or changes the one that stood before, without anything being stored of it.
func try(t *testing.T, r rule, changes string) error {
	t.Helper()
	ctx := t.Context()
	if r.before == "" && !r.status {
		return writerOf(r.kind).Create(ctx, object(t, r.kind, changes), client.DryRunAll)
	}
	u := object(t, r.kind, r.before)
	if err := writerOf(r.kind).Create(ctx, u); err != nil {
		t.Fatalf("making the object that stands before: %v", err)
	}
	if r.status {
		if err := unstructured.SetNestedMap(u.Object, fields(t, changes), "status"); err != nil {
			t.Fatal(err)
		}
		return writerOf(r.kind).Status().Update(ctx, u, client.DryRunAll)
	}
	after := object(t, r.kind, changes)
	u.Object["spec"] = after.Object["spec"]
	return writerOf(r.kind).Update(ctx, u, client.DryRunAll)
}

var indexes = regexp.MustCompile(`\[\d+\]`)

func TestEveryRuleHasAnObjectThatBreaksIt(t *testing.T) {
	t.Parallel()
	type key struct{ kind, field, says string }
	tested := map[key]bool{}
	for _, r := range allRules() {
		tested[key{r.kind, indexes.ReplaceAllString(r.field, ""), r.says}] = true
	}
	inSchema := map[key]bool{}
	forEachField(t, func(kind, path string, node *schemaNode) {
		for _, validation := range node.XValidations {
			if validation.MessageExpression != "" {
				t.Errorf("%s: %s: a messageExpression cannot be matched with a test: write a message", kind, path)
			}
			k := key{kind, path + validation.FieldPath, validation.Message}
			if inSchema[k] = true; !tested[k] {
				t.Errorf("no test breaks this rule of %s\n  field: %s\n  says:  %s\n  rule:  %s", kind, k.field, k.says, validation.Rule)
			}
		}
		// metav1.Condition brings patterns for its type and reason.
		if node.Pattern != "" && !strings.HasPrefix(path, "status.conditions.") {
			t.Errorf("%s: %s has a pattern, whose refusal names no remedy: write an XValidation with a message", kind, path)
		}
	})
	for k := range tested {
		if !inSchema[k] {
			t.Errorf("a test breaks a rule that no schema has: %+v", k)
		}
	}
}
