// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/distribution"
	"behalf.dev/behalf/internal/issuerkeys"
	"behalf.dev/behalf/internal/upkeep"
)

func good() Options {
	return Options{
		Namespace: "behalf-system", DistributionAddress: ":9444", WebhookAddress: ":9443", HealthAddress: Off, MetricsAddress: "0",
		AdmissionObjects: upkeep.Managed, WebhookService: DefaultWebhookService,
		ServingNames: []string{"behalf-manager.behalf-system.svc"}, Lease: time.Hour, ExchangeAudience: "x", KeysMaxAge: time.Hour,
		SigningKeyPropagation: time.Minute, Reach: issuerkeys.Reach{Ports: issuerkeys.DefaultPorts},
	}
}

func TestOptionsSayWhatIsMissing(t *testing.T) {
	if err := good().Validate(); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		change func(*Options)
		want   string
	}{
		"no namespace":                    {func(o *Options) { o.Namespace = "" }, "--namespace: name"},
		"no name to serve under":          {func(o *Options) { o.ServingNames = nil }, "--serving-names: give"},
		"an empty name to serve under":    {func(o *Options) { o.ServingNames = []string{"a", ""} }, "--serving-names: give"},
		"a lease that is too short":       {func(o *Options) { o.Lease = time.Second }, "--lease: 1s is too short to be renewed in time; 3s is the least"},
		"a key that nobody can learn of":  {func(o *Options) { o.SigningKeyPropagation = 0 }, "--signing-key-propagation: 0s is too short"},
		"a key that never signs alone":    {func(o *Options) { o.SigningKeyPeriod = time.Minute }, "--signing-key-period: 1m0s is no longer than --signing-key-propagation"},
		"no age of keys":                  {func(o *Options) { o.KeysMaxAge = 0 }, "--issuer-keys-max-age: 0s is too short for keys to be fetched again; 1m0s is the least"},
		"no port of issuers":              {func(o *Options) { o.Reach.Ports = "" }, "--issuer-ports: name at least one"},
		"no audience":                     {func(o *Options) { o.ExchangeAudience = "" }, "--exchange-audience"},
		"admission objects of nobody":     {func(o *Options) { o.AdmissionObjects = "Maybe" }, `--admission-objects: "Maybe" is neither Managed nor Unmanaged`},
		"no Service of webhooks":          {func(o *Options) { o.WebhookService = "" }, "--webhook-service: name"},
		"a URL of webhooks over http":     {func(o *Options) { o.WebhookURL = "http://x:1" }, `--webhook-url: "http://x:1" is not https://host:port`},
		"a URL of webhooks with a path":   {func(o *Options) { o.WebhookURL = "https://x:1/" }, `--webhook-url: "https://x:1/" is not https://host:port`},
		"a URL of webhooks with a user":   {func(o *Options) { o.WebhookURL = "https://u@x:1" }, `--webhook-url: "https://u@x:1" is not https://host:port`},
		"a certificate without its key":   {func(o *Options) { o.ServingCertFile, o.ServingCAFile = "a", "b" }, "--serving-ca-file: give all three, or none"},
		"a certificate without authority": {func(o *Options) { o.ServingCertFile, o.ServingKeyFile = "a", "b" }, "--serving-ca-file: give all three, or none"},
		"an authority of nobody's":        {func(o *Options) { o.InjectCAFrom = "behalf-serving" }, `--inject-ca-from: "behalf-serving" is not namespace/name`},
		"an authority that is in no file": {func(o *Options) { o.InjectCAFrom = "a/b" }, "--inject-ca-from: the authority of a certificate that the manager makes itself is in no Certificate"},
		"distribution cannot be off":      {func(o *Options) { o.DistributionAddress = Off }, `--distribution-address: "off" is not host:port`},
		"an address that is none":         {func(o *Options) { o.HealthAddress = "8081" }, `--health-address: "8081" is not host:port`},
		"several faults are told at once": {func(o *Options) { o.Namespace, o.Lease = "", 0 }, "--lease: 0s is too short"},
		"an address for others that is everywhere": {
			func(o *Options) { o.AdvertiseAddress = "0.0.0.0:9444" }, `--advertise-address: "0.0.0.0:9444" is not host:port that other replicas can connect to`,
		},
		"an address for others that is nowhere": {func(o *Options) { o.AdvertiseAddress = ":9444" }, `--advertise-address: ":9444" is not host:port`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := good()
			c.change(&o)
			if err := o.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestParseAuthorizers(t *testing.T) {
	got, err := ParseAuthorizers(" a/b, c/d,")
	if err != nil || len(got) != 2 || got[1] != (authz.Actor{Namespace: "c", ServiceAccount: "d"}) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := ParseAuthorizers("a"); err == nil {
		t.Error("a name without namespace was taken")
	}
}

// fakeReviews answers one review.
type fakeReviews struct {
	authenticationclient.TokenReviewInterface
	asked  authenticationv1.TokenReviewSpec
	status authenticationv1.TokenReviewStatus
	err    error
}

func (f *fakeReviews) Create(_ context.Context, r *authenticationv1.TokenReview, _ metav1.CreateOptions) (*authenticationv1.TokenReview, error) {
	f.asked = r.Spec
	return &authenticationv1.TokenReview{Status: f.status}, f.err
}

func TestAuthorizersAreAuthenticatedByReview(t *testing.T) { // THREATS 15, 38
	const account = "system:serviceaccount:gate:authorizer"
	status := func(authenticated bool, username string, audiences ...string) authenticationv1.TokenReviewStatus {
		return authenticationv1.TokenReviewStatus{
			Authenticated: authenticated, Audiences: audiences, User: authenticationv1.UserInfo{Username: username, UID: "u"},
		}
	}
	token := "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":1780308000}`)) + ".c2ln"
	f := &fakeReviews{status: status(true, account, distribution.TokenAudience)}
	got, err := reviewer{f}.Authenticate(t.Context(), token)
	want := distribution.Identity{
		Account: authz.Actor{Namespace: "gate", ServiceAccount: "authorizer"}, UID: "u", Expires: time.Unix(1780308000, 0),
	}
	if err != nil || got != want {
		t.Fatalf("got %+v, %v", got, err)
	}
	if f.asked.Token != token || len(f.asked.Audiences) != 1 || f.asked.Audiences[0] != "behalf-distribution" {
		t.Fatalf("asked %+v", f.asked)
	}

	refused := map[string]authenticationv1.TokenReviewStatus{
		"a token that is not good":               status(false, account, distribution.TokenAudience),
		"a token for another audience":           status(true, account, "https://kubernetes.default.svc"),
		"an API server that knows no audiences":  status(true, account),
		"a person":                               status(true, "alice", distribution.TokenAudience),
		"a node":                                 status(true, "system:node:a", distribution.TokenAudience),
		"a service account without a name":       status(true, "system:serviceaccount:gate:", distribution.TokenAudience),
		"a service account with a part too many": status(true, account+":x", distribution.TokenAudience),
	}
	for name, s := range refused {
		t.Run(name, func(t *testing.T) {
			_, err := reviewer{&fakeReviews{status: s}}.Authenticate(t.Context(), token)
			if !errors.Is(err, distribution.ErrUnauthenticated) || strings.Contains(err.Error(), token) {
				t.Errorf("got %v", err)
			}
		})
	}
	_, err = reviewer{&fakeReviews{err: errors.New("connection refused")}}.Authenticate(t.Context(), token)
	if err == nil || errors.Is(err, distribution.ErrUnauthenticated) {
		t.Errorf("a review that failed: got %v, want an error that is no verdict", err)
	}
}

func TestExpiryThatCannotBeReadIsUnknown(t *testing.T) {
	for _, token := range []string{"", "a.b", "a.%.c", "a." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":"x"}`)) + ".c", "a.e30.c"} {
		if got := expiry(token); !got.IsZero() {
			t.Errorf("%q: got %v", token, got)
		}
	}
}

