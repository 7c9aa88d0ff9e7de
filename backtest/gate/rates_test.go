package gate_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hindcast.dev/backtest/gate"
	"hindcast.dev/backtest/result"
	"hindcast.dev/datasets"
	"hindcast.dev/forecast"
)

// forecasts are what a real model said on a built-in scenario, 5 and 10 minutes ahead.
type forecasts struct {
	warmUp int
	series forecast.Series
	tracks []*forecast.Track
}

func realForecasts(t *testing.T, name string) forecasts {
	t.Helper()
	scenario, err := datasets.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	load := scenario.Generate(1)
	f := forecasts{series: forecast.Series{Start: load.Start, Step: load.Step, Values: load.Values}, warmUp: len(load.Values) / 4}
	model, err := forecast.ByName("ridge", forecast.Settings{Step: load.Step, Seasons: []int{1440}, Horizon: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []int{5, 10} {
		eval, err := forecast.Evaluate(context.Background(), f.series, []forecast.Model{model},
			forecast.EvaluateOptions{Horizons: []int{h}, WarmUp: f.warmUp, RefitEvery: 1440, TrackHorizon: h})
		if err != nil {
			t.Fatal(err)
		}
		f.tracks = append(f.tracks, eval.Models[0].Track)
	}
	return f
}

// blocks returns the run's blocks where each forecast is changed by so large a noise,
// a share of the load, whose neighbours are alike (AR(1), 0.8).
func (f *forecasts) blocks(seed uint64, size float64) *result.Blocks {
	const minutes = 60
	r := rand.New(rand.NewPCG(seed, 7))
	m := result.ModelBlocks{Name: "m"}
	for _, track := range f.tracks {
		n := (len(f.series.Values) - f.warmUp + minutes - 1) / minutes
		h := result.HorizonBlocks{
			HorizonSeconds: float64(60 * track.Horizon), BlockSeconds: 3600,
			Absolute: make([]result.Number, n), Size: make([]result.Number, n),
		}
		noise, all, load := 0.0, 0.0, 0.0
		for i, y := range track.Actual {
			noise = 0.8*noise + 0.6*r.NormFloat64()
			if math.IsNaN(y) {
				continue
			}
			k := (i + track.Horizon - 1) / minutes
			e := math.Abs(y - track.Point[i]*(1+size*noise))
			h.Absolute[k] += result.Number(e)
			h.Size[k] += result.Number(math.Abs(y))
			all, load = all+e, load+math.Abs(y)
		}
		h.WAPE = result.Number(all / load)
		m.Horizons = append(m.Horizons, h)
	}
	return &result.Blocks{
		Schema: result.BlocksSchema, Models: []result.ModelBlocks{m},
		Series: result.ScoredSeries{Name: "s", StepSeconds: 60, Checksum: "c", Start: time.Unix(0, 0)},
	}
}

// resampled draws both runs' blocks in the same order, half a day at a time; where
// swap is set, each half day of one run may change places with that of the other, so
// that neither is better whatever they were.
func resampled(seed uint64, swap bool, a, b *result.Blocks) {
	r := rand.New(rand.NewPCG(seed, 11))
	n := len(a.Models[0].Horizons[0].Absolute)
	var order []int
	var swapped []bool
	for len(order) < n {
		start, other := r.IntN(n), swap && r.IntN(2) == 0
		for k := range 12 {
			order, swapped = append(order, (start+k)%n), append(swapped, other)
		}
	}
	for i := range a.Models[0].Horizons {
		x, y := &a.Models[0].Horizons[i], &b.Models[0].Horizons[i]
		var first, second, size []result.Number
		for k, from := range order[:n] {
			u, v := x.Absolute[from], y.Absolute[from]
			if swapped[k] {
				u, v = v, u
			}
			first, second, size = append(first, u), append(second, v), append(size, x.Size[from])
		}
		x.Absolute, x.Size, x.WAPE = first, size, sum(first)/sum(size)
		y.Absolute, y.Size, y.WAPE = second, size, sum(second)/sum(size)
	}
}

func sum(v []result.Number) result.Number {
	t := result.Number(0)
	for _, x := range v {
		t += x
	}
	return t
}

func outcome(t *testing.T, run, baseline *result.Blocks) result.CheckOutcome {
	t.Helper()
	c, err := gate.Check(run, baseline, gate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c.Outcome
}

// noiseFor finds the noise that makes the mean WAPE over some seeds so much worse.
func (f *forecasts) noiseFor(loss, old float64) float64 {
	wape := func(size float64) float64 {
		t := 0.0
		for seed := range uint64(5) {
			t += float64(f.blocks(1000+seed, size).Models[0].Horizons[0].WAPE) / 5
		}
		return t
	}
	base := wape(old)
	low, high := old, 0.5
	for range 14 {
		if mid := (low + high) / 2; wape(mid) < base*(1+loss) {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// TestRates counts on 100 seeds each how often the gate finds what was planted, and
// how often it finds what is not there.
func TestRates(t *testing.T) {
	for _, scenario := range []string{"shop", "regime-change"} {
		f := realForecasts(t, scenario)
		const jitter = 0.01
		planted := f.noiseFor(0.03, 0)
		plantedOnJitter := f.noiseFor(0.03, jitter)
		for _, c := range []struct {
			name        string
			draw        func(seed uint64) (old, now *result.Blocks)
			least, most int // regressions
			passes      int // at least
		}{
			{"block-resamples of an unchanged model", func(seed uint64) (old, now *result.Blocks) {
				old, now = f.blocks(0, 0), f.blocks(0, 0)
				resampled(seed, false, old, now)
				return old, now
			}, 0, 0, 100},
			{"block-resamples of a model whose noise is another", func(seed uint64) (old, now *result.Blocks) {
				old, now = f.blocks(1, jitter), f.blocks(2, jitter)
				resampled(seed, true, old, now)
				return old, now
			}, 0, 5, 0},
			{"a model whose noise is another", func(seed uint64) (old, now *result.Blocks) {
				return f.blocks(seed, jitter), f.blocks(seed+500, jitter)
			}, 0, 5, 0},
			{"a model whose noise is small and another", func(seed uint64) (old, now *result.Blocks) {
				return f.blocks(seed, jitter/5), f.blocks(seed+500, jitter/5)
			}, 0, 0, 95},
			{"block-resamples, 3 % worse", func(seed uint64) (old, now *result.Blocks) {
				old, now = f.blocks(seed, 0), f.blocks(seed, planted)
				resampled(seed, false, old, now)
				return old, now
			}, 95, 100, 0},
			{"3 % worse, and another noise", func(seed uint64) (old, now *result.Blocks) {
				return f.blocks(seed, jitter), f.blocks(seed+500, plantedOnJitter)
			}, 95, 100, 0},
			{"3 % better, and another noise", func(seed uint64) (old, now *result.Blocks) {
				return f.blocks(seed, plantedOnJitter), f.blocks(seed+500, jitter)
			}, 0, 0, 80},
		} {
			found := map[result.CheckOutcome]int{}
			for seed := range uint64(100) {
				old, now := c.draw(seed)
				found[outcome(t, now, old)]++
			}
			t.Logf("%s, %s: %v", scenario, c.name, found)
			if n := found[result.CheckRegression]; n < c.least || n > c.most || found[result.CheckPass] < c.passes {
				t.Errorf("%s, %s: %v, want %d to %d regressions and at least %d passes", scenario, c.name, found, c.least, c.most, c.passes)
			}
		}
	}
}

// TestCoverage wants the interval to hold the true loss about as often as it says,
// where the errors of neighbouring blocks hang together and differ in size by hour.
func TestCoverage(t *testing.T) {
	const runs, n, loss = 400, 150, 0.02
	for _, rho := range []float64{0, 0.5, 0.8} {
		inside, told := 0, 0
		for seed := range uint64(runs) {
			r := rand.New(rand.NewPCG(seed, 3))
			common, own := 0.0, 0.0
			old, now := make([]result.Number, n), make([]result.Number, n)
			for k := range n {
				common = rho*common + math.Sqrt(1-rho*rho)*r.NormFloat64()
				own = rho*own + math.Sqrt(1-rho*rho)*r.NormFloat64()
				size := 2 + math.Sin(2*math.Pi*float64(k)/24)
				base := size * (4 + common)
				old[k], now[k] = result.Number(base), result.Number(base*(1+loss)+0.2*size*own)
			}
			c, err := gate.Check(single(now), single(old), gate.Options{})
			if err != nil {
				t.Fatal(err)
			}
			g := c.Guards[0]
			if g.Interval == nil {
				continue // It says that it cannot tell.
			}
			told++
			if loss >= g.Interval[0] && loss <= g.Interval[1] {
				inside++
			}
		}
		t.Logf("autocorrelation %v: %d of %d inside, of %d runs", rho, inside, told, runs)
		if share := float64(inside) / float64(told); share < 0.9 || share > 0.985 || told < runs*9/10 {
			t.Errorf("autocorrelation %v: a 95 %% interval holds the truth in %.1f %% of %d", rho, 100*share, told)
		}
	}
}

// single is a run of one model at one horizon.
func single(absolute []result.Number) *result.Blocks {
	size := slices.Repeat([]result.Number{100}, len(absolute))
	return &result.Blocks{
		Schema: result.BlocksSchema,
		Series: result.ScoredSeries{Name: "s", StepSeconds: 60, Checksum: "c"},
		Models: []result.ModelBlocks{{Name: "m", Horizons: []result.HorizonBlocks{{
			HorizonSeconds: 300, BlockSeconds: 3600, WAPE: sum(absolute) / sum(size), Absolute: absolute, Size: size,
		}}}},
	}
}
