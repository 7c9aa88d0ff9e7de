package policy

import (
	"errors"
	"fmt"
	"math"
	"slices"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// The bounds that the API server sets to a behavior, in seconds.
const (
	maxStabilizationWindow = 3600
	maxPolicyPeriod        = 1800
)

// defaultMetrics returns a copy of spec that has metrics.
func defaultMetrics(spec *autoscalingv2.HorizontalPodAutoscalerSpec) *autoscalingv2.HorizontalPodAutoscalerSpec {
	s := spec.DeepCopy()
	if len(s.Metrics) == 0 {
		s.Metrics = []autoscalingv2.MetricSpec{{
			Type: autoscalingv2.ResourceMetricSourceType,
			Resource: &autoscalingv2.ResourceMetricSource{
				Name: corev1.ResourceCPU,
				Target: autoscalingv2.MetricTarget{
					Type:               autoscalingv2.UtilizationMetricType,
					AverageUtilization: new(int32(80)),
				},
			},
		}}
	}
	return s
}

// defaultHPA returns a copy of spec with the defaults of the API server.
func defaultHPA(spec *autoscalingv2.HorizontalPodAutoscalerSpec) *autoscalingv2.HorizontalPodAutoscalerSpec {
	s := defaultMetrics(spec)
	if s.MinReplicas == nil {
		s.MinReplicas = new(int32(1))
	}
	if s.Behavior != nil {
		s.Behavior.ScaleUp = defaultRules(s.Behavior.ScaleUp, new(int32(0)),
			autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PodsScalingPolicy, Value: 4, PeriodSeconds: 15},
			autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15})
		// The scale-down window stays open: it is a flag of the controller.
		s.Behavior.ScaleDown = defaultRules(s.Behavior.ScaleDown, nil,
			autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15})
	}
	return s
}

func defaultRules(
	r *autoscalingv2.HPAScalingRules, window *int32, policies ...autoscalingv2.HPAScalingPolicy,
) *autoscalingv2.HPAScalingRules {
	if r == nil {
		r = &autoscalingv2.HPAScalingRules{}
	}
	if r.StabilizationWindowSeconds == nil {
		r.StabilizationWindowSeconds = window
	}
	if r.SelectPolicy == nil {
		r.SelectPolicy = new(autoscalingv2.MaxChangePolicySelect)
	}
	// An empty list, unlike none, is the user's own and not valid.
	if r.Policies == nil {
		r.Policies = policies
	}
	return r
}

// validate reports all faults of the settings.
func (c *HPAConfig) validate() error {
	var faults []error
	if c.Sync < 0 {
		faults = append(faults, fmt.Errorf("sync: %v is negative", c.Sync))
	}
	if math.IsNaN(c.Tolerance) || math.IsInf(c.Tolerance, 0) {
		faults = append(faults, fmt.Errorf("tolerance: %v is not a finite number", c.Tolerance))
	}
	return errors.Join(faults...)
}

// validateHPA checks the bounds and the behavior as the API server does. The
// defaults of spec are filled in.
func validateHPA(spec *autoscalingv2.HorizontalPodAutoscalerSpec, scaleToZero bool) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	least := int32(1)
	if scaleToZero {
		least = 0
	}
	lowest := *spec.MinReplicas
	if lowest < least {
		fault("spec.minReplicas: %d is less than %d", lowest, least)
	}
	if spec.MaxReplicas < 1 {
		fault("spec.maxReplicas: %d is less than 1", spec.MaxReplicas)
	}
	if spec.MaxReplicas < lowest {
		fault("spec.maxReplicas: %d is less than spec.minReplicas, %d", spec.MaxReplicas, lowest)
	}
	if lowest == 0 && !slices.ContainsFunc(spec.Metrics, isGlobal) {
		fault("spec.minReplicas: 0 needs an Object or External metric")
	}
	if b := spec.Behavior; b != nil {
		faults = append(faults,
			validateRules("spec.behavior.scaleUp", b.ScaleUp),
			validateRules("spec.behavior.scaleDown", b.ScaleDown))
	}
	return errors.Join(faults...)
}

func validateRules(path string, r *autoscalingv2.HPAScalingRules) error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf(path+format, args...))
	}
	if w := r.StabilizationWindowSeconds; w != nil && (*w < 0 || *w > maxStabilizationWindow) {
		fault(".stabilizationWindowSeconds: %d is not in [0, %d]", *w, maxStabilizationWindow)
	}
	switch *r.SelectPolicy {
	case autoscalingv2.MaxChangePolicySelect, autoscalingv2.MinChangePolicySelect, autoscalingv2.DisabledPolicySelect:
	default:
		fault(".selectPolicy: %q is not Max, Min or Disabled", *r.SelectPolicy)
	}
	if len(r.Policies) == 0 {
		fault(".policies: none given")
	}
	for i, p := range r.Policies {
		if p.Type != autoscalingv2.PodsScalingPolicy && p.Type != autoscalingv2.PercentScalingPolicy {
			fault(".policies[%d].type: %q is not Pods or Percent", i, p.Type)
		}
		if p.Value <= 0 {
			fault(".policies[%d].value: %d is not positive", i, p.Value)
		}
		if p.PeriodSeconds <= 0 || p.PeriodSeconds > maxPolicyPeriod {
			fault(".policies[%d].periodSeconds: %d is not in [1, %d]", i, p.PeriodSeconds, maxPolicyPeriod)
		}
	}
	if r.Tolerance != nil && r.Tolerance.Sign() < 0 {
		fault(".tolerance: %v is negative", r.Tolerance)
	}
	return errors.Join(faults...)
}

// A tolerance is the band of usage ratios in which nothing changes.
type tolerance struct{ down, up float64 }

// newTolerance takes the flag of the controller, and a manifest's own where it has one.
func newTolerance(flag float64, b *autoscalingv2.HorizontalPodAutoscalerBehavior) tolerance {
	switch {
	case flag == 0:
		flag = defaultTolerance
	case flag < 0:
		flag = 0
	}
	t := tolerance{flag, flag}
	if b == nil {
		return t
	}
	if q := b.ScaleDown.Tolerance; q != nil {
		t.down = q.AsApproximateFloat64()
	}
	if q := b.ScaleUp.Tolerance; q != nil {
		t.up = q.AsApproximateFloat64()
	}
	return t
}

func (t tolerance) within(ratio float64) bool {
	return 1.0-t.down <= ratio && ratio <= 1.0+t.up
}
