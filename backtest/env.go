package backtest

import (
	"errors"
	"fmt"
	"math"
	"time"

	"hindcast.dev/datasets"
	"hindcast.dev/sim"
)

// An env is everything about one dataset that all policies and seeds share.
type env struct {
	namespace, app string   // of the Deployment
	load           sim.Load // requests/s, scaled
	factor         float64  // simulated over recorded load
	// autoScaled says that the factor was worked out, not given.
	autoScaled bool
	recorded   datasets.Series
	service    *sim.Service
	capacity   float64 // requests/s of a warm replica at the objective
	objective  float64
	latency    time.Duration

	min, max    int32
	maxDemand   int32 // at the highest scored load
	maxScored   float64
	scoredFrom  time.Time
	timeToReady sim.LogNormal
	warmUp      time.Duration
	slowStart   float64
	grace       time.Duration

	requestMilliCPU, limitMilliCPU int64
	requestBytes, limitBytes       int64
	nodes                          sim.NodePool
	scrape, scrapeDelay            time.Duration
	resolution                     time.Duration
	prices                         prices
	faults                         []plannedFault
	rules                          ruleSet

	highest rangeMax
	shared  sharedStores
}

// demand is the fewest warm replicas whose steady state meets the objective at a
// constant load: d(load).
func (e *env) demand(load float64) int32 { return replicasFor(load, e.capacity) }

// reachable is the highest objective up to highest that a replica can meet at all, or
// the objective in force where that is all it can meet.
func (e *env) reachable(highest float64) float64 {
	for bad := 1 - highest; bad < 1-e.objective; bad *= 2 {
		if e.service.Capacity(1-bad) > 0 {
			return 1 - bad
		}
	}
	return e.objective
}

// lead is how long the slowest replica takes until it serves at full speed.
func (e *env) lead() time.Duration { return e.timeToReady.Longest() + e.warmUp }

// maxLoad returns the highest load of [from, to], NaN where none is known.
func (e *env) maxLoad(from, to time.Time) float64 {
	step := e.load.Step
	i := int(from.Sub(e.load.Start) / step)
	j := int(to.Sub(e.load.Start)/step) + 1
	i, j = max(i, 0), min(j, len(e.load.Values))
	if i >= j {
		return math.NaN()
	}
	return e.highest.over(i, j)
}

// scale returns the factor that makes the p99 of the load need peak replicas.
func scaleFor(load datasets.Series, capacity float64, peak int32) (float64, error) {
	p99 := datasets.Quantile(load, 0.99)
	if !(p99 > 0) {
		return 0, errors.New("the load is zero nearly all the time, so its p99 cannot be scaled to a number of pods; give the dataset a scale in an experiment file")
	}
	// A hair less, so that rounding does not ask for one replica more.
	return capacity * float64(peak) / p99 * (1 - 1e-12), nil
}

// offered integrates a load; instants must not go back.
type offered struct {
	load sim.Load
	step int
	rate float64
	sum  float64 // up to the start of step
}

func newOffered(load sim.Load) *offered {
	o := &offered{load: load}
	o.take()
	return o
}

// take goes on with the last rate over a gap, as the world does.
func (o *offered) take() {
	if v := o.load.Values[o.step]; !math.IsNaN(v) {
		o.rate = v
	}
}

func (o *offered) at(t time.Time) float64 {
	for {
		from := o.load.Start.Add(time.Duration(o.step) * o.load.Step)
		if t.Sub(from) < o.load.Step || o.step+1 == len(o.load.Values) {
			return o.sum + o.rate*t.Sub(from).Seconds()
		}
		o.sum += o.rate * o.load.Step.Seconds()
		o.step++
		o.take()
	}
}

// world returns a new world of this dataset.
func (e *env) world(seed uint64, faults []fault, latencies, podLatencies bool, onSpan func(sim.Span)) (*sim.World, error) {
	initial := int32(1)
	for _, v := range e.load.Values {
		if !math.IsNaN(v) {
			initial = e.demand(v)
			break
		}
	}
	w, err := sim.NewWorld(sim.Config{
		Name:             e.app,
		Seed:             seed,
		Load:             e.load,
		Service:          e.service,
		InitialReplicas:  max(e.min, min(initial, e.max)),
		TimeToReady:      e.timeToReady,
		WarmUp:           e.warmUp,
		InitialSpeed:     e.slowStart,
		Grace:            e.grace,
		RequestMilliCPU:  e.requestMilliCPU,
		RequestBytes:     e.requestBytes,
		Nodes:            e.nodes,
		MetricResolution: e.resolution,
		Faults:           e.inWorld(faults),
		Latencies:        latencies,
		PodLatencies:     podLatencies,
		OnSpan:           onSpan,
	})
	if err != nil {
		return nil, fmt.Errorf("build the world: %w", err)
	}
	return w, nil
}

// rangeMax answers the maximum of any stretch of a series at once (sparse table:
// Bender and Farach-Colton 2000). NaN is left out.
type rangeMax [][]float64

func newRangeMax(values []float64) rangeMax {
	level := make([]float64, len(values))
	for i, v := range values {
		level[i] = v
		if math.IsNaN(v) {
			level[i] = math.Inf(-1)
		}
	}
	table := rangeMax{level}
	for width := 1; 2*width <= len(values); width *= 2 {
		below := table[len(table)-1]
		above := make([]float64, len(values)-2*width+1)
		for i := range above {
			above[i] = max(below[i], below[i+width])
		}
		table = append(table, above)
	}
	return table
}

// over returns the maximum of [i, j), NaN where there is no value.
func (r rangeMax) over(i, j int) float64 {
	k := 0
	for 2<<k <= j-i {
		k++
	}
	v := max(r[k][i], r[k][j-1<<k])
	if math.IsInf(v, -1) {
		return math.NaN()
	}
	return v
}
