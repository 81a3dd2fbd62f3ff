// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"reflect"
	"slices"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// delegation is one ServiceDelegation, read but not yet put to any resource server.
type delegation struct {
	findings
	actor authz.Actor
	// own are the names of the scopes that the actor uses itself, by audience.
	own map[string][]string
	// onward are the next services, sorted, each once.
	onward []onward
}

type onward struct {
	to     authz.Actor
	scopes map[string][]string
}

func (v *view) readDelegation(o *v1alpha1.ServiceDelegation) *delegation {
	d := &delegation{
		findings: findingsOf(KindServiceDelegation, o.ObjectMeta),
		actor:    authz.Actor{Namespace: o.Namespace, ServiceAccount: string(o.Spec.ServiceAccountName)},
	}
	const account = "spec.serviceAccountName"
	if !d.actor.Present() {
		d.invalidf(account, "there is no service account; name the one that this is about")
	} else if v.missing(d.actor) {
		d.warnf(account, "there is no service account %s; create it or correct the name", d.actor)
	}
	if len(o.Spec.Audiences) == 0 && len(o.Spec.Onward) == 0 {
		d.invalidf("spec", "nothing is declared; say audiences, onward or both")
	}
	d.own = d.scopes("spec.audiences", o.Spec.Audiences)
	d.readOnward(v, o.Spec.Onward)
	return d
}

func (d *delegation) readOnward(v *view, entries []v1alpha1.Onward) {
	merged := map[authz.Actor]map[string][]string{}
	for i, entry := range entries {
		field := fmt.Sprintf("spec.onward[%d]", i)
		to := actorOf(entry.To)
		d.checkNext(v, field+".to", to)
		if len(entry.Audiences) == 0 {
			d.invalidf(field+".audiences", "there is no audience; name what the next service may use")
		}
		if merged[to] == nil {
			merged[to] = map[string][]string{}
		}
		for audience, scopes := range d.scopes(field+".audiences", entry.Audiences) {
			merged[to][audience] = sortedNames(append(merged[to][audience], scopes...))
		}
	}
	for _, to := range sortedKeys(merged, compareActors) {
		d.onward = append(d.onward, onward{to: to, scopes: merged[to]})
	}
}

func (d *delegation) checkNext(v *view, field string, to authz.Actor) {
	switch {
	case !to.Present():
		d.invalidf(field, "the next service is not named in full; give namespace and serviceAccount")
	case to == d.actor:
		d.invalidf(field, "%s hands on to itself, and no service may stand twice in a chain; name another service, or declare the scopes under spec.audiences", to)
	case v.missing(to):
		d.warnf(field, "there is no service account %s; create it or correct the name", to)
	}
}

// scopes reads lists of scopes by audience.
func (d *delegation) scopes(field string, entries []v1alpha1.AudienceScopes) map[string][]string {
	read := map[string][]string{}
	for i, entry := range entries {
		at := fmt.Sprintf("%s[%d]", field, i)
		if entry.Audience == "" {
			d.invalidf(at+".audience", "the audience is empty; name that of a ResourceServer")
		}
		if len(entry.Scopes) == 0 {
			d.invalidf(at+".scopes", "there is no scope; name at least one")
		}
		names := read[string(entry.Audience)]
		for k, scope := range entry.Scopes {
			if wrong := scopeFault(string(scope)); wrong != "" {
				d.invalidf(fmt.Sprintf("%s.scopes[%d]", at, k), "%q: %s", scope, wrong)
			}
			names = append(names, string(scope))
		}
		read[string(entry.Audience)] = sortedNames(names)
	}
	return read
}

// audiences that the delegation says anything about.
func (d *delegation) audiences() []string {
	var names []string
	for audience := range d.own {
		names = append(names, audience)
	}
	for _, next := range d.onward {
		for audience := range next.scopes {
			names = append(names, audience)
		}
	}
	return sortedNames(names)
}

// services are the actors that the delegation names.
func (d *delegation) services() []authz.Actor {
	services := []authz.Actor{d.actor}
	for _, next := range d.onward {
		services = append(services, next.to)
	}
	return services
}

// handsOnAs says whether two readings of a delegation let the same services continue a chain; one that is not accepted, or
// not there, lets none.
func (d *delegation) handsOnAs(other *delegation) bool {
	by, to := d.handsOn()
	otherBy, otherTo := other.handsOn()
	return by == otherBy && reflect.DeepEqual(to, otherTo)
}

func (d *delegation) handsOn() (by authz.Actor, to []onward) {
	if d == nil || d.failed() || len(d.onward) == 0 {
		return by, nil
	}
	return d.actor, d.onward
}

// lands says whether the delegation declares anything about the scopes of one bundle.
func (d *delegation) lands(f *form) bool {
	audience := f.policy.Audience
	return !d.failed() && (f.scopes.hasAny(d.own[audience]) ||
		slices.ContainsFunc(d.onward, func(next onward) bool { return f.scopes.hasAny(next.scopes[audience]) }))
}

// declaration is what the delegation declares about the scopes of one bundle; see lands.
func (d *delegation) declaration(f *form) bundle.Declaration {
	audience, table := f.policy.Audience, f.scopes
	declared := bundle.Declaration{Source: d.object, Scopes: table.known(d.own[audience])}
	for _, next := range d.onward {
		if scopes := table.known(next.scopes[audience]); len(scopes) > 0 {
			declared.Onward = append(declared.Onward, bundle.Edge{
				Namespace: next.to.Namespace, ServiceAccount: next.to.ServiceAccount, Scopes: scopes,
			})
		}
	}
	return declared
}

func actorOf(r v1alpha1.ServiceAccountReference) authz.Actor {
	return authz.Actor{Namespace: string(r.Namespace), ServiceAccount: string(r.ServiceAccount)}
}
