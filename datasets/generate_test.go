package datasets_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/datasets"
)

// generate makes the load of a scenario of 1-minute steps in flow style.
func generate(t *testing.T, length string, base float64, seed uint64, components string) []float64 {
	t.Helper()
	s, err := datasets.ParseScenario(fmt.Appendf(nil, "{name: x, step: 1m, length: %s, base: %g, components: [%s]}", length, base, components))
	if err != nil {
		t.Fatal(err)
	}
	return s.Generate(seed).Values
}

// find returns a shipped scenario.
func find(t testing.TB, name string) datasets.Scenario {
	t.Helper()
	s, err := datasets.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestGenerateShapes(t *testing.T) {
	day := func(minute int) float64 { return float64(minute) + 0.5 } // minutes since midnight, at the middle of a step
	tests := []struct {
		name, length, components string
		want                     func(minute int) float64 // with base 100
	}{
		{"none", "1d", "", func(int) float64 { return 100 }},
		{"daily", "2d", "{type: daily, size: 40, peak: 15h}", func(m int) float64 {
			return 100 + 40*math.Cos(2*math.Pi*(day(m)-900)/1440)
		}},
		{"daily, multiplied", "2d", "{type: daily, op: multiply, size: 0.4, peak: 15h}", func(m int) float64 {
			return 100 * (1 + 0.4*math.Cos(2*math.Pi*(day(m)-900)/1440))
		}},
		{"weekly", "14d", "{type: weekly, op: multiply, days: {mon: 0.5, sun: -0.5}}", func(m int) float64 {
			return 100 * (1 + map[int]float64{0: 0.5, 6: -0.5}[m/1440%7])
		}},
		{"weekly, blended", "3d", "{type: weekly, days: {tue: 60}, blend: 2h}", func(m int) float64 {
			up, down := (day(m)-1440+60)/120, (day(m)-2880+60)/120
			return 100 + 60*(min(max(up, 0), 1)-min(max(down, 0), 1))
		}},
		{"trend", "4d", "{type: trend, perDay: 10, from: 1d}", func(m int) float64 { return 100 + max(0, 10*(day(m)/1440-1)) }},
		{"step", "1d", "{type: step, at: 6h, size: 50}", func(m int) float64 {
			if m < 360 {
				return 100
			}
			return 150
		}},
		{"step and back", "1d", "{type: step, at: 6h, for: 1h, size: -50}", func(m int) float64 {
			if m < 360 || m >= 420 {
				return 100
			}
			return 50
		}},
		{"ramp", "1d", "{type: ramp, at: 6h, over: 100m, size: 100}", func(m int) float64 {
			return 100 + min(max(day(m)-360, 0), 100)
		}},
		{"hump", "1d", "{type: hump, at: 12h, width: 2h, size: 80}", func(m int) float64 {
			x := (day(m) - 720) / 60 // half widths from the top: height 2^-x²
			return 100 + 80*math.Pow(2, -x*x)
		}},
		{"sawtooth", "1d", "{type: sawtooth, at: 1h, every: 2h, size: 120}", func(m int) float64 {
			if m < 60 {
				return 100
			}
			return 100 + math.Mod(day(m)-60, 120)
		}},
		{"batch", "3d", "{type: batch, at: 2h, for: 40m, every: 1d, size: 30}", func(m int) float64 {
			if m%1440 >= 120 && m%1440 < 160 {
				return 130
			}
			return 100
		}},
		{"spike", "1d", "{type: spike, at: 6h, op: multiply, rise: 10m, hold: 20m, fall: 15m, size: 5}", func(m int) float64 {
			u := day(m) - 360
			switch {
			case u < 0:
				return 100
			case u < 10:
				return 100 * (1 + 5*u/10)
			case u < 30:
				return 600
			default:
				return 100 * (1 + 5*math.Pow(2, -(u-30)/15))
			}
		}},
		{"clamped at 0", "1d", "{type: daily, size: 300}", func(m int) float64 {
			return max(0, 100+300*math.Cos(2*math.Pi*day(m)/1440))
		}},
		{"window", "1d", "{type: daily, size: 40, from: 6h, until: 12h}", func(m int) float64 {
			if m < 360 || m >= 720 {
				return 100
			}
			return 100 + 40*math.Cos(2*math.Pi*day(m)/1440)
		}},
		{"window is half open", "1d", "{type: step, size: 40, from: 6h0m30s, until: 12h0m30s}", func(m int) float64 {
			if m < 360 || m >= 720 {
				return 100
			}
			return 140
		}},
		{"wide humps meet", "2d", "{type: hump, at: 2h, width: 4h, every: 4h, size: 80}", func(m int) float64 {
			sum := 100.0
			for top := 120 - 24*60; top < 4*1440; top += 240 {
				if x := (day(m) - float64(top)) / 120; math.Abs(x) <= 3 { // the nearest three
					sum += 80 * math.Pow(2, -x*x)
				}
			}
			return sum
		}},
		{"a spike goes on into the next", "1d", "{type: spike, at: 1h, every: 1h, rise: 20m, fall: 1h, size: 64}", func(m int) float64 {
			if m < 60 {
				return 100
			}
			u := math.Mod(day(m), 60)
			pulse := func(u float64) float64 {
				if u < 20 {
					return u / 20
				}
				return math.Pow(2, -(u-20)/60)
			}
			if m < 120 {
				return 100 + 64*pulse(u)
			}
			return 100 + 64*max(pulse(u), pulse(u+60))
		}},
		{"in order", "1d", "{type: step, size: 50}, {type: step, name: b, op: multiply, size: 1}, {type: step, name: c, size: 7}",
			func(int) float64 { return (100+50)*2 + 7 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := generate(t, tt.length, 100, 1, tt.components)
			for m, v := range got {
				if want := tt.want(m); math.Abs(v-want) > 1e-9*(1+want) {
					t.Fatalf("minute %d is %.12g, want %.12g", m, v, want)
				}
			}
		})
	}
}

func TestStepScenarioIsExact(t *testing.T) {
	s := find(t, "step").Generate(7)
	if s.Step != time.Minute || len(s.Values) != 12*60 || s.Unit != datasets.RPS || !s.Start.Equal(at("2026-01-05T00:00:00Z")) {
		t.Fatalf("%d values from %s every %s", len(s.Values), s.Start, s.Step)
	}
	for i, v := range s.Values {
		want := 100.0
		if i >= 4*60 && i < 8*60 {
			want = 400
		}
		if v != want {
			t.Fatalf("minute %d is %g, want %g", i, v, want)
		}
	}
}

// TestJMeterRamp checks the published test: 300 threads started over 60 s, about
// 600 requests a second, held.
func TestJMeterRamp(t *testing.T) {
	s := find(t, "jmeter-ramp").Generate(1)
	begin, requests := 2*time.Minute, 0.0
	for i, v := range s.Values {
		middle := time.Duration(i)*s.Step + s.Step/2
		want := 600 * min(max((middle-begin).Seconds()/60, 0), 1)
		if math.Abs(v-want) > 1e-9 {
			t.Fatalf("%s after the start: %g, want %g", middle, v, want)
		}
		if middle < begin+time.Minute {
			requests += v * s.Step.Seconds()
		}
	}
	if math.Abs(requests-600*60/2) > 1e-6 {
		t.Errorf("%g requests in the ramp, want those of the triangle, 18000", requests)
	}
}

func TestShopLooksLikeAShop(t *testing.T) {
	for seed := range uint64(20) {
		s := find(t, "shop").Generate(seed)
		if len(s.Values) != 10*24*60 || s.Start.Weekday() != time.Monday {
			t.Fatalf("%d values from a %s", len(s.Values), s.Start.Weekday())
		}
		mean := func(day, from, to int) float64 { // hours
			part := s.Values[day*1440+from*60 : day*1440+to*60]
			sum := 0.0
			for _, v := range part {
				sum += v
			}
			return sum / float64(len(part))
		}
		for day := range 8 {
			night, morning, noon, evening := mean(day, 2, 5), mean(day, 10, 12), mean(day, 14, 16), mean(day, 19, 21)
			if !(night < 0.35*morning && noon < morning && noon < evening && morning < evening) {
				t.Errorf("seed %d, day %d: night %.0f, morning %.0f, afternoon %.0f, evening %.0f", seed, day, night, morning, noon, evening)
			}
		}
		work, weekend := (mean(1, 0, 24)+mean(2, 0, 24)+mean(3, 0, 24))/3, (mean(5, 0, 24)+mean(6, 0, 24))/2
		if ratio := weekend / work; ratio < 0.75 || ratio > 0.97 {
			t.Errorf("seed %d: the weekend has %.2f of a working day", seed, ratio)
		}
		crowd := (8*24 + 13) * 60
		if rise := s.Values[crowd+15] / s.Values[crowd-1]; rise < 4.5 || rise > 7.5 {
			t.Errorf("seed %d: the crowd is %.1f times the load 15 minutes before, want about 6", seed, rise)
		}
		if top := datasets.Stats(s).Max; slices.Index(s.Values, top) < crowd || slices.Index(s.Values, top) > crowd+60 {
			t.Errorf("seed %d: the maximum is not in the flash crowd", seed)
		}
		outage := (4*24+16)*60 + 20
		if dip := s.Values[outage+6] / s.Values[outage-1]; dip > 0.25 {
			t.Errorf("seed %d: the outage leaves %.2f of the load", seed, dip)
		}
	}
}

func TestGenerateIsDeterministic(t *testing.T) {
	for _, s := range datasets.Scenarios() {
		one, again, other := s.Generate(1), s.Generate(1), s.Generate(2)
		if diff := cmp.Diff(one, again); diff != "" {
			t.Errorf("%s: the same seed gives another series", s.Name)
		}
		if equal := slices.Equal(one.Values, other.Values); equal == s.Random() {
			t.Errorf("%s: another seed gives an equal series: %v, but Random is %v", s.Name, equal, s.Random())
		}
		for i, v := range one.Values {
			if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
				t.Fatalf("%s: value %d is %g", s.Name, i, v)
			}
		}
	}
}

