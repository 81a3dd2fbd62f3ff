// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Condition types. Ready stands last in every kind's status and sums the others up; Stalled is added where only a person
// can mend what is wrong, so that kstatus calls the object failed and not in progress.
const (
	ConditionAccepted     = "Accepted"
	ConditionWithinPolicy = "WithinPolicy"
	// ConditionWorkloadsWithinBounds is for people and alerts. Ready does not sum it up: what it speaks of are other objects,
	// which are denied beyond the bounds anyway, and which the next step of a pipeline may be there to replace.
	ConditionWorkloadsWithinBounds = "WorkloadsWithinBounds"
	ConditionKeysFetched           = "KeysFetched"
	ConditionEnforced              = "Enforced"
	ConditionStalled               = "Stalled"
	ConditionReady                 = "Ready"
)

// What a writer of status must keep within: the schema refuses more, and a refused status is one that nobody sees.
const (
	// MaxConditionMessage is the most characters of one condition's message.
	MaxConditionMessage = 4096
	// MaxExcess is the most entries of a ServiceDelegation's status.excess.
	MaxExcess = 100
	// MaxExcessMessage is the most characters of one entry's message.
	MaxExcessMessage = 1024
	// MaxExcessText is the most characters that the audiences, scopes and messages of status.excess have together.
	MaxExcessText = 40960
)

// Reasons of conditions. They are part of the API.
const (
	// ReasonAccepted says that the object is part of what was compiled.
	ReasonAccepted = "Accepted"
	// ReasonInvalid says that the object contradicts itself or names something impossible; the message gives the field.
	ReasonInvalid = "Invalid"
	// ReasonConflict says that an older object holds the audience, host or issuer URL.
	ReasonConflict = "Conflict"
	// ReasonPending says that the manager has not come to it yet.
	ReasonPending = "Pending"
	// ReasonExpired says that the object's time is over.
	ReasonExpired = "Expired"
	// ReasonDenied says that an approver said no.
	ReasonDenied = "Denied"

	// ReasonWithinPolicy says that every declared scope has an effect.
	ReasonWithinPolicy = "WithinPolicy"
	// ReasonExcess says that declared scopes have no effect; status.excess lists them.
	ReasonExcess = "Excess"

	// ReasonWithinBounds says that no running pod of the service account asks for more than is declared and has effect.
	ReasonWithinBounds = "WithinBounds"
	// ReasonOutsideBounds says that running pods of the service account ask for what is not declared for it.
	ReasonOutsideBounds = "OutsideBounds"
	// ReasonOutsidePolicy says that running pods of the service account ask for what is declared and has no effect.
	ReasonOutsidePolicy = "OutsidePolicy"

	// ReasonKeysFetched says that the issuer's keys are known.
	ReasonKeysFetched = "KeysFetched"
	// ReasonKeysUnavailable says that the issuer's keys could not be fetched and none are known.
	ReasonKeysUnavailable = "KeysUnavailable"
	// ReasonKeysStale says that the issuer's keys could not be fetched again; the last good ones serve.
	ReasonKeysStale = "KeysStale"

	// ReasonEnforced says that every live authorizer concerned has acknowledged this generation.
	ReasonEnforced = "Enforced"
	// ReasonNoAuthorizers says that no authorizer concerned is connected.
	ReasonNoAuthorizers = "NoAuthorizers"
	// ReasonLagging says that some authorizer has not acknowledged this generation yet. One that is gone counts for one lease
	// more; one that is expected and not heard of since the manager started, for one lease from then. A second instance under
	// a service account of which the first is back is not missed after the manager's restart.
	ReasonLagging = "Lagging"
	// ReasonRejected says that some authorizer that is connected refused the bundle.
	ReasonRejected = "Rejected"
	// ReasonNotAccepted says that there is nothing to enforce, because the object is not accepted.
	ReasonNotAccepted = "NotAccepted"
	// ReasonNoEffect says that the object is accepted but that nothing of it is in any bundle: most often because no resource
	// server it names exists yet; the message gives what the compiler found.
	ReasonNoEffect = "NoEffect"

	// ReasonReady says that all is as its owner meant it.
	ReasonReady = "Ready"
	// ReasonAcceptedWithWarnings says that the object is accepted and enforced, and that something in it has no effect; the
	// message gives the first such field and a count.
	ReasonAcceptedWithWarnings = "AcceptedWithWarnings"
	// ReasonReviewOverdue says that spec.reviewBy has passed.
	ReasonReviewOverdue = "ReviewOverdue"
	// ReasonDryRun says that denials are recorded and not enforced.
	ReasonDryRun = "DryRun"
)
