package backtest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/datasets"
	"hindcast.dev/sim"
)

// assemble turns what was run into result.json.
func (b *bench) assemble(scores []result.Forecast) result.Result {
	e, seeds := b.env, len(b.runner.seeds)
	res := result.Result{
		Schema:    result.Schema,
		Seed:      *b.x.Spec.Seed,
		Seeds:     seeds,
		Dataset:   b.dataset(),
		App:       b.app(),
		SLO:       result.SLO{LatencySeconds: e.latency.Seconds(), Objective: e.objective},
		Runs:      []result.Run{},
		Forecasts: scores,
		Faults:    b.served(0),
	}
	if seeds > 1 && len(e.faults) > 0 {
		for n, seed := range b.runner.seeds {
			res.FaultsBySeed = append(res.FaultsBySeed, result.SeedFaults{Seed: seed, Faults: append([]result.Fault{}, b.served(n)...)})
		}
	}
	for _, s := range b.contest.sweeps {
		res.Policies = append(res.Policies, b.policy(s.entrant, b.contest.asIs[s.entrant.name]))
		res.Runs = append(res.Runs, b.runs(s)...)
	}
	res.Comparisons = b.contest.compare()
	if b.contest.equal {
		res.Verdict = b.contest.verdict(res.Comparisons)
	}
	res.Notes = append(b.facts(), ceilingNotes(&res)...)
	// Notes of runs that went on at once come in any order.
	res.Notes = append(res.Notes, slices.Sorted(slices.Values(b.notes))...)
	return res
}

func (b *bench) dataset() result.Dataset {
	e, s := b.env, datasets.Stats(b.env.recorded)
	return result.Dataset{
		Name: e.recorded.Name, Start: e.load.Start.UTC(), End: e.load.End().UTC(),
		StepSeconds: e.load.Step.Seconds(), Points: s.Points, Missing: s.Missing,
		Unit: string(e.recorded.Unit), LoadFactor: e.factor, ScoredFrom: e.scoredFrom.UTC(),
		Relative: e.recorded.Relative, MaxLoad: e.maxScored,
		NoiseFloor: b.noiseFloor, SeasonSteps: append([]int{}, b.seasons...),
	}
}

func (b *bench) app() result.App {
	e, spec := b.env, &b.x.Spec
	return result.App{
		Description: fmt.Sprintf("a request needs %s of CPU (log-normal, CV %s) and waits %s; a pod has %d m CPU requested, %d m at most, "+
			"room for %d requests, and is ready %s (median) to %s (p95) after its creation, with %.4g cores busy meanwhile; then it warms up for %s from %s of full speed",
			words(spec.App.CPUPerRequest.Duration), spec.App.CPUVariation, words(spec.App.Wait.Duration), e.requestMilliCPU, e.limitMilliCPU,
			spec.App.Queue, words(e.timeToReady.P50), words(e.timeToReady.P95), sim.StartupCores, words(e.warmUp), percent(e.slowStart, 0)),
		CapacityPerReplica: e.capacity, MinReplicas: e.min, MaxReplicas: e.max,
		ReadyP50Seconds: e.timeToReady.P50.Seconds(), ReadyP95Seconds: e.timeToReady.P95.Seconds(),
		BestReachableSLA: b.bestReachable(), MaxDemand: e.maxDemand, PricePerReplicaHour: e.prices.podHour, PricePerNodeHour: e.prices.nodeHour,
	}
}

// bestReachable is the SLA of maxReplicas warm replicas all the time.
func (b *bench) bestReachable() result.Number {
	var good, all float64
	e := b.env
	first := int(e.scoredFrom.Sub(e.load.Start) / e.load.Step)
	for _, load := range e.load.Values[first:] {
		if math.IsNaN(load) || load == 0 {
			continue
		}
		good += load * e.service.GoodShare(load/float64(e.max), 1)
		all += load
	}
	return ratio(good, all)
}

