// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"behalf.dev/behalf/test/cluster"
)

// tokenLifetime is that of the tokens which the programs run with; a kubelet would renew them, here they outlast the run.
const tokenLifetime = 24 * time.Hour

// Program is one of Behalf's own processes, which can be killed and started again as it was.
type Program struct {
	Name string
	// Health is the address of /readyz, /livez and /metrics.
	Health string

	stack   *Stack
	command cluster.Command
	process *cluster.Process
}

// Start starts the program, anew if it was killed.
func (p *Program) Start() error {
	var err error
	p.process, err = p.stack.Cluster.Run(p.command)
	return err
}

// Kill ends the program as a crash would.
func (p *Program) Kill() { p.process.Kill() }

// Running says whether the process runs.
func (p *Program) Running() bool { return p.process.Exited() == nil }

// Script writes a shell script that starts the program as it was started, with its output in the same log, and gives its
// path.
func (p *Program) Script() (string, error) {
	words := []string{"exec", quote(p.command.Path)}
	for _, arg := range p.command.Args {
		words = append(words, quote(arg))
	}
	path := filepath.Join(p.stack.options.Dir, p.Name+".sh")
	text := "#!/bin/sh\n" + strings.Join(words, " ") + " >>" + quote(filepath.Join(p.stack.options.Dir, p.Name+".log")) + " 2>&1\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		return "", fmt.Errorf("writing how to start %s: %w", p.Name, err)
	}
	return path, nil
}

func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// AwaitReady waits until /readyz says 200.
func (p *Program) AwaitReady(ctx context.Context) error {
	return eventually(ctx, p.process, func(ctx context.Context) error {
		status, body, err := cluster.Get(ctx, "http://"+p.Health+"/readyz")
		if err != nil {
			return fmt.Errorf("asking %s whether it is ready: %w", p.Name, err)
		}
		if status != http.StatusOK {
			return fmt.Errorf("%s is not ready: %s", p.Name, body)
		}
		return nil
	})
}

// Metrics gives what /metrics says.
func (p *Program) Metrics(ctx context.Context) (string, error) {
	_, body, err := cluster.Get(ctx, "http://"+p.Health+"/metrics")
	return body, err
}

func (s *Stack) program(name, binary string, args ...string) (Program, error) {
	path, err := s.binary(binary)
	if err != nil {
		return Program{}, err
	}
	health, err := freeAddress()
	if err != nil {
		return Program{}, err
	}
	args = append(args, "--health-address="+health)
	return Program{Name: name, Health: health, stack: s, command: cluster.Command{Name: name, Path: path, Args: args}}, nil
}

// awaitWebhooks waits until the manager has written its address and its authority into every webhook.
func (m *Manager) awaitWebhooks(ctx context.Context) error {
	return eventually(ctx, m.process, func(ctx context.Context) error {
		out, err := m.stack.Kubectl(ctx, "get", "validatingwebhookconfigurations,mutatingwebhookconfigurations",
			"-o", `jsonpath={range .items[*].webhooks[*]}{.name} {.clientConfig.url} {.clientConfig.caBundle}{"\n"}{end}`)
		if err != nil {
			return err
		}
		for line := range strings.Lines(out) {
			if fields := strings.Fields(line); len(fields) != 3 || !strings.HasPrefix(fields[1], "https://"+m.stack.webhook+"/") {
				return fmt.Errorf("a webhook does not ask this manager yet, or has no caBundle: %s", line)
			}
		}
		return nil
	})
}

// Authorizer is one running authorizer.
type Authorizer struct {
	Program
	ExtAuthz string
	AuthZEN  string
	// StateDir is where it keeps what it holds.
	StateDir string

	extAuthz authv3.AuthorizationClient
}

// PEP is the service account under which policy enforcement points ask over AuthZEN.
const PEP = "gateway"

func (s *Stack) startAuthorizers(ctx context.Context) error {
	if err := s.create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: PEP}}); err != nil {
		return err
	}
	for _, name := range []string{"authorizer-a", "authorizer-b"} {
		a, err := s.StartAuthorizer(ctx, name)
		if err != nil {
			return err
		}
		s.Authorizers = append(s.Authorizers, a)
	}
	return nil
}

