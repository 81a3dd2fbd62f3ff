// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package monitoring_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
)

type board struct {
	UID           string  `json:"uid"`
	Title         string  `json:"title"`
	SchemaVersion int     `json:"schemaVersion"`
	Panels        []panel `json:"panels"`
	Templating    struct {
		List []struct {
			Name, Type string
			Datasource source
		}
	}
}

type panel struct {
	ID         int
	Type       string
	Title      string
	Datasource source
	GridPos    struct{ X, Y, W, H int }
	Targets    []struct {
		RefID      string `json:"refId"`
		Expr       string
		Datasource source
	}
}

type source struct{ Type, UID string }

// chosen is the data source that whoever looks has chosen.
var chosen = source{"prometheus", "${datasource}"}

func dashboard(t *testing.T) board {
	t.Helper()
	var b board
	if err := json.Unmarshal(read(t, filepath.Join(folder, "dashboard.json")), &b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheDashboardCanBeImported(t *testing.T) {
	b := dashboard(t)
	// 42 is the last of Grafana's classic schema, which every later Grafana takes.
	if b.UID != "behalf" || b.Title == "" || b.SchemaVersion != 42 {
		t.Errorf("it is %q, %q of schema %d", b.UID, b.Title, b.SchemaVersion)
	}
	if len(b.Templating.List) == 0 || b.Templating.List[0].Name != "datasource" || b.Templating.List[0].Type != "datasource" {
		t.Errorf("its first variable must be the data source: %+v", b.Templating.List)
	}
	for _, variable := range b.Templating.List[1:] {
		if variable.Datasource != chosen {
			t.Errorf("variable %s asks %+v", variable.Name, variable.Datasource)
		}
	}
}

func TestPanelsAskTheChosenDataSource(t *testing.T) {
	for _, p := range dashboard(t).Panels {
		if p.Type == "row" {
			continue
		}
		if p.Datasource != chosen || len(p.Targets) == 0 {
			t.Errorf("panel %q asks %+v %d questions", p.Title, p.Datasource, len(p.Targets))
		}
		for _, target := range p.Targets {
			if target.Datasource != chosen || target.Expr == "" {
				t.Errorf("panel %q, %s asks %+v %q", p.Title, target.RefID, target.Datasource, target.Expr)
			}
		}
	}
}

func TestPanelsStandBesideEachOther(t *testing.T) {
	type cell struct{ x, y int }
	taken, ids := map[cell]string{}, map[int]bool{}
	for _, p := range dashboard(t).Panels {
		if ids[p.ID] || p.Title == "" {
			t.Errorf("panel %d %q has no id or no title of its own", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[cell{x, y}]; other != "" || x >= 24 {
					t.Fatalf("panel %q stands on %q, or beyond the edge", p.Title, other)
				}
				taken[cell{x, y}] = p.Title
			}
		}
	}
}
