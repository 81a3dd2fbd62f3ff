// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"behalf.dev/behalf/internal/bundle"
)

const system = "behalf-system"

// cluster is an API server with nothing but Secret and ConfigMap, at a time that the test sets.
type cluster struct {
	t   *testing.T
	api client.WithWatch
	now time.Time
	log strings.Builder
}

func newCluster(t *testing.T, objects ...client.Object) *cluster {
	t.Helper()
	return &cluster{t: t, api: fake.NewClientBuilder().WithObjects(objects...).Build(), now: now}
}

// replica is a manager's part in the matter, as it is after a start.
type replica struct {
	*cluster
	key     *SigningKey
	keeper  *KeyKeeper
	changes int
}

func (c *cluster) replica(rotation Rotation) *replica {
	r := &replica{cluster: c}
	r.key = NewSigningKey(c.api, system, funcr.New(func(_, args string) { c.log.WriteString(args + "\n") }, funcr.Options{}), func() { r.changes++ })
	r.keeper = NewKeyKeeper(r.key, rotation, func() time.Time { return c.now })
	return r
}

// disturbed is a replica whose calls of the API go through the functions.
func (c *cluster) disturbed(rotation Rotation, calls interceptor.Funcs) *replica {
	r := c.replica(rotation)
	r.key.client = interceptor.NewClient(c.api, calls)
	return r
}

// leads has the replica do what the leader does.
func (r *replica) leads() {
	r.t.Helper()
	if _, err := r.keeper.Look(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *replica) signs() ed25519.PrivateKey {
	key, _ := r.key.Current()
	return key
}

func (c *cluster) secret() *corev1.Secret {
	c.t.Helper()
	var secret corev1.Secret
	if err := c.api.Get(c.t.Context(), client.ObjectKey{Namespace: system, Name: SigningSecret}, &secret); err != nil {
		c.t.Fatal(err)
	}
	return &secret
}

func (c *cluster) ring() *keyring {
	c.t.Helper()
	ring, err := readKeyring(c.secret())
	if err != nil {
		c.t.Fatal(err)
	}
	return ring
}

func (c *cluster) published() []ed25519.PublicKey {
	c.t.Helper()
	found, err := readKeys(c.t.Context(), c.api, system)
	if err != nil || len(found.keys) == 0 {
		c.t.Fatalf("nothing published: %v", err)
	}
	return found.keys
}

func (c *cluster) remove(object client.Object, name string) {
	c.t.Helper()
	object.SetNamespace(system)
	object.SetName(name)
	if err := c.api.Delete(c.t.Context(), object); err != nil {
		c.t.Fatal(err)
	}
}

// edit changes the Secret as a person does.
func (c *cluster) edit(change func(*corev1.Secret)) {
	c.t.Helper()
	secret := c.secret()
	change(secret)
	if err := c.api.Update(c.t.Context(), secret); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) ask(what request) {
	c.t.Helper()
	c.edit(func(s *corev1.Secret) { metav1.SetMetaDataAnnotation(&s.ObjectMeta, RotateAnnotation, string(what)) })
}

func secretOf(t *testing.T, ring *keyring) *corev1.Secret {
	t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: SigningSecret}}
	if err := ring.write(secret); err != nil {
		t.Fatal(err)
	}
	return secret
}

func configMapOf(text string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: KeysConfigMap}, Data: map[string]string{KeysConfigMapKey: text},
	}
}

func TestTheLeaderMakesAKeyAndOthersFollow(t *testing.T) {
	c := newCluster(t)
	leader, other := c.replica(Rotation{}), c.replica(Rotation{})
	if err := other.key.Look(t.Context()); err == nil || !strings.Contains(err.Error(), "secret behalf-bundle-signing is not there: the leader makes it") {
		t.Errorf("before there is a secret, a replica that does not lead says %v", err)
	}
	if other.signs() != nil || other.key.Ready() == nil {
		t.Error("a key before there is a secret")
	}
	leader.leads()
	if got := c.published(); len(got) != 1 || !got[0].Equal(leader.signs().Public()) {
		t.Errorf("published %v", got)
	}
	if err := other.key.Look(t.Context()); err != nil || !other.signs().Equal(leader.signs()) || other.key.Ready() != nil {
		t.Errorf("another replica has another key, %v", err)
	}
	leader.leads()
	if err := other.key.Look(t.Context()); err != nil || leader.changes != 1 || other.changes != 1 {
		t.Errorf("told of %d and %d changes, want one each (%v)", leader.changes, other.changes, err)
	}
}

