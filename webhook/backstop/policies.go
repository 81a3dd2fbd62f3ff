// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package backstop

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"behalf.dev/behalf/webhook/workload"
)

// The policies' names, which are those of their bindings too. The manager's role lists them.
const (
	// PodsBounds denies a pod what goes beyond the bounds of its namespace, where the namespace has some.
	PodsBounds = "behalf-pods-bounds"
	// PodsNamespaces denies a pod that asks in a namespace that has none.
	PodsNamespaces = "behalf-pods-namespaces"
	// TemplatesSyntax denies an annotation that cannot be read on what makes pods.
	TemplatesSyntax = "behalf-templates-syntax"
	// TemplatesBounds and TemplatesNamespaces say of what makes pods that its pods will be denied.
	TemplatesBounds     = "behalf-templates-bounds"
	TemplatesNamespaces = "behalf-templates-namespaces"
	// Bindings denies a Binding that brings the annotation.
	Bindings = "behalf-bindings"
	// Guard denies everybody but the manager to write what the policies read.
	Guard = "behalf-bounds-guard"
)

// Options of the policies.
type Options struct {
	// Namespace is Behalf's own.
	Namespace string
	// Manager is the user name of whoever writes the bounds; the guard alone says it.
	Manager string
	// ExchangeAudience is the audience of a token that asks for delegation by being mounted.
	ExchangeAudience string
}

// Policy is a policy with its binding.
type Policy struct {
	Policy  *admissionregistrationv1.ValidatingAdmissionPolicy
	Binding *admissionregistrationv1.ValidatingAdmissionPolicyBinding
}

// Policies gives all of them, with everything set that the API server would set: what is looked at in a cluster is what
// stands here.
func Policies(o Options) []Policy {
	listed := admissionregistrationv1.ParamRef{Namespace: o.Namespace}
	return []Policy{
		o.pods(PodsBounds, inBounds...).reading(admissionregistrationv1.ParamRef{}).denying(),
		o.pods(PodsNamespaces, inNamespaces).reading(listed).denying(),
		o.templates(TemplatesSyntax, syntax).denying(),
		o.templates(TemplatesBounds, inBounds[1:]...).reading(admissionregistrationv1.ParamRef{}).warning(),
		o.templates(TemplatesNamespaces, inNamespaces).reading(listed).warning(),
		o.bindings().denying(),
		o.guard().denying(),
	}
}

// What people are told. A message is for whoever gets no other: an expression that errs, or gives too much.
var (
	syntax = admissionregistrationv1.Validation{
		Expression: readable,
		Message: "the annotation " + workload.ScopesAnnotation + " cannot be read: write audience#scope or a scope alone, with white space between one and " +
			"the next, at most 16384 characters; printable ASCII only, without quotation mark and backslash, an audience of at most 512 and a " +
			"scope of at most 128 characters, and no pattern",
	}
	// inBounds tells what cannot be read first.
	inBounds = []admissionregistrationv1.Validation{
		syntax,
		{
			Expression: delegated,
			Message:    "the service account has no ServiceDelegation that the API server knows of: create one in its namespace, and try again in a moment",
			MessageExpression: `'service account ' + request.namespace + '/' + variables.account + ' has no ServiceDelegation that the API server knows of: ` +
				`create one in namespace ' + request.namespace + ' with spec.serviceAccountName: ' + variables.account + ', and try again in a moment'`,
		},
		{
			Expression: within,
			Message:    "the annotation " + workload.ScopesAnnotation + " asks for a scope that is not declared, or declared for several audiences",
			MessageExpression: `'service account ' + request.namespace + '/' + variables.account + ' asks for ' + ` +
				`variables.elements.filter(e, e != '' && !(e in variables.permitted))[0] + ', which none of its ServiceDelegations declares for one audience: ` +
				`add it under spec.audiences of one of them, with its audience in the annotation where several declare it, or ask without it; ` +
				`after a change try again in a moment'`,
		},
	}
	inNamespaces = admissionregistrationv1.Validation{
		Expression: bounded,
		Message:    "the namespace has no ServiceDelegation that the API server knows of: create one, and try again in a moment",
		MessageExpression: `'service account ' + request.namespace + '/' + variables.account + ' asks for delegation, and there is no ServiceDelegation in namespace ' + ` +
			`request.namespace + ' that the API server knows of: create one with spec.serviceAccountName: ' + variables.account + ', and try again in a moment'`,
	}
)

func (o Options) pods(name string, validations ...admissionregistrationv1.Validation) Policy {
	return o.judging(name, inPod, []admissionregistrationv1.NamedRuleWithOperations{
		rule("", onWrites, "pods"), rule("", onUpdate, "pods/status"),
	}, validations)
}

func (o Options) templates(name string, validations ...admissionregistrationv1.Validation) Policy {
	return o.judging(name, inAny, []admissionregistrationv1.NamedRuleWithOperations{
		rule("", onWrites, "replicationcontrollers", "podtemplates"),
		rule("apps", onWrites, "deployments", "replicasets", "statefulsets", "daemonsets"),
		rule("batch", onWrites, "jobs", "cronjobs"),
	}, validations)
}

