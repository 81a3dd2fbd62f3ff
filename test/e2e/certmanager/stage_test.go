// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package certmanager holds config/cert-manager to what docs/operations.md says of it: with cert-manager's own controllers, two
// managers that are reached through their Service, and what a kubelet does with a Secret.
package certmanager

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/api/v1alpha1"
	"behalf.dev/behalf/test/cluster"
)

var (
	binaries = flag.String("binaries", "../../../bin", "folder with the manager, as make build leaves it")
	long     = flag.Bool("long", false, "run, as make e2e does")
)

const (
	namespace = "behalf-system"
	service   = "behalf-manager"
	// name is what the serving certificate is for.
	name = service + "." + namespace + ".svc"
	// patience is how long is waited for what must come, where nobody promises when.
	patience = 90 * time.Second
	// quick and slow are how often the kubelets of the two managers look at what is mounted. A real one does within two
	// minutes; what counts is that they do not at the same time.
	quick, slow = 2 * time.Second, 15 * time.Second
)

// stage is a cluster with cert-manager in it and Behalf installed by `kubectl apply -k config/cert-manager`.
type stage struct {
	t           *testing.T
	dir         string
	cluster     *cluster.Cluster
	admin       client.WithWatch
	certManager *cluster.Process
	managers    []*manager
}

// manager is one of two, with a kubelet of its own.
type manager struct {
	*cluster.Process
	webhook, distribution, health, metrics string
	// serving and authorities are where the Secret and the ConfigMap behalf-ca are mounted.
	serving, authorities string
}

func start(t *testing.T) *stage {
	t.Helper()
	if testing.Short() || !*long {
		t.Skip("takes minutes; run make e2e")
	}
	s := &stage{t: t, dir: t.TempDir()}
	var err error
	// As managed clusters often have it: what the API server asks is a Service's endpoint. There is no node whose kube-proxy
	// would lead it from the Service's own address.
	s.cluster, err = cluster.Start(t.Context(), cluster.Options{Dir: s.dir, APIServerFlags: []string{"--enable-aggregator-routing=true"}})
	s.must(err)
	t.Cleanup(s.cluster.Stop)
	scheme := runtime.NewScheme()
	s.must(errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)))
	config := rest.CopyConfig(s.cluster.Admin)
	config.QPS, config.WarningHandlerWithContext = -1, rest.NoWarnings{} // of templates whose pods would be refused
	s.admin, err = client.NewWithWatch(config, client.Options{Scheme: scheme})
	s.must(err)
	return s
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// installCertManager is its kinds and its controllers.
func (s *stage) installCertManager() {
	s.t.Helper()
	kinds := s.cluster.Binary("cert-manager-crds.yaml")
	if _, err := os.Stat(s.cluster.Binary("cert-manager")); err != nil {
		s.t.Fatalf("cert-manager is not built: %v; run make e2e, or set %s to what hack/controlplane/build.sh --cert-manager prints", err, cluster.AssetsVariable)
	}
	s.kubectl("apply", "--server-side", "-f", kinds)
	s.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", kinds)
	s.runCertManager()
}

func (s *stage) runCertManager(flags ...string) {
	s.t.Helper()
	if s.certManager != nil {
		s.certManager.Stop()
	}
	kubeconfig, err := s.cluster.KubeconfigForUser("cert-manager", "system:masters")
	s.must(err)
	s.certManager, err = s.cluster.Run(cluster.Command{
		Name: "cert-manager", Path: s.cluster.Binary("cert-manager"), Args: append(flags, "--kubeconfig="+kubeconfig),
	})
	s.must(err)
}

// apply installs Behalf as docs/operations.md says.
func (s *stage) apply() {
	s.t.Helper()
	s.kubectl("apply", "-k", filepath.Join("..", "..", "..", "config", "cert-manager"))
}