// TestDoubleBaseDoubles holds for whatever multiplies; what is added and what is
// counted has its own scale.
func TestDoubleBaseDoubles(t *testing.T) {
	const components = `{type: daily, op: multiply, size: 0.5, peak: 15h}, {type: weekly, op: multiply, days: {sat: -0.4}, blend: 3h},
		{type: trend, op: multiply, perDay: 0.1}, {type: walk, op: multiply, sd: 0.1, revert: 1d}, {type: noise, op: multiply, sd: 0.1},
		{type: spike, op: multiply, at: 1d, every: 1d, jitter: 3h, rise: 5m, fall: 5m, size: 4}, {type: onoff, op: multiply, size: -1, busy: 1h, idle: 5h}`
	one, two := generate(t, "7d", 50, 3, components), generate(t, "7d", 100, 3, components)
	for i := range one {
		if math.Abs(two[i]-2*one[i]) > 1e-9*two[i] {
			t.Fatalf("minute %d: %g and %g", i, one[i], two[i])
		}
	}
}

// TestLuckIsIndependent adds a random component and finds that of the others
// unchanged: the difference is the new component alone.
func TestLuckIsIndependent(t *testing.T) {
	const first = "{type: noise, sd: 3, correlation: 5m}, {type: walk, sd: 2}"
	const added = "{type: onoff, busy: 30m, idle: 1h, size: 40}"
	for _, both := range []string{first + ", " + added, added + ", " + first} {
		with, without, alone := generate(t, "2d", 500, 9, both), generate(t, "2d", 500, 9, first), generate(t, "2d", 500, 9, added)
		for i := range with {
			if math.Abs(with[i]-without[i]-(alone[i]-500)) > 1e-9 {
				t.Fatalf("minute %d: %g with, %g without, %g alone", i, with[i], without[i], alone[i])
			}
		}
	}
	// A window does not change the luck inside it.
	whole, part := generate(t, "1d", 500, 9, "{type: noise, sd: 3}"), generate(t, "1d", 500, 9, "{type: noise, sd: 3, from: 6h, until: 9h}")
	if !slices.Equal(whole[360:540], part[360:540]) || part[359] != 500 || part[540] != 500 {
		t.Error("noise in a window differs from the noise without one")
	}
	// A component with a name does not count for the names of the others.
	with, without := generate(t, "1d", 500, 9, "{type: noise, name: a, sd: 0.001}, {type: noise, sd: 3}"), generate(t, "1d", 500, 9, "{type: noise, sd: 3}")
	for i := range with {
		if math.Abs(with[i]-without[i]) > 0.01 {
			t.Fatalf("minute %d: %g with a named noise, %g without", i, with[i], without[i])
		}
	}
	// A name is a stream.
	named, unnamed := generate(t, "1d", 500, 9, "{type: noise, name: a, sd: 3}"), generate(t, "1d", 500, 9, "{type: noise, sd: 3}")
	if slices.Equal(named, unnamed) {
		t.Error("streams of different names are equal")
	}
}

