package sim

import "slices"

// How far a rolling update may go beyond and below the replicas asked for: the defaults of a
// Deployment, maxSurge rounded up and maxUnavailable rounded down.
const rollingPercent = 25

// rollOut gives the Deployment a new template: its pods are replaced step by step.
func (w *World) rollOut() {
	w.revision++
	w.reconcile()
}

// rolling reports whether there are pods of an older template that are not being deleted.
func (w *World) rolling() bool {
	return w.revision > 0 && slices.ContainsFunc(w.pods, w.outdated)
}

func (w *World) outdated(p *Pod) bool { return !p.Deleting && p.Revision < w.revision }

// roll goes as far as a rolling update may now, as the Deployment controller of Kubernetes does
// (pkg/controller/deployment/rolling.go): new pods up to the surge, then old ones that do not serve,
// then others as far as enough are available; until nothing changes. Pods that are being
// deleted do not count. Unlike there, scaling up in the middle adds pods of the new template only,
// and scaling down takes those of the old one first.
func (w *World) roll() {
	surge := (w.desired*rollingPercent + 99) / 100
	unavailable := w.desired * rollingPercent / 100
	for changed := true; changed; {
		changed = false
		old, oldReady, fresh, freshReady := w.byTemplate()
		for ; fresh < w.desired && old+fresh < w.desired+surge; fresh++ {
			w.create()
			changed = true
		}
		for ; fresh > w.desired; fresh-- {
			w.delete(w.victim(func(p *Pod) bool { return p.Revision == w.revision }))
			changed = true
		}
		// Those that are not there yet must not be what is counted on.
		spare := old + fresh - (w.desired - unavailable) - (fresh - freshReady)
		for ; spare > 0 && old > oldReady; spare, old = spare-1, old-1 {
			w.delete(w.victim(func(p *Pod) bool { return w.outdated(p) && p.Phase != Ready }))
			changed = true
		}
		n := min(oldReady+freshReady-(w.desired-unavailable), spare, oldReady)
		for ; n > 0; n-- {
			w.delete(w.victim(w.outdated))
			changed = true
		}
	}
}

// byTemplate counts the pods that are not being deleted, and those of them that are ready.
func (w *World) byTemplate() (old, oldReady, fresh, freshReady int32) {
	for _, p := range w.pods {
		if p.Deleting {
			continue
		}
		all, ready := &fresh, &freshReady
		if p.Revision < w.revision {
			all, ready = &old, &oldReady
		}
		*all++
		if p.Phase == Ready {
			*ready++
		}
	}
	return old, oldReady, fresh, freshReady
}

// Updated returns how many pods of the newest template there are, without those being deleted.
func (w *World) Updated() int32 {
	_, _, fresh, _ := w.byTemplate()
	return fresh
}
