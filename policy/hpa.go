package policy

import (
	"errors"
	"fmt"
	"slices"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// HPAConfig holds what Kubernetes takes from the flags and feature gates of its
// controller manager, and what a manifest cannot know. The zero value is
// Kubernetes 1.37 as it ships.
type HPAConfig struct {
	// Sync is the time between two decisions; 0: 15 s.
	Sync time.Duration
	// DownscaleStabilization is the window in which the highest wish holds, unless
	// the manifest has its own; 0: 5 min, negative: none.
	DownscaleStabilization time.Duration
	// CPUInitialization is how long after its start the CPU samples of a pod count
	// only while it is ready and for windows since it became so; 0: 5 min,
	// negative: none.
	CPUInitialization time.Duration
	// InitialReadinessDelay is how long after its start a pod that turned unready
	// counts as one that was never ready; 0: 30 s, negative: none.
	InitialReadinessDelay time.Duration
	// Tolerance is the distance of a usage ratio from 1 up to which, inclusive,
	// nothing changes, unless the manifest has its own; 0: 0.1, negative: none.
	Tolerance float64
	// DisableScaleToZero switches the feature gate HPAScaleToZero off, as it was
	// by default up to Kubernetes 1.36.
	DisableScaleToZero bool
	// ScaledToZero is the condition of that name in the status that the policy
	// starts with: replicas are zero because the HPA made them so.
	ScaledToZero bool
	// Container is the name of the only container of the pods. A ContainerResource
	// metric of another container, or of any while the name is unknown, is refused,
	// because a PodSample is the sum of all containers.
	Container string
}

// Some of HPAConfig as Kubernetes ships.
const (
	defaultTolerance         = 0.1
	defaultCPUInitialization = 5 * time.Minute
	defaultReadinessDelay    = 30 * time.Second
)

// An HPA decides as the HorizontalPodAutoscaler of Kubernetes 1.37 does
// (autoscaling/v2; pkg/controller/podautoscaler), its faults included, with the
// time as an argument. It is a Committer: without Commit, its rate limits see no
// changes and the replicas never count as scaled to zero by the HPA.
//
// Values that Kubernetes holds in milli-units are held so here. Resource metrics
// come from Input.Pods; each other metric comes from the queries of Needs. A
// Pods metric has two, its sum and the number of its pods: all series are taken
// to belong to pods that are neither pending nor failed nor being deleted, and
// where there are more series than such pods, their mean counts.
type HPA struct {
	sync       time.Duration
	cpuInit    time.Duration
	readyDelay time.Duration
	tolerance  tolerance
	min, max   int32
	metrics    []hpaMetric
	queries    []Query
	pods       bool // some metric needs the pods
	global     bool // some metric is an Object or External one
	gateZero   bool

	limits     hpaLimits
	started    bool
	conditions HPAConditions
}

// HPAConditions are the conditions in the status of an HPA. AbleToScale is never
// FailedGetScale or FailedUpdateScale: the loop, not the policy, meets those.
type HPAConditions struct {
	AbleToScale, ScalingActive, ScalingLimited, ScaledToZero HPACondition
}

// An HPACondition is one condition. An empty reason says that it was never set.
type HPACondition struct {
	True   bool
	Reason string
}

// NewHPA returns an HPA for a manifest as a user writes it: defaults are filled in
// and rules checked as the API server does. The error joins all faults. It keeps
// nothing of spec.
func NewHPA(spec autoscalingv2.HorizontalPodAutoscalerSpec, cfg HPAConfig) (*HPA, error) {
	filled := defaultHPA(&spec)
	faults := []error{cfg.validate(), validateHPA(filled, !cfg.DisableScaleToZero)}
	h := &HPA{
		sync:       defaultDuration(cfg.Sync, 15*time.Second),
		cpuInit:    defaultDuration(cfg.CPUInitialization, defaultCPUInitialization),
		readyDelay: defaultDuration(cfg.InitialReadinessDelay, defaultReadinessDelay),
		tolerance:  newTolerance(cfg.Tolerance, filled.Behavior),
		min:        *filled.MinReplicas,
		max:        filled.MaxReplicas,
		gateZero:   !cfg.DisableScaleToZero,
	}
	for i := range filled.Metrics {
		if err := h.addMetric(&filled.Metrics[i], cfg.Container); err != nil {
			faults = append(faults, fmt.Errorf("spec.metrics[%d]: %w", i, err))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("horizontal pod autoscaler: %w", err)
	}
	if cfg.ScaledToZero && h.gateZero {
		h.conditions.ScaledToZero = HPACondition{true, reasonScaledToZero}
	}
	if window := defaultDuration(cfg.DownscaleStabilization, 5*time.Minute); filled.Behavior != nil {
		h.limits = newHPABehavior(filled.Behavior, window)
	} else {
		h.limits = &hpaLegacy{window: window}
	}
	return h, nil
}

// Needs asks for the pods where a metric is per pod, and for the values of all
// metrics that are not resource metrics.
func (h *HPA) Needs() Needs {
	return Needs{Interval: h.sync, Pods: h.pods, Queries: slices.Clone(h.queries)}
}

// Conditions returns the conditions after the last Decide or Commit.
func (h *HPA) Conditions() HPAConditions { return h.conditions }

// Decide is one sync of the controller. Its Reason begins with the reason of the
// condition that mattered most. It holds where the controller would return before
// it decides: no metric worked, or one failed while the others ask for fewer
// replicas, or scaling is disabled at zero replicas.
func (h *HPA) Decide(in Input) Decision {
	cur := in.Spec
	if !h.started {
		h.started = true
		h.limits.start(in.Now, cur)
	}
	h.conditions.AbleToScale = HPACondition{true, reasonSucceededGetScale}
	switch {
	case cur == 0 && !h.conditions.ScaledToZero.True:
		// Somebody else switched the workload off.
		h.conditions.ScalingActive = HPACondition{false, reasonScalingDisabled}
		return Decision{Hold: true, Reason: sentence(reasonScalingDisabled)}
	case cur > h.max:
		return Decision{
			Replicas: h.max, Raw: cur, Reason: sentenceAboveMax,
			Clamps: []Clamp{{clampMax, cur, h.max}},
		}
	case cur > 0 && cur < h.min:
		return Decision{
			Replicas: h.min, Raw: cur, Reason: sentenceBelowMin,
			Clamps: []Clamp{{clampMin, cur, h.min}},
		}
	}

	d := Decision{Proposals: make([]Proposal, len(h.metrics))}
	best, firstBad := -1, -1
	for i := range h.metrics {
		p := &d.Proposals[i]
		*p = h.propose(&h.metrics[i], &in)
		switch {
		case p.Err != nil:
			if firstBad < 0 {
				firstBad = i
			}
		case best < 0 || p.Replicas > d.Proposals[best].Replicas:
			best = i
		}
	}
	if best < 0 || firstBad >= 0 && d.Proposals[best].Replicas < cur {
		bad := h.metrics[firstBad].failure
		h.conditions.ScalingActive = HPACondition{false, bad}
		d.Replicas, d.Raw, d.Hold = cur, cur, true
		d.Reason = bad + ": " + d.Proposals[firstBad].Err.Error()
		return d
	}
	h.conditions.ScalingActive = HPACondition{true, reasonValidMetric}
	d.Raw = max(0, d.Proposals[best].Replicas)
	h.bound(&d, in.Now, cur, &h.metrics[best])
	return d
}

// bound takes the wish d.Raw to d.Replicas and says why.
func (h *HPA) bound(d *Decision, now time.Time, cur int32, m *hpaMetric) {
	stable, reason := h.limits.stabilize(now, cur, d.Raw)
	if stable == d.Raw {
		h.conditions.AbleToScale = HPACondition{true, reasonReady}
	} else {
		h.conditions.AbleToScale = HPACondition{true, reason}
		d.Clamps = append(d.Clamps, Clamp{clampStabilization, d.Raw, stable})
	}
	n, limited := h.limits.limit(now, cur, stable, h.min, h.max)
	h.conditions.ScalingLimited = HPACondition{n != stable, limited}
	if n != stable {
		d.Clamps = append(d.Clamps, Clamp{clampName(limited), stable, n})
	}
	switch {
	case n != stable:
		d.Reason = sentence(limited)
	case stable != d.Raw:
		d.Reason = sentence(reason)
	case n > cur:
		d.Reason = m.above
	case n < cur:
		d.Reason = sentenceAllBelow
	default:
		d.Reason = sentence(reasonWithinRange)
	}
	if cur == 0 && n < h.min {
		d.Clamps = append(d.Clamps, Clamp{clampMin, n, h.min})
		n, d.Reason = h.min, sentenceBelowMin
	}
	d.Replicas = n
}

// Commit stores a change that was carried out.
func (h *HPA) Commit(now time.Time, from, to int32) {
	if from == to {
		return
	}
	h.limits.commit(now, from, to)
	h.conditions.AbleToScale = HPACondition{true, reasonSucceededRescale}
	switch {
	case !h.gateZero:
	case to == 0 && h.min == 0 && h.global:
		h.conditions.ScaledToZero = HPACondition{true, reasonScaledToZero}
	default:
		h.conditions.ScaledToZero = HPACondition{false, reasonNotScaledToZero}
	}
}

func defaultDuration(d, otherwise time.Duration) time.Duration {
	switch {
	case d == 0:
		return otherwise
	case d < 0:
		return 0
	}
	return d
}

var (
	_ Policy    = (*HPA)(nil)
	_ Committer = (*HPA)(nil)
)
