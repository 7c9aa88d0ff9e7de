package backtest

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"hindcast.dev/policy"
)

func TestKnobPositionsAndValues(t *testing.T) {
	for name, k := range map[string]*knob{
		"linear": {from: -2, to: 6},
		"log":    {from: 0.2, to: 5, log: true},
		"errors": {from: 0.8, to: 0.99999, errors: true},
	} {
		if k.at(0) != k.from && math.Abs(k.at(0)-k.from) > 1e-12 || math.Abs(k.at(1)-k.to) > 1e-12 {
			t.Errorf("%s: runs from %v to %v, want %v to %v", name, k.at(0), k.at(1), k.from, k.to)
		}
		last := math.Inf(-1)
		for i := range 101 {
			x := float64(i) / 100
			v := k.at(x)
			if v <= last {
				t.Errorf("%s: %v at %v is not above %v", name, v, x, last)
			}
			last = v
			if got := k.pos(v); math.Abs(got-x) > 1e-6 {
				t.Errorf("%s: position of %v is %v, want %v", name, v, got, x)
			}
		}
	}
	whole := &knob{from: 1, to: 4, integer: true}
	for x, want := range map[float64]float64{0: 1, 0.1: 1, 0.2: 2, 0.5: 3, 1: 4} {
		if got := whole.at(x); got != want {
			t.Errorf("whole number at %v is %v, want %v", x, got, want)
		}
	}
	if got := (&knob{from: 0.9, to: 0.999, errors: true}).at(0.5); math.Abs(got-0.99) > 1e-12 {
		t.Errorf("half-way between one in ten and one in a thousand errors is %v, want one in a hundred", got)
	}
}

// pointOf is a run whose share of good requests and cost are known.
func pointOf(value, good, podHours float64) *point {
	return &point{value: value, outputs: []output{{
		scored: scored{days: []tally{{requests: 1000, good: 1000 * good, podSeconds: 3600 * podHours}}},
		past:   scored{days: []tally{{requests: 1000, good: 1000 * (1 - good), podSeconds: 3600 * podHours}}},
	}}}
}

func sweepOf(k *knob, points ...*point) *sweep {
	s := &sweep{entrant: &entrant{name: "p", knob: k}}
	for _, p := range slices.Backward(points) {
		s.add(p)
	}
	return s
}

func TestSweepBetween(t *testing.T) {
	linear := &knob{from: 0, to: 10}
	for _, tc := range []struct {
		name   string
		s      *sweep
		want   float64
		wantOK bool
	}{
		{"one crossing", sweepOf(linear, pointOf(0, 0.5, 1), pointOf(4, 0.8, 2), pointOf(8, 0.99, 3)), 6, true},
		{"the cheapest of two", sweepOf(linear, pointOf(0, 0.99, 9), pointOf(2, 0.8, 8), pointOf(6, 0.99, 3), pointOf(8, 0.5, 2)), 7, true},
		{"none", sweepOf(linear, pointOf(0, 0.5, 1), pointOf(4, 0.6, 2)), 0, false},
		{"one point", sweepOf(linear, pointOf(0, 0.5, 1)), 0, false},
		{"nothing between whole numbers", sweepOf(&knob{from: 1, to: 9, integer: true}, pointOf(4, 0.5, 1), pointOf(5, 0.99, 2)), 0, false},
		{"half-way on the knob's own scale", sweepOf(&knob{from: 1, to: 100, log: true}, pointOf(1, 0.5, 1), pointOf(100, 0.99, 2)), 10, true},
	} {
		got, ok := tc.s.between(0.9, (*point).scored)
		if ok != tc.wantOK || ok && math.Abs(got-tc.want) > 1e-9 {
			t.Errorf("%s: got %v, %v; want %v, %v", tc.name, got, ok, tc.want, tc.wantOK)
		}
	}
	// The warm-up may cross the objective elsewhere, or not at all.
	s := sweepOf(linear, pointOf(0, 0.05, 1), pointOf(4, 0.5, 2), pointOf(8, 0.99, 3))
	if got, ok := s.between(0.9, (*point).past); !ok || got != 2 {
		t.Errorf("in the warm-up: got %v, %v; want 2", got, ok)
	}
}

func TestSweepAroundACost(t *testing.T) {
	hours := func(p *point) float64 { s := p.scored(); return s.podSeconds / 3600 }
	s := sweepOf(&knob{from: 0, to: 10}, pointOf(0, 0.5, 10), pointOf(10, 0.9, 30))
	if got, ok := s.around(15, hours); !ok || math.Abs(got-2.5) > 1e-9 {
		t.Errorf("got %v, %v; want a quarter of the way", got, ok)
	}
	if got, ok := s.around(10.01, hours); !ok || math.Abs(got-0.5) > 1e-9 {
		t.Errorf("got %v, %v; want no less than a twentieth of the way", got, ok)
	}
	for _, out := range []float64{9, 31} {
		if got, ok := s.around(out, hours); ok {
			t.Errorf("%v pod-hours cannot be had, got %v", out, got)
		}
	}
}

// TestRunAllRunsEachValueOnce: a sweep over three sizes has six positions.
func TestRunAllRunsEachValueOnce(t *testing.T) {
	e := testEnv(t, ramp(8, 200))
	ent := newStatic(e)
	ent.knob = &knob{name: "replicas", from: 1, to: 3, configured: 2, integer: true}
	built := make(chan float64, 100)
	build := ent.build
	ent.build = func(v float64) (setup, error) {
		built <- v
		return build(v)
	}
	s := &sweep{entrant: &ent}
	r := runner{env: e, seeds: []uint64{1}, slots: make(chan struct{}, 4)}
	if err := r.fill(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	close(built)
	runs := map[float64]int{}
	for v := range built {
		runs[v]++
	}
	if len(s.all()) != 3 || runs[1] != 1 || runs[2] != 1 || runs[3] != 1 {
		t.Errorf("%d points of runs %v; want each size once", len(s.all()), runs)
	}
}

func TestRunnerStopsWithItsContext(t *testing.T) {
	e := testEnv(t, ramp(8, 200))
	ent := newStatic(e)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := runner{env: e, seeds: []uint64{1}, slots: make(chan struct{}, 1)}
	if err := r.fill(ctx, &sweep{entrant: &ent}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	ent.build = func(float64) (setup, error) { return setup{policy: policy.Static{N: 1}}, errors.New("no such policy") }
	if err := r.fill(t.Context(), &sweep{entrant: &ent}); err == nil {
		t.Error("a policy that cannot be built gave no error")
	}
}
