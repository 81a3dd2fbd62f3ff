// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package authorizer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"behalf.dev/behalf/internal/bundle"
	"behalf.dev/behalf/internal/snapshot"
)

// What an operator can do where something does not come about.
const (
	remedyKeys      = "compare --bundle-keys-file with the ConfigMap behalf-bundle-keys"
	remedyAuthority = "the manager's certificate is not vouched for: compare --manager-ca-file with ca.crt of the ConfigMap behalf-ca"
	remedyName      = "the manager's certificate is for another name: compare --manager-server-name, or the host of --manager-address, with it"
	remedyAddress   = "is the manager running, and does --manager-address lead to its distribution server?"
	remedyToken     = "the manager does not take this token: mount a projected service account token of this cluster with the audience behalf-distribution, and name it in --token-file"
	remedyTokenFile = "mount a projected service account token with the audience behalf-distribution, and name it in --token-file"
	remedyStateDir  = "give --state-dir a folder that this instance alone uses and can write to, with room"
	remedyCAFile    = "mount the key ca.crt of the ConfigMap behalf-ca, and name the file in --manager-ca-file"
)

// symptoms are the words of Go's TLS, net and gRPC's resolver, which carry no types through gRPC, with their remedies. The
// first that fits counts.
var symptoms = []struct{ words, remedy string }{
	{"reading the service account token", remedyTokenFile},
	{"reading the authorities", remedyCAFile},
	{"x509: certificate is valid for", remedyName},
	{"x509: certificate is not valid for", remedyName},
	{"x509: cannot validate certificate for", remedyName},
	{"x509: ", remedyAuthority},
	{"first record does not look like a TLS handshake", remedyAddress},
	{"connection refused", remedyAddress},
	{"name resolver", remedyAddress},
	{"no such host", remedyAddress},
}

// remedy says what can be done about being cut off from the manager; empty where nothing is known.
func remedy(err error) string {
	if err == nil {
		return ""
	}
	for _, symptom := range symptoms {
		if strings.Contains(err.Error(), symptom.words) {
			return symptom.remedy
		}
	}
	if code := status.Code(unwrapped(err)); code == codes.Unauthenticated || code == codes.PermissionDenied {
		return remedyToken
	}
	return ""
}

// unwrapped is the gRPC status in an error, or the error.
func unwrapped(err error) error {
	var withStatus interface{ GRPCStatus() *status.Status }
	if errors.As(err, &withStatus) {
		return withStatus.GRPCStatus().Err()
	}
	return err
}

// withRemedy completes the words of a refusal.
func withRemedy(refused string) string {
	for _, symptom := range []struct{ words, remedy string }{
		{bundle.ErrUntrusted.Error(), remedyKeys},
		{"(" + string(snapshot.NotPersisted) + ")", remedyStateDir},
	} {
		if strings.Contains(refused, symptom.words) && !strings.Contains(refused, symptom.remedy) {
			return refused + ": " + symptom.remedy
		}
	}
	return refused
}

// guided is a store whose refusals are counted, and say what can be done about them: here, in the log, and to the manager.
type guided struct {
	*snapshot.Store
	refused *prometheus.CounterVec
}

// Update makes the changes.
func (g guided) Update(changes []bundle.Change) []error {
	problems := g.Store.Update(changes)
	for i, err := range problems {
		refused, ok := errors.AsType[*snapshot.Refused](err)
		if ok {
			g.refused.WithLabelValues(string(refused.Kind), string(refused.Reason)).Inc()
		}
		switch {
		case errors.Is(err, bundle.ErrUntrusted):
			problems[i] = fmt.Errorf("%w: %s", err, remedyKeys)
		case ok && refused.Reason == snapshot.NotPersisted:
			problems[i] = fmt.Errorf("%w: %s", err, remedyStateDir)
		}
	}
	return problems
}
