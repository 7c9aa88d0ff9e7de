package sim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrEnd is returned by WaitUntil for an instant after the end of the load.
var ErrEnd = errors.New("end of the load")

// Load is the offered load: Values[i] requests per second over
// [Start + i*Step, Start + (i+1)*Step). NaN is a gap in the recording: the world goes
// on with the last value, and the spans of the gap are marked.
type Load struct {
	Start  time.Time
	Step   time.Duration
	Values []float64
}

// End returns the instant at which the load ends.
func (l Load) End() time.Time { return l.Start.Add(time.Duration(len(l.Values)) * l.Step) }

// Config describes a world.
type Config struct {
	Name    string // of the Deployment; default app
	Seed    uint64
	Load    Load
	Service *Service

	InitialReplicas int32 // ready at the start
	TimeToReady     LogNormal
	// WarmUp ramps the CPU speed of a ready pod linearly from InitialSpeed, in
	// (0,1], to 1.
	WarmUp       time.Duration
	InitialSpeed float64
	// Grace is how long a deleted pod may take to finish its requests.
	Grace time.Duration

	RequestMilliCPU int64
	RequestBytes    int64
	Nodes           NodePool

	// MetricResolution of metrics-server; default 15 s.
	MetricResolution time.Duration
	// Faults are what goes wrong; nil: nothing.
	Faults []Fault

	// Latencies makes spans carry the distribution of response times, which costs
	// time.
	Latencies bool
	// PodLatencies makes every pod collect its own.
	PodLatencies bool
	// OnSpan is told of every stretch of time in which load, replicas asked for and
	// pods ready did not change, cut at full minutes; nil: nobody is.
	OnSpan func(Span)
}

// A Span is what happened in a stretch of time.
type Span struct {
	From, To time.Time
	Load     float64 // requests/s
	Gap      bool    // the load was not recorded
	Desired  int32   // replicas asked for
	Ready    int32   // pods that get load and are there

	PodTime  time.Duration
	NodeTime time.Duration
	Offered  float64 // requests at the ingress
	Flow     Flow    // what the pods did with them; Latencies hold until OnSpan returns
	// Refused requests found no pod, or one whose node has failed; they are not part of Flow.
	Refused float64
	// Killed requests were lost with their pod.
	Killed float64
}

// rampStep is the step in which the speed of a warming pod is renewed, and drainPoll
// how often a draining pod is looked at.
const (
	rampStep  = 5 * time.Second
	drainPoll = time.Second
	// drained is the number of requests below which a pod counts as empty.
	drained = 1e-3
)

// A World is the state of the simulation. It is a clock: WaitUntil moves it. It is
// not safe for concurrent use.
type World struct {
	cfg     Config
	start   time.Time
	end     time.Duration
	now     time.Duration
	served  time.Duration // up to which the requests of all pods have moved
	events  queue
	desired int32
	pods    []*Pod // in order of creation, deleted ones included until removed
	created int
	nodes   []node

	load    float64
	gap     bool
	serving int
	ramping bool // a ramp event is scheduled

	revision       int           // of the Deployment's template
	lostNodes      int           // nodes that have failed
	hits           []Hit         // of faults, as they happened
	ghosts         int           // of serving, those on such nodes
	noMetricsUntil time.Duration // metrics-server is down until then
	slow           []slowing

	span      Span
	spanAt    time.Duration
	latencies *Latencies // nil: not collected
	scratch   *Latencies // nil unless pods collect theirs
	totals    Totals     // up to the start of the span
}

// Totals are cumulative counts since the start.
type Totals struct {
	Offered float64 // first tries at the ingress
	Flow    Flow    // of all pods, living and gone
	Refused float64
	Killed  float64
}