// StartAuthorizer starts one more, as a service account of its own name in Behalf's namespace, which nobody has named yet.
func (s *Stack) StartAuthorizer(ctx context.Context, name string) (*Authorizer, error) {
	if err := s.create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: name}}); err != nil {
		return nil, err
	}
	ca, err := s.configMapFile(ctx, "behalf-ca", "ca.crt")
	if err != nil {
		return nil, err
	}
	keys, err := s.configMapFile(ctx, "behalf-bundle-keys", "keys")
	if err != nil {
		return nil, err
	}
	token, err := s.tokenFile(ctx, Namespace, name, "behalf-distribution")
	if err != nil {
		return nil, err
	}
	extAuthz, err := freeAddress()
	if err != nil {
		return nil, err
	}
	authZEN, err := freeAddress()
	if err != nil {
		return nil, err
	}
	program, err := s.program(name, "authorizer",
		"--node-id="+name,
		"--manager-address="+s.distribution, "--manager-ca-file="+ca, "--manager-server-name=localhost",
		"--token-file="+token, "--bundle-keys-file="+keys, "--state-dir="+s.stateDir(name),
		"--extauthz-address="+extAuthz, "--authzen-address="+authZEN, "--authzen-peers="+Namespace+"/"+PEP,
		"--decision-log="+filepath.Join(s.options.Dir, name+".decisions.jsonl"))
	if err != nil {
		return nil, err
	}
	connection, err := grpc.NewClient(extAuthz, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", name, err)
	}
	a := &Authorizer{Program: program, ExtAuthz: extAuthz, AuthZEN: authZEN, StateDir: s.stateDir(name), extAuthz: authv3.NewAuthorizationClient(connection)}
	return a, a.Start()
}

func (s *Stack) stateDir(name string) string { return filepath.Join(s.options.Dir, name+".state") }

// Issuer is the running OpenID Connect issuer.
type Issuer struct {
	URL    string
	CAPEM  string
	client *http.Client
}

func (s *Stack) startIssuer(ctx context.Context) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	cert, key, err := s.Cluster.PKI.Server("issuer")
	if err != nil {
		return err
	}
	path, err := s.binary("issuer")
	if err != nil {
		return err
	}
	s.Issuer = newIssuer("https://"+address, s.Cluster.PKI.CAPEM())
	process, err := s.Cluster.Run(cluster.Command{Name: "issuer", Path: path, Args: []string{
		"--address=" + address, "--url=" + s.Issuer.URL, "--tls-cert-file=" + cert, "--tls-key-file=" + key,
	}})
	if err != nil {
		return err
	}
	return eventually(ctx, process, func(ctx context.Context) error {
		_, err := s.Issuer.SignIn(ctx, "alice", nil)
		return err
	})
}

func newIssuer(address string, ca []byte) *Issuer {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return &Issuer{URL: address, CAPEM: string(ca), client: &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}},
	}}
}

// SignIn gives a token for a person, with the further form values that hack/demo/issuer knows.
func (i *Issuer) SignIn(ctx context.Context, username string, form url.Values) (string, error) {
	values := url.Values{"username": {username}}
	maps.Copy(values, form)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, i.URL+"/token", strings.NewReader(values.Encode()))
	if err != nil {
		return "", fmt.Errorf("signing in %s: %w", username, err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := i.client.Do(request)
	if err != nil {
		return "", fmt.Errorf("signing in %s: %w", username, err)
	}
	defer response.Body.Close()
	var body struct {
		Token string `json:"access_token"`
		Error string `json:"error_description"`
	}
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return "", fmt.Errorf("signing in %s: reading the answer: %w", username, err)
	}
	if body.Token == "" {
		return "", fmt.Errorf("signing in %s: %s", username, body.Error)
	}
	return body.Token, nil
}

// ServiceAccountToken gives a token of a service account for one audience, as a projected volume would; an empty audience
// is the API server's own.
func (s *Stack) ServiceAccountToken(ctx context.Context, namespace, name, audience string) (string, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: new(int64(tokenLifetime.Seconds())),
	}}
	if audience != "" {
		request.Spec.Audiences = []string{audience}
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if err := s.Admin.SubResource("token").Create(ctx, account, request); err != nil {
		return "", fmt.Errorf("asking for a token of %s/%s: %w", namespace, name, err)
	}
	return request.Status.Token, nil
}

func (s *Stack) tokenFile(ctx context.Context, namespace, name, audience string) (string, error) {
	token, err := s.ServiceAccountToken(ctx, namespace, name, audience)
	if err != nil {
		return "", err
	}
	path := filepath.Join(s.options.Dir, name+".token")
	if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
		return "", fmt.Errorf("writing the token of %s: %w", name, err)
	}
	return path, nil
}

// configMapFile writes one key of a ConfigMap of Behalf's namespace to a file, as a mounted volume would.
func (s *Stack) configMapFile(ctx context.Context, name, key string) (string, error) {
	path := filepath.Join(s.options.Dir, name+"."+key)
	return path, eventually(ctx, nil, func(ctx context.Context) error {
		var config corev1.ConfigMap
		if err := s.Admin.Get(ctx, client.ObjectKey{Namespace: Namespace, Name: name}, &config); err != nil {
			return fmt.Errorf("reading config map %s: %w", name, err)
		}
		if config.Data[key] == "" {
			return errors.New("config map " + name + " has no " + key + " yet")
		}
		return os.WriteFile(path, []byte(config.Data[key]), 0o600)
	})
}

func freeAddress() (string, error) {
	ports, err := cluster.FreePorts(1)
	if err != nil {
		return "", err
	}
	return "127.0.0.1:" + strconv.Itoa(ports[0]), nil
}
