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
type accepted map[types.NamespacedName]*v1alpha1.ResourceServer

// after is what is remembered of a resource server from now on, and how it is in force. A nil one is gone; one that was made
// anew under its name has nothing to go by.
func (a accepted) after(name types.NamespacedName, now *v1alpha1.ResourceServer, report compile.Report) (inForce *v1alpha1.ResourceServer) {
	last := a[name]
	switch {
	case now == nil:
		delete(a, name)
	case report.Accepted:
		a[name] = now
	case last == nil || last.UID != now.UID:
		delete(a, name)
	case report.StandIn:
		return last
	}
	return now
}
