// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package certmanager

import (
	"strings"
	"testing"
	"time"

	"behalf.dev/behalf/test/cluster"
)

// recoveryBound is what may pass until the cluster admits what it should and nothing else, unaided.
const recoveryBound = time.Minute

// THREATS 10: cert-manager makes, renews and replaces what the webhooks present, and nobody has to lend a hand.
func TestCertManager(t *testing.T) {
	s := start(t)
	s.installCertManager()
	s.apply()
	s.startManagers()
	p := s.probe()
	p.right(time.Now())
	began := time.Now()

	for _, step := range []struct {
		sentence string
		holds    func(*stage, *probes)
	}{
		{"webhooks and authorizers believe what the managers present, by what cert-manager made", believed},
		{"applying it again changes nothing", appliedAgain},
		{"a renewed certificate refuses nobody", renewed},
		{"without its Secret and the webhooks the cluster comes back by itself", lost},
		{"another authority refuses nobody, for the one before is believed beside it", replaced},
		{"the authority before, which may have leaked, is believed no longer once the webhooks were created anew", forgotten},
		{"where the cainjector forgets the one before, another authority refuses until everybody has it, and lets nothing pass", replacedAtOnce},
	} {
		ok := t.Run(step.sentence, func(t *testing.T) {
			s.t = t
			step.holds(s, p)
		})
		s.t = t
		if !ok {
			break // what follows begins where the step before ends
		}
	}
	p.never(began, "a pod was admitted that asks for what is not declared", podPassed)
	p.never(began, "a pod of kube-system, or that asks for nothing, was refused", locked)
	for _, m := range s.managers {
		if err := m.Exited(); err != nil {
			t.Error(err)
		}
		s.kept(m)
	}
	if err := s.certManager.Exited(); err != nil {
		t.Error(err)
	}
	t.Logf("%d probes", len(p.since(began)))
}

// kept fails where the manager wrote over what the cainjector had written: two owners that do not agree would go on for ever, and
// BehalfAdmissionObjectsAltered would tell of it.
func (s *stage) kept(m *manager) {
	s.t.Helper()
	metrics, err := cluster.Page(s.t.Context(), "http://"+m.metrics+"/metrics")
	s.must(err)
	counted := 0
	for line := range strings.Lines(metrics) {
		if !strings.HasPrefix(line, "behalf_admission_objects_restored_total{") || !strings.Contains(line, `found="altered"`) {
			continue
		}
		if counted++; !strings.HasSuffix(line, " 0\n") {
			s.t.Errorf("a manager restored what nobody but cert-manager had altered: %s", line)
		}
	}
	if counted == 0 {
		s.t.Error("nothing is counted of what was restored: this proves nothing")
	}
}
