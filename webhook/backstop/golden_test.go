// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"behalf.dev/behalf/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files anew; read the difference before it is committed")

const (
	tickets  = "https://tickets.example"
	ledger   = "https://ledger.example"
	exchange = "behalf-exchange"
)

// shipped are the options of an installation as config/default has it.
var shipped = Options{Namespace: "behalf-system", Manager: "system:serviceaccount:behalf-system:behalf-manager", ExchangeAudience: exchange}

// declares is a ServiceDelegation; elements are audience#scope.
func declares(namespace, name, account string, elements ...string) *v1alpha1.ServiceDelegation {
	d := &v1alpha1.ServiceDelegation{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	d.Spec.ServiceAccountName = v1alpha1.ServiceAccountName(account)
	for _, element := range elements {
		audience, scope, _ := strings.Cut(element, "#")
		d.Spec.Audiences = append(d.Spec.Audiences, v1alpha1.AudienceScopes{
			Audience: v1alpha1.Audience(audience), Scopes: []v1alpha1.ScopeName{v1alpha1.ScopeName(scope)},
		})
	}
	return d
}

func TestGolden(t *testing.T) {
	bounds, _ := Bounds("support", []*v1alpha1.ServiceDelegation{
		declares("support", "portal", "portal", tickets+"#tickets:read", tickets+"#tickets:comment", ledger+"#tickets:read"),
		declares("support", "portal-too", "portal", ledger+"#ledger:read"),
		declares("support", "batch", "default", ledger+"#ledger:read"),
		declares("support", "onward-only", "relay"),
		declares("finance", "portal", "portal", ledger+"#ledger:close"),
	})
	list, _ := Namespaces("behalf-system", []string{"support", "finance"})
	var policies []any
	for _, p := range Policies(shipped) {
		policies = append(policies, p.Policy, p.Binding)
	}
	for name, objects := range map[string][]any{"policies.yaml": policies, "bounds.yaml": {bounds}, "namespaces.yaml": {list}} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			for _, o := range objects {
				text, err := yaml.Marshal(o)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&got, "---\n%s", text)
			}
			path := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(path, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(got.Bytes(), want) {
				t.Errorf("it is not what %s has (%v); run with -update and read the difference:\n%s", path, err, got.Bytes())
			}
		})
	}
}

func TestBoundsOfNobody(t *testing.T) {
	bounds, leftOut := Bounds("support", []*v1alpha1.ServiceDelegation{declares("finance", "portal", "portal", tickets+"#read")})
	if bounds != nil || leftOut != nil {
		t.Errorf("got %v, without %v", bounds, leftOut)
	}
}

// THREATS 43: what does not fit is denied and named, and the rest goes on.
func TestWhatDoesNotFitIsLeftOut(t *testing.T) {
	big := func(account string, scopes int) *v1alpha1.ServiceDelegation {
		d := declares("support", account, account)
		d.Spec.Audiences = []v1alpha1.AudienceScopes{{Audience: tickets}}
		for i := range scopes {
			d.Spec.Audiences[0].Scopes = append(d.Spec.Audiences[0].Scopes, v1alpha1.ScopeName(fmt.Sprintf("s%d", i)))
		}
		return d
	}
	t.Run("what one service account declares beyond what can be looked up", func(t *testing.T) {
		bounds, leftOut := Bounds("support", []*v1alpha1.ServiceDelegation{big("much", 10001), big("little", 10000)})
		if !slices.Equal(leftOut, []string{"much"}) || len(bounds.Data) != 1 || bounds.Data["little"] == "" {
			t.Errorf("without %v, it has %d", leftOut, len(bounds.Data))
		}
	})
	t.Run("what all of a namespace declare beyond what a ConfigMap holds", func(t *testing.T) {
		var all []*v1alpha1.ServiceDelegation
		for i := range 10 {
			all = append(all, big(fmt.Sprintf("account-%d", i), 3000))
		}
		all = append(all, big("more", 3100), big("less", 1))
		bounds, leftOut := Bounds("support", all)
		var size int
		for _, lines := range bounds.Data {
			size += len(lines)
		}
		if size > mostBytes || len(bounds.Data)+len(leftOut) != len(all) || bounds.Data["less"] == "" || !slices.Contains(leftOut, "more") {
			t.Errorf("%d bytes, without %v", size, leftOut)
		}
		slices.Reverse(all)
		again, withoutAgain := Bounds("support", all)
		if !reflect.DeepEqual(bounds, again) || !slices.Equal(leftOut, withoutAgain) {
			t.Error("the order of ServiceDelegations matters")
		}
	})
	t.Run("namespaces beyond what a ConfigMap holds", func(t *testing.T) {
		var names []string
		for i := range 16000 {
			names = append(names, fmt.Sprintf("%063d", i))
		}
		list, leftOut := Namespaces("behalf-system", names)
		if n := strings.Count(list.Data["namespaces"], "\n") - 1; leftOut != 16000-15624 || n != 15624 {
			t.Errorf("%d are listed, %d are left out", n, leftOut)
		}
	})
}
