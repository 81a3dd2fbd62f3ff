// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"regexp"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/bundle"
)

// digestForm is sha256:HEX as digests of arguments are written.
var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// grant is one DelegationGrant, read but not yet put to any resource server.
type grant struct {
	findings
	audience string
	scopes   []v1alpha1.ScopeName
	approved bool
	state    v1alpha1.GrantState
	// entry lacks Scopes, which are indexes into one bundle.
	entry bundle.Grant
}

func (g *grant) inForce() bool { return g.approved && !g.failed() }

// lands says whether the grant becomes part of a bundle that has these scopes of it.
func (g *grant) lands(scopes []int) bool { return g.inForce() && len(scopes) > 0 }

// asked says whether the grant counts or may yet come to.
func (g *grant) asked() bool { return g.state != v1alpha1.GrantDenied }

func (v *view) readGrant(o *v1alpha1.DelegationGrant) *grant {
	g := &grant{
		findings: findingsOf(KindDelegationGrant, o.ObjectMeta),
		audience: string(o.Spec.Audience),
		scopes:   o.Spec.Scopes,
		state:    o.Spec.State,
	}
	g.entry = bundle.Grant{
		Source:          g.object,
		Issuer:          string(o.Spec.Subject.Issuer),
		Subject:         string(o.Spec.Subject.ID),
		Namespace:       string(o.Spec.Actor.Namespace),
		ServiceAccount:  string(o.Spec.Actor.ServiceAccount),
		ArgumentsDigest: o.Spec.ArgumentsDigest,
		Session:         o.Spec.Session,
		NotBefore:       startSeconds(&o.CreationTimestamp),
		NotAfter:        endSeconds(&o.Spec.NotAfter),
	}
	g.checkParties(v, &o.Spec)
	g.checkBounds(o)
	g.readResource(o.Spec.Resource)
	g.readApproval(&o.Spec)
	return g
}

func (g *grant) checkParties(v *view, spec *v1alpha1.DelegationGrantSpec) {
	v.issuer(&g.findings, "spec.subject.issuer", spec.Subject.Issuer)
	if spec.Subject.ID == "" {
		g.invalidf("spec.subject.id", "there is no subject; name the person by the id that tokens carry in 'sub'")
	}
	if actor := actorOf(spec.Actor); !actor.Present() {
		g.invalidf("spec.actor", "the service is not named in full; give namespace and serviceAccount")
	}
	if g.audience == "" {
		g.invalidf("spec.audience", "the audience is empty; name that of a ResourceServer")
	}
	if len(spec.Scopes) == 0 {
		g.invalidf("spec.scopes", "there is no scope; name at least one")
	}
	for i, scope := range spec.Scopes {
		if wrong := scopeFault(string(scope)); wrong != "" {
			g.invalidf(fmt.Sprintf("spec.scopes[%d]", i), "%q: %s", scope, wrong)
		}
	}
}

func (g *grant) checkBounds(o *v1alpha1.DelegationGrant) {
	switch {
	case g.entry.NotAfter == 0:
		g.invalidf("spec.notAfter", "a grant needs an end; say until when")
	case o.CreationTimestamp.IsZero():
		if g.asked() {
			g.warnf("metadata.creationTimestamp", "a grant counts from when it was made, and this one does not say when, so that no policy counts it; add the time, as the API server does")
		}
	case g.entry.NotAfter <= g.entry.NotBefore:
		g.invalidf("spec.notAfter", "the grant ends before it was made, at %s; make a new one with a later end",
			o.CreationTimestamp.UTC().Format("2006-01-02T15:04:05Z"))
	}
	if d := o.Spec.ArgumentsDigest; d != "" && !digestForm.MatchString(d) {
		g.invalidf("spec.argumentsDigest", "%q is not sha256: and 64 hexadecimal digits in lower case; write the digest so", d)
	}
}

func (g *grant) readResource(r *v1alpha1.GrantResource) {
	if r == nil {
		return
	}
	if r.Type == "" || r.ID == "" {
		g.invalidf("spec.resource", "the resource is not named in full; give type and id, or leave it out")
	}
	g.entry.ResourceType, g.entry.ResourceID = r.Type, r.ID
}

// readApproval takes an approval only from somebody: the approver is stamped at admission, and whoever went past that
// approved nothing.
func (g *grant) readApproval(spec *v1alpha1.DelegationGrantSpec) {
	switch spec.State {
	case v1alpha1.GrantRequested, v1alpha1.GrantDenied, "":
		return
	case v1alpha1.GrantApproved:
	default:
		g.invalidf("spec.state", "%q is not known; say Requested, Approved or Denied", spec.State)
		return
	}
	if spec.Approver == nil || spec.Approver.Username == "" {
		g.invalidf("spec.approver", "the grant is approved by nobody; make a new one and have it approved while the admission webhook runs, which stamps the approver")
		return
	}
	g.approved = true
	g.entry.ApproverUsername = string(spec.Approver.Username)
	g.entry.ApproverGroups = nonEmpty(&g.findings, "spec.approver.groups", spec.Approver.Groups)
}

// scopesIn are the indexes of the granted scopes in one bundle, and those that are not there.
func (g *grant) scopesIn(f *form) (found []int, strangers []Problem) {
	own := findings{object: g.object}
	for i, name := range g.scopes {
		at, ok := f.scopes[string(name)]
		if !ok {
			own.warnf(fmt.Sprintf("spec.scopes[%d]", i), "%s has no scope %q; correct it", withoutGeneration(f.object), name)
			continue
		}
		found = append(found, at)
	}
	return sortedSet(found, compareInts), own.problems
}
