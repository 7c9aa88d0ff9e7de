package sim

import "strconv"

// NodePool is a fixed number of equal nodes.
type NodePool struct {
	Count    int
	MilliCPU int64 // allocatable of each
	Bytes    int64
}

// A node has room for pods by their requests.
type node struct {
	name     string
	milliCPU int64 // free
	bytes    int64
	pods     int
}

func newNodes(p NodePool) []node {
	nodes := make([]node, p.Count)
	for i := range nodes {
		nodes[i] = node{name: "node-" + strconv.Itoa(i), milliCPU: p.MilliCPU, bytes: p.Bytes}
	}
	return nodes
}

// place puts the pod on the node that has the most CPU left of those it fits on
// (LeastAllocated), the first among equals, and reports whether there is one.
func (w *World) place(p *Pod) bool {
	best := -1
	for i := range w.nodes {
		n := &w.nodes[i]
		if n.milliCPU < w.cfg.RequestMilliCPU || n.bytes < w.cfg.RequestBytes {
			continue
		}
		if best < 0 || n.milliCPU > w.nodes[best].milliCPU {
			best = i
		}
	}
	if best < 0 {
		return false
	}
	n := &w.nodes[best]
	n.milliCPU -= w.cfg.RequestMilliCPU
	n.bytes -= w.cfg.RequestBytes
	n.pods++
	p.node, p.Node = best, n.name
	return true
}

func (w *World) unplace(p *Pod) {
	if p.node < 0 {
		return
	}
	n := &w.nodes[p.node]
	n.milliCPU += w.cfg.RequestMilliCPU
	n.bytes += w.cfg.RequestBytes
	n.pods--
	p.node = -1
}