// moments returns mean, variance and lag-k autocorrelation.
func moments(x []float64, k int) (mean, variance, correlation float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for i, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x))
		if i >= k {
			correlation += (v - mean) * (x[i-k] - mean) / float64(len(x))
		}
	}
	return mean, variance, correlation / variance
}

func TestNoiseMoments(t *testing.T) {
	// 400 days of minutes; the standard error of the mean under a half-life of 6
	// steps is about sd sqrt(17/576000) = 0.0054 sd.
	x := generate(t, "400d", 100, 5, "{type: noise, sd: 4, correlation: 6m}")
	mean, variance, correlation := moments(x, 6)
	if math.Abs(mean-100) > 0.1 || math.Abs(math.Sqrt(variance)-4) > 0.05 || math.Abs(correlation-0.5) > 0.02 {
		t.Errorf("mean %g, standard deviation %g, correlation after 6 minutes %g; want 100, 4, 0.5", mean, math.Sqrt(variance), correlation)
	}
	// Multiplied, the logarithm is what is normal.
	x = generate(t, "400d", 100, 5, "{type: noise, op: multiply, sd: 0.3}")
	for i := range x {
		x[i] = math.Log(x[i] / 100)
	}
	mean, variance, correlation = moments(x, 1)
	if math.Abs(mean) > 0.003 || math.Abs(math.Sqrt(variance)-0.3) > 0.003 || math.Abs(correlation) > 0.01 {
		t.Errorf("logarithm: mean %g, standard deviation %g, correlation %g; want 0, 0.3, 0", mean, math.Sqrt(variance), correlation)
	}
}

