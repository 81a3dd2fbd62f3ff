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
	bounded, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	doc, err := ask(bounded, client, from)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		err = errSlow // said in one way, whatever was being waited for
	}
	if err != nil {
		return document{}, fmt.Errorf("fetching %s: %w", cut(from), err)
	}
	return doc, nil
}

var errSlow = fmt.Errorf("no whole answer within %s", Timeout)

func ask(ctx context.Context, client *http.Client, from string) (document, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, http.NoBody)
	if err != nil {
		return document{}, err
	}
	req.Header.Set("Accept", "application/json, application/jwk-set+json")
	resp, err := client.Do(req)
	if err != nil {
		return document{}, stable(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return document{}, fmt.Errorf("the server answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxDocument+1))
	if err != nil {
		return document{}, stable(err)
	}
	if len(body) > MaxDocument {
		return document{}, fmt.Errorf("the answer is larger than %d bytes", MaxDocument)
	}
	return document{body: body, maxAge: maxAge(resp.Header)}, nil
}

// stable drops what net/http and net put around the cause and what differs from one attempt to the next (our own port, the
// name server's, the time of day), because the text ends in a condition, and a condition that changes at every attempt is
// a write at every attempt (THREATS 44).
func stable(err error) error {
	if request, ok := errors.AsType[*url.Error](err); ok {
		err = request.Err
	}
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		return stableLookup(*lookup)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired && invalid.Cert != nil {
		return fmt.Errorf("the server's certificate is valid from %s to %s only",
			invalid.Cert.NotBefore.UTC().Format(time.RFC3339), invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		anonymous := *op
		anonymous.Source = nil
		return &anonymous
	}
	return err
}

func stableLookup(lookup net.DNSError) error {
	lookup.Server = ""
	switch {
	case lookup.IsNotFound:
	case lookup.IsTimeout:
		lookup.Err = "the name server does not answer in time"
	default:
		lookup.Err = "the name server does not answer"
	}
	return &lookup
}

var errRedirect = errors.New("the server redirects; name the final address instead")

// newClient makes a client for one fetch. It keeps no connection, asks no proxy (which would dial in our place) and takes
// no compression. Its times are those of the contexts that it is given.
func newClient(caBundle string, control dialControl) (*http.Client, error) {
	roots, err := rootsFrom(caBundle)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Control: control}
	return &http.Client{
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

// maxAge reads Cache-Control (RFC 9111 section 5.2.2), less the age that the answer has already (section 5.1). Of several
// directives the shortest counts; what forbids keeping is the shortest of all, and what cannot be read is none said.
func maxAge(header http.Header) time.Duration {
	var age time.Duration
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		if said := freshness(directive); said > 0 && (age == 0 || said < age) {
			age = said
		}
	}
	if age == 0 {
		return 0
	}
	return max(age-seconds(header.Get("Age")), shortest)
}

// shortest is an age that is over at once, and yet not none.
const shortest = time.Nanosecond

func freshness(directive string) time.Duration {
	name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
	switch name {
	case "no-store", "no-cache":
		return shortest
	case "max-age":
		if value = strings.Trim(value, `"`); value == "0" {
			return shortest
		}
		return seconds(value)
	}
	return 0
}

// seconds is 0 for what cannot be read.
func seconds(text string) time.Duration {
	count, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(count) * time.Second
}
