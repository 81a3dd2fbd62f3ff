// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package extauthz_test

import (
	"testing"
	"time"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/engine"
	"behalf.dev/behalf/internal/frontdoor/doortest"
	"behalf.dev/behalf/internal/token/tokentest"
)

// aliceWith gives a token of hers with some claims otherwise than usual.
func aliceWith(tb testing.TB, w *doortest.World, claims map[string]any) string {
	tb.Helper()
	return "Bearer " + w.Corp.Sign(tb, tokentest.With(w.Corp.Person(doortest.Now, "alice", "behalf"), claims))
}

func actorWith(tb testing.TB, w *doortest.World, claims map[string]any) string {
	tb.Helper()
	return w.Cluster.Sign(tb, tokentest.With(w.Cluster.ServiceAccount(doortest.Now, doortest.Portal, doortest.UID, doortest.Tickets), claims))
}

// TestInADryRunWhoIsNotKnownPassesAndIsNobody proves docs/adr/0004: what is decided is what is recorded is what is answered.
func TestInADryRunWhoIsNotKnownPassesAndIsNobody(t *testing.T) { // THREATS 27, 29
	w := doortest.New(t)
	w.Policy.DryRunUntil = doortest.Now.Add(time.Hour).Unix()
	for name, test := range map[string]struct {
		edit   func(map[string]string)
		dryRun string
		// whom the API is told of
		subject, actor string
	}{
		"no credentials at all": {func(h map[string]string) {
			delete(h, "authorization")
			delete(h, "behalf-actor-token")
		}, "identity/subject_missing", "", ""},
		"a password":             {func(h map[string]string) { h["authorization"] = "Basic YTpi" }, "identity/subject_missing", "", "support/portal"},
		"a garbage bearer":       {func(h map[string]string) { h["authorization"] = "Bearer x" }, "identity/token_invalid", "", "support/portal"},
		"a bad actor token":      {func(h map[string]string) { h["behalf-actor-token"] = "x" }, "identity/token_invalid", "alice", ""},
		"two subject tokens":     {func(h map[string]string) { h["authorization"] += ",Bearer x" }, "identity/request_malformed", "", "support/portal"},
		"two actor tokens":       {func(h map[string]string) { h["behalf-actor-token"] += ",x" }, "identity/request_malformed", "alice", ""},
		"the actor token in two": {func(h map[string]string) { h["behalf_actor_token"] = "x" }, "identity/request_malformed", "alice", ""},
		"the actor token in another spelling alone": {func(h map[string]string) {
			h["behalf_actor_token"] = h["behalf-actor-token"]
			delete(h, "behalf-actor-token")
		}, "identity/request_malformed", "alice", ""},
		"the subject token in another case too": {func(h map[string]string) { h["Authorization"] = "Bearer x" }, "identity/request_malformed", "", "support/portal"},
	} {
		t.Run(name, func(t *testing.T) {
			r, recorder := request(t, w), &doortest.Recorder{}
			headers := r.GetAttributes().GetRequest().GetHttp().GetHeaders()
			headers["x-behalf-subject"], headers["x-behalf-actor"] = "root", "kube-system/root"
			test.edit(headers)
			ok := check(t, w.Judge(t, recorder), r).GetOkResponse()
			if ok == nil {
				t.Fatal("denied")
			}
			if len(recorder.Events) != 1 || !recorder.Events[0].Decision.Allowed() || recorder.Events[0].Decision.DryRun == nil {
				t.Errorf("recorded %+v, want one allow with what a dry run let pass", recorder.Events)
			}
			want := map[string]string{"x-behalf-revision": "42", "x-behalf-dry-run": test.dryRun}
			if test.subject != "" {
				want["x-behalf-subject"], want["x-behalf-issuer"] = test.subject, "corp"
			}
			if test.actor != "" {
				want["x-behalf-actor"] = test.actor
			}
			got, removed := values(ok.GetHeaders()), map[string]bool{}
			for _, name := range ok.GetHeadersToRemove() {
				removed[name] = true
			}
			for _, name := range []string{
				"x-behalf-subject", "x-behalf-issuer", "x-behalf-actor", "x-behalf-scope", "x-behalf-revision", "x-behalf-dry-run",
			} {
				value, set := want[name]
				if _, isSet := got[name]; isSet != set || got[name] != value || removed[name] == set {
					t.Errorf("%s is %q (removed: %t), want %q", name, got[name], removed[name], value)
				}
			}
			for name := range headers {
				if (name == "behalf-actor-token" || name == "behalf_actor_token") && !removed[name] {
					t.Errorf("%s reaches the API", name)
				}
			}
		})
	}
}

