// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unique"

	"k8s.io/apimachinery/pkg/types"

	"behalf.dev/behalf/webhook/workload"
)

// MaxNamed is how many pods a Standing names.
const MaxNamed = 3

// Standing is how the running pods of one service account stand.
type Standing struct {
	// Outside is how many of them ask for more than they are given.
	Outside int
	// Named are the first of those by name, at most MaxNamed.
	Named []string
	// Problem is the first that the first of them has.
	Problem workload.Problem
	// Undeclared says that some ask for what is not declared, where otherwise all that they are not given is declared and has
	// no effect.
	Undeclared bool
}

func (s Standing) same(other Standing) bool {
	return s.Outside == other.Outside && slices.Equal(s.Named, other.Named) && s.Problem == other.Problem && s.Undeclared == other.Undeclared
}

// account is what is known of the pods of one service account that ask for delegation.
type account struct {
	name types.NamespacedName
	// groups are the pods by what they ask for. None is empty.
	groups map[unique.Handle[workload.Ask]]*group
	bounds bounds
	// stale says that pods came or went, or bounds changed, since the standing was worked out.
	stale    bool
	standing Standing
	// reasons are how many pods are outside for which first reason.
	reasons map[workload.Reason]int
	// workloads are those of the pods outside, each with what is wrong with its pods.
	workloads map[owner]*violation
	// told is what was told of each of them.
	told map[owner]map[string]bool
	// notified is the standing that subscribers were called for, and when that was.
	notified   Standing
	notifiedAt time.Time
	// outsideSince is when the change was noticed that put pods outside, until it is known to stand in the status. Where they
	// are found outside at the first look after the start, initial, nobody knows.
	outsideSince time.Time
	initial      bool
}

// group is all pods of an account that ask for the same.
type group struct {
	pods     map[string]*pod
	judged   bool
	problems []workload.Problem
}

// violation is what a workload's event tells.
type violation struct {
	// pod is the first by name.
	pod *pod
	// problems of its pods, each once, and the group whose were taken in last.
	problems []workload.Problem
	latest   *group
}

func newAccount(name types.NamespacedName) *account {
	return &account{name: name, groups: map[unique.Handle[workload.Ask]]*group{}, told: map[owner]map[string]bool{}}
}

func (a *account) put(p *pod) {
	g := a.groups[p.ask]
	if g == nil {
		g = &group{pods: map[string]*pod{}}
		a.groups[p.ask] = g
	}
	g.pods[p.Name] = p
	a.stale = true
}

func (a *account) remove(p *pod) {
	g := a.groups[p.ask]
	if g == nil {
		return
	}
	delete(g.pods, p.Name)
	if len(g.pods) == 0 {
		delete(a.groups, p.ask)
	}
	a.stale = true
}

// asking is the number of pods.
func (a *account) asking() int {
	n := 0
	for _, g := range a.groups {
		n += len(g.pods)
	}
	return n
}

// judge brings the standing up to date with the bounds.
func (a *account) judge(now bounds) {
	if !a.bounds.same(now) {
		a.bounds, a.stale = now, true
		for _, g := range a.groups {
			g.judged = false
		}
	}
	if !a.stale {
		return
	}
	c := workload.Case{Namespace: a.name.Namespace, Bounds: a.bounds.objects(), Idle: a.bounds.idle()}
	for ask, g := range a.groups {
		if !g.judged {
			g.problems, g.judged = workload.JudgeAsk(ask.Value(), c), true
		}
	}
	a.conclude()
}

// conclude works out what is told.
func (a *account) conclude() {
	a.stale, a.standing, a.reasons, a.workloads = false, Standing{}, map[workload.Reason]int{}, map[owner]*violation{}
	for _, g := range a.groups {
		if len(g.problems) == 0 {
			continue
		}
		a.standing.Outside += len(g.pods)
		a.standing.Undeclared = a.standing.Undeclared || undeclared(g.problems)
		a.reasons[g.problems[0].Reason] += len(g.pods)
		for _, p := range g.pods {
			a.mention(p.Name, g.problems[0])
			a.blame(p, g)
		}
	}
	for w := range a.told {
		if a.workloads[w] == nil {
			delete(a.told, w)
		}
	}
}

// mention keeps the first few names, and the problem of the first.
func (a *account) mention(pod string, problem workload.Problem) {
	s := &a.standing
	at, _ := slices.BinarySearch(s.Named, pod)
	if at == MaxNamed {
		return
	}
	s.Named = slices.Insert(s.Named, at, pod)
	s.Named = s.Named[:min(len(s.Named), MaxNamed)]
	if at == 0 {
		s.Problem = problem
	}
}

func (a *account) blame(p *pod, g *group) {
	w := p.workload()
	v := a.workloads[w]
	if v == nil {
		a.workloads[w] = &violation{pod: p, problems: g.problems, latest: g}
		return
	}
	if p.Name < v.pod.Name {
		v.pod = p
	}
	if v.latest != g {
		v.problems, v.latest = union(v.problems, g.problems), g
	}
}

// union is sorted and leaves both as they are.
func union(a, b []workload.Problem) []workload.Problem {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(a, b workload.Problem) int {
		return cmp.Or(strings.Compare(a.Field, b.Field), strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(all)
}

// untold says whether something is wrong with the workload that no event told of.
func (a *account) untold(w owner) bool {
	v := a.workloads[w]
	return v != nil && slices.ContainsFunc(v.problems, func(p workload.Problem) bool { return !a.told[w][p.Message] })
}

func (a *account) tell(w owner, problems []workload.Problem) {
	if a.workloads[w] == nil {
		return
	}
	if a.told[w] == nil {
		a.told[w] = map[string]bool{}
	}
	for _, p := range problems {
		a.told[w][p.Message] = true
	}
}

// undeclared says whether some problem is about more than effect.
func undeclared(problems []workload.Problem) bool {
	return slices.ContainsFunc(problems, func(p workload.Problem) bool { return p.Reason != workload.NoEffect })
}
