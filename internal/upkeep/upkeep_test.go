// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package upkeep_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"behalf.dev/behalf/internal/upkeep"
)

// api is a client of the real API server that all tests of this package share; nil under -short.
var api client.WithWatch

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	if slices.Contains(os.Args, "-test.short=true") {
		return m.Run(), nil
	}
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return 1, errors.New("KUBEBUILDER_ASSETS is not set: run make test")
	}
	log.SetLogger(logr.Discard())
	env := &envtest.Environment{}
	config, err := env.Start()
	if err != nil {
		return 1, fmt.Errorf("starting the API server: %w", err)
	}
	defer env.Stop() //nolint:errcheck // the tests are over
	config.QPS = -1
	if api, err = client.NewWithWatch(config, client.Options{}); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// The objects that are looked after, one of each kind that there is.
const manifest = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: NAME, labels: {app.kubernetes.io/name: behalf}}
webhooks:
- name: a.test.dev
  admissionReviewVersions: [v1]
  clientConfig: {service: {name: behalf-manager, namespace: behalf-system, path: /a}}
  failurePolicy: Fail
  sideEffects: None
  timeoutSeconds: 5
  namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system]}]}
  rules: [{apiGroups: [nothing.test.dev], apiVersions: [v1], resources: [as], operations: [CREATE, UPDATE]}]
  matchConditions: [{name: asks, expression: has(object.spec)}]
- name: b.test.dev
  admissionReviewVersions: [v1]
  clientConfig: {service: {name: behalf-manager, namespace: behalf-system, path: /b}}
  sideEffects: None
  rules: [{apiGroups: [nothing.test.dev], apiVersions: [v1], resources: [bs], operations: [CREATE]}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: NAME}
webhooks:
- name: c.test.dev
  admissionReviewVersions: [v1]
  clientConfig: {url: "https://127.0.0.1:1/c"}
  reinvocationPolicy: IfNeeded
  sideEffects: None
  rules: [{apiGroups: [nothing.test.dev], apiVersions: [v1], resources: [cs], operations: [CREATE]}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: NAME}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules: [{apiGroups: [nothing.test.dev], apiVersions: [v1], resources: [ds], operations: [CREATE]}]
  validations: [{expression: "false", message: never}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: NAME}
