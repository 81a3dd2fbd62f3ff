// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/api/v1alpha1"
)

const (
	ledger   = "https://ledger.example"
	exchange = "exchange.example"
)

// delegation of a service account in namespace support: elements are audience#scope, those after ">" are onward.
func delegation(name, serviceAccount string, elements ...string) *v1alpha1.ServiceDelegation {
	d := &v1alpha1.ServiceDelegation{ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: name}}
	d.Spec.ServiceAccountName = v1alpha1.ServiceAccountName(serviceAccount)
	for _, element := range elements {
		onward := strings.HasPrefix(element, ">")
		audience, scope, _ := strings.Cut(strings.TrimPrefix(element, ">"), "#")
		scopes := v1alpha1.AudienceScopes{Audience: v1alpha1.Audience(audience), Scopes: []v1alpha1.ScopeName{v1alpha1.ScopeName(scope)}}
		if onward {
			d.Spec.Onward = append(d.Spec.Onward, v1alpha1.Onward{
				To: v1alpha1.ServiceAccountReference{Namespace: "billing", ServiceAccount: "invoices"}, Audiences: []v1alpha1.AudienceScopes{scopes},
			})
			continue
		}
		d.Spec.Audiences = append(d.Spec.Audiences, scopes)
	}
	return d
}

func portal(elements ...string) []*v1alpha1.ServiceDelegation {
	return []*v1alpha1.ServiceDelegation{delegation("portal", "portal", elements...)}
}

func annotated(value string) Template {
	return Template{
		Metadata: Metadata{Annotations: map[string]string{ScopesAnnotation: value}},
		Spec:     PodSpec{ServiceAccountName: "portal"},
	}
}

func mounting(audiences ...string) Template {
	t := Template{Spec: PodSpec{ServiceAccountName: "portal"}}
	for _, audience := range audiences {
		t.Spec.Volumes = append(t.Spec.Volumes, Volume{}, Volume{Projected: &Projected{Sources: []Source{
			{}, {ServiceAccountToken: &ServiceAccountToken{Audience: audience}},
		}}})
	}
	return t
}

func as(serviceAccountName, serviceAccount string, t Template) Template {
	t.Spec.ServiceAccountName, t.Spec.ServiceAccount = serviceAccountName, serviceAccount
	return t
}

