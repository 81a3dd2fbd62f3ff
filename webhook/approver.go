// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"

	authenticationv1 "k8s.io/api/authentication/v1"

	"behalf.dev/behalf/api/v1alpha1"
)

// The schema's bounds of a requester and an approver: characters of a username or a group, and groups.
const (
	maxIdentity       = 256
	maxApproverGroups = 64
)

// grantSpec is as much of a DelegationGrant as decides who its requester and its approver are, and who may not be.
type grantSpec struct {
	Subject   v1alpha1.SubjectReference        `json:"subject"`
	Actor     v1alpha1.ServiceAccountReference `json:"actor"`
	State     v1alpha1.GrantState              `json:"state"`
	Requester *v1alpha1.Requester              `json:"requester"`
	Approver  *v1alpha1.Approver               `json:"approver"`
}

// final says whether somebody has approved or denied. The state of an object that no schema has seen yet may be anything,
// and then nobody has.
func (s grantSpec) final() bool {
	return s.State == v1alpha1.GrantApproved || s.State == v1alpha1.GrantDenied
}

// requesterOf is the requester that a grant must have, whatever its writer put there: whoever makes it, for as long as it
// stands. old is nil on creation. One that was made without this webhook has none, and nobody becomes it later.
func requesterOf(old *grantSpec, user authenticationv1.UserInfo) (*v1alpha1.Requester, error) {
	switch {
	case old != nil:
		return old.Requester, nil
	case !isIdentity(user.Username):
		return nil, unrecordable("requester")
	default:
		return &v1alpha1.Requester{Username: v1alpha1.Username(user.Username)}, nil
	}
}

func unrecordable(as string) error {
	return fmt.Errorf("your user name cannot be recorded as the %s's: it must have 1 to %d characters and no control characters", as, maxIdentity)
}

// approverOf is the approver that a grant must have, whatever its writer put there: whoever makes it final; afterwards the
// one who did; before, nobody. old is nil on creation. named holds the groups that some policy wants approvers to be in;
// it is asked only where not all groups can be kept.
func approverOf(old *grantSpec, current grantSpec, user authenticationv1.UserInfo, named func() (map[string]bool, error)) (*v1alpha1.Approver, error) {
	switch {
	case old != nil && old.final():
		return old.Approver, nil
	case !current.final():
		return nil, nil //nolint:nilnil // nobody is the answer
	case !isIdentity(user.Username):
		return nil, unrecordable("approver")
	}
	groups, err := groupsToKeep(user.Groups, named)
	if err != nil {
		return nil, err
	}
	return &v1alpha1.Approver{Username: v1alpha1.Username(user.Username), Groups: groups}, nil
}

// groupsToKeep are those that a policy can name at all, sorted. Where there are more than a grant holds, those that some
// policy does name go first, so that nobody's approval fails for being in many groups.
func groupsToKeep(all []string, named func() (map[string]bool, error)) ([]v1alpha1.GroupName, error) {
	groups := slices.DeleteFunc(slices.Clone(all), func(group string) bool { return !isIdentity(group) })
	slices.Sort(groups)
	groups = slices.Compact(groups)
	if len(groups) > maxApproverGroups {
		first, err := named()
		if err != nil {
			return nil, err
		}
		slices.SortStableFunc(groups, func(a, b string) int { return rank(first[a]) - rank(first[b]) })
		groups = groups[:maxApproverGroups]
		slices.Sort(groups)
	}
	kept := make([]v1alpha1.GroupName, 0, len(groups))
	for _, group := range groups {
		kept = append(kept, v1alpha1.GroupName(group))
	}
	return kept, nil
}

func rank(named bool) int {
	if named {
		return 0
	}
	return 1
}

// isIdentity says whether the schema takes s for a username or group.
func isIdentity(s string) bool {
	if s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxIdentity {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return false
		}
	}
	return true
}

func sameRequester(a, b *v1alpha1.Requester) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// sameApprover compares groups as the set that they are.
func sameApprover(a, b *v1alpha1.Approver) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Username == b.Username && slices.Equal(slices.Sorted(slices.Values(a.Groups)), slices.Sorted(slices.Values(b.Groups)))
}
