// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"behalf.dev/behalf/internal/authz"
)

// post is a request with a body, as a front door passes it on.
func post(body string) *authz.HTTPRequest {
	return &authz.HTTPRequest{
		Method: "POST", Path: "/mcp", Body: []byte(body), Headers: map[string][]string{"content-type": {"application/json"}},
	}
}

const create = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"create_ticket","arguments":{"queue":"north","urgent":true,"n":[1,2.5,null]}}}`

var created = Message{Tool: "create_ticket", Arguments: map[string]any{"queue": "north", "urgent": true, "n": []any{1.0, 2.5, nil}}}

func TestMessagesThatAreRead(t *testing.T) {
	none := map[string]any{}
	for says, c := range map[string]struct {
		body string
		want Message
	}{
		"a call":                          {create, created},
		"a call with white space":         {" \r\n\t" + strings.ReplaceAll(create, ",", " ,\n ") + "\n", created},
		"a call whose id is a text":       {strings.Replace(create, `"id":1`, `"id":"a"`, 1), created},
		"a call whose id is negative":     {strings.Replace(create, `"id":1`, `"id":-1`, 1), created},
		"a call without arguments":        {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ping"}}`, Message{"ping", none}},
		"a call with empty arguments":     {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ping","arguments":{}}}`, Message{"ping", none}},
		"a call with escapes in its name": {`{"jsonrpc":"2.0","id":1,"method":"tools\/call","params":{"name":"p\u0069ng"}}`, Message{"ping", none}},
		"a call with everything that the protocol has": {
			`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ping","_meta":{"progressToken":1,"a.b/c":null},"task":{"ttl":1},` +
				`"inputResponses":{"a":{"action":"accept"}},"requestState":"x"}}`, Message{"ping", none},
		},
		"the handshake":                    {`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"a"}}}`, Message{}},
		"the list of tools":                {`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, Message{}},
		"a notification":                   {`{"jsonrpc":"2.0","method":"notifications/initialized"}`, Message{}},
		"a notification about a call":      {`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"name":"create_ticket"}}`, Message{}},
		"a response":                       {`{"jsonrpc":"2.0","id":1,"result":{"method":"tools/call","params":{"name":"create_ticket"}}}`, Message{}},
		"an error":                         {`{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}`, Message{}},
		"an error about an unread message": {`{"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}}`, Message{}},
		"a method of an extension":         {`{"jsonrpc":"2.0","id":1,"method":"example.com/do$it","params":{"x":[{}]}}`, Message{}},
	} {
		t.Run(says, func(t *testing.T) {
			got, err := Read(post(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error("(-want +got):\n" + diff)
			}
		})
	}
}

