package forecast_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"hindcast.dev/forecast"
)

// renewals returns after how many steps a fit is due each time, where each is made at once.
func renewals(every int, past, values []float64) []int {
	r := forecast.Renewal{Every: every}
	seen := slices.Clone(past)
	r.Fitted(seen)
	var at []int
	for _, y := range values {
		seen = append(seen, y)
		if r.Observe(y) {
			at = append(at, len(seen))
			r.Fitted(seen)
		}
	}
	return at
}

func repeated(y float64, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = y
	}
	return values
}

func TestRenewal(t *testing.T) {
	nothing := math.NaN()
	for _, tt := range []struct {
		name         string
		past, values []float64
		want         []int
	}{
		{"a long past of a steady load: by the clock", repeated(5, 400), repeated(5, 250), []int{500, 600}},
		{"a short past: when it has doubled, until that is longer", repeated(5, 30), repeated(5, 270), []int{60, 120, 220}},
		{"a night, then a load: when 15 steps of it are there", repeated(0, 400), repeated(5, 60), []int{415, 446}},
		{"a night goes on", repeated(0, 400), repeated(0, 120), []int{500}},
		{"missing values are no load", repeated(0, 400), repeated(nothing, 120), []int{500}},
		// A hundred steps of 1 are known, 15 of 50 are more than twice that, 15 of 5 are not.
		{"another order of magnitude", repeated(1, 400), repeated(50, 30), []int{415}},
		{"a higher load is no other world", repeated(1, 400), repeated(2, 90), nil},
		{"only the newest fits' time counts as known", append(repeated(50, 400), repeated(0, 100)...), repeated(5, 20), []int{515}},
		{"a single burst is not enough", repeated(0, 400), append([]float64{1e6}, repeated(0, 50)...), nil},
		{"negative load is load", repeated(0, 400), repeated(-5, 20), []int{415}},
	} {
		if got := renewals(100, tt.past, tt.values); !slices.Equal(got, tt.want) {
			t.Errorf("%s: fits at %v, want %v", tt.name, got, tt.want)
		}
	}
}

// The unit of a load does not say when it is fitted anew, and however it grows there are
// few fits before those that the clock asks for: the past doubles or the load triples.
func TestRenewalsAreFew(t *testing.T) {
	const every, steps = 1440, 14400
	load := make([]float64, steps)
	for i := range load {
		load[i] = math.Exp(float64(i) / 1000) // nearly two million fold
	}
	got := renewals(every, load[:20], load[20:])
	for i := range load {
		load[i] *= 1000
	}
	if other := renewals(every, load[:20], load[20:]); !slices.Equal(got, other) {
		t.Errorf("fits at %v of a load, at %v of it in another unit", got, other)
	}
	byTime, byLength := steps/every, int(math.Log2(every/20))+1
	byLoad := int(math.Log(load[steps-1]/load[0])/math.Log(3)) + 1
	if most := byTime + byLength + byLoad; len(got) > most || len(got) < byTime {
		t.Errorf("%d fits, want %d to %d", len(got), byTime, most)
	}
}

// A model that was fitted on a night forecasts the day before the night after it.
func TestEvaluateRefitsEarly(t *testing.T) {
	const warmUp, night, every = 200, 250, 500
	values := slices.Concat(repeated(0, night), repeated(60, 300))
	run := func(early bool, drift *forecast.PageHinkley) (fits []int, wape float64) {
		m := stuck{new([]int)}
		e, err := forecast.Evaluate(context.Background(), minutes(values...), []forecast.Model{m}, forecast.EvaluateOptions{
			Horizons: []int{1}, WarmUp: warmUp, RefitEvery: every, RefitEarly: early, Drift: drift,
		})
		if err != nil {
			t.Fatal(err)
		}
		return *m.fits, e.Models[0].Horizons[0].WAPE
	}
	fits, late := run(false, nil)
	if slices.Contains(fits, night+15) {
		t.Errorf("fits on %v steps without being asked to be early", fits)
	}
	fits, soon := run(true, nil)
	if !slices.Contains(fits, night+15) {
		t.Errorf("fits on %v steps, want one on %d: 15 of the day", fits, night+15)
	}
	if soon >= late {
		t.Errorf("WAPE %g, %g where the night is all that is known", soon, late)
	}
	plain, _ := run(false, &forecast.PageHinkley{})
	if early, _ := run(true, &forecast.PageHinkley{}); !slices.Equal(plain, early) {
		t.Errorf("fits on %v steps by drift, on %v with RefitEarly, which has no say there", plain, early)
	}
}
