// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package replicas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"behalf.dev/behalf/internal/distribution"
)

// maxBytes is the largest message that is taken. A dispatch is parted long before.
const maxBytes = 8 << 20

func encode(d distribution.Dispatch) (*wrapperspb.BytesValue, error) {
	raw, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("writing a dispatch about replica %s: %w", d.Replica, err)
	}
	return wrapperspb.Bytes(raw), nil
}

var errNotCanonical = errors.New("it is not written as replicas of this version write: run the same version on all of them")

// decode takes what encode wrote and nothing else: an unknown field may say what must not be missed, and a field that stands
// twice says two things.
func decode(message *wrapperspb.BytesValue) (distribution.Dispatch, error) {
	raw := message.GetValue()
	if len(raw) > maxBytes {
		return distribution.Dispatch{}, fmt.Errorf("reading a dispatch: %d bytes are more than %d", len(raw), maxBytes)
	}
	var d distribution.Dispatch
	if err := json.Unmarshal(raw, &d); err != nil {
		return distribution.Dispatch{}, fmt.Errorf("reading a dispatch: %w", err)
	}
	again, err := json.Marshal(d)
	if err != nil || !bytes.Equal(raw, again) {
		return distribution.Dispatch{}, fmt.Errorf("reading a dispatch: %w", errNotCanonical)
	}
	return d, nil
}
