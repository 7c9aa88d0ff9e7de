package v1alpha1

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// Validate returns everything that is wrong with the values, one fault a line, each
// with its path and a remedy, or nil. Defaults must be filled in. PromQL is not
// parsed: whoever evaluates the queries checks them.
func (s *PredictiveScaler) Validate() error {
	var f faults
	spec := &s.Spec
	f.target("spec.scaleTargetRef", spec.ScaleTargetRef)
	f.bounds(spec)
	f.oneOf("spec.mode", "mode", string(spec.Mode),
		[]string{string(ModeShadow), string(ModeActive), string(ModePaused)})
	f.actuation(&spec.Actuation)
	f.metrics(spec.Metrics)
	f.forecast(&spec.Forecast)
	f.slo("spec.slo", &spec.SLO)
	f.cost("spec.cost", &spec.Cost)
	f.behavior("spec.behavior", spec.Behavior)
	f.safety(spec)
	return f.err()
}

func (f *faults) target(path string, ref autoscalingv2.CrossVersionObjectReference) {
	f.required(path+".kind", ref.Kind)
	f.required(path+".name", ref.Name)
}

func (f *faults) bounds(spec *PredictiveScalerSpec) {
	low := int32(1)
	if spec.MinReplicas != nil {
		low = *spec.MinReplicas
	}
	if low < 0 {
		f.add("spec.minReplicas", "%d is negative; write 0 or more", low)
	}
	f.maximum("spec.maxReplicas", spec.MaxReplicas, low)
	if low != 0 {
		return
	}
	for _, m := range spec.Metrics {
		if m.Target.PerReplica != "" {
			return
		}
	}
	f.add("spec.minReplicas", "0 needs a metric with target.perReplica, since without replicas "+
		"there is no utilization to scale up on; add one or write 1")
}

func (f *faults) maximum(path string, high, low int32) {
	switch {
	case high < 1:
		f.add(path, "%d is less than 1; write the largest number of replicas that you allow", high)
	case high < low:
		f.add(path, "%d is less than minReplicas %d; raise it or lower minReplicas", high, low)
	}
}

func (f *faults) actuation(a *Actuation) {
	const path = "spec.actuation"
	switch a.Type {
	case ActuationHPAMinReplicas:
		if a.HPARef == nil || a.HPARef.Name == "" {
			f.add(path+".hpaRef.name", "is missing; name the HorizontalPodAutoscaler whose minReplicas is raised, "+
				"or write type: Scale where there is none")
		}
	case ActuationScale, ActuationExternal:
		if a.HPARef != nil {
			f.add(path+".hpaRef", "has no meaning with type %s; remove it or write type: HPAMinReplicas", a.Type)
		}
	default:
		f.oneOf(path+".type", "actuation type", string(a.Type),
			[]string{string(ActuationHPAMinReplicas), string(ActuationScale), string(ActuationExternal)})
	}
}

func (f *faults) metrics(metrics []Metric) {
	if len(metrics) == 0 {
		f.add("spec.metrics", "is empty; give at least one metric to forecast")
	}
	seen := make(map[string]bool)
	weighted, heaviest := 0, 0.0
	for i := range metrics {
		m := &metrics[i]
		path := fmt.Sprintf("spec.metrics[%d]", i)
		if f.required(path+".name", m.Name) && seen[m.Name] {
			f.add(path+".name", "%q stands twice; give every metric a name of its own", m.Name)
		}
		seen[m.Name] = true
		if strings.TrimSpace(m.Query) == "" {
			f.add(path+".query", "is missing; write a PromQL expression whose value is the load")
		}
		f.metricTarget(path+".target", &m.Target)
		if m.Weight != "" {
			weighted++
			heaviest = max(heaviest, m.Weight.Or(1))
			f.number(path+".weight", m.Weight, 0, math.Inf(1), false)
		}
	}
	switch {
	case weighted != 0 && weighted != len(metrics):
		f.add("spec.metrics", "%d of %d metrics have a weight; give all of them one, or none",
			weighted, len(metrics))
	case weighted != 0 && heaviest == 0:
		f.add("spec.metrics", "all weights are 0; raise one, or remove them all")
	}
}

