// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/webhook/workload"
)

var seed = flag.Uint64("seed", 26, "of the objects that are generated")

// How much is compared. A mutant needs as many as it takes to be found out.
const (
	worldsOfPolicies = 12
	asksOfPolicies   = 200 // in each world
	updatesOfAll     = 80
	worldsOfMutants  = 3
	asksOfMutants    = 400 // at most
)

// variant is the policies as they are, or wrong in one way, for namespaces of its own.
type variant struct {
	name     string
	policies func([]Policy) []Policy
	bounds   func(map[string]string)
	worlds   []*world
}

func (v *variant) mutant() bool { return v.policies != nil || v.bounds != nil }

// world is a namespace with its ServiceDelegations.
type world struct {
	chance
	namespace   string
	delegations []*v1alpha1.ServiceDelegation
	permitted   map[string][]string
	asks        int
	// stored are objects that were there before the policies.
	stored []stored
}

type stored struct {
	ask    ask
	object *unstructured.Unstructured
}

// TestAPIServerAgreesWithTheWebhook compares what the API server says by the policies alone with what workload.Judge says, on
// generated pods and templates, created and updated; and shows that a policy that is wrong in one way is found out.
// THREATS 1, 2, 3, 10, 23.
func TestAPIServerAgreesWithTheWebhook(t *testing.T) {
	s := startAPIServer(t)
	t.Run("as shipped", func(t *testing.T) {
		shipped := &variant{name: "shipped"}
		s.compare(t, shipped)[shipped].mustAgree(t)
	})
	t.Run("wrong in one way", func(t *testing.T) {
		for v, c := range s.compare(t, mutants()...) {
			if !c.found() {
				t.Errorf("%s is not found out by %d comparisons", v.name, c.count)
			}
			t.Logf("%s is found out after %d comparisons", v.name, c.count)
		}
	})
}

// prepare makes the namespaces of a variant and what is in them, and gives its policies.
func (s *apiServer) prepare(t *testing.T, v *variant, seed uint64) []Policy {
	t.Helper()
	worlds, asks := worldsOfPolicies, asksOfPolicies
	if v.mutant() {
		worlds, asks = worldsOfMutants, asksOfMutants
	}
	own := v.name + "-own"
	s.makeNamespace(t, own)
	var all, bounded []string
	for i := range worlds {
		w := &world{chance: newChance(seed + uint64(i)), namespace: fmt.Sprintf("%s-%d", v.name, i), asks: asks}
		if i > 0 { // the first has none
			w.delegations = w.chance.delegations(w.namespace)
		}
		s.makeNamespace(t, w.namespace)
		w.permitted = workload.Permitted(w.namespace, w.delegations)
		if bounds, _ := Bounds(w.namespace, w.delegations); bounds != nil {
			if v.bounds != nil {
				v.bounds(bounds.Data)
			}
			s.create(t, bounds)
			bounded = append(bounded, w.namespace)
		}
		w.store(t, s)
		v.worlds, all = append(v.worlds, w), append(all, w.namespace)
	}
	list, _ := Namespaces(own, bounded)
	s.create(t, list)
	return v.confined(own, all)
}

// confined are the variant's policies for its namespaces alone.
func (v *variant) confined(own string, namespaces []string) []Policy {
	o := shipped
	o.Namespace = own
	policies := slices.DeleteFunc(Policies(o), func(p Policy) bool { return p.Policy.Name == Guard })
	if v.policies != nil {
		policies = v.policies(policies)
	}
	for _, p := range policies {
		p.Policy.Spec.MatchConstraints.NamespaceSelector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpIn, Values: namespaces},
		}}
		p.Policy.Name += "-" + v.name
		p.Binding.Name, p.Binding.Spec.PolicyName = p.Policy.Name, p.Policy.Name
	}
	return policies
}

// store makes objects that ask for all sorts of things, as long as nobody minds.
func (w *world) store(t *testing.T, s *apiServer) {
	t.Helper()
	for i := range 8 {
		a := w.ask(w.permitted)
		o := &unstructured.Unstructured{Object: a.object(w.namespace, fmt.Sprintf("stored-%d", i))}
		s.create(t, o)
		w.stored = append(w.stored, stored{ask: a, object: o})
	}
}

// comparison is how often, and where, the two differ.
type comparison struct {
	mu          sync.Mutex
	count       int
	reached     map[string]int
	differences []string
	failures    []string
}

// compare installs the variants' policies, and compares each in its own namespaces.
func (s *apiServer) compare(t *testing.T, variants ...*variant) map[*variant]*comparison {
	t.Helper()
	var policies []Policy
	for i, v := range variants {
		policies = append(policies, s.prepare(t, v, *seed+uint64(i)*1000)...)
	}
	s.install(t, policies)
	compared := map[*variant]*comparison{}
	var group sync.WaitGroup
	limit := make(chan struct{}, 4)
	for _, v := range variants {
		c := &comparison{reached: map[string]int{}}
		compared[v] = c
		for _, w := range v.worlds {
			group.Go(func() {
				limit <- struct{}{}
				defer func() { <-limit }()
				for i := 0; i < w.asks && !(v.mutant() && c.found()); i++ {
					c.create(t.Context(), s, w, fmt.Sprintf("ask-%d", i))
					if i < updatesOfAll {
						c.update(t.Context(), s, w)
					}
				}
			})
		}
	}
	group.Wait()
	return compared
}