// A key is used once it stands where authorizers read.
func TestAKeyThatAuthorizersCannotKnowSignsNothing(t *testing.T) {
	c := newCluster(t, secretOf(t, &keyring{signing: keyTwo, since: now}), configMapOf(bundle.MarshalPublicKeys(publicOf(keyOne))))
	r := c.replica(Rotation{})
	err := r.key.Look(t.Context())
	if err == nil || !strings.Contains(err.Error(), "is not in config map behalf-bundle-keys yet") || r.signs() != nil {
		t.Errorf("signs with %v, says %v", r.signs(), err)
	}
	r.leads()
	if !r.signs().Equal(keyTwo) {
		t.Error("the key of the secret is not the one in use, though it is published")
	}
}

func TestWhatIsLostIsPutBackAsItWas(t *testing.T) {
	cases := map[string]func(*cluster){
		"the secret":     func(c *cluster) { c.remove(&corev1.Secret{}, SigningSecret) },
		"the config map": func(c *cluster) { c.remove(&corev1.ConfigMap{}, KeysConfigMap) },
		"both": func(c *cluster) {
			c.remove(&corev1.Secret{}, SigningSecret)
			c.remove(&corev1.ConfigMap{}, KeysConfigMap)
		},
		"the config map's text, edited by hand": func(c *cluster) {
			if err := c.api.Update(c.t.Context(), configMapOf("nonsense")); err != nil {
				c.t.Fatal(err)
			}
		},
		"the config map's text, with a stranger's key added": func(c *cluster) {
			keys := append(c.published(), publicOf(keyTwo))
			if err := c.api.Update(c.t.Context(), configMapOf(bundle.MarshalPublicKeys(keys...))); err != nil {
				c.t.Fatal(err)
			}
		},
	}
	for name, lose := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			r := c.replica(Rotation{Propagation: time.Hour})
			r.leads()
			c.ask(rotateNow)
			r.leads()
			before, keys := c.ring(), bundle.MarshalPublicKeys(c.published()...)
			lose(c)
			r.leads()
			after := c.ring()
			if !after.signing.Equal(before.signing) || !after.next.Equal(before.next) || !after.since.Equal(before.since) {
				t.Errorf("%s became %s", before, after)
			}
			if got := bundle.MarshalPublicKeys(c.published()...); got != keys || r.changes != 1 {
				t.Errorf("published %q before and %q after; %d changes", keys, got, r.changes)
			}
		})
	}
}

// Whoever begins anew must not make a new root of trust where authorizers believe another.
func TestWithoutItsSecretAManagerThatBeginsMakesNoNewRoot(t *testing.T) {
	one := bundle.MarshalPublicKeys(publicOf(keyOne))
	cases := map[string]struct {
		config string
		want   string
	}{
		"authorizers believe a key":       {config: one, want: "authorizers believe " + bundle.KeyID(publicOf(keyOne)) + " of config map behalf-bundle-keys: restore the secret, or delete the config map too"},
		"what they believe is illegible":  {config: "nonsense", want: "config map behalf-bundle-keys cannot be read: restore the secret, or delete the config map too"},
		"they believe nothing, so it may": {config: " \n"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, configMapOf(tc.config))
			r := c.replica(Rotation{})
			_, err := r.keeper.Look(t.Context())
			if tc.want == "" {
				if err != nil || r.signs() == nil {
					t.Errorf("no key, %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) || r.signs() != nil {
				t.Errorf("said %v, want %q", err, tc.want)
			}
			c.remove(&corev1.ConfigMap{}, KeysConfigMap)
			r.leads()
			if r.signs() == nil {
				t.Error("no key after the remedy")
			}
		})
	}
}

