// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/manager"
	"behalf.dev/behalf/internal/servingcert"
	"behalf.dev/behalf/internal/upkeep"
	"behalf.dev/behalf/webhook"
)

const (
	team      = "support"
	portal    = "portal"
	audience  = "https://tickets.example"
	readScope = "tickets:read"
)

// jwks is an Ed25519 public key (RFC 8037, appendix A.2).
const jwks = `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a"}]}`

func issuer() *v1alpha1.TrustedIssuer {
	return &v1alpha1.TrustedIssuer{
		ObjectMeta: metav1.ObjectMeta{Name: "corp"},
		Spec: v1alpha1.TrustedIssuerSpec{
			URL: "https://idp.example", Audiences: []v1alpha1.Audience{"behalf"},
			Algorithms: []v1alpha1.SignatureAlgorithm{"EdDSA"},
			Keys:       v1alpha1.IssuerKeys{Type: v1alpha1.KeysInline, JWKS: jwks},
			Scopes:     v1alpha1.IssuerScopes{Type: v1alpha1.IssuerScopesUnbounded},
		},
	}
}

func customers() v1alpha1.SubjectSelector {
	return v1alpha1.SubjectSelector{Issuer: "corp", Groups: []v1alpha1.GroupName{"customers"}}
}

func tickets() *v1alpha1.ResourceServer {
	return &v1alpha1.ResourceServer{
		ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: "tickets"},
		Spec: v1alpha1.ResourceServerSpec{
			Audience: audience,
			Scopes: []v1alpha1.Scope{{Name: readScope, Entitlements: []v1alpha1.Entitlement{{
				Subjects:   customers(),
				Conditions: []v1alpha1.Condition{{Expression: "resource.properties.owner == subject.id"}},
			}}}},
		},
	}
}

func ambiguous(path string) v1alpha1.Route {
	return v1alpha1.Route{Match: v1alpha1.RouteMatch{Methods: []string{"GET"}, Path: path}, Scope: readScope}
}

func permit() *v1alpha1.DelegationPolicy {
	return &v1alpha1.DelegationPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "portal-for-customers"},
		Spec: v1alpha1.DelegationPolicySpec{
			Effect:    v1alpha1.EffectPermit,
			Actors:    []v1alpha1.ActorSelector{{Namespace: team, ServiceAccount: portal}},
			Subjects:  []v1alpha1.SubjectSelector{customers()},
			Audiences: []v1alpha1.AudienceScopePatterns{{Audience: audience, Scopes: []v1alpha1.ScopePattern{"tickets:*"}}},
		},
	}
}

func declaration() *v1alpha1.ServiceDelegation {
	return &v1alpha1.ServiceDelegation{
		ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: portal},
		Spec: v1alpha1.ServiceDelegationSpec{
			ServiceAccountName: portal, Purpose: "Show customers their own tickets",
			Audiences: []v1alpha1.AudienceScopes{{Audience: audience, Scopes: []v1alpha1.ScopeName{readScope}}},
		},
	}
}

// aliceReads is Alice, through the portal, reading her own ticket.
func aliceReads() *authz.Request {
	return &authz.Request{
		Subject:  authz.Subject{Issuer: "corp", ID: "alice", Groups: []string{"customers"}},
		Actor:    authz.Actor{Namespace: team, ServiceAccount: portal},
		Audience: audience, Scope: readScope,
		Resource: authz.Resource{Type: "ticket", ID: "42", Properties: map[string]any{"owner": "alice"}},
	}
}

// decides gives what an authorizer answers, for Eventually.
func decides(e *enforcer) func() string {
	return func() string {
		decision := e.Current().Decide(aliceReads(), time.Now())
		if decision.Allowed() {
			return "Allow"
		}
		return fmt.Sprintf("Deny %s %s", decision.Leg, decision.Reason)
	}
}

