// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package bounds

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/internal/upkeep"
	"behalf.dev/behalf/test/cluster"
	"behalf.dev/behalf/test/stack"
	"behalf.dev/behalf/webhook/backstop"
)

const (
	system   = "behalf-system"
	exchange = "behalf-exchange"
	tickets  = "https://tickets.example"
	manager  = "system:serviceaccount:" + system + ":behalf-manager"
)

// stage is a control plane with Behalf's kinds and roles, and no webhook.
type stage struct {
	client.Client // of cluster-admin
	cluster       *cluster.Cluster
	scheme        *runtime.Scheme
	controller    *controller
}

func newStage(t *testing.T) *stage {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a control plane: not under -short")
	}
	ctrl.SetLogger(logr.Discard())
	c, err := cluster.Start(t.Context(), cluster.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	s := &stage{cluster: c, scheme: runtime.NewScheme()}
	utilruntime.Must(clientgoscheme.AddToScheme(s.scheme))
	utilruntime.Must(v1alpha1.AddToScheme(s.scheme))
	s.Client = s.clientAs(t, "")
	crds, err := filepath.Glob("../../config/crd/bases/*.yaml")
	if err != nil || len(crds) == 0 {
		t.Fatal(crds, err)
	}
	for _, file := range append(crds, "../../config/rbac/namespace.yaml", "../../config/rbac/role.yaml", "../../config/rbac/manager.yaml") {
		objects, err := stack.Objects(file)
		s.must(t, err)
		for _, o := range objects {
			s.must(t, stack.Apply(t.Context(), s.Client, o))
		}
	}
	s.eventually(t, "ServiceDelegations are served", func() bool {
		return s.List(t.Context(), &v1alpha1.ServiceDelegationList{}) == nil
	})
	return s
}

// clientAs is a client of the admin, or of somebody else.
func (s *stage) clientAs(t *testing.T, user string) client.Client {
	t.Helper()
	cfg := rest.CopyConfig(s.cluster.Admin)
	cfg.QPS = -1
	cfg.WarningHandler = rest.NoWarnings{}
	if user != "" {
		cfg.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
	}
	c, err := client.New(cfg, client.Options{Scheme: s.scheme})
	s.must(t, err)
	return c
}

// controller runs with the rights of the manager's service account and no others, and beside it the keeper of the policies.
type controller struct {
	stop    func()
	figures *Figures
	// writes that both made.
	writes *atomic.Int64
}

func (s *stage) start(t *testing.T) {
	t.Helper()
	request := &authenticationv1.TokenRequest{}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "behalf-manager"}}
	s.must(t, s.SubResource("token").Create(t.Context(), account, request))
	c := &controller{figures: &Figures{}, writes: &atomic.Int64{}}
	cfg := rest.AnonymousClientConfig(s.cluster.Admin)
	cfg.QPS, cfg.BearerToken = -1, request.Status.Token
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return counting{next, c.writes} })
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme: s.scheme, Metrics: metricsserver.Options{BindAddress: "0"}, Controller: config.Controller{SkipNameValidation: new(true)},
	})
	s.must(t, err)
	stand, err := Setup(mgr, Options{Namespace: system, Figures: c.figures})
	s.must(t, err)
	s.must(t, mgr.Add(s.keeper(t, cfg, mgr.Elected(), stand)))
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Start(ctx) }()
	c.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(c.stop)
	s.controller = c
}

// keeper looks after the policies as the manager has it do.
func (s *stage) keeper(t *testing.T, cfg *rest.Config, elected, stand <-chan struct{}) *upkeep.Keeper {
	t.Helper()
	objects, err := backstop.Objects(backstop.Options{Namespace: system, ExchangeAudience: exchange}, stand, func(context.Context) (string, error) {
		return manager, nil
	})
	s.must(t, err)
	c, err := client.NewWithWatch(cfg, client.Options{Scheme: s.scheme})
	s.must(t, err)
	keeper, err := upkeep.New(c, upkeep.Options{Mode: upkeep.Managed, Objects: objects, Elected: elected, Log: logr.Discard()})
	s.must(t, err)
	return keeper
}

