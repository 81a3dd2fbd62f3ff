// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"crypto/x509"
	"errors"
)

// Authorities are those that vouch for the certificates of all replicas, for one that connects to another. Before the first
// Ensure it errs.
func (s *Source) Authorities() (*x509.CertPool, error) {
	if authorities := s.authorities.Load(); authorities != nil {
		return authorities, nil
	}
	return nil, errors.New("the authorities of serving certificates are not known yet")
}

func pool(bundle []byte) *x509.CertPool {
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(bundle)
	return authorities
}
