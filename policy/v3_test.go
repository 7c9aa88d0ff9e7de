package policy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/forecast"
	"hindcast.dev/policy"
)

// noisy is a load of a daily rhythm, noise and a spike a day, the same at each call.
func noisy(seed uint64) func(time.Time) float64 {
	return func(t time.Time) float64 {
		at := t.Sub(epoch)
		r := rand.New(rand.NewPCG(seed, uint64(at)))
		v := 300 + 200*math.Sin(2*math.Pi*at.Hours()/24) + 15*r.NormFloat64()
		if at%(24*time.Hour) > 20*time.Hour && at%(24*time.Hour) < 20*time.Hour+10*time.Minute {
			v += 400
		}
		return max(v, 0)
	}
}

// shape is what a decision comes to.
type shape struct {
	Replicas, Raw int32
	Hold          bool
	Reason        string
	Clamps        []policy.Clamp
}

func shapeOf(d policy.Decision) shape {
	return shape{d.Replicas, d.Raw, d.Hold, d.Reason, d.Clamps}
}

// shapes are those of the decisions of a run up to an instant.
func (r *v3Run) shapes(until time.Duration) (out []shape) {
	for r.at <= until {
		out = append(out, shapeOf(r.step()))
	}
	return out
}

// TestNewV3ListsAllFaults: each fault is told, all in one error.
func TestNewV3ListsAllFaults(t *testing.T) {
	metric := func(change func(*policy.V3Metric)) func(*policy.V3Config) {
		return func(c *policy.V3Config) { change(&c.Metrics[0]) }
	}
	faults := []struct {
		name   string
		change func(*policy.V3Config)
		want   string
	}{
		{"no metrics", func(c *policy.V3Config) { c.Metrics = nil }, "metrics: none"},
		{"carries nothing", metric(func(m *policy.V3Metric) { m.PerReplica = 0 }), "metric load: a replica that carries 0"},
		{"carries everything", metric(func(m *policy.V3Metric) { m.PerReplica = math.Inf(1) }), "metric load: a replica that carries +Inf"},
		{"carries what?", metric(func(m *policy.V3Metric) { m.PerReplica = math.NaN() }), "metric load: a replica that carries NaN"},
		{"negative weight", metric(func(m *policy.V3Metric) { m.Weight = -1 }), "metric load: weight -1"},
		{"endless weight", metric(func(m *policy.V3Metric) { m.Weight = math.Inf(1) }), "metric load: weight +Inf"},
		{"no weight at all", metric(func(m *policy.V3Metric) { m.Weight = math.NaN() }), "metric load: weight NaN"},
		{"no model", func(c *policy.V3Config) { c.Model = nil }, "model: not set"},
		{"negative min", func(c *policy.V3Config) { c.Min = -1 }, "min, max: -1, 100"},
		{"no max", func(c *policy.V3Config) { c.Max = 0 }, "min, max: 1, 0"},
		{"min above max", func(c *policy.V3Config) { c.Min = 101 }, "min, max: 101, 100"},
		{"step below interval", func(c *policy.V3Config) { c.Step = time.Second }, "interval 30s, step 1s"},
		{"negative interval", func(c *policy.V3Config) { c.Interval = -1 }, "interval -1ns"},
		{"negative lead", func(c *policy.V3Config) { c.Lead = -1 }, "lead: -1ns is negative"},
		{"negative staleness", func(c *policy.V3Config) { c.StaleAfter = -1 }, "stale after: -1ns is negative"},
		{"negative learning", func(c *policy.V3Config) { c.Learning = -1 }, "learning: -1ns is negative"},
		{"quantile 0", func(c *policy.V3Config) { c.Quantile = 0 }, "quantile: 0 is not in (0,1)"},
		{"quantile 1", func(c *policy.V3Config) { c.Quantile = 1 }, "quantile: 1 is not in (0,1)"},
		{"quantile NaN", func(c *policy.V3Config) { c.Quantile = math.NaN() }, "quantile: NaN is not in (0,1)"},
		{"negative max step", func(c *policy.V3Config) { c.MaxStep = -1 }, "max step: -1 is negative"},
		{"a fallback that queries", func(c *policy.V3Config) {
			c.Fallback = mustHPA(t, autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 3, Metrics: []autoscalingv2.MetricSpec{external("1", true)}})
		}, "a fallback may look at pods only"},
	}
	for _, f := range faults {
		cfg := v3Config(forecast.Naive{})
		f.change(&cfg)
		if v, err := policy.NewV3(cfg); err == nil || v != nil || !strings.HasPrefix(err.Error(), "v3: ") || !strings.Contains(err.Error(), f.want) {
			t.Errorf("%s: %v, want %s", f.name, err, f.want)
		}
	}
	_, err := policy.NewV3(policy.V3Config{Lead: -1, MaxStep: -1, StaleAfter: -1})
	for _, want := range []string{"metrics", "model", "min, max", "lead", "quantile", "max step", "stale after"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("all at once lacks %s: %v", want, err)
		}
	}
}

