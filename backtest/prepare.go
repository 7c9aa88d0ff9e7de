package backtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/datasets"
	"hindcast.dev/promdb"
	"hindcast.dev/sim"
)

// Fewest values of a load that can be compared on.
const fewestPoints = 8

// openDataset reads or generates the load of one dataset, in its own unit.
func openDataset(d v1alpha1.Dataset, seed uint64) (datasets.Series, error) {
	var s datasets.Series
	var err error
	if d.Scenario != "" {
		sc, findErr := datasets.Find(d.Scenario)
		if findErr != nil {
			return s, findErr
		}
		s = sc.Generate(seed)
	} else if s, err = promdb.OpenLoad(context.Background(), d.Path, d.Query, d.Step.Duration); err != nil {
		return s, err
	}
	s.Name = cmp.Or(d.Name, s.Name)
	if d.Unit != "" {
		s.Unit = datasets.Unit(d.Unit)
	}
	if len(s.Values) < fewestPoints {
		return s, fmt.Errorf("%s: %d values are too few to compare on; give at least %d", origin(d), len(s.Values), fewestPoints)
	}
	if datasets.Stats(s).Max == 0 {
		return s, fmt.Errorf("%s: no load, every value is 0; give a recording of a time with load", origin(d))
	}
	return s, nil
}

// origin is what a user calls a dataset.
func origin(d v1alpha1.Dataset) string {
	if d.Scenario != "" {
		return "scenario:" + d.Scenario
	}
	return d.Path
}

// newEnv builds what all runs of one dataset share. The experiment has its defaults
// and is valid.
func newEnv(x *v1alpha1.Experiment, d v1alpha1.Dataset, namespace, app string) (*env, error) {
	spec := &x.Spec
	recorded, err := openDataset(d, *spec.Seed)
	if err != nil {
		return nil, err
	}
	e := &env{
		namespace:       namespace,
		app:             app,
		recorded:        recorded,
		objective:       spec.SLO.Objective.Or(99.9) / 100,
		latency:         spec.SLO.Latency.Duration,
		min:             *spec.MinReplicas,
		timeToReady:     sim.LogNormal{P50: spec.App.TimeToReady.P50.Duration, P95: spec.App.TimeToReady.P95.Duration},
		warmUp:          spec.App.WarmUp.Duration.Duration,
		slowStart:       spec.App.WarmUp.InitialSpeed.Or(1),
		grace:           spec.App.TerminationGrace.Duration,
		requestMilliCPU: spec.App.Resources.Requests.Cpu().MilliValue(),
		limitMilliCPU:   spec.App.Resources.Limits.Cpu().MilliValue(),
		requestBytes:    spec.App.Resources.Requests.Memory().Value(),
		limitBytes:      spec.App.Resources.Limits.Memory().Value(),
		scrape:          spec.Cluster.ScrapeInterval.Duration,
		scrapeDelay:     spec.Cluster.ScrapeDelay.Duration,
		resolution:      spec.Cluster.MetricResolution.Duration,
		rules:           ruleSet{interval: spec.Cluster.EvaluationInterval.Duration},
		prices:          prices{podHour: spec.Cost.PerReplicaHour.Or(0), nodeHour: spec.Cluster.Nodes.PerNodeHour.Or(0)},
	}
	e.service, err = sim.NewService(sim.App{
		CPUPerRequest: spec.App.CPUPerRequest.Duration,
		CPUVariation:  spec.App.CPUVariation.Or(1),
		Wait:          spec.App.Wait.Duration,
		Cores:         float64(e.limitMilliCPU) / 1000,
		Queue:         spec.App.Queue,
		Timeout:       spec.App.Timeout.Duration,
		ErrorRate:     spec.App.ErrorRate.Or(0),
		Latency:       e.latency,
	})
	if err != nil {
		return nil, err
	}
	if e.capacity = e.service.Capacity(e.objective); e.capacity == 0 {
		return nil, fmt.Errorf("slo: even an idle replica does not answer %s of its requests within %v; relax the objective or the latency",
			percent(e.objective, 3), e.latency)
	}
	if err := e.setLoad(spec, d); err != nil {
		return nil, fmt.Errorf("%s: %w", origin(d), err)
	}
	if err := e.setBounds(spec); err != nil {
		return nil, fmt.Errorf("%s: %w", origin(d), err)
	}
	e.setNodes(spec)
	if err := e.planFaults(spec); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *env) setLoad(spec *v1alpha1.ExperimentSpec, d v1alpha1.Dataset) error {
	rps, err := datasets.ToRPS(e.recorded, spec.App.CPUPerRequest.Seconds(), 1)
	if err != nil {
		return err
	}
	factor, auto, err := d.Factor()
	if err != nil {
		return err
	}
	if auto {
		if factor, err = scaleFor(rps, e.capacity, spec.App.PeakPods); err != nil {
			return err
		}
	}
	e.factor, e.autoScaled = factor, auto
	e.load = sim.Load{Start: rps.Start, Step: rps.Step, Values: slices.Clone(rps.Values)}
	for i := range e.load.Values {
		e.load.Values[i] *= factor
	}
	e.highest = newRangeMax(e.load.Values)
	length := e.load.End().Sub(e.load.Start)
	share, warmup, err := spec.WarmupPart()
	if err != nil {
		return err
	}
	if warmup == 0 {
		warmup = time.Duration(share * float64(length))
	}
	if warmup >= length {
		return fmt.Errorf("a warm-up of %s leaves nothing of %s to score; shorten it", words(warmup), words(length))
	}
	// Scoring starts with a whole step and a whole minute.
	unit := max(e.load.Step, time.Minute)
	e.scoredFrom = e.load.Start.Add((warmup + unit - 1) / unit * unit)
	if !e.scoredFrom.Before(e.load.End()) {
		return fmt.Errorf("%s of data leave nothing to score after the warm-up; give more data or a shorter warm-up", words(length))
	}
	return nil
}

func (e *env) setBounds(spec *v1alpha1.ExperimentSpec) error {
	e.maxScored = e.maxLoad(e.scoredFrom, e.load.End())
	if math.IsNaN(e.maxScored) || e.maxScored == 0 {
		return errors.New("the scored part has no load; give more data or a shorter warm-up")
	}
	e.maxDemand = e.demand(e.maxScored)
	e.max = spec.MaxReplicas
	if e.max == 0 {
		e.max = max(int32(math.Ceil(1.5*float64(e.maxDemand))), e.min)
	}
	if e.max < e.min {
		return fmt.Errorf("maxReplicas %d is less than minReplicas %d", e.max, e.min)
	}
	return nil
}

// setNodes sizes the pool so that maxReplicas pods fit, unless the pool is given.
func (e *env) setNodes(spec *v1alpha1.ExperimentSpec) {
	alloc := spec.Cluster.Nodes.Allocatable
	pool := sim.NodePool{
		Count:    int(spec.Cluster.Nodes.Count),
		MilliCPU: alloc.Cpu().MilliValue(),
		Bytes:    quantityOf(alloc, corev1.ResourceMemory),
	}
	if pool.Count == 0 {
		perNode := min(pool.MilliCPU/e.requestMilliCPU, pool.Bytes/e.requestBytes)
		// Pods that drain still hold their room.
		pool.Count = int(math.Ceil(1.25 * float64(e.max) / float64(max(perNode, 1))))
	}
	e.nodes = pool
}

func quantityOf(list corev1.ResourceList, name corev1.ResourceName) int64 {
	q := list[name]
	return q.Value()
}
