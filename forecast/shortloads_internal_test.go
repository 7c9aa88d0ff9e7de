package forecast

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// A shortLoad is a made-up load of a few hours, of a kind that a new or a rarely used
// service has.
type shortLoad struct {
	kind string
	seed uint64
	Series
}

// shortKinds make n values of a load each. What they have of parameters they draw.
var shortKinds = []struct {
	name string
	make func(r *rand.Rand, n int) []float64
}{
	{"poisson-rare", func(r *rand.Rand, n int) []float64 {
		rate := math.Exp(between(r, math.Log(.02), math.Log(.5)))
		return repeat(n, func(int) float64 { return poisson(r, rate) })
	}},
	{"poisson-low", func(r *rand.Rand, n int) []float64 {
		rate := math.Exp(between(r, 0, math.Log(20)))
		return repeat(n, func(int) float64 { return poisson(r, rate) })
	}},
	{"poisson-wave", func(r *rand.Rand, n int) []float64 {
		rate, period, phase := between(r, 1, 30), between(r, 60, 2000), between(r, 0, 6)
		return repeat(n, func(i int) float64 { return poisson(r, rate*(1+.9*math.Sin(phase+2*math.Pi*float64(i)/period))) })
	}},
	{"negative-binomial", func(r *rand.Rand, n int) []float64 {
		mean, shape := between(r, .3, 10), between(r, .1, 2)
		return repeat(n, func(int) float64 { return poisson(r, mean/shape*gamma(r, shape)) })
	}},
	{"bursts", func(r *rand.Rand, n int) []float64 { // on and off, each burst of its own height
		return bursts(r, n, func() func() float64 {
			height, spread := math.Exp(3+r.NormFloat64()), between(r, 0, .5)
			return func() float64 { return height * math.Exp(spread*r.NormFloat64()) }
		})
	}},
	{"plateaus", func(r *rand.Rand, n int) []float64 { // on and off, always of the same height
		rate := between(r, 5, 200)
		return bursts(r, n, func() func() float64 { return func() float64 { return math.Round(rate + between(r, -1, 1)) } })
	}},
	{"count-bursts", func(r *rand.Rand, n int) []float64 {
		return bursts(r, n, func() func() float64 {
			rate := math.Exp(1 + 1.5*r.NormFloat64())
			return func() float64 { return poisson(r, rate) }
		})
	}},
	{"decays", func(r *rand.Rand, n int) []float64 { // surges that ebb away
		level, ebb, rare := 0.0, math.Exp(-1/between(r, 3, 60)), between(r, 40, 300)
		return repeat(n, func(int) float64 {
			level *= ebb
			if r.Float64() < 1/rare {
				level += math.Exp(4 + r.NormFloat64())
			}
			return poisson(r, level)
		})
	}},
	{"cron", func(r *rand.Rand, n int) []float64 {
		every, length := []int{5, 10, 15, 30, 60}[r.IntN(5)], 1+r.IntN(4)
		height, noise, offset := between(r, 10, 100), between(r, 0, 3), r.IntN(60)
		return repeat(n, func(i int) float64 {
			y := noise * math.Abs(r.NormFloat64())
			if (i+offset)%every < length {
				y += height + 3*r.NormFloat64()
			}
			return max(y, 0)
		})
	}},
	{"autoregression", func(r *rand.Rand, n int) []float64 {
		memory, spread, state := []float64{.3, .7, .9, .97}[r.IntN(4)], between(r, 3, 30), 0.0
		return repeat(n, func(int) float64 {
			state = memory*state + math.Sqrt(1-memory*memory)*r.NormFloat64()
			return max(100+spread*state, 0)
		})
	}},
	{"walk", func(r *rand.Rand, n int) []float64 {
		level, spread := 100.0, between(r, .5, 5)
		return repeat(n, func(int) float64 {
			level = math.Abs(level + spread*r.NormFloat64())
			return level
		})
	}},
	{"shifts", func(r *rand.Rand, n int) []float64 {
		level, noise, rare := 100.0, between(r, .01, .3), between(r, 50, 400)
		return repeat(n, func(int) float64 {
			if r.Float64() < 1/rare {
				level = 100 * math.Exp(r.NormFloat64())
			}
			return max(level*(1+noise*r.NormFloat64()), 0)
		})
	}},
	{"begins", func(r *rand.Rand, n int) []float64 { // next to nothing, and then a load
		start, rate := int(between(r, .3, .7)*float64(n)), between(r, 1, 200)
		memory, state := between(r, 0, .98), 0.0
		return repeat(n, func(i int) float64 {
			if i < start {
				return poisson(r, .01)
			}
			state = memory*state + math.Sqrt(1-memory*memory)*r.NormFloat64()
			return poisson(r, rate*math.Exp(.5*state))
		})
	}},
	{"ends", func(r *rand.Rand, n int) []float64 { // a load, which ebbs away in the scored part
		end, rate := between(r, .25, .6)*float64(n), between(r, 1, 200)
		memory, state, ebb := between(r, 0, .98), 0.0, between(r, 1, 30)
		return repeat(n, func(i int) float64 {
			state = memory*state + math.Sqrt(1-memory*memory)*r.NormFloat64()
			return poisson(r, rate*math.Exp(.5*state)*min(1, math.Exp((end-float64(i))/ebb)))
		})
	}},
}