func (c *comparison) found() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.differences) > 0
}

func (c *comparison) create(ctx context.Context, s *apiServer, w *world, name string) {
	o := w.ask(w.permitted).object(w.namespace, name)
	want, reached := w.expect(o, nil)
	got, told, err := attempt(ctx, s.dryRun(o))
	c.note("create "+reached, o, want, got, told, err)
}

// update changes what an object that was there before asks for: a pod its annotation, a template anything; or nothing.
func (c *comparison) update(ctx context.Context, s *apiServer, w *world) {
	old := one(w.chance, w.stored)
	next := old.object.DeepCopy()
	switch kind := old.ask.kind; {
	case kind == "Pod":
		w.annotateAnew(next)
	case slices.Contains(mutableKinds, kind):
		o := w.anotherOf(old.ask).object(w.namespace, next.GetName())
		for _, part := range []string{"spec", "template"} {
			if o[part] != nil {
				next.Object[part] = o[part]
			}
		}
	default:
		next.SetLabels(map[string]string{"touched": "yes"})
	}
	want, reached := w.expect(next.Object, old.object.Object)
	got, told, err := attempt(ctx, s.dryRunUpdate(next.DeepCopy()))
	c.note("update "+reached, next.Object, want, got, told, err)
}

func (w *world) annotateAnew(pod *unstructured.Unstructured) {
	if w.IntN(3) == 0 {
		pod.SetLabels(map[string]string{"touched": "yes"})
		return
	}
	annotations := pod.GetAnnotations()
	delete(annotations, workload.ScopesAnnotation)
	if a := w.ask(w.permitted); a.annotated {
		annotations = map[string]string{workload.ScopesAnnotation: a.scopes}
	}
	pod.SetAnnotations(annotations)
}

// anotherOf an ask differs in everything, in one thing, or in what does not count.
func (w *world) anotherOf(a ask) ask {
	b := w.ask(w.permitted)
	b.kind = a.kind
	switch w.IntN(5) {
	case 0:
		a.mountsBeside = "another"
	case 1:
		a.account, a.oldAccount = b.account, b.oldAccount
	case 2:
		a.annotated, a.scopes = b.annotated, b.scopes
	case 3:
		a.mounts = !a.mounts
	default:
		return b
	}
	return a
}

func (c *comparison) note(reached string, o map[string]any, want, got verdict, told string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	c.reached[reached]++
	text, _ := json.Marshal(o) //nolint:errchkjson // for people
	switch {
	case err != nil:
		c.failures = append(c.failures, fmt.Sprintf("%v\n%.2000s", err, text))
	case got != want:
		c.differences = append(c.differences, fmt.Sprintf("%s: it is %s, want %s; %s\n%.2000s", reached, got, want, told, text))
	}
}

// expect is what Judge makes of it, and in a few words what it is about.
func (w *world) expect(o, old map[string]any) (want verdict, reached string) {
	kind, template, path := decoded(o)
	class := "template"
	if kind == "Pod" {
		class = "pod"
	}
	ask := template.Ask(exchange)
	if old != nil {
		if _, before, _ := decoded(old); ask.Same(before.Ask(exchange)) {
			return admitted, class + " as before"
		}
	}
	if ask.Nothing() {
		return admitted, class + " asks for nothing"
	}
	problems := workload.Judge(workload.Case{
		Namespace: w.namespace, Template: template, Path: path, Bounds: w.delegations, ExchangeAudience: exchange,
	})
	if len(problems) == 0 {
		return admitted, class + " within bounds"
	}
	reason := problems[0].Reason
	if kind == "Pod" || reason == workload.Malformed {
		return denied, class + " " + string(reason)
	}
	return warned, class + " " + string(reason)
}

func decoded(o map[string]any) (kind string, template workload.Template, path string) {
	u := &unstructured.Unstructured{Object: o}
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	template, path, err = workload.Decode(schema.FromAPIVersionAndKind(u.GetAPIVersion(), u.GetKind()), text)
	if err != nil {
		panic(err)
	}
	return u.GetKind(), template, path
}

