package sim

import (
	"math"
	"time"
)

// pollMetrics lets metrics-server read every pod once a resolution: the CPU rate is
// over the time since it last read the pod, or since the container runs, the memory is that
// of the instant.
func (w *World) pollMetrics() {
	w.Every(w.start.Add(w.cfg.MetricResolution), w.cfg.MetricResolution, Observe, func() {
		if !w.MetricsServed() {
			return
		}
		w.serveAll()
		now := w.Now()
		for _, p := range w.pods {
			if p.Lost { // its kubelet does not answer
				p.usage, p.lastRead = nil, time.Time{}
				continue
			}
			if p.Phase < Starting {
				continue
			}
			if p.lastRead.IsZero() { // not by this metrics-server
				p.lastRead, p.lastCPU = now, p.CPUSeconds
				continue
			}
			window := now.Sub(p.lastRead)
			if window <= 0 {
				continue
			}
			if p.usage == nil {
				p.usage = new(PodUsage)
			}
			*p.usage = PodUsage{
				Cores:  (p.CPUSeconds - p.lastCPU) / window.Seconds(),
				Bytes:  p.memory(w.now),
				Time:   now,
				Window: window,
			}
			p.lastRead, p.lastCPU = now, p.CPUSeconds
		}
	})
}

// Usage returns what the resource metrics API shows of the pod, false before its
// first sample.
func (p *Pod) Usage() (PodUsage, bool) {
	if p.usage == nil {
		return PodUsage{}, false
	}
	return *p.usage, true
}

// Memory returns the working set of a pod in bytes now.
func (w *World) Memory(p *Pod) float64 { return p.memory(w.now) }

// ReceivedBytes returns what came in over the pod's network so far.
func (p *Pod) ReceivedBytes() float64 { return (p.received + p.Arrivals) * requestBytes }

// SentBytes returns what went out over the pod's network so far.
func (p *Pod) SentBytes() float64 { return (p.sent + p.Completed.Total()) * responseBytes }

// ReceivedPackets returns how many packets came in so far.
func (p *Pod) ReceivedPackets() float64 { return (p.received + p.Arrivals) * requestPackets }

// SentPackets returns how many packets went out so far.
func (p *Pod) SentPackets() float64 { return (p.sent + p.Completed.Total()) * responsePackets }

// A Consumption is what a container used since it started, beside memory.
type Consumption struct {
	CPUSeconds                   float64
	ReceivedBytes, SentBytes     float64
	ReceivedPackets, SentPackets float64
	ReadBytes, WrittenBytes      float64 // from and to disk
	Reads, Writes                float64
}

// Add adds other to c.
func (c *Consumption) Add(other Consumption) {
	c.CPUSeconds += other.CPUSeconds
	c.ReceivedBytes += other.ReceivedBytes
	c.SentBytes += other.SentBytes
	c.ReceivedPackets += other.ReceivedPackets
	c.SentPackets += other.SentPackets
	c.ReadBytes += other.ReadBytes
	c.WrittenBytes += other.WrittenBytes
	c.Reads += other.Reads
	c.Writes += other.Writes
}

// Consumption returns what a pod used so far.
func (w *World) Consumption(p *Pod) Consumption {
	reads, writes := w.reads(p), math.Floor((p.Completed.Total()+p.Shed)*logLineBytes/pageBytes)
	return Consumption{
		CPUSeconds:    p.CPUSeconds,
		ReceivedBytes: p.ReceivedBytes(), SentBytes: p.SentBytes(),
		ReceivedPackets: p.ReceivedPackets(), SentPackets: p.SentPackets(),
		Reads: reads, ReadBytes: reads * readBytes,
		Writes: writes, WrittenBytes: writes * pageBytes,
	}
}

// reads is how often a container has read from disk: evenly while it starts.
func (w *World) reads(p *Pod) float64 {
	if p.Phase < Starting || p.Lost {
		return 0
	}
	share := 1.0
	if p.Phase == Starting && p.timeToOK > 0 {
		share = min(1, float64(w.now-p.runningAt)/float64(p.timeToOK))
	}
	return math.Floor(share * startupReadBytes / readBytes)
}
