package backtest_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"hindcast.dev/backtest"
	"hindcast.dev/backtest/result"
)

// TestAtMax: how long a policy was short of replicas that it may not have is what its timeline says, and a
// note says it in words; nobody is told so whose replicas are enough.
func TestAtMax(t *testing.T) {
	x := experiment("shop", "hpa", "v2", "static")
	limited := []string{"hpa", "v2"}
	x.Spec.MaxReplicas = 8
	dir, res := run(t, x, backtest.Options{Parallel: 2})
	f, err := result.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if res.App.MaxDemand <= 8 {
		t.Fatalf("the load needs %d at most: the case is too simple", res.App.MaxDemand)
	}
	for _, p := range res.Policies {
		if !slices.Contains(limited, p.Name) {
			if p.AtMax != nil {
				t.Errorf("%s, which has no such bound, was at its most: %+v", p.Name, p.AtMax)
			}
			continue
		}
		var with, short time.Duration
		var bad, badShort float64
		last := result.Row{Load: math.NaN()}
		end := func(at time.Time) {
			if math.IsNaN(last.Load) || last.Time.Before(res.Dataset.ScoredFrom) {
				return
			}
			bad += last.Bad
			if last.Demand == 0 {
				return
			}
			with += at.Sub(last.Time)
			if last.Demand > 8 && last.Desired == 8 {
				short += at.Sub(last.Time)
				badShort += last.Bad
			}
		}
		for row, err := range f.Timeline(p.Name) {
			if err != nil {
				t.Fatal(err)
			}
			end(row.Time)
			last = row
		}
		end(res.Dataset.End)
		if short == 0 || p.AtMax == nil {
			t.Fatalf("short for %v, %+v", short, p.AtMax)
		}
		if got, want := float64(p.AtMax.TimeShare), short.Seconds()/with.Seconds(); math.Abs(got-want) > 1e-6 || p.AtMax.MaxReplicas != 8 {
			t.Errorf("at its most of %d for %v of the time, want 8 and %v", p.AtMax.MaxReplicas, got, want)
		}
		if got, want := float64(p.AtMax.BadShare), badShort/bad; math.Abs(got-want) > 1e-4 {
			t.Errorf("%v of the bad requests, want %v", got, want)
		}
		if !slices.ContainsFunc(res.Notes, func(n string) bool { return strings.HasPrefix(n, p.Name+" may have 8 replicas at most") }) {
			t.Errorf("no note says so: %q", res.Notes)
		}
	}
	x = experiment("shop", "hpa")
	if _, res := run(t, x, backtest.Options{Parallel: 2}); res.Policies[0].AtMax != nil {
		t.Errorf("with replicas to spare: %+v", res.Policies[0].AtMax)
	}
}