// TestV3Metrics: the metric that needs most decides, or the weighted mean of all, and
// the forecast shown is that of the one that needs most, whichever it is.
func TestV3Metrics(t *testing.T) {
	tests := []struct {
		name    string
		loads   []float64 // 10 a replica
		weights []float64
		want    int32
	}{
		{"the highest first", []float64{50, 20, 30}, nil, 5},
		{"the highest in the middle", []float64{20, 50, 30}, nil, 5},
		{"the highest last", []float64{20, 30, 50}, nil, 5},
		{"a mean that is whole", []float64{20, 60}, []float64{1, 3}, 5},
		{"a mean that is not is rounded up", []float64{20, 50}, []float64{1, 1}, 4},
		{"only ratios count", []float64{20, 50}, []float64{1e-3, 1e-3}, 4},
		{"a mean of equals", []float64{30, 30}, []float64{0.1, 0.1}, 3},
		{"a mean of other equals", []float64{70, 70}, []float64{0.1, 0.6}, 7},
		{"one metric is its own mean", []float64{42}, []float64{0.1}, 5},
		{"more than any number of replicas", []float64{1e30, 1e30, 1e30}, []float64{0.1, 0.2, 0.4}, 100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := v3Config(forecast.Naive{})
			cfg.Metrics = nil
			r := &v3Run{load: always(tt.loads[0]), spec: 1}
			for i, v := range tt.loads {
				m := policy.V3Metric{Query: policy.Query{Name: fmt.Sprint("m", i)}, PerReplica: 10}
				if tt.weights != nil {
					m.Weight = tt.weights[i]
				}
				cfg.Metrics = append(cfg.Metrics, m)
				if i > 0 {
					r.more = append(r.more, always(v))
				}
			}
			r.v = mustV3(t, cfg)
			d := r.until(hm(2, 0))
			if r.spec != tt.want {
				t.Errorf("%d replicas, want %d: %+v", r.spec, tt.want, d.Proposals)
			}
			if highest := slices.Max(tt.loads); d.Forecast.Observed != highest {
				t.Errorf("shows the forecast of the metric at %v, not of that at %v", d.Forecast.Observed, highest)
			}
		})
	}
}

// TestV3OneMetricOfTwo: as long as one of two metrics learns V3 does not decide, and
// one of two that is stale forbids to scale down but not up.
func TestV3OneMetricOfTwo(t *testing.T) {
	cfg := v3Config(forecast.Naive{})
	cfg.Metrics = append(cfg.Metrics, policy.V3Metric{Query: policy.Query{Name: "queue"}, PerReplica: 10})
	queue := func(t time.Time) float64 {
		if at := t.Sub(epoch); at < hm(3, 0) || at >= hm(6, 0) && at < hm(9, 0) {
			return math.NaN()
		}
		return 20
	}
	load := func(t time.Time) float64 {
		switch at := t.Sub(epoch); {
		case at < hm(7, 0):
			return 95
		case at < hm(8, 0):
			return 195
		}
		return 45
	}
	r := &v3Run{v: mustV3(t, cfg), load: load, more: []func(time.Time) float64{queue}, spec: 4}
	tell(t, r, []expect{
		{hm(3, 0), 4, "Learning"},
		{hm(5, 0), 10, "Steady"},
		{hm(6, 5), 10, "Stale"},
	})
	if r.until(hm(7, 30)); r.spec < 20 {
		t.Errorf("%d replicas for a load of 195, because of a queue that nobody knows", r.spec)
	}
	up := r.spec
	if d := r.until(hms(8, 59, 30)); r.spec != up || !d.Hold {
		t.Errorf("%d replicas: %+v", r.spec, d)
	}
	if r.until(hm(12, 0)); r.spec >= up {
		t.Errorf("%d replicas long after the queue came back", r.spec)
	}
}

