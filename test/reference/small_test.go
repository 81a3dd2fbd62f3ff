// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/test/reference"
)

// some2 is a set of two things: of subjects, actors or scopes, as bits.
type some2 uint8

// has says whether the first (0) or the second (1) is in the set.
func (s some2) has(i int) bool { return s>>i&1 == 1 }

// swapped is the set after the two have changed places.
func (s some2) swapped() some2 { return s>>1&1 | s<<1&2 }

// declarations are what both actors declare: scopes that each uses, and scopes with which each lets the other continue.
type declarations struct{ own, onward [2]some2 }

// rule is one policy.
type rule struct {
	forbids                  bool
	actors, subjects, scopes some2
	depth                    int
}

var (
	allDeclarations = listDeclarations()
	allRules        = listRules()
	// allPairs are up to two policies, whose order does not matter.
	allPairs         = listPairs()
	everyEntitlement = upTo(16)
)

func listDeclarations() []declarations {
	var list []declarations
	for i := range 256 {
		part := func(shift int) some2 { return some2(i >> shift & 3) }
		list = append(list, declarations{[2]some2{part(0), part(2)}, [2]some2{part(4), part(6)}})
	}
	return list
}

func listRules() []rule {
	var list []rule
	for actors := range some2(3) {
		for subjects := range some2(3) {
			for scopes := range some2(3) {
				r := rule{actors: actors + 1, subjects: subjects + 1, scopes: scopes + 1}
				for r.depth = range 3 {
					r.forbids = r.depth == 0
					list = append(list, r)
				}
			}
		}
	}
	return list
}

func listPairs() [][]int {
	list := [][]int{nil}
	for i := range allRules {
		list = append(list, []int{i})
		for j := range i + 1 {
			list = append(list, []int{j, i})
		}
	}
	return list
}

func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// naming says which names the two subjects, actors and scopes go by: as they come (0), or any of them the other way round.
type naming uint8

const (
	otherSubjects naming = 1 << iota
	otherActors
	otherScopes
)

func (n naming) swaps(which naming) bool { return n&which != 0 }

// isCanonical says whether a world comes first among those that differ only in names.
func isCanonical(declared, pair int) bool {
	for n := range naming(8) {
		if d := renamedDeclarations[n][declared]; d < declared || d == declared && renamedPairs[n][pair] < pair {
			return false
		}
	}
	return true
}

var (
	renamedDeclarations = eachNaming(func(n naming) []int { return renameAll(allDeclarations, n.declarations) })
	renamedPairs        = eachNaming(func(n naming) []int {
		rules := renameAll(allRules, n.rule)
		index := map[string]int{}
		for i, pair := range allPairs {
			index[fmt.Sprint(pair)] = i
		}
		renamed := make([]int, len(allPairs))
		for i, pair := range allPairs {
			var other []int
			for _, r := range pair {
				other = append(other, rules[r])
			}
			slices.Sort(other)
			renamed[i] = index[fmt.Sprint(other)]
		}
		return renamed
	})
)

func eachNaming(list func(naming) []int) [8][]int {
	var all [8][]int
	for n := range naming(8) {
		all[n] = list(n)
	}
	return all
}

// renameAll gives the index of what each becomes.
func renameAll[T comparable](all []T, rename func(T) T) []int {
	index := map[T]int{}
	for i, one := range all {
		index[one] = i
	}
	renamed := make([]int, len(all))
	for i, one := range all {
		renamed[i] = index[rename(one)]
	}
	return renamed
}

func (n naming) declarations(d declarations) declarations {
	if n.swaps(otherActors) {
		d.own[0], d.own[1], d.onward[0], d.onward[1] = d.own[1], d.own[0], d.onward[1], d.onward[0]
	}
	for i := range 2 {
		d.own[i], d.onward[i] = n.set(otherScopes, d.own[i]), n.set(otherScopes, d.onward[i])
	}
	return d
}

