// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/distribution"
)

// reviewer asks the API server whose token it is.
type reviewer struct {
	reviews authenticationclient.TokenReviewInterface
}

var _ distribution.Authenticator = reviewer{}

// Authenticate takes a service account token that was issued for distribution.TokenAudience, and no other.
func (r reviewer) Authenticate(ctx context.Context, token string) (distribution.Identity, error) {
	review, err := r.reviews.Create(ctx, &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{
		Token: token, Audiences: []string{distribution.TokenAudience},
	}}, metav1.CreateOptions{})
	if err != nil {
		return distribution.Identity{}, fmt.Errorf("reviewing a token: %w", err)
	}
	account, err := accountOf(review.Status)
	if err != nil {
		return distribution.Identity{}, err
	}
	return distribution.Identity{Account: account, UID: review.Status.User.UID, Expires: expiry(token)}, nil
}

// accountOf holds the review's answer to all that it must say.
func accountOf(status authenticationv1.TokenReviewStatus) (authz.Actor, error) {
	// An API server that knows no audiences would answer without any.
	if !status.Authenticated || !slices.Contains(status.Audiences, distribution.TokenAudience) {
		return authz.Actor{}, fmt.Errorf("%w: it is not a valid token for audience %s", distribution.ErrUnauthenticated, distribution.TokenAudience)
	}
	account, ok := authz.ActorOf(status.User.Username)
	if !ok {
		return authz.Actor{}, fmt.Errorf("%w: %q is no service account", distribution.ErrUnauthenticated, status.User.Username)
	}
	return account, nil
}

// expiry reads 'exp' of a token that was reviewed as good; zero where it cannot be read.
func expiry(token string) time.Time {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}
	}
	var claims struct {
		Expires int64 `json:"exp"`
	}
	if json.Unmarshal(payload, &claims) != nil || claims.Expires <= 0 {
		return time.Time{}
	}
	return time.Unix(claims.Expires, 0)
}
