// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authorizer

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"

	"behalf.dev/behalf/internal/authz"
)

// ownAccount is how the manager knows this authorizer: the service account that its token names, for people to read. The
// token is not verified, for it is our own. Where it names none, it is "this service account".
func ownAccount(tokenFile string) string {
	const unknown = "this service account"
	raw, err := os.ReadFile(tokenFile)
	if err != nil {
		return unknown
	}
	parts := strings.Split(strings.TrimSpace(string(raw)), ".")
	if len(parts) != 3 {
		return unknown
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return unknown
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return unknown
	}
	account, ok := authz.ActorOf(claims.Subject)
	if !ok {
		return unknown
	}
	return "the service account " + account.String()
}
