package reports

import (
	"hindcast.dev/backtest/result"
)

// what says in one line what the report is about.
func what(r *result.Result) string {
	d := r.Dataset
	k := clock{start: d.Start, relative: d.Relative}
	s := plural(len(r.Policies), "scaling policy", "scaling policies") + " replayed on " +
		duration(d.End.Sub(d.Start).Seconds()) + " of load"
	if !d.Relative {
		s += " from " + k.instant(d.Start) + " (UTC)"
	}
	return s + "; scored from " + k.instant(d.ScoredFrom) + "."
}

// remarks are the run's own notes, and what could not be drawn.
func remarks(r *result.Result, pics *pictures) []string {
	return append(append([]string(nil), r.Notes...), pics.remarks...)
}

// measures name every formula of the report with its denominator.
func measures(r *result.Result) []fact {
	within := duration(r.SLO.LatencySeconds)
	objective := trimmed(goodShare(result.Number(r.SLO.Objective)))
	return []fact{
		{"scored part", "All figures count from the end of the warm-up; the warm-up is there to learn from and is scored for nobody."},
		{"request good", "Answered without 5xx, timeout or shedding within " + within + ". Requests good = good requests / all first tries of the scored part."},
		{"minutes good", "Minutes whose own share of good requests reaches " + objective + " % / all minutes with requests."},
		{"availability", "Minutes with at least one ready replica and under 1 % of 5xx / all minutes."},
		{"error budget spent", "Bad requests / (all requests × " + trimmed(percent(result.Number(1-r.SLO.Objective))) + " %); 100 % is all of it."},
		{"demand d(l)", "The fewest warm, ready, fault-free replicas whose steady-state share of good requests at constant load l reaches " + objective +
			" %. It depends on the load only and is tabulated once, before any policy runs, with the service model of the simulation; d(0) = 0."},
		{"over-provisioned θO", "Time mean of max(ready − d, 0) / d. The denominator is the demand, not the supply. Only time with d > 0 counts; ready replica-hours without demand are listed as idle."},
		{"under-provisioned θU", "Time mean of max(d − ready, 0) / d, over the same time."},
		{"time over τO, under τU", "Share of that time with more, or fewer, ready replicas than d."},
		{"instability υ", "Share of time steps in which supply and demand do not move in the same direction."},
		{"scale-up seconds", "For each rise of demand, common to all policies: from the moment when d first reaches a level until as many replicas are ready; 0 where they already are, ended when d falls below the level again. Mean, p50 and p95 over all rises."},
		{"price", "Pod-hours × " + trimmed(money(result.Number(r.App.PricePerReplicaHour))) + " per replica-hour, or node-hours × the pools' prices where pools have prices; no currency is assumed."},
		{"reversals", "Scaling actions against the direction of the last one, within 10 minutes of it."},
		{"reductions", "1 − candidate / baseline: over-provisioning on θO, cost on price, scale-up time on the mean. The difference in service is candidate − baseline in requests good, in percentage points (pp)."},
		{"equal SLA", "Each policy's one knob is swept on the scored part, the same hindsight for all, and its curve of cost against service is interpolated at the objective, or at the best service that both reach."},
		{"intervals", "Paired moving-block bootstrap over days and seeds; none under 7 scored days."},
		{"forecast accuracy", "1 − WAPE, with WAPE = Σ|actual − forecast| / Σ|actual| of the point forecast at that horizon, rolling origin, out of sample. MASE and RMSSE are scaled by the seasonal naive error of the training part; pinball is the mean pinball loss in requests/s; bias is the mean of forecast − actual in requests/s."},
	}
}

// link names a file of the run; Path leads to it and Name shows.
type link struct{ Path, Name, What string }

func fileLinks(r *result.Result) []link {
	out := []link{
		{result.ResultFile, result.ResultFile, "all numbers of this report and more"},
		{result.ExperimentFile, result.ExperimentFile, "the experiment in force, every default written out"},
		{result.TimingFile, result.TimingFile, "how long the computation took"},
		{result.PlotsDir + "/", result.PlotsDir + "/", "the pictures as SVG and PNG"},
	}
	for _, p := range r.Policies {
		path := result.RunsDir + "/" + p.Name + "/" + result.TimelineFile
		out = append(out, link{path, plain(path), "load, demand and replicas over time, enough to recompute every score"})
	}
	return out
}
