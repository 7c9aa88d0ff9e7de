package sim

import (
	"strconv"
	"time"
)

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
	gone     Consumption // of pods that are no longer there
	down     bool        // it has failed
	notReady bool        // and the cluster knows
	losses   int
	bootedAt time.Duration
}

// What a node needs beside its pods: the kubelet, the container runtime and agents, an
// operating system, and the images on its disk. The memory of the system is not
// allocatable.
const (
	SystemCores     = 0.05
	SystemBytes     = 600 << 20
	SystemDiskBytes = 8 << 30
	NodeDiskBytes   = 100 << 30
)

// A Node is one machine. Pods do not contend for its CPU: each may use its own limit,
// however many there are.
type Node struct {
	Name          string
	MilliCPU      int64 // allocatable
	Bytes         int64 // allocatable
	Pods          int
	RequestedCPU  int64       // of its pods, millicores
	RequestedByte int64       // of its pods
	Used          Consumption // by its pods since the start, those that are gone included
	Memory        float64     // working sets of its pods, bytes
	DiskBytes     float64     // written by its pods, not by those that are gone
	Booted        time.Time
	Down          bool // it has failed: nothing on it answers
}

// Nodes appends the nodes of the pool to dst and returns it.
func (w *World) Nodes(dst []Node) []Node {
	w.serveAll()
	first := len(dst)
	for i := range w.nodes {
		n := &w.nodes[i]
		dst = append(dst, Node{
			Name: n.name, MilliCPU: w.cfg.Nodes.MilliCPU, Bytes: w.cfg.Nodes.Bytes, Pods: n.pods,
			RequestedCPU: w.cfg.Nodes.MilliCPU - n.milliCPU, RequestedByte: w.cfg.Nodes.Bytes - n.bytes,
			Used: n.gone, Booted: w.start.Add(n.bootedAt), Down: n.down,
		})
	}
	for _, p := range w.pods {
		if p.node < 0 {
			continue
		}
		n, used := &dst[first+p.node], w.Consumption(p)
		n.Used.Add(used)
		n.Memory += p.memory(w.now)
		n.DiskBytes += used.WrittenBytes
	}
	return dst
}

// NodeLost reports whether the i-th node has failed, so that nothing on it answers, and whether
// the cluster knows: it is not ready.
func (w *World) NodeLost(i int) (failed, known bool) { return w.nodes[i].down, w.nodes[i].notReady }

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
		if n.notReady || n.milliCPU < w.cfg.RequestMilliCPU || n.bytes < w.cfg.RequestBytes {
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
	n.gone.Add(w.Consumption(p))
	p.node = -1
}
