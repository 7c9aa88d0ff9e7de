package policy

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"hindcast.dev/api/v1alpha1"
)

// ReferenceCPUTarget is the utilisation target of ReferenceHPA, percent of the request.
const ReferenceCPUTarget = 70

// ReferenceHPA is the HPA that V3 stands on where nobody names another: 70 % CPU; up by
// the larger of 100 % and 2 pods in 30 s, down by 50 % in 60 s after 60 s of agreement.
func ReferenceHPA(target autoscalingv2.CrossVersionObjectReference, lowest, highest int32) autoscalingv2.HorizontalPodAutoscalerSpec {
	upWindow, downWindow := int32(0), int32(60)
	largest := autoscalingv2.MaxChangePolicySelect
	utilization := int32(ReferenceCPUTarget)
	return autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: target,
		MinReplicas:    &lowest,
		MaxReplicas:    highest,
		Metrics: []autoscalingv2.MetricSpec{{
			Type: autoscalingv2.ResourceMetricSourceType,
			Resource: &autoscalingv2.ResourceMetricSource{
				Name:   corev1.ResourceCPU,
				Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &utilization},
			},
		}},
		Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{
			ScaleUp: &autoscalingv2.HPAScalingRules{
				StabilizationWindowSeconds: &upWindow,
				SelectPolicy:               &largest,
				Policies: []autoscalingv2.HPAScalingPolicy{
					{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 30},
					{Type: autoscalingv2.PodsScalingPolicy, Value: 2, PeriodSeconds: 30},
				},
			},
			ScaleDown: &autoscalingv2.HPAScalingRules{
				StabilizationWindowSeconds: &downWindow,
				Policies: []autoscalingv2.HPAScalingPolicy{
					{Type: autoscalingv2.PercentScalingPolicy, Value: 50, PeriodSeconds: 60},
				},
			},
		},
	}
}

// FallbackFor is the policy that decides in place of a scaler's forecast while there is
// too little data for one, beside the last forecast while there is none, and always beside
// it with a CPU floor: the reference HPA. It is nil where there is an HPA in the cluster, which decides by
// itself above the floor that the scaler raises, and where the pods request no CPU.
func FallbackFor(spec *v1alpha1.PredictiveScalerSpec, requestMilliCPU int64) (Policy, error) {
	if spec.Actuation.Type == v1alpha1.ActuationHPAMinReplicas || requestMilliCPU == 0 {
		return nil, nil
	}
	// An HPA on CPU alone does not scale to zero.
	lowest := max(1, *spec.MinReplicas)
	h, err := NewHPA(ReferenceHPA(spec.ScaleTargetRef, lowest, max(lowest, spec.MaxReplicas)), HPAConfig{Sync: intervalOf(spec)})
	if err != nil {
		return nil, err
	}
	return h, nil
}
