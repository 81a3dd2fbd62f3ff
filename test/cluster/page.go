// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// Get gives what is answered at an address, whatever its status.
func Get(ctx context.Context, url string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", fmt.Errorf("asking %s: %w", url, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", fmt.Errorf("asking %s: %w", url, err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, "", fmt.Errorf("asking %s: %w", url, err)
	}
	return response.StatusCode, string(raw), nil
}

// Page gives what is answered with 200. Any other answer is an error, which has it in full.
func Page(ctx context.Context, url string) (string, error) {
	status, body, err := Get(ctx, url)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("asking %s: %d %s: %s", url, status, http.StatusText(status), body)
	}
	return body, err
}
