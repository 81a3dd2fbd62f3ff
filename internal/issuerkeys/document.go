// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package issuerkeys

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// document is one answer, whole.
type document struct {
	body   []byte
	maxAge time.Duration
}

// get fetches one document within the package's bounds.
func get(ctx context.Context, client *http.Client, from string) (document, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, http.NoBody)
	if err != nil {
		return document{}, fmt.Errorf("fetching %s: %w", from, err)
	}
	req.Header.Set("Accept", "application/json, application/jwk-set+json")
	resp, err := client.Do(req)
	if err != nil {
		return document{}, fmt.Errorf("fetching %s: %w", from, stable(err))
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return document{}, fmt.Errorf("fetching %s: the server answered %s", from, resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxDocument+1))
	if err != nil {
		return document{}, fmt.Errorf("fetching %s: %w", from, stable(err))
	}
	if len(body) > MaxDocument {
		return document{}, fmt.Errorf("fetching %s: the answer is larger than %d bytes", from, MaxDocument)
	}
	return document{body: body, maxAge: maxAge(resp.Header)}, nil
}

// stable drops what net/http and net put around the cause and what differs from one attempt to the next (our own port),
// because the text ends in a condition, and a condition that changes at every attempt is a write at every attempt
// (THREATS 44).
func stable(err error) error {
	if request, ok := errors.AsType[*url.Error](err); ok {
		err = request.Err
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		anonymous := *op
		anonymous.Source = nil
		return &anonymous
	}
	return err
}

var errRedirect = errors.New("the server redirects; name the final address instead")

// newClient makes a client for one fetch. It keeps no connection, asks no proxy (which would dial in our place) and takes
// no compression.
func newClient(caBundle string, loopback Loopback) (*http.Client, error) {
	roots, err := rootsFrom(caBundle)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: Timeout, Control: loopback.control}
	return &http.Client{
		Timeout: Timeout,
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
	}, nil
}

// rootsFrom gives the authorities of a PEM bundle; nil, the machine's own, where there is none.
func rootsFrom(caBundle string) (*x509.CertPool, error) {
	if caBundle == "" {
		return nil, nil //nolint:nilnil // nil is how crypto/tls spells the machine's own roots
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(caBundle)) {
		return nil, errors.New("caBundle holds no PEM certificate")
	}
	return roots, nil
}

// maxAge reads Cache-Control (RFC 9111 section 5.2.2). What forbids keeping is the shortest age, and what cannot be read is
// none said.
func maxAge(header http.Header) time.Duration {
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			return time.Nanosecond
		case "max-age":
			seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
			if err == nil {
				return max(time.Duration(seconds)*time.Second, time.Nanosecond)
			}
		}
	}
	return 0
}
