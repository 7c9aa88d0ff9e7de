package policy_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/forecast"
)

// TestV3ModelThatFails: a model that cannot be fitted, or gives no number, leaves V3 as
// good as one on last value, and the log says so.
func TestV3ModelThatFails(t *testing.T) {
	later := hm(6, 0)
	tests := []struct {
		name  string
		model forecast.Model
		want  string
	}{
		{"no fit", brokenModel{errSingular}, "naive (broken failed: singular matrix)"},
		{"never a number", clockwork(always(math.NaN())), "naive (clockwork gives no number)"},
		{"infinite", clockwork(always(math.Inf(1))), "naive (clockwork gives no number)"},
		{"infinite at times", clockwork(func(t time.Time) float64 {
			if t.Minute()%5 == 0 {
				return math.Inf(-1)
			}
			return 10
		}), "naive (clockwork gives no number)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plain := &v3Run{v: mustV3(t, v3Config(forecast.Naive{})), load: noisy(1), spec: 4}
			r := &v3Run{v: mustV3(t, v3Config(tt.model)), load: noisy(1), spec: 4}
			if diff := cmp.Diff(plain.shapes(later), r.shapes(later)); diff != "" {
				t.Error(diff)
			}
			if d := r.step(); d.Forecast == nil || d.Forecast.Model != tt.want {
				t.Errorf("forecast %+v, want %s", d.Forecast, tt.want)
			}
		})
	}
	// A model that wants more to learn from is no failure: V3 learns on.
	r := &v3Run{v: mustV3(t, v3Config(brokenModel{fmt.Errorf("needs a day: %w", forecast.ErrTooShort)})), load: noisy(1), spec: 4}
	if d := r.until(later); !strings.HasPrefix(d.Reason, "Learning:") || !errors.Is(d.Proposals[0].Err, forecast.ErrTooShort) {
		t.Errorf("%+v", d)
	}
}

// TestV3ModelThatBreaks: a model that gives no number from some time on is left for last
// value, and taken up again when it is back.
func TestV3ModelThatBreaks(t *testing.T) {
	model := func(t time.Time) float64 {
		if at := t.Sub(epoch); at >= hm(4, 0) && at < hm(5, 0) {
			return math.NaN()
		}
		return 95
	}
	load := from(hm(4, 30), 95, 295)
	r := &v3Run{v: mustV3(t, v3Config(clockwork(model))), load: load, spec: 4}
	for at, want := range map[time.Duration]string{
		hm(3, 40): "clockwork", hm(4, 10): "naive (clockwork gives no number)", hm(5, 30): "clockwork",
	} {
		r := &v3Run{v: mustV3(t, v3Config(clockwork(model))), load: load, spec: 4}
		if d := r.until(at); d.Forecast.Model != want {
			t.Errorf("%v: %s, want %s", at, d.Forecast.Model, want)
		}
	}
	if d := r.until(hm(4, 50)); r.spec != 30 {
		t.Errorf("%d replicas for 295: %+v", r.spec, d)
	}
}

// TestV3Demotes: a model that turns bad is left for last value while it is bad, and for
// some time after; and demotion pays.
func TestV3Demotes(t *testing.T) {
	load := func(t time.Time) float64 {
		return 100 + 50*rand.New(rand.NewPCG(1, uint64(t.Truncate(time.Minute).Unix()))).Float64()
	}
	moody := func(t time.Time) float64 {
		if at := t.Sub(epoch); at >= hm(4, 0) && at < hm(5, 0) {
			return load(t) * 20 * rand.New(rand.NewPCG(2, uint64(t.Unix()))).Float64()
		}
		return load(t)
	}
	cfg := v3Config(clockwork(moody))
	cfg.DemoteBelow = 0
	const demoted = "naive (clockwork demoted)"
	r := &v3Run{v: mustV3(t, cfg), load: load, spec: 15}
	var changes []time.Duration
	for was := "clockwork"; r.at < hm(200, 0); {
		d := r.step()
		if d.Forecast == nil {
			continue
		}
		if d.Forecast.Model != was {
			was = d.Forecast.Model
			changes = append(changes, r.at)
		}
		if was == demoted && r.spec > 30 {
			t.Fatalf("%v: %d replicas of last value for 150 at most: %+v", r.at, r.spec, d)
		}
	}
	if len(changes) != 2 || changes[0] < hm(4, 0) || changes[0] > hm(4, 30) || changes[1] < hm(5, 0) {
		t.Errorf("changed at %v; want once soon after 4:00, and once back after 5:00", changes)
	}
	// Without demotion the bad model is followed.
	cfg.DemoteBelow = math.NaN()
	r = &v3Run{v: mustV3(t, cfg), load: load, spec: 15}
	r.until(hm(4, 50))
	if r.spec < 50 {
		t.Errorf("%d replicas though a model without demotion says 20 times the load", r.spec)
	}
}

// TestV3HigherQuantile: who wants to be surer never gets fewer replicas for the bound of
// the forecast. A surge is no matter of quantiles; instants with one are left out.
func TestV3HigherQuantile(t *testing.T) {
	quantiles := []float64{0.5, 0.7, 0.9, 0.99, 0.999}
	var runs []*v3Run
	for _, q := range quantiles {
		cfg := v3Config(forecast.Naive{})
		cfg.Quantile, cfg.ReactiveFloor = q, false
		runs = append(runs, &v3Run{v: mustV3(t, cfg), load: noisy(5)})
	}
	more := 0
	for range 2 * 60 * 30 {
		var before int32
		for i, r := range runs {
			r.spec = 30 // the same for all
			d := r.step()
			p := d.Proposals[0]
			if d.Forecast == nil || strings.Contains(p.Detail, "surging") {
				continue
			}
			if p.Replicas < before {
				t.Fatalf("%v, quantile %v: %d replicas, fewer than %d: %s", r.at, quantiles[i], p.Replicas, before, p.Detail)
			}
			if before > 0 && p.Replicas > before {
				more++
			}
			before = p.Replicas
		}
	}
	if more < 1000 {
		t.Errorf("a higher quantile wanted more only %d times", more)
	}
}
