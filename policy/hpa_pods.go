package policy

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Errors of metrics that come from pods.
var (
	errNoPods    = fmt.Errorf("the selector matches no pods: %w", ErrNoData)
	errNoSamples = fmt.Errorf("no metrics of targeted pods, which might be unready: %w", ErrNoData)
)

// A podTally is what the pods come to for one metric. All amounts are in
// milli-units; those of ready pods are used and requested.
type podTally struct {
	ready, unready, missing            int
	used, requested                    int64
	unreadyRequested, missingRequested int64
	missingFill                        int64  // what the missing are taken to use before a scale-down
	noRequest                          string // a pod without a request
}

// proposeResource makes the proposal of a metric of the resource metrics API.
func (h *HPA) proposeResource(m *hpaMetric, in *Input, p *Proposal) {
	if in.PodsErr != nil {
		p.Err = fmt.Errorf("get pod metrics: %w", in.PodsErr)
		return
	}
	if len(in.Pods) == 0 {
		p.Err = errNoPods
		return
	}
	t := h.tally(m, in.Pods, in.Now)
	switch {
	case t.ready == 0:
		p.Err = errNoSamples
	case m.percent && t.noRequest != "":
		p.Err = fmt.Errorf("pod %s has no request for %s", t.noRequest, m.source)
	default:
		h.proposeTally(m, &t, in.Spec, p)
	}
}

// tally groups the pods. Only CPU samples depend on readiness: a container that
// starts burns CPU that says nothing of the load.
func (h *HPA) tally(m *hpaMetric, pods []Pod, now time.Time) podTally {
	var t podTally
	fallback := max(100, m.target) // percent of the request
	for i := range pods {
		p := &pods[i]
		var request int64
		if m.percent {
			request = p.RequestMilliCPU
			if m.kind == metricMemory {
				request = p.RequestBytes * 1000
			}
			if request <= 0 && t.noRequest == "" {
				t.noRequest = p.Name
			}
		}
		switch {
		case p.Deleting || p.Phase == PodFailed:
		case p.Phase == PodPending:
			t.unready++
			t.unreadyRequested += request
		case p.Sample == nil:
			t.missing++
			t.missingRequested += request
			if m.percent {
				t.missingFill += request * fallback / 100
			} else {
				t.missingFill += m.target
			}
		case m.kind == metricCPU && starting(p, now, h.cpuInit, h.readyDelay):
			t.unready++
			t.unreadyRequested += request
		default:
			t.ready++
			t.requested += request
			if m.kind == metricMemory {
				t.used += p.Sample.Bytes * 1000
			} else {
				t.used += p.Sample.MilliCPU
			}
		}
	}
	return t
}

// starting says whether the CPU sample of a running pod is left out, as it may tell of the
// start, not of the load. HPAConfig says what the times are.
func starting(p *Pod, now time.Time, cpuInitialization, initialReadinessDelay time.Duration) bool {
	if p.ReadyChanged.IsZero() || p.Started.IsZero() {
		return true
	}
	if now.Before(p.Started.Add(cpuInitialization)) {
		return !p.Ready || p.Sample.Time.Before(p.ReadyChanged.Add(p.Sample.Window))
	}
	return !p.Ready && p.ReadyChanged.Before(p.Started.Add(initialReadinessDelay))
}

// proposeTally turns a tally with at least one ready pod into a proposal.
func (h *HPA) proposeTally(m *hpaMetric, t *podTally, cur int32, p *Proposal) {
	usage := m.usage(t.used, t.requested, t.ready)
	p.Detail = m.detail(usage, t)
	p.Replicas = cur
	ratio := float64(usage) / float64(m.target)
	up := ratio > 1
	if t.missing == 0 && (t.unready == 0 || !up) {
		if !h.tolerance.within(ratio) {
			p.Replicas = saturate(math.Ceil(ratio * float64(t.ready)))
		}
		return
	}

	// Pods without a usable sample are taken to speak against the move.
	used, requested, n := t.used, t.requested, t.ready
	if up {
		requested += t.missingRequested + t.unreadyRequested
		n += t.missing + t.unready
	} else if ratio < 1 {
		used += t.missingFill
		requested += t.missingRequested
		n += t.missing
	}
	again := float64(m.usage(used, requested, n)) / float64(m.target)
	if h.tolerance.within(again) || up != (again > 1) {
		return
	}
	want := saturate(math.Ceil(again * float64(n)))
	if up && want > cur || !up && want < cur {
		p.Replicas = want
	}
}

// usage is the mean over n pods in milli-units, or the percentage of what they
// request, in integers as Kubernetes counts.
func (m *hpaMetric) usage(used, requested int64, n int) int64 {
	if m.percent {
		return used * 100 / requested
	}
	return used / int64(n)
}

func (m *hpaMetric) detail(usage int64, t *podTally) string {
	b := make([]byte, 0, 96)
	if m.percent {
		b = strconv.AppendInt(append(b, "util "...), usage, 10)
		b = strconv.AppendInt(append(b, " % / target "...), m.target, 10)
		b = append(b, " %, "...)
	} else {
		b = appendMilli(append(b, "mean "...), usage)
		b = appendMilli(append(b, " / target "...), m.target)
		b = append(b, ", "...)
	}
	b = strconv.AppendInt(b, int64(t.ready), 10)
	b = append(b, " ready"...)
	if t.unready > 0 {
		b = strconv.AppendInt(append(b, ", "...), int64(t.unready), 10)
		b = append(b, " unready"...)
	}
	if t.missing > 0 {
		b = strconv.AppendInt(append(b, ", "...), int64(t.missing), 10)
		b = append(b, " missing"...)
	}
	return string(b)
}

// appendMilli writes a number of milli-units as a decimal fraction.
func appendMilli(b []byte, milli int64) []byte {
	return strconv.AppendFloat(b, float64(milli)/1000, 'f', -1, 64)
}
