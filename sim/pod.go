package sim

import (
	"strconv"
	"time"
)

// Phase is where a pod stands in its life.
type Phase uint8

// The life of a pod. A pod that is being deleted keeps its phase and has Deleting
// set.
const (
	Unscheduled Phase = iota + 1 // Pending, on no node
	Pulling                      // Pending, the image is being pulled
	Starting                     // Running, not ready
	Ready                        // Running and ready: gets load
)

// The shares of the time to ready that its stages take; what is left is the start of
// the process up to its first successful probe.
const (
	scheduleShare = 0.02
	pullShare     = 0.23
)

// StartupCores is what a container keeps busy until it is ready, beside its requests:
// a JVM loads and compiles classes. An idle one uses little.
const (
	StartupCores = 0.5
	idleCores    = 0.003
)

// Memory of a pod: a heap that fills from its size at start towards its plateau,
// and what each request in flight holds.
const (
	memoryStart      = 180 << 20
	memoryPlateau    = 230 << 20
	memoryFill       = 10 * time.Minute
	memoryPerRequest = 64 << 10
)

// Bytes and packets on the network of one request and its answer.
const (
	requestBytes    = 1 << 10
	responseBytes   = 12 << 10
	requestPackets  = 4
	responsePackets = 10
)

// What a container reads from disk while it starts, in reads of 64 KiB, and what it
// writes for each answer: a line of its access log, written out a page at a time.
const (
	startupReadBytes = 96 << 20
	readBytes        = 64 << 10
	logLineBytes     = 220
	pageBytes        = 4 << 10
)

// A Pod is one replica. Times are simulated instants; zero means not yet.
type Pod struct {
	Name     string
	Node     string
	Phase    Phase
	Deleting bool
	Created  time.Time
	Started  time.Time // accepted by a node: .status.startTime
	Running  time.Time // its container runs
	ReadyAt  time.Time // passed its probe; zero while it is not ready
	// UnreadyAt is when it was last ready before it ceased to be; zero: it never did.
	UnreadyAt time.Time
	Restarts  int // of its container
	Revision  int // of the Deployment's template, from 0
	// Lost is a pod whose node has failed. Nothing of it answers; what is known of it is from
	// before.
	Lost bool

	// Cumulative figures since the container runs; they begin anew with a restart.
	CPUSeconds float64
	Arrivals   float64
	Shed       float64
	Completed  Outcomes
	Latencies  *Latencies // nil unless Config.PodLatencies

	ordinal    int
	node       int // index, -1: none
	timeToRun  time.Duration
	timeToOK   time.Duration // from running to ready
	pull       time.Duration
	bornAt     time.Duration // ReadyAt as an offset, for the warm-up
	runningAt  time.Duration
	state      PodState
	usage      *PodUsage // last window of metrics-server
	lastRead   time.Time
	lastCPU    float64
	everReady  bool
	inRotation bool // ready and not deleting

	life           int     // of the container: how many have ended
	received, sent float64 // requests and answers of containers that have ended
}

// InFlight is the number of requests in the pod.
func (p *Pod) InFlight() float64 { return p.state.InSystem() }

// Memory returns the working set in bytes at an instant.
func (p *Pod) memory(now time.Duration) float64 {
	if p.Phase < Starting || p.Lost {
		return 0
	}
	filled := min(1, float64(now-p.runningAt)/float64(memoryFill))
	return memoryStart + (memoryPlateau-memoryStart)*filled + memoryPerRequest*p.InFlight()
}

// PodUsage is what the resource metrics API shows of a pod.
type PodUsage struct {
	Cores  float64 // mean over Window
	Bytes  float64 // working set at Time
	Time   time.Time
	Window time.Duration
}

// newPod draws the delays of the next pod to be created.
func (w *World) newPod() *Pod {
	n := w.created
	w.created++
	total := w.cfg.TimeToReady.draw(stream(w.cfg.Seed, "time-to-ready", uint64(n)))
	schedule := time.Duration(float64(total) * scheduleShare)
	pull := time.Duration(float64(total) * pullShare)
	p := &Pod{
		Name:      w.cfg.Name + "-" + strconv.Itoa(n),
		Phase:     Unscheduled,
		Created:   w.Now(),
		Revision:  w.revision,
		ordinal:   n,
		node:      -1,
		timeToRun: schedule,
		pull:      pull,
		timeToOK:  total - schedule - pull,
	}
	if w.cfg.PodLatencies {
		p.Latencies = w.cfg.Service.NewLatencies()
	}
	return p
}
