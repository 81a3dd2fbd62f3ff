// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/util/cert"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"behalf.dev/behalf/test/cluster"
)

// The paths where the rival is asked, and where the floor is.
const (
	rivalPath = "/validate"
	floorPath = "/floor"
)

// decodes is what is asked of every webhook for pods at the least: it decodes the typed Pod, and allows.
type decodes struct{ decoder admission.Decoder }

// Handle allows.
func (h decodes) Handle(_ context.Context, req admission.Request) admission.Response {
	var pod corev1.Pod
	if err := h.decoder.Decode(req, &pod); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	return admission.Allowed("")
}

// floor is what no webhook can do without: it takes the question in, looks at nothing, and answers.
func floor(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // whoever asked sees for himself
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"","allowed":true}}`)
}

// serveRival serves it, and the floor beside it, with controller-runtime's webhook server, until the context ends.
func serveRival(ctx context.Context, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("reading the rival's address: %w", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return fmt.Errorf("reading the rival's address: %w", err)
	}
	certificate, key, err := cert.GenerateSelfSignedCertKey(host, nil, nil)
	if err != nil {
		return fmt.Errorf("making the rival's certificate: %w", err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return fmt.Errorf("reading the rival's certificate: %w", err)
	}
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return fmt.Errorf("registering kinds: %w", err)
	}
	server := webhook.NewServer(webhook.Options{Host: host, Port: number, TLSOpts: []func(*tls.Config){func(c *tls.Config) {
		c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &pair, nil }
	}}})
	server.Register(floorPath, http.HandlerFunc(floor))
	server.Register(rivalPath, &admission.Webhook{Handler: decodes{admission.NewDecoder(scheme)}})
	return server.Start(ctx)
}

// startRival runs it as a process of its own, as the manager is one.
func (s *stage) startRival() (address string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	ports, err := cluster.FreePorts(1)
	if err != nil {
		return "", err
	}
	address = loopback(ports[0])
	if _, err := s.cluster.Run(cluster.Command{Name: "rival", Path: filepath.Clean(self), Args: []string{"-rival", address}}); err != nil {
		return "", err
	}
	return address, nil
}
