package autoscaler

import (
	"context"
	"fmt"
	"math"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/policy"
)

// A Start is everything that the policy of a PredictiveScaler begins its life with: the
// object, what was known of its workload, the past of its metrics and the changes that
// its rate limits still count. In a cluster it is the first line of a decision log, so
// that the log decides again from its first step on.
type Start struct {
	// Scaler is the object, with its defaults filled in; only spec matters.
	Scaler *v1alpha1.PredictiveScaler `json:"scaler"`
	// RequestMilliCPU and RequestBytes are the requests of one replica; 0: none.
	RequestMilliCPU int64 `json:"requestMilliCPU,omitempty"`
	RequestBytes    int64 `json:"requestBytes,omitempty"`
	// LeadSeconds is the time from a decision until a new replica serves.
	LeadSeconds float64 `json:"leadSeconds"`
	// History is the past; nil: nothing is known of it.
	History *History `json:"history,omitempty"`
	// Changes are what was scaled before, the oldest first.
	Changes []Change `json:"changes,omitempty"`
}

// A History is the past of the queries of a policy.
type History struct {
	From        time.Time `json:"from"`
	StepSeconds float64   `json:"stepSeconds"`
	// Values are those of each query, in the order of Needs; null: no sample.
	Values [][]*float64 `json:"values"`
}

// A Change is one that was carried out.
type Change struct {
	Time time.Time `json:"time"`
	From int32     `json:"from"`
	To   int32     `json:"to"`
}

// NewHistory returns the history of series whose missing values are NaN.
func NewHistory(from time.Time, step time.Duration, series [][]float64) *History {
	h := &History{From: from, StepSeconds: step.Seconds(), Values: make([][]*float64, len(series))}
	for i, s := range series {
		h.Values[i] = make([]*float64, len(s))
		for k, v := range s {
			h.Values[i][k] = finite(v)
		}
	}
	return h
}

// Series is the inverse of NewHistory.
func (h *History) Series() [][]float64 {
	series := make([][]float64, len(h.Values))
	for i, values := range h.Values {
		series[i] = make([]float64, len(values))
		for k, v := range values {
			series[i][k] = math.NaN()
			if v != nil {
				series[i][k] = *v
			}
		}
	}
	return series
}

// Policy returns the policy of the scaler, with its past taken in. It fits models, and
// ends early with ctx's error.
func (s *Start) Policy(ctx context.Context) (*policy.V3, error) {
	v, err := s.cold()
	if err != nil {
		return nil, err
	}
	if h := s.History; h != nil {
		if _, step := v.History(); h.StepSeconds != step.Seconds() {
			return nil, fmt.Errorf("history in steps of %v s, want %v s", h.StepSeconds, step.Seconds())
		}
		if err := v.Warm(ctx, h.From, h.Series()); err != nil {
			return nil, err
		}
	}
	for _, c := range s.Changes {
		v.Commit(c.Time, c.From, c.To)
	}
	return v, nil
}

// cold returns the policy before it learns anything.
func (s *Start) cold() (*policy.V3, error) {
	scaler := s.Scaler.DeepCopy()
	scaler.Default()
	if err := scaler.Validate(); err != nil {
		return nil, err
	}
	spec := &scaler.Spec
	fallback, err := policy.FallbackFor(spec, s.RequestMilliCPU)
	if err != nil {
		return nil, err
	}
	cfg, err := policy.V3FromSpec(spec, policy.Workload{
		RequestMilliCPU: s.RequestMilliCPU, RequestBytes: s.RequestBytes,
		Lead: duration(s.LeadSeconds), Fallback: fallback,
	})
	if err != nil {
		return nil, err
	}
	return policy.NewV3(cfg)
}

// Needs is what the policy wants to see, and how much of the past is of use to it.
func (s *Start) Needs() (needs policy.Needs, history, step time.Duration, err error) {
	v, err := s.cold()
	if err != nil {
		return policy.Needs{}, 0, 0, err
	}
	history, step = v.History()
	return v.Needs(), history, step, nil
}
