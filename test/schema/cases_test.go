// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"fmt"
	"strings"
)

// list is YAML in flow style of n entries.
func list(n int, entry func(i int) string) string {
	entries := make([]string, n)
	for i := range entries {
		entries[i] = entry(i)
	}
	return "[" + strings.Join(entries, ", ") + "]"
}

// text is n characters, of which the first ones are i, so that texts in a set differ.
func text(i, n int) string {
	number := fmt.Sprintf("t%d", i)
	return number + strings.Repeat("x", n-len(number))
}

// selectorRules are those of selectors, in both kinds that have them.
func selectorRules() []rule {
	const (
		saysNobody = "without users, usernames, groups or all it selects nobody: name at least one of them, or say all: true"
		saysAll    = "all selects every person of the issuer and goes with no users, usernames or groups: remove all, or remove the lists"
		saysTrue   = "only true says something: leave all out, and name whom you mean"
		saysEmpty  = "an empty selector selects nothing: give matchLabels or matchExpressions; for one namespace, match its label kubernetes.io/metadata.name"
		saysLong   = "the labels and values of a selector have at most 2048 characters together: give the namespaces one label of their own and match that"
		saysIn     = "operator In and NotIn need at least one entry in values: add one, or use Exists or DoesNotExist"
		saysExists = "operator Exists and DoesNotExist take no values: remove them, or use In or NotIn"
		saysKey    = "a label's key is a name of at most 63 letters, digits, '-', '_' and '.', with or without a DNS name and '/' before it: give it as the namespace carries it"
		saysValue  = "a label's value has letters, digits, '-', '_' and '.' only, and begins and ends with a letter or digit: give it as the namespace carries it"
		saysSize   = "a label's key has at most 317 characters and its value at most 63: give the label as the namespace carries it"
	)
	var rules []rule
	add := func(kind, field, yaml, suffix, says, good, bad, also string) {
		rules = append(rules, rule{
			kind: kind, field: field + suffix, says: says, also: also,
			good: strings.Replace(yaml, "VALUE", good, 1), bad: strings.Replace(yaml, "VALUE", bad, 1),
		})
	}
	const few = "should have at least 1 properties"
	for kind, at := range map[string]struct{ field, yaml string }{
		"DelegationPolicy": {"spec.subjects[0]", `subjects: [VALUE]`},
		"ResourceServer":   {"spec.scopes[0].entitlements[0].subjects", `scopes: [{name: a, entitlements: [{subjects: VALUE}]}]`},
	} {
		add(kind, at.field, at.yaml, "", saysNobody, `{issuer: corp, groups: [a]}`, `{issuer: corp}`, "")
		add(kind, at.field, at.yaml, "", saysNobody, `{issuer: corp, usernames: [a]}`, `{issuer: corp}`, "")
		add(kind, at.field, at.yaml, "", saysNobody, `{issuer: corp, users: [a]}`, `{issuer: corp}`, "")
		add(kind, at.field, at.yaml, ".all", saysAll, `{issuer: corp, all: true}`, `{issuer: corp, all: true, groups: [a]}`, "")
		add(kind, at.field, at.yaml, ".all", saysAll, `{issuer: corp, groups: [a], users: [b]}`, `{issuer: corp, all: true, users: [a]}`, "")
		add(kind, at.field, at.yaml, ".all", saysAll, `{issuer: corp, groups: [a], usernames: [b]}`, `{issuer: corp, all: true, usernames: [a]}`, "")
		add(kind, at.field, at.yaml, ".all", saysTrue, `{issuer: corp, all: true}`, `{issuer: corp, all: false}`, "")
	}
	for kind, at := range map[string]struct{ field, yaml string }{
		"DelegationPolicy": {"spec.actors[0].namespaceSelector", `actors: [{all: true, namespaceSelector: VALUE}]`},
		"ResourceServer":   {"spec.allowedActors.namespaces.selector", `allowedActors: {namespaces: {from: Selector, selector: VALUE}}`},
	} {
		add(kind, at.field, at.yaml, "", saysEmpty, `{matchLabels: {team: support}}`, `{}`, few)
		add(kind, at.field, at.yaml, "", saysEmpty, `{matchExpressions: [{key: team, operator: Exists}]}`, `{}`, few)
		long := func(key string) string {
			return `{matchExpressions: ` + list(8, func(i int) string {
				k := "team"
				if i == 7 {
					k = key
				}
				return `{key: ` + k + `, operator: In, values: ` + list(4, func(i int) string { return text(i, 63) }) + `}`
			}) + `}`
		}
		add(kind, at.field, at.yaml, "", saysLong, long("team"), long("teams"), "")
		labels := func(key string) string {
			return `{matchLabels: {` + key + `: a}, matchExpressions: ` + list(8, func(i int) string {
				return `{key: ` + text(i, 63) + `, operator: In, values: ` + list(3, func(i int) string { return text(i, 63) }) + `}`
			}) + `}`
		}
		add(kind, at.field, at.yaml, "", saysLong, labels(text(0, 31)), labels(text(0, 32)), "")
		add(kind, at.field, at.yaml, ".matchExpressions[0].values", saysIn,
			`{matchExpressions: [{key: a, operator: In, values: [b]}]}`, `{matchExpressions: [{key: a, operator: In}]}`, "")
		add(kind, at.field, at.yaml, ".matchExpressions[0].values", saysIn,
			`{matchExpressions: [{key: a, operator: NotIn, values: [b]}]}`, `{matchExpressions: [{key: a, operator: NotIn}]}`, "")
		add(kind, at.field, at.yaml, ".matchExpressions[0].values", saysExists,
			`{matchExpressions: [{key: a, operator: Exists}]}`, `{matchExpressions: [{key: a, operator: Exists, values: [b]}]}`, "")
		add(kind, at.field, at.yaml, ".matchExpressions[0].values", saysExists,
			`{matchExpressions: [{key: a, operator: DoesNotExist}]}`, `{matchExpressions: [{key: a, operator: DoesNotExist, values: [b]}]}`, "")
		for good, bad := range map[string]string{
			"kubernetes.io/metadata.name": "kubernetes.io/",
			"Team_1":                      "my team",
			text(0, 63):                   text(0, 64),
			"a.b/" + text(0, 63):          "A.b/c",
		} {
			add(kind, at.field, at.yaml, ".matchExpressions[0].key", saysKey,
				`{matchExpressions: [{key: "`+good+`", operator: Exists}]}`, `{matchExpressions: [{key: "`+bad+`", operator: Exists}]}`, "")
			add(kind, at.field, at.yaml, ".matchLabels", saysKey, `{matchLabels: {"`+good+`": a}}`, `{matchLabels: {"`+bad+`": a}}`, "")
		}
		for good, bad := range map[string]string{"support": "support team", "": "-", "A_1.b": "a_"} {
			add(kind, at.field, at.yaml, ".matchExpressions[0].values[0]", saysValue,
				`{matchExpressions: [{key: a, operator: In, values: ["`+good+`"]}]}`, `{matchExpressions: [{key: a, operator: In, values: ["`+bad+`"]}]}`, "")
		}
		add(kind, at.field, at.yaml, ".matchLabels", saysSize, `{matchLabels: {a: `+text(0, 63)+`}}`, `{matchLabels: {a: `+text(0, 64)+`}}`, "")
		domain := strings.Repeat("d", 253)
		add(kind, at.field, at.yaml, ".matchLabels", saysSize, `{matchLabels: {`+domain+`/`+text(0, 63)+`: a}}`, `{matchLabels: {`+domain+`/`+text(0, 64)+`: a}}`, "")
	}
	return rules
}

