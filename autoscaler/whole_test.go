package autoscaler_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"hindcast.dev/autoscaler"
	"hindcast.dev/policy"
)

// A fleet is a workload and a Prometheus that scrapes some of its pods, at an instant.
type fleet struct {
	load    float64 // of all sources together
	pods    int32
	sources int
	scraped int   // of the sources
	err     error // of counts
	counts  int   // how often they were asked for
}

const ofFleet = "sum(rate(requests_total[1m]))"

func (f *fleet) Query(_ context.Context, expr string, _ time.Time) (float64, error) {
	if !strings.HasPrefix(expr, "count(") {
		if f.sources == 0 {
			return f.load, nil
		}
		return f.load * float64(f.scraped) / float64(f.sources), nil
	}
	f.counts++
	if f.err == nil && f.scraped == 0 {
		return 0, fmt.Errorf("nothing to count: %w", policy.ErrNoData)
	}
	return float64(f.scraped), f.err
}

func (f *fleet) QueryRange(context.Context, string, time.Time, time.Time, time.Duration) ([]float64, error) {
	return nil, policy.ErrNoData
}

func (f *fleet) Replicas(context.Context) (autoscaler.Replicas, error) {
	return autoscaler.Replicas{Spec: f.pods, Status: f.pods}, nil
}

func (f *fleet) SetReplicas(context.Context, int32) error { return nil }

// A watcher follows a fleet, one decision every 30 s.
type watcher struct {
	*testing.T
	*fleet
	loop *autoscaler.Loop
	now  time.Time
}

func watch(t *testing.T, f *fleet, least float64) *watcher {
	t.Helper()
	p := wish(1)
	p.needs.Queries = []policy.Query{{Name: "load", Expr: ofFleet}}
	loop, err := autoscaler.New(autoscaler.Config{
		Policy: p, Clock: &fakeClock{}, Scaler: f, Querier: f, LeastSources: least, DryRun: func() bool { return true },
	})
	if err != nil {
		t.Fatal(err)
	}
	return &watcher{t, f, loop, start}
}

// pass lets time pass and returns the last step.
func (w *watcher) pass(d time.Duration) autoscaler.Step {
	w.Helper()
	var s autoscaler.Step
	for end := w.now.Add(d); w.now.Before(end); w.now = w.now.Add(30 * time.Second) {
		s = w.loop.Step(w.Context(), w.now)
	}
	return s
}

// sees fails unless the last of the steps in a while let a value through, or NaN: none.
func (w *watcher) sees(after time.Duration, want float64) autoscaler.Step {
	w.Helper()
	s := w.pass(after)
	v := s.Input.Values[0]
	switch {
	case math.IsNaN(want) && !errors.Is(v.Err, autoscaler.ErrSeriesMissing):
		w.Errorf("%v: %v, %v, want that a part is missing", w.now.Sub(start), v.Value, v.Err)
	case !math.IsNaN(want) && (v.Err != nil || v.Value != want):
		w.Errorf("%v: %v, %v, want %v", w.now.Sub(start), v.Value, v.Err, want)
	}
	return s
}

var none = math.NaN()

// TestHalfTheTargets: half of the targets cannot be scraped for a while. What is left is not
// taken for the load unless it is more than the load was; it ends a range of the query after they
// are back.
func TestHalfTheTargets(t *testing.T) {
	w := watch(t, &fleet{load: 100, pods: 12, sources: 12, scraped: 12}, 0.75)
	w.sees(10*time.Minute, 100)
	w.scraped = 6
	s := w.sees(30*time.Second, none)
	if got := s.Sources[0]; got.Count != 6 || got.Expected != 12 || !got.Missing || !got.Since.Equal(s.Input.Now) {
		t.Errorf("%+v", got)
	}
	if text := s.Input.Values[0].Err.Error(); !strings.Contains(text, "from 6 targets, in place of 12") {
		t.Error(text)
	}
	w.sees(19*time.Minute, none)
	w.load = 300
	w.sees(30*time.Second, 150)
	w.load = 290
	w.sees(30*time.Second, none)
	w.scraped, w.load = 12, 120
	w.sees(30*time.Second, none) // a minute of the range is without
	w.sees(30*time.Second, none)
	s = w.sees(time.Minute, 120)
	if got := s.Sources[0]; got.Missing || got.Count != 12 {
		t.Errorf("%+v", got)
	}
	w.load = 50
	w.sees(30*time.Second, 50)
}

// TestFewerTargetsForGood: what is missing for half an hour is accepted, once, and what is left
// is the measure from then on.
func TestFewerTargetsForGood(t *testing.T) {
	w := watch(t, &fleet{load: 100, pods: 12, sources: 12, scraped: 12}, 0.75)
	w.sees(5*time.Minute, 100)
	w.scraped = 6
	w.sees(autoscaler.SourcesAcceptedAfter, none)
	s := w.sees(30*time.Second, 50)
	if got := s.Sources[0]; !got.Accepted || got.Missing || got.Count != 6 || got.Expected != 12 {
		t.Errorf("%+v", got)
	}
	if got := w.sees(time.Minute, 50).Sources[0]; got.Accepted || got.Expected != 6 {
		t.Errorf("then %+v", got)
	}
	w.scraped = 3
	w.sees(30*time.Second, none)
}

