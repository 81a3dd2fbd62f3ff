// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

// Package monitoring_test holds the dashboard and the alerts of config/monitoring to Prometheus' own parser and engine, and
// to the metrics that there are. It is a module of its own, so that nothing else depends on Prometheus.
package monitoring_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

const folder = "../../config/monitoring"

// runbook is where docs/ is taken to be served.
const runbook = "https://behalf.dev/docs/"

var promQL = parser.NewParser(parser.Options{})

func read(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// alerts are the rules of rules.yaml.
func alerts(t *testing.T) []rulefmt.Rule {
	t.Helper()
	groups, errs := rulefmt.Parse(read(t, filepath.Join(folder, "rules.yaml")), false, model.UTF8Validation, promQL, slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var all []rulefmt.Rule
	for _, group := range groups.Groups {
		all = append(all, group.Rules...)
	}
	return all
}

func TestTheOperatorGetsTheSameAlerts(t *testing.T) {
	var plain struct {
		Groups any `yaml:"groups"`
	}
	var object struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string `yaml:"kind"`
		Spec       struct {
			Groups any `yaml:"groups"`
		} `yaml:"spec"`
	}
	for name, into := range map[string]any{"rules.yaml": &plain, "prometheusrule.yaml": &object} {
		if err := yaml.Unmarshal(read(t, filepath.Join(folder, name)), into); err != nil {
			t.Fatal(err)
		}
	}
	if object.APIVersion != "monitoring.coreos.com/v1" || object.Kind != "PrometheusRule" {
		t.Errorf("prometheusrule.yaml is a %s of %s", object.Kind, object.APIVersion)
	}
	if plain.Groups == nil || !reflect.DeepEqual(plain.Groups, object.Spec.Groups) {
		t.Error("rules.yaml and prometheusrule.yaml say different things")
	}
}

func TestEveryAlertSaysWhatIsTheMatterAndWhatToDo(t *testing.T) {
	seen := map[string]bool{}
	for _, rule := range alerts(t) {
		if seen[rule.Alert] {
			t.Errorf("%s stands there twice", rule.Alert)
		}
		seen[rule.Alert] = true
		if severity := rule.Labels["severity"]; severity != "critical" && severity != "warning" {
			t.Errorf("%s is of severity %q", rule.Alert, severity)
		}
		for _, annotation := range []string{"summary", "description", "runbook_url"} {
			if rule.Annotations[annotation] == "" {
				t.Errorf("%s has no %s", rule.Alert, annotation)
			}
		}
		if !hasSection(t, rule.Annotations["runbook_url"]) {
			t.Errorf("%s: there is no section behind %s", rule.Alert, rule.Annotations["runbook_url"])
		}
	}
}

var heading = regexp.MustCompile(`(?m)^#+ (.+)$`)

// hasSection says whether a page of docs/ has the section that an address names.
func hasSection(t *testing.T, address string) bool {
	t.Helper()
	page, section, _ := strings.Cut(strings.TrimPrefix(address, runbook), "#")
	raw := read(t, filepath.Join("../../docs", page))
	return slices.ContainsFunc(heading.FindAllSubmatch(raw, -1), func(found [][]byte) bool {
		return strings.EqualFold(string(found[1]), section)
	})
}
