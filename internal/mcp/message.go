// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/token/strictjson"
)

// call is the method by which a tool is called.
const call = "tools/call"

// maxDepth of the JSON of a message.
const maxDepth = 64

// Message is one message, as far as it matters to who may send it.
type Message struct {
	// Tool is the name of the tool that is called; empty for every other message.
	Tool string
	// Arguments of the tool, as JSON values; not nil for a call.
	Arguments map[string]any
}

var (
	errVersion  = errors.New("its member jsonrpc is not \"2.0\"")
	errUnknown  = errors.New("it has a member that JSON-RPC 2.0 does not know")
	errKind     = errors.New("it is neither a request, nor a notification, nor a response of JSON-RPC 2.0")
	errMethod   = errors.New("its method is not of letters, digits and '_', '-', '.', '$', '/'")
	errCall     = errors.New("its method could be taken for " + call + " and is not")
	errID       = errors.New("its id is neither a text nor an integer")
	errCallID   = errors.New("it calls a tool and has no id, as if no answer were wanted")
	errParams   = errors.New("its params are not an object")
	errNoTool   = errors.New("its params do not name a tool")
	errExtra    = errors.New("its params have a member that no revision of the protocol knows for " + call)
	errMember   = errors.New("a member of its params is not of the type that the protocol gives it")
	errMirrored = errors.New("the headers Mcp-Method and Mcp-Name do not say what the body says")
)

// Read reads the message in the body of a request. An error says in what way it could be read differently, or not at all.
func Read(http *authz.HTTPRequest) (Message, error) {
	raw, err := bodyOf(http)
	if err != nil {
		return Message{}, err
	}
	members, err := strictjson.Object(raw, maxDepth)
	if err != nil {
		return Message{}, fmt.Errorf("the body is not one message of JSON-RPC: %w", err)
	}
	method, err := methodOf(members)
	if err != nil {
		return Message{}, fmt.Errorf("the body is not one message of JSON-RPC: %w", err)
	}
	var message Message
	if method == call {
		if message, err = callOf(members); err != nil {
			return Message{}, fmt.Errorf("the body is not the call of a tool: %w", err)
		}
	}
	if !mirrored(http.Headers, method, message.Tool) {
		return Message{}, errMirrored
	}
	return message, nil
}

// methodOf gives the method of a request or notification, empty for a response (JSON-RPC 2.0 sections 4 and 5).
func methodOf(members map[string]any) (string, error) {
	if members["jsonrpc"] != "2.0" {
		return "", errVersion
	}
	for name := range members {
		switch name {
		case "jsonrpc", "id", "method", "params", "result", "error":
		default:
			return "", errUnknown
		}
	}
	if !validID(members) {
		return "", errID
	}
	_, hasResult := members["result"]
	_, hasError := members["error"]
	method, isRequest := members["method"]
	switch {
	case !isRequest:
		return "", response(members, hasResult != hasError)
	case hasResult || hasError:
		return "", errKind
	default:
		return requestMethod(method, members)
	}
}

// response judges a message without a method. The id of an error may be missing where the request could not be read.
func response(members map[string]any, oneOutcome bool) error {
	_, hasID := members["id"]
	_, hasParams := members["params"]
	_, hasResult := members["result"]
	if !oneOutcome || hasParams || hasResult && !hasID {
		return errKind
	}
	return nil
}

func requestMethod(method any, members map[string]any) (string, error) {
	name, ok := method.(string)
	if !ok || !isMethod(name) {
		return "", errMethod
	}
	if name != call && strings.EqualFold(name, call) {
		return "", errCall
	}
	if params, sent := members["params"]; sent {
		if _, ok := params.(map[string]any); !ok {
			return "", errParams
		}
	}
	return name, nil
}

// isMethod keeps a method to characters that nobody trims or folds away.
func isMethod(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune("_-.$/", rune(c)) {
			return false
		}
	}
	return name != ""
}

// validID takes a text, an integer, or none: unlike JSON-RPC's, an id of the protocol is never null.
func validID(members map[string]any) bool {
	switch id := members["id"].(type) {
	case string:
		return true
	case json.Number:
		return !strings.ContainsAny(id.String(), ".eE")
	default:
		_, sent := members["id"]
		return !sent
	}
}

func callOf(members map[string]any) (Message, error) {
	if _, sent := members["id"]; !sent {
		return Message{}, errCallID
	}
	params, ok := members["params"].(map[string]any)
	if !ok {
		return Message{}, errNoTool
	}
	if err := checkParams(params); err != nil {
		return Message{}, err
	}
	tool, ok := params["name"].(string)
	if !ok || tool == "" {
		return Message{}, errNoTool
	}
	given, _ := params["arguments"].(map[string]any) // its type was checked; without any, there are none
	arguments, err := strictjson.PlainObject(given)
	if err != nil {
		return Message{}, fmt.Errorf("its arguments cannot be read: %w", err)
	}
	return Message{Tool: tool, Arguments: arguments}, nil
}

// checkParams takes what the revisions of the protocol have for a call: task of 2025-11-25, inputResponses and requestState
// of 2026-07-28. A server that knew more members would read something that was not judged.
func checkParams(params map[string]any) error {
	for name, value := range params {
		var ok bool
		switch name {
		case "name", "requestState":
			_, ok = value.(string)
		case "arguments", "_meta", "task", "inputResponses":
			_, ok = value.(map[string]any)
		default:
			return errExtra
		}
		if !ok {
			return errMember
		}
	}
	return nil
}
