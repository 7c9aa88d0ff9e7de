package policy

import (
	"fmt"
	"math"
	"strconv"
)

// propose makes the proposal of one metric.
func (h *HPA) propose(m *hpaMetric, in *Input) Proposal {
	p := Proposal{Source: m.source}
	switch m.kind {
	case metricCPU, metricMemory:
		h.proposeResource(m, in, &p)
	case metricPods:
		h.proposePods(m, in, &p)
	case metricValue, metricAverage:
		h.proposeValue(m, in, &p)
	}
	if p.Err != nil {
		p.Replicas = in.Spec
	}
	return p
}

// proposePods makes the proposal of a Pods metric from the sum and the number of
// its samples. Which pod a sample belongs to is not known; see HPA.
func (h *HPA) proposePods(m *hpaMetric, in *Input, p *Proposal) {
	var sum, count int64
	if sum, p.Err = valueOf(in, m.query); p.Err != nil {
		return
	}
	if count, p.Err = valueOf(in, m.query+1); p.Err != nil {
		return
	}
	count /= 1000
	if len(in.Pods) == 0 {
		p.Err = errNoPods
		return
	}
	var t podTally
	running := int64(0)
	for i := range in.Pods {
		switch pod := &in.Pods[i]; {
		case pod.Deleting || pod.Phase == PodFailed:
		case pod.Phase == PodPending:
			t.unready++
		default:
			running++
		}
	}
	ready := min(count, running)
	if ready < 1 {
		p.Err = errNoSamples
		return
	}
	t.ready, t.missing = int(ready), int(running-ready)
	t.missingFill = m.target * int64(t.missing)
	t.used = sum
	if count > ready {
		t.used = sum / count * ready
	}
	h.proposeTally(m, &t, in.Spec, p)
}

// proposeValue makes the proposal of an Object or External metric.
func (h *HPA) proposeValue(m *hpaMetric, in *Input, p *Proposal) {
	var usage int64
	if usage, p.Err = valueOf(in, m.query); p.Err != nil {
		return
	}
	b := appendMilli(append(make([]byte, 0, 64), "value "...), usage)
	b = appendMilli(append(b, " / target "...), m.target)
	replicas := float64(usage) / float64(m.target)
	if m.kind == metricAverage {
		p.Detail = string(strconv.AppendInt(append(b, " x replicas "...), int64(in.Status), 10))
		// With no replicas this is infinite or NaN, and outside of any tolerance.
		ratio := float64(usage) / (float64(m.target) * float64(in.Status))
		p.Replicas = in.Status
		if !h.tolerance.within(ratio) {
			p.Replicas = saturate(math.Ceil(replicas))
		}
		return
	}
	p.Detail = string(b)
	switch {
	case in.Spec == 0:
		p.Replicas = saturate(math.Ceil(replicas))
	case h.tolerance.within(replicas):
		p.Replicas = in.Spec
	case len(in.Pods) == 0:
		p.Err = errNoPods
	default:
		ready := 0
		for i := range in.Pods {
			if in.Pods[i].Phase == PodRunning && in.Pods[i].Ready {
				ready++
			}
		}
		p.Replicas = saturate(math.Ceil(replicas * float64(ready)))
	}
}

// valueOf returns the answer to a query in milli-units, the rest cut off, as the
// adapters of Prometheus to the metrics APIs do.
func valueOf(in *Input, query int) (int64, error) {
	if query >= len(in.Values) {
		return 0, fmt.Errorf("query %d was not asked: %w", query, ErrNoData)
	}
	v := &in.Values[query]
	switch {
	case v.Err != nil:
		return 0, fmt.Errorf("query %s: %w", v.Name, v.Err)
	case math.IsNaN(v.Value):
		return 0, fmt.Errorf("query %s is not a number: %w", v.Name, ErrNoData)
	}
	milli := v.Value * 1000
	switch {
	case milli >= math.MaxInt64:
		return math.MaxInt64, nil
	case milli <= math.MinInt64:
		return math.MinInt64, nil
	}
	return int64(milli), nil
}
