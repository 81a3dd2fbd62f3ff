// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package mcp reads what a request to an endpoint of the Model Context Protocol asks for: which tool with which arguments,
// or something else. It knows the Streamable HTTP transport of every revision from 2025-03-26 to 2026-07-28, in which a
// request carries one JSON-RPC 2.0 message.
//
// The server behind reads the same body with another parser. So a message is taken only where no two parsers could find
// different tools or arguments in it (THREATS 22, 26, 29); everything else is an error, which denies.
package mcp
