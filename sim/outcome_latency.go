package sim

import (
	"math"
	"time"
)

// Latencies collects the distribution of the latencies of accepted requests, as expected numbers.
// A request counts with the time that the pod takes for it, even when its client gives up before.
// Collecting costs a few additions; the distribution is worked out when it is asked for.
type Latencies struct {
	service *Service
	rows    [speedRows][]float64 // by speed, then by state of the table: requests accepted
}

// Rows are 1/speedsPerOctave octaves of speed apart, from 2^fastest downwards; requests at speeds
// between two rows are split among them.
const (
	speedsPerOctave = 4
	fastest         = 2
	speedRows       = 9*speedsPerOctave + 1
	warmRow         = fastest * speedsPerOctave
)

// NewLatencies returns an empty collection for pods of this service.
func (s *Service) NewLatencies() *Latencies {
	l := &Latencies{service: s}
	l.rows[warmRow] = make([]float64, len(s.states))
	return l
}

// Reset empties the collection.
func (l *Latencies) Reset() {
	for _, row := range l.rows {
		clear(row)
	}
}

// Add adds another collection of the same service.
func (l *Latencies) Add(other *Latencies) {
	for j, row := range other.rows {
		if row == nil {
			continue
		}
		for i, mass := range row {
			l.row(j)[i] += mass
		}
	}
}

// Total returns the number of requests collected.
func (l *Latencies) Total() float64 {
	total := 0.0
	for _, row := range l.rows {
		for _, mass := range row {
			total += mass
		}
	}
	return total
}

// Within returns the number of requests with a latency of at most t.
func (l *Latencies) Within(t time.Duration) float64 { return l.within(t.Seconds()) }

func (l *Latencies) within(seconds float64) float64 {
	s := l.service
	total := 0.0
	for j, row := range l.rows {
		if row == nil {
			continue
		}
		budget := s.sojourns.column((seconds - s.wait) * rowSpeed(j) / s.seconds)
		for i, mass := range row {
			if mass != 0 {
				total += mass * s.sojourns.share(i, budget)
			}
		}
	}
	return total
}

// Quantile returns the latency that a share q, in [0, 1], of the requests do not exceed, to a part
// in a thousand. It is zero if there are none.
func (l *Latencies) Quantile(q float64) time.Duration {
	total := l.Total()
	if total == 0 {
		return 0
	}
	s := l.service
	lo := s.sojourns.budget(0) * s.seconds / rowSpeed(0)
	hi := s.sojourns.budget(float64(s.sojourns.columns-1)) * s.seconds / rowSpeed(speedRows-1)
	for hi > lo*1.001 {
		mid := math.Sqrt(lo * hi)
		if l.within(mid+s.wait) < q*total {
			lo = mid
		} else {
			hi = mid
		}
	}
	return toDuration(math.Sqrt(lo*hi) + s.wait)
}

// latencyRow is where the requests at some speed are collected.
type latencyRow struct {
	mass, next []float64
	fraction   float64 // that goes to next
}

func (l *Latencies) at(speed float64) latencyRow {
	if speed == 1 {
		return latencyRow{mass: l.rows[warmRow]}
	}
	position := (fastest - math.Log2(speed)) * speedsPerOctave
	position = min(max(position, 0), speedRows-1)
	j := min(int(position), speedRows-2)
	return latencyRow{mass: l.row(j), next: l.row(j + 1), fraction: position - float64(j)}
}

// add collects requests accepted at the states i and i+1.
func (r latencyRow) add(i int, first, second float64) {
	r.mass[i] += first * (1 - r.fraction)
	r.mass[i+1] += second * (1 - r.fraction)
	if r.next != nil {
		r.next[i] += first * r.fraction
		r.next[i+1] += second * r.fraction
	}
}

func (l *Latencies) row(j int) []float64 {
	if l.rows[j] == nil {
		l.rows[j] = make([]float64, len(l.service.states))
	}
	return l.rows[j]
}

func rowSpeed(j int) float64 {
	return math.Exp2(fastest - float64(j)/speedsPerOctave)
}
