package sim

import "time"

// What Kubernetes does about a node that says nothing more, by default: the node lifecycle
// controller calls it unknown after NodeGrace (--node-monitor-grace-period since Kubernetes
// 1.32), and its pods are evicted Eviction later (the tolerations that every pod is given).
const (
	NodeGrace = 50 * time.Second
	Eviction  = 300 * time.Second
)

// loseNodes lets machines fail until a time: a share of those that are up.
func (w *World) loseNodes(fault int, share float64, until time.Duration) {
	var up []int
	for i := range w.nodes {
		if !w.nodes[i].down {
			up = append(up, i)
		}
	}
	hit := Hit{Fault: fault}
	for _, i := range w.unlucky(fault, share, up) {
		hit.Nodes = append(hit.Nodes, w.nodes[i].name)
		for _, p := range w.podsOn(i) {
			hit.Pods = append(hit.Pods, p.Name)
		}
		w.loseNode(i)
		loss := w.nodes[i].losses
		w.onNode(i, loss, w.now+NodeGrace, w.noticeLoss)
		w.onNode(i, loss, w.now+NodeGrace+Eviction, w.evict)
		w.onNode(i, loss, until, w.recover)
	}
	w.hits = append(w.hits, hit)
}

// onNode calls do at a time, unless the loss of the node is over.
func (w *World) onNode(i, loss int, at time.Duration, do func(int)) {
	w.events.push(at, Move, func() {
		if n := &w.nodes[i]; n.down && n.losses == loss {
			w.endSpan()
			do(i)
			w.beginSpan()
		}
	})
}

// loseNode stops a machine. Nobody knows yet: its pods get their part of the load, and none of it
// is answered.
func (w *World) loseNode(i int) {
	n := &w.nodes[i]
	n.down, n.losses = true, n.losses+1
	w.lostNodes++
	for _, p := range w.podsOn(i) {
		w.endContainer(p)
		p.Lost = true
		p.received, p.sent = 0, 0
		if p.inRotation {
			w.ghosts++
		}
	}
}

// noticeLoss is when the cluster learns of it: the node is not ready, and neither are its pods.
func (w *World) noticeLoss(i int) {
	w.nodes[i].notReady = true
	for _, p := range w.podsOn(i) {
		w.unready(p)
	}
}

// evict deletes the pods of a lost node, so that others are created elsewhere. They stay
// terminating, as nobody on the node says that they have ended.
func (w *World) evict(i int) {
	for _, p := range w.podsOn(i) {
		if !p.Deleting {
			w.delete(p)
		}
	}
	w.reconcile()
}

// recover is a machine that boots: its counters begin anew, what was to be deleted is gone, and
// the containers of the pods that it had start again.
func (w *World) recover(i int) {
	n := &w.nodes[i]
	n.down, n.notReady, n.bootedAt, n.gone = false, false, w.now, Consumption{}
	w.lostNodes--
	for _, p := range w.podsOn(i) {
		w.unready(p)
		if p.Deleting {
			w.remove(p)
			continue
		}
		p.Lost = false
		if p.Phase < Starting {
			w.run(p)
		} else {
			w.startAgain(p)
		}
	}
	w.scheduleWaiting()
}

// podsOn returns the pods that have been given a node.
func (w *World) podsOn(i int) []*Pod {
	var all []*Pod
	for _, p := range w.pods {
		if p.node == i {
			all = append(all, p)
		}
	}
	return all
}

// unready takes the load from a pod that was ready.
func (w *World) unready(p *Pod) {
	w.rotate(p, false)
	if p.Phase == Ready {
		p.Phase, p.UnreadyAt, p.ReadyAt = Starting, w.Now(), time.Time{}
	}
}
