package liveread

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"hindcast.dev/internal/metricnames"
	"hindcast.dev/live/liveview"
)

// view works everything out.
func (r *reading) view() *liveview.View {
	v := &liveview.View{
		Namespace: r.ask.Namespace, Name: r.ask.Name, Server: r.ask.Server,
		From: r.ask.From, To: r.ask.To, Step: r.ask.Step, Steps: r.steps,
		Desired: r.gauge(metricnames.ScalerDesired), Current: r.gauge(metricnames.ScalerCurrent),
		Fewest: r.gauge(metricnames.ScalerMin), Most: r.gauge(metricnames.ScalerMax),
		Metrics: r.metrics(), Stale: r.gauge(metricnames.ScalerStale),
		Reasons: r.events(metricnames.ScalerDecisions, "reason"), QueryErrors: r.events(metricnames.ScalerQueryErrors, "metric"),
		Restarts:  r.events(metricnames.ScalerRestarts, "reason"),
		Demotions: r.counter(metricnames.ScalerDemotions, "", ""), ScaleErrors: r.counter(metricnames.ScalerScaleErrors, "", ""),
		Gaps: r.gaps(), Controllers: r.controllers(), Missing: r.missing(),
	}
	for _, active := range r.active {
		if active {
			v.WatchedSeconds += r.ask.Step.Seconds()
		}
	}
	v.StaleSeconds = math.NaN()
	if known(v.Stale) > 0 {
		v.StaleSeconds = 0
		for _, s := range v.Stale {
			if s == 1 {
				v.StaleSeconds += r.ask.Step.Seconds()
			}
		}
	}
	took := r.counter(metricnames.ScalerDecisionDuration+"_sum", "", "").Total
	v.DecisionSeconds = took / r.counter(metricnames.ScalerDecisionDuration+"_count", "", "").Total
	v.Modes = r.modes()
	r.shadow(v)
	v.Notes = slices.Concat(r.notes, r.remarks(v))
	return v
}

// modes are those that were in force at some time, the longest first.
func (r *reading) modes() []liveview.Mode {
	var all []liveview.Mode
	for name, values := range r.gauges(metricnames.ScalerMode, "mode", always, nil) {
		m := liveview.Mode{Name: name, Values: values}
		for _, v := range values {
			if v == 1 {
				m.Seconds += r.ask.Step.Seconds()
			}
		}
		if m.Seconds > 0 {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b liveview.Mode) int {
		return cmp.Or(cmp.Compare(b.Seconds, a.Seconds), strings.Compare(a.Name, b.Name))
	})
	return all
}

// gaps are the times in which nobody was seen to decide, between the first step and the
// last.
func (r *reading) gaps() []liveview.Gap {
	var all []liveview.Gap
	for i := 0; i < r.steps; i++ {
		if r.active[i] {
			continue
		}
		from := i
		for i < r.steps && !r.active[i] {
			i++
		}
		all = append(all, liveview.Gap{From: r.at(from), To: r.at(i)})
	}
	return all
}

func (r *reading) at(step int) time.Time { return r.ask.From.Add(time.Duration(step) * r.ask.Step) }

func (r *reading) controllers() []liveview.Controller {
	var all []liveview.Controller
	at := map[int]int{}
	for i, p := range r.chosen {
		if p < 0 {
			continue
		}
		k, ok := at[p]
		if !ok {
			k = len(all)
			at[p] = k
			all = append(all, liveview.Controller{Labels: r.processes[p].labels, First: r.at(i)})
		}
		all[k].Last = r.at(i)
	}
	return all
}

// lacks says what a page has not for want of a metric. Of conditions and of the
// targets behind the series it shows nothing.
var lacks = map[string]string{
	metricnames.ScalerAccuracy:         "the accuracy of the forecasts; there is none before an hour of them was judged",
	metricnames.ScalerCurrent:          "what ran",
	metricnames.ScalerDecisionDuration: "how long decisions took",
	metricnames.ScalerDecisions:        "the reasons of decisions, and whether there were any",
	metricnames.ScalerDemotions:        "demotions of the model",
	metricnames.ScalerDesired:          "what the scaler asked for",
	metricnames.ScalerForecast:         "the forecasts; there are none while the scaler learns",
	metricnames.ScalerMax:              "the most replicas it may ask for",
	metricnames.ScalerMin:              "the fewest replicas it may ask for",
	metricnames.ScalerMode:             "the mode",
	metricnames.ScalerObserved:         "what came",
	metricnames.ScalerQueryErrors:      "failed queries",
	metricnames.ScalerRestarts:         "how often the loop began anew",
	metricnames.ScalerReplicaSeconds:   "what its decisions would have cost",
	metricnames.ScalerScaleErrors:      "failed reads and updates of the replicas",
	metricnames.ScalerShortSeconds:     "what its decisions would have prevented",
	metricnames.ScalerSkill:            "the skill of the forecasts; there is none before an hour of them was judged",
	metricnames.ScalerStale:            "when it had no current data",
}

