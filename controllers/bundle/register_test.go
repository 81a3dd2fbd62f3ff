// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"maps"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"behalf.dev/behalf/api/v1alpha1"
)

func records(t *testing.T, objects ...client.Object) (*Records, client.Client) {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(&v1alpha1.ResourceServer{}).Build()
	return NewRecords(c, "behalf-system"), c
}

func recorded(revision int64) v1alpha1.BundleStatus {
	return v1alpha1.BundleStatus{Revision: revision, Digest: "sha256:a"}
}

func TestARevisionIsWrittenWhereItBelongs(t *testing.T) { // THREATS 39, 44
	for sentence, c := range map[string]struct {
		meanwhile func(*v1alpha1.ResourceServer)
		fails     string
		want      v1alpha1.BundleStatus
	}{
		"nobody else writes": {want: recorded(2)},
		"somebody else writes something else": {
			meanwhile: func(rs *v1alpha1.ResourceServer) { rs.Status.Conditions = []metav1.Condition{{Type: "Ready"}} },
			want:      recorded(2),
		},
		"another replica writes a revision": {
			meanwhile: func(rs *v1alpha1.ResourceServer) { rs.Status.Bundle = recorded(9) },
			fails:     "it has revision 9 already, written by another replica",
			want:      recorded(9),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			rs := &v1alpha1.ResourceServer{ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: "tickets", UID: "u"}}
			rs.Status.Bundle = recorded(1)
			r, api := records(t, rs)
			read := &v1alpha1.ResourceServer{}
			if err := api.Get(t.Context(), client.ObjectKeyFromObject(rs), read); err != nil {
				t.Fatal(err)
			}
			if c.meanwhile != nil {
				changed := read.DeepCopy()
				c.meanwhile(changed)
				if err := api.Status().Update(t.Context(), changed); err != nil {
					t.Fatal(err)
				}
			}
			err := r.WriteBundle(t.Context(), read, recorded(1), recorded(2))
			if (err != nil) != (c.fails != "") || err != nil && !strings.Contains(err.Error(), c.fails) {
				t.Errorf("error %v, want %q", err, c.fails)
			}
			if err := api.Get(t.Context(), client.ObjectKeyFromObject(rs), read); err != nil || read.Status.Bundle != c.want {
				t.Errorf("written is %+v, error %v", read.Status.Bundle, err)
			}
		})
	}
}

func TestNoRevisionIsWrittenToAnotherObjectOfTheName(t *testing.T) { // THREATS 12
	rs := &v1alpha1.ResourceServer{ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: "tickets", UID: "v"}}
	r, api := records(t, rs)
	before := rs.DeepCopy()
	before.UID, before.ResourceVersion = "u", "1"
	if err := r.WriteBundle(t.Context(), before, v1alpha1.BundleStatus{}, recorded(2)); err == nil {
		t.Error("there is no error")
	}
	if err := api.Get(t.Context(), client.ObjectKeyFromObject(rs), rs); err != nil || rs.Status.Bundle.Revision != 0 {
		t.Errorf("written is %+v, error %v", rs.Status.Bundle, err)
	}
}

func TestOneThatIsGoneNeedsNoRevision(t *testing.T) {
	r, _ := records(t)
	gone := &v1alpha1.ResourceServer{ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: "tickets", UID: "u", ResourceVersion: "1"}}
	if err := r.WriteBundle(t.Context(), gone, v1alpha1.BundleStatus{}, recorded(2)); err != nil {
		t.Error(err)
	}
}

func TestWhatIsSharedIsReadAsItWasWritten(t *testing.T) {
	r, api := records(t)
	if s, known := r.Shared(); known {
		t.Errorf("at first there is %+v", s)
	}
	want := Shared{Trust: recorded(7), RevocationsBase: -12, Keys: map[string]RecordedKeys{
		"corp":                   {Name: "corp", Origin: "o", Issuer: "https://idp.example", JWKS: "{}", FetchedAt: 5},
		strings.Repeat("a", 253): {Name: strings.Repeat("a", 253), Origin: "o", Issuer: "https://a.example", JWKS: "{}"},
	}}
	if err := r.WriteShared(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if got, known := r.Shared(); !known || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %t", got, known)
	}
	want.Trust.Revision = 8
	if err := r.WriteShared(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	other := NewRecords(api, "behalf-system")
	if err := other.WriteShared(t.Context(), want); err == nil || !strings.Contains(err.Error(), "made by somebody else") {
		t.Errorf("a replica that had not seen it overwrites it: %v", err)
	}
	stale := r.current.Load().config.DeepCopy()
	stale.ResourceVersion = "1"
	r.current.Store(recordOf(stale))
	if err := r.WriteShared(t.Context(), want); err == nil {
		t.Error("a replica that had not seen the latest overwrites it")
	}
}

func mustPack(t *testing.T, keys RecordedKeys) []byte {
	t.Helper()
	packed, err := keys.pack()
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func TestWhatWasTamperedWithCountsAsNothing(t *testing.T) {
	var good corev1.ConfigMap
	if err := (Shared{Trust: recorded(7), RevocationsBase: 3}).write(&good); err != nil {
		t.Fatal(err)
	}
	for sentence, change := range map[string]func(map[string]string){
		"nothing at all":             func(d map[string]string) { clear(d) },
		"no digest":                  func(d map[string]string) { d[trustRevisionKey] = "7" },
		"a revision that is no one":  func(d map[string]string) { d[trustRevisionKey] = "x sha256:a" },
		"a revision below nothing":   func(d map[string]string) { d[trustRevisionKey] = "-7 sha256:a" },
		"a base that is no number":   func(d map[string]string) { d[revocationsBaseKey] = "3.5" },
		"a base that is not there":   func(d map[string]string) { delete(d, revocationsBaseKey) },
		"a revision beyond anything": func(d map[string]string) { d[trustRevisionKey] = "99999999999999999999 sha256:a" },
	} {
		data := maps.Clone(good.Data)
		change(data)
		r, _ := records(t)
		r.current.Store(recordOf(&corev1.ConfigMap{Data: data}))
		if s, known := r.Shared(); known {
			t.Errorf("%s: read as %+v", sentence, s)
		}
	}
	for sentence, packed := range map[string][]byte{
		"keys that are not compressed": []byte("{}"), "keys of nobody": mustPack(t, RecordedKeys{JWKS: "{}"}),
		"keys that are cut off": mustPack(t, RecordedKeys{Name: "corp", JWKS: "{}"})[:20],
	} {
		r, _ := records(t)
		r.current.Store(recordOf(&corev1.ConfigMap{Data: good.Data, BinaryData: map[string][]byte{"issuer-x": packed}}))
		if s, known := r.Shared(); known {
			t.Errorf("%s: read as %+v", sentence, s)
		}
	}
}
