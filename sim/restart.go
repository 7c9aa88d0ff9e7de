package sim

import "time"

// crash lets the containers of a share of the ready pods end and start again.
func (w *World) crash(fault int, share float64) {
	byOrdinal := map[int]*Pod{}
	var ready []int
	for _, p := range w.pods {
		if p.Phase == Ready && !p.Deleting && !p.Lost {
			ready = append(ready, p.ordinal)
			byOrdinal[p.ordinal] = p
		}
	}
	hit := Hit{Fault: fault}
	for _, ordinal := range w.unlucky(fault, share, ready) {
		p := byOrdinal[ordinal]
		hit.Pods = append(hit.Pods, p.Name)
		w.restart(p)
	}
	w.hits = append(w.hits, hit)
}

// restart ends the container of a pod and starts it again in its place, at once, as the kubelet
// does at the first crash: the image is there, and the process takes as long to its first
// successful probe as a new one. The requests in it are lost.
func (w *World) restart(p *Pod) {
	w.endContainer(p)
	w.unready(p)
	w.startAgain(p)
}

// startAgain starts a container in the place of one that has ended.
func (w *World) startAgain(p *Pod) {
	p.Restarts++
	p.Phase, p.Running, p.runningAt = Starting, w.Now(), w.now
	p.lastRead = w.Now()
	draw := w.cfg.TimeToReady.draw(stream(w.cfg.Seed, "restart", uint64(p.ordinal)<<16|uint64(p.Restarts)))
	p.timeToOK = w.lasting(time.Duration(float64(draw)*(1-scheduleShare-pullShare)), p.node, StartStage)
	w.after(p.timeToOK, p, func() { w.becomeReady(p) })
}

// endContainer ends the container of a pod: its requests are lost, and what it counts begins anew with
// the next one. The network belongs to the pod and counts on.
func (w *World) endContainer(p *Pod) {
	w.kill(p)
	p.life++
	used := w.Consumption(p)
	used.ReceivedBytes, used.SentBytes, used.ReceivedPackets, used.SentPackets = 0, 0, 0, 0
	w.nodes[p.node].gone.Add(used)
	p.received += p.Arrivals
	p.sent += p.Completed.Total()
	p.CPUSeconds, p.Arrivals, p.Shed, p.Completed = 0, 0, 0, Outcomes{}
	p.lastCPU = 0
	if p.Latencies != nil {
		p.Latencies.Reset()
	}
}

// kill drops the requests in a pod.
func (w *World) kill(p *Pod) { w.span.Killed += p.state.Drop().Total() }
