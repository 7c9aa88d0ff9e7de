package backtest

import (
	"math"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/promdb"
	"hindcast.dev/sim"
)

// Requests are what the simulator counted until a scrape.
type requests struct {
	flow   sim.Flow
	within []float64 // accepted requests by durationBounds, then all
}

// share is that of requests that were not good between two scrapes, and how far the panel's may be off.
func share(from, to *requests, pods int, errorRate float64, sampled time.Duration) (bad, about float64) {
	since := func(o sim.Outcome) float64 { return to.flow.Completed[o] - from.flow.Completed[o] }
	shed := to.flow.Shed - from.flow.Shed
	all := to.flow.Completed.Total() - from.flow.Completed.Total() + shed
	bad = since(sim.Late) + since(sim.TimedOut) + since(sim.Failed) + shed
	// The histogram has a request from when it is accepted on, and does not know which of the late ones failed.
	held := func(r *requests) float64 {
		return r.flow.Accepted[sim.Late] + r.flow.Accepted[sim.TimedOut] - r.flow.Completed[sim.Late] - r.flow.Completed[sim.TimedOut]
	}
	late := to.flow.Accepted[sim.Late] - from.flow.Accepted[sim.Late]
	about = math.Abs(held(to)-held(from)) + late*errorRate/(1-errorRate)
	about += float64(2 * 5 * pods)        // counters of whole requests: of two buckets and three codes
	about += bad * 20 / sampled.Seconds() // a counter that has just begun is not drawn back below 0
	return bad / all, about / all
}

// panelsOfUsers are hours of a fixed number of pods, too few in bursts: what users get is then what all pods counted.
func panelsOfUsers(t *testing.T, compared map[string]int) {
	t.Helper()
	load := days(1)
	load.Values = bursts(5)()
	e := testEnv(t, load, func(spec *v1alpha1.ExperimentSpec) { spec.App.ErrorRate, spec.SLO.Objective = "0.01", "95" })
	const pods = 5
	static := *entrantNamed(t, e, "static")
	build := static.build
	static.build = func(float64) (setup, error) { return build(pods) }
	check := panelCheck{compared: compared, values: map[string]string{
		"namespace": e.namespace, "deployment": e.app, "policy": ".*", "latency": "0.25", "objective": "0.99", "__rate_interval": "2m", "__range": "1h",
	}}
	var all []requests
	sum := make([]float64, len(durationBounds)+1)
	hook := func(w *sim.World) {
		w.Every(e.load.Start, e.scrape, sim.Observe, func() {
			for _, p := range w.Pods() { // Whoever scrapes them empties them.
				for i, le := range durationBounds {
					sum[i] += p.Latencies.Within(time.Duration(le * float64(time.Second)))
				}
				sum[len(sum)-1] += p.Latencies.Total()
			}
			all = append(all, requests{w.Totals().Flow, append([]float64(nil), sum...)})
		})
	}
	watchWith(t, e, &static, watching{world: hook}, func(_ snapshot, w *sim.World, db *promdb.DB, _ *promdb.View) {
		n := len(all)
		if n < 40 || n%13 != 0 {
			return
		}
		off := map[string]float64{}
		over := func(window time.Duration) (bad, about float64) {
			seen := min(n, int(window/e.scrape))
			return share(&all[n-seen], &all[n-1], pods, 0.01, time.Duration(seen-1)*e.scrape)
		}
		now, offNow := over(2 * time.Minute)
		hour, offHour := over(time.Hour)
		want := map[string]panelLines{
			"Requests that are not good":   {"": now, "allowed": 0.01},
			"Error budget burn, last hour": {"": hour / 0.01},
			"Good requests":                {"": 1 - hour},
			"Error budget left":            {"": 1 - hour/0.01},
			"Error budget burn":            {},
			"Latency":                      {"good until": 0.25},
		}
		off["Requests that are not good/"], off["Good requests/"] = offNow, offHour
		off["Error budget burn, last hour/"], off["Error budget left/"] = offHour/0.01, offHour/0.01
		for name, window := range map[string]time.Duration{"5 m": 5 * time.Minute, "1 h": time.Hour, "6 h": 6 * time.Hour, "3 d": 72 * time.Hour} {
			bad, about := over(window)
			want["Error budget burn"][name], off["Error budget burn/"+name] = bad/0.01, about/0.01
		}
		from, to := &all[n-int(2*time.Minute/e.scrape)], &all[n-1]
		for name, q := range map[string]float64{"p50": 0.5, "p95": 0.95, "p99": 0.99} {
			want["Latency"][name], off["Latency/"+name] = quantileWithin(from.within, to.within, q, 2*pods)
		}
		check.look(t, db, w.Now(), want, func(title, line string) float64 { return off[title+"/"+line] + 1e-9 }, func(string) bool { return true })
	})
	if n := compared["Latency/p99"]; n < 20 {
		t.Errorf("latency was compared %d times", n)
	}
}

// quantileWithin is what a histogram says between two scrapes, whose values are spread evenly in each bucket, and how
// far it may be off where so many requests are counted in another.
func quantileWithin(from, to []float64, q, slack float64) (v, about float64) {
	at := func(rank float64) float64 {
		below, lower := 0.0, 0.0
		for i, le := range durationBounds {
			n := to[i] - from[i]
			if rank <= n {
				return lower + (le-lower)*(rank-below)/(n-below)
			}
			below, lower = n, le
		}
		return lower
	}
	last := len(to) - 1
	all := to[last] - from[last]
	v = at(q * all)
	return v, max(at(min(q*all+slack, all))-v, v-at(q*all-slack))
}