// policy is a policy as configured; shares and ratios are of the sums over seeds,
// amounts are means.
func (b *bench) policy(ent *entrant, p *point) result.Policy {
	out := result.Policy{
		Name: ent.name, Kind: ent.kind, Description: ent.description,
		Latency: result.Latency{P50: result.Undefined(), P95: result.Undefined(), P99: result.Undefined()},
		Alerts:  []result.Alert{},
	}
	// Rules are evaluated where the run is written down: under the first seed.
	out.AtMax = atMax(p.outputs)
	for _, one := range p.outputs {
		out.Hits = append(out.Hits, one.hits...)
	}
	if alerts := p.outputs[0].alerts; alerts != nil {
		out.Alerts = alerts
	}
	out.SLA, out.Provisioning, out.Cost, out.Scaling = b.figures(p)
	latencies := b.env.service.NewLatencies()
	for i := range p.outputs {
		if l := p.outputs[i].latencies; l != nil {
			latencies.Add(l)
		}
	}
	if h := newLatencyHistogram(latencies); h.total() > 0 {
		out.Latency = result.Latency{P50: h.quantile(0.5), P95: h.quantile(0.95), P99: h.quantile(0.99)}
	}
	return out
}

func (b *bench) figures(p *point) (result.SLA, result.Provisioning, result.Cost, result.Scaling) {
	n := float64(len(p.outputs))
	t := p.scored()
	var all scored
	for i := range p.outputs {
		all.days = append(all.days, p.outputs[i].scored.days...)
		all.rises = append(all.rises, p.outputs[i].scored.rises...)
	}
	provisioning, cost, scaling := t.provisioning(), t.cost(b.env.prices), all.scaling()
	provisioning.IdleReplicaHours /= result.Number(n)
	cost.PodHours /= result.Number(n)
	cost.NodeHours /= result.Number(n)
	cost.Price /= result.Number(n)
	scaling.Actions = int(math.Round(float64(scaling.Actions) / n))
	scaling.Refused = int(math.Round(float64(scaling.Refused) / n))
	scaling.Reversals = int(math.Round(float64(scaling.Reversals) / n))
	return t.sla(b.env.objective), provisioning, cost, scaling
}

// runs are the points of a sweep.
func (b *bench) runs(s *sweep) []result.Run {
	var out []result.Run
	name := "none"
	if s.entrant.knob != nil {
		name = s.entrant.knob.name
	}
	for _, p := range s.all() {
		r := result.Run{Policy: s.entrant.name, Sample: result.EqualSLA, Knob: name, Value: result.Number(p.value)}
		switch p {
		case b.contest.asIs[s.entrant.name]:
			r.Sample = result.AsConfigured
		case b.contest.atCost[s.entrant.name]:
			r.Sample = result.EqualCost
		}
		r.SLA, r.Provisioning, r.Cost, r.Scaling = b.figures(p)
		r.AtObjective = float64(r.SLA.RequestsGood) >= b.env.objective
		out = append(out, r)
	}
	return out
}

// facts are the notes that every report needs.
func (b *bench) facts() []string {
	e := b.env
	stats := datasets.Stats(e.recorded)
	notes := []string{
		b.scaling(),
		fmt.Sprintf("Values of the recording were read as %s, one every %s.", e.recorded.Unit, words(e.load.Step)),
	}
	if stats.Missing > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d values are missing (longest gap %s): the world goes on with the last rate there, and nobody is scored.",
			stats.Missing, stats.Points, words(stats.LongestGap)))
	}
	if e.load.Step > 5*time.Minute {
		notes = append(notes, fmt.Sprintf("The recording has one value every %s: what happens within is not known, and every scaler looks better than on finer data.", words(e.load.Step)))
	}
	if int(e.load.End().Sub(e.scoredFrom)/day) < fewestDays {
		notes = append(notes, fmt.Sprintf("Only %s are scored: under %d days no intervals are given.", words(e.load.End().Sub(e.scoredFrom)), fewestDays))
	}
	if len(e.rules.files) > 0 && len(b.runner.seeds) > 1 {
		notes = append(notes, fmt.Sprintf("Rules were evaluated under seed %d only; alerts are of that run.", b.runner.seeds[0]))
	}
	notes = append(notes, b.faultNotes()...)
	if len(b.runner.seeds) == 1 {
		notes = append(notes, "One seed was run: start-up times are one draw. Use --seeds 10 before claiming anything.")
	}
	if e.recorded.Relative {
		notes = append(notes, "The recording has no dates: days and hours count from its start.")
	}
	return notes
}

