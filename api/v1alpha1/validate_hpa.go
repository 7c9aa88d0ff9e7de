package v1alpha1

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
)

// The bounds of the API server on a behavior, in seconds.
const (
	maxStabilizationWindow = 3600
	maxPolicyPeriod        = 1800
)

// ValidateHPA returns everything that the API server of Kubernetes 1.37 would
// refuse in the spec of a HorizontalPodAutoscaler, as far as scaling depends on it,
// one fault a line, each with its path and a remedy, or nil. It does not need
// defaults to be filled in and fills in none.
func ValidateHPA(h *autoscalingv2.HorizontalPodAutoscaler) error {
	var f faults
	spec := &h.Spec
	f.target("spec.scaleTargetRef", spec.ScaleTargetRef)
	low := int32(1)
	if spec.MinReplicas != nil {
		low = *spec.MinReplicas
	}
	if low < 0 {
		f.add("spec.minReplicas", "%d is negative; write 1 or more, or 0 with an Object or External metric", low)
	}
	f.maximum("spec.maxReplicas", spec.MaxReplicas, low)
	fromZero := false
	for i := range spec.Metrics {
		m := &spec.Metrics[i]
		if m.Type == autoscalingv2.ObjectMetricSourceType || m.Type == autoscalingv2.ExternalMetricSourceType {
			fromZero = true
		}
		f.hpaMetric(fmt.Sprintf("spec.metrics[%d]", i), m)
	}
	if low == 0 && !fromZero {
		f.add("spec.minReplicas", "0 needs an Object or External metric, since without pods nothing else "+
			"can be measured; add one or write 1")
	}
	f.behavior("spec.behavior", spec.Behavior)
	return f.err()
}

// hpaMetric checks that a metric has the source of its type, and only that.
func (f *faults) hpaMetric(path string, m *autoscalingv2.MetricSpec) {
	known := []string{"Resource", "ContainerResource", "Pods", "Object", "External"}
	fields := []string{"resource", "containerResource", "pods", "object", "external"}
	present := []bool{
		m.Resource != nil, m.ContainerResource != nil, m.Pods != nil, m.Object != nil, m.External != nil,
	}
	if !f.required(path+".type", string(m.Type)) {
		return
	}
	own := -1
	for i, k := range known {
		if string(m.Type) == k {
			own = i
		}
	}
	if own < 0 {
		f.oneOf(path+".type", "metric type", string(m.Type), known)
		return
	}
	for i, there := range present {
		switch {
		case i == own && !there:
			f.add(path+"."+fields[i], "is missing; a metric of type %s is described there", m.Type)
		case i != own && there:
			f.add(path+"."+fields[i], "does not belong to a metric of type %s; remove it, or give it an entry of its own",
				m.Type)
		}
	}
	if present[own] {
		f.hpaSource(path+"."+fields[own], m)
	}
}

func (f *faults) hpaSource(path string, m *autoscalingv2.MetricSpec) {
	switch m.Type {
	case autoscalingv2.ResourceMetricSourceType:
		f.required(path+".name", string(m.Resource.Name))
		f.hpaTarget(path+".target", &m.Resource.Target, averageUtilization|averageValue)
	case autoscalingv2.ContainerResourceMetricSourceType:
		f.required(path+".name", string(m.ContainerResource.Name))
		f.required(path+".container", m.ContainerResource.Container)
		f.hpaTarget(path+".target", &m.ContainerResource.Target, averageUtilization|averageValue)
	case autoscalingv2.PodsMetricSourceType:
		f.required(path+".metric.name", m.Pods.Metric.Name)
		f.hpaTarget(path+".target", &m.Pods.Target, averageValue)
	case autoscalingv2.ObjectMetricSourceType:
		f.target(path+".describedObject", m.Object.DescribedObject)
		f.required(path+".metric.name", m.Object.Metric.Name)
		f.hpaTarget(path+".target", &m.Object.Target, value|averageValue)
	case autoscalingv2.ExternalMetricSourceType:
		f.required(path+".metric.name", m.External.Metric.Name)
		f.hpaTarget(path+".target", &m.External.Target, value|averageValue)
	}
}