func ask(t *testing.T, handler http.Handler, path string) string {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
	return w.Result().Status + "\n" + w.Body.String()
}

func TestReadinessSaysWhatIsMissingInWords(t *testing.T) {
	missing := errors.New("watching ResourceServer: no matches for kind")
	checks := []check{
		{name: "certificate", ready: func() error { return nil }},
		{name: "bundles", ready: func() error { return missing }, says: func() string { return "3 policy bundles" }},
	}
	handler := health(checks, func() []string { return []string{"status is written by this replica"} })
	want := "503 Service Unavailable\nnot ready\n[+] certificate\n[-] bundles: watching ResourceServer: no matches for kind\nstatus is written by this replica\n"
	if got := ask(t, handler, "/readyz"); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	missing = nil
	want = "200 OK\nready\n[+] certificate\n[+] bundles: 3 policy bundles\nstatus is written by this replica\n"
	if got := ask(t, handler, "/readyz"); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := ask(t, handler, "/healthz"); got != "200 OK\nalive\n" {
		t.Errorf("got %q", got)
	}
}

// fakeLock is a lease in the test's hand.
type fakeLock struct {
	resourcelock.Interface
	holder string
	err    error
	// write is what a write does, if anything.
	write func()
	// identity is me where empty.
	identity string
	renewed  time.Time
}

