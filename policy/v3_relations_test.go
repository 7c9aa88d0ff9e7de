package policy_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/forecast"
	"hindcast.dev/policy"
)

// TestV3Units: load and capacity in another unit are the same decisions. A power of two
// leaves no rounding errors.
func TestV3Units(t *testing.T) {
	for _, model := range []forecast.Model{forecast.Naive{}, forecast.SeasonalNaive{Season: 60}} {
		var want []shape
		for _, k := range []float64{1, 1.0 / 1024, 1 << 30} {
			cfg := v3Config(model)
			cfg.Metrics[0].PerReplica *= k
			cfg.DemoteBelow = 0
			got := (&v3Run{v: mustV3(t, cfg), spec: 4, load: func(at time.Time) float64 { return k * noisy(2)(at) }}).shapes(hm(30, 0))
			if want == nil {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s in units of %v: %s", model.Name(), k, diff)
			}
		}
	}
}

// TestV3NoFuture: what comes later changes no decision made before, and a decision that
// was given away does not change when later ones are made.
func TestV3NoFuture(t *testing.T) {
	poison := func(t time.Time) float64 {
		if t.After(since(hm(5, 0))) {
			return 1e6
		}
		return noisy(6)(t)
	}
	cfg := v3Config(forecast.Ridge{})
	cfg.DemoteBelow = 0
	var kept [2][]policy.Decision
	var then [2][]string // as they were when made
	for i, load := range []func(time.Time) float64{noisy(6), poison} {
		r := &v3Run{v: mustV3(t, cfg), load: load, spec: 4}
		for r.at < hm(6, 0) {
			d := r.step()
			kept[i], then[i] = append(kept[i], d), append(then[i], asJSON(t, d))
		}
		for k, d := range kept[i] {
			if now := asJSON(t, d); now != then[i][k] {
				t.Fatalf("a decision changed after it was made:\n%s\n%s", then[i][k], now)
			}
		}
	}
	until := int(hm(5, 0)/(30*time.Second)) + 1
	if diff := cmp.Diff(then[0][:until], then[1][:until]); diff != "" {
		t.Errorf("the future shows: %s", diff)
	}
	if then[0][until] == then[1][until] {
		t.Error("the poison has no effect at all: the test says nothing")
	}
}

// asJSON needs a decision without NaN.
func asJSON(t *testing.T, d policy.Decision) string {
	t.Helper()
	for i := range d.Proposals {
		d.Proposals = slices.Clone(d.Proposals)
		if err := d.Proposals[i].Err; err != nil {
			d.Proposals[i].Detail += err.Error()
			d.Proposals[i].Err = nil
		}
	}
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestV3TwiceIsTheSame: the same inputs give the same decisions, figures included.
func TestV3TwiceIsTheSame(t *testing.T) {
	run := func() (out []string) {
		cfg := v3Config(forecast.Ridge{})
		cfg.DemoteBelow = 0
		cfg.Fallback = &stub{n: 8}
		r := &v3Run{v: mustV3(t, cfg), load: noisy(7), spec: 4, err: noDataIn(hm(4, 0), hm(4, 20))}
		for r.at < hm(8, 0) {
			out = append(out, asJSON(t, r.step()))
		}
		return out
	}
	if diff := cmp.Diff(run(), run()); diff != "" {
		t.Error(diff)
	}
}

// TestV3AskedTwiceAtOnce: a decision that is asked for again at the same instant is no
// reason to divide by the time that passed.
func TestV3AskedTwiceAtOnce(t *testing.T) {
	v, load := mustV3(t, v3Config(clockwork(always(95)))), 95.0
	r := &v3Run{v: v, load: func(time.Time) float64 { return load }, spec: 10}
	r.until(hm(3, 0))
	for range 5 {
		load += 10
		d := v.Decide(policy.Input{Now: since(hm(3, 1)), Spec: 10, Values: []policy.Value{{Value: load}}})
		if need := int32(math.Ceil(load / 10)); d.Replicas < need || d.Replicas > 2*need {
			t.Fatalf("%d replicas for %v, forecast %+v", d.Replicas, load, d.Forecast)
		}
	}
}
