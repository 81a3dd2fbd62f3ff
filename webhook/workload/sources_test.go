// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// Reasons that several have in common.
const (
	ofTheCluster = "a volume as somebody set it up; where a CSI driver is behind it that wants a token for the exchange, its kubelet is judged when it asks"
	contents     = "holds what somebody wrote; a service account token in a Secret is for the API server, and carries no audience at all"
	ofThePod     = "what the pod itself says, without a token"
)

// sources are all ways of the Pod API by which something from outside comes into a container, and why each of them yields no
// token for an audience that the pod chooses. The one that does is judged.
var sources = map[string]string{
	"VolumeProjection.ServiceAccountToken": "judged",
	"VolumeProjection.ClusterTrustBundle":  "holds certificates of authorities",
	"VolumeProjection.PodCertificate":      "yields certificates; the exchange takes tokens alone",
	"VolumeProjection.Secret":              contents,
	"VolumeProjection.ConfigMap":           contents,
	"VolumeProjection.DownwardAPI":         ofThePod,

	"VolumeSource.Projected":             "its sources are VolumeProjections, and are walked",
	"VolumeSource.Secret":                contents,
	"VolumeSource.ConfigMap":             contents,
	"VolumeSource.DownwardAPI":           ofThePod,
	"VolumeSource.EmptyDir":              "holds what the pod's own containers write",
	"VolumeSource.HostPath":              "reads the node, other pods' tokens too: what Pod Security is there for, and no admission of ours",
	"VolumeSource.GitRepo":               "holds what a repository holds",
	"VolumeSource.Image":                 "holds what an image holds",
	"VolumeSource.Ephemeral":             "makes a claim of the pod's own: " + ofTheCluster,
	"VolumeSource.PersistentVolumeClaim": ofTheCluster,
	"VolumeSource.CSI":                   ofTheCluster,
	"VolumeSource.FlexVolume":            "a driver on the node, which is handed no token",
	"VolumeSource.GCEPersistentDisk":     ofTheCluster,
	"VolumeSource.AWSElasticBlockStore":  ofTheCluster,
	"VolumeSource.NFS":                   ofTheCluster,
	"VolumeSource.ISCSI":                 ofTheCluster,
	"VolumeSource.Glusterfs":             ofTheCluster,
	"VolumeSource.RBD":                   ofTheCluster,
	"VolumeSource.Cinder":                ofTheCluster,
	"VolumeSource.CephFS":                ofTheCluster,
	"VolumeSource.Flocker":               ofTheCluster,
	"VolumeSource.FC":                    ofTheCluster,
	"VolumeSource.AzureFile":             ofTheCluster,
	"VolumeSource.VsphereVolume":         ofTheCluster,
	"VolumeSource.Quobyte":               ofTheCluster,
	"VolumeSource.AzureDisk":             ofTheCluster,
	"VolumeSource.PhotonPersistentDisk":  ofTheCluster,
	"VolumeSource.PortworxVolume":        ofTheCluster,
	"VolumeSource.ScaleIO":               ofTheCluster,
	"VolumeSource.StorageOS":             ofTheCluster,

	"EnvVarSource.FieldRef":         ofThePod,
	"EnvVarSource.ResourceFieldRef": ofThePod,
	"EnvVarSource.ConfigMapKeyRef":  contents,
	"EnvVarSource.SecretKeyRef":     contents,
	"EnvVarSource.FileKeyRef":       "reads a file of an emptyDir of the pod",
	"EnvFromSource.Prefix":          "a name",
	"EnvFromSource.ConfigMapRef":    contents,
	"EnvFromSource.SecretRef":       contents,

	"PodSpec.ImagePullSecrets": contents + "; the kubelet reads it, and no container does",
	"PodSpec.ResourceClaims":   "names devices",
}

// The judgement looks at volumes and walks no list of containers. THREATS 1: that holds for as long as nothing in the Pod API
// but one source of one volume yields a token; a field of a later release fails this test until somebody has thought about it.
func TestNothingElseYieldsAToken(t *testing.T) {
	served := map[string]bool{"PodSpec.ImagePullSecrets": true, "PodSpec.ResourceClaims": true}
	for _, of := range []any{corev1.VolumeSource{}, corev1.VolumeProjection{}, corev1.EnvVarSource{}, corev1.EnvFromSource{}} {
		for _, field := range reflect.VisibleFields(reflect.TypeOf(of)) {
			served[reflect.TypeOf(of).Name()+"."+field.Name] = true
		}
	}
	for name := range served {
		if sources[name] == "" {
			t.Errorf("nobody says why %s yields no token for the exchange", name)
		}
	}
	for name := range sources {
		if !served[name] {
			t.Errorf("%s has a reason, and is not there", name)
		}
	}
	var found []string
	fields(reflect.TypeFor[corev1.PodTemplateSpec](), "", func(path string, of reflect.Type) {
		name := strings.ToLower(path[strings.LastIndexByte(path, '.')+1:])
		if strings.Contains(name, "token") || strings.Contains(name, "audience") || of == reflect.TypeFor[corev1.ServiceAccountTokenProjection]() {
			found = append(found, path)
		}
	})
	want := []string{
		".Spec.AutomountServiceAccountToken", // for the API server
		".Spec.Volumes.VolumeSource.Projected.Sources.ServiceAccountToken",
		".Spec.Volumes.VolumeSource.Projected.Sources.ServiceAccountToken.Audience",
	}
	slices.Sort(found)
	if !slices.Equal(found, want) {
		t.Errorf("tokens are asked for at %v, and the judgement knows of %v", found, want)
	}
}

// Where something from outside comes in is known of every list of containers: init, ephemeral and plain. THREATS 1
func TestContainersBringInNothingElse(t *testing.T) {
	var lists []string
	fields(reflect.TypeFor[corev1.PodSpec](), "", func(path string, of reflect.Type) {
		if of == reflect.TypeFor[corev1.EnvVarSource]() || of == reflect.TypeFor[corev1.EnvFromSource]() || of == reflect.TypeFor[corev1.VolumeMount]() ||
			of == reflect.TypeFor[corev1.VolumeDevice]() || of == reflect.TypeFor[corev1.VolumeSource]() {
			lists = append(lists, path)
		}
	})
	want := []string{".Volumes.VolumeSource"}
	for _, list := range []string{".InitContainers", ".Containers", ".EphemeralContainers.EphemeralContainerCommon"} {
		for _, in := range []string{".Env.ValueFrom", ".EnvFrom", ".VolumeMounts", ".VolumeDevices"} {
			want = append(want, list+in)
		}
	}
	slices.Sort(lists)
	slices.Sort(want)
	if !slices.Equal(lists, want) {
		t.Errorf("something comes in at %v, want %v", lists, want)
	}
}

// fields tells of every field below a type of the API, with its path and its type without pointers and lists.
func fields(of reflect.Type, path string, tell func(string, reflect.Type)) {
	if of.Kind() != reflect.Struct || !strings.HasPrefix(of.PkgPath(), "k8s.io/api/") {
		return
	}
	for field := range of.Fields() {
		inner := field.Type
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice || inner.Kind() == reflect.Map {
			inner = inner.Elem()
		}
		below := path + "." + field.Name
		tell(below, inner)
		fields(inner, below, tell)
	}
}
