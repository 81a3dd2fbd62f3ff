// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// maker makes objects of one kind around a template.
type maker struct {
	path string
	make func(metav1.ObjectMeta, corev1.PodTemplateSpec) client.Object
	// template of an object that make made; nil for a Pod, which is its own.
	template func(client.Object) *corev1.PodTemplateSpec
}

var (
	chosen  = map[string]string{"app": "x"}
	chooses = &metav1.LabelSelector{MatchLabels: chosen}
)

// makers of every built-in kind that makes pods.
var makers = map[string]maker{
	"Pod": {"", func(m metav1.ObjectMeta, t corev1.PodTemplateSpec) client.Object {
		m.Labels, m.Annotations = t.Labels, t.Annotations
		return &corev1.Pod{ObjectMeta: m, Spec: t.Spec}
	}, nil},
	"PodTemplate": {"template", func(m metav1.ObjectMeta, t corev1.PodTemplateSpec) client.Object {
		return &corev1.PodTemplate{ObjectMeta: m, Template: t}
	}, func(o client.Object) *corev1.PodTemplateSpec { return &o.(*corev1.PodTemplate).Template }},
	"ReplicationController": {"spec.template", func(m metav1.ObjectMeta, t corev1.PodTemplateSpec) client.Object {
		return &corev1.ReplicationController{ObjectMeta: m, Spec: corev1.ReplicationControllerSpec{Selector: chosen, Template: &t}}
	}, func(o client.Object) *corev1.PodTemplateSpec { return o.(*corev1.ReplicationController).Spec.Template }},
	"Deployment": {"spec.template", func(m metav1.ObjectMeta, t corev1.PodTemplateSpec) client.Object {
		return &appsv1.Deployment{ObjectMeta: m, Spec: appsv1.DeploymentSpec{Selector: chooses, Template: t}}
	}, func(o client.Object) *corev1.PodTemplateSpec { return &o.(*appsv1.Deployment).Spec.Template }},
	"ReplicaSet": {"spec.template", func(m metav1.ObjectMeta, t corev1.PodTemplateSpec) client.Object {
		return &appsv1.ReplicaSet{ObjectMeta: m, Spec: appsv1.ReplicaSetSpec{Selector: chooses, Template: t}}
	}, func(o client.Object) *corev1.PodTemplateSpec { return &o.(*appsv1.ReplicaSet).Spec.Template }},
	"StatefulSet": {"spec.template", func(m metav1.ObjectMeta, t corev1.PodTemplateSpec) client.Object {
		return &appsv1.StatefulSet{ObjectMeta: m, Spec: appsv1.StatefulSetSpec{Selector: chooses, Template: t}}
	}, func(o client.Object) *corev1.PodTemplateSpec { return &o.(*appsv1.StatefulSet).Spec.Template }},
	"DaemonSet": {"spec.template", func(m metav1.ObjectMeta, t corev1.PodTemplateSpec) client.Object {
		return &appsv1.DaemonSet{ObjectMeta: m, Spec: appsv1.DaemonSetSpec{Selector: chooses, Template: t}}
	}, func(o client.Object) *corev1.PodTemplateSpec { return &o.(*appsv1.DaemonSet).Spec.Template }},
	"Job": {"spec.template", func(m metav1.ObjectMeta, t corev1.PodTemplateSpec) client.Object {
		t.Spec.RestartPolicy = corev1.RestartPolicyNever
		// The template of a Job can be changed while it is suspended.
		return &batchv1.Job{ObjectMeta: m, Spec: batchv1.JobSpec{Suspend: new(true), Template: t}}
	}, func(o client.Object) *corev1.PodTemplateSpec { return &o.(*batchv1.Job).Spec.Template }},
	"CronJob": {"spec.jobTemplate.spec.template", func(m metav1.ObjectMeta, t corev1.PodTemplateSpec) client.Object {
		t.Spec.RestartPolicy = corev1.RestartPolicyNever
		return &batchv1.CronJob{ObjectMeta: m, Spec: batchv1.CronJobSpec{
			Schedule: "0 0 1 1 *", JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: t}},
		}}
	}, func(o client.Object) *corev1.PodTemplateSpec {
		return &o.(*batchv1.CronJob).Spec.JobTemplate.Spec.Template
	}},
}

// annotate puts our annotation on the object's template.
func (m maker) annotate(o client.Object, scopes string) {
	if m.template == nil {
		o.SetAnnotations(map[string]string{"behalf.dev/scopes": scopes})
		return
	}
	m.template(o).Annotations = map[string]string{"behalf.dev/scopes": scopes}
}

// plain is a template of support/portal that asks for nothing, with every kind of container.
func plain() corev1.PodTemplateSpec {
	always := corev1.ContainerRestartPolicyAlways
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: chosen},
		Spec: corev1.PodSpec{
			ServiceAccountName: "portal",
			InitContainers:     []corev1.Container{{Name: "init", Image: "x"}, {Name: "sidecar", Image: "x", RestartPolicy: &always}},
			Containers:         []corev1.Container{{Name: "main", Image: "x"}},
		},
	}
}

func asking(scopes string) corev1.PodTemplateSpec {
	t := plain()
	t.Annotations = map[string]string{"behalf.dev/scopes": scopes}
	return t
}

// mountingFor mounts a projected token, beside another source and behind another volume.
func mountingFor(audience string) corev1.PodTemplateSpec {
	t := plain()
	t.Spec.Volumes = []corev1.Volume{
		{Name: "empty", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		{Name: "tokens", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "api"}},
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "actor", Audience: audience}},
		}}}},
	}
	// Only the sidecar mounts it. THREATS 1
	t.Spec.InitContainers[1].VolumeMounts = []corev1.VolumeMount{{Name: "tokens", MountPath: "/tokens"}}
	return t
}

func in(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}
