// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cluster runs a real Kubernetes control plane on loopback: etcd, kube-apiserver and kube-controller-manager as
// hack/controlplane builds them, with RBAC, ServiceAccount admission, TokenRequest and the issuer's discovery.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// startPatience is how long the control plane may take to become ready; two seconds are usual on a quiet machine.
const startPatience = 2 * time.Minute

// AssetsVariable names the environment variable that holds the folder with the control plane's binaries.
const AssetsVariable = "KUBEBUILDER_ASSETS"

// Cluster is a running control plane.
type Cluster struct {
	// Dir holds everything the run writes: data, certificates, kubeconfigs, logs.
	Dir string
	// URL of the API server.
	URL string
	// Admin is a configuration for cluster-admin, from whose certificate AdminKubeconfig is the file.
	Admin           *rest.Config
	AdminKubeconfig string
	// PKI is the authority that the API server trusts for clients, and that signed its serving certificate.
	PKI *PKI

	assets         string
	apiServerFlags []string
	outlive        bool
	// processes in the order of their start.
	processes []*Process
}

// Options of Start.
type Options struct {
	// Assets is the folder with the binaries; $KUBEBUILDER_ASSETS where empty.
	Assets string
	// Dir is an existing, empty folder for all that the run writes.
	Dir string
	// APIServerFlags are further ones of the API server.
	APIServerFlags []string
	// Outlive lets the processes go on when this one ends.
	Outlive bool
}

// Start brings the control plane up and waits until it is ready. On an error nothing is left running.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	assets := options.Assets
	if assets == "" {
		assets = os.Getenv(AssetsVariable)
	}
	if assets == "" {
		return nil, fmt.Errorf("starting the control plane: %s is not set; run this through make, or set it to what hack/controlplane/build.sh prints", AssetsVariable)
	}
	pki, err := NewPKI(filepath.Join(options.Dir, "pki"))
	if err != nil {
		return nil, err
	}
	c := &Cluster{Dir: options.Dir, PKI: pki, assets: assets, apiServerFlags: options.APIServerFlags, outlive: options.Outlive}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := c.start(ctx); err != nil {
		c.Stop()
		return nil, fmt.Errorf("starting the control plane: %w", err)
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	ports, err := FreePorts(4)
	if err != nil {
		return err
	}
	etcd, peer, secure, controllers := ports[0], ports[1], ports[2], ports[3]
	c.URL = "https://127.0.0.1:" + strconv.Itoa(secure)
	if err := c.startEtcd(etcd, peer); err != nil {
		return err
	}
	saKey, err := c.PKI.ServiceAccountKey()
	if err != nil {
		return err
	}
	if err := c.startAPIServer(secure, etcd, saKey); err != nil {
		return err
	}
	if err := c.makeAdmin(); err != nil {
		return err
	}
	if err := c.startControllerManager(controllers, saKey); err != nil {
		return err
	}
	return c.awaitReady(ctx)
}

func (c *Cluster) startEtcd(client, peer int) error {
	clientURL, peerURL := loopbackURL(client), loopbackURL(peer)
	return c.run("etcd",
		"--data-dir="+filepath.Join(c.Dir, "etcd"),
		"--listen-client-urls="+clientURL, "--advertise-client-urls="+clientURL,
		"--listen-peer-urls="+peerURL, "--initial-advertise-peer-urls="+peerURL,
		"--initial-cluster=default="+peerURL,
		"--unsafe-no-fsync", "--log-level=warn")
}

func (c *Cluster) startAPIServer(secure, etcd int, saKey string) error {
	cert, key, err := c.PKI.Server("kube-apiserver")
	if err != nil {
		return err
	}
	return c.run("kube-apiserver", append([]string{
		"--etcd-servers=" + loopbackURL(etcd),
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + strconv.Itoa(secure),
		"--endpoint-reconciler-type=none",
		"--tls-cert-file=" + cert, "--tls-private-key-file=" + key, "--client-ca-file=" + c.PKI.CAFile(),
		"--authorization-mode=RBAC", "--enable-admission-plugins=ServiceAccount",
		"--service-cluster-ip-range=10.0.0.0/24", "--allow-privileged=true",
		"--service-account-issuer=" + c.URL,
		"--service-account-key-file=" + saKey, "--service-account-signing-key-file=" + saKey,
	}, c.apiServerFlags...)...)
}