const (
	saysUntil   = "until is required with mode DryRun: say when the dry run ends and enforcement begins"
	saysNoUntil = "until goes with mode DryRun only: remove it, or set mode to DryRun"
)

func policyRules() []rule {
	const (
		saysEnforced  = "a Permit is always enforced: remove enforcement, or set effect to Forbid"
		saysLimits    = "a Forbid has no limits: remove limits, and say in conditions when it forbids"
		saysSpaceXor  = "exactly one of namespace and namespaceSelector: name one namespace, or select several by their labels"
		saysActorXor  = "exactly one of serviceAccount and all: name one service account, or say all: true"
		saysAudiences = "the audiences and scopes of one policy have at most 16384 characters together: use patterns such as tickets:*, or make several policies"
		saysSubjects  = "the names of one policy's subjects have at most 16384 characters together: name groups in place of people, or make several policies"
	)
	p := func(field, says, good, bad string) rule {
		return rule{kind: "DelegationPolicy", field: field, says: says, good: good, bad: bad}
	}
	audiences := func(last int) string { // 2 of 63 scopes of 128 characters, one of the rest, and audiences of 10
		return "audiences: " + list(2, func(i int) string {
			return `{audience: ` + text(i, 10) + `, scopes: ` + list(64, func(j int) string {
				if i == 1 && j == 63 {
					return text(j, last)
				}
				return text(j, 128)
			}) + `}`
		})
	}
	subjects := func(last int) string { // 16384 are an issuer of 4 and 63 names of 256, and 252
		return `subjects: [{issuer: corp, groups: ` + list(64, func(i int) string {
			if i == 63 {
				return text(i, last)
			}
			return text(i, 256)
		}) + `}]`
	}
	return []rule{
		p("spec.enforcement", saysEnforced, `{effect: Forbid, enforcement: {mode: DryRun, until: "2026-07-01T00:00:00Z"}}`, `enforcement: {mode: DryRun, until: "2026-07-01T00:00:00Z"}`),
		p("spec.enforcement.until", saysUntil, `{effect: Forbid, enforcement: {mode: DryRun, until: "2026-07-01T00:00:00Z"}}`, `{effect: Forbid, enforcement: {mode: DryRun}}`),
		p("spec.enforcement.until", saysNoUntil, `{effect: Forbid, enforcement: {mode: Enforce}}`, `{effect: Forbid, enforcement: {mode: Enforce, until: "2026-07-01T00:00:00Z"}}`),
		p("spec.limits", saysLimits, `limits: {maxTokenLifetimeSeconds: 300}`, `{effect: Forbid, limits: {maxTokenLifetimeSeconds: 300}}`),
		p("spec.limits", saysLimits, `limits: {maxSubjectAgeSeconds: 28800}`, `{effect: Forbid, limits: {maxSubjectAgeSeconds: 28800}}`),
		p("spec.limits", saysLimits, `effect: Forbid`, `{effect: Forbid, limits: {maxChainDepth: 2}}`),
		p("spec.disclose", "a Forbid discloses nothing: remove disclose, or name the claims in a Permit", `disclose: [department]`, `{effect: Forbid, disclose: [department]}`),
		p("spec.requireGrant", "a Forbid asks for no grant, for it denies: remove requireGrant, or put it into a Permit",
			`requireGrant: {maxLifetimeSeconds: 3600, approvers: {groups: [a]}}`, `{effect: Forbid, requireGrant: {maxLifetimeSeconds: 3600, approvers: {groups: [a]}}}`),
		{
			kind: "DelegationPolicy", field: "spec.requireGrant.approvers", says: "without groups or usernames nobody could approve: name at least one of them",
			good: `requireGrant: {maxLifetimeSeconds: 3600, approvers: {usernames: [carol@example.com]}}`,
			bad:  `requireGrant: {maxLifetimeSeconds: 3600, approvers: {}}`, also: "should have at least 1 properties",
		},
		p("spec.disclose[0]", "the exchange writes this claim itself: remove it from disclose, which names further facts about the person", `disclose: [email]`, `disclose: [act]`),
		p("spec.disclose[1]", "the exchange writes this claim itself: remove it from disclose, which names further facts about the person", `disclose: [department, site]`, `disclose: [department, cnf]`),
		p("spec.actors[0]", saysSpaceXor, `actors: [{namespace: support, all: true}]`, `actors: [{all: true}]`),
		p("spec.actors[1]", saysSpaceXor, `actors: [{namespace: a, all: true}, {namespaceSelector: {matchLabels: {a: b}}, all: true}]`, `actors: [{namespace: a, all: true}, {namespace: b, namespaceSelector: {matchLabels: {a: b}}, all: true}]`),
		p("spec.actors[0]", saysActorXor, `actors: [{namespace: support, serviceAccount: portal}]`, `actors: [{namespace: support}]`),
		p("spec.actors[0]", saysActorXor, `actors: [{namespace: support, all: true}]`, `actors: [{namespace: support, serviceAccount: portal, all: true}]`),
		p("spec.actors[0].all", "only true says something: leave all out, and name whom you mean", `actors: [{namespace: support, all: true}]`, `actors: [{namespace: support, all: false}]`),
		p("spec.audiences", saysAudiences, audiences(108), audiences(109)),
		p("spec.subjects", saysSubjects, subjects(252), subjects(253)),
	}
}

