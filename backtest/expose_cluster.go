package backtest

import (
	"errors"
	"math"
	"strconv"
	"time"

	"hindcast.dev/internal/metricnames"
	"hindcast.dev/promdb"
	"hindcast.dev/sim"
)

func ingressSeries(db *promdb.DB, namespace, app string) (*promdb.Series, error) {
	return db.Series(metricnames.IngressRequests, label("namespace", namespace), label("ingress", app))
}

// addIngress adds the counter of offered requests, and whether its target answers.
func (e *exposer) addIngress() error {
	a := e.newSet(metricnames.JobIngress, label("namespace", e.namespace), label("ingress", e.app))
	a.add(metricnames.IngressRequests, func() float64 { return math.Floor(e.offered.at(e.world.Now())) })
	if a.err != nil {
		return a.err
	}
	up := e.newSet("")
	for _, job := range []string{metricnames.JobIngress, metricnames.JobKubeStateMetrics} {
		if err := e.addUp(up.set, &seriesSet{job: job}, job, job); err != nil {
			return err
		}
	}
	return nil
}

// addDeployment adds what kube-state-metrics knows of the Deployment.
func (e *exposer) addDeployment() error {
	w := e.world
	spec := func() float64 { spec, _ := w.Scale(); return float64(spec) }
	status := func() float64 { _, status := w.Scale(); return float64(status) }
	ready := func() float64 { return float64(w.Ready()) }
	created := unix(e.env.load.Start)
	a := e.newSet(metricnames.JobKubeStateMetrics, label("namespace", e.namespace), label("deployment", e.app))
	a.add(metricnames.DeploymentSpec, spec)
	a.add(metricnames.DeploymentStatus, status)
	a.add(metricnames.DeploymentReady, ready)
	a.add(metricnames.DeploymentAvailable, ready) // minReadySeconds is 0
	a.add(metricnames.DeploymentUnavailable, func() float64 { return max(status()-ready(), 0) })
	a.add(metricnames.DeploymentUpdated, func() float64 { return float64(w.Updated()) })
	a.add(metricnames.DeploymentCreated, func() float64 { return created })
	return a.err
}

// addNodes adds what kube-state-metrics, node_exporter and Prometheus say of the nodes.
func (e *exposer) addNodes() error {
	kept := 0
	for i, n := range e.world.Nodes(nil) {
		kube := e.newSet(metricnames.JobKubeStateMetrics, label("node", n.Name))
		kube.addNodeStatus(i, &n)
		lost := func() bool { down, _ := e.world.NodeLost(i); return down }
		exporter := e.newSet(metricnames.JobNodeExporter, label("node", n.Name), label("instance", n.Name))
		exporter.set.lost = lost
		exporter.addNodeExporter(i, &n)
		if kube.err != nil || exporter.err != nil {
			return errors.Join(kube.err, exporter.err)
		}
		kept += len(exporter.set.gauges)
		up := e.newSet("")
		for _, job := range []string{metricnames.JobNodeExporter, metricnames.JobCAdvisor} {
			if err := e.addUp(up.set, &seriesSet{job: job, lost: lost}, job, n.Name); err != nil {
				return err
			}
		}
	}
	if kept > 0 {
		// First, as what follows reads it.
		e.before = append([]func(time.Time){func(time.Time) { e.nodes = e.world.Nodes(e.nodes[:0]) }}, e.before...)
	}
	return nil
}

func (a *adder) addNodeStatus(i int, n *sim.Node) {
	e := a.exposer
	one := func() float64 { return 1 }
	a.add(metricnames.NodeInfo, one)
	cores, bytes := float64(n.MilliCPU)/1000, float64(n.Bytes)
	cpu := []promdb.Label{label("resource", "cpu"), label("unit", "core")}
	memory := []promdb.Label{label("resource", "memory"), label("unit", "byte")}
	a.add(metricnames.NodeAllocatable, func() float64 { return cores }, cpu...)
	a.add(metricnames.NodeAllocatable, func() float64 { return bytes }, memory...)
	a.add(metricnames.NodeCapacity, func() float64 { return math.Ceil(cores) }, cpu...)
	a.add(metricnames.NodeCapacity, func() float64 { return bytes + sim.SystemBytes }, memory...)
	for _, c := range []struct{ condition, state string }{
		{"Ready", "true"}, {"MemoryPressure", "false"}, {"DiskPressure", "false"}, {"PIDPressure", "false"},
	} {
		a.addOneOf(metricnames.NodeCondition, "status", conditionStates, func() string {
			if _, known := e.world.NodeLost(i); known { // the node lifecycle controller knows none of them then
				return "unknown"
			}
			return c.state
		}, label("condition", c.condition))
	}
}

