// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"behalf.dev/behalf/config/rbac/owners"
	"behalf.dev/behalf/controllers/bounds"
	"behalf.dev/behalf/internal/servingcert"
	"behalf.dev/behalf/internal/upkeep"
	"behalf.dev/behalf/webhook"
	"behalf.dev/behalf/webhook/backstop"
)

// injectCAFrom is cert-manager's annotation.
const injectCAFrom = "cert-manager.io/inject-ca-from"

// certificates are those that the servers of a replica present.
type certificates interface {
	manager.Runnable
	GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error)
	Authorities() (*x509.CertPool, error)
}

func (m *Manager) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return m.certificates.GetCertificate(hello)
}

func (m *Manager) makeCertificates(rc *rest.Config) error {
	c, err := m.direct(rc)
	if err != nil {
		return err
	}
	log := m.options.Log.WithName("certificates")
	if m.options.ServingCertFile == "" {
		m.certificates, err = servingcert.New(c, log, servingcert.Options{
			Namespace: m.options.Namespace, Names: m.options.ServingNames, Publish: m.admission.Publish,
		})
		return err
	}
	files := servingcert.FilesOptions{
		Namespace: m.options.Namespace, Names: m.options.ServingNames,
		CertFile: m.options.ServingCertFile, KeyFile: m.options.ServingKeyFile, CAFile: m.options.ServingCAFile,
	}
	if m.options.InjectCAFrom == "" {
		files.Publish = m.admission.Publish
	}
	m.certificates, err = servingcert.NewFiles(c, log, files)
	return err
}

func (m *Manager) makeBounds(*rest.Config) error {
	var err error
	m.boundsStand, err = bounds.Setup(m.ctrl, bounds.Options{Namespace: m.options.Namespace, Figures: &m.bounds})
	return err
}

func (m *Manager) makeAdmission(rc *rest.Config) error {
	c, err := client.NewWithWatch(rc, client.Options{Scheme: m.ctrl.GetScheme()})
	if err != nil {
		return fmt.Errorf("making the client of admission objects: %w", err)
	}
	objects, err := m.options.admissionObjects(m.boundsStand, func(ctx context.Context) (string, error) { return whoAmI(ctx, c) })
	if err != nil {
		return err
	}
	m.admission, err = upkeep.New(c, upkeep.Options{
		Mode: m.options.AdmissionObjects, Objects: objects, Elected: m.ctrl.Elected(), Log: m.options.Log.WithName("admission"),
	})
	return err
}

// whoAmI asks the API server, which alone knows under which name it takes the manager's requests.
func whoAmI(ctx context.Context, c client.Client) (string, error) {
	review := &authenticationv1.SelfSubjectReview{}
	if err := c.Create(ctx, review); err != nil {
		return "", fmt.Errorf("asking the API server for the manager's own name: %w", err)
	}
	if review.Status.UserInfo.Username == "" {
		return "", errors.New("the API server gives the manager no name")
	}
	return review.Status.UserInfo.Username, nil
}

// admissionObjects are what is looked after. A replica that answers no webhooks looks after none of those.
func (o Options) admissionObjects(boundsStand <-chan struct{}, manager backstop.Namer) ([]upkeep.Object, error) {
	objects, err := ownersPolicies()
	if err != nil {
		return nil, err
	}
	policies, err := backstop.Objects(backstop.Options{Namespace: o.Namespace, ExchangeAudience: o.ExchangeAudience}, boundsStand, manager)
	if err != nil {
		return nil, fmt.Errorf("making the backstop's policies: %w", err)
	}
	if objects = append(objects, policies...); off(o.WebhookAddress) {
		return objects, nil
	}
	configurations, err := webhook.Configurations(webhook.Installation{
		Namespace: o.Namespace, Service: o.WebhookService, URL: o.WebhookURL, ExchangeAudience: o.ExchangeAudience,
	})
	if err != nil {
		return nil, err
	}
	for _, c := range configurations {
		if o.InjectCAFrom != "" {
			c.SetAnnotations(map[string]string{injectCAFrom: o.InjectCAFrom})
		}
		objects = append(objects, upkeep.Object{Manifest: c})
	}
	return objects, nil
}

// ownersPolicies stand with the owners' roles.
func ownersPolicies() ([]upkeep.Object, error) {
	files, err := fs.Glob(owners.Policies, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading admission policies: %w", err)
	}
	var all []upkeep.Object
	for _, name := range files {
		raw, err := owners.Policies.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading admission policies: %w", err)
		}
		objects, err := upkeep.Read(raw)
		if err != nil {
			return nil, fmt.Errorf("reading admission policies: %s: %w", name, err)
		}
		for _, object := range objects {
			all = append(all, upkeep.Object{Manifest: object})
		}
	}
	return all, nil
}