func TestInADryRunWhatIsOutOfDateIsDeniedAndRecordedSo(t *testing.T) { // THREATS 21, 33
	w := doortest.New(t)
	w.Policy.DryRunUntil = doortest.Now.Add(2 * time.Hour).Unix()
	past, ahead := doortest.Now.Add(-time.Hour), doortest.Now.Add(time.Hour)
	for name, test := range map[string]struct {
		edit   func(map[string]string)
		at     time.Time
		status int32
		leg    authz.Leg
		reason authz.Reason
	}{
		"an expired subject token": {func(h map[string]string) {
			h["authorization"] = aliceWith(t, w, map[string]any{"exp": past.Unix()})
		}, doortest.Now, 401, authz.LegFreshness, authz.ReasonTokenExpired},
		"a subject token of the future": {func(h map[string]string) {
			h["authorization"] = aliceWith(t, w, map[string]any{"nbf": ahead.Unix()})
		}, doortest.Now, 401, authz.LegFreshness, authz.ReasonTokenNotYetValid},
		"an expired actor token": {func(h map[string]string) {
			h["behalf-actor-token"] = actorWith(t, w, map[string]any{"exp": past.Unix()})
		}, doortest.Now, 401, authz.LegFreshness, authz.ReasonTokenExpired},
		"an actor token of the future": {func(h map[string]string) {
			h["behalf-actor-token"] = actorWith(t, w, map[string]any{"nbf": ahead.Unix()})
		}, doortest.Now, 401, authz.LegFreshness, authz.ReasonTokenNotYetValid},
		"a lease that ran out, whoever asks": {func(h map[string]string) {
			delete(h, "authorization")
		}, doortest.Now.Add(61 * time.Minute), 503, authz.LegFreshness, authz.ReasonStaleBundle},
	} {
		t.Run(name, func(t *testing.T) {
			r, recorder := request(t, w), &doortest.Recorder{}
			test.edit(r.GetAttributes().GetRequest().GetHttp().GetHeaders())
			if test.at != doortest.Now { // the tokens are as fresh as they were
				delete(r.GetAttributes().GetRequest().GetHttp().GetHeaders(), "behalf-actor-token")
			}
			judge := w.Judge(t, recorder)
			judge.Clock = func() time.Time { return test.at }
			wantDenied(t, check(t, judge, r), test.status, test.leg, test.reason)
			if len(recorder.Events) != 1 || recorder.Events[0].Decision.Outcome != authz.Deny || recorder.Events[0].Decision.Reason != test.reason {
				t.Errorf("recorded %+v, want one deny for %s", recorder.Events, test.reason)
			}
		})
	}
	t.Run("no bundle at all", func(t *testing.T) {
		recorder := &doortest.Recorder{}
		wantDenied(t, check(t, doortest.JudgeOf((*engine.Snapshot)(nil), recorder), request(t, w)), 503, authz.LegFreshness, authz.ReasonStaleBundle)
		if len(recorder.Events) != 1 || recorder.Events[0].Decision.Reason != authz.ReasonStaleBundle {
			t.Errorf("recorded %+v", recorder.Events)
		}
	})
}
