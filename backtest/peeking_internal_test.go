package backtest

import (
	"bytes"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/backtest/result"
	"hindcast.dev/datasets"
	"hindcast.dev/forecast"
)

// poisons spoil a load from a step on; what was before stays.
var poisons = map[string]func([]float64){
	"spike": func(v []float64) {
		for i := range v {
			v[i] *= 3
		}
	},
	"silence": func(v []float64) { clear(v) },
	"gap": func(v []float64) {
		for i := range v[:len(v)-1] {
			v[i] = math.NaN()
		}
	},
}

// pinned fixes what a whole recording decides: the factor on the load and the bounds.
func pinned(spec *v1alpha1.ExperimentSpec) {
	spec.Datasets[0].Scale = "1"
	spec.MaxReplicas = 20
}

func poisoned(s datasets.Series, at time.Time, poison func([]float64)) datasets.Series {
	s.Values = slices.Clone(s.Values)
	poison(s.Values[at.Sub(s.Start)/s.Step:])
	return s
}

// before returns the lines of the decisions up to and including an instant.
func (tr *trial) before(t testing.TB, at time.Time) [][]byte {
	t.Helper()
	n := 0
	for n < len(tr.decisions) && !tr.decisions[n].Time.After(at) {
		n++
	}
	if n == 0 || n == len(tr.decisions) {
		t.Fatalf("%d of %d decisions are before %v", n, len(tr.decisions), at)
	}
	return tr.lines[:n]
}

// TestNoPeeking spoils the load after an instant: up to it every policy sees and
// decides the same to the byte, and the world goes the same way. Only the oracle, which
// knows the load to come, must not.
func TestNoPeeking(t *testing.T) {
	load := days(2)
	load.Values = load.Values[:27*60]
	at := monday.Add(25*time.Hour + 40*time.Minute) // models have seen a whole day
	clean := testEnv(t, load, pinned)
	wants := entrants(t, clean)
	var want []trial
	for _, ent := range wants {
		want = append(want, try(t, clean, ent, configured(ent), catalog{}))
	}
	for name, poison := range poisons {
		spoilt := testEnv(t, poisoned(load, at, poison), pinned)
		for i, ent := range entrants(t, spoilt) {
			if name != "spike" && (ent.name == "scale" || ent.name == "floor") {
				continue // their databases take time; V3 stands for them
			}
			t.Run(name+"/"+ent.name, func(t *testing.T) {
				value := configured(wants[i]) // static's own is known in hindsight
				got := try(t, spoilt, ent, value, catalog{})
				if ent.name == "oracle" {
					if name == "spike" && !differsBefore(t, &want[i], &got, at) {
						t.Error("the oracle did not see the spike coming")
					}
					return
				}
				sameBefore(t, &want[i], &got, at)
				if ent.name != "static" && slices.EqualFunc(want[i].lines, got.lines, bytes.Equal) {
					t.Error("the poison changed nothing at all: this test would not notice")
				}
			})
		}
	}
}

func differsBefore(t *testing.T, a, b *trial, at time.Time) bool {
	t.Helper()
	return !slices.EqualFunc(a.before(t, at), b.before(t, at), bytes.Equal)
}

// known puts -1 in place of NaN.
func known(r result.Row) result.Row {
	for _, v := range []*float64{&r.Load, &r.P99} {
		if math.IsNaN(*v) {
			*v = -1
		}
	}
	return r
}

func sameBefore(t *testing.T, want, got *trial, at time.Time) {
	t.Helper()
	gotLines := got.before(t, at)
	for k, line := range want.before(t, at) {
		if !bytes.Equal(line, gotLines[k]) {
			t.Fatalf("decided otherwise because of what came after %v:\n%s%s", at, line, gotLines[k])
		}
	}
	for k, row := range want.timeline {
		if !row.Time.Before(at) {
			break
		}
		if other := got.timeline[k]; known(row) != known(other) {
			t.Fatalf("the world went another way:\n%+v\n%+v", row, other)
		}
	}
}

// TestModelsDoNotPeek: forecasts made until an instant do not depend on what comes
// after it, although they are of instants after it.
func TestModelsDoNotPeek(t *testing.T) {
	load := days(3)
	at := monday.Add(50 * time.Hour)
	track := func(s datasets.Series) []result.ForecastRow {
		dir := filepath.Join(t.TempDir(), "run")
		w, err := result.NewWriter(dir, false)
		if err != nil {
			t.Fatal(err)
		}
		x := experiment(t, s)
		pinned(&x.Spec)
		x.Spec.Models = []string{forecast.DefaultModel}
		b := &bench{x: x, out: w, env: testEnv(t, s, pinned)}
		if _, err := b.scoreModels(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		var rows []result.ForecastRow
		for row, err := range (&result.Folder{Dir: dir}).ForecastSeries(forecast.DefaultModel) {
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
		}
		return rows
	}
	e := testEnv(t, load, pinned)
	lead := time.Duration(trackHorizon(e.v3Horizon(), time.Minute, e.horizons(time.Minute))) * time.Minute
	want := track(load)
	for name, poison := range poisons {
		got := track(poisoned(load, at, poison))
		made, changed := 0, 0
		for i, row := range want {
			// The value at an instant is known once its step is over.
			if row.Time.Add(-lead).Before(at) {
				made++
				row.Actual, got[i].Actual = 0, 0
				if got[i] != row {
					t.Fatalf("%s: forecast of %v was\n%+v, now\n%+v", name, row.Time, row, got[i])
				}
			} else if got[i].Point != row.Point {
				changed++
			}
		}
		if made == 0 || changed == 0 {
			t.Errorf("%s: %d forecasts before, %d changed after: this test would not notice", name, made, changed)
		}
	}
}
