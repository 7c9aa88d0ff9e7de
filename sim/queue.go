package sim

import "time"

// Priority orders events of one instant.
type Priority uint8

// The phases of an instant: the world moves, is observed, and is acted upon.
const (
	Move    Priority = iota + 1 // load, pods, nodes
	Observe                     // scrapes, metrics-server
	Act                         // controllers decide
)

// An event is due at a time since the start of the world.
type event struct {
	at       time.Duration
	priority Priority
	seq      uint64 // order of scheduling, the last resort among equals
	do       func()
}

// before orders events by (time, priority, sequence).
func (e event) before(f event) bool {
	if e.at != f.at {
		return e.at < f.at
	}
	if e.priority != f.priority {
		return e.priority < f.priority
	}
	return e.seq < f.seq
}

// A queue is a binary heap of events. It is written out, since container/heap
// would box every event in an interface.
type queue struct {
	heap []event
	seq  uint64
}

func (q *queue) push(at time.Duration, p Priority, do func()) {
	q.seq++
	q.heap = append(q.heap, event{at: at, priority: p, seq: q.seq, do: do})
	i := len(q.heap) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !q.heap[i].before(q.heap[parent]) {
			return
		}
		q.heap[i], q.heap[parent] = q.heap[parent], q.heap[i]
		i = parent
	}
}

// peek returns the next event without taking it.
func (q *queue) peek() (event, bool) {
	if len(q.heap) == 0 {
		return event{}, false
	}
	return q.heap[0], true
}

func (q *queue) pop() event {
	top := q.heap[0]
	last := len(q.heap) - 1
	q.heap[0] = q.heap[last]
	q.heap[last] = event{} // let go of the closure
	q.heap = q.heap[:last]
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < last; c++ {
			if q.heap[c].before(q.heap[least]) {
				least = c
			}
		}
		if least == i {
			return top
		}
		q.heap[i], q.heap[least] = q.heap[least], q.heap[i]
		i = least
	}
}
