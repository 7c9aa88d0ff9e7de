package policy

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/forecast"
)

// The times that V3 keeps unless it is told otherwise.
const (
	V3Interval       = 30 * time.Second
	V3FloorInterval  = 15 * time.Second // with a CPU floor: that of an HPA
	V3Step           = time.Minute
	V3ScaleDownAfter = 10 * time.Minute
)

// A Workload is what a PredictiveScaler does not say of the workload that it scales.
type Workload struct {
	RequestMilliCPU int64 // of one replica
	RequestBytes    int64
	// Lead is the time from a decision until a new replica serves at full speed. A
	// horizon in the spec goes before it.
	Lead time.Duration
	// Fallback decides while there is too little data; may be nil.
	Fallback Policy
}

// QuantileFor returns the quantile of the highest load ahead that an objective, a
// share of good requests, asks for. A replica that gets a little more than its
// capacity misses the objective by a little, it does not lose its requests; so a
// tenth of the budget's caution is enough.
func QuantileFor(objective float64) float64 { return max(0.5, 1-10*(1-objective)) }

// V3FromSpec returns the configuration that a PredictiveScaler stands for. The spec
// has its defaults and is valid.
func V3FromSpec(spec *v1alpha1.PredictiveScalerSpec, w Workload) (V3Config, error) {
	seasons, err := seasonSteps(&spec.Forecast)
	if err != nil {
		return V3Config{}, err
	}
	name := spec.Forecast.Model
	if name == v1alpha1.Auto || name == "" {
		name = forecast.DefaultModel
	}
	model, err := forecast.ByName(name, forecast.Settings{Step: V3Step, Seasons: seasons, Horizon: int(V3ScaleDownAfter/V3Step) + 1})
	if err != nil {
		return V3Config{}, err
	}
	quantile, err := specQuantile(spec)
	if err != nil {
		return V3Config{}, err
	}
	horizon, auto, err := spec.Forecast.HorizonLength()
	if err != nil {
		return V3Config{}, err
	}
	lead := w.Lead
	if !auto {
		lead = max(0, horizon-intervalOf(spec))
	}
	cfg := V3Config{
		Min: *spec.MinReplicas, Max: spec.MaxReplicas, Model: model,
		Interval: intervalOf(spec), Step: V3Step, Lead: lead, ScaleDownAfter: V3ScaleDownAfter,
		Quantile:      quantile,
		ReactiveFloor: *spec.Safety.ReactiveFloor,
		CPUFloor:      spec.Safety.CPUFloor,
		Behavior:      spec.Behavior,
		StaleAfter:    spec.Safety.StaleAfter.Duration,
		DemoteBelow:   spec.Safety.DemoteWhenSkillBelow.Or(math.NaN()),
		Fallback:      w.Fallback,
	}
	if cfg.CPUFloor && w.Fallback == nil {
		return V3Config{}, errors.New("spec.safety.cpuFloor: the pods request no cpu, so that there is no utilization; give them a request, or remove it")
	}
	if spec.Safety.MaxStep != nil {
		cfg.MaxStep = *spec.Safety.MaxStep
	}
	for i := range spec.Metrics {
		m, err := w.metric(&spec.Metrics[i])
		if err != nil {
			return V3Config{}, fmt.Errorf("spec.metrics[%d]: %w", i, err)
		}
		cfg.Metrics = append(cfg.Metrics, m)
	}
	return cfg, nil
}

// intervalOf is the time between two decisions of a scaler.
func intervalOf(spec *v1alpha1.PredictiveScalerSpec) time.Duration {
	if spec.Safety.CPUFloor {
		return V3FloorInterval
	}
	return V3Interval
}

// metric turns a target into what one replica carries.
func (w Workload) metric(m *v1alpha1.Metric) (V3Metric, error) {
	per := m.Target.PerReplica.Or(math.NaN())
	if u := m.Target.Utilization; u != nil {
		request := float64(w.RequestMilliCPU) / 1000
		if strings.EqualFold(m.Target.Of, "memory") {
			request = float64(w.RequestBytes)
		}
		if request == 0 {
			return V3Metric{}, fmt.Errorf("target.utilization: the pods request no %s", m.Target.Of)
		}
		per = request * float64(*u) / 100
	}
	if math.IsNaN(per) {
		return V3Metric{}, errors.New("target: neither perReplica nor utilization is set")
	}
	return V3Metric{Query: Query{Name: m.Name, Expr: m.Query}, PerReplica: per, Weight: m.Weight.Or(0)}, nil
}

// seasonSteps are the seasons that a spec names, nil where it leaves them open.
func seasonSteps(f *v1alpha1.ForecastSpec) ([]int, error) {
	seasons, err := f.Seasons()
	if err != nil || seasons == nil {
		return nil, err
	}
	steps := []int{}
	for _, s := range seasons {
		steps = append(steps, max(1, int(s/V3Step)))
	}
	slices.Sort(steps)
	return steps, nil
}

// specQuantile is the level that a spec asks for: its own, the critical ratio
// Cu/(Cu+Co) of its prices (newsvendor: Arrow, Harris and Marschak 1951), or that of
// its objective.
func specQuantile(spec *v1alpha1.PredictiveScalerSpec) (float64, error) {
	if q, auto, err := spec.Forecast.QuantileLevel(); err != nil || !auto {
		return q, err
	}
	bad := spec.Cost.PerMillionBadRequests.Or(math.NaN())
	replica := spec.Cost.PerReplicaHour.Or(math.NaN())
	per := spec.Metrics[0].Target.PerReplica.Or(math.NaN())
	under := bad / 1e6 * per * 3600 // the price of an hour's requests of one missing replica
	if ratio := under / (under + replica); !math.IsNaN(ratio) {
		return min(max(ratio, 0.5), 0.9999), nil
	}
	return QuantileFor(spec.SLO.Objective.Or(99.9) / 100), nil
}