func resourceServerRules() []rule {
	const (
		saysStale     = "maxStaleSeconds is required with onStale ServeStale: say for how many seconds"
		saysNoStale   = "maxStaleSeconds goes with onStale ServeStale only: remove it, or set onStale to ServeStale"
		saysSelector  = "selector is required with from Selector: give matchLabels or matchExpressions"
		saysNoSelect  = "selector goes with from Selector only: remove it, or set from to Selector"
		saysHost      = "a host is a name in lower case without scheme, port, wildcard or trailing dot: write tickets.example"
		saysMethod    = "a method is written in capitals, and there is no wildcard: write GET, and name every method that the route takes"
		saysPath      = "a path begins with '/' and has literal segments or whole segments {name}, and {name...} at the end only; no empty segment, '*', '%', ';', '?' or '#': write /tickets/{id} or /files/{path...}"
		saysDots      = "a path has no '.' or '..' segments, for a request's path is matched after they are refused: write the path that is meant"
		saysNames     = "a path has at most 8 names in braces and each only once: give every {name} a name of its own"
		saysID        = "braces are for {name} of the route's path without dots, {query:NAME} and {header:NAME} in lower case, and control or invisible characters have no place: write {id} where /tickets/{id} has {id}"
		saysProperty  = "braces are for {name} of the route's path without dots, {query:NAME} and {header:NAME} in lower case, and control or invisible characters have no place: write {owner} where /users/{owner} has {owner}"
		saysSecret    = "this header carries credentials, says who asks, or is for one connection only: read another one"
		saysPosted    = "a route with mcp takes POST and no other method, for messages of the protocol are posted: set match.methods to [POST], and give GET and DELETE routes of their own"
		saysTool      = "a tool's name has letters, digits, '_', '-', '.' and '/' only, and there is no wildcard: give it as tools/list does"
		saysToolID    = "braces are for {name} of the route's path and {argument:NAME}, and control or invisible characters have no place: write {argument:id} where the tool takes id"
		saysToolScope = "every tool's scope must be the name of one of spec.scopes: add the scope, or correct the tool"
		saysTools     = "the routes of one resource server have at most 256 tools together: divide the API into several resource servers"
		saysName      = "a property's name has letters, digits and '_' only and begins with no digit, so that a condition can read resource.properties.owner: rename it"
		saysIDName    = "every {name} in resource.id must stand in match.path, and there are at most 8: add it to the path, or correct the id"
		saysPropNames = "every {name} in resource.properties must stand in match.path, and a value has at most 4: add it to the path, or correct the value"
		saysUnknown   = "every route's scope must be the name of one of spec.scopes: add the scope, or correct the route"
		saysEntitled  = "the entitlements of one resource server have at most 32768 characters together: name groups in place of people, or shorten the expressions"
		saysRoutes    = "the routes of one resource server have at most 32768 characters together: shorten them, or divide the API into several resource servers"
		saysDescribed = "a description stands on one line and has no control or invisible characters: remove them; in YAML, write >- in place of |"
	)
	r := func(field, says, good, bad string) rule {
		return rule{kind: "ResourceServer", field: field, says: says, good: good, bad: bad}
	}
	entitlements := func(last int) string { // 4 times an issuer of 4 and 4 expressions of 2048 are 16 too many
		return `scopes: ` + list(2, func(i int) string {
			return `{name: ` + text(i, 4) + `, entitlements: ` + list(2, func(j int) string {
				return `{subjects: {issuer: corp, all: true}, conditions: ` + list(4, func(k int) string {
					if i == 1 && j == 1 && k == 3 {
						return `{expression: ` + text(0, last-1) + `, message: m}`
					}
					return `{expression: ` + text(k, 2048) + `}`
				}) + `}`
			}) + `}`
		})
	}
	named := func(last int) string { // an issuer of 4, 128 names of 255 and one entry of the rest
		return `scopes: [{name: a, entitlements: [{subjects: {issuer: corp, users: ` + list(64, func(i int) string { return text(i, 255) }) +
			`, usernames: ` + list(64, func(i int) string { return text(i, 255) }) + `, groups: [` + text(0, last) + `]}}]}]`
	}
	routes := func(last int) string { // 64 of GET, 500 of path and a scope of 9 are 32768
		return `{scopes: [{name: tickets:r}], routes: ` + list(64, func(i int) string {
			n := 500
			if i == 63 {
				n = last
			}
			return `{match: {methods: [GET], path: /` + text(i, n-1) + `}, scope: tickets:r}`
		}) + `}`
	}
	resources := func(last int) string { // 32 of GET (3), / (1), tickets:r (9), ticket (6), an id of 200 and 5 properties of 4 and 157
		return `{scopes: [{name: tickets:r}], routes: ` + list(32, func(i int) string {
			n := 200
			if i == 31 {
				n = last
			}
			return `{match: {methods: [GET], path: /}, scope: tickets:r, resource: {type: ticket, id: ` + text(i, n) + `, properties: ` +
				list(5, func(i int) string { return `{name: ` + text(i, 4) + `, value: ` + text(i, 157) + `}` }) + `}}`
		}) + `}`
	}
	server := func(path, tools string) string {
		return `{match: {methods: [POST], path: "` + path + `"}, scope: tickets:read, mcp: {tools: ` + tools + `}}`
	}
	tool := func(name, rest string) string {
		return `routes: [` + server("/{tenant}/mcp", `[{name: "`+name+`", scope: tickets:read`+rest+`}]`) + `]`
	}
	tools := func(last int) string { // 128, 127 and the rest
		return `routes: ` + list(3, func(i int) string {
			return server("/mcp", list([]int{128, 127, last}[i], func(i int) string { return `{name: t` + fmt.Sprint(i) + `, scope: tickets:read}` }))
		})
	}
	toolBudget := func(last int) string { // 7 of POST (4), / (1), tickets:r (9) and 16 tools of 128, 9, 63 and 91 are 32690, and one of 14 and 9
		route := func(tools string) string {
			return `{match: {methods: [POST], path: /}, scope: tickets:r, mcp: {tools: ` + tools + `}}`
		}
		var routes []string
		for range 7 {
			routes = append(routes, route(list(16, func(i int) string {
				return `{name: ` + text(i, 128) + `, scope: tickets:r, resource: {type: ` + text(0, 63) + `, id: ` + text(0, 91) + `}}`
			})))
		}
		routes = append(routes, route(`[{name: `+text(0, last)+`, scope: tickets:r}]`))
		return `{scopes: [{name: tickets:r}], routes: [` + strings.Join(routes, ", ") + `]}`
	}
	route := func(path, rest string) string {
		return `routes: [{match: {methods: [GET], path: "` + path + `"}, scope: tickets:read` + rest + `}]`
	}
	rules := []rule{
		r("spec.maxStaleSeconds", saysStale, `{onStale: ServeStale, maxStaleSeconds: 60}`, `onStale: ServeStale`),
		r("spec.maxStaleSeconds", saysNoStale, `onStale: Deny`, `{onStale: Deny, maxStaleSeconds: 60}`),
		r("spec.maxStaleSeconds", saysNoStale, `onStale: null`, `maxStaleSeconds: 60`),
		r("spec.enforcement.until", saysUntil, `enforcement: {mode: DryRun, until: "2026-07-01T00:00:00Z"}`, `enforcement: {mode: DryRun}`),
		r("spec.enforcement.until", saysNoUntil, `enforcement: {mode: Enforce}`, `enforcement: {until: "2026-07-01T00:00:00Z"}`),
		r("spec.allowedActors.namespaces.selector", saysSelector, `allowedActors: {namespaces: {from: Selector, selector: {matchLabels: {a: b}}}}`, `allowedActors: {namespaces: {from: Selector}}`),
		r("spec.allowedActors.namespaces.selector", saysNoSelect, `allowedActors: {namespaces: {from: Same}}`, `allowedActors: {namespaces: {from: Same, selector: {matchLabels: {a: b}}}}`),
		r("spec.allowedActors.namespaces.selector", saysNoSelect, `allowedActors: {namespaces: {from: All}}`, `allowedActors: {namespaces: {from: All, selector: {matchLabels: {a: b}}}}`),
		r("spec.routes", saysUnknown, `{scopes: [{name: a}, {name: b}], routes: [{match: {methods: [GET], path: /}, scope: b}]}`, `{scopes: [{name: a}], routes: [{match: {methods: [GET], path: /}, scope: b}]}`),
		r("spec.scopes", saysEntitled, entitlements(2032), entitlements(2033)),
		r("spec.scopes", saysEntitled, named(124), named(125)),
		r("spec.routes", saysRoutes, routes(500), routes(501)),
		r("spec.routes", saysRoutes, resources(200), resources(201)),
		r("spec.routes", saysRoutes, toolBudget(55), toolBudget(56)),
		r("spec.routes", saysTools, tools(1), tools(2)),
		r("spec.routes", saysToolScope, `{scopes: [{name: a}, {name: b}], routes: [{match: {methods: [POST], path: /}, scope: a, mcp: {tools: [{name: t, scope: b}]}}]}`, `{scopes: [{name: a}], routes: [{match: {methods: [POST], path: /}, scope: a, mcp: {tools: [{name: t, scope: b}]}}]}`),
		r("spec.routes[0].match.methods", saysPosted, tool("t", ""), strings.Replace(tool("t", ""), "[POST]", "[GET]", 1)),
		r("spec.routes[0].match.methods", saysPosted, tool("t", ""), strings.Replace(tool("t", ""), "[POST]", "[POST, GET]", 1)),
		r("spec.scopes[0].description", saysDescribed, `scopes: [{name: a, description: Read one ticket}]`, `scopes: [{name: a, description: "Read\tone ticket"}]`),
		r("spec.routes[0].resource.id", saysID, route("/tickets/{id}", `, resource: {type: ticket, id: "no {id}!"}`), route("/tickets/{id}", `, resource: {type: ticket, id: "{id"}`)),
		r("spec.routes[0].resource.id", saysID, route("/tickets/{id...}", `, resource: {type: ticket, id: "{id}"}`), route("/tickets/{id...}", `, resource: {type: ticket, id: "{id...}"}`)),
		r("spec.routes[0].resource.properties[0].name", saysName, route("/{a}", `, resource: {type: t, properties: [{name: owner_1, value: "{a}"}]}`), route("/{a}", `, resource: {type: t, properties: [{name: owner-1, value: "{a}"}]}`)),
		r("spec.routes[0].resource.properties[0].value", saysProperty, route("/{a}", `, resource: {type: t, properties: [{name: o, value: "{a}"}]}`), route("/{a}", `, resource: {type: t, properties: [{name: o, value: "a}"}]}`)),
		r("spec.routes[0].resource.id", saysIDName, route("/{org}/{id}", `, resource: {type: t, id: "{org}/{id}"}`), route("/{org}/{id}", `, resource: {type: t, id: "{org}/{i}"}`)),
		r("spec.routes[0].resource.id", saysIDName, route("/{id...}", `, resource: {type: t, id: "{id}"}`), route("/{id...}", `, resource: {type: t, id: "{id_2}"}`)),
		r("spec.routes[0].resource.id", saysIDName, route("/{a}", `, resource: {type: t, id: "`+strings.Repeat("{a}", 8)+`"}`), route("/{a}", `, resource: {type: t, id: "`+strings.Repeat("{a}", 9)+`"}`)),
		r("spec.routes[0].resource.properties", saysPropNames, route("/{a}/{b}", `, resource: {type: t, properties: [{name: o, value: "{a}-{b}"}]}`), route("/{a}/{b}", `, resource: {type: t, properties: [{name: owner, value: x}, {name: site, value: "{a}-{c}"}]}`)),
		r("spec.routes[0].resource.properties", saysPropNames, route("/{a}", `, resource: {type: t, properties: [{name: o, value: "{a}{a}{a}{a}"}]}`), route("/{a}", `, resource: {type: t, properties: [{name: o, value: "{a}{a}{a}{a}{a}"}]}`)),
		r("spec.routes[0].match.path", saysNames, route("/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h...}", ""), route("/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", "")),
		r("spec.routes[0].match.path", saysNames, route("/{a}/b/{b}", ""), route("/{a}/b/{a}", "")),
		r("spec.routes[0].match.path", saysNames, route("/{b}/{a}/{c...}", ""), route("/{b}/{a}/{a...}", "")),
		r("spec.routes[0].match.path", saysNames, route("/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{gg}", ""), route("/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{g}", "")),
	}
	// THREATS 25, 27, 28: what names who asks, and what a proxy writes.
	for bad, good := range map[string]string{
		"authorization": "x-authorization", "proxy-authorization": "x-proxy", "cookie": "x-cookie", "dpop": "x-tenant", "behalf-actor-token": "x-behalfs",
		"x-behalf-subject": "x-be-half", "x-behalf-": "behalf", "forwarded": "x-forward", "x-forwarded-client-cert": "etag", "host": "x-host",
		"connection": "mcp-session-id", "content-length": "content-type", "keep-alive": "keep", "proxy-connection": "x-1", "te": "t", "trailer": "trailers",
		"transfer-encoding": "content-encoding", "upgrade": "upgrade-insecure-requests",
	} {
		rules = append(rules,
			r("spec.routes[0].resource.id", saysSecret, route("/", `, resource: {type: t, id: "a/{header:`+good+`}"}`), route("/", `, resource: {type: t, id: "a/{header:`+bad+`}"}`)),
			r("spec.routes[0].resource.properties[0].value", saysSecret, route("/", `, resource: {type: t, properties: [{name: o, value: "{header:`+good+`}"}]}`), route("/", `, resource: {type: t, properties: [{name: o, value: "{query:a}{header:`+bad+`}"}]}`)))
	}
	for bad, good := range map[string]string{
		"{query:}": "{query:a}", "{query:-a}": "{query:a-b}", "{query:a[]}": "{query:a.b}", "{query:a;b}": "x{query:_a}y", "{query:a b}": "{query:a_b}{query:0}",
		"{header:}": "{header:a}", "{header:X-Tenant}": "{header:x-tenant}", "{header:x_tenant}": "{header:x-1}", "{argument:id}": "{query:argument}",
		"{cookie:id}": "{query:cookie}", "{header::path}": "{header:path}", "{query:a": "a:b",
	} {
		rules = append(rules,
			r("spec.routes[0].resource.id", saysID, route("/", `, resource: {type: t, id: "`+good+`"}`), route("/", `, resource: {type: t, id: "`+bad+`"}`)),
			r("spec.routes[0].resource.properties[0].value", saysProperty, route("/", `, resource: {type: t, properties: [{name: o, value: "`+good+`"}]}`), route("/", `, resource: {type: t, properties: [{name: o, value: "`+bad+`"}]}`)))
	}
	for bad, good := range map[string]string{"read ticket": "read_ticket", "*": "github/read-ticket.v1", "read_*": "R", "läs": "0"} {
		rules = append(rules, r("spec.routes[0].mcp.tools[0].name", saysTool, tool(good, ""), tool(bad, "")))
	}
	for bad, good := range map[string]string{
		"{argument:id": "{argument:id}", "{query:id}": "{tenant}-{argument:id}", "{header:x-id}": "all", "{argument:a b}": "{argument:a.b-c_d}", "4\\u200b2": "42",
	} {
		rules = append(rules, r("spec.routes[0].mcp.tools[0].resource.id", saysToolID,
			tool("t", `, resource: {type: ticket, id: "`+good+`"}`), tool("t", `, resource: {type: ticket, id: "`+bad+`"}`)))
	}
	for good, bad := range map[string]string{
		"tickets.example": "Tickets.example", "tickets.support.svc": "tickets.example:443", "127.0.0.1": "https://tickets.example",
		"a": "tickets.example.", "xn--bcher-kva.example": "*.example", "a-b.c": "-a.c",
	} {
		rules = append(rules, r("spec.hosts[0]", saysHost, `hosts: ["`+good+`"]`, `hosts: ["`+bad+`"]`))
	}
	for good, bad := range map[string]string{"GET": "get", "PROPFIND": "*", "M-SEARCH": "GET,POST"} {
		yaml := `routes: [{match: {methods: ["VALUE"], path: /}, scope: tickets:read}]`
		rules = append(rules, r("spec.routes[0].match.methods[0]", saysMethod, strings.Replace(yaml, "VALUE", good, 1), strings.Replace(yaml, "VALUE", bad, 1)))
	}
	for bad, good := range map[string]string{
		"tickets":            "/tickets",
		"/tickets//{id}":     "/tickets/{id}",
		"//tickets":          "/",
		"/tickets/%2e":       "/tickets/",
		"/tickets;a=b":       "/tickets=b",
		"/tickets?id=1":      "/tickets/{id}/comments/{comment}",
		"/tickets#top":       "/a.b/v1.Service/Method",
		"/tickets/x{id}":     "/tickets/x/{id}",
		"/tickets/{id}x":     "/{id}/x",
		"/files/{path...}/x": "/files/{path...}",
		"/files/{path..}":    "/{path...}",
		"/tickets/{}":        "/tickets/{_}",
		"/tickets/{1}":       "/tickets/{id1}",
		"/tickets/{a-b}":     "/tickets/{a_b}",
		"/tickets/{id":       "/~alice/!$&'()+,:@=-_.",
		"/tickets/*":         "/tickets",
		"/täglich":           "/taeglich",
		"/a b":               "/a+b",
		`/a\\b`:              "/a/b/",
	} {
		rules = append(rules, r("spec.routes[0].match.path", saysPath, route(good, ""), route(bad, "")))
	}
	for bad, good := range map[string]string{"/..": "/..a", "/a/../b": "/a/..b/c", "/a/.": "/a/.b", "/./a": "/.well-known/a"} {
		rules = append(rules, r("spec.routes[0].match.path", saysDots, route(good, ""), route(bad, "")))
	}
	// THREATS 41: nobody takes another's audience over by changing to it.
	rules = append(rules, rule{
		kind: "ResourceServer", field: "spec.audience", before: `audience: "https://mine.example"`,
		says: "audience never changes, for tokens and other teams' objects name the API by it: make a new ResourceServer",
		good: `{audience: "https://mine.example", hosts: [mine.example]}`, bad: `audience: "https://theirs.example"`,
	})
	return rules
}