// conditionsOf gives type=status(reason) of every condition for this generation, in order.
func conditionsOf(object client.Object) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		if err := admin.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return "", err
		}
		var out []string
		for _, c := range statusOf(object) {
			if c.ObservedGeneration == object.GetGeneration() {
				out = append(out, fmt.Sprintf("%s=%s(%s)", c.Type, c.Status, c.Reason))
			}
		}
		return strings.Join(out, " "), nil
	}
}

func statusOf(object client.Object) []metav1.Condition {
	switch o := object.(type) {
	case *v1alpha1.ResourceServer:
		return o.Status.Conditions
	case *v1alpha1.DelegationPolicy:
		return o.Status.Conditions
	case *v1alpha1.ServiceDelegation:
		return o.Status.Conditions
	case *v1alpha1.TrustedIssuer:
		return o.Status.Conditions
	case *v1alpha1.DelegationGrant:
		return o.Status.Conditions
	case *v1alpha1.DelegationRevocation:
		return o.Status.Conditions
	default:
		return nil
	}
}

func messageOf(object client.Object, kind string) string {
	if c := meta.FindStatusCondition(statusOf(object), kind); c != nil {
		return c.Message
	}
	return ""
}

const (
	enforced         = "Accepted=True(Accepted) Enforced=True(Enforced) Ready=True(Ready)"
	declarationGood  = "Accepted=True(Accepted) WithinPolicy=True(WithinPolicy) WorkloadsWithinBounds=True(WithinBounds) Enforced=True(Enforced) Ready=True(Ready)"
	issuerGood       = "Accepted=True(Accepted) KeysFetched=True(KeysFetched) Enforced=True(Enforced) Ready=True(Ready)"
	readyWithin      = 15 * time.Second
	nothingHappensIn = 1500 * time.Millisecond
)

func create(ctx context.Context, objects ...client.Object) {
	for _, object := range objects {
		Expect(admin.Create(ctx, object)).To(Succeed())
	}
}

func becomes(ctx context.Context, object client.Object, conditions any) {
	GinkgoHelper()
	matcher, ok := conditions.(types.GomegaMatcher)
	if !ok {
		matcher = Equal(conditions)
	}
	Eventually(conditionsOf(object)).WithContext(ctx).Should(matcher)
}

// change edits an object as a person does with kubectl edit.
func change[T client.Object](ctx context.Context, object T, edit func(T)) {
	GinkgoHelper()
	Eventually(func(ctx context.Context) error {
		if err := admin.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		edit(object)
		return admin.Update(ctx, object)
	}).WithContext(ctx).Should(Succeed())
}

func readyz(m *running) func() (string, error) {
	return func() (string, error) {
		resp, err := http.Get("http://" + m.HealthAddress() + "/readyz")
		if err != nil {
			return "", err
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		return resp.Status + "\n" + string(body), err
	}
}

var _ = BeforeEach(func(ctx context.Context) {
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: team, Labels: map[string]string{"team": team}}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: portal}},
	} {
		Expect(client.IgnoreAlreadyExists(admin.Create(ctx, object))).To(Succeed())
	}
	DeferCleanup(func(ctx context.Context) {
		for _, object := range []client.Object{
			&v1alpha1.ResourceServer{}, &v1alpha1.ServiceDelegation{}, &v1alpha1.DelegationGrant{},
		} {
			Expect(admin.DeleteAllOf(ctx, object, client.InNamespace(team))).To(Succeed())
		}
		for _, object := range []client.Object{&v1alpha1.DelegationPolicy{}, &v1alpha1.TrustedIssuer{}, &v1alpha1.DelegationRevocation{}} {
			Expect(admin.DeleteAllOf(ctx, object)).To(Succeed())
		}
	})
})

