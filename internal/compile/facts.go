// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package compile

// fact is one thing about the surroundings of objects that the reading of an object may rest on. Readings look at nothing
// else beside the object itself, and at these by a view, which takes them down; so what has to be read again after a change
// follows from what was looked at, and there is no list of it to keep up to date by hand.
//
// What rests on several readings at once is not a fact. The stages of Compile say what that is:
//
//	who holds which name, and which form is in force   all resource servers' claims              settle
//	who holds an issuer's URL                          all trusted issuers, the cluster's own    settleIssuers
//	the bundle of a resource server                    its form; all that name its audience      assemble
//	the trust bundle                                   issuers; accepted delegations' services   makeTrust
//	the revocation list                                all revocations                           Compiler.Revocations
//	reports                                            see report.go
type fact struct {
	kind      factKind
	namespace string
	name      string
}

type factKind uint8

const (
	// issuerExists and claimsForwarded are about a TrustedIssuer: whether there is one of the name, and what its
	// spec.forward lists. Whoever selects subjects looks at the one, whoever discloses claims at the other.
	issuerExists factKind = iota
	claimsForwarded
	// keysFetched is about the keys that were fetched for a TrustedIssuer, which looks at them itself.
	keysFetched
	// namespaceExists is about a namespace that a policy names, and namespacesKnown whether there is any at all: without,
	// nobody looked. What selectors make of labels is not a fact but a selection.
	namespaceExists
	namespacesKnown
	// accountExists and accountsKnown are the same about service accounts.
	accountExists
	accountsKnown
	// grantExists and grantsKnown are the same about DelegationGrants, which revocations name.
	grantExists
	grantsKnown
	// expressionCompiles is about nothing that changes: it keeps what was compiled for as long as somebody has it.
	expressionCompiles
)

// dependents are the records whose readings rest on something.
type dependents struct {
	// on holds, with each record, the reading of it that looked at the fact last.
	on map[fact]map[*record]uint64
	// selecting are the records with selections.
	selecting map[*record]struct{}
	// spare are facts on which nothing rests any more.
	spare []fact
}

func newDependents() dependents {
	return dependents{on: map[fact]map[*record]uint64{}, selecting: map[*record]struct{}{}}
}

// rest notes that the reading of a record looked at more.
func (d *dependents) rest(r *record, v *view) {
	for _, f := range v.facts {
		on := d.on[f]
		if on == nil {
			on = map[*record]uint64{}
			d.on[f] = on
		}
		on[r] = r.reading
	}
	if r.facts == nil {
		r.facts = v.facts
	} else {
		r.facts = append(r.facts, v.facts...)
	}
	r.selections = append(r.selections, v.selections...)
	if len(r.selections) > 0 {
		d.selecting[r] = struct{}{}
	}
}

// release lets go of what only earlier readings of a record looked at.
func (d *dependents) release(r *record, earlier []fact) {
	for _, f := range earlier {
		if reading, ok := d.on[f][r]; ok && reading != r.reading {
			delete(d.on[f], r)
			d.spare = append(d.spare, f)
		}
	}
	if len(r.selections) == 0 {
		delete(d.selecting, r)
	}
}

// sweep forgets facts on which nothing rests, and the expressions that nobody has any more.
func (d *dependents) sweep(c *checker) {
	for _, f := range d.spare {
		if len(d.on[f]) > 0 {
			continue
		}
		delete(d.on, f)
		if f.kind == expressionCompiles {
			c.forget(f.name)
		}
	}
	d.spare = nil
}