// NewWorld returns a world at the start of its load, or an error that lists every
// fault of cfg.
func NewWorld(cfg Config) (*World, error) {
	if cfg.Name == "" {
		cfg.Name = "app"
	}
	if cfg.MetricResolution == 0 {
		cfg.MetricResolution = 15 * time.Second
	}
	if cfg.InitialSpeed == 0 {
		cfg.InitialSpeed = 1
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	w := &World{
		cfg:     cfg,
		start:   cfg.Load.Start,
		end:     cfg.Load.End().Sub(cfg.Load.Start),
		desired: cfg.InitialReplicas,
		nodes:   newNodes(cfg.Nodes),
	}
	w.slow = w.slowings()
	if cfg.PodLatencies {
		w.scratch = cfg.Service.NewLatencies()
	}
	for range cfg.InitialReplicas {
		p := w.newPod()
		w.pods = append(w.pods, p)
		if w.place(p) {
			w.settle(p)
		}
	}
	if cfg.Latencies {
		w.latencies = cfg.Service.NewLatencies()
	}
	w.applyLoad(0)
	w.everyMinute()
	w.pollMetrics()
	w.scheduleFaults()
	w.beginSpan()
	return w, nil
}

func (c Config) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("world: "+format, args...))
		}
	}
	check(c.Service != nil, "no service model")
	check(c.Load.Step > 0 && len(c.Load.Values) > 0, "no load")
	check(c.InitialReplicas >= 0, "initial replicas %d are negative", c.InitialReplicas)
	check(c.TimeToReady.P50 >= 0 && c.TimeToReady.P95 >= c.TimeToReady.P50,
		"time to ready: p50 %v, p95 %v: want 0 <= p50 <= p95", c.TimeToReady.P50, c.TimeToReady.P95)
	check(c.InitialSpeed > 0 && c.InitialSpeed <= 1, "initial speed %v is not in (0,1]", c.InitialSpeed)
	check(c.RequestMilliCPU > 0 && c.RequestBytes > 0, "a pod must request CPU and memory")
	check(c.Nodes.Count > 0, "no nodes")
	check(c.MetricResolution > 0, "metric resolution %v", c.MetricResolution)
	for i, v := range c.Load.Values {
		if v < 0 || math.IsInf(v, 0) {
			errs = append(errs, fmt.Errorf("world: load %v at step %d", v, i))
			break
		}
	}
	return errors.Join(errs...)
}

// Now returns the simulated instant.
func (w *World) Now() time.Time { return w.start.Add(w.now) }

// WaitUntil lets the world move to the instant t, with all that happens until then;
// events of t itself that Act are left for whoever waited. It returns ErrEnd once the
// load has ended before t.
func (w *World) WaitUntil(ctx context.Context, t time.Time) error {
	to := t.Sub(w.start)
	last := to >= w.end
	if last {
		to = w.end
	}
	for n := 0; ; n++ {
		e, ok := w.events.peek()
		if !ok || e.at > to || (e.at == to && (last || e.priority == Act)) {
			break
		}
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		w.events.pop()
		w.now = e.at
		e.do()
	}
	w.now = max(w.now, to)
	if last {
		w.endSpan()
		w.beginSpan()
		return ErrEnd
	}
	return ctx.Err()
}

// Every calls do at first, first+interval, ... in the given phase of the instant. An
// instant that has passed is not made up for.
func (w *World) Every(first time.Time, interval time.Duration, p Priority, do func()) {
	var run func()
	at := first.Sub(w.start)
	run = func() {
		do()
		at += interval
		w.events.push(at, p, run)
	}
	w.events.push(at, p, run)
}

// Scale returns the replicas asked for and the pods that exist and are not being
// deleted.
func (w *World) Scale() (spec, status int32) {
	for _, p := range w.pods {
		if !p.Deleting {
			status++
		}
	}
	return w.desired, status
}

// Pods returns the pods in order of creation, those being deleted included. The
// slice and the pods are the world's own: read them before time passes.
func (w *World) Pods() []*Pod {
	w.serveAll()
	return w.pods
}

// Ready returns the number of pods that get load, as the cluster knows them.
func (w *World) Ready() int32 { return int32(w.serving) }

// Load returns the offered load in requests per second.
func (w *World) Load() float64 { return w.load }

// Totals returns the cumulative counts up to now.
func (w *World) Totals() Totals {
	w.serveAll()
	t := w.totals
	t.add(&w.span)
	return t
}

