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
	floor   bool          // too steep for Scale: only the floor is held to something
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
// floor of an HPA, the default, is never below that HPA, however steep the rise. A V3 that
// scales by itself has its last forecast, and the CPU of metrics-server by the rules of an
// HPA: it meets the objective over the whole run, and in the requests of the outage it is
// as good as without the outage, or as an HPA that is turned to the same share over a run
// without one. As configured the two cost different amounts, and the larger one is the
// better in any weather. It cannot keep that up in a rise of minutes that no day before
// had: it then begins with pods for the load of before, whose CPU shows no more than that
// they are full.
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
			floor := floorOn(t, plain)
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
						e.faults = []plannedFault{{harm: harm{kind: v1alpha1.FaultScrapeOutage, job: metricnames.JobIngress}, at: from.Sub(e.load.Start), lasts: until.Sub(from)}}
					})
					rows, whole := rowsOf(t, e, v3, configured(v3), seed)
					got, want := between(rows, from, until), between(equal, from, until)
					t.Logf("seed %d, from %.0f %% of it on: %.6f of the outage's requests are good, %.6f without the outage, %.6f under the HPA (%.6f as configured); %.6f of all, %.6f without the outage, %.6f under the HPA",
						seed, 100*part, got, between(undisturbedRows, from, until), want, between(asConfigured, from, until), whole, undisturbed, same)
					if limit := min(want, between(undisturbedRows, from, until)); !c.floor && got < limit {
						t.Errorf("seed %d: %.6f, want %.6f or more", seed, got, limit)
					}
					if !c.floor && whole < min(e.objective, same) {
						t.Errorf("seed %d: %.6f of all, below the objective of %v", seed, whole, e.objective)
					}
					raised, _ := rowsOf(t, e, floor, configured(floor), seed)
					if got, want := between(raised, from, until), between(asConfigured, from, until); got < want-1e-6 {
						t.Errorf("with the floor raised %.6f, without %.6f", got, want)
					}
				}
			}
		})
	}
}

// floorOn is a scaler on the load at the ingress that raises the floor of the HPA.
func floorOn(t *testing.T, e *env) *entrant {
	t.Helper()
	s := scaler(t, "{type: HPAMinReplicas, hpaRef: {name: shop}}")
	s.Spec.MinReplicas, s.Spec.MaxReplicas = &e.min, e.max
	s.Spec.Metrics = s.Spec.Metrics[:1]
	s.Spec.Metrics[0].Query = loadQuery(e.app)
	s.Spec.Metrics[0].Target.PerReplica = v1alpha1.Decimal(strconv.FormatFloat(e.capacity, 'g', -1, 64))
	ent, _, err := newEntrant(e, v1alpha1.PolicyRef{Name: "floor", File: "floor.yaml"}, map[string]v1alpha1.Document{"floor.yaml": {PredictiveScaler: s}})
	if err != nil {
		t.Fatal(err)
	}
	return ent
}
