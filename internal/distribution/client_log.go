// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import "time"

// sayConnected logs that the manager has let this authorizer in.
func (c *Client) sayConnected() {
	c.in, c.said = true, ""
	c.options.Log.Info("connected to the manager", "address", c.options.Address)
}

// sayLost logs why there is no connection. That one ends is in the order of things: tokens expire and managers are rolled.
// That none comes about is an error: once for each cause, and for the curious alone while it stays.
func (c *Client) sayLost(wait time.Duration) {
	cause := c.State().LastError
	about := []any{"address", c.options.Address, "nextTryIn", wait.String()}
	if c.in {
		c.in = false
		c.options.Log.Info("the connection to the manager ended", append(about, "why", cause.Error())...)
		return
	}
	if cause.Error() == c.said {
		c.options.Log.V(1).Info("still not connected to the manager", append(about, "why", c.said)...)
		return
	}
	c.said = cause.Error()
	if remedy := c.options.Remedy(cause); remedy != "" {
		about = append(about, "remedy", remedy)
	}
	c.options.Log.Error(cause, "not connected to the manager", about...)
}