func serviceDelegationRules() []rule {
	const (
		saysNothing = "without audiences or onward nothing is declared: name the audiences that the service uses, or the next service in onward"
		saysLong    = "the audiences and scopes of one declaration have at most 16384 characters together: divide it into several ServiceDelegations of the same service account"
		saysPurpose = "a purpose has no control or invisible characters beside line breaks and tabs: remove them"
	)
	s := func(field, says, good, bad string) rule {
		return rule{kind: "ServiceDelegation", field: field, says: says, good: good, bad: bad}
	}
	const onward = `onward: [{to: {namespace: billing, serviceAccount: invoices}, audiences: [{audience: ledger, scopes: [ledger:read]}]}]`
	declared := func(last int) string { // 64 scopes of 127 and an audience of 64 are half of it, here and onward
		half := func(last int) string {
			return `audiences: [{audience: ` + text(0, 64) + `, scopes: ` + list(64, func(i int) string {
				if i == 63 {
					return text(i, last)
				}
				return text(i, 127)
			}) + `}]`
		}
		return `{` + half(127) + `, onward: [{to: {namespace: billing, serviceAccount: invoices}, ` + half(last) + `}]}`
	}
	return []rule{
		s("spec", saysNothing, `{audiences: null, `+onward+`}`, `audiences: null`),
		s("spec", saysNothing, onward, `audiences: null`),
		s("spec", saysLong, declared(127), declared(128)),
		s("spec.purpose", saysPurpose, `purpose: "Show customers\r\n\ttheir own tickets"`, `purpose: "Show\u001b[31m customers"`),
		s("spec.purpose", saysPurpose, `purpose: "Kundenwünsche 😀"`, `purpose: "Show customers\u202E"`),
	}
}

