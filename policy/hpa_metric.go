package policy

import (
	"errors"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// A metricKind says where the value of a metric comes from and what it means.
type metricKind uint8

const (
	metricCPU     metricKind = iota + 1 // of the pods' samples
	metricMemory                        // of the pods' samples
	metricPods                          // mean over the pods, by two queries: sum and count
	metricValue                         // one value for the workload
	metricAverage                       // one value, divided by the replicas
)

// An hpaMetric is one entry of spec.metrics, ready for use.
type hpaMetric struct {
	kind    metricKind
	percent bool  // target is a percentage of the request
	target  int64 // in milli-units, or in percent
	query   int   // index of its first query

	source  string // of a Proposal
	above   string // the reason where this metric asks for more replicas
	failure string // the reason where this metric has no value
}

// addMetric appends an entry of spec.metrics and its queries. The error joins all
// of its faults.
func (h *HPA) addMetric(spec *autoscalingv2.MetricSpec, container string) error {
	if err := oneSource(spec); err != nil {
		return err
	}
	m := hpaMetric{query: len(h.queries)}
	var (
		target   *autoscalingv2.MetricTarget
		identity *autoscalingv2.MetricIdentifier
		faults   []error
	)
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch spec.Type {
	case autoscalingv2.ResourceMetricSourceType:
		m.source, m.failure = string(spec.Resource.Name), "FailedGetResourceMetric"
		m.kind, target = resourceKind(spec.Resource.Name), &spec.Resource.Target
	case autoscalingv2.ContainerResourceMetricSourceType:
		r := spec.ContainerResource
		m.source, m.failure = fmt.Sprintf("%s of container %s", r.Name, r.Container), "FailedGetContainerResourceMetric"
		m.kind, target = resourceKind(r.Name), &r.Target
		if r.Container == "" || r.Container != container {
			fault("containerResource.container: %q is not known to be the only container of the pods", r.Container)
		}
	case autoscalingv2.PodsMetricSourceType:
		m.source, m.failure = "pods metric "+spec.Pods.Metric.Name, "FailedGetPodsMetric"
		m.kind, target, identity = metricPods, &spec.Pods.Target, &spec.Pods.Metric
	case autoscalingv2.ObjectMetricSourceType:
		o := spec.Object
		m.source, m.failure = fmt.Sprintf("%s metric %s", o.DescribedObject.Kind, o.Metric.Name), "FailedGetObjectMetric"
		m.kind, target, identity = metricValue, &o.Target, &o.Metric
	case autoscalingv2.ExternalMetricSourceType:
		m.source, m.failure = "external metric "+spec.External.Metric.Name, "FailedGetExternalMetric"
		m.kind, target, identity = metricValue, &spec.External.Target, &spec.External.Metric
	}
	m.above = reasonReady + ": " + m.source + " above target"
	if m.kind == 0 {
		fault("resource name: %s is neither cpu nor memory", m.source)
	}
	if err := m.setTarget(spec.Type, target); err != nil {
		faults = append(faults, err)
	}
	if identity != nil {
		vector, err := vectorOf(identity)
		if err != nil {
			faults = append(faults, err)
		}
		h.addQueries(&m, vector)
	}
	h.pods = h.pods || m.kind != metricAverage
	h.global = h.global || isGlobal(*spec)
	h.metrics = append(h.metrics, m)
	return errors.Join(faults...)
}

func (h *HPA) addQueries(m *hpaMetric, vector string) {
	if m.kind != metricPods {
		h.queries = append(h.queries, Query{m.source, vector})
		return
	}
	h.queries = append(h.queries,
		Query{m.source + " (sum)", "sum(" + vector + ")"},
		Query{m.source + " (pods)", "count(count by (pod) (" + vector + "))"})
}

// setTarget reads the target that the controller would use: where the kind of
// source leaves a choice, by the field that is set, except that an Object metric
// goes by the type.
func (m *hpaMetric) setTarget(source autoscalingv2.MetricSourceType, t *autoscalingv2.MetricTarget) error {
	if err := validTarget(t); err != nil {
		return err
	}
	switch source {
	case autoscalingv2.ResourceMetricSourceType, autoscalingv2.ContainerResourceMetricSourceType:
		switch {
		case t.AverageUtilization != nil && t.AverageValue != nil:
			return errors.New("target: both averageUtilization and averageValue are set")
		case t.AverageValue != nil:
			m.target = t.AverageValue.MilliValue()
		case t.AverageUtilization != nil:
			m.percent, m.target = true, int64(*t.AverageUtilization)
		default:
			return errors.New("target: neither averageUtilization nor averageValue is set")
		}
	case autoscalingv2.PodsMetricSourceType:
		if t.AverageValue == nil {
			return errors.New("target: averageValue is not set")
		}
		m.target = t.AverageValue.MilliValue()
	case autoscalingv2.ObjectMetricSourceType:
		switch {
		case t.Type == autoscalingv2.ValueMetricType && t.Value != nil:
			m.target = t.Value.MilliValue()
		case t.Type == autoscalingv2.AverageValueMetricType && t.AverageValue != nil:
			m.kind, m.target = metricAverage, t.AverageValue.MilliValue()
		default:
			return fmt.Errorf("target: type is %s but its field is not set", t.Type)
		}
	case autoscalingv2.ExternalMetricSourceType:
		switch {
		case t.Value != nil && t.AverageValue != nil:
			return errors.New("target: both value and averageValue are set")
		case t.AverageValue != nil:
			m.kind, m.target = metricAverage, t.AverageValue.MilliValue()
		case t.Value != nil:
			m.target = t.Value.MilliValue()
		default:
			return errors.New("target: neither value nor averageValue is set")
		}
	}
	return nil
}

func validTarget(t *autoscalingv2.MetricTarget) error {
	var faults []error
	switch t.Type {
	case autoscalingv2.UtilizationMetricType, autoscalingv2.ValueMetricType, autoscalingv2.AverageValueMetricType:
	default:
		faults = append(faults, fmt.Errorf("target.type: %q is not Utilization, Value or AverageValue", t.Type))
	}
	positive := func(name string, q *resource.Quantity) {
		if q != nil && q.Sign() <= 0 {
			faults = append(faults, fmt.Errorf("target.%s: %v is not positive", name, q))
		}
	}
	positive("value", t.Value)
	positive("averageValue", t.AverageValue)
	if t.AverageUtilization != nil && *t.AverageUtilization < 1 {
		faults = append(faults, fmt.Errorf("target.averageUtilization: %d is less than 1", *t.AverageUtilization))
	}
	return errors.Join(faults...)
}

// oneSource checks that the source of the type, and no other, is there.
func oneSource(spec *autoscalingv2.MetricSpec) error {
	sources := []struct {
		name  autoscalingv2.MetricSourceType
		given bool
	}{
		{autoscalingv2.ResourceMetricSourceType, spec.Resource != nil},
		{autoscalingv2.ContainerResourceMetricSourceType, spec.ContainerResource != nil},
		{autoscalingv2.PodsMetricSourceType, spec.Pods != nil},
		{autoscalingv2.ObjectMetricSourceType, spec.Object != nil},
		{autoscalingv2.ExternalMetricSourceType, spec.External != nil},
	}
	var faults []error
	known := false
	for _, s := range sources {
		switch wanted := s.name == spec.Type; {
		case wanted && !s.given:
			faults = append(faults, fmt.Errorf("type: is %s, but that source is not set", s.name))
		case !wanted && s.given:
			faults = append(faults, fmt.Errorf("type: is %q, but the source of %s is set", spec.Type, s.name))
		}
		known = known || s.name == spec.Type
	}
	if !known {
		faults = append(faults, fmt.Errorf("type: %q is not known", spec.Type))
	}
	return errors.Join(faults...)
}

// resourceKind returns 0 for what the resource metrics API does not have.
func resourceKind(name corev1.ResourceName) metricKind {
	switch name {
	case corev1.ResourceCPU:
		return metricCPU
	case corev1.ResourceMemory:
		return metricMemory
	default:
		return 0
	}
}

// isGlobal says whether a metric can be had without any pod.
func isGlobal(spec autoscalingv2.MetricSpec) bool {
	return spec.Type == autoscalingv2.ObjectMetricSourceType || spec.Type == autoscalingv2.ExternalMetricSourceType
}
