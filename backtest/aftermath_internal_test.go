package backtest

import (
	"math"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
)

// TestServedDuringFaults: the share of good requests during a fault is that of the lines of the
// timeline which lie in it or in the ten minutes after, those at its edges in part; however faults
// overlap, and without a gap of the recording.
func TestServedDuringFaults(t *testing.T) {
	load := days(1) // a gap from 19:00 to 19:20
	e := testEnv(t, load, func(spec *v1alpha1.ExperimentSpec) {
		spec.Cluster.Faults = []v1alpha1.ClusterFault{
			{Kind: v1alpha1.FaultPodRestart, At: "2h"}, // before the scored part
			{Kind: v1alpha1.FaultAPIErrors, At: "5h55m", Duration: lasting(time.Hour)},
			{Kind: v1alpha1.FaultNodeLoss, At: "14h7m7s", Duration: lasting(40 * time.Minute)},
			{Kind: v1alpha1.FaultPodRestart, PerDay: "24", Share: "0.7"},
			{Kind: v1alpha1.FaultScrapeLag, At: "18h30m30s", Duration: lasting(40 * time.Minute), Delay: lasting(time.Minute)},
			{Kind: v1alpha1.FaultSlowStart, At: "23h30m", Duration: lasting(2 * time.Hour), Factor: "3"},
		}
	})
	ent := entrantNamed(t, e, "hpa")
	tr := try(t, e, ent, configured(ent), catalog{})
	all := e.faultsOf(1)
	if len(tr.faults) != len(all) || len(all) < 15 {
		t.Fatalf("%d shares of %d faults", len(tr.faults), len(all))
	}
	worst := 1.
	for i, f := range all {
		got := tr.faults[i]
		from, until := e.load.Start.Add(f.at), e.load.Start.Add(f.end+10*time.Minute)
		if from.Before(e.scoredFrom) {
			if got.Defined() {
				t.Errorf("%s at %v is before the scored part and has %v", f.kind, f.at, got)
			}
			continue
		}
		good, served := 0., 0.
		for j, r := range tr.timeline {
			to := e.load.End()
			if j+1 < len(tr.timeline) {
				to = tr.timeline[j+1].Time
			}
			if math.IsNaN(r.Load) || !to.After(r.Time) {
				continue
			}
			part := math.Max(0, math.Min(to.Sub(from).Seconds(), until.Sub(r.Time).Seconds()))
			part = math.Min(part, math.Min(to.Sub(r.Time).Seconds(), until.Sub(from).Seconds())) / to.Sub(r.Time).Seconds()
			good += part * r.Good
			served += part * (r.Good + r.Bad)
		}
		if want := good / served; math.Abs(float64(got)-want) > 1e-9 {
			t.Errorf("%s at %v: %v, want %v", f.kind, f.at, got, want)
		}
		worst = min(worst, float64(got))
	}
	if worst > 0.999 {
		t.Errorf("the worst is %v: the test says little", worst)
	}
	// A point of a sweep does not pay for it.
	out, err := e.run(t.Context(), task{entrant: ent, value: configured(ent), seed: 1}, nil)
	if err != nil || out.faults != nil {
		t.Errorf("%v, %v", out.faults, err)
	}
}