func issuerRules() []rule {
	const (
		saysURL     = "an issuer's url begins with https:// (http:// for localhost, 127.0.0.1 and [::1] only) and has a host and no user, query, fragment or space: give it exactly as tokens carry it in 'iss'"
		saysKeysURL = "the url of a JWK set begins with https:// (http:// for localhost, 127.0.0.1 and [::1] only) and has a host and no user, fragment or space: give the issuer's jwks_uri"
		saysJWKS    = "jwks is a JWK set, a JSON object with keys: write {'keys': [...]} in JSON, as the issuer's jwks_uri answers"
		saysPrivate = "jwks holds a private or symmetric key, which has now been shown to the API server: replace that key, and give public keys only"
		saysPEM     = "caBundle holds PEM certificates: begin each with -----BEGIN CERTIFICATE----- and end it with -----END CERTIFICATE-----, not in base64 once more"
		saysPEMKey  = "caBundle holds a private key, which has now been shown to the API server: replace that key, and give certificates only"
	)
	i := func(field, says, good, bad string) rule {
		return rule{kind: "TrustedIssuer", field: field, says: says, good: good, bad: bad}
	}
	const (
		set    = `'{"keys":[{"kty":"EC","crv":"P-256","kid":"d","x":"x","y":"y"}]}'`
		pem    = `"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"`
		pemKey = `"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----\n"`
	)
	rules := []rule{
		i("spec.keys.url", "url is required with type URL: give the address of the JWK set, or set type to Discovery", `keys: {type: URL, url: "https://idp.example/keys"}`, `keys: {type: URL}`),
		i("spec.keys.url", "url goes with type URL only: remove it, or set type to URL", `keys: {type: Discovery}`, `keys: {type: Discovery, url: "https://idp.example/keys"}`),
		i("spec.keys.jwks", "jwks is required with type Inline: put the JWK set here, or set type to Discovery or URL", `keys: {type: Inline, jwks: `+set+`}`, `keys: {type: Inline}`),
		i("spec.keys.jwks", "jwks goes with type Inline only: remove it, or set type to Inline", `keys: {type: Discovery}`, `keys: {type: Discovery, jwks: `+set+`}`),
		i("spec.keys.caBundle", "caBundle goes with type Discovery or URL only, for nothing is fetched with Inline: remove it", `keys: {type: Discovery, caBundle: `+pem+`}`, `keys: {type: Inline, jwks: `+set+`, caBundle: `+pem+`}`),
		i("spec.keys.caBundle", saysPEM, `keys: {type: Discovery, caBundle: `+pem+`}`, `keys: {type: Discovery, caBundle: LS0tLS1CRUdJTg==}`),
		i("spec.keys.caBundle", saysPEM, `keys: {type: Discovery, caBundle: `+pem+`}`, `keys: {type: Discovery, caBundle: "-----BEGIN CERTIFICATE-----\nMIIB"}`),
		i("spec.keys.caBundle", saysPEMKey, `keys: {type: Discovery, caBundle: `+pem+`}`, `keys: {type: Discovery, caBundle: `+pemKey+`}`),
		i("spec.keys.jwks", saysJWKS, `keys: {type: Inline, jwks: `+set+`}`, `keys: {type: Inline, jwks: "https://idp.example/keys"}`),
		i("spec.keys.jwks", saysJWKS, `keys: {type: Inline, jwks: '  {"keys": []}'}`, `keys: {type: Inline, jwks: '{"kty":"EC"}'}`),
		i("spec.keys.jwks", saysPrivate, `keys: {type: Inline, jwks: `+set+`}`, `keys: {type: Inline, jwks: '{"keys":[{"kty":"EC","crv":"P-256","x":"x","y":"y","d":"secret"}]}'}`),
		i("spec.keys.jwks", saysPrivate, `keys: {type: Inline, jwks: '{"keys":[{"kty":"RSA","n":"n","e":"AQAB","use":"d"}]}'}`, `keys: {type: Inline, jwks: '{"keys":[{"kty":"oct","k" : "secret"}]}'}`),
		i("spec.scopes.claim", "claim is required with type Claim: name the claim that holds the scopes, for example scope", `scopes: {type: Claim, claim: scp}`, `scopes: {type: Claim}`),
		i("spec.scopes.claim", "claim goes with type Claim only: remove it, or set type to Claim", `scopes: {type: Unbounded}`, `scopes: {type: Unbounded, claim: scope}`),
	}
	for bad, good := range map[string]string{
		"http://idp.example":              "https://idp.example",
		"idp.example":                     "https://idp.example/",
		"https://":                        "https://idp.example:8443/realms/corp",
		"https://idp.example?tenant=1":    "https://login.example/common/v2.0",
		"https://idp.example/#":           "http://localhost:5556/dex",
		"https://alice@idp.example":       "http://127.0.0.1:8080",
		"https://idp.example/a b":         "http://[::1]:8080",
		"http://127.0.0.1.example":        "https://[fd00::1]/a",
		"http://localhost.example:80":     "http://localhost",
		"http://127.0.0.1@idp.example":    "https://IDP.example",
		"file:///etc/passwd":              "https://idp.example/a%20b",
		`https://idp.example\\@evil.test`: "https://idp.example/a;b=c",
	} {
		rules = append(rules,
			i("spec.url", saysURL, `url: "`+good+`"`, `url: "`+bad+`"`))
		if bad != "https://idp.example?tenant=1" {
			rules = append(rules, i("spec.keys.url", saysKeysURL, `keys: {type: URL, url: "`+good+`"}`, `keys: {type: URL, url: "`+bad+`"}`))
		}
	}
	return append(rules, i("spec.keys.url", saysKeysURL, `keys: {type: URL, url: "https://idp.example/keys?tenant=1"}`, `keys: {type: URL, url: "https://idp.example/keys?tenant=1#a"}`))
}

