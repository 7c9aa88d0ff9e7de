package policy

import (
	"strconv"
	"time"
)

// The features of V2, in its order.
const (
	v2Hour      = iota // 0-23
	v2Weekday          // Monday is 0
	v2Minute           // 0-59
	v2CPU              // mean per pod, millicores
	v2Memory           // mean per pod, MiB
	v2Total            // CPU of all pods, millicores
	v2CPUDiff          // v2CPU less that of the sample before
	v2MemDiff          // likewise
	v2TotalDiff        // likewise
	v2CPUMean          // mean of v2CPU over the last 5 samples
	v2MemMean          // likewise
	v2TotalMean        // likewise
	v2Features
)

const v2MeanOf = 5 // samples

// A v2Sample is what V2 keeps of one check.
type v2Sample struct {
	at            time.Time // UTC
	pods          int32     // seen in the metrics
	milliCPU      float64   // mean per pod
	mebibytes     float64   // mean per pod
	totalMilliCPU float64
}

// newV2Sample returns the sample of the pods that have metrics, or false without any.
func newV2Sample(in Input) (v2Sample, bool) {
	var milliCPU, bytes int64
	var n int32
	for _, p := range in.Pods {
		if p.Sample != nil {
			milliCPU += p.Sample.MilliCPU
			bytes += p.Sample.Bytes
			n++
		}
	}
	if n == 0 {
		return v2Sample{}, false
	}
	return v2Sample{
		at:            in.Now.UTC(),
		pods:          n,
		milliCPU:      float64(milliCPU) / float64(n),
		mebibytes:     float64(bytes) / (1 << 20) / float64(n),
		totalMilliCPU: float64(milliCPU),
	}, true
}

// String tells the figures that decide.
func (s v2Sample) String() string {
	return "CPU per pod " + strconv.FormatFloat(s.milliCPU, 'f', 1, 64) +
		" m, total " + strconv.FormatFloat(s.totalMilliCPU, 'f', -1, 64) +
		" m, " + strconv.FormatInt(int64(s.pods), 10) + " pods"
}

// v2History holds the newest samples, at most max, as the table that the model is
// trained on: a row of features and a target each.
type v2History struct {
	max      int
	features []float64 // v2Features a row, the oldest first
	targets  []float64
	asked    [v2Features]float64
}

func (h *v2History) len() int { return len(h.targets) }

// row returns the features of sample i.
func (h *v2History) row(i int) []float64 {
	return h.features[i*v2Features : (i+1)*v2Features]
}

// append adds the newest sample and drops the oldest beyond max.
func (h *v2History) append(s v2Sample, target float64) {
	h.features = append(h.features, make([]float64, v2Features)...)
	h.targets = append(h.targets, target)
	n := h.len()
	row := h.row(n - 1)
	s.fill(row)
	for f := range 3 {
		if n > 1 {
			row[v2CPUDiff+f] = row[v2CPU+f] - h.row(n - 2)[v2CPU+f]
		}
		row[v2CPUMean+f] = h.mean(v2CPU+f, n)
	}
	if n > h.max {
		h.features, h.targets = h.features[v2Features:], h.targets[1:]
	}
}

// shortenStart gives the oldest samples the features of a history that begins with
// them. V2 computes all features anew from what it kept: those of a sample change
// when samples before it are dropped.
func (h *v2History) shortenStart() {
	for i := range min(v2MeanOf-1, h.len()) {
		row := h.row(i)
		for f := range 3 {
			if i == 0 {
				row[v2CPUDiff+f] = 0
			}
			row[v2CPUMean+f] = h.mean(v2CPU+f, i+1)
		}
	}
}

// question returns the features that V2 asks its model about. It appends the newest
// sample to a history that has it already: against that twin all differences are 0,
// and the means count it twice, though in training neither is so. It is valid until
// the next call.
func (h *v2History) question(s v2Sample) []float64 {
	row := h.asked[:]
	clear(row)
	s.fill(row)
	first := max(0, h.len()-v2MeanOf+1)
	for f := range 3 {
		var sum float64
		for i := first; i < h.len(); i++ {
			sum += h.row(i)[v2CPU+f]
		}
		row[v2CPUMean+f] = (sum + row[v2CPU+f]) / float64(h.len()-first+1)
	}
	return row
}

// mean returns the mean of feature f over the last 5 of the first n samples.
func (h *v2History) mean(f, n int) float64 {
	first := max(0, n-v2MeanOf)
	var sum float64
	for i := first; i < n; i++ {
		sum += h.row(i)[f]
	}
	return sum / float64(n-first)
}

// fill sets the features of row that depend on s alone.
func (s v2Sample) fill(row []float64) {
	row[v2Hour] = float64(s.at.Hour())
	row[v2Weekday] = float64((s.at.Weekday() + 6) % 7)
	row[v2Minute] = float64(s.at.Minute())
	row[v2CPU], row[v2Memory], row[v2Total] = s.milliCPU, s.mebibytes, s.totalMilliCPU
}
