// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
)

// grantKey is what a grant is found by.
type grantKey struct {
	issuer, subject string
	actor           authz.Actor
}

// loadedGrant is one approved DelegationGrant.
type loadedGrant struct {
	source                            authz.ObjectRef
	scopes                            scopeSet
	resourceType, resourceID, session string
	digest                            string
	notBefore, notAfter               int64
	approver                          string
	approverGroups                    []string
}

// liveAt takes seconds since the Unix epoch.
func (g *loadedGrant) liveAt(seconds int64) bool {
	return g.notBefore <= seconds && seconds < g.notAfter
}

var errGrant = errors.New("subject, actor or times are missing")

// loadGrants indexes the grants; those of one subject and actor in the order of their names.
func (l *loader) loadGrants() error {
	l.policy.grants = map[grantKey][]loadedGrant{}
	for i := range l.bundle.Grants {
		b := &l.bundle.Grants[i]
		if err := l.loadGrant(b); err != nil {
			return fmt.Errorf("%s: %w", b.Source, err)
		}
	}
	for _, list := range l.policy.grants {
		slices.SortStableFunc(list, func(a, b loadedGrant) int { return cmp.Compare(a.source.String(), b.source.String()) })
	}
	return nil
}

func (l *loader) loadGrant(b *bundle.Grant) error {
	key := grantKey{issuer: b.Issuer, subject: b.Subject, actor: authz.Actor{Namespace: b.Namespace, ServiceAccount: b.ServiceAccount}}
	if b.Issuer == "" || b.Subject == "" || !key.actor.Present() || b.NotBefore < 0 || b.NotAfter < 0 {
		return errGrant
	}
	scopes, err := l.scopeSet(b.Scopes)
	if err != nil {
		return err
	}
	l.policy.grants[key] = append(l.policy.grants[key], loadedGrant{
		source: b.Source, scopes: scopes,
		resourceType: b.ResourceType, resourceID: b.ResourceID, session: b.Session, digest: b.ArgumentsDigest,
		notBefore: b.NotBefore, notAfter: b.NotAfter,
		approver: b.ApproverUsername, approverGroups: b.ApproverGroups,
	})
	return nil
}
