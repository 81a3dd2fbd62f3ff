// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package scenes

import (
	"net/http"

	"behalf.dev/behalf/test/stack"
)

const (
	tickets  = "https://tickets.example"
	crm      = "https://crm.example"
	records  = "https://records.clinic.example"
	console  = "https://console.ops.example"
	payments = "https://payments.example"
	ledger   = "https://ledger.example"
)

// portal asks for a path of the tickets API through the proxy in front of it.
func portal(title, subject, method, path string) stack.Question {
	return stack.Question{
		Title: title, Subject: subject, Actor: "support/portal", Audience: tickets,
		HTTP:    &stack.HTTP{Method: method, Host: "tickets.example", Path: path},
		Context: map[string]any{"purpose": "support"},
	}
}

var supportPortal = Scene{
	Title: "A support portal that may read only the signed-in customer's tickets",
	Story: "Alice, a customer, opens the support portal. The portal calls the tickets API for her, through a proxy that asks Behalf.",
	Questions: []Asked{
		{portal("the portal reads Alice's own ticket for her", "alice", http.MethodGet, "/customers/alice/tickets/42"), allowed},
		{
			portal("the portal, compromised, reads Bob's ticket in Alice's name", "alice", http.MethodGet, "/customers/bob/tickets/43"),
			denied("subject", "not_entitled"),
		},
		{
			portal("a support agent deletes a ticket through the portal, which never declared that", "sam", http.MethodDelete, "/customers/bob/tickets/43"),
			denied("actor", "not_declared"),
		},
		{
			portal("a path that could be read in two ways", "alice", http.MethodGet, "/customers/alice/..%2fbob/tickets/43"),
			denied("resource", "path_not_canonical"),
		},
	},
}

func copilotAsks(title, scope string) stack.Question {
	return stack.Question{
		Title: title, Subject: "erin", Actor: "sales/copilot", Audience: crm, Scope: scope,
		Resource: stack.Resource{Type: "contact", ID: "c-7"},
	}
}

var copilot = Scene{
	Title: "A copilot whose employee may do a thing that its own tool scope does not include",
	Story: "Erin in sales may delete contacts. Her copilot declared only that it reads them, so a prompt cannot talk it into more.",
	Questions: []Asked{
		{copilotAsks("the copilot reads a contact for Erin", "crm:read"), allowed},
		{copilotAsks("the copilot deletes the contact, as Erin herself might", "crm:delete"), denied("actor", "not_declared")},
		{copilotAsks("the copilot asks for a scope that the API does not have", "crm:export"), denied("resource", "scope_unknown")},
	},
}

func schedulerReads(title, patient string) stack.Question {
	return stack.Question{
		Title: title, Subject: "dr-grey", Actor: "clinic/scheduler", Audience: records, Scope: "records:read",
		Resource: stack.Resource{Type: "patient", ID: patient},
	}
}

var clinic = Scene{
	Title: "A clinic's scheduler bound to the clinician's patients",
	Story: "The scheduler plans appointments for Dr. Grey. It sees the records of her patients, as long as she is the one asking.",
	Questions: []Asked{
		{schedulerReads("the scheduler reads the record of Dr. Grey's patient", "p-17"), allowed},
		{schedulerReads("the scheduler reads the record of somebody else's patient", "p-99"), denied("subject", "not_entitled")},
	},
}

func botAsks(title, scope string, level int) stack.Question {
	return stack.Question{
		Title: title, Subject: "dana", Actor: "ops/incident-bot", Audience: console, Scope: scope,
		Resource: stack.Resource{Type: "system", ID: "payments-db", Properties: map[string]any{"level": level}},
	}
}

var incidentBot = Scene{
	Title: "An incident bot bound to the operator's clearance and its own read-only scope",
	Story: "Dana, cleared for level 2, asks the incident bot in the chat. It may look where she may look, and never touch.",
	Questions: []Asked{
		{botAsks("the bot reads the logs of a level 2 system", "systems:read", 2), allowed},
		{botAsks("the bot reads the logs of a level 3 system", "systems:read", 3), denied("subject", "not_entitled")},
		{botAsks("the bot restarts the level 2 system, which Dana herself could", "systems:restart", 2), denied("actor", "not_declared")},
	},
}

var nobodyBehind = Scene{
	Title: "A service with no person behind it",
	Story: "The portal calls the API without anybody's token, say because it was taken over at night. A service is never trusted alone.",
	Questions: []Asked{
		{portal("the portal reads a ticket for nobody", "", http.MethodGet, "/customers/alice/tickets/42"), denied("identity", "subject_missing")},
	},
}

func invoicesRead(title string, via ...string) stack.Question {
	return stack.Question{
		Title: title, Subject: "alice", Actor: "billing/invoices", Via: via, Audience: ledger, Scope: "ledger:read",
		Resource: stack.Resource{Type: "account", ID: "a-1", Properties: map[string]any{"owner": "alice"}},
	}
}

var chain = Scene{
	Title: "A chain of two services, with and without a declared edge",
	Story: "The invoice service reads the ledger for whoever asked the shop. Checkout declared that it goes on to it; the chat did not.",
	Questions: []Asked{
		{invoicesRead("Alice, through checkout, through the invoice service", "shop/checkout"), allowed},
		{invoicesRead("Alice, through the chat, through the invoice service", "shop/chat"), denied("chain", "edge_not_declared")},
		{invoicesRead("Alice, through the invoice service twice", "billing/invoices"), denied("chain", "chain_loop")},
	},
}
