// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

const templateJSON = `{"metadata":{"annotations":{"behalf.dev/scopes":"read"},"labels":{"a":"b"}},"spec":{"serviceAccount":"old","containers":[{"name":"c"}],` +
	`"volumes":[{"name":"v","projected":{"sources":[{"configMap":{}},{"serviceAccountToken":{"audience":"exchange.example","path":"t"}}]}}]}}`

func TestDecode(t *testing.T) {
	tests := map[schema.GroupVersionKind]struct{ raw, path string }{
		{Version: "v1", Kind: "Pod"}:                        {templateJSON, ""},
		{Version: "v1", Kind: "PodTemplate"}:                {`{"template":` + templateJSON + `}`, "template"},
		{Version: "v1", Kind: "ReplicationController"}:      {`{"spec":{"template":` + templateJSON + `}}`, "spec.template"},
		{Group: "apps", Version: "v1", Kind: "Deployment"}:  {`{"spec":{"template":` + templateJSON + `}}`, "spec.template"},
		{Group: "apps", Version: "v1", Kind: "ReplicaSet"}:  {`{"spec":{"template":` + templateJSON + `}}`, "spec.template"},
		{Group: "apps", Version: "v1", Kind: "StatefulSet"}: {`{"spec":{"template":` + templateJSON + `}}`, "spec.template"},
		{Group: "apps", Version: "v1", Kind: "DaemonSet"}:   {`{"spec":{"template":` + templateJSON + `}}`, "spec.template"},
		{Group: "batch", Version: "v1", Kind: "Job"}:        {`{"spec":{"template":` + templateJSON + `}}`, "spec.template"},
		{Group: "batch", Version: "v1", Kind: "CronJob"}:    {`{"spec":{"jobTemplate":{"spec":{"template":` + templateJSON + `}}}}`, "spec.jobTemplate.spec.template"},
	}
	want := Ask{
		ServiceAccount: "old", Annotated: true, Scopes: "read",
		TokenField: "spec.volumes[0].projected.sources[1].serviceAccountToken.audience",
	}
	for kind, tt := range tests {
		t.Run(kind.Kind, func(t *testing.T) {
			template, path, err := Decode(kind, []byte(tt.raw))
			if err != nil || path != tt.path {
				t.Fatalf("got path %q, error %v, want %q", path, err, tt.path)
			}
			if got := template.Ask("exchange.example"); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
	if len(tests) != len(layouts) {
		t.Errorf("%d kinds are tested, and there are %d", len(tests), len(layouts))
	}
}

func TestDecodeTakesWhatHasNoTemplate(t *testing.T) {
	for _, raw := range []string{`{}`, `{"spec":{}}`, `{"spec":null}`, `{"spec":{"template":null}}`, ` {"metadata":{"annotations":null}}`} {
		template, _, err := Decode(schema.GroupVersionKind{Version: "v1", Kind: "ReplicationController"}, []byte(raw))
		if ask := template.Ask("exchange.example"); err != nil || !ask.Nothing() {
			t.Errorf("%s: got %+v, %v", raw, ask, err)
		}
	}
}

// THREATS 11, 22.
func TestDecodeRefuses(t *testing.T) {
	pods := schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	tests := map[string]struct {
		kind      schema.GroupVersionKind
		raw, want string
	}{
		"nothing":                      {pods, "", "there is no object"},
		"null":                         {pods, "null", "there is no object"},
		"a list":                       {pods, "[]", "there is no object"},
		"a string":                     {pods, `"{}"`, "there is no object"},
		"half an object":               {pods, `{"metadata":`, "unexpected end"},
		"something behind the object":  {pods, `{} {}`, "after top-level value"},
		"annotations that are a list":  {pods, `{"metadata":{"annotations":[]}}`, "cannot unmarshal array"},
		"a number for an annotation":   {pods, `{"metadata":{"annotations":{"behalf.dev/scopes":1}}}`, "cannot unmarshal number"},
		"the annotation twice":         {pods, `{"metadata":{"annotations":{"behalf.dev/scopes":"a","behalf.dev/scopes":"b"}}}`, "duplicate field"},
		"the specification twice":      {pods, `{"spec":{},"spec":{}}`, "duplicate field"},
		"volumes that are an object":   {pods, `{"spec":{"volumes":{}}}`, "cannot unmarshal object"},
		"nesting without end":          {pods, `{"spec":` + strings.Repeat("[", 100000), "exceeded max depth"},
		"a kind that makes no pods":    {schema.GroupVersionKind{Version: "v1", Kind: "Secret"}, `{}`, "not known to hold a pod template"},
		"a version that nobody serves": {schema.GroupVersionKind{Group: "apps", Version: "v2", Kind: "Deployment"}, `{}`, "not known"},
		"no kind":                      {schema.GroupVersionKind{}, `{}`, "not known"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, err := Decode(tt.kind, []byte(tt.raw))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// A field in another case is another field: the API server would not read it either.
func TestDecodeMindsTheCase(t *testing.T) {
	template, _, err := Decode(schema.GroupVersionKind{Version: "v1", Kind: "Pod"}, []byte(`{"Metadata":{"annotations":{"behalf.dev/scopes":"a"}},"spec":{"serviceaccountname":"x"}}`))
	if ask := template.Ask(exchange); err != nil || !ask.Nothing() || ask.ServiceAccount != "default" {
		t.Errorf("got %+v, %v", ask, err)
	}
}

// THREATS 11: whatever comes, it is read or refused.
func FuzzDecode(f *testing.F) {
	for _, raw := range []string{
		templateJSON, `{"template":` + templateJSON + `}`, `{"spec":{"template":` + templateJSON + `}}`, "", "null", "[]", `{"spec":{"volumes":[null]}}`,
		`{"spec":{"volumes":[{"projected":{"sources":[null]}}]}}`, `{"metadata":{"annotations":{"behalf.dev/scopes":"a","behalf.dev/scopes":"b"}}}`,
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for kind := range layouts {
			template, _, err := Decode(kind, raw)
			if ask := template.Ask(exchange); err != nil && !ask.Nothing() {
				t.Fatalf("%s: something asked for beside the error %v", kind, err)
			}
			Judge(Case{Namespace: "support", Template: template, ExchangeAudience: exchange})
		}
	})
}