// TestV3Rails: largest step and bounds, with their clamps in order.
func TestV3Rails(t *testing.T) {
	tests := []struct {
		name     string
		maxStep  int32
		min, max int32
		spec     int32
		load     float64
		want     int32
		clamps   []policy.Clamp
	}{
		{"free, up", 0, 1, 100, 4, 95, 10, nil},
		{"free, down", 0, 1, 100, 40, 95, 10, nil},
		{"a step up", 2, 1, 100, 4, 95, 6, []policy.Clamp{{Name: "max step", From: 10, To: 6}}},
		{"a step down", 2, 1, 100, 40, 95, 38, []policy.Clamp{{Name: "max step", From: 10, To: 38}}},
		{"a step that is enough", 6, 1, 100, 4, 95, 10, nil},
		{"the largest number is no limit", math.MaxInt32, 1, 100, 4, 95, 10, nil},
		{"max", 0, 1, 8, 4, 95, 8, []policy.Clamp{{Name: "max", From: 10, To: 8}}},
		{"min", 0, 20, 100, 30, 95, 20, []policy.Clamp{{Name: "min", From: 10, To: 20}}},
		{"the step ends beyond max", 9, 1, 8, 4, 195, 8, []policy.Clamp{{Name: "max step", From: 20, To: 13}, {Name: "max", From: 13, To: 8}}},
		{"bounds before steps", 2, 20, 100, 4, 95, 20, []policy.Clamp{{Name: "max step", From: 10, To: 6}, {Name: "min", From: 6, To: 20}}},
		{"no load", 0, 0, 100, 4, 0, 0, nil},
		{"more than can be counted", 0, 1, math.MaxInt32, 4, 1e30, math.MaxInt32, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := v3Config(forecast.Naive{})
			cfg.MaxStep, cfg.Min, cfg.Max = tt.maxStep, tt.min, tt.max
			r := &v3Run{v: mustV3(t, cfg), load: always(tt.load), spec: tt.spec}
			var d policy.Decision
			for d.Reason == "" || d.Hold { // up to the first decision of its own
				d = r.step()
			}
			if diff := cmp.Diff(tt.clamps, d.Clamps); d.Replicas != tt.want || diff != "" {
				t.Errorf("%d replicas, want %d; clamps: %s", d.Replicas, tt.want, diff)
			}
			checkClamps(t, tt.spec, &d)
		})
	}
}

// TestV3Behavior compares the limits of speed with the rewrite of those of the HPA, over
// random rules and a load that jumps.
func TestV3Behavior(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 3))
		load := func(t time.Time) float64 {
			return float64(10 * rand.New(rand.NewPCG(seed, uint64(t.Truncate(3*time.Minute).Unix()))).IntN(50))
		}
		behavior := &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: randomRules(r), ScaleDown: randomRules(r)}
		cfg := v3Config(clockwork(load))
		cfg.Behavior = behavior
		// The window ahead is one step, so that up and down want the same.
		cfg.Lead, cfg.ScaleDownAfter = 0, 1
		naive := newNaive(autoscalingv2.HorizontalPodAutoscalerSpec{MinReplicas: new(int32(1)), MaxReplicas: 100, Behavior: behavior})
		naive.started = true
		run := &v3Run{v: mustV3(t, cfg), load: load, spec: 10}
		for run.at < hm(5, 0) {
			now, before := since(run.at), run.spec
			d := run.step()
			if strings.HasPrefix(d.Reason, "Learning") {
				continue
			}
			wish := d.Proposals[0].Replicas
			if want := naive.decide(now, before, wish); d.Replicas != want {
				t.Fatalf("seed %d, %v: %d -> %d with the wish %d, want %d\n%+v", seed, now, before, d.Replicas, wish, want, d)
			}
			if d.Replicas != before {
				naive.events = append(naive.events, event{now, d.Replicas - before})
			}
		}
	}
}

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

