package backtest

import (
	"math"
	"slices"
	"strconv"
	"time"

	"hindcast.dev/internal/metricnames"
	"hindcast.dev/promdb"
	"hindcast.dev/sim"
)

// podSeries are the series of one pod: what the API server knows of it from its
// creation, what its container shows once it runs.
type podSeries struct {
	sets      []*seriesSet
	unplaced  *seriesSet // what changes its labels once a node is found; nil: it has
	running   bool       // what the container shows is among the sets
	durations *durations
}

// all returns all its sets.
func (ps *podSeries) all() []*seriesSet {
	if ps.unplaced == nil {
		return ps.sets
	}
	return append(slices.Clip(ps.sets), ps.unplaced)
}

func (e *exposer) appendPod(p *sim.Pod, now time.Time) error {
	ps := e.pods[p]
	if ps == nil {
		ps = &podSeries{}
		if err := e.addPod(ps, p); err != nil {
			return err
		}
		e.pods[p] = ps
		e.order = append(e.order, p)
	}
	if ps.unplaced != nil && !p.Started.IsZero() {
		if err := ps.unplaced.append(e.db, now, true); err != nil {
			return err
		}
		ps.unplaced = nil
		if err := e.addPlaced(ps, p, p.Node); err != nil {
			return err
		}
	}
	if !ps.running && p.Phase >= sim.Starting {
		ps.running = true
		if err := e.addContainer(ps, p); err != nil {
			return err
		}
	}
	if ps.durations != nil {
		ps.durations.take()
	}
	for _, s := range ps.sets {
		if err := s.append(e.db, now, e.down(s, now)); err != nil {
			return err
		}
	}
	if ps.unplaced != nil {
		return ps.unplaced.append(e.db, now, e.down(ps.unplaced, now))
	}
	return nil
}

// endPods ends the series of pods that are gone.
func (e *exposer) endPods(now time.Time) error {
	kept := e.order[:0]
	for _, p := range e.order {
		if e.seen[p] {
			kept = append(kept, p)
			continue
		}
		for _, s := range e.pods[p].all() {
			if err := s.append(e.db, now, true); err != nil {
				return err
			}
		}
		delete(e.pods, p)
	}
	clear(e.order[len(kept):])
	e.order = kept
	clear(e.seen)
	return e.db.Commit(now)
}

// newPodSet returns a set of series of one pod.
func (e *exposer) newPodSet(ps *podSeries, job string, p *sim.Pod) *adder {
	s := &seriesSet{job: job}
	switch job {
	case metricnames.JobKubeStateMetrics:
	case metricnames.JobApp:
		s.lost = func() bool { return e.silent(p) }
	default:
		s.lost = func() bool { return p.Lost }
	}
	ps.sets = append(ps.sets, s)
	return &adder{exposer: e, set: s, labels: []promdb.Label{label("namespace", e.namespace), label("pod", p.Name)}}
}

// addPod adds the series of kube-state-metrics.
func (e *exposer) addPod(ps *podSeries, p *sim.Pod) error {
	a := e.newPodSet(ps, metricnames.JobKubeStateMetrics, p)
	a.addOneOf(metricnames.PodReady, "condition", conditionStates, func() string { return conditionState(p.Phase == sim.Ready) })
	a.addOneOf(metricnames.PodScheduled, "condition", conditionStates, func() string { return conditionState(!p.Started.IsZero()) })
	a.addOneOf(metricnames.PodPhase, "phase", []string{"Pending", "Running", "Succeeded", "Failed", "Unknown"}, func() string {
		if p.Phase < sim.Starting {
			return "Pending"
		}
		return "Running"
	})
	a.add(metricnames.PodCreated, func() float64 { return unix(p.Created) })
	a.add(metricnames.PodStartTime, func() float64 { return unix(p.Started) })
	a.add(metricnames.PodScheduledTime, func() float64 { return unix(p.Started) })
	a.add(metricnames.PodReadyTime, func() float64 { return unix(p.ReadyAt) })
	a.add(metricnames.PodRestarts, func() float64 { return float64(p.Restarts) }, label("container", e.app))
	if a.err != nil {
		return a.err
	}
	if p.Started.IsZero() {
		unplaced := &podSeries{}
		err := e.addPlaced(unplaced, p, "")
		ps.unplaced = unplaced.sets[0]
		return err
	}
	return e.addPlaced(ps, p, p.Node)
}

