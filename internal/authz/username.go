// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import "strings"

// CouldBe says whether a Kubernetes user name could be that of somebody whom an issuer knows by a name or id. The user name is
// the API server's and the other the issuer's, so the two may differ in case and in what the API server puts before
// (oidc:alice, https://idp.example#alice): whatever stands before it up to ':', '#' or '/'. Where they could be one person
// they count as one. Nobody is called by an empty name.
func CouldBe(username, name string) bool {
	if name == "" {
		return false
	}
	for {
		if strings.EqualFold(username, name) {
			return true
		}
		at := strings.IndexAny(username, ":#/")
		if at < 0 {
			return false
		}
		username = username[at+1:]
	}
}

const serviceAccountPrefix = "system:serviceaccount:"

// ActorOf reads the user name that the API server gives a service account: system:serviceaccount:NAMESPACE:NAME.
func ActorOf(username string) (Actor, bool) {
	account, ok := strings.CutPrefix(username, serviceAccountPrefix)
	if !ok {
		return Actor{}, false
	}
	namespace, name, _ := strings.Cut(account, ":")
	if namespace == "" || name == "" || strings.Contains(name, ":") {
		return Actor{}, false
	}
	return Actor{Namespace: namespace, ServiceAccount: name}, true
}
