// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/test/reference"
)

// noon is the time around which everything happens.
var noon = reference.Noon

// scene is a random world with the stories that it was made for.
type scene struct {
	*chance
	world   reference.World
	stories []story
	named   int
}

// scene draws a world in which each story has most of the support that it needs, with noise around it and something wrong in
// it now and then.
func (c *chance) scene() *scene {
	s := c.soundScene()
	if c.percent(35) {
		s.spoil()
	}
	s.shuffleWorld()
	return s
}

// soundScene draws a world of objects that are all in order.
func (c *chance) soundScene() *scene {
	s := &scene{chance: c, world: reference.World{
		FetchedKeys: []string{"partner"},
		PolicyLease: noon.Add(time.Hour), TrustLease: noon.Add(time.Hour), RevocationsLease: noon.Add(time.Hour),
	}}
	s.addSurroundings()
	for range c.between(2, 4) {
		s.stories = append(s.stories, c.story())
	}
	for _, told := range s.stories {
		s.support(told)
	}
	for range c.IntN(3) {
		s.disturb(oneOf(c, s.stories...))
	}
	if c.percent(30) {
		s.spoil()
	}
	s.shuffleWorld()
	return s
}

// name gives every object a name of its own, and ages them apart only sometimes.
func (s *scene) name(namespace string) metav1.ObjectMeta {
	s.named++
	name := fmt.Sprintf("o%d", s.named)
	if s.percent(1) {
		name = strings.Repeat("o", 249) + fmt.Sprintf("%04d", s.named)
	}
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Generation: 1, CreationTimestamp: metav1.NewTime(s.before(noon, 3))}
}

func (s *scene) addSurroundings() {
	s.world.Namespaces = []reference.Namespace{
		{Name: "shop", Labels: map[string]string{"team": "shop", "tier": "front"}},
		{Name: "billing", Labels: map[string]string{"team": "billing"}},
		{Name: "ops", Labels: map[string]string{"team": oneOf(s.chance, "shop", "ops")}},
		{Name: "unlabelled"},
	}
	s.world.Issuers = []v1alpha1.TrustedIssuer{s.issuer("corp"), s.issuer("partner")}
	s.world.Issuers[1].Spec.Keys = v1alpha1.IssuerKeys{Type: v1alpha1.KeysDiscovery}
	for i, audience := range audiences {
		if i == 0 || s.percent(95) {
			s.world.ResourceServers = append(s.world.ResourceServers, s.server(audience, hosts[i]))
		}
	}
}

func (s *scene) issuer(name string) v1alpha1.TrustedIssuer {
	issuer := v1alpha1.TrustedIssuer{ObjectMeta: s.name("")}
	issuer.Name = name
	issuer.Spec = v1alpha1.TrustedIssuerSpec{
		URL: "https://" + name + ".example", Audiences: []v1alpha1.Audience{"behalf"}, Algorithms: []v1alpha1.SignatureAlgorithm{"ES256"},
		Keys:   v1alpha1.IssuerKeys{Type: v1alpha1.KeysInline, JWKS: jwks},
		Scopes: v1alpha1.IssuerScopes{Type: v1alpha1.IssuerScopesUnbounded},
	}
	return issuer
}

func (s *scene) server(audience, host string) v1alpha1.ResourceServer {
	server := v1alpha1.ResourceServer{ObjectMeta: s.name(oneOf(s.chance, namespaces[:2]...))}
	server.Spec = v1alpha1.ResourceServerSpec{
		Audience: v1alpha1.Audience(audience), Hosts: []string{host},
		AllowedActors: v1alpha1.AllowedActors{Namespaces: s.allowedNamespaces()},
		Enforcement:   s.enforcement(8),
	}
	for i, name := range scopeNames {
		if i < 3 || s.percent(40) {
			server.Spec.Scopes = append(server.Spec.Scopes, v1alpha1.Scope{Name: v1alpha1.ScopeName(name)})
		}
	}
	if s.percent(15) {
		server.Spec.OnStale, server.Spec.MaxStaleSeconds = v1alpha1.OnStaleServe, int32(oneOf(s.chance, 1, 60, 3600))
	}
	server.Spec.Routes = s.routes()
	return server
}

func (s *scene) allowedNamespaces() v1alpha1.ActorNamespaces {
	switch s.IntN(12) {
	case 0:
		return v1alpha1.ActorNamespaces{From: v1alpha1.NamespacesSame}
	case 1:
		return v1alpha1.ActorNamespaces{From: v1alpha1.NamespacesSelector, Selector: s.namespaceSelector()}
	case 2:
		return v1alpha1.ActorNamespaces{}
	default:
		return v1alpha1.ActorNamespaces{From: v1alpha1.NamespacesAll}
	}
}

func (s *scene) namespaceSelector() v1alpha1.NamespaceSelector {
	switch s.IntN(5) {
	case 0:
		return v1alpha1.NamespaceSelector{MatchExpressions: []v1alpha1.LabelRequirement{{Key: "team", Operator: v1alpha1.LabelExists}}}
	case 1:
		return v1alpha1.NamespaceSelector{MatchExpressions: []v1alpha1.LabelRequirement{{Key: "tier", Operator: v1alpha1.LabelDoesNotExist}}}
	case 2:
		return v1alpha1.NamespaceSelector{MatchExpressions: []v1alpha1.LabelRequirement{
			{Key: "team", Operator: oneOf(s.chance, v1alpha1.LabelIn, v1alpha1.LabelNotIn), Values: some(s.chance, "shop", "ops", "")},
		}}
	default:
		return v1alpha1.NamespaceSelector{MatchLabels: map[string]string{"team": oneOf(s.chance, "shop", "shop", "billing")}}
	}
}

// enforcement is a dry run in so many cases of a hundred.
func (s *scene) enforcement(percent int) v1alpha1.Enforcement {
	if !s.percent(percent) {
		return v1alpha1.Enforcement{Mode: oneOf(s.chance, "", v1alpha1.EnforcementEnforce)}
	}
	until := metav1.NewTime(oneOf(s.chance, noon.Add(time.Hour), s.around(noon)))
	return v1alpha1.Enforcement{Mode: v1alpha1.EnforcementDryRun, Until: &until}
}

func (s *scene) routes() []v1alpha1.Route {
	var routes []v1alpha1.Route
	for _, path := range []string{"/t/{id}", "/t/1", "/t/{id}/{verb}", "/{kind}/all", "/files/{path...}", "/"} {
		if !s.percent(60) {
			continue
		}
		route := v1alpha1.Route{Scope: v1alpha1.ScopeName(oneOf(s.chance, scopeNames[:3]...))}
		route.Match = v1alpha1.RouteMatch{Methods: some(s.chance, "GET", "POST"), Path: path}
		if strings.Contains(path, "{id}") {
			route.Resource = v1alpha1.RouteResource{Type: "ticket", ID: oneOf(s.chance, "{id}", "t-{id}")}
			route.Resource.Properties = []v1alpha1.RouteProperty{{Name: "owner", Value: oneOf(s.chance, "alice", "{id}", "{query:owner}")}}
		}
		route.Callers = oneOf(s.chance, nil, nil, []v1alpha1.Caller{v1alpha1.CallerDelegated},
			[]v1alpha1.Caller{v1alpha1.CallerUser}, []v1alpha1.Caller{v1alpha1.CallerUser, v1alpha1.CallerDelegated})
		routes = append(routes, route)
	}
	return routes
}