func grantRules() []rule {
	const (
		saysFinal    = "Approved and Denied are final, and the grant no longer changes: make a new DelegationGrant, or stop this one with a DelegationRevocation"
		saysAsked    = "subject, actor, audience, scopes, resource, argumentsDigest and session are what was asked for and never change: make a new DelegationGrant"
		saysApprover = "approver goes with state Approved or Denied only: remove it"
		saysWho      = "requester is whoever made the request and never changes: make a new DelegationGrant"
		saysNobody   = "nobody knows who asked for this grant, which was made without the admission webhook or by an earlier release: make a new DelegationGrant and have that approved"
		saysOwn      = "whoever asks for a grant does not approve it: ask with state Requested, and have somebody else approve"
		saysDigest   = "argumentsDigest is sha256: and 64 hexadecimal digits in lower case: give the SHA-256 of the arguments' RFC 8785 form"
		saysResource = "a resource's id has no control or invisible characters: give it exactly as requests carry it"
	)
	g := func(field, says, good, bad string) rule {
		return rule{kind: "DelegationGrant", field: field, says: says, good: good, bad: bad}
	}
	hex := strings.Repeat("0a", 32)
	const approved = `{state: Approved, approver: {username: carol}}`
	rules := []rule{
		g("spec.approver", saysApprover, approved, `approver: {username: carol}`),
		g("spec.approver", saysApprover, `{state: Denied, approver: {username: carol}}`, `{state: Requested, approver: {username: carol}}`),
		g("spec.approver", saysOwn, `{requester: {username: dave}, `+approved[1:], `{requester: {username: carol}, `+approved[1:]),
		g("spec.argumentsDigest", saysDigest, `argumentsDigest: "sha256:`+hex+`"`, `argumentsDigest: "sha256:`+strings.ToUpper(hex)+`"`),
		g("spec.argumentsDigest", saysDigest, `argumentsDigest: "sha256:`+hex+`"`, `argumentsDigest: "sha512:`+hex+`"`),
		g("spec.resource.id", saysResource, `resource: {type: invoice, id: "inv 7/ü"}`, `resource: {type: invoice, id: "inv\u200b7"}`),
	}
	// What is final.
	for before, bad := range map[string]string{
		approved:        `{state: Denied, approver: {username: carol}}`,
		`state: Denied`: approved,
		`{state: Approved, notAfter: "2026-06-01T10:00:00Z"}`:        `{state: Approved, notAfter: "2026-06-01T12:00:00Z"}`,
		`{state: Approved, approver: {username: carol}, session: s}`: `{state: Approved, approver: {username: dave}, session: s}`,
		`{state: Denied, session: s}`:                                `{state: Requested, session: s}`,
	} {
		rules = append(rules, rule{kind: "DelegationGrant", field: "spec", says: saysFinal, before: before, good: before, bad: bad})
	}
	// Who asked, and who does not approve.
	const asked = `requester: {username: dave}`
	approvedOf := func(requester string) string { return `{requester: {username: ` + requester + `}, ` + approved[1:] }
	rules = append(rules,
		rule{kind: "DelegationGrant", field: "spec", says: saysWho, before: asked, good: approvedOf("dave"), bad: `requester: {username: erin}`},
		rule{kind: "DelegationGrant", field: "spec", says: saysWho, before: asked, good: `{` + asked + `, state: Denied, approver: {username: dave}}`, bad: `requester: null`},
		rule{kind: "DelegationGrant", field: "spec", says: saysWho, before: `session: s`, good: `{state: Denied, session: s}`, bad: `{` + asked + `, session: s}`},
		rule{kind: "DelegationGrant", field: "spec.approver", says: saysOwn, before: asked, good: approvedOf("dave"), bad: `{` + asked + `, state: Approved, approver: {username: dave}}`},
		rule{kind: "DelegationGrant", field: "spec.state", says: saysNobody, before: `session: s`, good: `{state: Denied, session: s}`, bad: `{state: Approved, session: s, approver: {username: carol}}`},
	)
	// What was asked for.
	const full = asked + `, subject: {issuer: corp, id: alice}, actor: {namespace: support, serviceAccount: portal}, audience: tickets, scopes: [a, b], resource: {type: ticket, id: "42"}, session: s-1`
	before := `{` + full + `, argumentsDigest: "sha256:` + hex + `"}`
	approvedNow := `{` + full + `, argumentsDigest: "sha256:` + hex + `", state: Approved, approver: {username: carol}, notAfter: "2026-06-01T10:30:00Z"}`
	otherOrder := strings.Replace(before, "[a, b]", "[b, a]", 1)
	deniedNow := strings.Replace(approvedNow, "Approved", "Denied", 1)
	for i, change := range [][2]string{
		{"alice", "bob"},
		{"issuer: corp", "issuer: other"},
		{"namespace: support", "namespace: elsewhere"},
		{"serviceAccount: portal", "serviceAccount: other"},
		{"audience: tickets", "audience: ledger"},
		{"[a, b]", "[a]"},
		{"[a, b]", "[a, b, c]"},
		{`resource: {type: ticket, id: "42"}`, `resource: {type: ticket, id: "43"}`},
		{`resource: {type: ticket, id: "42"}, `, ""},
		{"session: s-1", "session: s-2"},
		{", session: s-1", ""},
		{"0a0a", "0b0a"},
		{`, argumentsDigest: "sha256:` + hex + `"`, ""},
	} {
		rules = append(rules, rule{
			kind: "DelegationGrant", field: "spec", says: saysAsked, before: before,
			good: []string{approvedNow, otherOrder, deniedNow}[i%3], bad: strings.Replace(before, change[0], change[1], 1),
		})
	}
	for _, added := range []string{`resource: {type: ticket, id: "42"}`, `session: s-1`, `argumentsDigest: "sha256:` + hex + `"`} {
		rules = append(rules, rule{kind: "DelegationGrant", field: "spec", says: saysAsked, before: `notAfter: "2026-06-01T10:30:00Z"`, good: `{state: Denied, approver: {username: carol}}`, bad: added})
	}
	return rules
}

