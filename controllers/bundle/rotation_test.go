// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"behalf.dev/behalf/internal/bundle"
)

var keyThree = ed25519.NewKeyFromSeed([]byte(strings.Repeat("3", ed25519.SeedSize)))

const day = 24 * time.Hour

// quarterly is the rotation of these tests. What signed last is believed for 7 days, 1 hour and 5 minutes more.
var quarterly = Rotation{Period: 90 * day, Propagation: 10 * time.Minute, Lease: time.Hour}

const believedFor = 7*day + time.Hour + 5*time.Minute

func TestStep(t *testing.T) {
	publics := func(keys ...ed25519.PrivateKey) (out []ed25519.PublicKey) {
		for _, key := range keys {
			out = append(out, publicOf(key))
		}
		return out
	}
	retired := func(key ed25519.PrivateKey, until time.Time) retiredKey {
		return retiredKey{public: publicOf(key), until: until}
	}
	many := make([]retiredKey, maxRetired)
	for i := range many {
		many[i] = retired(keyTwo, now.Add(time.Hour))
	}
	cases := map[string]struct {
		rotation  Rotation
		ring      keyring
		published []ed25519.PublicKey
		want      *keyring // nil: no step
	}{
		"a young key goes on": {
			rotation: quarterly, ring: keyring{signing: keyOne, since: now.Add(-90*day + time.Second)}, published: publics(keyOne),
		},
		"at the end of its period the next key is made": {
			rotation: quarterly, ring: keyring{signing: keyOne, since: now.Add(-90 * day)}, published: publics(keyOne),
			want: &keyring{signing: keyOne, since: now.Add(-90 * day), next: keyThree},
		},
		"without a period a key signs for ever": {
			ring: keyring{signing: keyOne, since: now.Add(-9999 * day)}, published: publics(keyOne),
		},
		"the next key waits for the config map": {
			rotation: quarterly, ring: keyring{signing: keyOne, since: now, next: keyTwo}, published: publics(keyOne),
		},
		"its time begins when it stands in the config map": {
			rotation: quarterly, ring: keyring{signing: keyOne, since: now, next: keyTwo}, published: publics(keyOne, keyTwo),
			want: &keyring{signing: keyOne, since: now, next: keyTwo, published: now},
		},
		"it does not sign before every authorizer can know it": {
			rotation: quarterly, ring: keyring{signing: keyOne, since: now, next: keyTwo, published: now.Add(-10*time.Minute + time.Second)},
			published: publics(keyOne, keyTwo),
		},
		"then it signs, and the one before is believed until all that it signed has run out": {
			rotation: quarterly, ring: keyring{signing: keyOne, since: now.Add(-day), next: keyTwo, published: now.Add(-10 * time.Minute)},
			published: publics(keyOne, keyTwo),
			want:      &keyring{signing: keyTwo, since: now, retired: []retiredKey{retired(keyOne, now.Add(believedFor))}},
		},
		"a config map that lost it has its time begin again": {
			rotation: quarterly, ring: keyring{signing: keyOne, since: now, next: keyTwo, published: now.Add(-time.Hour)}, published: publics(keyOne),
			want: &keyring{signing: keyOne, since: now, next: keyTwo},
		},
		"a retired key is believed to its end": {
			rotation: quarterly, ring: keyring{signing: keyOne, since: now, retired: []retiredKey{retired(keyTwo, now.Add(time.Second))}},
		},
		"and not beyond": {
			rotation: quarterly, ring: keyring{signing: keyOne, since: now, retired: []retiredKey{retired(keyTwo, now), retired(keyThree, now.Add(1))}},
			want: &keyring{signing: keyOne, since: now, retired: []retiredKey{retired(keyThree, now.Add(1))}},
		},
		"asked for, the next key is made at once": {
			ring: keyring{signing: keyOne, since: now, asked: rotateNow}, published: publics(keyOne),
			want: &keyring{signing: keyOne, since: now, next: keyThree},
		},
		"asked for while it is under way, nothing more is made": {
			ring: keyring{signing: keyOne, since: now, next: keyTwo, published: now, asked: rotateNow}, published: publics(keyOne, keyTwo),
			want: &keyring{signing: keyOne, since: now, next: keyTwo, published: now},
		},
		"asked for while too many are believed, it waits": {
			ring: keyring{signing: keyOne, since: now, retired: many, asked: rotateNow}, published: publics(keyOne),
		},
		"compromised, a new key signs at once and no other is believed": {
			rotation: quarterly,
			ring: keyring{
				signing: keyOne, since: now.Add(-day), next: keyTwo, published: now, asked: rotateCompromised,
				retired: []retiredKey{retired(keyTwo, now.Add(day))},
			},
			want: &keyring{signing: keyThree, since: now},
		},
		"asked for something unknown, it does nothing of the kind": {
			ring: keyring{signing: keyOne, since: now, asked: "now please"}, published: publics(keyOne),
		},
		"a beginning in the future is that of another clock": {
			rotation: quarterly, ring: keyring{signing: keyOne, since: now.Add(365 * day)}, published: publics(keyOne),
			want: &keyring{signing: keyOne, since: now},
		},
		"and so is a publication in the future": {
			rotation: quarterly, ring: keyring{signing: keyOne, since: now, next: keyTwo, published: now.Add(365 * day)}, published: publics(keyOne, keyTwo),
			want: &keyring{signing: keyOne, since: now, next: keyTwo},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := c.rotation.step(&c.ring, c.published, now, func() (ed25519.PrivateKey, error) { return keyThree, nil })
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %s, %v\nwant %s", got, err, c.want)
			}
		})
	}
}