func (n naming) rule(r rule) rule {
	r.actors, r.subjects, r.scopes = n.set(otherActors, r.actors), n.set(otherSubjects, r.subjects), n.set(otherScopes, r.scopes)
	return r
}

func (n naming) set(which naming, s some2) some2 {
	if n.swaps(which) {
		return s.swapped()
	}
	return s
}

// The names. A subject is one of the pair that is entitled in one of the sixteen ways.
func (n naming) subject(i, entitled int) v1alpha1.SubjectID {
	return v1alpha1.SubjectID(fmt.Sprintf("%c%d", "st"[n.index(otherSubjects, i)], entitled))
}
func (n naming) actor(i int) string { return string("ab"[n.index(otherActors, i)]) }
func (n naming) scope(i int) string { return string("xy"[n.index(otherScopes, i)]) }

func (n naming) index(which naming, i int) int {
	if n.swaps(which) {
		return 1 - i
	}
	return i
}

func audienceOf(i int) string { return smallAudiences[i] }

var smallAudiences = func() (list [batchSize]string) {
	for i := range list {
		list[i] = fmt.Sprintf("https://%d.example", i)
	}
	return list
}()

// smallWorld has one audience for each pair of policies, under the same declarations.
func smallWorld(declared int, pairs []int, n naming, entitled []int) reference.World {
	w := reference.World{
		FetchedKeys: []string{"corp"}, PolicyLease: forAnHour.policies, TrustLease: forAnHour.trust, RevocationsLease: forAnHour.revocations,
		Issuers: []v1alpha1.TrustedIssuer{{ObjectMeta: metav1.ObjectMeta{Name: "corp"}, Spec: v1alpha1.TrustedIssuerSpec{
			URL: "https://corp.example", Audiences: []v1alpha1.Audience{"behalf"}, Algorithms: []v1alpha1.SignatureAlgorithm{"ES256"},
			Keys: v1alpha1.IssuerKeys{Type: v1alpha1.KeysDiscovery}, Scopes: v1alpha1.IssuerScopes{Type: v1alpha1.IssuerScopesUnbounded},
		}}},
	}
	for i, pair := range pairs {
		w.ResourceServers = append(w.ResourceServers, n.server(i, entitled))
		for j, r := range allPairs[pair] {
			w.Policies = append(w.Policies, n.policy(fmt.Sprintf("p%d-%d", i, j), audienceOf(i), allRules[r], entitled))
		}
	}
	for i := range 2 {
		if d, says := n.delegation(i, allDeclarations[declared], len(pairs)); says {
			w.ServiceDelegations = append(w.ServiceDelegations, d)
		}
	}
	return w
}

func (n naming) server(i int, entitled []int) v1alpha1.ResourceServer {
	s := v1alpha1.ResourceServer{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("r%d", i), Namespace: "n"}}
	s.Spec.Audience = v1alpha1.Audience(audienceOf(i))
	for scope := range 2 {
		var users []v1alpha1.SubjectID
		for _, e := range entitled {
			for subject := range 2 {
				if entitles(e, subject, scope) {
					users = append(users, n.subject(subject, e))
				}
			}
		}
		one := v1alpha1.Scope{Name: v1alpha1.ScopeName(n.scope(scope))}
		if len(users) > 0 {
			one.Entitlements = []v1alpha1.Entitlement{{Subjects: v1alpha1.SubjectSelector{Issuer: "corp", Users: users}}}
		}
		s.Spec.Scopes = append(s.Spec.Scopes, one)
	}
	return s
}

// entitles reads one of the sixteen ways to entitle two subjects to two scopes.
func entitles(way, subject, scope int) bool { return way>>(2*subject+scope)&1 == 1 }