// THREATS 22, 26, 29
func TestBodiesThatCouldBeReadInTwoWaysAreRefused(t *testing.T) {
	deep := strings.Repeat(`{"a":`, maxDepth) + `1` + strings.Repeat(`}`, maxDepth)
	for says, c := range map[string]struct {
		body string
		want string // part of what is said
	}{
		"nothing":                              {``, "the body is missing"},
		"white space":                          {` `, "not valid JSON"},
		"no JSON":                              {`tools/call`, "not valid JSON"},
		"a batch":                              {`[` + create + `]`, "not a JSON object"},
		"an empty batch":                       {`[]`, "not a JSON object"},
		"null":                                 {`null`, "not a JSON object"},
		"two messages":                         {create + create, "not valid JSON"},
		"two messages on lines":                {create + "\n" + create, "not valid JSON"},
		"a byte order mark":                    {"\ufeff" + create, "not valid JSON"},
		"a comment":                            {`/**/` + create, "not valid JSON"},
		"a body that is compressed":            {"\x1f\x8b\x08\x00", "not valid UTF-8"},
		"UTF-16":                               {"{\x00}\x00", "not valid JSON"},
		"bytes that are not UTF-8":             {strings.Replace(create, "north", "n\xff", 1), "not valid UTF-8"},
		"half a surrogate pair":                {strings.Replace(create, "north", `\ud800`, 1), "not valid Unicode"},
		"a method twice":                       {strings.Replace(create, `"id":1`, `"id":1,"method":"ping"`, 1), "stands twice"},
		"a method in two cases":                {strings.Replace(create, `"id":1`, `"id":1,"Method":"ping"`, 1), "stands twice"},
		"params in two cases":                  {strings.Replace(create, `"id":1`, `"id":1,"PARAMS":{"name":"other"}`, 1), "stands twice"},
		"a method in capitals alone":           {strings.Replace(create, `"method"`, `"METHOD"`, 1), "does not know"},
		"a name twice":                         {strings.Replace(create, `"arguments"`, `"name":"delete_ticket","arguments"`, 1), "stands twice"},
		"a name twice, once escaped":           {strings.Replace(create, `"arguments"`, `"n\u0061me":"delete_ticket","arguments"`, 1), "stands twice"},
		"a name in two cases":                  {strings.Replace(create, `"arguments"`, `"Name":"delete_ticket","arguments"`, 1), "stands twice"},
		"an argument in two cases":             {strings.Replace(create, `"queue"`, `"Queue":"south","queue"`, 1), "stands twice"},
		"arguments twice":                      {strings.Replace(create, `"arguments"`, `"arguments":{},"arguments"`, 1), "stands twice"},
		"another version":                      {strings.Replace(create, `"2.0"`, `"1.0"`, 1), "jsonrpc is not"},
		"a version that is a number":           {strings.Replace(create, `"2.0"`, `2.0`, 1), "jsonrpc is not"},
		"no version":                           {strings.Replace(create, `"jsonrpc":"2.0",`, ``, 1), "jsonrpc is not"},
		"an unknown member":                    {strings.Replace(create, `"id":1`, `"id":1,"tool":"x"`, 1), "JSON-RPC 2.0 does not know"},
		"an id that is null":                   {strings.Replace(create, `"id":1`, `"id":null`, 1), "neither a text nor an integer"},
		"an id that is a fraction":             {strings.Replace(create, `"id":1`, `"id":1.5`, 1), "neither a text nor an integer"},
		"an id with an exponent":               {strings.Replace(create, `"id":1`, `"id":1e3`, 1), "neither a text nor an integer"},
		"an id that is a list":                 {strings.Replace(create, `"id":1`, `"id":[1]`, 1), "neither a text nor an integer"},
		"a call that wants no answer":          {strings.Replace(create, `"id":1,`, ``, 1), "has no id"},
		"no method, result or error":           {`{"jsonrpc":"2.0","id":1}`, "neither a request"},
		"a request with a result":              {strings.Replace(create, `"id":1`, `"id":1,"result":{}`, 1), "neither a request"},
		"a request with an error":              {strings.Replace(create, `"id":1`, `"id":1,"error":{}`, 1), "neither a request"},
		"a response with result and error":     {`{"jsonrpc":"2.0","id":1,"result":{},"error":{}}`, "neither a request"},
		"a response with params":               {`{"jsonrpc":"2.0","id":1,"result":{},"params":{}}`, "neither a request"},
		"a result without an id":               {`{"jsonrpc":"2.0","result":{}}`, "neither a request"},
		"a method that is a number":            {`{"jsonrpc":"2.0","id":1,"method":1}`, "its method is not of letters"},
		"an empty method":                      {`{"jsonrpc":"2.0","id":1,"method":""}`, "its method is not of letters"},
		"a method with a space":                {strings.Replace(create, `tools/call`, `tools/call `, 1), "its method is not of letters"},
		"a method with a line break":           {strings.Replace(create, `tools/call`, `tools/call\n`, 1), "its method is not of letters"},
		"a method with a look-alike":           {strings.Replace(create, `tools/call`, `tоols/call`, 1), "its method is not of letters"},
		"a method in capitals":                 {strings.Replace(create, `tools/call`, `Tools/Call`, 1), "could be taken for tools/call"},
		"params that are a list":               {`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}`, "params are not an object"},
		"params of a call that are a list":     {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["ping"]}`, "params are not an object"},
		"params that are null":                 {`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":null}`, "params are not an object"},
		"a call without params":                {`{"jsonrpc":"2.0","id":1,"method":"tools/call"}`, "do not name a tool"},
		"a call without a name":                {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}`, "do not name a tool"},
		"a call with an empty name":            {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":""}}`, "do not name a tool"},
		"a name that is a number":              {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":1}}`, "not of the type"},
		"arguments that are null":              {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ping","arguments":null}}`, "not of the type"},
		"arguments that are a list":            {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ping","arguments":[]}}`, "not of the type"},
		"arguments that are text":              {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ping","arguments":"{}"}}`, "not of the type"},
		"metadata that are a list":             {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ping","_meta":[]}}`, "not of the type"},
		"a state that is an object":            {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ping","requestState":{}}}`, "not of the type"},
		"an unknown member of a call's params": {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ping","tool":"x"}}`, "no revision of the protocol knows"},
		"a number that cannot be told apart":   {strings.Replace(create, `2.5`, `9007199254740993`, 1), "its arguments cannot be read"},
		"a number that is no float":            {strings.Replace(create, `2.5`, `1e999`, 1), "its arguments cannot be read"},
		"nesting without end":                  {`{"jsonrpc":"2.0","id":1,"method":"ping","params":` + deep + `}`, "nested too deeply"},
		"more than is looked at":               {create + strings.Repeat(" ", MaxBody), "larger than 262144 bytes"},
	} {
		t.Run(says, func(t *testing.T) {
			got, err := Read(post(c.body))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %+v, %v, want %q", got, err, c.want)
			}
			if got.Tool != "" || got.Arguments != nil {
				t.Errorf("%+v comes with an error", got)
			}
		})
	}
}

// THREATS 22, 29
func TestBodiesThatAreNotTheMessageItselfAreRefused(t *testing.T) {
	for says, c := range map[string]struct {
		change func(*authz.HTTPRequest)
		want   error // nil: read
	}{
		"a body as it should be":                {func(*authz.HTTPRequest) {}, nil},
		"a character set":                       {with("content-type", "Application/JSON; charset=UTF-8"), nil},
		"no content-encoding, said aloud":       {with("content-encoding", " Identity "), nil},
		"the length":                            {with("content-length", "141"), nil},
		"a part of a body":                      {func(r *authz.HTTPRequest) { r.BodyPartial = true }, errPartial},
		"no body":                               {func(r *authz.HTTPRequest) { r.Body = nil }, errNoBody},
		"an empty body":                         {func(r *authz.HTTPRequest) { r.Body = []byte{} }, errNoBody},
		"no content type":                       {func(r *authz.HTTPRequest) { r.Headers = nil }, errType},
		"a form":                                {with("content-type", "application/x-www-form-urlencoded"), errType},
		"plain text":                            {with("content-type", "text/plain"), errType},
		"another kind of JSON":                  {with("content-type", "application/json-seq"), errType},
		"an event stream":                       {with("content-type", "text/event-stream"), errType},
		"another character set":                 {with("content-type", "application/json; charset=utf-16"), errType},
		"an unknown parameter":                  {with("content-type", "application/json; version=2"), errType},
		"a parameter twice":                     {with("content-type", "application/json; charset=utf-8; charset=utf-7"), errType},
		"two content types":                     {with("content-type", "application/json", "text/plain"), errType},
		"two content types on a line":           {with("content-type", "application/json, text/plain"), errType},
		"two spellings of the content type":     {with("content_type", "text/plain"), errType},
		"a compressed body":                     {with("content-encoding", "gzip"), errEncoding},
		"two encodings":                         {with("content-encoding", "identity", "br"), errEncoding},
		"an encoding in another spelling":       {with("content_encoding", "gzip"), errEncoding},
		"an empty encoding":                     {with("content-encoding", ""), errEncoding},
		"a length that is larger":               {with("content-length", "1400"), errLength},
		"a length that is smaller":              {with("content-length", "14"), errLength},
		"a length that is written in two ways":  {with("content-length", "0141"), errLength},
		"two lengths":                           {with("content-length", "141", "141"), errLength},
		"a method header that agrees":           {with("mcp-method", "tools/call"), nil},
		"a method header that does not":         {with("mcp-method", "tools/list"), errMirrored},
		"a method header in another case":       {with("mcp-method", "TOOLS/CALL"), errMirrored},
		"two method headers":                    {with("mcp-method", "tools/call", "tools/list"), errMirrored},
		"a method header in another spelling":   {with("mcp_method", "tools/call"), errMirrored},
		"a name header that agrees":             {with("mcp-name", " create_ticket"), nil},
		"an encoded name header that agrees":    {with("mcp-name", "=?base64?Y3JlYXRlX3RpY2tldA==?="), nil},
		"a name header that does not":           {with("mcp-name", "read_ticket"), errMirrored},
		"an encoded name header that does not":  {with("mcp-name", "=?base64?cmVhZF90aWNrZXQ=?="), errMirrored},
		"an encoded name header of no encoding": {with("mcp-name", "=?base64?%?="), errMirrored},
		"an empty name header":                  {with("mcp-name", ""), errMirrored},
		"two name headers":                      {with("mcp-name", "create_ticket", "create_ticket"), errMirrored},
		"a name header in another spelling":     {with("mcp.name", "create_ticket"), errMirrored},
	} {
		t.Run(says, func(t *testing.T) {
			r := post(create)
			c.change(r)
			if got, err := Read(r); !errors.Is(err, c.want) {
				t.Errorf("got %+v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func with(name string, values ...string) func(*authz.HTTPRequest) {
	return func(r *authz.HTTPRequest) { r.Headers[name] = values }
}

func TestHeadersOfOtherMessagesHaveToAgreeToo(t *testing.T) {
	for says, c := range map[string]struct {
		body, method string
		want         error
	}{
		"a list that says so":           {`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, "tools/list", nil},
		"a list that passes for a call": {`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, "tools/call", errMirrored},
		"a response that says nothing":  {`{"jsonrpc":"2.0","id":1,"result":{}}`, "", nil},
		"a response for a call":         {`{"jsonrpc":"2.0","id":1,"result":{}}`, "tools/call", errMirrored},
	} {
		t.Run(says, func(t *testing.T) {
			r := post(c.body)
			with("mcp-method", c.method)(r)
			with("mcp-name", "anything")(r)
			if _, err := Read(r); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// FuzzRead: what is read is what encoding/json reads, which takes the last of several keys and knows no case, and what it
// writes is read alike.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{ // THREATS 22, 26, 29
		create, `[` + create + `]`, create + create, strings.Replace(create, `"name"`, `"Name":"a","name"`, 1), "\ufeff" + create,
		strings.Replace(create, "tools/call", "tools/list", 1), strings.Replace(create, "tools/call", "Tools/Call", 1), "\x1f\x8b", `{"jsonrpc":"2.0","id":1,"result":{}}`,
		strings.Replace(create, `"id":1,`, ``, 1), strings.Replace(create, "2.5", "1e999", 1), strings.Replace(create, "north", `\ud800`, 1),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := Read(post(string(body)))
		if err != nil {
			return
		}
		var lenient struct {
			Version string `json:"jsonrpc"`
			Method  string `json:"method"`
			Params  struct {
				Name      string         `json:"name"`
				Arguments map[string]any `json:"arguments"`
			} `json:"params"`
		}
		err = json.Unmarshal(body, &lenient)
		if (lenient.Method == "tools/call") != (got.Tool != "") || lenient.Version != "2.0" {
			t.Fatalf("%q is read as %+v, and as %+v by others (%v)", body, got, lenient, err)
		}
		if got.Tool == "" {
			return
		}
		if err != nil || lenient.Params.Name != got.Tool || got.Arguments == nil {
			t.Fatalf("%q is read as %+v, and as %+v by others (%v)", body, got, lenient, err)
		}
		if lenient.Params.Arguments == nil {
			lenient.Params.Arguments = map[string]any{}
		}
		if diff := cmp.Diff(got.Arguments, lenient.Params.Arguments); diff != "" {
			t.Fatal("(-read +others):\n" + diff)
		}
		written, err := json.Marshal(map[string]any{
			"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": map[string]any{"name": got.Tool, "arguments": got.Arguments},
		})
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read(post(string(written)))
		if err != nil && len(written) <= MaxBody {
			t.Fatalf("%q is read, and %q is not: %v", body, written, err)
		}
		if diff := cmp.Diff(got, again); err == nil && diff != "" {
			t.Fatal("(-read +again):\n" + diff)
		}
	})
}
