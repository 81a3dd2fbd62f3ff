// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
)

var (
	carol   = authenticationv1.UserInfo{Username: "carol@example.com", Groups: []string{"system:authenticated", "finance-approvers"}}
	ofCarol = approver("carol@example.com", "finance-approvers", "system:authenticated")
	ofDave  = approver("dave@example.com", "finance-approvers")
	byCarol = &v1alpha1.Requester{Username: "carol@example.com"}
	byDave  = &v1alpha1.Requester{Username: "dave@example.com"}
)

func approver(username v1alpha1.Username, groups ...v1alpha1.GroupName) *v1alpha1.Approver {
	return &v1alpha1.Approver{Username: username, Groups: groups}
}

// grant is one that carol asked for.
func grant(state v1alpha1.GrantState, approver *v1alpha1.Approver) *grantSpec {
	return &grantSpec{
		Subject: v1alpha1.SubjectReference{Issuer: "corp", ID: "alice"}, Actor: v1alpha1.ServiceAccountReference{Namespace: "finance", ServiceAccount: "workflow"},
		State: state, Requester: byCarol, Approver: approver,
	}
}

// Every change of a grant by carol, and who must stand on it afterwards. THREATS 42.
func TestApprover(t *testing.T) {
	tests := map[string]struct {
		old, current *grantSpec
		want         *v1alpha1.Approver
	}{
		"asking for a grant makes nobody its approver":           {nil, grant("Requested", nil), nil},
		"an approver put on a request is removed":                {nil, grant("Requested", ofDave), nil},
		"a grant without state is a request":                     {nil, grant("", ofDave), nil},
		"a state that there is not approves nothing":             {nil, grant("approved", ofDave), nil},
		"whoever creates an approved grant is its approver":      {nil, grant("Approved", nil), ofCarol},
		"nobody creates a grant in another's name":               {nil, grant("Approved", ofDave), ofCarol},
		"whoever approves is the approver":                       {grant("Requested", nil), grant("Approved", nil), ofCarol},
		"nobody approves in another's name":                      {grant("Requested", nil), grant("Approved", ofDave), ofCarol},
		"whoever denies is recorded too":                         {grant("Requested", nil), grant("Denied", nil), ofCarol},
		"an approver put on a request by an update is removed":   {grant("Requested", nil), grant("Requested", ofDave), nil},
		"an approver stays when another touches the grant":       {grant("Approved", ofDave), grant("Approved", ofDave), ofDave},
		"an approver that an apply leaves out is put back":       {grant("Approved", ofDave), grant("Approved", nil), ofDave},
		"nobody replaces an approver":                            {grant("Approved", ofDave), grant("Approved", ofCarol), ofDave},
		"a denied grant cannot be approved under another name":   {grant("Denied", ofDave), grant("Approved", nil), ofDave},
		"an approved grant that goes back keeps its approver":    {grant("Approved", ofDave), grant("Requested", nil), ofDave},
		"what became final without an approver does not get one": {grant("Approved", nil), grant("Approved", ofCarol), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := approverOf(tt.old, *tt.current, carol, nil)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
			var old any
			if tt.old != nil {
				old = map[string]any{"spec": tt.old}
			}
			req := request(t, grantKind, "finance", map[string]any{"spec": tt.current}, old)
			req.UserInfo = carol
			if stamped := (&grantStamper{}).Handle(t.Context(), req); !stamped.Allowed || (len(stamped.Patches) == 0) != sameApprover(tt.current.Approver, tt.want) {
				t.Errorf("the stamper says %v %v", stamped.Allowed, stamped.Patches)
			}
			if checked := (&grantChecker{}).Handle(t.Context(), req); checked.Allowed != sameApprover(tt.current.Approver, tt.want) {
				t.Errorf("the checker says %v %v", checked.Allowed, checked.Result)
			}
		})
	}
}

// Every way in which carol writes who asked for a grant, and who must stand on it afterwards. THREATS 42.
func TestRequester(t *testing.T) {
	asked := func(by *v1alpha1.Requester) *grantSpec {
		g := grant("Requested", nil)
		g.Requester = by
		return g
	}
	tests := map[string]struct {
		old, current *grantSpec
		want         *v1alpha1.Requester
	}{
		"whoever makes a grant asked for it":                 {nil, asked(nil), byCarol},
		"nobody asks in another's name":                      {nil, asked(byDave), byCarol},
		"a requester stays when another touches the grant":   {asked(byDave), asked(byDave), byDave},
		"a requester that an apply leaves out is put back":   {asked(byDave), asked(nil), byDave},
		"nobody takes a request over":                        {asked(byDave), asked(byCarol), byDave},
		"nobody becomes the requester of what stood without": {asked(nil), asked(byCarol), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var old any
			if tt.old != nil {
				old = map[string]any{"spec": tt.old}
			}
			req := request(t, grantKind, "finance", map[string]any{"spec": tt.current}, old)
			req.UserInfo = carol
			got, err := requesterOf(tt.old, carol)
			if err != nil || !sameRequester(got, tt.want) {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
			if stamped := (&grantStamper{}).Handle(t.Context(), req); !stamped.Allowed || (len(stamped.Patches) == 0) != sameRequester(tt.current.Requester, tt.want) {
				t.Errorf("the stamper says %v %v", stamped.Allowed, stamped.Patches)
			}
			if checked := (&grantChecker{}).Handle(t.Context(), req); checked.Allowed != sameRequester(tt.current.Requester, tt.want) {
				t.Errorf("the checker says %v %v", checked.Allowed, checked.Result)
			}
		})
	}
}