// addPlaced adds the series that carry the node of a pod, once it has one.
func (e *exposer) addPlaced(ps *podSeries, p *sim.Pod, node string) error {
	a := e.newPodSet(ps, metricnames.JobKubeStateMetrics, p)
	if node != "" {
		a.labels = append(a.labels, label("node", node))
	}
	a.add(metricnames.PodInfo, func() float64 { return 1 }, label("created_by_kind", "ReplicaSet"), label("created_by_name", e.replicaSet(p)))
	cores, bytes := func(milli int64) func() float64 {
		return func() float64 { return float64(milli) / 1000 }
	}, func(n int64) func() float64 {
		return func() float64 { return float64(n) }
	}
	cpu := []promdb.Label{label("container", e.app), label("resource", "cpu"), label("unit", "core")}
	memory := []promdb.Label{label("container", e.app), label("resource", "memory"), label("unit", "byte")}
	requestCPU, requestBytes := e.world.Requests()
	a.add(metricnames.PodRequests, cores(requestCPU), cpu...)
	a.add(metricnames.PodRequests, bytes(requestBytes), memory...)
	a.add(metricnames.PodLimits, cores(e.env.limitMilliCPU), cpu...)
	if e.env.limitBytes > 0 {
		a.add(metricnames.PodLimits, bytes(e.env.limitBytes), memory...)
	}
	return a.err
}

// replicaSet is the name of the ReplicaSet of a pod: that of the Deployment until it is rolled out
// for the first time.
func (e *exposer) replicaSet(p *sim.Pod) string {
	if p.Revision == 0 {
		return e.app
	}
	return e.app + "-" + strconv.Itoa(p.Revision)
}

// addContainer adds the series of cAdvisor, and what the application itself exposes.
func (e *exposer) addContainer(ps *podSeries, p *sim.Pod) error {
	a := e.newPodSet(ps, metricnames.JobCAdvisor, p)
	used := func() sim.Consumption { return e.world.Consumption(p) }
	container := label("container", e.app)
	a.add(metricnames.ContainerCPU, func() float64 { return p.CPUSeconds }, container)
	a.add(metricnames.ContainerMemory, func() float64 { return e.world.Memory(p) }, container)
	eth := label("interface", "eth0")
	a.add(metricnames.ContainerReceiveBytes, p.ReceivedBytes, eth)
	a.add(metricnames.ContainerTransmitBytes, p.SentBytes, eth)
	a.add(metricnames.ContainerReceivePackets, func() float64 { return math.Floor(p.ReceivedPackets()) }, eth)
	a.add(metricnames.ContainerTransmitPackets, func() float64 { return math.Floor(p.SentPackets()) }, eth)
	disk := []promdb.Label{container, label("device", "/dev/vda")}
	a.add(metricnames.ContainerReads, func() float64 { return used().Reads }, disk...)
	a.add(metricnames.ContainerWrites, func() float64 { return used().Writes }, disk...)
	a.add(metricnames.ContainerReadBytes, func() float64 { return used().ReadBytes }, disk...)
	a.add(metricnames.ContainerWrittenBytes, func() float64 { return used().WrittenBytes }, disk...)
	if a.err != nil {
		return a.err
	}
	up := &seriesSet{}
	ps.sets = append(ps.sets, up)
	target := &seriesSet{job: metricnames.JobApp, lost: func() bool { return e.silent(p) }}
	if err := e.addUp(up, target, metricnames.JobApp, p.Name, label("namespace", e.namespace), label("pod", p.Name)); err != nil {
		return err
	}
	return e.addApplication(ps, p)
}
