package sim

// pollMetrics lets metrics-server read every pod once a resolution: the CPU rate is
// over the time since it last read the pod, or since the container runs, the memory is that
// of the instant.
func (w *World) pollMetrics() {
	w.Every(w.start.Add(w.cfg.MetricResolution), w.cfg.MetricResolution, Observe, func() {
		w.serveAll()
		now := w.Now()
		for _, p := range w.pods {
			if p.Phase < Starting {
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
func (p *Pod) ReceivedBytes() float64 { return p.Arrivals * requestBytes }

// SentBytes returns what went out over the pod's network so far.
func (p *Pod) SentBytes() float64 { return p.Completed.Total() * responseBytes }

// ReceivedPackets returns how many packets came in so far.
func (p *Pod) ReceivedPackets() float64 { return p.Arrivals * requestPackets }

// SentPackets returns how many packets went out so far.
func (p *Pod) SentPackets() float64 { return p.Completed.Total() * responsePackets }
