// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package issuerkeys

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// Source is where one issuer's keys come from. Equal values of a comparable type are the same source.
type Source interface {
	Fetch(ctx context.Context) (Keys, error)
}

// Web is an OpenID Connect issuer, or a JWK set, on the web.
type Web struct {
	// Issuer is the exact 'iss'.
	Issuer string
	// KeysURL is the address of the JWK set; where empty, the issuer's discovery document names it.
	KeysURL string
	// CABundle is PEM; where empty, the machine's own authorities are asked.
	CABundle string
	Reach
}

var _ Source = Web{}

// Fetch asks the issuer, and for its keys where it says that they are.
func (w Web) Fetch(ctx context.Context) (Keys, error) {
	keysURL := w.KeysURL
	if keysURL == "" {
		discovered, err := w.discover(ctx)
		if err != nil {
			return Keys{}, err
		}
		keysURL = discovered
	}
	doc, err := w.get(ctx, keysURL)
	if err != nil {
		return Keys{}, err
	}
	jwks, err := normalize(doc.body)
	if err != nil {
		return Keys{}, fmt.Errorf("keys from %s: %w", keysURL, err)
	}
	return Keys{Issuer: w.Issuer, JWKS: jwks, MaxAge: doc.maxAge}, nil
}

// discover gives jwks_uri of the discovery document (OpenID Connect Discovery 1.0 section 4).
func (w Web) discover(ctx context.Context) (string, error) {
	url := strings.TrimSuffix(w.Issuer, "/") + discoveryPath
	doc, err := w.get(ctx, url)
	if err != nil {
		return "", err
	}
	found, err := readDiscovery(doc.body)
	if err != nil {
		return "", fmt.Errorf("discovery document %s: %w", url, err)
	}
	if found.issuer != w.Issuer {
		return "", fmt.Errorf("discovery document %s: it speaks for issuer %q, not for %q", url, cut(found.issuer), w.Issuer)
	}
	return found.keysURL, nil
}

func (w Web) get(ctx context.Context, url string) (document, error) {
	if err := w.permitsURL(url); err != nil {
		return document{}, err
	}
	client, err := newClient(w.CABundle, w.dialControl(url))
	if err != nil {
		return document{}, err
	}
	return get(ctx, client, url)
}

const discoveryPath = "/.well-known/openid-configuration"

type discovery struct {
	issuer  string
	keysURL string
}

// readDiscovery looks at the members by their exact names, which decoding into a struct would not.
func readDiscovery(raw []byte) (discovery, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return discovery{}, fmt.Errorf("not a JSON object: %w", err)
	}
	issuer, err := member(members, "issuer")
	if err != nil {
		return discovery{}, err
	}
	keysURL, err := member(members, "jwks_uri")
	if err != nil {
		return discovery{}, err
	}
	return discovery{issuer: issuer, keysURL: keysURL}, nil
}

// member gives a text that must be there.
func member(members map[string]json.RawMessage, name string) (string, error) {
	var value string
	if err := json.Unmarshal(members[name], &value); err != nil || value == "" {
		return "", fmt.Errorf("its member %s is missing or not a text", name)
	}
	return value, nil
}