// faultNotes say how the faults are to be read.
func (b *bench) faultNotes() []string {
	n := len(b.env.faultsOf(b.runner.seeds[0]))
	if len(b.env.faults) == 0 {
		return nil
	}
	note := fmt.Sprintf("The world has %d faults, the same under every policy. The demand, and what could be reached at best, are those of a world without any.", n)
	if n == 1 {
		note = "The world has one fault, the same under every policy. The demand, and what could be reached at best, are those of a world without any."
	}
	random := slices.ContainsFunc(b.env.faults, func(p plannedFault) bool { return p.perDay > 0 })
	if random && len(b.runner.seeds) > 1 {
		note += fmt.Sprintf(" Their times are of seed %d; the other seeds have others.", b.runner.seeds[0])
	}
	return []string{note}
}

// scaling says what was done to the load, and what a replica carries of it.
func (b *bench) scaling() string {
	e := b.env
	p99 := datasets.Quantile(e.recorded, 0.99) * e.ratePerUnit()
	why := fmt.Sprintf("so that its p99 of %.4g requests/s needs %d replicas", p99, e.demand(p99))
	if !e.autoScaled {
		why = fmt.Sprintf("as asked for; its p99 is %.4g requests/s", p99)
	}
	return fmt.Sprintf("The load was multiplied by %.4g, %s; one warm replica carries %.4g requests/s at the objective.", e.factor, why, e.capacity)
}

// ratePerUnit is how many simulated requests/s one unit of the recording became.
func (e *env) ratePerUnit() float64 {
	for i, v := range e.recorded.Values {
		if v > 0 && e.load.Values[i] > 0 {
			return e.load.Values[i] / v
		}
	}
	return e.factor
}

// A latencyHistogram counts the scored requests of a run by response time, in
// buckets whose bounds grow by a twentieth from 1 ms to 100 s.
type latencyHistogram struct {
	bounds []float64 // seconds, upper
	within []float64 // requests, cumulative
}

func newLatencyHistogram(l *sim.Latencies) latencyHistogram {
	var h latencyHistogram
	for le := 0.001; le < 100; le *= 1.05 {
		h.bounds = append(h.bounds, le)
		h.within = append(h.within, l.Within(time.Duration(le*float64(time.Second))))
	}
	h.bounds = append(h.bounds, math.Inf(1))
	h.within = append(h.within, l.Total())
	return h
}

func (h latencyHistogram) total() float64 { return h.within[len(h.within)-1] }

// quantile interpolates linearly within the bucket, as PromQL's histogram_quantile
// does.
func (h latencyHistogram) quantile(q float64) result.Number {
	rank := q * h.total()
	i, _ := slices.BinarySearch(h.within, rank)
	if i >= len(h.bounds)-1 {
		return result.Number(h.bounds[len(h.bounds)-2])
	}
	lower, below := 0.0, 0.0
	if i > 0 {
		lower, below = h.bounds[i-1], h.within[i-1]
	}
	if h.within[i] == below {
		return result.Number(h.bounds[i])
	}
	return result.Number(lower + (h.bounds[i]-lower)*(rank-below)/(h.within[i]-below))
}

// latencyTable is the histogram as CSV.
func latencyTable(l *sim.Latencies) []byte {
	h := newLatencyHistogram(l)
	var b strings.Builder
	b.WriteString("le,requests\n")
	for i, le := range h.bounds {
		fmt.Fprintf(&b, "%v,%v\n", le, h.within[i])
	}
	return []byte(b.String())
}
