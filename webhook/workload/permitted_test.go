// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"reflect"
	"slices"
	"testing"

	"behalf.dev/behalf/api/v1alpha1"
)

func TestPermitted(t *testing.T) {
	elsewhere := delegation("portal", "portal", tickets+"#read")
	elsewhere.Namespace = "finance"
	tests := map[string]struct {
		bounds []*v1alpha1.ServiceDelegation
		want   map[string][]string
	}{
		"nobody":                        {nil, map[string][]string{}},
		"somebody in another namespace": {[]*v1alpha1.ServiceDelegation{elsewhere}, map[string][]string{}},
		"what one audience declares, by its audience and alone": {
			portal(tickets+"#read", tickets+"#write"), map[string][]string{"portal": {tickets + "#read", tickets + "#write", "read", "write"}},
		},
		"what several declare, by the audience only": {
			portal(tickets+"#read", ledger+"#read", ledger+"#close"),
			map[string][]string{"portal": {"close", ledger + "#close", ledger + "#read", tickets + "#read"}},
		},
		"what two ServiceDelegations declare": {
			[]*v1alpha1.ServiceDelegation{delegation("a", "portal", tickets+"#read"), delegation("b", "portal", tickets+"#read", tickets+"#write")},
			map[string][]string{"portal": {tickets + "#read", tickets + "#write", "read", "write"}},
		},
		"nothing where all is for the next service": {portal(">" + ledger + "#read"), map[string][]string{"portal": nil}},
		"each service account its own": {
			[]*v1alpha1.ServiceDelegation{delegation("a", "portal", tickets+"#read"), delegation("b", "default", tickets+"#write")},
			map[string][]string{"portal": {tickets + "#read", "read"}, "default": {tickets + "#write", "write"}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := Permitted("support", tt.bounds)
			if len(got) != len(tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			for account, want := range tt.want {
				if elements, there := got[account]; !there || !slices.Equal(elements, want) {
					t.Errorf("%s: got %q, want %q", account, elements, want)
				}
			}
			if again := Permitted("support", reversed(tt.bounds)); !reflect.DeepEqual(got, again) {
				t.Errorf("in another order it is %v", again)
			}
		})
	}
}
