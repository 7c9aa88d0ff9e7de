package forecast_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

func TestDetectSeason(t *testing.T) {
	const day = 288 // Steps of five minutes.
	r := rand.New(rand.NewPCG(17, 1))
	dayWave := func(i int) float64 { return math.Sin(2 * math.Pi * float64(i%day) / day) }
	weekend := func(i int) float64 {
		if i/day%7 >= 5 {
			return .4
		}
		return 1
	}
	level := 0.0
	tests := []struct {
		name string
		days int
		load func(i int) float64
		want []int
	}{
		{"day", 10, func(i int) float64 { return 100 + 40*dayWave(i) + 10*r.NormFloat64() }, []int{day}},
		{"day and week", 28, func(i int) float64 { return weekend(i) * (100 + 60*dayWave(i) + 5*r.NormFloat64()) }, []int{day, 7 * day}},
		{"week alone", 28, func(i int) float64 { return 100*weekend(i) + 5*r.NormFloat64() }, []int{7 * day}},
		{"growing tenfold", 14, func(i int) float64 {
			return math.Pow(10, float64(i)/(14*day)) * (100 + 60*dayWave(i) + 5*r.NormFloat64())
		}, []int{day}},
		{"nightly job", 14, func(i int) float64 {
			if i%day < 12 {
				return 50
			}
			return 10 + r.NormFloat64()
		}, []int{day}},
		{"noise", 28, func(int) float64 { return 100 + 10*r.NormFloat64() }, nil},
		{"random walk", 28, func(int) float64 { level += r.NormFloat64(); return 1000 + level }, nil},
		{"line", 28, func(i int) float64 { return float64(i) }, nil},
		{"constant", 28, func(int) float64 { return 5 }, nil},
		{"zero", 28, func(int) float64 { return 0 }, nil},
		{"less than two days", 1, func(i int) float64 { return 100 + 40*dayWave(i) }, nil},
		{"12-hour rhythm repeats daily", 10, func(i int) float64 { return 100 + 50*math.Sin(4*math.Pi*float64(i)/day) + r.NormFloat64() }, []int{day}},
		{"below zero", 10, func(i int) float64 { return 40*dayWave(i) + 5*r.NormFloat64() }, []int{day}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := minutes(generate(tt.days*day, tt.load)...)
			s.Step = 5 * time.Minute
			for i := 40; i < len(s.Values); i += 17 {
				s.Values[i] = nan
			}
			if got := forecast.DetectSeason(s); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// A period in steps needs no clock. A step that divides no day has no day.
func TestDetectSeasonOddSteps(t *testing.T) {
	for _, step := range []time.Duration{0, -time.Minute, 7 * time.Minute, 24 * time.Hour} {
		s := forecast.Series{Step: step, Values: daily(5000, 24, 1)}
		if got := forecast.DetectSeason(s); !slices.Equal(got, []int{24}) {
			t.Errorf("step %v: %v, want the 24 steps of the values", step, got)
		}
	}
}

// seasonCase is a load of which the seasons are known.
type seasonCase struct {
	name string
	n    int
	step time.Duration
	load func(r *rand.Rand, i int) float64
	want []int
}

func seasonCases() []seasonCase {
	wave := func(i int, period float64) float64 { return math.Sin(2 * math.Pi * float64(i) / period) }
	weekend := func(i, day int) float64 {
		if i/day%7 >= 5 {
			return .5
		}
		return 1
	}
	every := func(i, period int, load float64) float64 {
		if i%period == 0 {
			return load
		}
		return 0
	}
	const month = 730*time.Hour + 30*time.Minute
	return []seasonCase{
		{"37 steps", 1000, time.Minute, func(r *rand.Rand, i int) float64 { return 100 + 30*wave(i, 37) + 15*r.NormFloat64() }, []int{37}},
		{"pulses every 37 steps", 2000, time.Minute, func(r *rand.Rand, i int) float64 { return 100 + every(i, 37, 80) + 15*r.NormFloat64() }, []int{37}},
		{"hours of weeks", 700, time.Hour, func(r *rand.Rand, i int) float64 {
			return weekend(i, 24) * (100 + 40*wave(i, 24) + 10*r.NormFloat64())
		}, []int{24, 168}},
		{"minutes of weeks", 40320, time.Minute, func(r *rand.Rand, i int) float64 {
			return weekend(i, 1440) * (100 + 40*wave(i, 1440) + 10*r.NormFloat64())
		}, []int{1440, 10080}},
		{"days of weeks", 200, 24 * time.Hour, func(r *rand.Rand, i int) float64 { return 100*weekend(i, 1) + 10*r.NormFloat64() }, []int{7}},
		{"a job every 15 minutes", 4000, time.Minute, func(r *rand.Rand, i int) float64 { return 100 + every(i, 15, 60) + 10*r.NormFloat64() }, []int{15}},
		{"a job every 15 minutes of a day", 10080, time.Minute, func(r *rand.Rand, i int) float64 {
			return 100 + every(i, 15, 60) + 40*wave(i, 1440) + 10*r.NormFloat64()
		}, []int{15, 1440}},
		{"months of years", 144, month, func(r *rand.Rand, i int) float64 {
			return (100 + float64(i)) * (1 + .2*wave(i, 12) + .05*r.NormFloat64())
		}, []int{12}},
		{"two humps a day", 700, time.Hour, func(r *rand.Rand, i int) float64 {
			return 100 + 20*wave(i, 24) + 30*wave(i, 12) + 10*r.NormFloat64()
		}, []int{24}},
		{"five decades of growth", 4032, 5 * time.Minute, func(r *rand.Rand, i int) float64 {
			return math.Pow(10, 5*float64(i)/4032) * (100 + 40*wave(i, 288) + 10*r.NormFloat64())
		}, []int{288}},
		{"weak day", 4032, 5 * time.Minute, func(r *rand.Rand, i int) float64 { return 100 + 10*wave(i, 288) + 15*r.NormFloat64() }, []int{288}},
	}
}

func (c seasonCase) series(seed uint64) (forecast.Series, *rand.Rand) {
	r := rand.New(rand.NewPCG(seed, 5))
	return forecast.Series{Step: c.step, Values: generate(c.n, func(i int) float64 { return c.load(r, i) })}, r
}

func TestSeasonsAreFound(t *testing.T) {
	for _, c := range seasonCases() {
		const seeds = 5
		for seed := range uint64(seeds) {
			s, _ := c.series(seed)
			if got := forecast.DetectSeason(s); !slices.Equal(got, c.want) {
				t.Errorf("%s, seed %d: %v, want %v", c.name, seed, got, c.want)
			}
		}
	}
}

// A period that is not a whole number of steps is rounded, itself or a multiple, only
// as far as that keeps the phase: within half of the series it drifts by less than a
// fifth.
func TestSeasonOfAFractionOfAStep(t *testing.T) {
	for _, exact := range []float64{37.05, 37.2, 37.4, 100.5} {
		for _, n := range []int{400, 3000, 20000} {
			r := rand.New(rand.NewPCG(9, uint64(n)))
			s := minutes(generate(n, func(i int) float64 {
				return 100 + 40*math.Sin(2*math.Pi*float64(i)/exact) + 10*r.NormFloat64()
			})...)
			for _, period := range forecast.DetectSeason(s) {
				cycles := math.Round(float64(period) / exact)
				drift := math.Abs(float64(period)-cycles*exact) * float64(n/2) / float64(period)
				if cycles == 0 || drift > exact/5 {
					t.Errorf("%v steps, %d of them: %d drifts by %v", exact, n, period, drift)
				}
			}
		}
	}
}

// Seasons have no unit and no beginning, and live with gaps and floods.
func TestSeasonsOfTheSameLoad(t *testing.T) {
	for _, c := range seasonCases() {
		if c.n > 20000 {
			continue
		}
		s, r := c.series(7)
		want := forecast.DetectSeason(s)
		check := func(what string, f func(i int, y float64) float64) {
			other := s
			other.Values = generate(c.n, func(i int) float64 { return f(i, s.Values[i]) })
			if got := forecast.DetectSeason(other); !slices.Equal(got, want) {
				t.Errorf("%s, %s: %v, want %v", c.name, what, got, want)
			}
		}
		check("in another unit", func(_ int, y float64) float64 { return y * 1024 })
		s.Values = slices.Concat([]float64{nan, nan, nan}, s.Values, []float64{nan})
		if got := forecast.DetectSeason(s); !slices.Equal(got, want) {
			t.Errorf("%s, missing at both ends: %v, want %v", c.name, got, want)
		}
		s.Values = s.Values[3 : 3+c.n]
		if c.n < 4000 {
			continue // What is left of short ones does not always show it.
		}
		check("30 % missing", func(_ int, y float64) float64 {
			if r.Float64() < .3 {
				return math.Inf(1 - 2*r.IntN(2))
			}
			return y
		})
		if c.name != "weak day" {
			check("floods", func(_ int, y float64) float64 {
				if r.Float64() < .01 {
					return y * (20 + 50*r.Float64())
				}
				return y
			})
		}
	}
}

// Series without a season, and the share of seeds in which one may be found. A test of
// 200 seeds with a true rate of 1 % finds more than 4 of them once in twenty.
func TestNoSeasons(t *testing.T) {
	autoregression := func(phi float64) func(r *rand.Rand, n int) []float64 {
		return func(r *rand.Rand, n int) []float64 {
			x := 0.0
			return generate(n, func(int) float64 { x = phi*x + r.NormFloat64(); return 1000 + x })
		}
	}
	steps := func(noise float64) func(r *rand.Rand, n int) []float64 {
		return func(r *rand.Rand, n int) []float64 {
			level := 100.0
			return generate(n, func(int) float64 {
				if r.Float64() < 6/float64(n) {
					level = 50 + 200*r.Float64()
				}
				return level + noise*r.NormFloat64()
			})
		}
	}
	for name, load := range map[string]func(r *rand.Rand, n int) []float64{
		"white noise":     autoregression(0),
		"AR(1), phi .99":  autoregression(.99),
		"AR(1), phi .5":   autoregression(.5),
		"AR(1), phi -.5":  autoregression(-.5),
		"random walk":     autoregression(1),
		"steps":           steps(1),
		"steps, no noise": steps(0),
		"log-normal noise": func(r *rand.Rand, n int) []float64 {
			return generate(n, func(int) float64 { return math.Exp(2 * r.NormFloat64()) })
		},
		"growth": func(r *rand.Rand, n int) []float64 {
			return generate(n, func(i int) float64 { return float64(i) + 10*math.Abs(r.NormFloat64()) })
		},
		"one spike": func(r *rand.Rand, n int) []float64 {
			at := r.IntN(n)
			return generate(n, func(i int) float64 {
				if i == at {
					return 5000
				}
				return 100 + r.NormFloat64()
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			const seeds = 200
			found := 0
			for seed := range uint64(seeds) {
				s := hours(load(rand.New(rand.NewPCG(seed, 78)), 336)...)
				if len(forecast.DetectSeason(s)) > 0 {
					found++
				}
			}
			if found > seeds*2/100 {
				t.Errorf("a season in %d of %d", found, seeds)
			}
		})
	}
}

func TestMainSeason(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	s := minutes(generate(8*1440, func(i int) float64 {
		y := 100 + 80*math.Sin(2*math.Pi*float64(i)/1440) + r.NormFloat64()
		if i%15 == 0 {
			y += 60
		}
		return y
	})...)
	for _, tt := range []struct {
		periods       []int
		horizon, want int
	}{
		{[]int{15, 1440}, 15, 1440},
		{[]int{15}, 1, 15},
		{nil, 1, 0},
		{[]int{0, -3}, 1, 0},
		{[]int{15, 100000}, 1, 15}, // Nothing is known of the longer one.
	} {
		if got := forecast.MainSeason(s, tt.periods, tt.horizon); got != tt.want {
			t.Errorf("of %v, %d ahead: %d, want %d", tt.periods, tt.horizon, got, tt.want)
		}
	}
}

func FuzzDetectSeason(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 255, 254, 0, 1, 2, 3}, int64(time.Hour), uint16(20))
	f.Add([]byte{7}, int64(time.Minute), uint16(3000))
	f.Add([]byte{0, 0, 0, 9}, int64(-1), uint16(400))
	f.Fuzz(func(t *testing.T, pattern []byte, step int64, n uint16) {
		if len(pattern) == 0 {
			pattern = []byte{0}
		}
		s := forecast.Series{Step: time.Duration(step), Values: generate(int(n)%5000, func(i int) float64 {
			switch b := pattern[i%len(pattern)]; b {
			case 255:
				return nan
			case 254:
				return math.Inf(1)
			case 253:
				return math.MaxFloat64
			case 252:
				return -math.MaxFloat64
			case 251:
				return math.SmallestNonzeroFloat64
			default:
				return float64(b) + float64(i%7)*1e-3
			}
		})}
		before := slices.Clone(s.Values)
		last := 0
		for _, season := range forecast.Seasons(s) {
			if season.Period < 3 || season.Period > len(s.Values)/2 || season.Period <= last {
				t.Errorf("period %d after %d in %d values", season.Period, last, len(s.Values))
			}
			if !(season.Strength > 0 && season.Strength < 2.5) {
				t.Errorf("strength %v", season.Strength)
			}
			last = season.Period
		}
		for i, y := range s.Values {
			if math.Float64bits(y) != math.Float64bits(before[i]) {
				t.Fatal("the values of the series were changed")
			}
		}
	})
}

// Four weeks of minutes.
func BenchmarkDetectSeason(b *testing.B) {
	for _, c := range seasonCases() {
		if c.n < 10000 {
			continue
		}
		b.Run(c.name, func(b *testing.B) {
			s, _ := c.series(1)
			b.ReportAllocs()
			for b.Loop() {
				forecast.DetectSeason(s)
			}
		})
	}
}

func TestDetectSeasonOnRecordedLoad(t *testing.T) {
	for _, tt := range []struct {
		name string
		want []int
		main int // an hour ahead
	}{
		{"worldcup98", []int{1440, 10080}, 1440},
		{"nab_nyc_taxi", []int{48, 336}, 336},
		{"nab_twitter_amzn", []int{288}, 288},
		{"bitbrains_vm997", []int{288}, 288},
		// Beside the night something small happens every quarter of an hour.
		{"bitbrains_vm871", []int{3, 288}, 288},
		// The group was scaled on the hour.
		{"nab_asg_cpu", []int{12}, 12},
		{"nab_rds_cpu_e47b3b", nil, 0},
		// Machines are measured once a minute, a little more at its beginning.
		{"alibaba2018_cluster_cpu", []int{6, 8640}, 6},
	} {
		s := trace(t, tt.name)
		got := forecast.DetectSeason(s)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		if main := forecast.MainSeason(s, got, int(time.Hour/s.Step)); main != tt.main {
			t.Errorf("%s: main season %d, want %d", tt.name, main, tt.main)
		}
	}
}
