// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/compile"
)

// accepted remembers each resource server as it was when it was last accepted, for the compiler to let it stand in for a
// later form that is not. It lasts as long as the process: after a restart nothing stands in, and the resource server has
// no bundle until it is mended.
type accepted map[types.NamespacedName]v1alpha1.ResourceServer

// of gives the forms that may stand in now: not those of resource servers that are gone or were made anew.
func (a accepted) of(servers []v1alpha1.ResourceServer) map[types.NamespacedName]v1alpha1.ResourceServer {
	standIns := map[types.NamespacedName]v1alpha1.ResourceServer{}
	for i := range servers {
		name := nameOfServer(&servers[i])
		if last, ok := a[name]; ok && last.UID == servers[i].UID {
			standIns[name] = last
		}
	}
	return standIns
}

// after is what is remembered from now on, and how each resource server is in force.
func (a accepted) after(servers []v1alpha1.ResourceServer, result *compile.Result) (accepted, map[types.NamespacedName]form) {
	next := accepted(a.of(servers))
	forms := make(map[types.NamespacedName]form, len(servers))
	for i := range servers {
		s := &servers[i]
		name := nameOfServer(s)
		report := result.Reports[compile.Key{Kind: compile.KindResourceServer, Namespace: s.Namespace, Name: s.Name}]
		inForce := *s
		switch {
		case report.Accepted:
			next[name] = *s
		case report.StandIn:
			inForce = next[name]
		}
		forms[name] = formOf(&inForce, s.Status.Bundle.Revision)
	}
	return next, forms
}

func nameOfServer(s *v1alpha1.ResourceServer) types.NamespacedName {
	return types.NamespacedName{Namespace: s.Namespace, Name: s.Name}
}