var _ = Describe("A manager", func() {
	It("makes what three owners wrote into decisions, and says when they are enforced", func(ctx context.Context) {
		m := start(ctx)
		rs, policy, sd, corp := tickets(), permit(), declaration(), issuer()
		create(ctx, corp, policy, sd)
		becomes(ctx, policy, "Accepted=True(Accepted) Enforced=False(NoEffect) Ready=False(NoEffect)")
		becomes(ctx, sd, HavePrefix("Accepted=True(Accepted) WithinPolicy=False(Excess)"))
		Expect(messageOf(sd, "Ready")).To(Equal("1 of 1 declared scopes has no effect: https://tickets.example#tickets:read (AudienceUnknown). See status.excess."))
		create(ctx, rs)
		becomes(ctx, rs, "Accepted=True(Accepted) Enforced=False(NoAuthorizers) Ready=False(NoAuthorizers)")
		Expect(messageOf(rs, "Ready")).To(Equal("No authorizer that may serve bundle support/tickets is connected."))

		Expect(readyz(m)()).To(ContainSubstring("\nauthorizers: 0 of 1 expected connected\n"))
		a, b := connect(ctx, m, "a"), connect(ctx, m, "b")
		becomes(ctx, rs, enforced)
		Expect(readyz(m)()).To(ContainSubstring("\nauthorizers: 1 of 1 expected connected\n"))
		becomes(ctx, policy, enforced)
		becomes(ctx, sd, declarationGood)
		becomes(ctx, corp, issuerGood)
		Expect(decides(a)()).To(Equal("Allow"))
		Expect(decides(b)()).To(Equal("Allow"))
		Expect(rs.Status.Bundle.Digest).To(HavePrefix("sha256:"))
		Expect(sd.Status.Effective).To(HaveLen(1))

		By("withdrawing the declaration's scope")
		create(ctx, &v1alpha1.ResourceServer{
			ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: "other"},
			Spec:       v1alpha1.ResourceServerSpec{Audience: "https://other.example", Scopes: []v1alpha1.Scope{{Name: "x"}}},
		})
		change(ctx, sd, func(sd *v1alpha1.ServiceDelegation) {
			sd.Spec.Audiences = []v1alpha1.AudienceScopes{{Audience: "https://other.example", Scopes: []v1alpha1.ScopeName{"x"}}}
		})
		becomes(ctx, sd, ContainSubstring("Enforced=True"))
		Expect(decides(a)()).To(Equal("Deny actor not_declared"), "Enforced holds for the bundle that was left too")
		Expect(decides(b)()).To(Equal("Deny actor not_declared"))
	})

	It("keeps the last good form of a resource server while the new one is invalid", func(ctx context.Context) {
		m := start(ctx)
		rs, policy := tickets(), permit()
		create(ctx, issuer(), policy, declaration(), rs)
		a := connect(ctx, m, "a")
		becomes(ctx, rs, enforced)
		change(ctx, rs, func(rs *v1alpha1.ResourceServer) {
			rs.Spec.Routes = []v1alpha1.Route{ambiguous("/tickets/{id}"), ambiguous("/tickets/{number}")}
		})
		becomes(ctx, rs, "Accepted=False(Invalid) Enforced=False(NotAccepted) Stalled=True(Invalid) Ready=False(Invalid)")
		Expect(messageOf(rs, "Ready")).To(HavePrefix("spec.routes[1].match"))
		Expect(messageOf(rs, "Enforced")).To(Equal("This generation is not accepted; the last one that was stays in force."))
		Consistently(decides(a)).WithTimeout(300 * time.Millisecond).Should(Equal("Allow"))

		By("forbidding meanwhile: an owner who makes an object invalid escapes nobody else's word")
		forbid := permit()
		forbid.Name, forbid.Spec.Effect = "no-portal", v1alpha1.EffectForbid
		create(ctx, forbid)
		becomes(ctx, forbid, enforced)
		Expect(decides(a)()).To(Equal("Deny policy forbidden"))
		Expect(admin.Delete(ctx, forbid)).To(Succeed())
		Eventually(decides(a)).Should(Equal("Allow"))

		By("mending it")
		change(ctx, rs, func(rs *v1alpha1.ResourceServer) { rs.Spec = tickets().Spec })
		becomes(ctx, rs, enforced)
	})

	It("names the field of a condition that does not compile, and gives nobody what it guards", func(ctx context.Context) {
		m := start(ctx)
		rs := tickets()
		create(ctx, issuer(), permit(), declaration(), rs)
		a := connect(ctx, m, "a")
		becomes(ctx, rs, enforced)
		change(ctx, rs, func(rs *v1alpha1.ResourceServer) {
			rs.Spec.Scopes[0].Entitlements[0].Conditions[0].Expression = "subject.id =="
		})
		becomes(ctx, rs, "Accepted=False(Invalid) Enforced=False(NotAccepted) Stalled=True(Invalid) Ready=False(Invalid)")
		Expect(messageOf(rs, "Ready")).To(HavePrefix("spec.scopes[0].entitlements[0].conditions[0].expression: the expression does not compile"))
		Eventually(decides(a)).Should(Equal("Deny subject not_entitled"))
	})

	It("lets the older of two resource servers hold an audience", func(ctx context.Context) {
		start(ctx)
		first, second := tickets(), tickets()
		second.Name = "usurper"
		create(ctx, first)
		becomes(ctx, first, HavePrefix("Accepted=True"))
		Eventually(time.Now).Should(BeTemporally(">", first.CreationTimestamp.Add(time.Second)))
		create(ctx, second)
		becomes(ctx, second, "Accepted=False(Conflict) Enforced=False(NotAccepted) Stalled=True(Conflict) Ready=False(Conflict)")
		Expect(messageOf(second, "Ready")).To(ContainSubstring("ResourceServer support/tickets"))
	})

	It("enforces a revocation, and drops a resource server that is deleted", func(ctx context.Context) {
		m := start(ctx)
		rs, sd := tickets(), declaration()
		create(ctx, issuer(), permit(), sd, rs)
		a := connect(ctx, m, "a")
		becomes(ctx, rs, enforced)
		revocation := &v1alpha1.DelegationRevocation{
			ObjectMeta: metav1.ObjectMeta{Name: "alice"},
			Spec:       v1alpha1.DelegationRevocationSpec{Subject: &v1alpha1.SubjectReference{Issuer: "corp", ID: "alice"}},
		}
		create(ctx, revocation)
		becomes(ctx, revocation, enforced)
		Expect(decides(a)()).To(Equal("Deny revocation revoked"))
		Expect(admin.Delete(ctx, revocation)).To(Succeed())
		Eventually(decides(a)).Should(Equal("Allow"))

		Expect(admin.Delete(ctx, rs)).To(Succeed())
		Eventually(decides(a)).Should(Equal("Deny resource audience_unknown"))
		becomes(ctx, sd, ContainSubstring("WithinPolicy=False(Excess)"))
	})

	It("says at once that nobody enforces it when the last authorizer goes", func(ctx context.Context) {
		m := start(ctx)
		rs := tickets()
		create(ctx, issuer(), permit(), declaration(), rs)
		a := connect(ctx, m, "a")
		becomes(ctx, rs, enforced)
		a.stop()
		becomes(ctx, rs, "Accepted=True(Accepted) Enforced=False(NoAuthorizers) Ready=False(NoAuthorizers)")
		Expect(messageOf(rs, "Enforced")).To(MatchRegexp(`^No authorizer that may serve bundle support/tickets is connected; ` +
			`the last went at \S+Z: 1 authorizer has acknowledged revision \d+ of bundle support/tickets\.$`))
	})

	// THREATS 39
	It("does not take for enforced, after its restart, what an authorizer may not have that is cut off", func(ctx context.Context) {
		both := func(o *manager.Options) {
			o.Authorizers = append(o.Authorizers, authz.Actor{Namespace: system, ServiceAccount: "authorizer-b"})
		}
		m := start(ctx, both)
		rs := tickets()
		create(ctx, issuer(), permit(), declaration(), rs)
		connect(ctx, m, "a")
		becomes(ctx, rs, "Accepted=True(Accepted) Enforced=False(Lagging) Ready=False(Lagging)")
		Eventually(func() (string, error) {
			err := admin.Get(ctx, client.ObjectKeyFromObject(rs), rs)
			return messageOf(rs, "Enforced"), err
		}).Should(MatchRegexp(`^1 authorizer has not acknowledged revision \d+ of bundle support/tickets yet: ` +
			`\S+/authorizer-b \(not heard of since the manager started\)\.$`))
	})

	// THREATS 39
	It("keeps revisions over its restart, has them grow over objects made anew, and changes no decision", func(ctx context.Context) {
		m := start(ctx)
		rs := tickets()
		create(ctx, issuer(), permit(), declaration(), rs)
		a := connect(ctx, m, "a")
		becomes(ctx, rs, enforced)
		before := rs.Status.Bundle
		floor := revisions(a)
		m.stop()
		a.stop()
		Expect(decides(a)()).To(Equal("Allow"))

		m = start(ctx)
		again := connect(ctx, m, "a")
		Eventually(decides(again)).Should(Equal("Allow"))
		for name, revision := range revisions(again) {
			Expect(revision).To(BeNumerically(">=", floor[name]), name)
			if !strings.HasPrefix(name, "Revocations") { // which every replica numbers by what it sees
				Expect(revision).To(Equal(floor[name]), "the same objects give the same bytes")
			}
		}
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(rs), rs)).To(Succeed())
		Expect(rs.Status.Bundle).To(Equal(before))

		By("deleting the resource server and making it again under its name")
		last := rs.Status.Bundle.Revision
		Expect(admin.Delete(ctx, rs)).To(Succeed())
		Eventually(decides(again)).Should(Equal("Deny resource audience_unknown"))
		rs = tickets()
		create(ctx, rs)
		becomes(ctx, rs, enforced)
		Expect(rs.Status.Bundle.Revision).To(BeNumerically(">", last))
	})

	// THREATS 44
	It("writes nothing while nothing changes, though it compiles and renews leases", func(ctx context.Context) {
		m := start(ctx, func(o *manager.Options) { o.Lease = 3 * time.Second })
		corp := issuer()
		rs, policy, sd := tickets(), permit(), declaration()
		create(ctx, corp, policy, sd, rs)
		a := connect(ctx, m, "a")
		for _, object := range []client.Object{rs, policy} {
			becomes(ctx, object, enforced)
		}
		becomes(ctx, sd, declarationGood)
		becomes(ctx, corp, issuerGood)
		before, lease := written(ctx), leaseOf(a)
		for i := range 5 { // what the compiler looks at and what does not matter to anybody
			change(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: team}}, func(ns *corev1.Namespace) {
				ns.Labels["turn"] = fmt.Sprint(i)
			})
		}
		Eventually(func() int64 { return leaseOf(a) }).Should(BeNumerically(">=", lease+2), "leases are renewed")
		Expect(written(ctx)).To(Equal(before))
		becomes(ctx, rs, enforced)
	})

	It("tells of changes by events", func(ctx context.Context) {
		start(ctx)
		rs := tickets()
		rs.Spec.Scopes[0].Entitlements[0].Conditions[0].Expression = "nonsense("
		create(ctx, rs)
		becomes(ctx, rs, HavePrefix("Accepted=False(Invalid)"))
		Eventually(func(ctx context.Context) ([]string, error) {
			var list eventsv1.EventList
			err := admin.List(ctx, &list, client.InNamespace(team))
			var notes []string
			for _, e := range list.Items {
				if e.Regarding.UID == rs.UID {
					notes = append(notes, fmt.Sprintf("%s %s %s", e.Type, e.Reason, e.Action))
				}
			}
			slices.Sort(notes)
			return notes, err
		}).WithContext(ctx).Should(Equal([]string{"Warning Invalid Accepted", "Warning NotAccepted Enforced"}))
	})

	It("says when an issuer cannot be reached, and believes nobody of it", func(ctx context.Context) {
		m := start(ctx)
		corp := issuer()
		corp.Spec.URL, corp.Spec.Keys = "https://127.0.0.1:1", v1alpha1.IssuerKeys{Type: v1alpha1.KeysDiscovery}
		create(ctx, corp)
		becomes(ctx, corp, "Accepted=True(Accepted) KeysFetched=False(KeysUnavailable) Enforced=False(KeysUnavailable) Ready=False(KeysUnavailable)")
		Expect(messageOf(corp, "Ready")).To(Equal("No keys, so nobody of this issuer is believed: " +
			"fetching https://127.0.0.1:1/.well-known/openid-configuration: dial tcp 127.0.0.1:1: connect: connection refused. It is tried again."))
		Eventually(readyz(m)).Should(And(HavePrefix("200 OK"), ContainSubstring("issuer corp: nobody of it is believed: fetching https://127.0.0.1:1/")))
		settled := corp.ResourceVersion
		Consistently(func(ctx context.Context) (string, error) {
			err := admin.Get(ctx, client.ObjectKeyFromObject(corp), corp)
			return corp.ResourceVersion, err
		}).WithContext(ctx).WithTimeout(nothingHappensIn).Should(Equal(settled), "retries write nothing (THREATS 44)")
	})

	It("tells in its metrics how long a change took until it was enforced, and how all stands", func(ctx context.Context) {
		m := start(ctx)
		rs, sd := tickets(), declaration()
		a, b := connect(ctx, m, "a"), connect(ctx, m, "b")
		create(ctx, issuer(), permit(), sd, rs)
		becomes(ctx, rs, enforced)
		becomes(ctx, sd, declarationGood)
		before := figure("behalf_enforcement_duration_seconds", "ServiceDelegation")
		change(ctx, sd, func(sd *v1alpha1.ServiceDelegation) {
			sd.Spec.Audiences[0].Scopes = append(sd.Spec.Audiences[0].Scopes, "tickets:write")
		})
		Eventually(func() float64 { return figure("behalf_enforcement_duration_seconds", "ServiceDelegation") }).Should(Equal(before + 1))
		Eventually(func() float64 { return figure("behalf_manager_leader") }).Should(Equal(1.0))
		for metric, want := range map[string]float64{
			"behalf_distribution_streams": 2, "behalf_enforcement_waiting_changes": 0, "behalf_enforcement_lagging_authorizers": 0,
			"behalf_publish_failures_total": 0,
		} {
			Expect(figure(metric)).To(Equal(want), metric)
		}
		Expect(figure("behalf_enforcement_bundles", "Policy", "enforced")).To(Equal(1.0))
		Expect(figure("behalf_issuers", "fetched")).To(BeNumerically(">=", 1), "the cluster's own keys")

		By("keeping both from acknowledging")
		a.stop()
		b.stop()
		change(ctx, sd, func(sd *v1alpha1.ServiceDelegation) {
			sd.Spec.Audiences[0].Scopes = []v1alpha1.ScopeName{"tickets:read"}
		})
		Eventually(func() float64 { return figure("behalf_enforcement_waiting_changes") }).Should(Equal(1.0))
		Expect(figure("behalf_enforcement_lagging_authorizers")).To(Equal(2.0))
		connect(ctx, m, "a")
		connect(ctx, m, "b")
		Eventually(func() float64 { return figure("behalf_enforcement_waiting_changes") }).Should(Equal(0.0))
	})

	It("says in words who writes status, on every replica, and follows a leader that went", func(ctx context.Context) {
		first := start(ctx)
		Eventually(readyz(first)).Should(And(HavePrefix("200 OK\nready\n"), ContainSubstring("status is written by this replica")))
		second := start(ctx)
		Eventually(readyz(second)).Should(And(HavePrefix("200 OK\nready\n"), MatchRegexp(`status is written by \S+ \(this replica is not the leader\)`)))
		rs := tickets()
		create(ctx, issuer(), permit(), declaration(), rs)
		a := connect(ctx, second, "a")
		Eventually(decides(a)).Should(Equal("Allow"), "a replica that is not the leader compiles and serves")
		first.stop()
		Eventually(readyz(second)).WithTimeout(readyWithin).Should(ContainSubstring("status is written by this replica"))
		becomes(ctx, rs, enforced)
	})

	It("answers admission with a certificate of the authority that it publishes", func(ctx context.Context) {
		address := freeAddress()
		start(ctx, func(o *manager.Options) { o.WebhookAddress, o.AdmissionObjects = address, upkeep.Unmanaged })
		pod, err := json.Marshal(&corev1.Pod{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
			ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: "p", Annotations: map[string]string{"behalf.dev/scopes": audience + "#" + readScope}},
		})
		Expect(err).NotTo(HaveOccurred())
		review, err := json.Marshal(&admissionv1.AdmissionReview{
			TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
			Request: &admissionv1.AdmissionRequest{
				UID: "u", Operation: admissionv1.Create, Namespace: team, Name: "p",
				Kind:     metav1.GroupVersionKind{Version: "v1", Kind: "Pod"},
				Resource: metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
				Object:   runtime.RawExtension{Raw: pod},
			},
		})
		Expect(err).NotTo(HaveOccurred())
		Eventually(func(ctx context.Context) (string, error) {
			return post(ctx, "https://"+address+webhook.PathWorkloads, review)
		}).WithContext(ctx).Should(And(HavePrefix("allowed: false"), ContainSubstring(readScope)))
	})

	It("changes its status by time alone", func(ctx context.Context) {
		m := start(ctx)
		sd := declaration()
		sd.Spec.ReviewBy = &metav1.Time{Time: time.Now().Add(3 * time.Second)}
		create(ctx, issuer(), permit(), tickets(), sd)
		connect(ctx, m, "a")
		becomes(ctx, sd, HaveSuffix("Ready=True(Ready)"))
		becomes(ctx, sd, HaveSuffix("Ready=True(ReviewOverdue)"))
	})
})

