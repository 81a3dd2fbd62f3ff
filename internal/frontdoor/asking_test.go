// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package frontdoor_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	extauthzv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"sigs.k8s.io/yaml"

	"behalf.dev/behalf/internal/authz"
	"behalf.dev/behalf/internal/frontdoor/doortest"
	"behalf.dev/behalf/internal/mcp"
)

// asking is the page that tells users how to ask.
func asking(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../../docs/asking.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

var block = regexp.MustCompile("(?s)```([a-z]+)\n(.*?)```")

// blocks gives the examples in a language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	var found []string
	for _, match := range block.FindAllStringSubmatch(asking(t), -1) {
		if match[1] == language {
			found = append(found, match[2])
		}
	}
	return found
}

func TestTheQuestionsOnThePageAreAnsweredAsItSays(t *testing.T) {
	examples := blocks(t, "json")
	if len(examples) != 5 {
		t.Fatalf("the page has %d examples of JSON, want four questions and an answer", len(examples))
	}
	w := doortest.New(t)
	for _, example := range examples[:4] {
		var body map[string]any
		if err := json.Unmarshal([]byte(example), &body); err != nil {
			t.Fatal(err)
		}
		if got := askAuthZEN(t, w, body); got != (answer{decision: authz.Allow}) {
			t.Errorf("answer = %+v to %s", got, example)
		}
	}
}

func TestEnvoyTakesTheConfigurationOnThePage(t *testing.T) {
	examples := blocks(t, "yaml")
	if len(examples) != 3 {
		t.Fatalf("the page has %d examples of YAML, want the filter, a route and a route to an MCP server", len(examples))
	}
	var chain struct {
		Filters []struct {
			Config map[string]any `json:"typed_config"`
		} `json:"http_filters"`
	}
	var route, server struct {
		Config map[string]map[string]any `json:"typed_per_filter_config"`
	}
	for i, into := range []any{&chain, &route, &server} {
		if err := yaml.Unmarshal([]byte(examples[i]), into); err != nil {
			t.Fatal(err)
		}
	}
	filter, perRoute, perServer := &extauthzv3.ExtAuthz{}, &extauthzv3.ExtAuthzPerRoute{}, &extauthzv3.ExtAuthzPerRoute{}
	read(t, chain.Filters[0].Config, filter)
	read(t, route.Config["envoy.filters.http.ext_authz"], perRoute)
	read(t, server.Config["envoy.filters.http.ext_authz"], perServer)
	if filter.GetFailureModeAllow() || filter.GetGrpcService() == nil { // THREATS 30
		t.Errorf("the filter is %v", filter)
	}
	for _, settings := range []*extauthzv3.CheckSettings{perRoute.GetCheckSettings(), perServer.GetCheckSettings()} {
		for key := range settings.GetContextExtensions() {
			if key != "audience" && !strings.HasPrefix(key, "context.") {
				t.Errorf("the route has %s, which denies every request", key)
			}
		}
	}
	body := perServer.GetCheckSettings().GetWithRequestBody() // THREATS 29
	if body.GetMaxRequestBytes() != mcp.MaxBody || body.GetAllowPartialMessage() || !body.GetPackAsBytes() {
		t.Errorf("bodies are passed on by %v", body)
	}
}

// read takes a configuration as Envoy does: what it does not know is an error.
func read[M interface {
	proto.Message
	ValidateAll() error
}](t *testing.T, config map[string]any, into M) {
	t.Helper()
	if want := "type.googleapis.com/" + string(into.ProtoReflect().Descriptor().FullName()); config["@type"] != want {
		t.Errorf("type %v, want %s", config["@type"], want)
	}
	delete(config, "@type")
	raw, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := protojson.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
	if err := into.ValidateAll(); err != nil {
		t.Error(err)
	}
}

func TestThePageExplainsEveryProperty(t *testing.T) {
	page := asking(t)
	code, err := os.ReadFile("authzen/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, property := range regexp.MustCompile(`(?m)^//\t((?:subject|action|resource|context)\.[a-zA-Z.]+)`).FindAllStringSubmatch(string(code), -1) {
		if name := property[1]; !strings.Contains(page, "`"+name+"`") && !strings.Contains(page, "`"+name+".") {
			t.Errorf("the page does not explain %s", name)
		}
	}
}
