// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package reference_test

import (
	"fmt"
	"slices"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/compile"
	"behalf.dev/behalf/internal/engine"
	"behalf.dev/behalf/internal/token"
	"behalf.dev/behalf/test/reference"
)

// jwks is a JWK set that every issuer of the tests has: what tokens are signed with is not judged here.
const jwks = `{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"k1",` +
	`"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`

// load takes a world the whole way to where requests are decided: compiled, encoded, decoded, loaded.
func load(w reference.World) (*engine.Snapshot, error) {
	return assemble(compile.Compile(compilerWorld(w)), leases{w.PolicyLease, w.TrustLease, w.RevocationsLease})
}

// leases are until when policy bundles, the trust bundle and the revocation list may be served.
type leases struct{ policies, trust, revocations time.Time }

var forAnHour = leases{noon.Add(time.Hour), noon.Add(time.Hour), noon.Add(time.Hour)}

func assemble(result *compile.Result, until leases) (*engine.Snapshot, error) {
	policies, err := loadPolicies(result, until.policies)
	if err != nil {
		return nil, err
	}
	trustBundle, err := travel(result.Trust)
	if err != nil {
		return nil, fmt.Errorf("trust: %w", err)
	}
	trust, err := token.NewTrust(trustBundle, statement(bundle.KindTrust, until.trust))
	if err != nil {
		return nil, fmt.Errorf("loading trust: %w", err)
	}
	list, err := travel(result.Revocations)
	if err != nil {
		return nil, fmt.Errorf("revocations: %w", err)
	}
	revocations, err := engine.LoadRevocations(list, statement(bundle.KindRevocations, until.revocations))
	if err != nil {
		return nil, fmt.Errorf("loading revocations: %w", err)
	}
	return engine.NewSnapshot(policies, trust, revocations)
}

func loadPolicies(result *compile.Result, lease time.Time) ([]*engine.Policy, error) {
	var policies []*engine.Policy
	for name, compiled := range result.Policies {
		content, err := travel(compiled)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		policy, err := engine.LoadPolicy(content, statement(bundle.KindPolicy, lease))
		if err != nil {
			return nil, fmt.Errorf("loading %s: %w", name, err)
		}
		policies = append(policies, policy)
	}
	return policies, nil
}

// travel is the way of a bundle: written and read again.
func travel[T bundle.Content](content *T) (*T, error) {
	raw, err := bundle.Encode(content)
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return bundle.Decode[T](raw)
}

func statement(kind bundle.Kind, lease time.Time) bundle.Statement {
	return bundle.Statement{Kind: kind, Revision: 1, LeaseUntil: lease.Unix()}
}

func compilerWorld(w reference.World) compile.World {
	out := compile.World{
		ResourceServers:    w.ResourceServers,
		Policies:           w.Policies,
		ServiceDelegations: w.ServiceDelegations,
		Issuers:            w.Issuers,
		Grants:             w.Grants,
		Revocations:        w.Revocations,
		IssuerKeys:         map[string]string{},
	}
	for _, namespace := range w.Namespaces {
		out.Namespaces = append(out.Namespaces, compile.Namespace{Name: namespace.Name, Labels: namespace.Labels})
	}
	for _, issuer := range w.FetchedKeys {
		out.IssuerKeys[issuer] = jwks
	}
	return out
}

func decide(snapshot *engine.Snapshot, t trial) reference.Answer {
	return answerOf(snapshot.Decide(&t.Request, t.Now))
}

// answerOf puts a decision into the words of the model.
func answerOf(d authz.Decision) reference.Answer {
	answer := reference.Answer{Outcome: d.Outcome, Denial: reference.Obstacle{Leg: d.Leg, Reason: d.Reason}}
	if d.DryRun != nil {
		answer.DryRun = reference.Obstacle{Leg: d.DryRun.Leg, Reason: d.DryRun.Reason}
	}
	for _, denial := range d.Obstacles() {
		answer.Obstacles = append(answer.Obstacles, reference.Obstacle{Leg: denial.Leg, Reason: denial.Reason})
	}
	answer.Rests = reference.Rests{
		Policies: namesOf(d.Policies), Grant: nameOf(d.Grant),
		MaxTokenLifetime: d.Obligations.MaxTokenLifetime, NotAfter: d.Obligations.NotAfter, Disclose: d.Obligations.Disclose,
	}
	for _, declaration := range d.Declarations {
		if declaration != nil {
			answer.Rests.Declarations = append(answer.Rests.Declarations, namesOf(declaration.Sources))
		}
	}
	if d.Revocation != nil {
		answer.Rests.Revocations = []string{nameOf(d.Revocation)}
	}
	return answer
}

func namesOf(refs []authz.ObjectRef) []string {
	var list []string
	for _, ref := range refs {
		list = append(list, nameOf(&ref))
	}
	slices.Sort(list)
	return list
}

func nameOf(ref *authz.ObjectRef) string {
	switch {
	case ref == nil:
		return ""
	case ref.Namespace == "":
		return ref.Name
	default:
		return ref.Namespace + "/" + ref.Name
	}
}