func TestAKeyringIsReadAsWritten(t *testing.T) {
	for name, ring := range map[string]*keyring{
		"a key alone":     {signing: keyOne, since: now},
		"in the middle":   {signing: keyOne, since: now, next: keyTwo, published: now.Add(time.Minute), asked: rotateNow},
		"after some time": {signing: keyThree, since: now, retired: []retiredKey{{publicOf(keyOne), now.Add(day)}, {publicOf(keyTwo), now.Add(2 * day)}}},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := readKeyring(secretOf(t, ring)); err != nil || !reflect.DeepEqual(got, ring) {
				t.Errorf("wrote %s, read %s, %v", ring, got, err)
			}
		})
	}
	old := secretOf(t, &keyring{signing: keyOne, since: now})
	delete(old.Data, rotationSecretKey)
	old.CreationTimestamp.Time = now.Add(-day)
	if got, err := readKeyring(old); err != nil || !got.since.Equal(now.Add(-day)) || !got.signing.Equal(keyOne) {
		t.Errorf("a secret of before there was rotation: %s, %v", got, err)
	}
}

// observed is what authorizers could have seen go wrong.
type observed struct {
	*cluster
	// knownSince is when authorizers could first know a key, lastSigned when anything was last signed with it.
	knownSince, lastSigned map[string]time.Time
}