func (f *faults) metricTarget(path string, t *MetricTarget) {
	switch {
	case t.PerReplica != "" && t.Utilization != nil:
		f.add(path, "has both perReplica and utilization; remove one")
	case t.PerReplica == "" && t.Utilization == nil:
		f.add(path, "has neither perReplica nor utilization; say how much one replica carries")
	}
	f.number(path+".perReplica", t.PerReplica, 0, math.Inf(1), true)
	if t.Utilization == nil {
		if t.Of != "" {
			f.add(path+".of", "has no meaning without utilization; remove it")
		}
		return
	}
	if *t.Utilization < 1 {
		f.add(path+".utilization", "%d is less than 1; write a percentage of the request", *t.Utilization)
	}
	if t.Of == "" {
		f.add(path+".of", "is missing; write cpu or memory")
	} else {
		f.oneOf(path+".of", "resource", t.Of, []string{"cpu", "memory"})
	}
}

func (f *faults) forecast(s *ForecastSpec) {
	const path = "spec.forecast"
	f.model(path+".model", s.Model)
	if _, err := s.Seasons(); err != nil {
		f.add(path+".season", "%v; write durations such as 24h or 24h,168h, none or auto", err)
	}
	if _, _, err := s.HorizonLength(); err != nil {
		f.add(path+".horizon", "%v, or auto", err)
	}
	if _, _, err := s.QuantileLevel(); err != nil {
		f.add(path+".quantile", "%v; write a number between 0 and 1, or auto", err)
	}
}

// Seasons returns the lengths of the seasons to model: nil where they are to be
// found in the data (auto), and empty where there are none.
func (s *ForecastSpec) Seasons() ([]time.Duration, error) {
	switch s.Season {
	case Auto, "":
		return nil, nil
	case "none":
		return []time.Duration{}, nil
	}
	var all []time.Duration
	for part := range strings.SplitSeq(s.Season, ",") {
		d, err := time.ParseDuration(strings.TrimSpace(part))
		if err != nil || d <= 0 {
			return nil, fmt.Errorf("%q is not a positive duration", strings.TrimSpace(part))
		}
		all = append(all, d)
	}
	return all, nil
}

// HorizonLength returns how far to look ahead, or auto.
func (s *ForecastSpec) HorizonLength() (d time.Duration, auto bool, err error) {
	if s.Horizon == Auto || s.Horizon == "" {
		return 0, true, nil
	}
	d, err = parsePositive(s.Horizon)
	return d, false, err
}

// QuantileLevel returns the level of the demand to provide for, in (0,1), or auto.
func (s *ForecastSpec) QuantileLevel() (q float64, auto bool, err error) {
	if s.Quantile == Auto || s.Quantile == "" {
		return 0, true, nil
	}
	q, err = strconv.ParseFloat(s.Quantile, 64)
	if err != nil || math.IsNaN(q) || q <= 0 || q >= 1 {
		return 0, false, fmt.Errorf("%q is not a level", s.Quantile)
	}
	return q, false, nil
}

func (f *faults) slo(path string, s *SLO) {
	f.positive(path+".latency", s.Latency)
	v, ok := f.number(path+".objective", s.Objective, 0, 100, false)
	if ok && (v == 0 || v == 100) {
		f.add(path+".objective", "%s cannot be aimed at; write a percentage between 0 and 100, such as 99.9",
			s.Objective)
	}
}

func (f *faults) cost(path string, c *Cost) {
	f.number(path+".perReplicaHour", c.PerReplicaHour, 0, math.Inf(1), false)
	f.number(path+".perMillionBadRequests", c.PerMillionBadRequests, 0, math.Inf(1), false)
}

func (f *faults) safety(spec *PredictiveScalerSpec) {
	const path = "spec.safety"
	s := &spec.Safety
	if s.CPUFloor && spec.Actuation.Type == ActuationHPAMinReplicas {
		f.add(path+".cpuFloor", "has no meaning with actuation.type HPAMinReplicas, where an HPA is the floor; "+
			"remove it or write actuation: {type: Scale}")
	}
	if s.MaxStep != nil && *s.MaxStep < 0 {
		f.add(path+".maxStep", "%d is negative; write the largest change in replicas, or 0 for no limit",
			*s.MaxStep)
	}
	if s.StaleAfter != nil {
		f.positive(path+".staleAfter", *s.StaleAfter)
	}
	f.number(path+".demoteWhenSkillBelow", s.DemoteWhenSkillBelow, math.Inf(-1), 1, true)
	f.number(path+".minSeriesShare", s.MinSeriesShare, 0, 1, false)
}