// counting counts what changed something.
type counting struct {
	next   http.RoundTripper
	writes *atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := c.next.RoundTrip(r)
	if err == nil && response.StatusCode < http.StatusMultipleChoices && r.Method != http.MethodGet {
		c.writes.Add(1)
	}
	return response, err
}

func (s *stage) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *stage) eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline, tick := time.After(60*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("in vain: %s", what)
		case <-tick.C:
		}
	}
}

// makeNamespace makes it with a service account portal.
func (s *stage) makeNamespace(t *testing.T, name string) {
	t.Helper()
	s.must(t, s.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}))
	s.must(t, s.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "portal"}}))
}

// declared is a ServiceDelegation of portal.
func declared(namespace, name string, scopes ...v1alpha1.ScopeName) *v1alpha1.ServiceDelegation {
	d := &v1alpha1.ServiceDelegation{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	d.Spec.ServiceAccountName, d.Spec.Purpose = "portal", "Test"
	d.Spec.Audiences = []v1alpha1.AudienceScopes{{Audience: tickets, Scopes: scopes}}
	return d
}

// pod of portal asks for the scopes; for nothing where they are empty.
func pod(namespace, name, scopes string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if scopes != "" {
		p.Annotations = map[string]string{"behalf.dev/scopes": scopes}
	}
	p.Spec = corev1.PodSpec{ServiceAccountName: "portal", Containers: []corev1.Container{{Name: "main", Image: "x"}}}
	return p
}

// tries is whether a pod would be admitted; else, why a policy denies it.
func (s *stage) tries(t *testing.T, p *corev1.Pod) (admitted bool, why string) {
	t.Helper()
	err := s.Create(t.Context(), p, client.DryRunAll)
	if err != nil && !strings.Contains(err.Error(), "ValidatingAdmissionPolicy") {
		t.Fatal(err)
	}
	if err != nil {
		return false, err.Error()
	}
	return true, ""
}

func (s *stage) awaits(t *testing.T, p *corev1.Pod, admitted bool) {
	t.Helper()
	s.eventually(t, "the API server has caught up about "+p.Namespace+"/"+p.Name, func() bool {
		got, _ := s.tries(t, p.DeepCopy())
		return got == admitted
	})
}

// mayEdit gives a user what the owner of a namespace has.
func (s *stage) mayEdit(t *testing.T, user, namespace string) {
	t.Helper()
	s.must(t, s.Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "owner"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "admin"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}))
}

func configMap(namespace string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "behalf-bounds"}, Data: data}
}

// awaitsPolicies waits until the API server enforces all of them. What stands it takes up every second, all at once.
func (s *stage) awaitsPolicies(t *testing.T) {
	t.Helper()
	objects, err := backstop.Objects(backstop.Options{}, nil, nil)
	s.must(t, err)
	for _, o := range objects {
		s.eventually(t, o.Manifest.GetKind()+" "+o.Manifest.GetName()+" stands", func() bool {
			return s.Get(t.Context(), client.ObjectKeyFromObject(o.Manifest), o.Manifest.DeepCopy()) == nil
		})
	}
	last := &admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{GenerateName: "last-"}}
	last.Spec.MatchConstraints = &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{
		RuleWithOperations: admissionregistrationv1.RuleWithOperations{
			Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
			Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"podtemplates"}},
		},
	}}}
	last.Spec.Validations = []admissionregistrationv1.Validation{{Expression: "object.metadata.name != 'last'", Message: "it is enforced"}}
	s.must(t, s.Create(t.Context(), last))
	binding := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: last.Name}}
	binding.Spec.PolicyName, binding.Spec.ValidationActions = last.Name, []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny}
	s.must(t, s.Create(t.Context(), binding))
	s.eventually(t, "the policies are enforced", func() bool {
		template := &corev1.PodTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "last"}, Template: corev1.PodTemplateSpec{Spec: pod("", "", "").Spec}}
		err := s.Create(t.Context(), template, client.DryRunAll)
		return err != nil && strings.Contains(err.Error(), last.Name)
	})
	s.must(t, errors.Join(s.Delete(t.Context(), binding), s.Delete(t.Context(), last)))
}
