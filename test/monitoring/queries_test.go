// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package monitoring_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

// metric is one that docs/metrics.md lists; test/metrics holds that page to the code.
type metric struct {
	kind   string
	labels []string
}

var row = regexp.MustCompile("(?m)^\\| `(behalf_\\w+)` \\| (\\w+) \\| [^|]* \\| ([^|]*) \\|")

func metrics(t *testing.T) map[string]metric {
	t.Helper()
	all := map[string]metric{}
	for _, found := range row.FindAllStringSubmatch(string(read(t, "../../docs/metrics.md")), -1) {
		m := metric{kind: found[2]}
		for label := range strings.SplitSeq(found[3], ",") {
			if label = strings.Trim(label, "` "); label != "" {
				m.labels = append(m.labels, label)
			}
		}
		all[found[1]] = m
	}
	if len(all) < 20 {
		t.Fatalf("docs/metrics.md lists %d metrics: it is read wrongly", len(all))
	}
	return all
}

// series are the metrics as they are queried: a histogram is three of them.
func series(t *testing.T) map[string]metric {
	t.Helper()
	all := map[string]metric{}
	for name, m := range metrics(t) {
		if m.kind != "histogram" {
			all[name] = m
			continue
		}
		all[name+"_sum"], all[name+"_count"] = m, m
		all[name+"_bucket"] = metric{kind: m.kind, labels: append(slices.Clone(m.labels), "le")}
	}
	return all
}

// scraped are the labels that a scrape adds.
var scraped = []string{"namespace", "job", "instance"}

// queries are all that the dashboard and the alerts ask, by where they stand.
func queries(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, rule := range alerts(t) {
		all[rule.Alert] = rule.Expr
	}
	for _, p := range dashboard(t).Panels {
		for _, target := range p.Targets {
			all[p.Title+" "+target.RefID] = strings.ReplaceAll(target.Expr, "$__rate_interval", "5m")
		}
	}
	return all
}

func TestQueriesAskForWhatThereIs(t *testing.T) {
	known := series(t)
	for where, query := range queries(t) {
		t.Run(where, func(t *testing.T) {
			expression, err := promQL.ParseExpr(query)
			if err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			for _, problem := range judge(expression, known) {
				t.Errorf("%s: %s", query, problem)
			}
		})
	}
}

// judge says what an expression asks for that is not there.
func judge(expression parser.Expr, known map[string]metric) (problems []string) {
	labels := slices.Clone(scraped)
	var grouped []string
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			m, there := known[n.Name]
			if !there {
				problems = append(problems, "there is no metric "+n.Name)
			}
			labels = append(labels, m.labels...)
			for _, matcher := range n.LabelMatchers {
				if matcher.Name != "__name__" && !slices.Contains(m.labels, matcher.Name) && !slices.Contains(scraped, matcher.Name) {
					problems = append(problems, n.Name+" has no label "+matcher.Name)
				}
			}
		case *parser.AggregateExpr:
			grouped = append(grouped, n.Grouping...)
		}
		return nil
	})
	for _, label := range grouped {
		if !slices.Contains(labels, label) {
			problems = append(problems, "nothing in it has the label "+label)
		}
	}
	return problems
}

func TestWhatIsWrongWithAQueryIsSeen(t *testing.T) {
	known := map[string]metric{"behalf_x_total": {kind: "counter", labels: []string{"kind"}}}
	cases := map[string]struct{ query, want string }{
		"nothing":                        {`sum by (kind, instance) (rate(behalf_x_total{kind="a", namespace="b"}[5m]))`, ""},
		"a metric that is not there":     {`behalf_y_total`, "there is no metric behalf_y_total"},
		"a label that a metric lacks":    {`behalf_x_total{reason="a"}`, "behalf_x_total has no label reason"},
		"grouping by what nothing has":   {`sum by (reason) (behalf_x_total)`, "nothing in it has the label reason"},
		"a fault deep within":            {`1 - (sum(rate(behalf_z[5m])) / 2)`, "there is no metric behalf_z"},
		"a metric named by __name__ too": {`{__name__="behalf_x_total"}`, "there is no metric "},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			expression, err := promQL.ParseExpr(c.query)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(judge(expression, known), "; "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// What nobody looks at need not be told.
func TestEveryMetricIsShownOrAlertedOn(t *testing.T) {
	asked := map[string]bool{}
	for _, query := range queries(t) {
		for _, name := range regexp.MustCompile(`behalf_\w+`).FindAllString(query, -1) {
			asked[name] = true
		}
	}
	for name, m := range metrics(t) {
		if m.kind == "histogram" {
			name += "_bucket"
		}
		if !asked[name] {
			t.Errorf("neither the dashboard nor an alert asks for %s", name)
		}
	}
}