// mustAgree wants no difference, and everything reached often enough to mean something.
func (c *comparison) mustAgree(t *testing.T) {
	t.Helper()
	t.Logf("%d comparisons: %v", c.count, c.reached)
	for _, text := range append(c.failures, c.differences...) {
		t.Error(text)
	}
	for _, class := range []string{"pod", "template"} {
		for _, what := range []string{
			"asks for nothing", "within bounds", string(workload.Malformed), string(workload.NoServiceDelegation), string(workload.NotDeclared), string(workload.Ambiguous),
		} {
			for write, least := range map[string]int{"create": 20, "update": 1} {
				if key := strings.Join([]string{write, class, what}, " "); c.reached[key] < least {
					t.Errorf("%q is reached %d times, and should be %d times", key, c.reached[key], least)
				}
			}
		}
		if key := "update " + class + " as before"; c.reached[key] < 20 {
			t.Errorf("%q is reached %d times", key, c.reached[key])
		}
	}
}

// mutants are policies that each leave something out, or take something for what it is not.
func mutants() []*variant {
	replaced := func(name string, pairs ...string) *variant {
		return &variant{name: name, policies: func(all []Policy) []Policy { return rewritten(all, pairs...) }}
	}
	without := func(name string, policies ...string) *variant {
		return &variant{name: name, policies: func(all []Policy) []Policy {
			return slices.DeleteFunc(all, func(p Policy) bool { return slices.Contains(policies, p.Policy.Name) })
		}}
	}
	return []*variant{
		{name: "ambiguous-scopes-pass", bounds: func(data map[string]string) {
			for account, lines := range data {
				elements := strings.Split(lines, "\n")
				for _, e := range elements {
					if _, name, qualified := strings.Cut(e, "#"); qualified {
						elements = append(elements, name)
					}
				}
				slices.Sort(elements)
				data[account] = strings.Join(slices.Compact(elements), "\n")
			}
		}},
		{name: "no-scope-passes-alone", bounds: func(data map[string]string) {
			for account, lines := range data {
				data[account] = strings.Join(slices.DeleteFunc(strings.Split(lines, "\n"), func(e string) bool { return !strings.Contains(e, "#") }), "\n")
			}
		}},
		{name: "bounds-of-another-account", bounds: func(data map[string]string) {
			maps.DeleteFunc(data, func(account, _ string) bool { return account == "default" })
			data["default"] = data["portal"]
		}},
		replaced("tab-is-no-white-space", `.replace('\t', ' ')`, ""),
		replaced("return-is-no-white-space", `.replace('\r', ' ')`, ""),
		replaced("tab-malforms", space, `[ \r\n]`),
		replaced("vertical-tab-is-white-space", space, `[ \t\r\n\v]`, `.split(' ')`, `.replace('\v', ' ').split(' ')`),
		replaced("form-feed-is-white-space", space, `\s`, `.split(' ')`, `.replace('\f', ' ').split(' ')`),
		replaced("quotation-marks-pass", `[!$-`, `[!"$-`),
		replaced("patterns-pass", segment, `(?:[!$-9;-\[\]-~]+)`),
		replaced("stars-are-patterns", segment, `(?:[!$-)+-9;-\[\]-~]+)`),
		replaced("long-scopes-pass", `{1,128}`, `{1,129}`),
		replaced("long-audiences-pass", `{1,512}`, `{1,513}`),
		replaced("long-annotations-pass", `<= 16384`, `<= 16385`),
		replaced("nothing-passes", `)+$'`, `)*$'`),
		replaced("no-name-is-nobody", `'default'`, `'nobody'`),
		replaced("a-token-asks-for-nothing", `s.?serviceAccountToken.?audience.orValue('') == "behalf-exchange"`, `false`),
		replaced("any-token-asks", `== "behalf-exchange"`, `!= ''`),
		replaced("a-token-needs-nothing", delegated, `true`),
		replaced("what-stands-is-judged", `variables.same`, `false`),
		replaced("any-update-passes", `oldObject == null || `, `oldObject == null && `),
		replaced("another-account-is-the-same", `variables.account == `, `'' != `),
		without("every-namespace-has-bounds", PodsNamespaces, TemplatesNamespaces),
		without("bounds-are-not-read", PodsBounds),
		without("templates-are-not-read", TemplatesSyntax),
		without("templates-are-not-told", TemplatesBounds),
	}
}

// rewritten replaces text in every expression, and panics where it stands nowhere: such a mutant would not be one.
func rewritten(all []Policy, pairs ...string) []Policy {
	var found int
	change := func(expression *string) {
		for i := 0; i < len(pairs); i += 2 {
			found += strings.Count(*expression, pairs[i])
			*expression = strings.ReplaceAll(*expression, pairs[i], pairs[i+1])
		}
	}
	for _, p := range all {
		for i := range p.Policy.Spec.MatchConditions {
			change(&p.Policy.Spec.MatchConditions[i].Expression)
		}
		for i := range p.Policy.Spec.Variables {
			change(&p.Policy.Spec.Variables[i].Expression)
		}
		for i := range p.Policy.Spec.Validations {
			change(&p.Policy.Spec.Validations[i].Expression)
		}
	}
	if found == 0 {
		panic("no expression has " + pairs[0])
	}
	return all
}