// shortLengths are how many minutes the loads have.
var shortLengths = []int{60, 150, 400, 1000, 1440}

// shortLoads returns loads of each kind and length for so many seeds, counts a minute or
// the like.
func shortLoads(from, seeds uint64) []shortLoad {
	var loads []shortLoad
	for k, kind := range shortKinds {
		for _, n := range shortLengths {
			for seed := range seeds {
				seed += from
				r := rand.New(rand.NewPCG(seed, uint64(1000*k+n)))
				s := Series{Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Step: time.Minute, Values: kind.make(r, n)}
				some := false
				for _, y := range s.Values[n/4+5:] {
					some = some || y > 0
				}
				if some { // Of nothing there is no share of error.
					loads = append(loads, shortLoad{kind.name, seed, s})
				}
			}
		}
	}
	return loads
}

// bursts are times of nothing, with times between of what a burst makes.
func bursts(r *rand.Rand, n int, burst func() func() float64) []float64 {
	on, off := math.Exp(between(r, math.Log(1.5), math.Log(60))), math.Exp(between(r, math.Log(10), math.Log(200)))
	var value func() float64
	return repeat(n, func(int) float64 {
		switch {
		case value == nil && r.Float64() < 1/off:
			value = burst()
		case value != nil && r.Float64() < 1/on:
			value = nil
		}
		if value == nil {
			return 0
		}
		return value()
	})
}

func repeat(n int, f func(i int) float64) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = f(i)
	}
	return values
}

func between(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }

// poisson draws a count by the times between arrivals.
func poisson(r *rand.Rand, rate float64) float64 {
	if rate > 400 {
		return max(math.Round(rate+math.Sqrt(rate)*r.NormFloat64()), 0)
	}
	n := 0.0
	for t := r.ExpFloat64(); t < rate; t += r.ExpFloat64() {
		n++
	}
	return n
}

// gamma draws from the gamma distribution of scale 1 (Marsaglia and Tsang, ACM
// Transactions on Mathematical Software 26, 2000).
func gamma(r *rand.Rand, shape float64) float64 {
	if shape < 1 {
		return gamma(r, shape+1) * math.Pow(r.Float64(), 1/shape)
	}
	d := shape - 1./3
	for {
		x := r.NormFloat64()
		v := math.Pow(1+x/math.Sqrt(9*d), 3)
		if v > 0 && math.Log(1-r.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// On short loads of many kinds auto is, in the mean over each kind, not far behind the best
// in hindsight of simple forecasts, and in the mean over all kinds ahead of it. Its
// intervals hold on most of them: within 2 points or 2 standard errors. They hold on few of
// those that are mostly nothing, where an interval has all of it or next to none.
func TestAutoOnShortLoads(t *testing.T) {
	const h = 5
	singles := []Model{Naive{}, SES{}, Median{Window: 60}, Ridge{Horizons: h}}
	logs, counts := map[string]float64{}, map[string]float64{}
	held80, held95, loads := 0.0, 0.0, 0.0
	holds := func(share, level float64, n int) bool {
		return math.Abs(share-level) <= max(.02, 2*math.Sqrt(level*(1-level)/float64(n)))
	}
	for _, load := range shortLoads(100, 3) {
		if len(load.Values) < 400 {
			continue
		}
		e, err := Evaluate(t.Context(), load.Series, append([]Model{Auto{Horizons: h}}, singles...), EvaluateOptions{Horizons: []int{h}})
		if err != nil {
			t.Fatal(err)
		}
		score := e.Models[0].Horizons[0]
		loads++
		if holds(score.Coverage80, .8, score.N) {
			held80++
		}
		if holds(score.Coverage95, .95, score.N) {
			held95++
		}
		best := math.Inf(1)
		for _, m := range e.Models[1:] {
			best = min(best, m.Horizons[0].WAPE)
		}
		if best > 0 {
			logs[load.kind] += math.Log(e.Models[0].Horizons[0].WAPE / best)
			counts[load.kind]++
		}
	}
	t.Logf("80 %% intervals hold on %.1f %% of %v loads, 95 %% intervals on %.1f %%", 100*held80/loads, loads, 100*held95/loads)
	if held80 < .68*loads || held95 < .8*loads {
		t.Errorf("80 %% intervals hold on %v and 95 %% intervals on %v of %v loads", held80, held95, loads)
	}
	all := 0.0
	for kind, sum := range logs {
		mean := sum / counts[kind]
		all += mean / float64(len(logs))
		if mean > math.Log(1.15) {
			t.Errorf("%s: WAPE %+.1f %% of the best", kind, 100*math.Expm1(mean))
		}
	}
	if all > 0 {
		t.Errorf("all: WAPE %+.1f %% of the best", 100*math.Expm1(all))
	}
}