// A nodeClock splits the time of a node's CPUs among modes.
type nodeClock struct {
	at   time.Time
	boot time.Time
	used float64 // core-seconds, of pods and system
	idle float64
}

// The share of the time of programs that they spend in the kernel.
const kernelShare = 0.2

func (a *adder) addNodeExporter(i int, n *sim.Node) {
	e := a.exposer
	start := e.env.load.Start
	node := func() *sim.Node { return &e.nodes[i] }
	cpus := int(math.Ceil(float64(n.MilliCPU) / 1000))
	clock := &nodeClock{at: start, boot: start}
	if e.keep.keeps(metricnames.NodeCPU) {
		e.before = append(e.before, func(now time.Time) {
			n := node()
			if n.Down {
				return
			}
			if !n.Booted.Equal(clock.boot) {
				*clock = nodeClock{at: n.Booted, boot: n.Booted}
			}
			used := n.Used.CPUSeconds + sim.SystemCores*now.Sub(n.Booted).Seconds()
			// Pods may use more than the node has, see sim.Node.
			clock.idle += max(0, float64(cpus)*now.Sub(clock.at).Seconds()-(used-clock.used))
			clock.at, clock.used = now, used
		})
	}
	each := 1 / float64(cpus)
	for cpu := range cpus {
		at := label("cpu", strconv.Itoa(cpu))
		a.add(metricnames.NodeCPU, func() float64 { return clock.idle * each }, at, label("mode", "idle"))
		a.add(metricnames.NodeCPU, func() float64 { return clock.used * kernelShare * each }, at, label("mode", "system"))
		a.add(metricnames.NodeCPU, func() float64 { return clock.used * (1 - kernelShare) * each }, at, label("mode", "user"))
	}
	a.add(metricnames.NodeBootTime, func() float64 { return unix(node().Booted) })
	free := func() float64 { return float64(node().Bytes) - node().Memory }
	total := float64(n.Bytes) + sim.SystemBytes
	a.add(metricnames.NodeMemTotal, func() float64 { return total })
	a.add(metricnames.NodeMemAvailable, free)
	a.add(metricnames.NodeMemFree, free)
	eth := label("device", "eth0")
	a.add(metricnames.NodeReceiveBytes, func() float64 { return node().Used.ReceivedBytes }, eth)
	a.add(metricnames.NodeTransmitBytes, func() float64 { return node().Used.SentBytes }, eth)
	a.add(metricnames.NodeReceivePackets, func() float64 { return math.Floor(node().Used.ReceivedPackets) }, eth)
	a.add(metricnames.NodeTransmitPackets, func() float64 { return math.Floor(node().Used.SentPackets) }, eth)
	disk := label("device", "vda")
	a.add(metricnames.NodeReads, func() float64 { return node().Used.Reads }, disk)
	a.add(metricnames.NodeWrites, func() float64 { return node().Used.Writes }, disk)
	a.add(metricnames.NodeReadBytes, func() float64 { return node().Used.ReadBytes }, disk)
	a.add(metricnames.NodeWrittenBytes, func() float64 { return node().Used.WrittenBytes }, disk)
	root := []promdb.Label{label("device", "/dev/vda1"), label("fstype", "ext4"), label("mountpoint", "/")}
	left := func() float64 { return sim.NodeDiskBytes - sim.SystemDiskBytes - node().DiskBytes }
	a.add(metricnames.NodeFilesystemSize, func() float64 { return sim.NodeDiskBytes }, root...)
	a.add(metricnames.NodeFilesystemFree, left, root...)
	a.add(metricnames.NodeFilesystemAvail, left, root...)
}