func (r *reading) missing() []liveview.Missing {
	var all []liveview.Missing
	for _, m := range metricnames.All() {
		if lacks[m.Name] == "" || slices.ContainsFunc(asked(m), func(name string) bool { return len(r.families[name]) > 0 }) {
			continue
		}
		all = append(all, liveview.Missing{Name: m.Name, Lacks: lacks[m.Name]})
	}
	return all
}

// shadow sums what ran and what would have.
func (r *reading) shadow(v *liveview.View) {
	read := func(name, kind string) liveview.Events { return r.counter(name, "kind", kind) }
	ran, decided := read(metricnames.ScalerReplicaSeconds, "actual"), read(metricnames.ScalerReplicaSeconds, "decided")
	short, wouldShort := read(metricnames.ScalerShortSeconds, "actual"), read(metricnames.ScalerShortSeconds, "decided")
	v.Running = liveview.Cumulative{
		ReplicaHours: r.growth(ran), DecidedReplicaHours: r.growth(decided), ShortHours: r.growth(short), DecidedShortHours: r.growth(wouldShort),
	}
	order := make([]string, 0, len(v.Modes)+1)
	for _, m := range v.Modes {
		order = append(order, m.Name)
	}
	for _, mode := range append(order, "") {
		s := liveview.Sums{Mode: mode}
		in := func(e liveview.Events) float64 {
			if e.Rises == nil {
				return math.NaN()
			}
			total := 0.0
			for i, rise := range e.Rises {
				if r.modeAt(v.Modes, i) == mode {
					total += rise
				}
			}
			return total / 3600
		}
		s.ReplicaHours, s.DecidedReplicaHours, s.ShortHours, s.DecidedShortHours = in(ran), in(decided), in(short), in(wouldShort)
		for i, active := range r.active {
			if active && r.modeAt(v.Modes, i) == mode {
				s.WatchedHours += r.ask.Step.Hours()
			}
		}
		if s.WatchedHours > 0 || s.ReplicaHours > 0 || s.DecidedReplicaHours > 0 {
			v.Sums = append(v.Sums, s)
		}
	}
	v.Verdict = r.verdict(v.Sums)
}

// modeAt is the mode in force at a step, empty where it is not known.
func (r *reading) modeAt(modes []liveview.Mode, step int) string {
	for _, m := range modes {
		if m.Values[step] == 1 {
			return m.Name
		}
	}
	return ""
}

// growth adds a counter up, in hours; NaN where nobody decided.
func (r *reading) growth(e liveview.Events) []float64 {
	out := r.unknown()
	total := 0.0
	for i := range e.Rises {
		total += e.Rises[i] / 3600
		if r.active[i] {
			out[i] = total
		}
	}
	return out
}

// What is less than this does not count as a difference.
const (
	sameCost  = 0.005       // of the replica-hours
	sameShort = 30.0 / 3600 // hours: one decision
)

// verdict compares what the decisions of the time in Shadow would have cost and prevented
// with what happened. Where the scaler was active, what ran is what it decided.
func (r *reading) verdict(sums []liveview.Sums) liveview.Verdict {
	out := liveview.Verdict{PerReplicaHour: math.NaN()}
	if r.ask.PerReplicaHour > 0 {
		out.PerReplicaHour = r.ask.PerReplicaHour
	}
	for _, s := range sums {
		if s.Mode != "Shadow" {
			continue
		}
		out.Sums = s
		out.Cost = than(s.DecidedReplicaHours, s.ReplicaHours, sameCost*s.ReplicaHours)
		out.Short = than(s.DecidedShortHours, s.ShortHours, sameShort)
		if !(s.ReplicaHours > 0) {
			out.Cost, out.Short = liveview.Unknown, liveview.Unknown
		}
	}
	return out
}

func than(a, b, tolerance float64) liveview.Than {
	switch {
	case math.IsNaN(a) || math.IsNaN(b):
		return liveview.Unknown
	case math.Abs(a-b) <= tolerance+1e-9:
		return liveview.Same
	case a < b:
		return liveview.Less
	}
	return liveview.More
}