// The fields of a target that a type of metric may use.
const (
	value = 1 << iota
	averageValue
	averageUtilization
)

// hpaTarget checks that exactly one of the allowed fields is set, to more than 0.
func (f *faults) hpaTarget(path string, t *autoscalingv2.MetricTarget, allowed int) {
	types := map[int]string{
		value:              string(autoscalingv2.ValueMetricType),
		averageValue:       string(autoscalingv2.AverageValueMetricType),
		averageUtilization: string(autoscalingv2.UtilizationMetricType),
	}
	fields := []struct {
		bit  int
		name string
		set  bool
	}{
		{value, "value", t.Value != nil},
		{averageValue, "averageValue", t.AverageValue != nil},
		{averageUtilization, "averageUtilization", t.AverageUtilization != nil},
	}
	var names, kinds []string
	set, setType := 0, ""
	for _, field := range fields {
		if allowed&field.bit == 0 {
			if field.set {
				f.add(path+"."+field.name, "has no meaning for this type of metric; remove it")
			}
			continue
		}
		names = append(names, field.name)
		kinds = append(kinds, types[field.bit])
		if field.set {
			set++
			setType = types[field.bit]
		}
	}
	if f.required(path+".type", string(t.Type)) {
		before := len(f.all)
		f.oneOf(path+".type", "target type", string(t.Type), kinds)
		if set == 1 && string(t.Type) != setType && len(f.all) == before {
			f.add(path+".type", "is %s but the value is one of type %s; make them agree", t.Type, setType)
		}
	}
	if set != 1 {
		f.add(path, "sets %d of %s; set exactly one", set, joinOr(names))
	}
	f.positiveQuantity(path+".value", t.Value)
	f.positiveQuantity(path+".averageValue", t.AverageValue)
	if u := t.AverageUtilization; u != nil && *u < 1 {
		f.add(path+".averageUtilization", "%d is less than 1; write a percentage of the request", *u)
	}
}

func joinOr(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return names[0] + " or " + names[1]
}

func (f *faults) positiveQuantity(path string, q *resource.Quantity) {
	if q != nil && q.Sign() <= 0 {
		f.add(path, "%s is not positive; write what one replica should carry", q)
	}
}

// behavior checks scaling rules; nil is fine.
func (f *faults) behavior(path string, b *autoscalingv2.HorizontalPodAutoscalerBehavior) {
	if b == nil {
		return
	}
	f.rules(path+".scaleUp", b.ScaleUp)
	f.rules(path+".scaleDown", b.ScaleDown)
}

func (f *faults) rules(path string, r *autoscalingv2.HPAScalingRules) {
	if r == nil {
		return
	}
	if w := r.StabilizationWindowSeconds; w != nil && (*w < 0 || *w > maxStabilizationWindow) {
		f.add(path+".stabilizationWindowSeconds", "%d is out of range; write 0 to %d", *w, maxStabilizationWindow)
	}
	if p := r.SelectPolicy; p != nil {
		f.oneOf(path+".selectPolicy", "policy", string(*p), []string{"Max", "Min", "Disabled"})
	}
	if r.Policies != nil && len(r.Policies) == 0 {
		f.add(path+".policies", "is empty; give a policy, or leave the list out for the default ones")
	}
	for i, p := range r.Policies {
		at := fmt.Sprintf("%s.policies[%d]", path, i)
		f.oneOf(at+".type", "type", string(p.Type), []string{"Pods", "Percent"})
		if p.Value < 1 {
			f.add(at+".value", "%d is less than 1; write how much may change in a period, "+
				"or selectPolicy: Disabled to forbid this direction", p.Value)
		}
		if p.PeriodSeconds < 1 || p.PeriodSeconds > maxPolicyPeriod {
			f.add(at+".periodSeconds", "%d is out of range; write 1 to %d", p.PeriodSeconds, maxPolicyPeriod)
		}
	}
	if r.Tolerance != nil && r.Tolerance.Sign() < 0 {
		f.add(path+".tolerance", "%s is negative; write 0 or more, such as 100m for 10 %%", r.Tolerance)
	}
}
