package policy

import (
	"errors"
	"fmt"
	"math"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// WithCPUTarget returns a copy of spec whose CPU utilisation targets, of pods and
// of containers, are percent: the knob by which an HPA trades cost against SLA. A
// spec without metrics has the default one, CPU utilisation. A spec whose metrics
// have no such target is an error, so that no sweep turns a knob that is not there.
func WithCPUTarget(
	spec autoscalingv2.HorizontalPodAutoscalerSpec, percent int32,
) (autoscalingv2.HorizontalPodAutoscalerSpec, error) {
	if percent < 1 {
		return spec, fmt.Errorf("set CPU target: %d %% is less than 1 %%", percent)
	}
	s := defaultMetrics(&spec)
	found := false
	for i := range s.Metrics {
		t := cpuTarget(&s.Metrics[i])
		if t != nil && t.AverageUtilization != nil {
			t.AverageUtilization = new(percent)
			found = true
		}
	}
	if !found {
		return spec, errors.New("set CPU target: no metric has a CPU utilisation target")
	}
	return *s, nil
}

// ScaleTargets returns a copy of spec with every target multiplied by factor, the
// knob of an HPA on any metrics: above 1 it runs hotter. Utilisations are rounded
// to whole percents and quantities to milli-units, and stay positive.
func ScaleTargets(
	spec autoscalingv2.HorizontalPodAutoscalerSpec, factor float64,
) (autoscalingv2.HorizontalPodAutoscalerSpec, error) {
	if !(factor > 0) || math.IsInf(factor, 1) {
		return spec, fmt.Errorf("scale targets: factor %v is not positive and finite", factor)
	}
	s := defaultMetrics(&spec)
	for i := range s.Metrics {
		t := targetOf(&s.Metrics[i])
		if t == nil {
			continue
		}
		if t.AverageUtilization != nil {
			t.AverageUtilization = new(saturate(max(1, math.Round(float64(*t.AverageUtilization)*factor))))
		}
		scaleQuantity(t.Value, factor)
		scaleQuantity(t.AverageValue, factor)
	}
	return *s, nil
}

func scaleQuantity(q *resource.Quantity, factor float64) {
	if q != nil {
		milli := max(1, math.Round(float64(q.MilliValue())*factor))
		*q = *resource.NewMilliQuantity(int64(min(milli, math.MaxInt64/2)), q.Format)
	}
}

// cpuTarget returns nil for a metric that is not CPU.
func cpuTarget(m *autoscalingv2.MetricSpec) *autoscalingv2.MetricTarget {
	switch {
	case m.Resource != nil && m.Resource.Name == corev1.ResourceCPU:
		return &m.Resource.Target
	case m.ContainerResource != nil && m.ContainerResource.Name == corev1.ResourceCPU:
		return &m.ContainerResource.Target
	}
	return nil
}

// targetOf returns nil for a metric without a source.
func targetOf(m *autoscalingv2.MetricSpec) *autoscalingv2.MetricTarget {
	switch {
	case m.Resource != nil:
		return &m.Resource.Target
	case m.ContainerResource != nil:
		return &m.ContainerResource.Target
	case m.Pods != nil:
		return &m.Pods.Target
	case m.Object != nil:
		return &m.Object.Target
	case m.External != nil:
		return &m.External.Target
	}
	return nil
}