// TestBackAtTheLastMoment: what is back when it would have been accepted is not gone.
func TestBackAtTheLastMoment(t *testing.T) {
	w := watch(t, &fleet{load: 100, pods: 12, sources: 12, scraped: 12}, 0.75)
	w.sees(5*time.Minute, 100)
	w.scraped = 6
	w.sees(autoscaler.SourcesAcceptedAfter, none)
	w.scraped = 12
	if got := w.sees(30*time.Second, 100).Sources[0]; got.Accepted || got.Missing || got.Expected != 12 {
		t.Errorf("%+v", got)
	}
}

// TestWhatLeastDecides: with the share at a half a quarter may be missing, and at 0 nobody counts.
func TestWhatLeastDecides(t *testing.T) {
	for least, want := range map[float64]float64{1: none, 0.75: none, 0.5: 60, 0: 60} {
		w := watch(t, &fleet{load: 100, pods: 10, sources: 10, scraped: 10}, least)
		w.pass(5 * time.Minute)
		w.scraped = 6
		w.sees(30*time.Second, want)
		if (least == 0) != (w.counts == 0) {
			t.Errorf("at %v the targets were counted %d times", least, w.counts)
		}
	}
	p := wish(1)
	if _, err := autoscaler.New(autoscaler.Config{Policy: p, Clock: &fakeClock{}, Scaler: &fleet{}, LeastSources: 1.5}); err == nil {
		t.Error("a share of 1.5 is taken")
	}
}

// TestCountsThatFail say nothing, and end nothing, but not for ever.
func TestCountsThatFail(t *testing.T) {
	w := watch(t, &fleet{load: 100, pods: 10, sources: 10, scraped: 10}, 0.75)
	w.pass(5 * time.Minute)
	w.err = errors.New("too many samples")
	w.scraped = 5
	if s := w.sees(time.Minute, 50); !math.IsNaN(s.Sources[0].Count) {
		t.Errorf("%+v", s.Sources[0])
	}
	w.err, w.scraped = nil, 10
	w.sees(time.Minute, 100)
	w.scraped = 5
	w.sees(time.Minute, none)
	w.err = errors.New("too many samples")
	w.sees(20*time.Minute, none)
	w.sees(10*time.Minute, 50)
}

// TestCountsOfNothing: where a query has a value without its series, as with "or vector(0)", no
// series is none of those expected.
func TestCountsOfNothing(t *testing.T) {
	w := watch(t, &fleet{load: 100, pods: 10, sources: 10, scraped: 10}, 0.75)
	w.pass(5 * time.Minute)
	w.scraped = 0
	w.sees(30*time.Second, none)
}

// TestHowOftenTargetsAreCounted: once a minute, and at once where the value fell.
func TestHowOftenTargetsAreCounted(t *testing.T) {
	w := watch(t, &fleet{load: 100, pods: 10, sources: 10, scraped: 10}, 0.75)
	w.pass(20 * time.Minute)
	if w.counts < 20 || w.counts > 21 {
		t.Errorf("counted %d times in 20 minutes", w.counts)
	}
	before := w.counts
	for range 10 {
		w.load *= 0.8
		w.pass(30 * time.Second)
	}
	if w.counts-before != 10 {
		t.Errorf("counted %d times in 10 falls", w.counts-before)
	}
}

// TestPodsThatComeAndGo: pods are added and removed at random, by half of them and more, and each
// of their series comes, and goes, some minutes after it; or the series are those of an ingress,
// which stay. Nothing is missing. When then more than a quarter of what there is cannot be scraped,
// once all has settled, it is noticed at once, always.
func TestPodsThatComeAndGo(t *testing.T) {
	const turns, quiet = 600, 40
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 11))
		var pods []lifetime
		for range 1 + r.IntN(30) {
			pods = append(pods, lifetime{0, math.MaxInt})
		}
		f := &fleet{pods: int32(len(pods)), sources: len(pods)}
		w := watch(t, f, 0.75)
		for tick := range turns + quiet {
			if tick < turns && r.IntN(12) == 0 {
				next := max(1, int(float64(f.pods)*(0.3+1.4*r.Float64())))
				for ; int(f.pods) < next; f.pods++ {
					pods = append(pods, lifetime{tick + 1 + r.IntN(9), math.MaxInt})
				}
				for ; int(f.pods) > next; f.pods-- {
					old := r.IntN(len(pods))
					for pods[old].until < math.MaxInt {
						old = r.IntN(len(pods))
					}
					pods[old].until = tick + 1 + r.IntN(9)
				}
			}
			if seed%4 > 0 {
				f.sources = 0
				for _, p := range pods {
					if p.from <= tick && tick < p.until {
						f.sources++
					}
				}
			}
			f.scraped, f.load = f.sources, 500+500*r.Float64()
			if s := w.pass(30 * time.Second); s.Sources[0].Missing || s.Input.Values[0].Err != nil {
				t.Fatalf("seed %d, decision %d: %+v, %v", seed, tick, s.Sources[0], s.Input.Values[0].Err)
			}
		}
		f.load = 500
		if f.scraped = int(math.Ceil(0.75*float64(f.sources))) - 1; f.scraped > 0 {
			w.sees(30*time.Second, none)
		}
	}
}

// A lifetime is from when until when the series of a pod are there, in decisions.
type lifetime struct{ from, until int }
