package grafana_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// Why a panel has no thresholds.
const (
	ownLines   = "what limits it is drawn as lines, and is another for every Deployment"
	byLoad     = "how many are right depends on the load; the service level and the cost judge them"
	byHardware = "how much is much depends on the hardware; it is there to see what changed"
	byService  = "what is usual depends on the application; errors, latency and the service level judge it"
	byPrice    = "a price is for its owner to judge"
	ofMetric   = "its unit is that of the scaler's metric"
	besideIt   = "another panel judges what it shows in detail"
)

// unjudged are the panels that show what no fixed value tells good from bad, by dashboard and row.
var unjudged = map[string]map[string]string{
	"application.json/Requests": {"Rate": byLoad, "Errors by code": besideIt},
	"application.json/Saturation": {
		"In flight, and waiting": byService, "Longest queue of a pod": byService, "Connections": byService,
	},
	"application.json/What it depends on": {"Cache hits": byService, "Database queries": byService, "Calls of other services": byService},
	"application.json/Business":           {"Transactions": byService, "Transactions for each request": byService},
	"autoscaler.json/Now":                 {"Desired by the scaler": byLoad, "Cost an hour": byPrice},
	"autoscaler.json/Forecast":            {"What was expected, and what came": ofMetric, "Load, and the forecast made now": ofMetric},
	"autoscaler.json/Replicas":            {"Replicas": ownLines, "Reasons": "no reason is bad by itself", "The HPA": ownLines},
	"autoscaler.json/Shadow: what it would do, against what runs": {
		"Would do, and runs": byLoad, "Difference": byLoad,
	},
	"autoscaler.json/Service level":            {"Good requests": "the objective is a variable, which thresholds do not know; the budget that is left is judged"},
	"autoscaler.json/Cost":                     {"Cost an hour": byPrice, "Replica-hours": byLoad, "Cost": byPrice},
	"backtest.json/Side by side":               {"Ready replicas": byLoad},
	"backtest.json/Candidate against baseline": {"Ready": byLoad, "Replicas that the candidate has more": byLoad},
	"backtest.json/Load and latency":           {"Load": byLoad, "Requests that wait": byService},
	"resources.json/CPU and memory of the pods": {
		"CPU": ownLines, "CPU of a pod": ownLines, "Memory": ownLines, "Memory of a pod": ownLines,
	},
	"resources.json/Network and disk of the pods": {
		"Network": byHardware, "Packets": byHardware, "Disk": byHardware, "Disk operations": byHardware,
	},
	"resources.json/Life of the pods":        {"Pods by phase": besideIt},
	"resources.json/Capacity of the cluster": {"Requested cores": ownLines, "Requested memory": ownLines, "Nodes": "that nodes exist that are not ready is two lines"},
	"resources.json/Nodes": {
		"Network of nodes": byHardware, "Disk of nodes": byHardware, "Disk operations of nodes": byHardware,
	},
}

// judged reports whether a panel tells good values from bad: by thresholds, of a column of a
// table too, or by a line at what a variable allows.
func (p panel) judged(t *testing.T) bool {
	t.Helper()
	if len(p.FieldConfig.Defaults.Thresholds.Steps) > 1 {
		return true
	}
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			if property.ID != "thresholds" {
				continue
			}
			var of thresholds
			if err := json.Unmarshal(property.Value, &of); err != nil {
				t.Fatal(err)
			}
			return len(of.Steps) > 1
		}
	}
	for _, q := range p.Targets {
		if q.Expr == "$latency" || q.Expr == "1 - $objective" {
			return true
		}
	}
	return false
}

// TestEveryPanelIsJudged, or it says why it is not.
func TestEveryPanelIsJudged(t *testing.T) {
	left := map[string]bool{}
	for row, panels := range unjudged {
		for title := range panels {
			left[row+"/"+title] = true
		}
	}
	for name, d := range dashboards(t) {
		for _, p := range d.Panels {
			key := name + "/" + p.row
			reason, excused := unjudged[key][p.Title]
			if judged := p.judged(t); judged == excused {
				t.Errorf("%s/%s: has thresholds: %v; has a reason to have none: %v", key, p.Title, judged, excused)
			}
			if reason == ownLines && !slices.ContainsFunc(p.Targets, func(q target) bool {
				return strings.Contains(q.Expr, "_limits") || strings.Contains(q.Expr, "max_replicas") || strings.Contains(q.Expr, "capacity") || strings.Contains(q.Expr, "_requests")
			}) {
				t.Errorf("%s/%s draws no limit", key, p.Title)
			}
			delete(left, key+"/"+p.Title)
			// Colours change with rising values; the first is that of all below.
			steps := p.FieldConfig.Defaults.Thresholds.Steps
			for i, s := range steps {
				if (i == 0) != (s.Value == nil) || s.Color == "" || i > 1 && *s.Value <= *steps[i-1].Value {
					t.Errorf("%s/%s: thresholds %+v", key, p.Title, steps)
				}
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(left)) {
		t.Errorf("there is no panel %s", key)
	}
}