// look takes note of what a replica signs with and of what the config map says, and complains of what is not as promised.
func (o *observed) look(replicas ...*replica) {
	o.t.Helper()
	found, err := readKeys(o.t.Context(), o.api, system)
	if err != nil {
		o.t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, key := range found.keys {
		id := bundle.KeyID(key)
		ids[id] = true
		if _, known := o.knownSince[id]; !known {
			o.knownSince[id] = o.now
		}
	}
	for _, r := range replicas {
		if r.signs() == nil {
			continue
		}
		id := idOf(r.signs())
		if o.lastSigned[id] = o.now; !ids[id] {
			o.t.Fatalf("%s: signs with %s, which no authorizer knows", spell(o.now), id)
		}
		if since := o.knownSince[id]; len(o.lastSigned) > 1 && !since.Equal(now) && o.now.Before(since.Add(quarterly.Propagation)) {
			o.t.Fatalf("%s: signs with %s, which authorizers could know since %s only", spell(o.now), id, spell(since))
		}
	}
	for id, last := range o.lastSigned {
		if !ids[id] && o.now.Before(last.Add(7*day+time.Hour)) {
			o.t.Fatalf("%s: %s is believed no longer, though it signed at %s", spell(o.now), id, spell(last))
		}
	}
}

// A leader may end before or after any write of a rotation; another goes on, and nobody sees a thing. THREATS 33, 39
func TestARotationSurvivesTheEndOfItsLeaderAnywhere(t *testing.T) {
	for _, written := range []bool{false, true} {
		for crash := 1; ; crash++ {
			name := fmt.Sprintf("write %d is done: %v", crash, written)
			reached := false
			t.Run(name, func(t *testing.T) { reached = rotatesThrough(t, crash, written) })
			if !reached {
				if crash < 7 {
					t.Errorf("a rotation from the beginning has %d writes only", crash-1)
				}
				break
			}
		}
	}
}

// rotatesThrough runs a rotation from nothing to the end of the first key, with a crash at one write; false where there is
// no such write.
func rotatesThrough(t *testing.T, crash int, written bool) (reached bool) {
	t.Helper()
	c := newCluster(t)
	o := &observed{cluster: c, knownSince: map[string]time.Time{}, lastSigned: map[string]time.Time{}}
	errCrash := errors.New("the process is gone")
	writes := 0
	dies := func(write func() error) error {
		if writes++; writes != crash {
			return write()
		}
		reached = true
		if written {
			if err := write(); err != nil {
				return err
			}
		}
		return errCrash
	}
	leader := c.disturbed(quarterly, interceptor.Funcs{
		Create: func(ctx context.Context, inner client.WithWatch, object client.Object, opts ...client.CreateOption) error {
			return dies(func() error { return inner.Create(ctx, object, opts...) })
		},
		Update: func(ctx context.Context, inner client.WithWatch, object client.Object, opts ...client.UpdateOption) error {
			return dies(func() error { return inner.Update(ctx, object, opts...) })
		},
	})
	follower := c.replica(quarterly)
	for end := now.Add(97*day + 3*time.Hour); c.now.Before(end); c.now = c.now.Add(pace(c.now)) {
		if _, err := leader.keeper.Look(t.Context()); errors.Is(err, errCrash) {
			leader = c.replica(quarterly)
			leader.leads()
		} else if err != nil {
			t.Fatal(err)
		}
		o.look(leader)
		if err := follower.key.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.look(leader, follower)
	}
	if ring := c.ring(); len(ring.retired) != 0 || ring.next != nil || len(o.lastSigned) != 2 || len(c.published()) != 1 {
		t.Errorf("ends with %s, after %d keys", ring, len(o.lastSigned))
	}
	return reached
}

// pace goes through quiet times in long strides.
func pace(at time.Time) time.Duration {
	switch {
	case at.Before(now.Add(90 * day)):
		return 30 * day
	case at.Before(now.Add(90*day + 20*time.Minute)):
		return 4 * time.Minute
	case at.Before(now.Add(97 * day)):
		return day
	default:
		return 25 * time.Minute
	}
}

// A rotation that was asked for twice, and two that take themselves for the leader, end with one answer.
func TestOfTwoLeadersOneWins(t *testing.T) {
	cases := map[string]func(*cluster){
		"at the beginning": func(*cluster) {},
		"at a rotation": func(c *cluster) {
			c.replica(quarterly).leads()
			c.ask(rotateNow)
		},
		"over a compromised key": func(c *cluster) {
			c.replica(quarterly).leads()
			c.ask(rotateCompromised)
		},
	}
	for name, prepare := range cases {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			prepare(c)
			rival := c.replica(quarterly)
			var won *keyring
			interfere := func() { // the rival does it all just before the first write of the other
				if won == nil {
					rival.leads()
					won = c.ring()
				}
			}
			other := c.disturbed(quarterly, interceptor.Funcs{
				Create: func(ctx context.Context, inner client.WithWatch, object client.Object, opts ...client.CreateOption) error {
					interfere()
					return inner.Create(ctx, object, opts...)
				},
				Update: func(ctx context.Context, inner client.WithWatch, object client.Object, opts ...client.UpdateOption) error {
					interfere()
					return inner.Update(ctx, object, opts...)
				},
			})
			if _, err := other.keeper.Look(t.Context()); err != nil && !apierrors.IsConflict(err) {
				t.Fatal(err)
			}
			other.leads()
			rival.leads()
			if got := c.ring(); !reflect.DeepEqual(got, won) || !other.signs().Equal(rival.signs()) {
				t.Errorf("%s became %s; they sign with %s and %s", won, got, idOf(other.signs()), idOf(rival.signs()))
			}
		})
	}
}