func (n naming) policy(name, audience string, r rule, entitled []int) v1alpha1.DelegationPolicy {
	p := v1alpha1.DelegationPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}}
	p.Spec.Effect = v1alpha1.EffectForbid
	if !r.forbids {
		p.Spec.Effect, p.Spec.Limits.MaxChainDepth = v1alpha1.EffectPermit, int32(r.depth)
	}
	scopes := v1alpha1.AudienceScopePatterns{Audience: v1alpha1.Audience(audience)}
	people := v1alpha1.SubjectSelector{Issuer: "corp"}
	for i := range 2 {
		if r.actors.has(i) {
			p.Spec.Actors = append(p.Spec.Actors, v1alpha1.ActorSelector{Namespace: "n", ServiceAccount: v1alpha1.ServiceAccountName(n.actor(i))})
		}
		for _, e := range entitled {
			if r.subjects.has(i) {
				people.Users = append(people.Users, n.subject(i, e))
			}
		}
		if r.scopes.has(i) {
			scopes.Scopes = append(scopes.Scopes, v1alpha1.ScopePattern(n.scope(i)))
		}
	}
	p.Spec.Subjects, p.Spec.Audiences = []v1alpha1.SubjectSelector{people}, []v1alpha1.AudienceScopePatterns{scopes}
	return p
}

// delegation is what one actor says, to every audience the same; nothing where it declares nothing.
func (n naming) delegation(i int, d declarations, audiences int) (v1alpha1.ServiceDelegation, bool) {
	s := v1alpha1.ServiceDelegation{ObjectMeta: metav1.ObjectMeta{Name: n.actor(i), Namespace: "n"}}
	s.Spec.ServiceAccountName, s.Spec.Purpose = v1alpha1.ServiceAccountName(n.actor(i)), "to help"
	s.Spec.Audiences = n.audiences(d.own[i], audiences)
	if onward := n.audiences(d.onward[i], audiences); onward != nil {
		to := v1alpha1.ServiceAccountReference{Namespace: "n", ServiceAccount: v1alpha1.ServiceAccountName(n.actor(1 - i))}
		s.Spec.Onward = []v1alpha1.Onward{{To: to, Audiences: onward}}
	}
	return s, len(s.Spec.Audiences)+len(s.Spec.Onward) > 0
}

func (n naming) audiences(scopes some2, audiences int) []v1alpha1.AudienceScopes {
	if scopes == 0 {
		return nil
	}
	var list []v1alpha1.AudienceScopes
	for i := range audiences {
		entry := v1alpha1.AudienceScopes{Audience: v1alpha1.Audience(audienceOf(i))}
		for scope := range 2 {
			if scopes.has(scope) {
				entry.Scopes = append(entry.Scopes, v1alpha1.ScopeName(n.scope(scope)))
			}
		}
		list = append(list, entry)
	}
	return list
}

// smallRequest is one request, with what it is made of.
type smallRequest struct {
	request                         authz.Request
	entitled, subject, scope, chain int
}

// allChains are those of up to two actors, an actor that calls itself among them.
var allChains = [][]int{{0}, {1}, {0, 1}, {1, 0}, {0, 0}, {1, 1}}

// smallRequests are all requests that there are to one audience.
func smallRequests(n naming) []smallRequest {
	var list []smallRequest
	for _, entitled := range everyEntitlement {
		for subject := range 2 {
			for scope := range 2 {
				for c, chain := range allChains {
					r := smallRequest{entitled: entitled, subject: subject, scope: scope, chain: c}
					r.request.Subject = authz.Subject{Issuer: "corp", ID: string(n.subject(subject, entitled))}
					r.request.Scope = n.scope(scope)
					for _, actor := range chain {
						r.request.Via = append(r.request.Via, authz.Actor{Namespace: "n", ServiceAccount: n.actor(actor)})
					}
					last := len(chain) - 1
					r.request.Actor, r.request.Via = r.request.Via[last], r.request.Via[:last]
					list = append(list, r)
				}
			}
		}
	}
	return list
}