func revocationRules() []rule {
	const (
		saysOne    = "exactly one of subject, session, actor, edge, grant, transaction and token: make a DelegationRevocation for each that you mean"
		saysTarget = "what a revocation revokes never changes: make another DelegationRevocation, and delete this one if it was wrong"
		saysEdge   = "exactly one of subject and from: a step begins at a person or at a service; name the one that is meant"
		saysLoop   = "from and to are the same service, and no chain holds one twice: name two services, or revoke the actor"
		saysGrant  = "a grant's name has lower-case letters, digits, '-' and '.' only: give the name of a DelegationGrant, without its namespace"
	)
	d := func(field, says, good, bad string) rule {
		return rule{kind: "DelegationRevocation", field: field, says: says, good: good, bad: bad}
	}
	targets := []string{
		`subject: {issuer: corp, id: alice}`,
		`session: {issuer: corp, id: s-1}`,
		`actor: {namespace: support, serviceAccount: portal}`,
		`edge: {from: {namespace: support, serviceAccount: portal}, to: {namespace: billing, serviceAccount: invoices}}`,
		`grant: {namespace: finance, name: pay-inv-7}`,
		`transaction: txn-1`,
		`token: jti-1`,
	}
	others := []string{
		`subject: {issuer: corp, id: bob}`,
		`session: {issuer: corp, id: s-2}`,
		`actor: {namespace: support, serviceAccount: other}`,
		`edge: {from: {namespace: support, serviceAccount: portal}, to: {namespace: billing, serviceAccount: other}}`,
		`grant: {namespace: elsewhere, name: pay-inv-7}`,
		`transaction: txn-2`,
		`token: jti-2`,
	}
	const instant = `, issuedBefore: "2026-06-01T09:45:00Z"`
	rules := []rule{
		{kind: "DelegationRevocation", field: "spec", says: saysOne, good: ``, bad: `token: null`, also: "should have at least 1 properties"},
		d("spec", saysOne, `issuedBefore: "2026-06-01T09:45:00Z"`, `{token: null`+instant+`}`),
		d("spec.edge", saysEdge, `{token: null, edge: {subject: {issuer: corp, id: alice}, to: {namespace: a, serviceAccount: b}}}`, `{token: null, edge: {to: {namespace: a, serviceAccount: b}}}`),
		d("spec.edge", saysEdge, `{token: null, edge: {from: {namespace: a, serviceAccount: a}, to: {namespace: a, serviceAccount: b}}}`, `{token: null, edge: {subject: {issuer: corp, id: alice}, from: {namespace: a, serviceAccount: a}, to: {namespace: a, serviceAccount: b}}}`),
		d("spec.edge.to", saysLoop, `{token: null, edge: {from: {namespace: b, serviceAccount: a}, to: {namespace: a, serviceAccount: a}}}`, `{token: null, edge: {from: {namespace: a, serviceAccount: a}, to: {namespace: a, serviceAccount: a}}}`),
		d("spec.grant.name", saysGrant, `{token: null, grant: {namespace: finance, name: pay.inv-7}}`, `{token: null, grant: {namespace: finance, name: finance/pay-inv-7}}`),
		d("spec.transaction", "a transaction's id has no control or invisible characters: give the 'txn' exactly as tokens carry it", `{token: null, transaction: "txn 1"}`, `{token: null, transaction: "txn\n1"}`),
		d("spec.token", "a token's id has no control or invisible characters: give the 'jti' exactly as the token carries it", `token: "urn:uuid:1"`, `token: "jti\u00001"`),
	}
	for i, target := range targets {
		next := targets[(i+1)%len(targets)]
		alone := `{token: null, ` + target + `}`
		if i == len(targets)-1 {
			alone = `{` + target + `}`
		}
		both := strings.Replace(alone, target, target+`, `+next, 1)
		if i == len(targets)-2 { // the next is the token, which the smallest has
			both = target
		}
		rules = append(rules,
			d("spec", saysOne, alone, both),
			rule{kind: "DelegationRevocation", field: "spec", says: saysTarget, before: alone, good: strings.Replace(alone, target, target+instant, 1), bad: strings.Replace(alone, target, others[i], 1)})
		if i < len(targets)-2 {
			rules = append(rules, rule{kind: "DelegationRevocation", field: "spec", says: saysTarget, before: alone, good: alone, bad: `{token: null, ` + next + `}`})
		}
	}
	return rules
}