// TestV3NoNumberIsMissing: what is no load is missing, however it looks.
func TestV3NoNumberIsMissing(t *testing.T) {
	missing := func(t time.Time) bool {
		at := t.Sub(epoch)
		return at > hm(2, 0) && at < hm(2, 1) || at > hm(3, 0) && at < hm(3, 40) || at%(7*time.Minute) == 0
	}
	run := func(bad float64, err error) []shape {
		cfg := v3Config(forecast.Ridge{})
		cfg.DemoteBelow = 0
		r := &v3Run{v: mustV3(t, cfg), spec: 4}
		r.load = func(t time.Time) float64 {
			if missing(t) {
				return bad
			}
			return noisy(3)(t)
		}
		r.err = func(t time.Time) error {
			if missing(t) {
				return err
			}
			return nil
		}
		return r.shapes(hm(10, 0))
	}
	want := run(0, policy.ErrNoData)
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, -math.MaxFloat64} {
		if diff := cmp.Diff(want, run(bad, nil)); diff != "" {
			t.Errorf("%v: %s", bad, diff)
		}
	}
	if diff := cmp.Diff(want, run(1e9, errors.New("timeout"))); diff != "" {
		t.Errorf("a value beside an error: %s", diff)
	}
	zeros := run(0, nil)
	if cmp.Equal(want, zeros) {
		t.Error("zeros decide the same as missing values: the test says nothing")
	}
}

// TestV3PausedLoop: a loop that did not run for a while knows what one knows whose
// queries failed as long: the values in between are missing, and the first after it
// tells nothing of them.
func TestV3PausedLoop(t *testing.T) {
	for _, gap := range []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute, 17 * time.Minute, 9 * time.Hour} {
		for _, model := range []forecast.Model{forecast.Ridge{}, forecast.SeasonalNaive{Season: 60}} {
			cfg := v3Config(model)
			cfg.DemoteBelow = 0.1
			begin := hm(5, 0) // of the gap
			failing := &v3Run{v: mustV3(t, cfg), load: noisy(4), spec: 4, err: noDataIn(begin, begin+gap)}
			paused := &v3Run{v: mustV3(t, cfg), load: noisy(4), spec: 4}
			failing.until(begin + gap - time.Second)
			paused.until(begin - time.Second)
			paused.at = begin + gap
			paused.spec = failing.spec
			for paused.at < hm(20, 0) {
				if want, got := asJSON(t, failing.step()), asJSON(t, paused.step()); want != got {
					t.Errorf("gap of %v, %s, at %v:\n%s, want\n%s", gap, model.Name(), paused.at, got, want)
					break
				}
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

// FuzzV3 drives two metrics with anything: each byte of the tape is one decision.
func FuzzV3(f *testing.F) {
	f.Add(uint64(1), []byte("steady as she goes"))
	f.Add(uint64(57), []byte(strings.Repeat("0", 61)))
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 4))
		tape := make([]byte, 200)
		for i := range tape {
			tape[i] = byte(r.Uint32())
		}
		f.Add(seed, tape)
	}
	f.Fuzz(func(t *testing.T, seed uint64, tape []byte) {
		r := rand.New(rand.NewPCG(seed, 5))
		cfg := v3Config(pick[forecast.Model](r, forecast.Naive{}, forecast.SeasonalNaive{Season: 7}, forecast.Ridge{Horizons: 4}, clockwork(noisy(seed)), clockwork(always(math.Inf(1)))))
		cfg.Metrics = append(cfg.Metrics, policy.V3Metric{Query: policy.Query{Name: "queue"}, PerReplica: 3})
		if r.IntN(3) == 0 {
			cfg.Metrics[0].Weight, cfg.Metrics[1].Weight = r.Float64(), r.Float64()
		}
		cfg.Learning = time.Duration(1+r.IntN(10)) * time.Minute
		cfg.Lead = time.Duration(r.IntN(300)) * time.Second
		cfg.ScaleDownAfter = time.Duration(r.IntN(600)) * time.Second
		cfg.Quantile = 0.01 + 0.98*r.Float64()
		cfg.DemoteBelow = pick(r, math.NaN(), 0, 0.5, -1)
		cfg.MaxStep = pick(r, int32(0), 0, 1, 5, math.MaxInt32)
		cfg.Min, cfg.Max = pick(r, int32(0), 1, 3), pick(r, int32(3), 50, math.MaxInt32)
		cfg.ReactiveFloor = r.IntN(2) == 0
		if r.IntN(3) == 0 {
			cfg.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: randomRules(r), ScaleDown: randomRules(r)}
		}
		v := mustV3(t, cfg)
		now, spec := epoch, max(cfg.Min, 1)
		tape = tape[:min(len(tape), 300)]
		seen := [2]time.Time{} // when each metric last had a value
		for i, b := range tape {
			now = now.Add(time.Duration(pick(r, 30, 30, 30, 30, 60, 29, 1, 0, 95, 600, 20_000)) * time.Second)
			in := policy.Input{Now: now, Spec: spec, Values: make([]policy.Value, 2)}
			for k := range in.Values {
				x := float64(b) * pick(r, 1.0, 1, 1, 0, 10)
				val := &in.Values[k]
				switch {
				case b > 250:
					val.Value = pick(r, math.NaN(), math.Inf(1), math.Inf(-1), -1, math.MaxFloat64, 5e-324)
				case b > 230 || b > 190 && k == 1:
					val.Err = policy.ErrNoData
				default:
					val.Value = x
				}
				if val.Err == nil && val.Value >= 0 && !math.IsInf(val.Value, 1) {
					seen[k] = now
				}
			}
			d := v.Decide(in)
			if d.Hold && d.Replicas != spec {
				t.Fatalf("decision %d holds %d at %d", i, d.Replicas, spec)
			}
			if !d.Hold && (d.Replicas < cfg.Min || d.Replicas > cfg.Max) {
				t.Fatalf("decision %d: %d is not in [%d, %d]: %+v", i, d.Replicas, cfg.Min, cfg.Max, d)
			}
			stale := now.Sub(seen[0]) >= 2*time.Minute || now.Sub(seen[1]) >= 2*time.Minute
			if stale && d.Replicas < spec {
				t.Fatalf("decision %d scales down from %d to %d without data: %+v", i, spec, d.Replicas, d)
			}
			if s := int64(cfg.MaxStep); s > 0 && max(int64(d.Replicas)-int64(spec), int64(spec)-int64(d.Replicas)) > s {
				t.Fatalf("decision %d: from %d to %d in steps of %d", i, spec, d.Replicas, s)
			}
			checkClamps(t, spec, &d)
			if f := d.Forecast; f != nil && (math.IsNaN(f.Upper) || f.Upper < 0) {
				t.Fatalf("decision %d: forecast %+v", i, f)
			}
			if d.Replicas != spec && r.IntN(10) > 0 { // now and then the update fails
				v.Commit(now, spec, d.Replicas)
				spec = d.Replicas
			}
		}
	})
}