// A damaged Secret is neither used nor quoted nor overwritten, and the key that was in use stays. THREATS 25
func TestADamagedSecret(t *testing.T) {
	const canary = "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n"
	state := func(text string) func(*corev1.Secret) {
		return func(s *corev1.Secret) { s.Data[rotationSecretKey] = []byte(text) }
	}
	cases := map[string]struct {
		harm func(*corev1.Secret)
		want string
	}{
		"emptied":                         {func(s *corev1.Secret) { s.Data = nil }, "its ed25519.key is no PEM private key"},
		"a key that is none":              {func(s *corev1.Secret) { s.Data[signingSecretKey] = []byte(canary) }, "its ed25519.key is no PKCS #8 private key"},
		"a next key that is none":         {func(s *corev1.Secret) { s.Data[nextSecretKey] = []byte("Y2FuYXJ5") }, "its next.key is no PEM private key"},
		"a next key that signs already":   {func(s *corev1.Secret) { s.Data[nextSecretKey] = s.Data[signingSecretKey] }, "its next.key is the key that signs already"},
		"a state that is no JSON":         {state("nonsense"), "its rotation.json cannot be read"},
		"a state with a misspelt field":   {state(`{"retierd":[]}`), `unknown field "retierd"`},
		"a retired key that is too short": {state(`{"retired":[{"publicKey":"YQ==","trustedUntil":"2026-06-01T10:00:00Z"}]}`), "retired[0] has no Ed25519 publicKey"},
		"a retired key without an end":    {state(fmt.Sprintf(`{"retired":[{"publicKey":%q}]}`, strings.TrimSpace(bundle.MarshalPublicKeys(publicOf(keyTwo))))), "no trustedUntil"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			r := c.replica(Rotation{})
			r.leads()
			before := r.signs()
			c.edit(tc.harm)
			damagedAs := c.secret().ResourceVersion
			_, err := r.keeper.Look(t.Context())
			followed := r.key.Look(t.Context())
			for _, err := range []error{err, followed} {
				if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "restore it, or delete it") {
					t.Errorf("said %v, want %q and the remedy", err, tc.want)
				}
			}
			if !r.signs().Equal(before) || c.secret().ResourceVersion != damagedAs || r.key.Ready() != nil {
				t.Error("the key in use did not stay, or the secret was overwritten")
			}
			said := fmt.Sprint(err, followed, c.log.String(), r.key.String())
			if strings.Contains(said, "canary") || strings.Contains(said, "Y2FuYXJ5") {
				t.Errorf("the damaged secret is quoted: %s", said)
			}
			c.remove(&corev1.Secret{}, SigningSecret)
			r.leads()
			if !c.ring().signing.Equal(before) {
				t.Error("the remedy gives another key")
			}
		})
	}
}

// THREATS 25
func TestAKeyringIsPrintedByItsIdsAlone(t *testing.T) {
	ring := &keyring{
		signing: keyOne, since: now, next: keyTwo, published: now.Add(time.Minute),
		retired: []retiredKey{{public: publicOf(keyTwo), until: now.Add(time.Hour)}},
	}
	want := fmt.Sprintf("%s signs since 2026-06-01T10:00:00Z; %s is next, and known since 2026-06-01T10:01:00Z; %[2]s is believed until 2026-06-01T11:00:00Z",
		idOf(keyOne), idOf(keyTwo))
	for _, verb := range []string{"%s", "%v", "%+v", "%#v"} {
		if got := fmt.Sprintf(verb, ring); got != want {
			t.Errorf("%s: %s", verb, got)
		}
	}
}

func TestAProblemIsLoggedOnce(t *testing.T) {
	c := newCluster(t)
	r := c.replica(Rotation{})
	for range 3 {
		_ = r.key.Look(t.Context())
	}
	if n := strings.Count(c.log.String(), "is not there: the leader makes it"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, c.log.String())
	}
}