func (f *fakeLock) Identity() string { return cmp.Or(f.identity, "me") }

func (f *fakeLock) Get(context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	return &resourcelock.LeaderElectionRecord{HolderIdentity: f.holder, RenewTime: metav1.Time{Time: f.renewed}}, nil, f.err
}

func (f *fakeLock) Create(context.Context, resourcelock.LeaderElectionRecord) error { return f.err }

func (f *fakeLock) Update(context.Context, resourcelock.LeaderElectionRecord) error {
	if f.write != nil {
		f.write()
	}
	return f.err
}

func TestEveryReplicaKnowsWhoWritesStatus(t *testing.T) {
	lock := &fakeLock{}
	l := &leadership{Interface: lock, log: logr.Discard()}
	check := func(want string) {
		t.Helper()
		if got := l.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := l.leads(); got != (want == "this replica") {
			t.Errorf("it leads: %v, and says %q", got, want)
		}
	}
	check("nobody yet: lease behalf-manager has no holder")
	lock.holder = "other"
	if _, _, err := l.Get(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("other (this replica is not the leader)")
	lock.err = errors.New("leases is forbidden")
	if _, _, err := l.Get(t.Context()); err == nil {
		t.Fatal("want the error handed on")
	}
	check("nobody that this replica knows of: lease behalf-manager: leases is forbidden")
	lock.err = nil
	if err := l.Update(t.Context(), resourcelock.LeaderElectionRecord{HolderIdentity: "me"}); err != nil {
		t.Fatal(err)
	}
	check("this replica")
	lock.err = errors.New("conflict")
	if err := l.Create(t.Context(), resourcelock.LeaderElectionRecord{HolderIdentity: "me"}); err == nil {
		t.Fatal("want the error handed on")
	}
	check("nobody that this replica knows of: lease behalf-manager: conflict")
}

func TestUnreachableIssuersAreNamed(t *testing.T) {
	got := unreachable(map[string]issuerkeys.State{
		"well":  {Attempted: true},
		"stale": {Attempted: true, Keys: issuerkeys.Keys{JWKS: "{}"}, Err: errors.New("timeout")},
		"down":  {Attempted: true, Err: errors.New("refused")},
	})
	if strings.Join(got, "|") != "issuer down: nobody of it is believed: refused|issuer stale: its last good keys serve: timeout" {
		t.Errorf("got %q", got)
	}
}
