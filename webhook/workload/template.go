// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// defaultServiceAccount is the one of a pod that names none.
const defaultServiceAccount = "default"

// Template is as much of a pod or a pod template as is judged.
type Template struct {
	Metadata Metadata `json:"metadata"`
	Spec     PodSpec  `json:"spec"`
}

// Metadata is as much of the object metadata as is judged.
type Metadata struct {
	Annotations map[string]string `json:"annotations"`
}

// PodSpec is as much of a pod's specification as is judged.
type PodSpec struct {
	ServiceAccountName string `json:"serviceAccountName"`
	// ServiceAccount is the old name of ServiceAccountName.
	ServiceAccount string   `json:"serviceAccount"`
	Volumes        []Volume `json:"volumes"`
}

// Volume is as much of a volume as is judged.
type Volume struct {
	Projected *Projected `json:"projected"`
}

// Projected is a volume made of several sources.
type Projected struct {
	Sources []Source `json:"sources"`
}

// Source is one source of a projected volume.
type Source struct {
	ServiceAccountToken *ServiceAccountToken `json:"serviceAccountToken"`
}

// ServiceAccountToken is a token that the kubelet asks for. An empty audience means the API server.
type ServiceAccountToken struct {
	Audience string `json:"audience"`
}

// TemplateOf is what Decode reads of the same pod.
func TemplateOf(full *corev1.Pod) Template {
	template := Template{
		Metadata: Metadata{Annotations: full.Annotations},
		Spec: PodSpec{
			ServiceAccountName: full.Spec.ServiceAccountName,
			ServiceAccount:     full.Spec.DeprecatedServiceAccount,
			Volumes:            make([]Volume, len(full.Spec.Volumes)),
		},
	}
	for i := range full.Spec.Volumes {
		projected := full.Spec.Volumes[i].Projected
		if projected == nil {
			continue
		}
		sources := make([]Source, len(projected.Sources))
		for k := range projected.Sources {
			if token := projected.Sources[k].ServiceAccountToken; token != nil {
				sources[k].ServiceAccountToken = &ServiceAccountToken{Audience: token.Audience}
			}
		}
		template.Spec.Volumes[i].Projected = &Projected{Sources: sources}
	}
	return template
}

// Ask is what a template asks for.
type Ask struct {
	// ServiceAccount is never empty.
	ServiceAccount string
	// Annotated says that the annotation is there, and Scopes is its value, which may be empty.
	Annotated bool
	Scopes    string
	// TokenField is the path, within the template, of the first token for the exchange's audience; empty where there is none.
	TokenField string
}

// Ask gives what the template asks for.
func (t *Template) Ask(exchangeAudience string) Ask {
	scopes, annotated := t.Metadata.Annotations[ScopesAnnotation]
	return Ask{
		ServiceAccount: t.Spec.serviceAccount(),
		Annotated:      annotated,
		Scopes:         scopes,
		TokenField:     t.Spec.tokenField(exchangeAudience),
	}
}

// serviceAccount is the service account as the API server works it out, which a template may reach us without: the name goes
// before its old name, and neither means default.
func (s *PodSpec) serviceAccount() string {
	switch {
	case s.ServiceAccountName != "":
		return s.ServiceAccountName
	case s.ServiceAccount != "":
		return s.ServiceAccount
	default:
		return defaultServiceAccount
	}
}

func (s *PodSpec) tokenField(audience string) string {
	for i, volume := range s.Volumes {
		if volume.Projected == nil {
			continue
		}
		for j, source := range volume.Projected.Sources {
			if token := source.ServiceAccountToken; token != nil && token.Audience == audience {
				return fmt.Sprintf("spec.volumes[%d].projected.sources[%d].serviceAccountToken.audience", i, j)
			}
		}
	}
	return ""
}

// MountsToken says whether a token for the exchange's audience is asked for.
func (a Ask) MountsToken() bool { return a.TokenField != "" }

// Nothing says whether no delegation is asked for.
func (a Ask) Nothing() bool { return !a.Annotated && !a.MountsToken() }

// Same says whether b asks for the same: as the same service account, by the same annotation, with or without a token.
func (a Ask) Same(b Ask) bool {
	return a.ServiceAccount == b.ServiceAccount && a.Annotated == b.Annotated && a.Scopes == b.Scopes &&
		a.MountsToken() == b.MountsToken()
}