func TestWalkMoments(t *testing.T) {
	// The variance of a walk's change over k hours is k sd².
	x := generate(t, "400d", 1e6, 5, "{type: walk, sd: 3}")
	for _, hours := range []int{1, 4} {
		var changes []float64
		for i := hours * 60; i < len(x); i += hours * 60 {
			changes = append(changes, x[i]-x[i-hours*60])
		}
		mean, variance, correlation := moments(changes, 1)
		want := 9 * float64(hours)
		bound := 5 * math.Sqrt(2/float64(len(changes)))
		if math.Abs(mean) > 5*math.Sqrt(want/float64(len(changes))) || math.Abs(variance/want-1) > bound || math.Abs(correlation) > bound {
			t.Errorf("%d hours: mean %g, variance %g, correlation %g; want 0, %g, 0", hours, mean, variance, correlation, want)
		}
	}
	// With a half-life h the stationary variance is sd² dt/(1 - 4^(-dt/h)).
	x = generate(t, "400d", 1e6, 5, "{type: walk, sd: 3, revert: 1h}")[1440:]
	_, variance, correlation := moments(x, 60)
	if want := 9.0 / 60 / (1 - math.Pow(4, -1.0/60)); math.Abs(variance/want-1) > 0.08 || math.Abs(correlation-0.5) > 0.04 {
		t.Errorf("variance %g, correlation after an hour %g; want %g, 0.5", variance, correlation, want)
	}
}