func freeAddress() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// post asks a webhook as the API server does: it believes the published authority alone.
func post(ctx context.Context, url string, review []byte) (string, error) {
	var config corev1.ConfigMap
	if err := admin.Get(ctx, client.ObjectKey{Namespace: system, Name: "behalf-ca"}, &config); err != nil {
		return "", err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(config.Data[servingcert.ConfigMapKey]))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Post(url, "application/json", bytes.NewReader(review))
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer admissionv1.AdmissionReview
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", err
	}
	text := fmt.Sprintf("allowed: %v", answer.Response.Allowed)
	if answer.Response.Result != nil {
		text += " " + answer.Response.Result.Message
	}
	return text, nil
}

// revisions of all that an authorizer holds.
func revisions(e *enforcer) map[string]int64 {
	held := map[string]int64{}
	for _, s := range e.Held() {
		held[string(s.Kind)+" "+s.Name] = s.Revision
	}
	return held
}

// leaseOf is the end of the earliest lease that an authorizer holds.
func leaseOf(e *enforcer) int64 {
	ends := []int64{}
	for _, s := range e.Held() {
		ends = append(ends, s.LeaseUntil)
	}
	return slices.Min(ends)
}

// written gives the resource version of every object of ours.
func written(ctx context.Context) map[string]string {
	versions := map[string]string{}
	for _, list := range []client.ObjectList{
		&v1alpha1.ResourceServerList{}, &v1alpha1.DelegationPolicyList{}, &v1alpha1.ServiceDelegationList{}, &v1alpha1.TrustedIssuerList{},
		&corev1.SecretList{}, &corev1.ConfigMapList{},
	} {
		Expect(admin.List(ctx, list)).To(Succeed())
		Expect(meta.EachListItem(list, func(o runtime.Object) error {
			object, err := meta.Accessor(o)
			if err != nil {
				return err
			}
			versions[fmt.Sprintf("%T %s/%s", o, object.GetNamespace(), object.GetName())] = object.GetResourceVersion()
			return nil
		})).To(Succeed())
	}
	return versions
}