// kubectl runs the control plane's kubectl as admin and gives what it prints.
func (s *stage) kubectl(args ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), s.cluster.Binary("kubectl"), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.cluster.AdminKubeconfig, "KUBECACHEDIR="+filepath.Join(s.dir, "kubectl-cache"))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("kubectl %v: %v: %s", args, err, stderr.String())
	}
	return stdout.String()
}

// startManagers starts two, as a Deployment of two replicas on two nodes would, with the flags that the component names.
func (s *stage) startManagers() {
	s.t.Helper()
	path, err := filepath.Abs(filepath.Join(*binaries, "manager"))
	s.must(err)
	kubeconfig := s.managersKubeconfig()
	address := s.address()
	s.must(s.admin.Create(s.t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: service},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 443}}},
	}))
	ports, err := cluster.FreePorts(8)
	s.must(err)
	for i, every := range []time.Duration{quick, slow} {
		replica := "manager-" + strconv.Itoa(i)
		at := func(port int) string { return net.JoinHostPort(address, strconv.Itoa(port)) }
		m := &manager{
			webhook: at(ports[4*i]), distribution: at(ports[4*i+1]), health: at(ports[4*i+2]), metrics: at(ports[4*i+3]),
			serving: filepath.Join(s.dir, replica, "serving"), authorities: filepath.Join(s.dir, replica, "authorities"),
		}
		s.runKubelet(m, every)
		m.Process, err = s.cluster.Run(cluster.Command{Name: replica, Path: path, Args: []string{
			"--kubeconfig=" + kubeconfig,
			"--webhook-address=" + m.webhook, "--distribution-address=" + m.distribution, "--health-address=" + m.health, "--metrics-address=" + m.metrics,
			"--serving-cert-file=" + m.serving + "/tls.crt", "--serving-key-file=" + m.serving + "/tls.key", "--serving-ca-file=" + m.serving + "/ca.crt",
			"--serving-names=" + name, "--inject-ca-from=" + namespace + "/behalf-serving",
		}})
		s.must(err)
		s.managers = append(s.managers, m)
		s.await(replica+" is ready", func(ctx context.Context) error {
			_, err := cluster.Page(ctx, "http://"+m.health+"/readyz")
			return err
		})
		s.admit(replica, address, ports[4*i])
	}
}

// admit has the Service lead to one more manager, as the controller of endpoints does for a pod that is ready.
func (s *stage) admit(replica, address string, port int) {
	s.t.Helper()
	s.must(s.admin.Create(s.t.Context(), &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: namespace, Name: replica, Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{address}}},
		Ports:       []discoveryv1.EndpointPort{{Name: new(""), Port: new(int32(port))}},
	}))
}

// managersKubeconfig has a token of the service account, and so the rights that config/rbac gives and no more.
func (s *stage) managersKubeconfig() string {
	s.t.Helper()
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(24 * 60 * 60))}}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "behalf-manager"}}
	s.must(s.admin.SubResource("token").Create(s.t.Context(), account, request))
	file := filepath.Join(s.dir, "manager.token")
	s.must(os.WriteFile(file, []byte(request.Status.Token), 0o600))
	kubeconfig, err := s.cluster.KubeconfigForTokenFile("manager", file)
	s.must(err)
	return kubeconfig
}

// address is one of this machine's own: endpoints may not be on loopback.
func (s *stage) address() string {
	s.t.Helper()
	addresses, err := net.InterfaceAddrs()
	s.must(err)
	for _, a := range addresses {
		if network, ok := a.(*net.IPNet); ok && network.IP.To4() != nil && network.IP.IsGlobalUnicast() {
			return network.IP.String()
		}
	}
	s.t.Fatal("this machine has no IPv4 address beside loopback, and the API server takes no other for an endpoint of a Service: give it one, such as 192.0.2.2 on a dummy interface")
	return ""
}

// await asks until there is no error.
func (s *stage) await(what string, ask func(context.Context) error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		err := ask(ctx)
		if err == nil {
			return
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("this never came true: %s: %v", what, last)
		case <-tick.C:
		}
	}
}