func TestJudge(t *testing.T) {
	tests := map[string]struct {
		template Template
		bounds   []*v1alpha1.ServiceDelegation
		want     []Reason // none: admitted
	}{
		"a pod that asks for nothing needs nothing":              {Template{}, nil, nil},
		"a token for the API server asks for nothing":            {mounting(""), nil, nil},
		"a token for somebody else asks for nothing":             {mounting("sts.amazonaws.com"), nil, nil},
		"another annotation asks for nothing":                    {Template{Metadata: Metadata{Annotations: map[string]string{"behalf.dev/scope": "read"}}}, nil, nil},
		"a declared qualified scope is admitted":                 {annotated(tickets + "#read"), portal(tickets + "#read"), nil},
		"a declared unqualified scope is admitted":               {annotated("read"), portal(tickets + "#read"), nil},
		"scopes may be declared in several ServiceDelegations":   {annotated("read pay"), append(portal(tickets+"#read"), delegation("more", "portal", ledger+"#pay")), nil},
		"the same audience in two ServiceDelegations is one":     {annotated("read"), append(portal(tickets+"#read"), delegation("more", "portal", tickets+"#read")), nil},
		"a token for the exchange is admitted with any bounds":   {mounting(exchange), portal(tickets + "#read"), nil},
		"a service that only hands on may mount the token":       {mounting(exchange), portal(">" + tickets + "#read"), nil},
		"the old name of the service account counts":             {as("", "portal", annotated("read")), portal(tickets + "#read"), nil},                                            // THREATS 2
		"the service account's name goes before its old name":    {as("portal", "other", annotated("read")), portal(tickets + "#read"), nil},                                       // THREATS 2
		"no service account is the one called default":           {as("", "", annotated("read")), []*v1alpha1.ServiceDelegation{delegation("d", "default", tickets+"#read")}, nil}, // THREATS 2
		"no service account is not the one that was declared":    {as("", "", annotated("read")), portal(tickets + "#read"), []Reason{NoServiceDelegation}},                        // THREATS 2
		"a scope without any ServiceDelegation is refused":       {annotated("read"), nil, []Reason{NoServiceDelegation}},
		"a token without any ServiceDelegation is refused":       {mounting(exchange), nil, []Reason{NoServiceDelegation}},
		"the token may be in any volume":                         {mounting("", "x", exchange), nil, []Reason{NoServiceDelegation}},
		"each way of asking is told":                             {Template{Metadata: annotated("read").Metadata, Spec: mounting(exchange).Spec}, nil, []Reason{NoServiceDelegation, NoServiceDelegation}},
		"another service account's bounds count for nothing":     {annotated("read"), []*v1alpha1.ServiceDelegation{delegation("other", "other", tickets+"#read")}, []Reason{NoServiceDelegation}},
		"an undeclared scope of a declared audience is refused":  {annotated(tickets + "#delete"), portal(tickets + "#read"), []Reason{NotDeclared}},
		"a declared scope of another audience is refused":        {annotated(ledger + "#read"), portal(tickets + "#read"), []Reason{NotDeclared}},
		"an undeclared unqualified scope is refused":             {annotated("delete"), portal(tickets + "#read"), []Reason{NotDeclared}},
		"what is declared onward is not for the service itself":  {annotated(tickets + "#read"), portal(">" + tickets + "#read"), []Reason{NotDeclared}},
		"an unqualified scope of two audiences is refused":       {annotated("read"), portal(tickets+"#read", ledger+"#read"), []Reason{Ambiguous}},
		"one that says its audience is admitted beside another":  {annotated(ledger + "#read"), portal(tickets+"#read", ledger+"#read"), nil},
		"scopes are compared in full":                            {annotated("tickets:rea READ"), portal(tickets + "#tickets:read"), []Reason{NotDeclared, NotDeclared}},
		"every scope is told, and each once":                     {annotated("b a b"), portal(tickets + "#read"), []Reason{NotDeclared, NotDeclared}},
		"a good scope beside a bad one does not help":            {annotated("read delete"), portal(tickets + "#read"), []Reason{NotDeclared}},
		"a malformed annotation is refused, whatever the bounds": {annotated("read ,é"), portal(tickets + "#read"), []Reason{Malformed}},
		"an empty annotation is refused":                         {annotated(""), portal(tickets + "#read"), []Reason{Malformed}},
		"a pattern is refused even where all is declared":        {annotated("*"), portal(tickets + "#read"), []Reason{Malformed}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []Reason
			for _, p := range Judge(Case{Namespace: "support", Template: tt.template, Bounds: tt.bounds, ExchangeAudience: exchange}) {
				got = append(got, p.Reason)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// THREATS 7: what policy takes away is outside as well, and is told in other words than what was never declared.
func TestJudgeRefusesWhatIsDeclaredAndHasNoEffect(t *testing.T) {
	const (
		why  = "no DelegationPolicy permits it"
		said = "metadata.annotations[behalf.dev/scopes]: scope read of audience " + tickets + " is declared for service account support/portal and has no effect: " + why
	)
	idle := map[Scope]string{{tickets, "read"}: why, {ledger, "pay"}: why, {tickets, "delete"}: why}
	tests := map[string]struct {
		template Template
		bounds   []*v1alpha1.ServiceDelegation
		idle     map[Scope]string
		want     []Reason
	}{
		"a qualified scope":                                {annotated(tickets + "#read"), portal(tickets + "#read"), idle, []Reason{NoEffect}},
		"an unqualified scope":                             {annotated("read"), portal(tickets + "#read"), idle, []Reason{NoEffect}},
		"a scope of that name of another audience":         {annotated("read"), portal(ledger + "#read"), idle, nil},
		"one beside a scope with effect":                   {annotated("write read"), portal(tickets+"#read", tickets+"#write"), idle, []Reason{NoEffect}},
		"one beside a scope that is not declared":          {annotated("read x"), portal(tickets + "#read"), idle, []Reason{NoEffect, NotDeclared}},
		"one that is not declared either":                  {annotated("delete"), portal(tickets + "#read"), idle, []Reason{NotDeclared}},
		"one for which nothing at all is declared":         {annotated("read"), nil, idle, []Reason{NoServiceDelegation}},
		"a token for the exchange names no scope":          {mounting(exchange), portal(tickets + "#read"), idle, nil},
		"at admission nobody asks for effects":             {annotated("read"), portal(tickets + "#read"), nil, nil},
		"an unqualified scope of two audiences stays that": {annotated("read"), portal(tickets+"#read", ledger+"#read"), idle, []Reason{Ambiguous}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			problems := Judge(Case{Namespace: "support", Template: tt.template, Bounds: tt.bounds, Idle: tt.idle, ExchangeAudience: exchange})
			var got []Reason
			for _, p := range problems {
				got = append(got, p.Reason)
				if p.Reason == NoEffect && p.String() != said {
					t.Errorf("got  %s\nwant %s", p, said)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// THREATS 41: a namespace speaks for its own service accounts only.
func TestJudgeLooksAtTheNamespace(t *testing.T) {
	problems := Judge(Case{Namespace: "attic", Template: annotated("read"), Bounds: portal(tickets + "#read"), ExchangeAudience: exchange})
	if len(problems) != 1 || problems[0].Reason != NoServiceDelegation {
		t.Errorf("the ServiceDelegation of another namespace counts: %v", problems)
	}
}

func TestJudgeTeaches(t *testing.T) {
	several := []*v1alpha1.ServiceDelegation{
		delegation("z", "portal", tickets+"#read"), delegation("a", "portal", ledger+"#read"), delegation("m", "portal", ">"+ledger+"#read"),
	}
	tests := map[string]struct {
		template Template
		bounds   []*v1alpha1.ServiceDelegation
		path     string
		want     string
	}{
		"the object that declares this audience": {
			annotated(ledger + "#delete"), several, "spec.template",
			"spec.template.metadata.annotations[behalf.dev/scopes]: scope delete of audience https://ledger.example is not declared for service account " +
				"support/portal: add it under spec.audiences of ServiceDelegation support/a, or ask without it (declared: read)",
		},
		"all of them where none does": {
			annotated("https://x.example#delete"), several, "",
			"metadata.annotations[behalf.dev/scopes]: scope delete of audience https://x.example is not declared for service account " +
				"support/portal: add it under spec.audiences of one of the ServiceDelegations support/a, support/m, support/z, or ask without it " +
				"(declared: https://ledger.example#read, https://tickets.example#read)",
		},
		"a scope without its audience": {
			annotated("delete"), portal(tickets + "#read"), "template",
			"template.metadata.annotations[behalf.dev/scopes]: scope delete is not declared for service account support/portal for any audience: " +
				"add it, with the audience that it belongs to, under spec.audiences of ServiceDelegation support/portal, or ask without it (declared: https://tickets.example#read)",
		},
		"the audiences to choose from": {
			annotated("read"), several, "",
			"metadata.annotations[behalf.dev/scopes]: scope read is declared for service account support/portal for several audiences, " +
				"https://ledger.example, https://tickets.example: say which, for example https://ledger.example#read",
		},
		"the object to create": {
			annotated(tickets + "#read"), nil, "",
			"metadata.annotations[behalf.dev/scopes]: service account support/portal asks for https://tickets.example#read and has no ServiceDelegation: " +
				"create one in namespace support with spec.serviceAccountName: portal that declares under spec.audiences what it needs",
		},
		"the volume that mounts the token": {
			mounting("", exchange), nil, "spec.jobTemplate.spec.template",
			"spec.jobTemplate.spec.template.spec.volumes[3].projected.sources[1].serviceAccountToken.audience: a token for the exchange asks for delegation, " +
				"and service account support/portal has no ServiceDelegation: create one in namespace support with spec.serviceAccountName: portal, " +
				"or do without the token",
		},
		"what cannot be read": {
			annotated("read a#b#c"), nil, "",
			`metadata.annotations[behalf.dev/scopes]: element 2, "a#b#c", has more than one '#': write audience#scope, with white space between one and the next`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, bounds := range [][]*v1alpha1.ServiceDelegation{tt.bounds, reversed(tt.bounds)} { // order never matters
				problems := Judge(Case{Namespace: "support", Template: tt.template, Path: tt.path, Bounds: bounds, ExchangeAudience: exchange})
				if len(problems) != 1 || problems[0].String() != tt.want {
					t.Errorf("got\n%v\nwant\n%v", problems, tt.want)
				}
			}
		})
	}
}

func reversed(bounds []*v1alpha1.ServiceDelegation) []*v1alpha1.ServiceDelegation {
	r := slices.Clone(bounds)
	slices.Reverse(r)
	return r
}

func TestSame(t *testing.T) {
	base := Template{Metadata: annotated("read").Metadata, Spec: mounting(exchange).Spec}
	tests := map[string]struct {
		other Template
		want  bool
	}{
		"itself":                            {base, true},
		"by the old name":                   {as("", "portal", base), true},
		"with the volumes in another place": {Template{Metadata: base.Metadata, Spec: mounting("", exchange).Spec}, true},
		"as another service account":        {as("other", "", base), false},
		"as the default one":                {as("", "", base), false},
		"without the token":                 {annotated("read"), false},
		"without the annotation":            {mounting(exchange), false},
		"with another annotation":           {Template{Metadata: annotated("read ").Metadata, Spec: base.Spec}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := base.Ask(exchange).Same(tt.other.Ask(exchange)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	empty, missing := annotated(""), Template{Spec: PodSpec{ServiceAccountName: "portal"}}
	if empty.Ask(exchange).Same(missing.Ask(exchange)) {
		t.Error("an empty annotation is the same as none")
	}
}

// Whoever may create a pod may have thousands of scopes refused at once, and must not keep the webhook busy with it.
func TestRefusalsCostWhatIsAskedAndDeclared(t *testing.T) {
	const many = 1000
	d := &v1alpha1.ServiceDelegation{ObjectMeta: metav1.ObjectMeta{Namespace: "support", Name: "portal"}}
	d.Spec.ServiceAccountName = "portal"
	d.Spec.Audiences = []v1alpha1.AudienceScopes{{Audience: "https://tickets.example"}}
	var asked strings.Builder
	for i := range many {
		d.Spec.Audiences[0].Scopes = append(d.Spec.Audiences[0].Scopes, v1alpha1.ScopeName(fmt.Sprintf("declared:%d", i)))
		fmt.Fprintf(&asked, "asked:%d ", i)
	}
	c := Case{Namespace: "support", Bounds: []*v1alpha1.ServiceDelegation{d}}
	ask := Ask{ServiceAccount: "portal", Annotated: true, Scopes: asked.String()}
	var problems []Problem
	allocations := testing.AllocsPerRun(3, func() { problems = JudgeAsk(ask, c) })
	if len(problems) != many {
		t.Fatalf("%d problems, want %d", len(problems), many)
	}
	if most := float64(20 * 2 * many); allocations > most {
		t.Errorf("%.0f allocations to refuse %d scopes where %d are declared, want at most %.0f", allocations, many, many, most)
	}
}