// statusRules hold the manager to what a reader can bear, for it writes the status of every object.
func statusRules() []rule {
	const (
		saysMessage   = "a condition's message has at most 4096 characters: name a few and count the rest"
		saysEffective = "the audiences and scopes of effective have at most 16384 characters together: list fewer"
		saysExcess    = "the audiences, scopes and messages of excess have at most 40960 characters together: list fewer, and count the rest in WithinPolicy"
	)
	condition := func(n int) string {
		return `conditions: [{type: Ready, status: "True", reason: Ready, lastTransitionTime: "2026-06-01T10:00:00Z", message: "` + strings.Repeat("ü", n) + `"}]`
	}
	var rules []rule
	for _, kind := range kinds {
		rules = append(rules, rule{kind: kind, field: "status.conditions[0]", says: saysMessage, status: true, good: condition(4096), bad: condition(4097)})
	}
	s := func(field, says, good, bad string) {
		rules = append(rules, rule{kind: "ServiceDelegation", field: field, says: says, status: true, good: good, bad: bad})
	}
	effective := func(last int) string {
		return `effective: ` + list(2, func(i int) string {
			return `{audience: ` + text(i, 10) + `, scopes: ` + list(64, func(j int) string {
				if i == 1 && j == 63 {
					return text(j, last)
				}
				return text(j, 128)
			}) + `}`
		})
	}
	s("status.effective", saysEffective, effective(108), effective(109))
	excess := func(last int) string {
		return `excess: ` + list(40, func(i int) string {
			n := 1004
			if i == 39 {
				n = last
			}
			return `{audience: ` + text(i, 10) + `, scope: ` + text(i, 10) + `, reason: NoPolicy, message: ` + text(i, n) + `}`
		})
	}
	s("status.excess", saysExcess, excess(1004), excess(1005))
	for field, at := range map[string]struct {
		words []word
		yaml  string
	}{
		"status.effective[0].audience":       {audiences, `effective: [{audience: VALUE, scopes: [a]}]`},
		"status.effective[0].scopes[0]":      {scopes, `effective: [{audience: a, scopes: [VALUE]}]`},
		"status.excess[0].audience":          {audiences, `excess: [{audience: VALUE, scope: a, reason: NoPolicy}]`},
		"status.excess[0].scope":             {scopes, `excess: [{audience: a, scope: VALUE, reason: NoPolicy}]`},
		"status.excess[0].to.namespace":      {spaces, `excess: [{audience: a, scope: a, reason: NoPolicy, to: {namespace: VALUE, serviceAccount: a}}]`},
		"status.excess[0].to.serviceAccount": {accounts, `excess: [{audience: a, scope: a, reason: NoPolicy, to: {namespace: a, serviceAccount: VALUE}}]`},
	} {
		for _, w := range at.words {
			s(field, w.says, strings.Replace(at.yaml, "VALUE", w.good, 1), strings.Replace(at.yaml, "VALUE", w.bad, 1))
		}
	}
	return rules
}