spec: {policyName: NAME, validationActions: [Deny]}
`

const (
	validating = "ValidatingWebhookConfiguration"
	mutating   = "MutatingWebhookConfiguration"
	policy     = "ValidatingAdmissionPolicy"
	binding    = "ValidatingAdmissionPolicyBinding"
)

var kinds = []string{validating, mutating, policy, binding}

// fixture is a set of objects under a name of the test's own.
type fixture struct {
	t    *testing.T
	name string
	// writes and reads count what keepers of this test wrote and read, and looks how often at each kind.
	writes, reads atomic.Int64
	looks         map[string]*atomic.Int64
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	if api == nil {
		t.Skip("needs an API server; run make test")
	}
	f := &fixture{t: t, looks: map[string]*atomic.Int64{}, name: strings.NewReplacer("/", "-", "_", "-", ",", "").Replace(strings.ToLower(t.Name()))}
	for _, kind := range kinds {
		f.looks[kind] = &atomic.Int64{}
	}
	t.Cleanup(func() {
		for _, kind := range kinds {
			_ = api.Delete(context.WithoutCancel(t.Context()), f.empty(kind)) // it may be gone
		}
	})
	return f
}

func (f *fixture) objects() []*unstructured.Unstructured {
	f.t.Helper()
	objects, err := upkeep.Read([]byte(strings.ReplaceAll(manifest, "NAME", f.name)))
	if err != nil {
		f.t.Fatal(err)
	}
	return objects
}

func (f *fixture) empty(kind string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetAPIVersion("admissionregistration.k8s.io/v1")
	u.SetKind(kind)
	u.SetName(f.name)
	return u
}

// get gives nil where there is none.
func (f *fixture) get(kind string) *unstructured.Unstructured {
	f.t.Helper()
	u := f.empty(kind)
	err := api.Get(f.t.Context(), client.ObjectKeyFromObject(u), u)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return u
}

func (f *fixture) install() {
	f.t.Helper()
	for _, object := range f.objects() {
		if err := api.Create(f.t.Context(), object); err != nil {
			f.t.Fatal(err)
		}
	}
}

// What a keeper may be started with.
type with func(*upkeep.Options)

func unmanaged(o *upkeep.Options) { o.Mode = upkeep.Unmanaged }
func follower(o *upkeep.Options)  { o.Elected = make(chan struct{}) }

// keeper runs until the test ends, or is stopped. It leads, unless the test says otherwise.
func (f *fixture) keeper(changes ...with) (k *upkeep.Keeper, stop func()) {
	f.t.Helper()
	return f.keeperOver(api, f.objects(), changes...)
}

func (f *fixture) keeperOver(c client.WithWatch, objects []*unstructured.Unstructured, changes ...with) (*upkeep.Keeper, func()) {
	f.t.Helper()
	elected := make(chan struct{})
	close(elected)
	options := upkeep.Options{Mode: upkeep.Managed, Elected: elected, Log: logr.Discard()}
	for _, object := range objects {
		options.Objects = append(options.Objects, upkeep.Object{Manifest: object})
	}
	for _, change := range changes {
		change(&options)
	}
	k, err := upkeep.New(f.counted(c), options)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Start(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			f.t.Error(err)
		}
	})
	f.t.Cleanup(stop)
	return k, stop
}

func (f *fixture) counted(c client.WithWatch) client.WithWatch {
	return interceptor.NewClient(c, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			err := c.Get(ctx, key, o, opts...)
			f.reads.Add(1)
			f.looks[o.GetObjectKind().GroupVersionKind().Kind].Add(1)
			return err
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			f.writes.Add(1)
			return c.Update(ctx, o, opts...)
		},
		Apply: func(ctx context.Context, c client.WithWatch, o runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
			f.writes.Add(1)
			return c.Apply(ctx, o, opts...)
		},
	})
}

func (f *fixture) eventually(what string, ask func() error) {
	f.t.Helper()
	deadline, tick := time.After(20*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			f.t.Fatalf("%s: %v", what, err)
		case <-tick.C:
		}
	}
}

// bodies are all objects but metadata, by kind.
func (f *fixture) bodies() map[string]any {
	f.t.Helper()
	all := map[string]any{}
	for _, kind := range kinds {
		if u := f.get(kind); u != nil {
			all[kind] = body(u)
		}
	}
	return all
}

func body(u *unstructured.Unstructured) any {
	for _, field := range []string{"webhooks", "spec"} {
		if u.Object[field] != nil {
			return u.Object[field]
		}
	}
	return nil
}

func (f *fixture) becomes(want map[string]any) {
	f.t.Helper()
	f.eventually("everything is as it was", func() error {
		got := f.bodies()
		for kind, body := range want {
			if fmt.Sprint(got[kind]) != fmt.Sprint(body) {
				return fmt.Errorf("%s is %v, want %v", kind, got[kind], body)
			}
		}
		return nil
	})
}

func (f *fixture) versions() map[string]string {
	f.t.Helper()
	all := map[string]string{}
	for _, kind := range kinds {
		if u := f.get(kind); u != nil {
			all[kind] = u.GetResourceVersion() + " " + string(u.GetUID())
		}
	}
	return all
}

// edit changes an object as an admin with an editor would.
func (f *fixture) edit(kind string, change func(u *unstructured.Unstructured)) {
	f.t.Helper()
	f.eventually("editing "+kind, func() error {
		u := f.get(kind)
		if u == nil {
			return errors.New("it is not there")
		}
		change(u)
		return api.Update(f.t.Context(), u)
	})
}

func (f *fixture) patch(kind, patch string) {
	f.t.Helper()
	if err := api.Patch(f.t.Context(), f.empty(kind), client.RawPatch(types.JSONPatchType, []byte(patch))); err != nil {
		f.t.Fatal(err)
	}
}

// restored is the metric of one keeper.
func restored(t *testing.T, k *upkeep.Keeper) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(k); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, label := range metric.GetLabel() {
				value, _, _ := strings.Cut(label.GetValue(), "/")
				labels = append(labels, value)
			}
			if value := metric.GetCounter().GetValue(); value > 0 {
				all[strings.TrimPrefix(family.GetName(), "behalf_admission_objects_")+" "+strings.Join(labels, " ")] = value
			}
		}
	}
	return all
}

// THREATS 10: what admission rests on comes back whoever took it away, whole and with whatever the API server fills in.
func TestWhatIsDeletedIsCreatedByAnyReplica(t *testing.T) {
	for name, change := range map[string]with{"by the leader": func(*upkeep.Options) {}, "by a replica that does not lead": follower} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.install()
			want := f.bodies()
			k, _ := f.keeper(change)
			for _, kind := range kinds {
				if err := api.Delete(t.Context(), f.empty(kind)); err != nil {
					t.Fatal(err)
				}
				f.becomes(want)
			}
			f.eventually("each is counted", func() error {
				got := restored(t, k)
				for _, kind := range kinds {
					if got["restored_total missing "+kind] != 1 {
						return fmt.Errorf("%v", got)
					}
				}
				return nil
			})
			if labels := f.get(validating).GetLabels(); labels["app.kubernetes.io/name"] != "behalf" {
				t.Errorf("labels are %v", labels)
			}
		})
	}
}

// What is deleted is seen to be: waiting for the next look, four times would take twice as long as the test is given.
func TestWhatIsDeletedDoesNotWaitForTheNextLook(t *testing.T) {
	f := newFixture(t)
	f.install()
	given, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 4 {
		f.reads.Store(0)
		_, stop := f.keeper(follower)
		f.eventually("it has looked at everything", func() error {
			if f.reads.Load() < int64(len(kinds)) {
				return errors.New("not yet")
			}
			return nil
		})
		if err := api.Delete(t.Context(), f.empty(validating)); err != nil {
			t.Fatal(err)
		}
		f.eventually("it comes back", func() error {
			if given.Err() != nil {
				t.Fatal("it waited for the next look")
			}
			if f.get(validating) == nil {
				return errors.New("not yet")
			}
			return nil
		})
		stop()
	}
}

func TestWhatWasNeverInstalledIsCreated(t *testing.T) {
	f := newFixture(t)
	f.install()
	want := f.bodies()
	for _, kind := range kinds {
		if err := api.Delete(t.Context(), f.empty(kind)); err != nil {
			t.Fatal(err)
		}
	}
	f.keeper()
	f.becomes(want)
}

// alterations are ways to have admission admit what it should not. Each must be undone.
var alterations = map[string]struct{ kind, patch string }{
	"it fails open":                         {validating, `[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]`},
	"another namespace is left out":         {validating, `[{"op":"replace","path":"/webhooks/0/namespaceSelector/matchExpressions/0/values","value":["kube-system","mine"]}]`},
	"the selector asks for a label":         {validating, `[{"op":"add","path":"/webhooks/1/namespaceSelector","value":{"matchLabels":{"judged":"yes"}}}]`},
	"objects with a label are left out":     {validating, `[{"op":"replace","path":"/webhooks/0/objectSelector","value":{"matchExpressions":[{"key":"skip","operator":"DoesNotExist"}]}}]`},
	"a rule is gone":                        {validating, `[{"op":"replace","path":"/webhooks/0/rules/0/operations","value":["CREATE"]}]`},
	"there are no rules":                    {validating, `[{"op":"remove","path":"/webhooks/0/rules"}]`},
	"a match condition is never met":        {validating, `[{"op":"replace","path":"/webhooks/0/matchConditions/0/expression","value":"false"}]`},
	"there is a match condition too many":   {validating, `[{"op":"add","path":"/webhooks/0/matchConditions/-","value":{"name":"never","expression":"false"}}]`},
	"one that had none has a condition":     {validating, `[{"op":"add","path":"/webhooks/1/matchConditions","value":[{"name":"never","expression":"false"}]}]`},
	"it matches one version only":           {validating, `[{"op":"replace","path":"/webhooks/0/matchPolicy","value":"Exact"}]`},
	"somebody else is asked":                {validating, `[{"op":"replace","path":"/webhooks/0/clientConfig/service/name","value":"yes-man"}]`},
	"another path is asked":                 {validating, `[{"op":"replace","path":"/webhooks/0/clientConfig/service/path","value":"/b"}]`},
	"somebody else is asked by URL":         {validating, `[{"op":"replace","path":"/webhooks/0/clientConfig","value":{"url":"https://192.0.2.1/"}}]`},
	"it has side effects":                   {validating, `[{"op":"replace","path":"/webhooks/0/sideEffects","value":"NoneOnDryRun"}]`},
	"it times out sooner":                   {validating, `[{"op":"replace","path":"/webhooks/0/timeoutSeconds","value":1}]`},
	"a webhook is gone":                     {validating, `[{"op":"remove","path":"/webhooks/0"}]`},
	"all webhooks are gone":                 {validating, `[{"op":"remove","path":"/webhooks"}]`},
	"a webhook has another name":            {validating, `[{"op":"replace","path":"/webhooks/0/name","value":"z.test.dev"}]`},
	"there is a webhook too many":           {mutating, `[{"op":"add","path":"/webhooks/-","value":{"name":"d.test.dev","admissionReviewVersions":["v1"],"sideEffects":"None","clientConfig":{"url":"https://192.0.2.1/"},"rules":[{"apiGroups":["x.test.dev"],"apiVersions":["v1"],"resources":["xs"],"operations":["CREATE"]}]}}]`},
	"it is not asked again":                 {mutating, `[{"op":"replace","path":"/webhooks/0/reinvocationPolicy","value":"Never"}]`},
	"the policy fails open":                 {policy, `[{"op":"replace","path":"/spec/failurePolicy","value":"Ignore"}]`},
	"the policy is always met":              {policy, `[{"op":"replace","path":"/spec/validations/0/expression","value":"true"}]`},
	"the policy has a condition":            {policy, `[{"op":"add","path":"/spec/matchConditions","value":[{"name":"never","expression":"false"}]}]`},
	"the policy leaves out a resource name": {policy, `[{"op":"add","path":"/spec/matchConstraints/excludeResourceRules","value":[{"apiGroups":["*"],"apiVersions":["*"],"resources":["*"],"operations":["*"]}]}]`},
	"the binding only warns":                {binding, `[{"op":"replace","path":"/spec/validationActions","value":["Warn"]}]`},
	"the binding is of another policy":      {binding, `[{"op":"replace","path":"/spec/policyName","value":"none"}]`},
	"the binding matches one namespace":     {binding, `[{"op":"add","path":"/spec/matchResources","value":{"namespaceSelector":{"matchLabels":{"judged":"yes"}}}}]`},
}

// THREATS 4, 10: nothing that decides whether admission is asked, whom, and what follows without an answer, stays altered.
func TestWhatIsAlteredIsRestored(t *testing.T) {
	for name, alteration := range alterations {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.install()
			k, _ := f.keeper()
			if err := k.Publish(t.Context(), []byte("ca")); err != nil {
				t.Fatal(err)
			}
			if err := f.bundles("ca"); err != nil {
				t.Fatal(err)
			}
			want := f.bodies()
			f.patch(alteration.kind, alteration.patch)
			f.becomes(want)
			f.eventually("it is counted", func() error {
				if got := restored(t, k); got["restored_total altered "+alteration.kind] != 1 || len(got) != 1 {
					return fmt.Errorf("%v", got)
				}
				return nil
			})
		})
	}
}

// bundles errs unless every webhook has the caBundle.
func (f *fixture) bundles(want string) error {
	f.t.Helper()
	for _, kind := range []string{validating, mutating} {
		u := f.get(kind)
		if u == nil {
			return errors.New(kind + " is not there")
		}
		webhooks, _, err := unstructured.NestedSlice(u.Object, "webhooks")
		if err != nil || len(webhooks) == 0 {
			return fmt.Errorf("%s has webhooks %v, %w", kind, webhooks, err)
		}
		for _, each := range webhooks {
			bundle, _, err := unstructured.NestedString(each.(map[string]any), "clientConfig", "caBundle")
			if err != nil {
				return err
			}
			if got, err := base64.StdEncoding.DecodeString(bundle); err != nil || string(got) != want {
				return fmt.Errorf("%s: caBundle is %q, want %q", kind, got, want)
			}
		}
	}
	return nil
}

// Labels, annotations and owners are for whoever installed it: a pipeline that sets them finds nothing to undo.
func TestWhatBelongsToOthersIsLeftAlone(t *testing.T) {
	f := newFixture(t)
	f.install()
	want := f.bodies()
	k, _ := f.keeper()
	theirs := map[string]string{"argocd.argoproj.io/instance": "behalf", "app.kubernetes.io/name": "platform"}
	for _, kind := range kinds {
		f.edit(kind, func(u *unstructured.Unstructured) {
			u.SetLabels(theirs)
			u.SetAnnotations(map[string]string{"team": "security"})
		})
	}
	f.patch(validating, `[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]`)
	f.becomes(want)
	for _, kind := range kinds {
		if u := f.get(kind); !maps.Equal(u.GetLabels(), theirs) || !maps.Equal(u.GetAnnotations(), map[string]string{"team": "security"}) {
			t.Errorf("%s: labels %v, annotations %v", kind, u.GetLabels(), u.GetAnnotations())
		}
	}
	if got := restored(t, k); got["restored_total altered "+policy] != 0 {
		t.Errorf("a label was taken for an alteration: %v", got)
	}
}

// The annotation that has cert-manager fill in the caBundle is the manifest's own.
func TestTheManifestsAnnotationsAreHeld(t *testing.T) {
	f := newFixture(t)
	objects := f.objects()
	for _, o := range objects {
		o.SetAnnotations(map[string]string{"cert-manager.io/inject-ca-from": "behalf-system/behalf-serving"})
	}
	f.keeperOver(api, objects)
	for _, kind := range []string{validating, mutating} {
		f.edit(kind, func(u *unstructured.Unstructured) { u.SetAnnotations(map[string]string{"team": "security"}) })
		f.eventually("the annotation comes back", func() error {
			if got := f.get(kind).GetAnnotations(); got["cert-manager.io/inject-ca-from"] == "" || got["team"] == "" {
				return fmt.Errorf("%v", got)
			}
			return nil
		})
		// What cert-manager writes stays.
		f.patch(kind, `[{"op":"add","path":"/webhooks/0/clientConfig/caBundle","value":"`+base64.StdEncoding.EncodeToString([]byte("theirs"))+`"}]`)
		f.patch(kind, `[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]`)
		f.eventually("it fails closed again", func() error {
			if text := fmt.Sprint(body(f.get(kind))); strings.Contains(text, "Ignore") || !strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("theirs"))) {
				return errors.New(text)
			}
			return nil
		})
	}
}

// THREATS 44: idle means no writes.
func TestWhatIsInOrderIsNotWritten(t *testing.T) {
	f := newFixture(t)
	f.install()
	k, stop := f.keeper()
	if err := k.Publish(t.Context(), []byte("ca")); err != nil {
		t.Fatal(err)
	}
	f.eventually("caBundle", func() error { return f.bundles("ca") })
	f.eventually("it has looked at everything", func() error {
		if f.writes.Load() < int64(len(kinds)) { // it asks the API server for what it makes of the manifest once
			return errors.New("not yet")
		}
		return nil
	})
	stop()
	before := f.versions()

	again, _ := f.keeper()
	f.writes.Store(0)
	for range 20 {
		if err := again.Publish(t.Context(), []byte("ca")); err != nil {
			t.Fatal(err)
		}
		for _, kind := range kinds { // each change of labels has it look
			f.edit(kind, func(u *unstructured.Unstructured) { u.SetLabels(map[string]string{"x": "y"}) })
		}
	}
	for range 3 {
		f.edit(binding, func(u *unstructured.Unstructured) {
			u.SetLabels(map[string]string{"x": fmt.Sprint(len(u.GetLabels()))})
		})
	}
	if got := f.writes.Load(); got > int64(len(kinds)) {
		t.Errorf("%d writes where nothing was to be written; each object may be asked about once", got)
	}
	if got := restored(t, again); len(got) > 0 {
		t.Errorf("counted %v", got)
	}
	for kind, version := range f.versions() {
		if _, uid, _ := strings.Cut(version, " "); !strings.HasSuffix(before[kind], uid) {
			t.Errorf("%s is another object now", kind)
		}
	}
}

// A replica that starts finds everything in order and changes nothing, although it asks.
func TestAStartOverWhatIsInOrderChangesNothing(t *testing.T) {
	f := newFixture(t)
	f.install()
	before := f.versions()
	f.keeper()
	f.eventually("it has asked about everything", func() error {
		if f.writes.Load() < int64(len(kinds)) {
			return errors.New("not yet")
		}
		return nil
	})
	if after := f.versions(); !maps.Equal(before, after) {
		t.Errorf("versions were %v, are %v", before, after)
	}
}

// Two versions of the manager run beside each other during an update: only the leader's has its way.
func TestAReplicaThatDoesNotLeadDoesNotUndoWhatTheLeaderSays(t *testing.T) {
	f := newFixture(t)
	f.install()
	older := f.objects()
	for _, o := range older {
		if o.GetKind() == policy {
			if err := unstructured.SetNestedField(o.Object, "Ignore", "spec", "failurePolicy"); err != nil {
				t.Fatal(err)
			}
		}
	}
	elected := make(chan struct{})
	old, _ := f.keeperOver(api, older, func(o *upkeep.Options) { o.Elected = elected })
	f.keeper()
	want := f.bodies()
	for range 5 {
		f.edit(policy, func(u *unstructured.Unstructured) {
			u.SetLabels(map[string]string{"x": u.GetResourceVersion()})
		})
		f.patch(binding, `[{"op":"replace","path":"/spec/validationActions","value":["Warn"]}]`)
		f.becomes(want)
	}
	if got := restored(t, old); len(got) > 0 {
		t.Errorf("the other one wrote too: %v", got)
	}
	close(elected)
	f.eventually("once it leads, it has its way", func() error {
		if got := restored(t, old)["restored_total altered "+policy]; got < 1 {
			return errors.New("not yet")
		}
		return nil
	})
}

func TestWhatSomebodyElseManagesIsLeftToThem(t *testing.T) {
	f := newFixture(t)
	k, _ := f.keeper(unmanaged)
	if err := k.Publish(t.Context(), []byte("ca")); err != nil {
		t.Errorf("what is not there is no error: %v", err)
	}
	f.install()
	f.eventually("the caBundle of what exists is kept", func() error { return f.bundles("ca") })
	f.patch(validating, `[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]`)
	f.patch(policy, `[{"op":"replace","path":"/spec/failurePolicy","value":"Ignore"}]`)
	altered := f.bodies()
	if err := k.Publish(t.Context(), []byte("another")); err != nil {
		t.Fatal(err)
	}
	if err := f.bundles("another"); err != nil {
		t.Error(err)
	}
	if fmt.Sprint(f.bodies()[policy]) != fmt.Sprint(altered[policy]) || !strings.Contains(fmt.Sprint(f.bodies()[validating]), "Ignore") {
		t.Error("it was restored")
	}
	if err := api.Delete(t.Context(), f.empty(mutating)); err != nil {
		t.Fatal(err)
	}
	if err := k.Publish(t.Context(), []byte("a third")); err != nil || f.get(mutating) != nil {
		t.Errorf("what was switched off: %v, %v", f.get(mutating), err)
	}
	if got := restored(t, k); len(got) > 0 {
		t.Errorf("counted %v", got)
	}
}

// THREATS 10: an authority that could not be written down is not presented, so that must be told.
func TestWhatCannotBeWrittenIsToldAndCounted(t *testing.T) {
	f := newFixture(t)
	f.install()
	if err := api.Delete(t.Context(), f.empty(mutating)); err != nil {
		t.Fatal(err)
	}
	forbidden := interceptor.NewClient(api, interceptor.Funcs{
		Update: func(context.Context, client.WithWatch, client.Object, ...client.UpdateOption) error {
			return errors.New("forbidden here")
		},
		Apply: func(context.Context, client.WithWatch, runtime.ApplyConfiguration, ...client.ApplyOption) error {
			return errors.New("forbidden too")
		},
	})
	k, _ := f.keeperOver(forbidden, f.objects())
	err := k.Publish(t.Context(), []byte("ca"))
	if err == nil || !strings.Contains(err.Error(), "updating the caBundle of "+validating+" "+f.name+": forbidden here") {
		t.Errorf("said %v", err)
	}
	if err != nil && strings.Contains(err.Error(), mutating) {
		t.Errorf("what is not there, nobody asks: %v", err)
	}
	f.eventually("it tells", func() error {
		said := strings.Join(k.Problems(), "\n")
		for _, want := range []string{
			"admission: restoring " + policy + " " + f.name + ": forbidden here (config/rbac lets the manager do so)",
			"admission: creating " + mutating + " " + f.name + ", which is not there: forbidden too (config/rbac lets the manager do so)",
		} {
			if !strings.Contains(said, want) {
				return fmt.Errorf("said %s, want %s", said, want)
			}
		}
		for _, kind := range kinds {
			if restored(t, k)["failures_total "+kind] < 1 {
				return fmt.Errorf("%s is not counted: %v", kind, restored(t, k))
			}
		}
		return nil
	})
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	named := &unstructured.Unstructured{}
	named.SetKind(policy)
	named.SetName("x")
	namespaced := named.DeepCopy()
	namespaced.SetNamespace("support")
	for name, options := range map[string]upkeep.Options{
		"no mode":                  {},
		"a mode that nobody has":   {Mode: "Perhaps"},
		"an object without name":   {Mode: upkeep.Managed, Objects: []upkeep.Object{{Manifest: &unstructured.Unstructured{}}}},
		"an object of a namespace": {Mode: upkeep.Managed, Objects: []upkeep.Object{{Manifest: namespaced}}},
	} {
		if _, err := upkeep.New(api, options); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := upkeep.Read([]byte("a: [")); err == nil {
		t.Error("a manifest that is no YAML: no error")
	}
}

func TestNothingIsLeftRunning(t *testing.T) {
	f := newFixture(t)
	before := goleak.IgnoreCurrent()
	_, stop := f.keeper()
	f.eventually("all are there", func() error {
		if there := f.bodies(); len(there) < len(kinds) {
			return errors.New("not yet")
		}
		return nil
	})
	stop()
	goleak.VerifyNone(t, before)
}
