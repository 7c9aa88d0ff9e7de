package backtest

import (
	"math"
	"strconv"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/backtest/result"
	"hindcast.dev/datasets"
	"hindcast.dev/internal/metricnames"
)

// A climb is a load of days that rise alike, but for the last, on which it begins to
// rise at an hour, by a factor, within some minutes.
type climb struct {
	name    string
	hour    float64       // of the last day
	within  time.Duration // the rise takes this long
	top     float64       // requests/s after it; before it is 100
	usually bool          // it rose so on the days before, too
	steep   bool          // too much so for Scale without a CPU floor, which is held to nothing
}

// series is two days of it, with a little noise; the rise of the last day begins at
// begin.
func (c climb) series() (s datasets.Series, begin time.Time) {
	s = datasets.Series{Name: "climb", Unit: datasets.RPS, Start: monday, Step: time.Minute}
	for i := range 2 * 1440 {
		day, hour := i/1440, float64(i%1440)/60
		v := 150 - 50*math.Cos((hour-2)*math.Pi/12)
		if c.usually || day == 1 {
			since := (hour - c.hour) / c.within.Hours()
			v = 100 + (c.top-100)*min(max(since, 0), 1)
			if hour > 20 {
				v -= (v - 100) * min((hour-20)/2, 1)
			}
		}
		s.Values = append(s.Values, v*(1+0.02*math.Sin(float64(i)*1.7)+0.01*math.Sin(float64(i)*0.37)))
	}
	return s, s.Start.Add(24*time.Hour + time.Duration(c.hour*float64(time.Hour)))
}

// between is the share of good requests in a time.
func between(rows []result.Row, from, until time.Time) float64 {
	good, all := 0.0, 0.0
	for _, r := range rows {
		if !r.Time.Before(from) && r.Time.Before(until) {
			good, all = good+r.Good, all+r.Good+r.Bad
		}
	}
	return good / all
}

// rowsOf runs a policy and returns its timeline, and the share of good requests in the
// scored part.
func rowsOf(t *testing.T, e *env, ent *entrant, value float64, seed uint64) (rows []result.Row, good float64) {
	t.Helper()
	var timeline file
	w := result.NewTimelineWriter(&timeline)
	out, err := e.run(t.Context(), task{entrant: ent, value: value, seed: seed, timeline: w}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for row, err := range result.ReadTimeline(&timeline) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	total := out.scored.total()
	return rows, total.good / total.requests
}

// TestOutageInARamp: Prometheus goes away in the middle of a rise. A V3 that raises the
// floor of an HPA, the default, is never below that HPA, however steep the rise, and neither
// is one that scales by itself with a CPU floor. Without one, V3 has its last forecast, and the
// CPU of metrics-server, as a load and by the rules of an HPA: it meets the objective over the
// whole run, and in the requests of the outage it is as good as without the outage, or as an
// HPA that is turned to the same share over a run without one. As configured the two cost
// different amounts, and the larger one is the better in any weather. It cannot keep that up
// in a rise of minutes that no day before had: it then begins with pods for the load of before,
// whose CPU shows no more than that they are full.
func TestOutageInARamp(t *testing.T) {
	for _, c := range []climb{
		{"every day, in an hour", 9, time.Hour, 1500, true, false},
		{"every day, in 20 minutes", 9, 20 * time.Minute, 1500, true, false},
		{"never before, in an hour", 13, time.Hour, 1500, false, false},
		{"never before, in 20 minutes", 13, 20 * time.Minute, 1500, false, false},
		{"never before, in 5 minutes", 13, 5 * time.Minute, 800, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			load, begin := c.series()
			plain := testEnv(t, load)
			hpa, v3 := entrantNamed(t, plain, "hpa"), entrantNamed(t, plain, "v3")
			floor, cpuFloor := floorOn(t, plain), cpuFloorOn(t, plain)
			for _, seed := range []uint64{1, 2} {
				asConfigured, _ := rowsOf(t, plain, hpa, configured(hpa), seed)
				undisturbedRows, undisturbed := rowsOf(t, plain, v3, configured(v3), seed)
				equal, same := asConfigured, 1.0
				for target := 80.0; target <= 150; target += 10 {
					if rows, good := rowsOf(t, plain, hpa, target, seed); good >= undisturbed {
						equal, same = rows, good
					}
				}
				for _, part := range []float64{0.4 * float64(seed-1), 0.4*float64(seed-1) + 0.2} {
					from := begin.Add(time.Duration(part * float64(c.within)))
					until := from.Add(30 * time.Minute)
					e := testEnvWith(t, load, func(e *env) {
						e.faults = []plannedFault{outageOf(e, from, until)}
					})
					rows, whole := rowsOf(t, e, v3, configured(v3), seed)
					got, want := between(rows, from, until), between(equal, from, until)
					t.Logf("seed %d, from %.0f %% of it on: %.6f of the outage's requests are good, %.6f without the outage, %.6f under the HPA (%.6f as configured); %.6f of all, %.6f without the outage, %.6f under the HPA",
						seed, 100*part, got, between(undisturbedRows, from, until), want, between(asConfigured, from, until), whole, undisturbed, same)
					if limit := min(want, between(undisturbedRows, from, until)); !c.steep && got < limit {
						t.Errorf("seed %d: %.6f, want %.6f or more", seed, got, limit)
					}
					if !c.steep && whole < min(e.objective, same) {
						t.Errorf("seed %d: %.6f of all, below the objective of %v", seed, whole, e.objective)
					}
					for _, ent := range []*entrant{floor, cpuFloor} {
						rows, _ := rowsOf(t, e, ent, configured(ent), seed)
						if got, want := between(rows, from, until), between(asConfigured, from, until); got < want-1e-6 {
							t.Errorf("%s, seed %d, from %.0f %% of it on: %.6f, the HPA alone %.6f", ent.description, seed, 100*part, got, want)
						}
					}
				}
			}
		})
	}
}

