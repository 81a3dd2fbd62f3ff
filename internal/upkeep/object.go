// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package upkeep

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"reflect"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Object is one that must be there. It is cluster-scoped.
type Object struct {
	// Manifest is the object as it is applied.
	Manifest *unstructured.Unstructured
	// Complete, unless nil, gives what takes the place of Manifest, of which then kind and name alone count. It is asked when
	// the object is to be written, again until it does not fail, and no more after that.
	Complete func(ctx context.Context) (*unstructured.Unstructured, error)
	// After, unless nil, is closed once the object may take effect, as this replica knows. Until then it does not restore
	// the object, and creates it only where it saw one stand before.
	After <-chan struct{}
}

// object is one that must be there, and what is known of it.
type object struct {
	// manifest says what kind it is and which name it has; what it must be, only where complete is nil.
	manifest *unstructured.Unstructured
	after    <-chan struct{}
	// policy is that of a binding; nil of everything else.
	policy *object
	// seen has something in it when the object was seen to change.
	seen chan struct{}
	// problem is of the last look; nil where there was none.
	problem atomic.Pointer[error]

	// mu is held over each look, which ends with a write at most. Who holds that of a binding may take that of its policy.
	mu sync.Mutex
	// complete is nil when text is known, and text is what the object must be.
	complete func(ctx context.Context) (*unstructured.Unstructured, error)
	text     *unstructured.Unstructured
	// stood says that one was seen.
	stood bool
	// written and settled are the body that was written last, and what the API server made of it.
	written, settled map[string]any
}

func newObject(o Object) *object {
	return &object{manifest: o.Manifest, text: o.Manifest, complete: o.Complete, after: o.After, seen: make(chan struct{}, 1)}
}

// know finds out what the object must be.
func (o *object) know(ctx context.Context) error {
	if o.complete == nil {
		return nil
	}
	text, err := o.complete(ctx)
	if err != nil {
		return fmt.Errorf("finding out what %s must be: %w", o, err)
	}
	o.text, o.complete = text, nil
	return nil
}

// early says that the object may not take effect yet.
func (o *object) early() bool {
	if o.after == nil {
		return false
	}
	select {
	case <-o.after:
		return false
	default:
		return true
	}
}

// policyOf gives the policy of a binding among the others; nil where it has none, or is none.
func (o *object) policyOf(others []*object) *object {
	if o.manifest.GetKind() != bindingKind {
		return nil
	}
	name, _, _ := unstructured.NestedString(o.manifest.Object, "spec", "policyName")
	for _, other := range others {
		if other.manifest.GetKind() == policyKind && other.manifest.GetName() == name {
			return other
		}
	}
	return nil
}

// String names it for people.
func (o *object) String() string { return o.manifest.GetKind() + " " + o.manifest.GetName() }

// label names it for metrics.
func (o *object) label() string { return o.manifest.GetKind() + "/" + o.manifest.GetName() }

func (o *object) hasWebhooks() bool { return o.manifest.Object["webhooks"] != nil }

// look asks for a look soon.
func (o *object) look() {
	select {
	case o.seen <- struct{}{}:
	default:
	}
}

// body is what it must be: as the manifest says, with the caBundle that is given or, without one, those that are there.
func (o *object) body(bundle []byte, live *unstructured.Unstructured) map[string]any {
	want := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(bodyOf(o.text))}
	if bundle == nil && live != nil {
		keepBundles(want, live)
	} else {
		setBundle(want, bundle)
	}
	return want.Object
}

// settledAs says whether what is there is what came of the same text before.
func (o *object) settledAs(want map[string]any, live *unstructured.Unstructured) bool {
	return o.settled != nil && reflect.DeepEqual(want, o.written) && reflect.DeepEqual(bodyOf(live), o.settled) && o.annotated(live)
}

func (o *object) settle(written map[string]any, stored *unstructured.Unstructured) {
	o.written, o.settled = written, runtime.DeepCopyJSON(bodyOf(stored))
}

func (o *object) annotated(live *unstructured.Unstructured) bool {
	there := live.GetAnnotations()
	for key, value := range o.text.GetAnnotations() {
		if there[key] != value {
			return false
		}
	}
	return true
}

func (o *object) annotate(next *unstructured.Unstructured) {
	if o.annotated(next) {
		return
	}
	annotations := next.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	maps.Copy(annotations, o.text.GetAnnotations())
	next.SetAnnotations(annotations)
}

// bodyOf is everything beside what kind it is, metadata, and what others report.
func bodyOf(u *unstructured.Unstructured) map[string]any {
	body := maps.Clone(u.Object)
	for _, field := range []string{"apiVersion", "kind", "metadata", "status"} {
		delete(body, field)
	}
	return body
}

// clientConfigs are those of all webhooks, by the webhook's name.
func clientConfigs(u *unstructured.Unstructured) map[string]map[string]any {
	all := map[string]map[string]any{}
	webhooks, _ := u.Object["webhooks"].([]any)
	for _, each := range webhooks {
		webhook, _ := each.(map[string]any)
		name, _ := webhook["name"].(string)
		if config, ok := webhook["clientConfig"].(map[string]any); ok {
			all[name] = config
		}
	}
	return all
}

// setBundle says whether anything had to change. Without a bundle nothing has.
func setBundle(u *unstructured.Unstructured, bundle []byte) (changed bool) {
	if bundle == nil {
		return false
	}
	text := base64.StdEncoding.EncodeToString(bundle)
	for _, config := range clientConfigs(u) {
		if config["caBundle"] != text {
			config["caBundle"], changed = text, true
		}
	}
	return changed
}

func keepBundles(want, live *unstructured.Unstructured) {
	there := clientConfigs(live)
	for name, config := range clientConfigs(want) {
		if bundle, ok := there[name]["caBundle"]; ok {
			config["caBundle"] = bundle
		}
	}
}