// TestV3Docs holds docs/v3.md to the configuration: it has every field in its table.
func TestV3Docs(t *testing.T) {
	doc, err := os.ReadFile("../docs/v3.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[policy.V3Config](), reflect.TypeFor[policy.V3Metric]()} {
		for f := range typ.Fields() {
			if !strings.Contains(string(doc), "`"+f.Name+"`") {
				t.Errorf("docs/v3.md does not name %s", f.Name)
			}
		}
	}
}

// BenchmarkV3Decide makes the decisions of a day at the default interval.
func BenchmarkV3Decide(b *testing.B) {
	for _, model := range []forecast.Model{forecast.Naive{}, forecast.Ridge{Horizons: 11}} {
		b.Run(model.Name(), func(b *testing.B) {
			loads := make([]float64, 2880)
			for i := range loads {
				loads[i] = noisy(8)(since(time.Duration(i) * 30 * time.Second))
			}
			cfg := v3Config(model)
			cfg.DemoteBelow = 0
			v := mustV3(b, cfg)
			now, spec := epoch, int32(10)
			in := policy.Input{Values: make([]policy.Value, 1)}
			decide := func(i int) {
				in.Now, in.Spec, in.Values[0].Value = now, spec, loads[i%len(loads)]
				spec = v.Decide(in).Replicas
				now = now.Add(30 * time.Second)
			}
			for i := range 3 * len(loads) {
				decide(i)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				decide(i)
			}
		})
	}
}