func TestOnOffSpells(t *testing.T) {
	x := generate(t, "400d", 0, 5, "{type: onoff, busy: 30m, idle: 90m, size: 8}")
	if x[0] != 0 {
		t.Error("begins busy")
	}
	busy, spells := 0, 0
	for i, v := range x {
		if v != 0 && v != 8 {
			t.Fatalf("level %g", v)
		}
		if v == 8 {
			busy++
			if x[i-1] == 0 {
				spells++
			}
		}
	}
	if share := float64(busy) / float64(len(x)); math.Abs(share-0.25) > 0.02 {
		t.Errorf("busy %.3f of the time, want 30/(30+90)", share)
	}
	// Spells that fall between two middles of steps are not seen: about 1 in 60.
	if want := 400 * 12.0; math.Abs(float64(spells)/want-1) > 0.08 {
		t.Errorf("%d busy spells, want about %g", spells, want)
	}
}

func TestJitterStaysWithinItsBounds(t *testing.T) {
	x := generate(t, "60d", 0, 5, "{type: batch, at: 2h, for: 10m, every: 1d, jitter: 30m, size: 1}")
	starts := map[int]int{}
	for d := range 60 {
		today := x[d*1440 : (d+1)*1440]
		first := slices.Index(today, 1)
		if first < 120 || first > 150 {
			t.Fatalf("day %d begins at minute %d", d, first)
		}
		starts[first]++
		sum := 0.0
		for _, v := range today {
			sum += v
		}
		if sum < 10 || sum > 10 { // ten middles fit in ten minutes, whatever the start
			t.Fatalf("day %d has %g minutes of work", d, sum)
		}
	}
	if len(starts) < 15 {
		t.Errorf("only %d different starts in 60 days", len(starts))
	}
}

// TestPoissonCounts compares the counts in a minute with the Poisson law, by
// mean, variance and a chi-square over its cells.
func TestPoissonCounts(t *testing.T) {
	for _, mean := range []float64{0.3, 4, 9.9, 10.1, 60, 1200} {
		s := datasets.Scenario{Name: "x", Unit: datasets.CountPerStep, Step: datasets.Duration(time.Minute),
			Length: datasets.Duration(100_000 * time.Minute), Base: mean, Components: []datasets.Component{{Type: datasets.Poisson}}}
		x := s.Generate(11).Values
		if len(x) != 100_000 {
			t.Fatal(s.Validate())
		}
		counts := map[int]int{}
		for _, v := range x {
			if v != math.Trunc(v) || v < 0 {
				t.Fatalf("mean %g: count %g", mean, v)
			}
			counts[int(v)]++
		}
		n := float64(len(x))
		m, variance, correlation := moments(x, 1)
		if math.Abs(m-mean) > 5*math.Sqrt(mean/n) {
			t.Errorf("mean %g, want %g", m, mean)
		}
		// The variance of a sample variance is (mean + 2 mean²)/n.
		if math.Abs(variance-mean) > 5*math.Sqrt((mean+2*mean*mean)/n) || math.Abs(correlation) > 5/math.Sqrt(n) {
			t.Errorf("mean %g: variance %g, correlation %g", mean, variance, correlation)
		}
		chi, cells := 0.0, 0
		for k := range int(mean + 10*math.Sqrt(mean) + 10) {
			lgamma, _ := math.Lgamma(float64(k) + 1)
			if want := n * math.Exp(float64(k)*math.Log(mean)-mean-lgamma); want >= 5 {
				chi += (float64(counts[k]) - want) * (float64(counts[k]) - want) / want
				cells++
			}
		}
		if bound := float64(cells) + 5*math.Sqrt(2*float64(cells)); chi > bound {
			t.Errorf("mean %g: chi-square %g over %d cells", mean, chi, cells)
		}
	}
	// As a rate, the counts are divided by the step again.
	for _, v := range generate(t, "1d", 5, 1, "{type: poisson}") {
		if events := v * 60; math.Abs(events-math.Round(events)) > 1e-6 {
			t.Fatalf("%g requests in a minute", events)
		}
	}
}

func TestGenerateOfAnInvalidScenarioIsEmpty(t *testing.T) {
	s := find(t, "shop")
	s.Step = 0
	if got := s.Generate(1); len(got.Values) != 0 {
		t.Errorf("%d values", len(got.Values))
	}
}