func (t *Totals) add(s *Span) {
	t.Offered += s.Offered
	t.Refused += s.Refused
	t.Killed += s.Killed
	t.Flow.Arrivals += s.Flow.Arrivals
	t.Flow.Shed += s.Flow.Shed
	t.Flow.CPUSeconds += s.Flow.CPUSeconds
	t.Flow.Accepted.Add(s.Flow.Accepted)
	t.Flow.Completed.Add(s.Flow.Completed)
}

// InSystem returns the number of requests in all pods.
func (w *World) InSystem() float64 {
	w.serveAll()
	var sum float64
	for _, p := range w.pods {
		sum += p.InFlight()
	}
	return sum
}

// speed returns the CPU speed of a pod, from InitialSpeed to 1.
func (w *World) speed(p *Pod, at time.Duration) float64 {
	if w.cfg.WarmUp <= 0 || !p.everReady {
		return 1
	}
	share := float64(at-p.bornAt) / float64(w.cfg.WarmUp)
	if share >= 1 {
		return 1
	}
	return w.cfg.InitialSpeed + (1-w.cfg.InitialSpeed)*max(share, 0)
}

func (w *World) applyLoad(step int) {
	w.endSpan()
	v := w.cfg.Load.Values[step]
	w.gap = math.IsNaN(v)
	if !w.gap {
		w.load = v
	}
	w.beginSpan()
	if next := step + 1; next < len(w.cfg.Load.Values) {
		w.events.push(time.Duration(next)*w.cfg.Load.Step, Move, func() { w.applyLoad(next) })
	}
}

func (w *World) everyMinute() {
	first := w.start.Truncate(time.Minute).Add(time.Minute)
	w.Every(first, time.Minute, Move, func() { w.endSpan(); w.beginSpan() })
}

// serveAll moves the requests of all pods up to now, with everything else as it was
// since. Whatever changes or reads what pods do calls it first; between such moments
// time passes for free.
func (w *World) serveAll() {
	dt := w.now - w.served
	if dt <= 0 {
		return
	}
	middle := w.served + dt/2
	offered := w.load * dt.Seconds()
	w.span.Offered += offered
	if w.serving == 0 {
		w.span.Refused += offered
	}
	var speeds float64
	for _, p := range w.pods {
		if p.inRotation {
			speeds += w.speed(p, middle)
		}
	}
	billed := 0
	for _, p := range w.pods {
		if p.Lost {
			if p.inRotation { // nobody answers its part of the load
				w.span.Refused += offered * w.speed(p, middle) / speeds
			}
			continue
		}
		if p.node >= 0 {
			billed++
		}
		if p.Phase < Starting {
			continue
		}
		if p.Phase == Starting {
			p.CPUSeconds += StartupCores * dt.Seconds()
			continue
		}
		// The ingress sends each request to the pod with the fewest outstanding ones, so
		// that in the fluid limit a slow pod gets load in proportion to its speed.
		speed, lambda := w.speed(p, middle), 0.0
		if p.inRotation {
			lambda = w.load * speed / speeds
		}
		w.serve(p, lambda, speed, dt)
	}
	w.span.PodTime += time.Duration(billed) * dt
	w.span.NodeTime += time.Duration(len(w.nodes)-w.lostNodes) * dt
	w.served = w.now
}

func (w *World) beginSpan() {
	w.spanAt = w.now
	w.span.From = w.Now()
	w.span.Load, w.span.Gap = w.load, w.gap
	w.span.Desired, w.span.Ready = w.desired, int32(w.serving-w.ghosts)
	w.span.PodTime, w.span.NodeTime = 0, 0
	w.span.Offered, w.span.Refused = 0, 0
	w.span.Flow = Flow{Latencies: w.latencies}
	if w.latencies != nil {
		w.latencies.Reset()
	}
}

func (w *World) endSpan() {
	w.serveAll()
	if w.now == w.spanAt {
		return
	}
	w.totals.add(&w.span)
	if w.cfg.OnSpan != nil {
		w.span.To = w.Now()
		w.cfg.OnSpan(w.span)
	}
	// What is killed between two spans counts in the second.
	w.span.Killed = 0
}

// Requests returns what one pod requests.
func (w *World) Requests() (milliCPU, bytes int64) { return w.cfg.RequestMilliCPU, w.cfg.RequestBytes }
