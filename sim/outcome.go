package sim

// Outcome is how a request that a pod accepted ends.
type Outcome int

// The outcomes of accepted requests. A request that timed out or failed is neither good nor late.
const (
	Good     Outcome = iota // answered without error within the latency objective
	Late                    // answered without error, after the objective
	TimedOut                // the client gave up before the answer
	Failed                  // answered with a server error before the client gave up
	outcomes
)

// String returns the name of the outcome in lower case.
func (o Outcome) String() string {
	switch o {
	case Good:
		return "good"
	case Late:
		return "late"
	case TimedOut:
		return "timed out"
	case Failed:
		return "failed"
	default:
		return "unknown"
	}
}

// Outcomes are numbers of requests by Outcome. They are expected values, not integers.
type Outcomes [outcomes]float64

// Total returns the sum over all outcomes.
func (o Outcomes) Total() float64 {
	return o[Good] + o[Late] + o[TimedOut] + o[Failed]
}

// Add adds other to o.
func (o *Outcomes) Add(other Outcomes) {
	for i := range o {
		o[i] += other[i]
	}
}

// Flow is what passed through one or more pods in some time. Advance adds to it. At every instant
//
//	Arrivals = Shed + Accepted.Total()
//	Accepted[o] = Completed[o] + what the pods hold of o, for each outcome o.
type Flow struct {
	Arrivals   float64  // requests that were sent
	Shed       float64  // requests that found the queue full
	Accepted   Outcomes // the rest, by what will become of them
	Completed  Outcomes // requests whose work and wait are over
	CPUSeconds float64  // CPU time used
	// Latencies, if not nil, gets the latencies of the accepted requests.
	Latencies *Latencies
}

// Add adds other to f, latencies included where both collect them.
func (f *Flow) Add(other *Flow) {
	f.Arrivals += other.Arrivals
	f.Shed += other.Shed
	f.Accepted.Add(other.Accepted)
	f.Completed.Add(other.Completed)
	f.CPUSeconds += other.CPUSeconds
	if f.Latencies != nil && other.Latencies != nil {
		f.Latencies.Add(other.Latencies)
	}
}

// Reset sets f back to nothing. Its Latencies stay and are emptied.
func (f *Flow) Reset() {
	latencies := f.Latencies
	if latencies != nil {
		latencies.Reset()
	}
	*f = Flow{Latencies: latencies}
}
