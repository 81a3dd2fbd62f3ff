// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"strings"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/canonical"
)

// form is what one ResourceServer says by itself, before anybody else is asked.
type form struct {
	findings
	spec *v1alpha1.ResourceServerSpec
	// usable says that a bundle can be made: all is well, but for entitlements perhaps.
	usable bool
	// policy is the bundle as far as it stands: Scopes without entitlements, nothing of what other objects say.
	policy bundle.Policy
	scopes scopeTable
	// entitlements of each of policy.Scopes.
	entitlements [][]entitlement
}

type entitlement struct {
	subjects   bundle.SubjectSelector
	conditions []bundle.Condition
}

// shape reads one ResourceServer.
func (v *view) shape(rs *v1alpha1.ResourceServer) *form {
	f := &form{findings: findingsOf(KindResourceServer, rs.ObjectMeta), spec: &rs.Spec}
	f.policy = bundle.Policy{
		Format:         bundle.Format,
		ResourceServer: f.object,
		Audience:       string(rs.Spec.Audience),
		Hosts:          f.hosts(),
		DryRunUntil:    f.dryRun(),
	}
	if f.policy.Audience == "" {
		f.invalidf("spec.audience", "there is no audience; name the one that tokens for this API carry")
	}
	f.policy.MaxStaleSeconds = f.maxStale()
	f.allowActors(v)
	f.nameScopes()
	f.policy.Routes = f.routes()
	f.usable = !f.failed()
	f.entitle(v)
	return f
}

// hosts are compared as they stand with the host of a request, which is in lower case and without its port.
func (f *form) hosts() []string {
	for i, host := range f.spec.Hosts {
		field := fmt.Sprintf("spec.hosts[%d]", i)
		switch {
		case host == "":
			f.invalidf(field, "the host is empty; fill it in or remove it")
		case strings.Contains(host, wildcard):
			f.invalidf(field, "%q is a pattern and hosts are exact; name each host", host)
		case host != strings.ToLower(host):
			f.invalidf(field, "%q is not in lower case; write %q", host, strings.ToLower(host))
		case !isHost(host):
			f.invalidf(field, "%q is not a host alone; leave out scheme, port, path and the dot at the end", host)
		}
	}
	return sortedNames(f.spec.Hosts)
}

// isHost takes what the engine could find in a Host header.
func isHost(host string) bool {
	name, ok := canonical.HostOf(host)
	return ok && name == host
}

func (f *form) dryRun() int64 {
	until, fault := dryRunUntil(f.spec.Enforcement)
	if fault.message != "" {
		f.invalidf("spec.enforcement."+fault.field, "%s", fault.message)
	}
	return until
}

func (f *form) maxStale() int32 {
	seconds := f.spec.MaxStaleSeconds
	switch f.spec.OnStale {
	case v1alpha1.OnStaleDeny, "":
		if seconds != 0 {
			f.invalidf("spec.maxStaleSeconds", "a bound on serving stale goes with onStale ServeStale; remove it or say ServeStale")
		}
		return 0
	case v1alpha1.OnStaleServe:
		if seconds <= 0 {
			f.invalidf("spec.maxStaleSeconds", "onStale ServeStale needs a bound; say for how many seconds a stale bundle may serve")
		}
		return max(0, seconds)
	default:
		f.invalidf("spec.onStale", "%q is not known; say Deny or ServeStale", f.spec.OnStale)
		return 0
	}
}

func (f *form) allowActors(v *view) {
	allowed := f.spec.AllowedActors.Namespaces
	labelled := len(allowed.Selector.MatchLabels) > 0 || len(allowed.Selector.MatchExpressions) > 0
	const field = "spec.allowedActors.namespaces"
	if labelled && allowed.From != v1alpha1.NamespacesSelector {
		f.invalidf(field+".selector", "a selector goes with from: Selector; remove it or say Selector")
	}
	switch allowed.From {
	case v1alpha1.NamespacesSame, "":
		f.policy.AllowedNamespaces = []string{f.object.Namespace}
	case v1alpha1.NamespacesAll:
		f.policy.AllNamespaces = true
	case v1alpha1.NamespacesSelector:
		names := v.namespaceNames(&f.findings, field+".selector", allowed.Selector, doubtSelectsNobody)
		if labelled && len(names) == 0 {
			f.warnf(field+".selector", "no namespace carries these labels, so no service may come; label a namespace or correct the selector")
		}
		f.policy.AllowedNamespaces = names
	default:
		f.invalidf(field+".from", "%q is not known; say Same, All or Selector", allowed.From)
	}
}

func (f *form) nameScopes() {
	if len(f.spec.Scopes) == 0 {
		f.invalidf("spec.scopes", "there is no scope, so nothing can be asked for; name at least one")
	}
	if len(f.spec.Scopes) > bundle.MaxScopes {
		f.invalidf("spec.scopes", "there are %d scopes, more than %d; divide the API into several resource servers", len(f.spec.Scopes), bundle.MaxScopes)
	}
	names := make([]string, 0, len(f.spec.Scopes))
	seen := map[v1alpha1.ScopeName]int{}
	for i, scope := range f.spec.Scopes {
		field := fmt.Sprintf("spec.scopes[%d].name", i)
		if fault := scopeFault(string(scope.Name)); fault != "" {
			f.invalidf(field, "%q: %s", scope.Name, fault)
		}
		if first, ok := seen[scope.Name]; ok {
			f.invalidf(field, "spec.scopes[%d] has this name already; join the two", first)
			continue
		}
		seen[scope.Name] = i
		names = append(names, string(scope.Name))
	}
	for _, name := range sortedNames(names) {
		f.policy.Scopes = append(f.policy.Scopes, bundle.Scope{Name: name})
	}
	f.scopes = tableOf(f.policy.Scopes)
}

// entitle reads the entitlements; a faulty one gives nobody anything and leaves the others as they are.
func (f *form) entitle(v *view) {
	f.entitlements = make([][]entitlement, len(f.policy.Scopes))
	for i, scope := range f.spec.Scopes {
		at := f.scopes[string(scope.Name)]
		for k, e := range scope.Entitlements {
			field := fmt.Sprintf("spec.scopes[%d].entitlements[%d]", i, k)
			if read, ok := f.entitlement(v, field, e); ok {
				f.entitlements[at] = append(f.entitlements[at], read)
			}
		}
	}
}

func (f *form) entitlement(v *view, field string, e v1alpha1.Entitlement) (entitlement, bool) {
	own := findings{object: f.object}
	subjects, selects := v.subject(&own, field+".subjects", e.Subjects, doubtSelectsNobody)
	conditions := v.sound(&own, field+".conditions", e.Conditions, "this entitlement gives nobody the scope")
	f.problems = append(f.problems, own.problems...)
	return entitlement{subjects: subjects, conditions: conditions}, selects && !own.failed()
}
