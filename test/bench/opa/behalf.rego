package behalf

# Every fact is found by the keys that the request brings. What an actor may not use at all, because it does not declare it
# or comes from a namespace that is not let in, has no entry under data.uses.

default allow := false

allow if {
	use := data.uses[input.audience][input.actor][input.scope]
	subject := input.subject
	token := input.token
	now := input.now
	subject.id != ""
	now <= data.lease
	token.expires_at > now
	token.issued_at <= now + 60
	input.scope in token.scopes
	depth := input.depth
	permit := use.permits[_]
	depth <= permit.max_depth
	token.expires_at - token.issued_at <= permit.max_token_lifetime
	now - subject.auth_time <= permit.max_subject_age
	met(permit.form, permit.value)
	permit.groups & subject.groups != set()
	data.holders[input.audience][input.scope] & subject.groups != set()
	chained
	not forbidden(use)
	not revoked
}

met("none", _)

met("owner", _) if input.resource.properties.owner == input.subject.id

met("purpose", value) if input.context.purpose == value

met("region", value) if input.resource.properties.region == value

met("recent", value) if input.now - input.subject.auth_time < value

forbidden(use) if {
	some groups in use.forbids
	groups & input.subject.groups != set()
}

chained if input.depth == 1

chained if {
	input.depth > 1
	count({actor | some actor in input.chain}) == input.depth
	every step in input.steps {
		data.edges[input.audience][step.from][step.to][input.scope]
	}
}

# A revocation of all counts as one of what was issued before the end of time.
revoked if {
	some target in input.revocable & data.revoked
	input.token.issued_at < data.revocations[target]
}
