package backtest

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/datasets"
	"hindcast.dev/forecast"
	"hindcast.dev/sim"
)

func TestRangeMaxAgainstALoop(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for n := 1; n <= 40; n++ {
		values := make([]float64, n)
		for i := range values {
			if values[i] = r.NormFloat64(); r.IntN(4) == 0 {
				values[i] = math.NaN()
			}
		}
		table := newRangeMax(values)
		for i := range n {
			for j := i + 1; j <= n; j++ {
				want := math.NaN()
				for _, v := range values[i:j] {
					if !math.IsNaN(v) && !(want >= v) {
						want = v
					}
				}
				if got := table.over(i, j); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
					t.Fatalf("maximum of %v is %v, got %v", values[i:j], want, got)
				}
			}
		}
	}
}

// TestMaxLoadLooksAtWholeSteps: every step that shares an instant with [from, to].
func TestMaxLoadLooksAtWholeSteps(t *testing.T) {
	e := &env{load: sim.Load{Start: monday, Step: time.Minute, Values: []float64{1, 5, 2, math.NaN(), 3}}}
	e.highest = newRangeMax(e.load.Values)
	for _, tc := range []struct {
		from, to time.Duration
		want     float64
	}{
		{0, 59 * time.Second, 1},
		{0, time.Minute, 5},
		{90 * time.Second, 100 * time.Second, 5},
		{2 * time.Minute, 3 * time.Minute, 2},
		{3 * time.Minute, 200 * time.Second, math.NaN()},
		{4 * time.Minute, time.Hour, 3},
		{5 * time.Minute, time.Hour, math.NaN()},
		{-time.Hour, 0, 1},
		{-time.Hour, -time.Minute, math.NaN()},
	} {
		if got := e.maxLoad(monday.Add(tc.from), monday.Add(tc.to)); got != tc.want && !(math.IsNaN(got) && math.IsNaN(tc.want)) {
			t.Errorf("[%v, %v]: got %v, want %v", tc.from, tc.to, got, tc.want)
		}
	}
}

func TestOfferedAgainstALoop(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	load := sim.Load{Start: monday, Step: 40 * time.Second, Values: make([]float64, 50)}
	for i := range load.Values {
		if load.Values[i] = 100 * r.Float64(); r.IntN(5) == 0 {
			load.Values[i] = math.NaN()
		}
	}
	load.Values[0] = math.NaN() // before the first value nothing is offered
	o := newOffered(load)
	for at := time.Duration(0); at <= load.End().Sub(load.Start)+time.Minute; at += time.Duration(r.IntN(60)) * time.Second {
		want, rate := 0.0, 0.0
		for s := range int(at.Seconds()) {
			if i := s / 40; i < len(load.Values) && !math.IsNaN(load.Values[i]) {
				rate = load.Values[i]
			}
			want += rate
		}
		if got := o.at(monday.Add(at)); math.Abs(got-want) > 1e-6 {
			t.Fatalf("%v requests after %v, want %v", got, at, want)
		}
	}
}

// TestDemandIsTheFewestThatMeetTheObjective checks d(l) against the service model: as
// many replicas meet the objective, one fewer do not.
func TestDemandIsTheFewestThatMeetTheObjective(t *testing.T) {
	e := testEnv(t, ramp(8, 200))
	if e.demand(0) != 0 {
		t.Errorf("no load needs %d replicas", e.demand(0))
	}
	last := int32(0)
	for load := 1.0; load < 3000; load *= 1.1 {
		d := e.demand(load)
		if d < last {
			t.Fatalf("demand falls from %d to %d at %v", last, d, load)
		}
		last = d
		if got := e.service.GoodShare(load/float64(d), 1); got < e.objective-1e-6 {
			t.Errorf("%v requests/s on %d replicas: %v good, want %v", load, d, got, e.objective)
		}
		if d > 1 {
			if got := e.service.GoodShare(load/float64(d-1), 1); got >= e.objective+1e-6 {
				t.Errorf("%v requests/s on %d replicas: %v good, so that %d are too many", load, d-1, got, d)
			}
		}
	}
}

func TestScaleForPutsThePeakWhereAsked(t *testing.T) {
	e := testEnv(t, ramp(8, 200))
	s := datasets.Series{Values: []float64{1, 2, 3, math.NaN(), 4}, Step: time.Minute}
	k, err := scaleFor(s, e.capacity, 12)
	if err != nil {
		t.Fatal(err)
	}
	if got := k * datasets.Quantile(s, 0.99) / e.capacity; math.Abs(got-12) > 1e-9 {
		t.Errorf("the p99 needs %v replicas, want 12", got)
	}
	if _, err := scaleFor(datasets.Series{Values: []float64{0, 0, math.NaN()}}, e.capacity, 12); err == nil {
		t.Error("a load of zero was scaled")
	}
}

func TestWarmUpEndsWithAWholeStepAndMinute(t *testing.T) {
	for _, tc := range []struct {
		warmup string
		want   time.Duration
		err    string
	}{
		{"25%", 50 * time.Minute, ""},
		{"10%", 20 * time.Minute, ""},
		{"90s", 2 * time.Minute, ""},
		{"0%", 0, ""},
		{"200m", 0, "leaves nothing"},
		{"99.9%", 0, "leave nothing to score"},
	} {
		x := experiment(t, ramp(8, 200))
		x.Spec.Warmup = tc.warmup
		e, err := newEnv(x, x.Spec.Datasets[0], "default", "app")
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%s: got %v, want %q", tc.warmup, err, tc.err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := e.scoredFrom.Sub(e.load.Start); got != tc.want {
			t.Errorf("%s of 200 minutes: scored after %v, want %v", tc.warmup, got, tc.want)
		}
		if err := e.close(); err != nil {
			t.Error(err)
		}
	}
}

// TestBoundsAndNodes: half again the demand at the highest scored load, and room for
// them all.
func TestBoundsAndNodes(t *testing.T) {
	e := testEnv(t, ramp(8, 200))
	if want := int32(math.Ceil(1.5 * float64(e.demand(e.maxScored)))); e.max != want {
		t.Errorf("at most %d replicas, want %d", e.max, want)
	}
	x := experiment(t, ramp(8, 200))
	x.Spec.MaxReplicas = 3
	x.Spec.MinReplicas = new(int32(4))
	if _, err := newEnv(x, x.Spec.Datasets[0], "default", "app"); err == nil || !strings.Contains(err.Error(), "maxReplicas 3 is less than minReplicas 4") {
		t.Errorf("got %v", err)
	}
	perNode := e.nodes.MilliCPU / e.requestMilliCPU
	if room := int64(e.nodes.Count) * perNode; room < int64(e.max) {
		t.Errorf("room for %d pods, at most %d are asked for", room, e.max)
	}
}

func TestUnknownIdsAreNamed(t *testing.T) {
	e := testEnv(t, ramp(8, 200))
	if _, _, err := newEntrant(e, v1alpha1.PolicyRef{Name: "hpaa"}, nil); err == nil || !strings.Contains(err.Error(), `did you mean "hpa"`) {
		t.Errorf("got %v", err)
	}
	if _, err := newModel("naiv", forecast.Settings{Step: time.Minute, Horizon: 5}); err == nil || !strings.Contains(err.Error(), `did you mean "naive"`) {
		t.Errorf("got %v", err)
	}
}
