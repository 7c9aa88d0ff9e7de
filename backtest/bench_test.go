package backtest

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/backtest/result"
	"hindcast.dev/datasets"
)

// benchEnv is a month of the default scenario, twenty replicas at its peak.
func benchEnv(b *testing.B) *env {
	b.Helper()
	x := &v1alpha1.Experiment{}
	x.Spec.Datasets = []v1alpha1.Dataset{{Scenario: "diurnal-weekly"}}
	x.Default()
	e, err := newEnv(x, x.Spec.Datasets[0], "default", "app")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := e.close(); err != nil {
			b.Error(err)
		}
	})
	return e
}

// BenchmarkRun is one run without a record, as sweeps do by the dozen.
func BenchmarkRun(b *testing.B) {
	e := benchEnv(b)
	for _, name := range v1alpha1.Policies() {
		b.Run(name, func(b *testing.B) {
			ent, _, err := newEntrant(e, v1alpha1.PolicyRef{Name: name}, nil)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := e.run(b.Context(), task{entrant: ent, value: ent.knob.configured, seed: 1}, nil); err != nil {
					b.Fatal(err)
				}
			}
			days := e.load.End().Sub(e.load.Start).Hours() / 24
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/days*1000, "ms/day")
		})
	}
}

// BenchmarkBacktest30Days is a month as `hindcast backtest` records it, one policy at a
// time on one core: timeline, decisions and blocks on disk. Budgets are 30 s a policy
// with the metrics needed, 120 s with all, and 500 MB.
func BenchmarkBacktest30Days(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	sc, err := datasets.Find("diurnal-weekly")
	if err != nil {
		b.Fatal(err)
	}
	sc.Length = datasets.Duration(30 * day)
	e := testEnv(b, sc.Generate(1), func(spec *v1alpha1.ExperimentSpec) { spec.App.PeakPods = 20 })
	for _, metrics := range []struct {
		name string
		keep catalog
	}{{v1alpha1.MetricsNeeded, catalog{}}, {v1alpha1.MetricsAll, nil}} {
		for _, name := range v1alpha1.Policies() {
			b.Run(metrics.name+"/"+name, func(b *testing.B) {
				ent, err := builtIn(e, name)
				if err != nil {
					b.Fatal(err)
				}
				debug.FreeOSMemory()
				var peak, samples, queries uint64
				for b.Loop() {
					out := writeRun(b, e, &ent, metrics.keep, func() { peak = max(peak, memory()) })
					samples, queries = out.samples, uint64(out.queries)
				}
				b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/run")
				b.ReportMetric(float64(peak)/(1<<20), "peak-MB")
				b.ReportMetric(float64(samples), "samples")
				b.ReportMetric(float64(queries), "queries")
			})
		}
	}
}

// memory is what the program holds of the system's.
func memory() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys - m.HeapReleased
}

// writeRun records a run into files; look is called once a simulated day.
func writeRun(b *testing.B, e *env, ent *entrant, keep catalog, look func()) output {
	b.Helper()
	dir := b.TempDir()
	timeline, err := os.Create(filepath.Join(dir, result.TimelineFile))
	if err != nil {
		b.Fatal(err)
	}
	decisions, err := os.Create(filepath.Join(dir, result.DecisionsFile))
	if err != nil {
		b.Fatal(err)
	}
	w := result.NewTimelineWriter(timeline)
	out, err := e.run(b.Context(), task{
		entrant: ent, value: configured(ent), seed: 1, latencies: true, timeline: w,
		record: &recording{decisions: decisions, tsdb: filepath.Join(dir, result.TSDBDir), keep: keep},
	}, func(time.Duration) { look() })
	if err := errors.Join(err, w.Close(), decisions.Close(), os.RemoveAll(dir)); err != nil {
		b.Fatal(err)
	}
	return out
}
