// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"errors"
	"fmt"
	"mime"
	"strconv"
	"strings"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/canonical"
)

// MaxBody is the largest body that is looked at, in bytes.
const MaxBody = 256 << 10

var (
	errNoBody   = errors.New("the body is missing: the front door has to pass it on")
	errPartial  = errors.New("the body is not whole: the front door has to pass on all of it, byte by byte")
	errLarge    = fmt.Errorf("the body is larger than %d bytes", MaxBody)
	errType     = errors.New("the content type is not application/json, in UTF-8, said once")
	errEncoding = errors.New("the body has a content-encoding, and servers may read something else in it")
	errLength   = errors.New("the content length is not that of the body, so that the body may not be whole")
)

// bodyOf gives the body if all of it is there and its bytes are the message itself.
func bodyOf(http *authz.HTTPRequest) ([]byte, error) {
	headers := canonical.Headers(http.Headers)
	switch {
	case http.BodyPartial:
		return nil, errPartial
	case len(http.Body) == 0:
		return nil, errNoBody
	case len(http.Body) > MaxBody:
		return nil, errLarge
	case !isJSON(headers):
		return nil, errType
	case !isPlain(headers):
		return nil, errEncoding
	case !isAll(headers, len(http.Body)):
		return nil, errLength
	default:
		return http.Body, nil
	}
}

func isJSON(headers canonical.Headers) bool {
	value, _, ok := headers.One("content-type")
	if !ok {
		return false
	}
	mediaType, parameters, err := mime.ParseMediaType(value)
	if err != nil || mediaType != "application/json" {
		return false
	}
	charset, given := parameters["charset"]
	return len(parameters) == 0 || len(parameters) == 1 && given && strings.EqualFold(charset, "utf-8")
}

func isPlain(headers canonical.Headers) bool {
	value, sent, ok := headers.One("content-encoding")
	return ok && (!sent || strings.EqualFold(strings.Trim(value, " \t"), "identity"))
}

// isAll holds the length that a client stated, if it did, against what a front door passed on.
func isAll(headers canonical.Headers, size int) bool {
	value, sent, ok := headers.One("content-length")
	return ok && (!sent || strings.Trim(value, " \t") == strconv.Itoa(size))
}
