// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authorizer

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/snapshot"
)

// firstPolicies is for how long after connecting policy bundles are waited for. A manager that has none to give sends none,
// and an authorizer must not stay out of service for that.
const firstPolicies = 5 * time.Second

// health says whether this authorizer can decide, and what is missing where it cannot.
type health struct {
	store  *snapshot.Store
	client *distribution.Client
	keys   *watched
	wake   distribution.Clock
	// account says how the manager knows this authorizer.
	account func() string
	closing atomic.Bool
}

// report is what stands in the way of deciding, and what else is worth knowing.
type report struct {
	missing, notes []string
}

func (h *health) report() *report {
	r := &report{}
	if h.closing.Load() {
		r.missing = append(r.missing, "shutting down")
	}
	if err := h.keys.missing(); err != nil {
		r.missing = append(r.missing, "no bundle keys: "+err.Error())
	}
	if h.unserved() {
		r.missing = append(r.missing, "connected, and the manager serves nothing to "+h.account()+
			": name it in the manager's --authorizers or in spec.authorizers of a ResourceServer")
	} else {
		if err := h.store.Ready(); err != nil {
			r.missing = append(r.missing, strings.Split(err.Error(), "\n")...)
		}
		h.addPolicies(r)
	}
	h.addConnection(r)
	return r
}

// unserved says that the manager has let this authorizer in for a while and sent nothing at all: whoever may see one resource
// server gets the trust bundle too.
func (h *health) unserved() bool {
	for _, state := range h.store.States() {
		if state.Freshness != snapshot.Absent || state.Refused != "" {
			return false
		}
	}
	connection := h.client.State()
	return connection.Connected && h.wake.Now().Sub(connection.Since) >= firstPolicies
}

func (h *health) addPolicies(r *report) {
	held := 0
	for _, state := range h.store.States() {
		if state.Kind == bundle.KindPolicy && state.Freshness != snapshot.Absent {
			held++
		}
		r.addState(state)
	}
	if held > 0 {
		return
	}
	const none = "no policy bundle has come: every request is denied"
	if connection := h.client.State(); connection.Connected && h.wake.Now().Sub(connection.Since) >= firstPolicies {
		r.notes = append(r.notes, none)
		return
	}
	r.missing = append(r.missing, none+"; waiting for the manager")
}

func (r *report) addState(state snapshot.State) {
	name := fmt.Sprintf("%s bundle %s", state.Kind, state.Name)
	if state.Kind == "" {
		name = "files " + state.Name + " of the state folder"
	}
	switch state.Freshness {
	case snapshot.Expired:
		r.notes = append(r.notes, name+": its lease ended at "+stamp(state.Statement.Lease())+", and what it decides is denied")
	case snapshot.Degraded:
		r.notes = append(r.notes, name+": its lease ended at "+stamp(state.Statement.Lease())+"; it is served stale for now, where a ResourceServer says so")
	case snapshot.Absent, snapshot.Fresh:
	}
	switch {
	case state.Refused == "":
	case state.Stored:
		r.notes = append(r.notes, name+": what was kept of it was refused at "+stamp(state.RefusedAt)+
			", and nothing is decided on it until a manager sends it again: "+withRemedy(state.Refused))
	default:
		r.notes = append(r.notes, name+": an update was refused at "+stamp(state.RefusedAt)+": "+withRemedy(state.Refused))
	}
}

func (h *health) addConnection(r *report) {
	state := h.client.State()
	if state.Connected {
		return
	}
	note := "not connected to the manager since " + stamp(state.Since)
	if state.LastError != nil {
		note += ": " + state.LastError.Error()
	}
	if remedy := remedy(state.LastError); remedy != "" {
		note += " (" + remedy + ")"
	}
	r.notes = append(r.notes, note)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// ready answers /readyz: 200 where requests can be decided, 503 where all are denied. Being cut off from the manager alone
// takes nobody out of service: until the leases end, decisions are as good as before.
func (h *health) ready(w http.ResponseWriter, _ *http.Request) {
	r := h.report()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if len(r.missing) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	io.WriteString(w, r.String()) //nolint:errcheck // nobody is left to be told
}

// String is a line each.
func (r *report) String() string {
	var b strings.Builder
	if len(r.missing) == 0 {
		b.WriteString("ready\n")
	} else {
		b.WriteString("not ready: every request is denied\n")
	}
	for _, line := range r.missing {
		b.WriteString("missing: " + line + "\n")
	}
	for _, line := range r.notes {
		b.WriteString("note: " + line + "\n")
	}
	return b.String()
}

func live(w http.ResponseWriter, _ *http.Request) {
	io.WriteString(w, "alive\n") //nolint:errcheck // nobody is left to be told
}
