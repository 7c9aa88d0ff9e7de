package backtest

import (
	"testing"

	"hindcast.dev/api/v1alpha1"
)

// benchEnv is a month of the default scenario, twenty replicas at its peak.
func benchEnv(b *testing.B) *env {
	b.Helper()
	x := &v1alpha1.Experiment{}
	x.Spec.Datasets = []v1alpha1.Dataset{{Scenario: "diurnal-weekly"}}
	x.Default()
	e, err := newEnv(x, x.Spec.Datasets[0], "app")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := e.shared.Close(); err != nil {
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
