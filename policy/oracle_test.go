package policy_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/policy"
)

// TestOracleCoversEveryInstant: with replicas that serve a lead after they were asked
// for and that stop at once, nothing is ever short, and with a decision at each step
// of the load and no lead nothing is ever too much.
func TestOracleCoversEveryInstant(t *testing.T) {
	load := make([]float64, 300)
	for i := range load {
		load[i] = math.Round(40 + 35*math.Sin(float64(i)/9) + 20*math.Sin(float64(i)/2.3))
	}
	at := func(i int) time.Time { return epoch.Add(time.Duration(i) * time.Second) }
	demand := func(l float64) int32 { return int32(math.Ceil(l / 10)) }
	maxLoad := func(from, to time.Time) float64 {
		highest := 0.0
		for i, l := range load {
			if !at(i).Before(from) && !at(i).After(to) {
				highest = max(highest, l)
			}
		}
		return highest
	}
	for _, lead := range []int{0, 1, 7, 40} {
		for _, interval := range []int{1, 15} {
			o, err := policy.NewOracle(policy.OracleConfig{
				Interval: time.Duration(interval) * time.Second, Lead: time.Duration(lead) * time.Second,
				Demand: demand, MaxLoad: maxLoad, Min: 0, Max: 100,
			})
			if err != nil {
				t.Fatal(err)
			}
			asked := make([]int32, len(load))
			cur := int32(0)
			for i := range load {
				if i%interval == 0 {
					cur = o.Decide(policy.Input{Now: at(i), Spec: cur}).Replicas
				}
				asked[i] = cur
			}
			for i := lead; i < len(load); i++ {
				serving := asked[i]
				for j := i - lead; j <= i; j++ {
					serving = min(serving, asked[j])
				}
				if serving < demand(load[i]) {
					t.Errorf("lead %d s, interval %d s: %d replicas serve at %d s, need %d", lead, interval, serving, i, demand(load[i]))
				}
				if most := demand(maxLoad(at(i-interval), at(i+lead+interval))); asked[i] > most {
					t.Errorf("lead %d s, interval %d s: %d replicas asked for at %d s, need %d at most", lead, interval, asked[i], i, most)
				}
			}
		}
	}
}

func TestOracleDecide(t *testing.T) {
	tests := []struct {
		name string
		load float64
		want policy.Decision
	}{
		{"in range", 31, policy.Decision{Replicas: 4, Raw: 4, Reason: "Oracle: the demand of the highest load to come"}},
		{"above max", 310, policy.Decision{Replicas: 9, Raw: 31, Clamps: []policy.Clamp{{Name: "max", From: 31, To: 9}}, Reason: "Oracle: the demand of the highest load to come"}},
		{"below min", 0, policy.Decision{Replicas: 2, Raw: 0, Clamps: []policy.Clamp{{Name: "min", From: 0, To: 2}}, Reason: "Oracle: the demand of the highest load to come"}},
		{"unknown", math.NaN(), policy.Decision{Replicas: 5, Raw: 5, Hold: true, Reason: "NoLoad: the load to come is not known"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, err := policy.NewOracle(policy.OracleConfig{
				Interval: 15 * time.Second, Lead: 40 * time.Second, Min: 2, Max: 9,
				Demand: func(l float64) int32 { return int32(math.Ceil(l / 10)) },
				MaxLoad: func(from, to time.Time) float64 {
					if !from.Equal(epoch) || !to.Equal(epoch.Add(55*time.Second)) {
						t.Errorf("asked for [%v, %v], want the lead and one interval from now on", from, to)
					}
					return tt.load
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			d := o.Decide(policy.Input{Now: epoch, Spec: 5})
			if f := d.Forecast; (f == nil) != tt.want.Hold || f != nil && (f.Upper != tt.load || f.Horizon != 55*time.Second) {
				t.Errorf("forecast %+v", f)
			}
			d.Forecast = nil
			if diff := cmp.Diff(tt.want, d); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewOracleRefuses(t *testing.T) {
	_, err := policy.NewOracle(policy.OracleConfig{Lead: -1, Min: 3, Max: 2})
	if err == nil {
		t.Fatal("was accepted")
	}
	for _, want := range []string{"interval: 0s", "lead: -1ns", "demand: not set", "max load: not set", "min, max: 3, 2"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
}
