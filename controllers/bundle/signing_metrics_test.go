// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestHowTheSigningKeysStandIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewSigningKey(nil, "behalf-system", logr.Discard(), func() {})
		figures := told(t, k)
		if _, there := figures["behalf_signing_key_age_seconds{}"]; there || figures["behalf_signing_key_problem{}"] != 1 {
			t.Errorf("before the first look: %v", figures)
		}
		k.remember(&keyring{signing: keyOne, since: time.Now().Add(-time.Hour), retired: []retiredKey{{}, {}}})
		k.note(nil)
		for figure, want := range map[string]float64{
			"behalf_signing_key_age_seconds{}": 3600, "behalf_signing_key_problem{}": 0,
			"behalf_signing_keys{signing}": 1, "behalf_signing_keys{next}": 0, "behalf_signing_keys{retired}": 2,
		} {
			if got, there := told(t, k)[figure]; !there || got != want {
				t.Errorf("%s is %v (there: %v), want %v", figure, got, there, want)
			}
		}
		k.remember(&keyring{signing: keyOne, next: keyTwo, since: time.Now()})
		k.kept(errors.New("secrets is forbidden"))
		if figures := told(t, k); figures["behalf_signing_keys{next}"] != 1 || figures["behalf_signing_key_problem{}"] != 1 {
			t.Errorf("with a next key and a problem: %v", figures)
		}
		if problems, err := testutil.CollectAndLint(k); err != nil || len(problems) > 0 {
			t.Errorf("names are not as Prometheus has them: %v, %v", problems, err)
		}
	})
}
