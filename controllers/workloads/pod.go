// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"fmt"
	"unique"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"

	"behalf.dev/behalf/webhook/workload"
)

// running leaves out, at the API server, pods that have come to their end: they hold no token and ask for nothing any more.
// One that is being deleted runs until it is gone.
const running = "status.phase!=Succeeded,status.phase!=Failed"

// pod is what is kept of one: its name, UID and resource version, by which the cache tells news from repetition, and where it
// asks for something, what that is and which object made it. What others put into pods, environment and all, is not kept.
type pod struct {
	metav1.ObjectMeta
	// ask is shared by all pods that ask for the same. The zero value is that of pods that ask for nothing.
	ask unique.Handle[workload.Ask]
}

var nothing unique.Handle[workload.Ask]

// slim makes a pod of what the API server sends.
func slim(exchangeAudience string) toolscache.TransformFunc {
	return func(object any) (any, error) {
		full, ok := object.(*corev1.Pod)
		if !ok {
			return nil, fmt.Errorf("keeping pods: %T is none", object)
		}
		kept := &pod{ObjectMeta: metav1.ObjectMeta{
			Namespace: full.Namespace, Name: full.Name, UID: full.UID, ResourceVersion: full.ResourceVersion,
		}}
		template := workload.TemplateOf(full)
		if ask := template.Ask(exchangeAudience); !ask.Nothing() {
			kept.ask = unique.Make(ask)
			if made := metav1.GetControllerOf(full); made != nil {
				kept.OwnerReferences = []metav1.OwnerReference{*made}
			}
		}
		return kept, nil
	}
}

// asks says whether the pod asks for delegation.
func (p *pod) asks() bool { return p.ask != nothing }

// account is the service account of a pod that asks.
func (p *pod) account() types.NamespacedName {
	return types.NamespacedName{Namespace: p.Namespace, Name: p.ask.Value().ServiceAccount}
}

// workload is the object that made the pod, or where there is none that an event could be about, the pod. The mirror of a
// static pod is made by its Node, which has no namespace for the event to stand in.
func (p *pod) workload() owner {
	for _, made := range p.OwnerReferences {
		if made.Kind != "Node" {
			return owner{apiVersion: made.APIVersion, kind: made.Kind, name: made.Name, uid: made.UID}
		}
	}
	return owner{apiVersion: "v1", kind: "Pod", name: p.Name, uid: p.UID}
}

// owner names an object within the namespace of a pod.
type owner struct {
	apiVersion, kind, name string
	uid                    types.UID
}