func TestACompromisedKeyIsBelievedNoLonger(t *testing.T) {
	c := newCluster(t)
	leader, follower := c.replica(quarterly), c.replica(quarterly)
	leader.leads()
	c.ask(rotateNow)
	leader.leads()
	c.now = c.now.Add(quarterly.Propagation)
	leader.leads()
	stolen := leader.signs()
	if got := c.published(); len(got) != 2 {
		t.Fatalf("published %v, want the key and the one before it", got)
	}
	c.ask(rotateCompromised)
	leader.leads()
	if err := follower.key.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.published(); len(got) != 1 || got[0].Equal(stolen.Public()) || !got[0].Equal(leader.signs().Public()) || !follower.signs().Equal(leader.signs()) {
		t.Errorf("published %v", got)
	}
	if _, asked := c.secret().Annotations[RotateAnnotation]; asked {
		t.Error("the request stands, and would be granted again")
	}
}

func TestARequestThatCannotBeGrantedIsComplainedOf(t *testing.T) {
	full := &keyring{signing: keyOne, since: now, asked: rotateNow}
	for range maxRetired {
		full.retired = append(full.retired, retiredKey{publicOf(keyTwo), now.Add(time.Hour)})
	}
	cases := map[string]struct {
		ring *keyring
		want string
	}{
		"a word that nobody knows": {&keyring{signing: keyOne, since: now, asked: "now"}, `its annotation behalf.dev/rotate says "now"; say Now, or Compromised`},
		"too many believed keys":   {full, "8 former keys are believed still, so the rotation that was asked for waits until 2026-06-01T11:00:00Z"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := newCluster(t, secretOf(t, tc.ring)).replica(Rotation{})
			_, err := r.keeper.Look(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("said %v", err)
			}
			if !r.signs().Equal(keyOne) {
				t.Error("and the key is not in use")
			}
		})
	}
}

func TestALookComesWhenAStepIsDue(t *testing.T) {
	cases := map[string]struct {
		ring keyring
		want time.Duration
	}{
		"nothing is due for long":           {keyring{signing: keyOne, since: now}, lookAtKeysEvery},
		"the next key is to sign in 2 s":    {keyring{signing: keyOne, since: now, next: keyTwo, published: now.Add(2*time.Second - 10*time.Minute)}, 2 * time.Second},
		"the period ends in a second":       {keyring{signing: keyOne, since: now.Add(time.Second - 90*day)}, time.Second},
		"a key is believed for 3 s more":    {keyring{signing: keyOne, since: now, retired: []retiredKey{{publicOf(keyTwo), now.Add(3 * time.Second)}}}, 3 * time.Second},
		"the earlier of two that are close": {keyring{signing: keyOne, since: now.Add(2*time.Second - 90*day), retired: []retiredKey{{publicOf(keyTwo), now.Add(3 * time.Second)}}}, 2 * time.Second},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			keys := bundle.MarshalPublicKeys(c.ring.publics()...)
			r := newCluster(t, secretOf(t, &c.ring), configMapOf(keys)).replica(quarterly)
			if again, err := r.keeper.Look(t.Context()); err != nil || again != c.want {
				t.Errorf("looks again after %s, %v; want %s", again, err, c.want)
			}
		})
	}
}