func (o Options) judging(name string, in place, rules []admissionregistrationv1.NamedRuleWithOperations, validations []admissionregistrationv1.Validation) Policy {
	p := policy(name, o.selected(), rules, validations)
	p.Policy.Spec.MatchConditions = []admissionregistrationv1.MatchCondition{
		{Name: "asks-for-delegation", Expression: in.asks(o.ExchangeAudience)},
		{Name: "asks-anew", Expression: in.asksAnew()},
	}
	// In the order of their use: one may name those before it.
	p.Policy.Spec.Variables = []admissionregistrationv1.Variable{
		{Name: "annotation", Expression: in.annotation("object")},
		{Name: "account", Expression: in.account("object")},
		{Name: "same", Expression: in.same(o.ExchangeAudience)},
		{Name: "scopes", Expression: scopes},
		{Name: "elements", Expression: elements},
	}
	return p
}

func (o Options) bindings() Policy {
	p := policy(Bindings, o.selected(), []admissionregistrationv1.NamedRuleWithOperations{rule("", onCreate, "pods/binding", "bindings")},
		[]admissionregistrationv1.Validation{{
			Expression: "false",
			Message:    "a Binding does not change what a pod asks for: set the annotation " + workload.ScopesAnnotation + " on the pod or its template",
		}})
	p.Policy.Spec.MatchConditions = []admissionregistrationv1.MatchCondition{
		{Name: "brings-our-annotation", Expression: inPod.annotation("object") + ".hasValue()"},
	}
	return p
}

// guard looks at the object's own name: a request that deletes a collection has none. Whoever empties a namespace that is
// being deleted may, so that it goes; nobody makes a pod in it any more.
func (o Options) guard() Policy {
	p := policy(Guard, everywhere(), []admissionregistrationv1.NamedRuleWithOperations{rule("", onChanges, "configmaps")},
		[]admissionregistrationv1.Validation{{
			Expression: "request.userInfo.username == " + quoted(o.Manager) +
				" || request.operation == 'DELETE' && has(namespaceObject.metadata.deletionTimestamp)",
			Message: "ConfigMap " + BoundsConfigMap + " holds what the ServiceDelegations of a namespace declare, and only Behalf's manager writes it: " +
				"change the ServiceDelegations, or take another name",
		}})
	p.Policy.Spec.MatchConditions = []admissionregistrationv1.MatchCondition{
		{Name: "holds-bounds", Expression: "(object == null ? oldObject : object).metadata.name == " + quoted(BoundsConfigMap)},
	}
	return p
}

// selected leaves out the same namespaces as config/webhook/manifests.yaml.
func (o Options) selected() *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
		{Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpNotIn, Values: Excluded(o.Namespace)},
	}}
}

func everywhere() *metav1.LabelSelector { return &metav1.LabelSelector{} }

func policy(name string, namespaces *metav1.LabelSelector, rules []admissionregistrationv1.NamedRuleWithOperations, validations []admissionregistrationv1.Validation) Policy {
	meta := metav1.ObjectMeta{Name: name, Labels: labels()}
	spec := admissionregistrationv1.ValidatingAdmissionPolicySpec{
		FailurePolicy: new(admissionregistrationv1.Fail),
		MatchConstraints: &admissionregistrationv1.MatchResources{
			NamespaceSelector: namespaces, ObjectSelector: &metav1.LabelSelector{},
			ResourceRules: rules, MatchPolicy: new(admissionregistrationv1.Equivalent),
		},
	}
	for _, v := range validations {
		v.Reason = new(metav1.StatusReasonForbidden) // as the webhook has it
		spec.Validations = append(spec.Validations, v)
	}
	return Policy{
		Policy: &admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: meta, Spec: spec},
		Binding: &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
			ObjectMeta: *meta.DeepCopy(), Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: name},
		},
	}
}

// reading has the policy read the ConfigMap of the reference's namespace, or of the request's. Without it, the policy says
// nothing: the alternative denies every pod, those that ask for nothing too.
func (p Policy) reading(ref admissionregistrationv1.ParamRef) Policy {
	ref.Name, ref.ParameterNotFoundAction = BoundsConfigMap, new(admissionregistrationv1.AllowAction)
	p.Binding.Spec.ParamRef = &ref
	p.Policy.Spec.ParamKind = &admissionregistrationv1.ParamKind{APIVersion: "v1", Kind: "ConfigMap"}
	if ref.Namespace == "" && len(p.Policy.Spec.Variables) > 0 {
		p.Policy.Spec.Variables = append(p.Policy.Spec.Variables, admissionregistrationv1.Variable{Name: "permitted", Expression: permitted})
	}
	return p
}

func (p Policy) denying() Policy {
	p.Binding.Spec.ValidationActions = []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny}
	return p
}

// warning never denies, so an expression or a parameter that cannot be had is no reason to.
func (p Policy) warning() Policy {
	p.Policy.Spec.FailurePolicy = new(admissionregistrationv1.Ignore)
	p.Binding.Spec.ValidationActions = []admissionregistrationv1.ValidationAction{admissionregistrationv1.Warn}
	return p
}

var (
	onCreate  = []admissionregistrationv1.OperationType{admissionregistrationv1.Create}
	onUpdate  = []admissionregistrationv1.OperationType{admissionregistrationv1.Update}
	onWrites  = []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update}
	onChanges = []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update, admissionregistrationv1.Delete}
)

// rule is about version v1 of the resources, in which matchPolicy Equivalent brings every other.
func rule(group string, operations []admissionregistrationv1.OperationType, resources ...string) admissionregistrationv1.NamedRuleWithOperations {
	return admissionregistrationv1.NamedRuleWithOperations{RuleWithOperations: admissionregistrationv1.RuleWithOperations{
		Operations: operations,
		Rule: admissionregistrationv1.Rule{
			APIGroups: []string{group}, APIVersions: []string{"v1"}, Resources: resources, Scope: new(admissionregistrationv1.AllScopes),
		},
	}}
}