func (c *Cluster) startControllerManager(port int, saKey string) error {
	kubeconfig, err := c.KubeconfigForUser("system:kube-controller-manager")
	if err != nil {
		return err
	}
	return c.run("kube-controller-manager",
		"--kubeconfig="+kubeconfig,
		"--bind-address=127.0.0.1", "--secure-port="+strconv.Itoa(port), "--cert-dir="+filepath.Join(c.Dir, "kube-controller-manager"),
		"--leader-elect=false", "--use-service-account-credentials=true",
		"--service-account-private-key-file="+saKey, "--root-ca-file="+c.PKI.CAFile(),
		"--controllers=*")
}

func (c *Cluster) makeAdmin() error {
	var err error
	if c.AdminKubeconfig, err = c.KubeconfigForUser("admin", "system:masters"); err != nil {
		return err
	}
	c.Admin, err = clientcmd.BuildConfigFromFlags("", c.AdminKubeconfig)
	if err != nil {
		return fmt.Errorf("reading the admin's kubeconfig: %w", err)
	}
	c.Admin.QPS, c.Admin.Burst = 200, 400
	return nil
}

// KubeconfigForUser writes a kubeconfig with a client certificate for the user and gives its path.
func (c *Cluster) KubeconfigForUser(user string, groups ...string) (string, error) {
	cert, key, err := c.PKI.Client(user, groups...)
	if err != nil {
		return "", err
	}
	return c.writeKubeconfig(user, &clientcmdapi.AuthInfo{ClientCertificate: cert, ClientKey: key})
}

// KubeconfigForTokenFile writes a kubeconfig that reads its bearer token from a file, and gives its path.
func (c *Cluster) KubeconfigForTokenFile(name, tokenFile string) (string, error) {
	return c.writeKubeconfig(name, &clientcmdapi.AuthInfo{TokenFile: tokenFile})
}

func (c *Cluster) writeKubeconfig(name string, user *clientcmdapi.AuthInfo) (string, error) {
	path := filepath.Join(c.Dir, name+".kubeconfig")
	err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"behalf": {Server: c.URL, CertificateAuthority: c.PKI.CAFile()}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{name: user},
		Contexts:       map[string]*clientcmdapi.Context{"behalf": {Cluster: "behalf", AuthInfo: name}},
		CurrentContext: "behalf",
	}, path)
	if err != nil {
		return "", fmt.Errorf("writing the kubeconfig of %s: %w", name, err)
	}
	return path, nil
}

// Binary is the path of one of the control plane's programs, such as kubectl.
func (c *Cluster) Binary(name string) string { return filepath.Join(c.assets, name) }

// Run starts a further program beside the control plane; Stop stops it too, before what was started before it.
func (c *Cluster) Run(command Command) (*Process, error) {
	p, err := Run(c.Dir, command, c.outlive)
	if err != nil {
		return nil, err
	}
	c.processes = append(c.processes, p)
	return p, nil
}

func (c *Cluster) run(name string, args ...string) error {
	_, err := c.Run(Command{Name: name, Path: c.Binary(name), Args: args})
	return err
}

// PIDs of all processes, in the order of their start.
func (c *Cluster) PIDs() []int {
	pids := make([]int, 0, len(c.processes))
	for _, p := range c.processes {
		pids = append(pids, p.PID())
	}
	return pids
}

// Stop ends every process, the last started first: an API server that loses etcd before its own end retries for minutes.
func (c *Cluster) Stop() {
	for _, p := range slices.Backward(c.processes) {
		p.Stop()
	}
	c.processes = nil
}

// awaitReady waits until the API server is ready and the controller manager gives new namespaces their service account.
func (c *Cluster) awaitReady(ctx context.Context) error {
	clients, err := kubernetes.NewForConfig(c.Admin)
	if err != nil {
		return fmt.Errorf("making the admin's client: %w", err)
	}
	return c.await(ctx, "the control plane", func(ctx context.Context) error {
		if raw, err := clients.RESTClient().Get().AbsPath("/readyz").DoRaw(ctx); err != nil {
			return fmt.Errorf("the API server is not ready: %s: %w", raw, err)
		}
		_, err := clients.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return errors.New("the controller manager has not made the default service account yet")
		}
		return err
	})
}

// await asks until there is no error, the context ends, or a process has ended.
func (c *Cluster) await(ctx context.Context, what string, ask func(context.Context) error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		for _, p := range c.processes {
			if exited := p.Exited(); exited != nil {
				return fmt.Errorf("waiting for %s: %w", what, exited)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w: %w", what, ctx.Err(), err)
		case <-tick.C:
		}
	}
}

func loopbackURL(port int) string { return "http://127.0.0.1:" + strconv.Itoa(port) }
