// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/manager"
)

// provider is an OpenID provider on this machine.
func provider() *httptest.Server {
	mux := http.NewServeMux()
	server := httptest.NewTLSServer(mux)
	DeferCleanup(server.Close)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, server.URL, server.URL+"/keys")
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, jwks) })
	return server
}

// believes gives the issuers that an authorizer knows.
func believes(e *enforcer) func() []string {
	return func() []string { return slices.Collect(e.Current().Trust().Issuers()) }
}

var _ = Describe("The keys of issuers", func() {
	It("are fetched, and said to be, from where the manager's flags permit it", func(ctx context.Context) {
		server := provider()
		corp := issuer()
		corp.Spec.URL = server.URL
		corp.Spec.Keys = v1alpha1.IssuerKeys{
			Type:     v1alpha1.KeysDiscovery,
			CABundle: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})),
		}
		create(ctx, corp)
		m := start(ctx)
		a := connect(ctx, m, "a")
		becomes(ctx, corp, issuerGood)
		Expect(messageOf(corp, "KeysFetched")).To(MatchRegexp(`^The keys are known and kept fresh; they are the same since \S+Z\.$`))
		Eventually(believes(a)).Should(Equal([]string{"corp"}))
		m.stop()
		a.stop()

		By("forbidding loopback (THREATS 14)")
		m = start(ctx, func(o *manager.Options) { o.Reach.Loopback = false })
		b := connect(ctx, m, "b")
		becomes(ctx, corp, "Accepted=True(Accepted) KeysFetched=False(KeysUnavailable) Enforced=False(KeysUnavailable) Ready=False(KeysUnavailable)")
		Expect(messageOf(corp, "KeysFetched")).To(ContainSubstring("127.0.0.1 is a loopback address (--issuer-allow-loopback permits it)"))
		Eventually(decides(b)).ShouldNot(Equal("Allow"))
		Expect(believes(b)()).To(BeEmpty())
	})

	It("of the API server's service accounts reach authorizers, which take real tokens by them", func(ctx context.Context) {
		m := start(ctx)
		create(ctx, tickets())
		a := connect(ctx, m, "a")
		raw := token(ctx, team, portal, audience)
		Eventually(func() (authz.Actor, error) {
			actor, _, err := a.Current().Trust().Actor(raw, audience, time.Now())
			return actor, err
		}).Should(Equal(authz.Actor{Namespace: team, ServiceAccount: portal}))
		head, _, _ := strings.Cut(raw, ".")
		forged := head + "." + strings.Split(token(ctx, system, authorizer, audience), ".")[1] + "." + strings.Split(raw, ".")[2]
		_, _, err := a.Current().Trust().Actor(forged, audience, time.Now())
		Expect(err).To(HaveOccurred())
	})
})
