// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/protobuf/types/known/anypb"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/distribution/distributiontest"
	"behalf.dev/behalf/internal/snapshot"
)

func newStore() *snapshot.Store {
	public := ed25519.PublicKey(signingKey[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
	return snapshot.New(bundle.NewVerifier(public), distributiontest.NewClock().Now)
}

// realPolicy is a resource of support/NAME that a snapshot.Store takes.
func realPolicy(name string, revision int64, hosts ...string) Resource {
	raw, err := bundle.Encode(&bundle.Policy{
		Format:         bundle.Format,
		ResourceServer: authz.ObjectRef{Kind: "ResourceServer", Namespace: "support", Name: name},
		Audience:       "https://" + name + ".example",
		Hosts:          hosts,
		Scopes:         []bundle.Scope{{Name: "tickets:read"}},
	})
	if err != nil {
		panic(err)
	}
	return policyFor("support/"+name, revision, string(raw))
}

// THREATS 33, 34, 37, 39, seen from where they come in: a manager that has gone wrong, or somebody in its place, cannot make
// an authorizer enforce what was not signed for this name and this place in time.
func TestWhatIsNotInOrderIsNeitherEnforcedNorAcknowledged(t *testing.T) {
	good := func() Resource { return realPolicy("tickets", 6, "six.example") }
	foreignKey := ed25519.NewKeyFromSeed([]byte("their seed: of thirty-two bytes."))
	for sentence, tc := range map[string]struct {
		resource func() Resource
		want     snapshot.Refusal
	}{
		"a flipped bit": {func() Resource {
			r := good()
			r.Artifact.Content = slices.Clone(r.Artifact.Content)
			r.Artifact.Content[40] ^= 4
			return r
		}, snapshot.Altered},
		"a cut end": {func() Resource {
			r := good()
			r.Artifact.Content = r.Artifact.Content[:100]
			return r
		}, snapshot.Altered},
		"a foreign key": {func() Resource {
			r := good()
			envelope, err := bundle.Sign(r.Statement, foreignKey)
			if err != nil {
				panic(err)
			}
			r.Artifact.Envelope = envelope
			return r
		}, snapshot.Untrusted},
		"an older revision, replayed": {func() Resource {
			r := good()
			r.Artifact = realPolicy("tickets", 4, "four.example").Artifact
			return r
		}, snapshot.RolledBack},
		"the bundle of another resource server": {func() Resource {
			r := good()
			r.Artifact = realPolicy("other", 6, "six.example").Artifact
			return r
		}, snapshot.WrongName},
	} {
		t.Run(sentence, func(t *testing.T) {
			m, s := startDefault(t), newStore()
			held := realPolicy("tickets", 5, "five.example")
			mustSet(t, m.Server, held)
			a := m.connect(t, everywhere, "node-1", s)
			distributiontest.Eventually(t, "the good one is enforced", func() bool {
				return m.Progress(bundle.KindPolicy, "support/tickets", held.Statement.Revision, held.Statement.Digest).Enforced() && s.Current() != nil
			})

			wrong := tc.resource()
			mustSet(t, m.Server, wrong)
			distributiontest.Eventually(t, "the rejection is known", func() bool {
				p := m.Progress(bundle.KindPolicy, "support/tickets", wrong.Statement.Revision, wrong.Statement.Digest)
				return len(p.Rejected) == 1 && !p.Enforced() && strings.Contains(p.Rejected[0].Message, string(tc.want))
			})
			if audience, _ := s.Current().Audience("five.example"); audience != "https://tickets.example" {
				t.Error("the last good one is not in force")
			}
			distributiontest.Eventually(t, "the manager counted it once, by its reason", func() bool { // which it does after it is known
				return testutil.ToFloat64(m.metrics.rejected.WithLabelValues("Policy", string(tc.want))) == 1
			})
			if got := s.Refusals()[tc.want]; got != 1 || a.State().Rejected != 1 {
				t.Errorf("counted %v and %d", s.Refusals(), a.State().Rejected)
			}
		})
	}
}

// A change that is too large for one response may be rejected only because its other half was still to come.
func TestWhatWasRejectedHalfwayIsOfferedOnceMore(t *testing.T) {
	m, s := startDefault(t), newStore()
	a1 := realPolicy("a", 1, "shared.example")
	mustSet(t, m.Server, a1)
	m.connect(t, everywhere, "node-1", s)
	distributiontest.Eventually(t, "the first holds the host", func() bool { return s.Current() != nil })

	// b takes the host over from a, but stands in the first response, and a in a later one.
	resources := []Resource{realPolicy("b", 1, "shared.example")}
	for i := range maxPuts {
		resources = append(resources, realPolicy("filler-"+strings.Repeat("x", 1+i%50)+"-"+string(rune('a'+i/50)), 1))
	}
	resources = append(resources, realPolicy("a", 2))
	mustSet(t, m.Server, resources...)
	distributiontest.Eventually(t, "all is enforced in the end", func() bool {
		return m.Progress(bundle.KindPolicy, "support/b", resources[0].Statement.Revision, resources[0].Statement.Digest).Enforced()
	})
	if audience, _ := s.Current().Audience("shared.example"); audience != "https://b.example" {
		t.Errorf("the host has audience %q", audience)
	}
	if got := s.Refusals()[snapshot.Conflicting]; got != 1 {
		t.Errorf("refused %d times, want 1", got)
	}
}

func TestResponsesThatMakeNoSenseAreRejectedByTheClient(t *testing.T) {
	t.Parallel()
	good := policyFor("support/tickets", 1, "policy 1")
	raw, err := good.Artifact.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	resource := func(name, url string, value []byte) *discoveryv3.Resource {
		return &discoveryv3.Resource{Name: name, Resource: &anypb.Any{TypeUrl: url, Value: value}}
	}
	for sentence, tc := range map[string]struct {
		url      string
		resource *discoveryv3.Resource
		want     string
	}{
		"a type that is not ours":                  {"type.googleapis.com/x", resource("x", "type.googleapis.com/x", raw), "type"},
		"a resource of another type":               {PolicyType, resource("support/tickets", TrustType, raw), "came in a response of type"},
		"a resource without a value":               {PolicyType, &discoveryv3.Resource{Name: "support/tickets"}, "came in a response of type"},
		"a value that is cut":                      {PolicyType, resource("support/tickets", PolicyType, raw[:3]), "shorter than its header"},
		"an envelope that is cut":                  {PolicyType, resource("support/tickets", PolicyType, raw[:20]), "envelope of"},
		"a lease whose name tells no kind":         {LeaseType, resource("tickets", LeaseType, good.Artifact.Envelope), "not named KIND/NAME"},
		"a lease of a kind that does not exist":    {LeaseType, resource("Poetry/x", LeaseType, good.Artifact.Envelope), "not named KIND/NAME"},
		"a lease for content that nobody here has": {LeaseType, resource("Policy/support/tickets", LeaseType, good.Artifact.Envelope), "not what is held"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			s := newShelf()
			client, err := NewClient(ClientOptions{Address: "a", CAFile: "b", TokenFile: "c", Node: "d", Sink: s, Clock: distributiontest.NewClock()})
			if err != nil {
				t.Fatal(err)
			}
			detail := client.take(&discoveryv3.DeltaDiscoveryResponse{TypeUrl: tc.url, Resources: []*discoveryv3.Resource{tc.resource}})
			if detail == nil || !strings.Contains(detail.GetMessage(), tc.want) || s.size() != 0 {
				t.Errorf("answered %v, want one about %q; %d held", detail, tc.want, s.size())
			}
		})
	}
}
