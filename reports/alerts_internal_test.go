package reports

import (
	"testing"

	"hindcast.dev/backtest/result"
)

// TestAlertsThatDidNotFire are counted and not listed.
func TestAlertsThatDidNotFire(t *testing.T) {
	r := &result.Result{Policies: []result.Policy{
		{Name: "hpa", Alerts: []result.Alert{{Name: "A", Firings: 2, Seconds: 90}, {Name: "B"}, {Name: "C"}}},
		{Name: "v3", Alerts: []result.Alert{{Name: "A"}, {Name: "B"}, {Name: "C", Firings: 1, Seconds: 30}}},
	}}
	got := alertsTable(r)
	if got == nil || len(got.rows) != 2 || got.note != "1 of 3 alerts never fired." {
		t.Errorf("table %+v", got)
	}
	r.Policies = []result.Policy{{Name: "hpa", Alerts: []result.Alert{{Name: "A"}}}}
	if got := alertsTable(r); got == nil || len(got.rows) != 0 {
		t.Errorf("rules without a firing alert: %+v", got)
	}
	r.Policies[0].Alerts = nil
	if got := alertsTable(r); got != nil {
		t.Errorf("without rules: %+v", got)
	}
}
