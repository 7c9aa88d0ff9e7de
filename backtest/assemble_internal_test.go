package backtest

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/datasets"
	"hindcast.dev/forecast"
	"hindcast.dev/sim"
)

// TestLatencyHistogramInterpolates: as PromQL's histogram_quantile, linearly within
// the bucket that holds the rank, and no further than the last finite bound.
func TestLatencyHistogramInterpolates(t *testing.T) {
	h := latencyHistogram{bounds: []float64{0.1, 0.2, 0.5, math.Inf(1)}, within: []float64{10, 30, 30, 40}}
	for q, want := range map[float64]result.Number{0: 0, 0.125: 0.05, 0.25: 0.1, 0.5: 0.15, 0.75: 0.2, 0.8: 0.5, 0.99: 0.5} {
		if got := h.quantile(q); math.Abs(float64(got-want)) > 1e-12 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
}

// TestLatencyQuantilesAreTheDistributions: buckets that grow by a twentieth give the
// quantiles of the distribution itself within that.
func TestLatencyQuantilesAreTheDistributions(t *testing.T) {
	e := testEnv(t, ramp(8, 200))
	ent, err := builtIn(e, "hpa")
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.run(t.Context(), task{entrant: &ent, value: 70, seed: 1, latencies: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := newLatencyHistogram(out.latencies)
	for _, q := range []float64{0.5, 0.95, 0.99} {
		got, want := float64(h.quantile(q)), out.latencies.Quantile(q).Seconds()
		if math.Abs(got/want-1) > 0.05 {
			t.Errorf("quantile %v is %v s in buckets, %v s in the distribution", q, got, want)
		}
	}
	if !slices.IsSorted(h.within) || !slices.IsSorted(h.bounds) || h.total() != out.latencies.Total() {
		t.Error("buckets do not hold each other")
	}
	lines := strings.Split(strings.TrimSpace(string(latencyTable(out.latencies))), "\n")
	if lines[0] != "le,requests" || !strings.HasPrefix(lines[len(lines)-1], "+Inf,") || len(lines) != len(h.bounds)+1 {
		t.Errorf("table of %d lines from %q to %q", len(lines), lines[0], lines[len(lines)-1])
	}
}

// TestNoiseFloorOfPoissonCounts: for independent counts of mean mu the best forecast,
// mu itself, has a WAPE of about sqrt(2/(pi mu)); that the load was multiplied since
// does not make it less noisy.
func TestNoiseFloorOfPoissonCounts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	const mu, factor = 400., 5.
	counts := make([]float64, 20000)
	for i := range counts {
		counts[i] = math.Round(mu + math.Sqrt(mu)*r.NormFloat64())
		if i%97 == 0 {
			counts[i] = math.NaN()
		}
	}
	want := math.Sqrt(2 / (math.Pi * mu))
	floor := func(unit datasets.Unit, counts []float64) result.Number {
		load := forecast.Series{Start: monday, Step: time.Minute, Values: make([]float64, len(counts))}
		for i, c := range counts {
			load.Values[i] = c / 60 * factor
		}
		// The first quarter is not scored: what it holds does not matter.
		for i := range len(counts) / 4 {
			load.Values[i] = 1e6
		}
		e := &env{recorded: datasets.Series{Unit: unit}, factor: factor, scoredFrom: load.Time(len(counts) / 4)}
		return e.noiseFloor(load)
	}
	for _, unit := range []datasets.Unit{datasets.CountPerStep, datasets.RPS} {
		if got := float64(floor(unit, counts)); math.Abs(got/want-1) > 0.03 {
			t.Errorf("%s: %v, want %v", unit, got, want)
		}
	}
	if got := floor(datasets.Cores, counts); got.Defined() {
		t.Errorf("cores are no counts: %v", got)
	}
	if got := floor(datasets.RPS, make([]float64, 9)); got.Defined() {
		t.Errorf("nothing has no noise floor: %v", got)
	}
}

// TestFiguresOverSeeds: shares are of the sums, amounts are means, rises are pooled.
func TestFiguresOverSeeds(t *testing.T) {
	p := &point{outputs: []output{
		{scored: scored{days: []tally{{requests: 100, good: 90, bad: 10, podSeconds: 3600, actions: 3, rises: 1, riseSeconds: 10}}, rises: []float64{10}}},
		{scored: scored{days: []tally{{requests: 300, good: 300, podSeconds: 7200, actions: 4, rises: 2, riseSeconds: 50}}, rises: []float64{20, 30}}},
	}}
	b := &bench{env: &env{objective: 0.9, prices: prices{podHour: 0.1}}}
	sla, _, cost, scaling := b.figures(p)
	if sla.RequestsGood != 390./400 || math.Abs(float64(sla.ErrorBudgetSpent)-10./40) > 1e-12 {
		t.Errorf("SLA %+v", sla)
	}
	if math.Abs(float64(cost.PodHours)-1.5) > 1e-12 || math.Abs(float64(cost.Price)-0.15) > 1e-12 {
		t.Errorf("cost %+v", cost)
	}
	if scaling.Actions != 4 || scaling.ScaleUpSeconds != (result.ScaleUpSeconds{N: 3, Mean: 20, P50: 20, P95: 29}) {
		t.Errorf("scaling %+v", scaling)
	}
}

// TestBestReachable: on a load that maxReplicas carry it meets the objective, on one of
// twice their capacity it cannot.
func TestBestReachable(t *testing.T) {
	e := testEnv(t, ramp(8, 200))
	b := &bench{env: e}
	if got := float64(b.bestReachable()); got < e.objective || got > 1 {
		t.Errorf("with %d replicas %v", e.max, got)
	}
	e.load = sim.Load{Start: e.load.Start, Step: e.load.Step, Values: slices.Repeat([]float64{2 * float64(e.max) * e.capacity}, len(e.load.Values))}
	if got := float64(b.bestReachable()); got >= 0.9 {
		t.Errorf("at twice the capacity of %d replicas %v", e.max, got)
	}
}
