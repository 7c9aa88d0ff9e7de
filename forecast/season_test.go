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

func TestDetectSeasonOddSteps(t *testing.T) {
	for _, step := range []time.Duration{0, -time.Minute, 7 * time.Minute, 24 * time.Hour} {
		s := forecast.Series{Step: step, Values: daily(5000, 24, 1)}
		if got := forecast.DetectSeason(s); got != nil {
			t.Errorf("step %v: %v", step, got)
		}
	}
}

func TestDetectSeasonOnRecordedLoad(t *testing.T) {
	for name, want := range map[string][]int{
		"worldcup98":       {1440, 10080},
		"nab_nyc_taxi":     {48, 336},
		"nab_twitter_amzn": {288},
		"bitbrains_vm871":  {288},
	} {
		if got := forecast.DetectSeason(trace(t, name)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
