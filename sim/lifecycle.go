package sim

import (
	"fmt"
	"slices"
	"time"
)

// SetScale asks for n replicas; pods are created and deleted at once, as the
// Deployment's controllers would within milliseconds.
func (w *World) SetScale(n int32) error {
	if n < 0 {
		return fmt.Errorf("scale to %d replicas: negative", n)
	}
	if n == w.desired {
		return nil
	}
	w.endSpan()
	w.desired = n
	w.reconcile()
	w.beginSpan()
	return nil
}

// reconcile creates or deletes pods until as many as desired are not being deleted.
func (w *World) reconcile() {
	if w.rolling() {
		w.roll()
		return
	}
	_, have := w.Scale()
	for ; have < w.desired; have++ {
		w.create()
	}
	for ; have > w.desired; have-- {
		w.delete(w.victim(nil))
	}
}

func (w *World) create() {
	p := w.newPod()
	w.pods = append(w.pods, p)
	w.schedule(p)
}

// victim returns the pod that a ReplicaSet deletes first: unscheduled before
// scheduled, pending before running, not ready before ready, on the fuller node
// before the emptier, ready for a shorter time, created later. Of, if not nil, says which pods
// are its.
func (w *World) victim(of func(*Pod) bool) *Pod {
	var worst *Pod
	for _, p := range w.pods {
		if !p.Deleting && (of == nil || of(p)) && (worst == nil || w.deletedBefore(p, worst)) {
			worst = p
		}
	}
	return worst
}

func (w *World) deletedBefore(p, q *Pod) bool {
	if p.Phase != q.Phase {
		return p.Phase < q.Phase
	}
	if p.node >= 0 && q.node >= 0 && w.nodes[p.node].pods != w.nodes[q.node].pods {
		return w.nodes[p.node].pods > w.nodes[q.node].pods
	}
	if p.bornAt != q.bornAt {
		return p.bornAt > q.bornAt
	}
	return p.ordinal > q.ordinal
}

// settle makes a pod ready and warm at once: the replicas that a world starts with.
func (w *World) settle(p *Pod) {
	p.Phase, p.everReady = Ready, true
	p.bornAt, p.runningAt = -w.cfg.WarmUp, -memoryFill
	at := w.Now().Add(-max(time.Hour, w.cfg.WarmUp))
	p.Created, p.Started, p.Running, p.ReadyAt = at, at, at, at
	p.lastRead = w.Now()
	w.rotate(p, true)
}

// schedule puts the pod on a node, or leaves it Pending until there is room.
func (w *World) schedule(p *Pod) {
	if !w.place(p) {
		return
	}
	if w.nodes[p.node].down { // and nobody knows
		p.Lost = true
		return
	}
	w.run(p)
}

// run lets the node of a pod accept, pull and start it.
func (w *World) run(p *Pod) {
	w.after(w.lasting(p.timeToRun, p.node, AcceptStage), p, func() {
		p.Phase, p.Started = Pulling, w.Now()
		w.after(w.lasting(p.pull, p.node, PullStage), p, func() {
			w.serveAll()
			p.Phase, p.Running = Starting, w.Now()
			p.runningAt, p.lastRead = w.now, w.Now()
			p.timeToOK = w.lasting(p.timeToOK, p.node, StartStage)
			w.after(p.timeToOK, p, func() { w.becomeReady(p) })
		})
	})
}

// after calls do when d has passed, unless the pod is being deleted, or its container has
// ended, by then.
func (w *World) after(d time.Duration, p *Pod, do func()) {
	life := p.life
	w.events.push(w.now+d, Move, func() {
		if !p.Deleting && p.life == life {
			do()
		}
	})
}

func (w *World) becomeReady(p *Pod) {
	w.endSpan()
	p.Phase, p.ReadyAt = Ready, w.Now()
	p.bornAt, p.everReady = w.now, true
	w.rotate(p, true)
	w.ramp()
	if w.revision > 0 {
		w.reconcile() // a rolling update goes on
	}
	w.beginSpan()
}

// ramp renews the speed of warming pods every rampStep while there are any.
func (w *World) ramp() {
	if w.ramping || w.cfg.WarmUp <= 0 {
		return
	}
	w.ramping = true
	// The speed of the step just begun is that of its middle.
	w.events.push(w.now+rampStep, Move, func() {
		w.serveAll()
		w.ramping = false
		for _, p := range w.pods {
			if p.everReady && w.now-p.bornAt < w.cfg.WarmUp {
				w.ramp()
				return
			}
		}
	})
}

func (w *World) rotate(p *Pod, in bool) {
	if p.inRotation == in {
		return
	}
	p.inRotation = in
	if p.Lost {
		w.ghosts--
	}
	if in {
		w.serving++
	} else {
		w.serving--
	}
}

// delete takes the pod out of rotation and removes it once its requests are done or
// the grace is over.
func (w *World) delete(p *Pod) {
	p.Deleting = true
	w.rotate(p, false)
	if p.Lost {
		return // until its node is back
	}
	if p.Phase != Ready || p.InFlight() == 0 {
		w.remove(p)
		return
	}
	deadline := w.now + w.cfg.Grace
	var poll func()
	poll = func() {
		if p.Lost {
			return // until its node is back
		}
		w.serveAll()
		if w.now >= deadline || p.InFlight() < drained {
			w.remove(p)
			return
		}
		w.events.push(min(w.now+drainPoll, deadline), Move, poll)
	}
	w.events.push(min(w.now+drainPoll, deadline), Move, poll)
}

func (w *World) remove(p *Pod) {
	w.kill(p)
	w.unplace(p)
	w.pods = slices.DeleteFunc(w.pods, func(q *Pod) bool { return q == p })
	w.scheduleWaiting()
}

// scheduleWaiting looks for room for the pods that found none.
func (w *World) scheduleWaiting() {
	for _, q := range w.pods {
		if q.Phase == Unscheduled && q.node < 0 && !q.Deleting {
			w.schedule(q)
		}
	}
}

// serve moves the requests of one pod.
func (w *World) serve(p *Pod, lambda, speed float64, dt time.Duration) {
	flow := Flow{Latencies: w.latencies}
	if p.Latencies != nil {
		w.scratch.Reset()
		flow.Latencies = w.scratch
	}
	w.cfg.Service.Advance(&p.state, lambda, speed, dt, &flow)
	if p.Latencies != nil {
		p.Latencies.Add(w.scratch)
		if w.latencies != nil {
			w.latencies.Add(w.scratch)
		}
	}
	p.CPUSeconds += flow.CPUSeconds + idleCores*dt.Seconds()
	p.Arrivals += flow.Arrivals
	p.Shed += flow.Shed
	p.Completed.Add(flow.Completed)
	w.span.Flow.Arrivals += flow.Arrivals
	w.span.Flow.Shed += flow.Shed
	w.span.Flow.CPUSeconds += flow.CPUSeconds
	w.span.Flow.Accepted.Add(flow.Accepted)
	w.span.Flow.Completed.Add(flow.Completed)
}