// THREATS 42: the subject and the actor approve nothing of their own. Authorizers hold them to it as well, and know more.
func TestOwnApproval(t *testing.T) {
	tests := map[string]struct {
		user authenticationv1.UserInfo
		want string
	}{
		"somebody else": {carol, ""},
		"somebody whose name ends in the subject's":    {authenticationv1.UserInfo{Username: "malice"}, ""},
		"the subject by id":                            {authenticationv1.UserInfo{Username: "alice"}, "could be the subject"},
		"the subject as an API server's prefix has it": {authenticationv1.UserInfo{Username: "oidc:Alice"}, "could be the subject"},
		"the subject by the UID of the user":           {authenticationv1.UserInfo{Username: "a@example.com", UID: "alice"}, "could be the subject"},
		"the actor":                                    {authenticationv1.UserInfo{Username: "system:serviceaccount:finance:workflow"}, "you are the actor finance/workflow"},
		"a namesake of the actor in another namespace": {authenticationv1.UserInfo{Username: "system:serviceaccount:support:workflow"}, ""},
		"another service account of the namespace":     {authenticationv1.UserInfo{Username: "system:serviceaccount:finance:approver"}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, to := range []v1alpha1.GrantState{"Approved", "Denied"} {
				current := grant(to, approver(v1alpha1.Username(tt.user.Username)))
				for _, group := range tt.user.Groups {
					current.Approver.Groups = append(current.Approver.Groups, v1alpha1.GroupName(group))
				}
				req := request(t, grantKind, "finance", map[string]any{"spec": current}, map[string]any{"spec": grant("Requested", nil)})
				req.UserInfo = tt.user
				want := tt.want
				if to == "Denied" {
					want = "" // takes nothing that is another's
				}
				check(t, (&grantChecker{}).Handle(t.Context(), req), want)
			}
		})
	}
}

func TestApproverGroups(t *testing.T) {
	many := make([]string, 0, 100)
	for i := range 100 {
		many = append(many, fmt.Sprintf("group-%03d", i))
	}
	none := func() (map[string]bool, error) { return nil, nil }
	tests := map[string]struct {
		groups []string
		named  func() (map[string]bool, error)
		want   []string
	}{
		"none":                                  {nil, nil, []string{}},
		"sorted, each once":                     {[]string{"b", "a", "b"}, nil, []string{"a", "b"}},
		"without those that no policy can name": {[]string{"", "a\nb", "c\u0085d", "e\xff", strings.Repeat("é", 257), "good", strings.Repeat("é", 256)}, nil, []string{"good", strings.Repeat("é", 256)}},
		"the first 64 of many":                  {many, none, many[:64]},
		"64 are not too many":                   {many[:64], nil, many[:64]},
		"of many, those that policies name go first": {
			many, func() (map[string]bool, error) {
				return map[string]bool{"group-099": true, "group-077": true, "other": true}, nil
			},
			append(slices.Clone(many[:62]), "group-077", "group-099"),
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := groupsToKeep(tt.groups, tt.named)
			texts := make([]string, 0, len(got))
			for _, g := range got {
				texts = append(texts, string(g))
			}
			if err != nil || !slices.Equal(texts, tt.want) {
				t.Errorf("got %v, %v, want %v", texts, err, tt.want)
			}
		})
	}
}

func TestApproverRefuses(t *testing.T) {
	crowd := carol
	for i := range 65 {
		crowd.Groups = append(crowd.Groups, fmt.Sprint(i))
	}
	tests := map[string]struct {
		user   authenticationv1.UserInfo
		object string
		want   string
	}{
		"nobody":                                 {authenticationv1.UserInfo{}, `{"spec":{"state":"Approved"}}`, "your user name cannot be recorded"},
		"nobody asks":                            {authenticationv1.UserInfo{}, `{"spec":{}}`, "your user name cannot be recorded as the requester's"},
		"a name that no policy can name":         {authenticationv1.UserInfo{Username: "a\nb"}, `{"spec":{"state":"Approved"}}`, "your user name cannot be recorded"},
		"a crowd of groups without the policies": {crowd, `{"spec":{"state":"Approved"}}`, "denied, because it cannot be judged"}, // THREATS 5
		"a grant without spec":                   {carol, `{}`, "the grant has no spec"},
		"a grant that is none":                   {carol, `[]`, "reading the grant"},
		"the state twice":                        {carol, `{"spec":{"state":"Requested","state":"Approved"}}`, "duplicate field"},
		"a requester that is a list":             {carol, `{"spec":{"requester":[]}}`, "reading the grant"},
		"an approver that is a list":             {carol, `{"spec":{"state":"Approved","approver":[]}}`, "reading the grant"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			req := request(t, grantKind, "finance", tt.object, nil)
			req.UserInfo = tt.user
			check(t, (&grantStamper{approvers{noReader{}}}).Handle(t.Context(), req), tt.want)
			check(t, (&grantChecker{approvers{noReader{}}}).Handle(t.Context(), req), tt.want)
		})
	}
	check(t, (&grantStamper{}).Handle(t.Context(), request(t, podKind, "finance", `{"spec":{}}`, nil)), "are not grants")
	deletion := request(t, grantKind, "finance", `{"spec":{}}`, nil)
	deletion.Operation = "DELETE"
	check(t, (&grantStamper{}).Handle(t.Context(), deletion), "writes no object")
}

// noReader is a cache that was never started.
type noReader struct{ client.Reader }

func (noReader) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return errors.New("the cache is not started")
}