// TestOutageInANovelRise: eight times the load within five minutes, as no day before had,
// from one full pod, two and three, with an outage that begins before it, with it and in it. A
// V3 with a CPU floor serves at least the share of the HPA: it begins with as many pods, and
// goes up by the straight line where the HPA goes by the utilisation of full pods. Without
// one it has half as many when the rise begins, and an outage before it is no worse than
// data.
func TestOutageInANovelRise(t *testing.T) {
	c := climb{"never before, in 5 minutes", 13, 5 * time.Minute, 800, false, true}
	load, begin := c.series()
	for _, peak := range []int32{8, 16, 24} {
		t.Run(strconv.Itoa(int(peak)), func(t *testing.T) {
			t.Parallel()
			sized := func(x *v1alpha1.ExperimentSpec) { x.App.PeakPods = peak }
			plain := testEnv(t, load, sized)
			hpa, v3, cpuFloor := entrantNamed(t, plain, "hpa"), entrantNamed(t, plain, "v3"), cpuFloorOn(t, plain)
			for _, seed := range []uint64{1, 2, 3} {
				alone, _ := rowsOf(t, plain, hpa, configured(hpa), seed)
				seeing, _ := rowsOf(t, plain, v3, configured(v3), seed)
				for _, part := range []float64{-0.4, 0, 0.2, 0.4, 0.6} {
					from := begin.Add(time.Duration(part * float64(c.within)))
					until := from.Add(30 * time.Minute)
					e := testEnv(t, load, sized)
					e.faults = []plannedFault{outageOf(e, from, until)}
					floored, _ := rowsOf(t, e, cpuFloor, configured(cpuFloor), seed)
					blind, _ := rowsOf(t, e, v3, configured(v3), seed)
					with, without := between(floored, from, until), between(blind, from, until)
					want, data := between(alone, from, until), between(seeing, from, until)
					t.Logf("seed %d, from %.0f %% of it on: %.6f with a CPU floor, %.6f without, %.6f with data, %.6f under the HPA", seed, 100*part, with, without, data, want)
					if with < want-1e-6 {
						t.Errorf("seed %d, from %.0f %% of it on: %.6f of the outage's requests are good, %.6f under the HPA", seed, 100*part, with, want)
					}
					if part < 0 && without < data {
						t.Errorf("seed %d: without a CPU floor %.6f are good, %.6f with data", seed, without, data)
					}
				}
			}
		})
	}
}

// outageOf is one of the ingress's metrics.
func outageOf(e *env, from, until time.Time) plannedFault {
	return plannedFault{harm: harm{kind: v1alpha1.FaultScrapeOutage, job: metricnames.JobIngress}, at: from.Sub(e.load.Start), lasts: until.Sub(from)}
}

// floorOn raises the floor of the HPA.
func floorOn(t *testing.T, e *env) *entrant {
	return scalerOn(t, e, "{type: HPAMinReplicas, hpaRef: {name: shop}}", false)
}

// cpuFloorOn scales by itself, with a CPU floor.
func cpuFloorOn(t *testing.T, e *env) *entrant { return scalerOn(t, e, "{type: Scale}", true) }

// scalerOn is a scaler on the load at the ingress, within the bounds of the environment.
func scalerOn(t *testing.T, e *env, actuation string, cpuFloor bool) *entrant {
	t.Helper()
	s := onTheLoad(t, e, actuation)
	s.Spec.MinReplicas, s.Spec.MaxReplicas = &e.min, e.max
	s.Spec.Metrics[0].Target.PerReplica = v1alpha1.Decimal(strconv.FormatFloat(e.capacity, 'g', -1, 64))
	s.Spec.Safety.CPUFloor = cpuFloor
	return entrantOf(t, e, "scaler", s)
}
