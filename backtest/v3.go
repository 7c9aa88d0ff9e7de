package backtest

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/policy"
)

// v3Model is the model of a scaler that leaves the choice open.
const v3Model = "ridge"

// scaleDownAfter is how far ahead the load must stay low before V3 removes replicas.
const scaleDownAfter = 10 * time.Minute

// v3Step is the step of the series that V3 forecasts.
const v3Step = time.Minute

// leadOf is what V3 is told of the time until a new replica serves at full speed:
// the 95th percentile of its time to ready, and its warm-up. A user reads the same
// off the cluster's own metrics.
func (e *env) leadOf() time.Duration { return e.timeToReady.Quantile(0.95) + e.warmUp }

// v3Horizon is how far V3 looks ahead before it adds replicas.
func (e *env) v3Horizon() time.Duration {
	return (e.leadOf() + v3Interval + v3Step - 1) / v3Step * v3Step
}

// loadQuery is the load offered at the ingress, which no scaling changes.
func loadQuery(app string) string {
	return "sum(rate(" + ingressRequests + `{namespace="` + namespace + `",ingress="` + app + `"}[30s]))`
}

// newV3 is V3 as it comes: the load at the ingress, ridge, the SLO's objective as
// the quantile, scaling directly.
func newV3(e *env) (entrant, error) {
	ent := entrant{
		name: "v3", kind: "v3",
		description: fmt.Sprintf("predictive: %s on the ingress's requests, %s ahead, every %s, scaling up and down on quantile %.4g; told that a replica carries %.4g requests/s",
			v3Model, words(e.v3Horizon()), words(v3Interval), quantileFor(e.objective), e.capacity),
		knob: &knob{name: "objective", from: 0.8, to: 0.99999, configured: e.objective, errors: true},
	}
	ent.build = func(v float64) (setup, error) {
		// The objective sets both what a replica is taken to carry and how sure V3 is to
		// be that the load ahead stays below.
		metrics := []policy.V3Metric{{
			Query:      policy.Query{Name: "requests", Expr: loadQuery(e.app)},
			PerReplica: e.service.Capacity(v),
		}}
		cfg, err := e.v3Config(metrics, v3Model, nil, quantileFor(v))
		if err != nil {
			return setup{}, err
		}
		cfg.DemoteBelow = 0
		p, err := policy.NewV3(cfg)
		return setup{policy: p}, err
	}
	return ent, nil
}

// quantileFor is the quantile of the highest load ahead that an objective asks for. A
// replica that gets a little more than its capacity misses the objective by a little,
// it does not lose its requests, so a tenth of the budget's caution is enough.
func quantileFor(objective float64) float64 { return max(0.5, 1-10*(1-objective)) }

// v3Config is the configuration that built-in and manifest V3 share.
func (e *env) v3Config(metrics []policy.V3Metric, model string, seasons []int, quantile float64) (policy.V3Config, error) {
	m, err := newModel(model, v3Step, seasons, int(scaleDownAfter/v3Step)+1)
	if err != nil {
		return policy.V3Config{}, err
	}
	fallback, err := policy.NewHPA(hpaSpec(e), policy.HPAConfig{Sync: v3Interval})
	if err != nil {
		return policy.V3Config{}, err
	}
	return policy.V3Config{
		Metrics: metrics, Min: e.min, Max: e.max, Model: m,
		Interval: v3Interval, Step: v3Step, Lead: e.leadOf(), ScaleDownAfter: scaleDownAfter,
		Quantile: quantile, ReactiveFloor: true,
		DemoteBelow: math.NaN(), Fallback: fallback,
	}, nil
}

// newScaler reads a PredictiveScaler manifest.
func newScaler(e *env, name string, s *v1alpha1.PredictiveScaler, manifests map[string]v1alpha1.Document) (entrant, []string, error) {
	spec := &s.Spec
	seasons, err := seasonSteps(&spec.Forecast)
	if err != nil {
		return entrant{}, nil, err
	}
	metrics, err := e.scalerMetrics(spec)
	if err != nil {
		return entrant{}, nil, err
	}
	objective := spec.SLO.Objective.Or(99.9) / 100
	configured, err := scalerQuantile(spec, objective)
	if err != nil {
		return entrant{}, nil, err
	}
	model := spec.Forecast.Model
	if model == v1alpha1.Auto {
		model = v3Model
	}
	inner := e.hpaFor(spec, manifests)
	floorMode := spec.Actuation.Type == v1alpha1.ActuationHPAMinReplicas
	ent := entrant{
		name: name, kind: "v3",
		description: fmt.Sprintf("PredictiveScaler %s: %s on %d metrics, quantile %.4g, %d to %d replicas, %s",
			s.Name, model, len(metrics), configured, *spec.MinReplicas, spec.MaxReplicas, spec.Actuation.Type),
		knob: &knob{name: "quantile of the highest load ahead", from: 0.5, to: 0.9999, configured: configured, errors: true},
	}
	ent.build = func(v float64) (setup, error) {
		cfg, err := e.v3Config(metrics, model, seasons, v)
		if err != nil {
			return setup{}, err
		}
		applyScaler(&cfg, spec)
		p, err := policy.NewV3(cfg)
		if err != nil || !floorMode {
			return setup{policy: p}, err
		}
		hpa, err := policy.NewHPA(inner, policy.HPAConfig{Sync: hpaInterval})
		return setup{policy: p, hpa: hpa}, err
	}
	var notes []string
	if spec.Mode != v1alpha1.ModeActive {
		notes = append(notes, fmt.Sprintf("%s: mode %s is ignored in a backtest.", name, spec.Mode))
	}
	if floorMode {
		notes = append(notes, fmt.Sprintf("%s raises the floor of an HPA (%s), so it costs at least what that HPA costs, by construction.", name, describeHPA(inner)))
	}
	return ent, notes, nil
}

func applyScaler(cfg *policy.V3Config, spec *v1alpha1.PredictiveScalerSpec) {
	cfg.Min, cfg.Max = *spec.MinReplicas, spec.MaxReplicas
	cfg.ReactiveFloor = *spec.Safety.ReactiveFloor
	cfg.Behavior = spec.Behavior
	cfg.StaleAfter = spec.Safety.StaleAfter.Duration
	cfg.DemoteBelow = spec.Safety.DemoteWhenSkillBelow.Or(math.NaN())
	if spec.Safety.MaxStep != nil {
		cfg.MaxStep = *spec.Safety.MaxStep
	}
	if h, auto, err := spec.Forecast.HorizonLength(); err == nil && !auto {
		cfg.Lead = max(0, h-v3Interval)
	}
}

// hpaFor is the HPA whose floor a scaler raises: the manifest that its hpaRef names,
// where it takes part in the backtest, else V2.md's.
func (e *env) hpaFor(spec *v1alpha1.PredictiveScalerSpec, manifests map[string]v1alpha1.Document) autoscalingv2.HorizontalPodAutoscalerSpec {
	if ref := spec.Actuation.HPARef; ref != nil {
		for _, file := range slices.Sorted(maps.Keys(manifests)) {
			if h := manifests[file].HorizontalPodAutoscaler; h != nil && h.Name == ref.Name {
				return h.Spec
			}
		}
	}
	h := hpaSpec(e)
	h.MinReplicas, h.MaxReplicas = spec.MinReplicas, spec.MaxReplicas
	return h
}

// seasonSteps are the seasons that a manifest names, nil where it leaves them open.
func seasonSteps(f *v1alpha1.ForecastSpec) ([]int, error) {
	seasons, err := f.Seasons()
	if err != nil || seasons == nil {
		return nil, err
	}
	steps := []int{}
	for _, s := range seasons {
		steps = append(steps, max(1, int(s/v3Step)))
	}
	slices.Sort(steps)
	return steps, nil
}

// scalerMetrics turns the targets of a manifest into loads per replica.
func (e *env) scalerMetrics(spec *v1alpha1.PredictiveScalerSpec) ([]policy.V3Metric, error) {
	var out []policy.V3Metric
	for _, m := range spec.Metrics {
		per := m.Target.PerReplica.Or(math.NaN())
		if u := m.Target.Utilization; u != nil {
			request := float64(e.requestMilliCPU) / 1000
			if strings.EqualFold(m.Target.Of, "memory") {
				request = float64(e.requestBytes)
			}
			per = request * float64(*u) / 100
		}
		out = append(out, policy.V3Metric{
			Query:      policy.Query{Name: m.Name, Expr: m.Query},
			PerReplica: per,
			Weight:     m.Weight.Or(0),
		})
	}
	return out, nil
}

// scalerQuantile is the level that a manifest asks for: its own, the critical ratio
// Cu/(Cu+Co) of its prices (newsvendor: Arrow, Harris and Marschak 1951), or its
// objective.
func scalerQuantile(spec *v1alpha1.PredictiveScalerSpec, objective float64) (float64, error) {
	if q, auto, err := spec.Forecast.QuantileLevel(); err != nil || !auto {
		return q, err
	}
	bad := spec.Cost.PerMillionBadRequests.Or(math.NaN())
	replica := spec.Cost.PerReplicaHour.Or(math.NaN())
	if math.IsNaN(bad) || math.IsNaN(replica) {
		return quantileFor(objective), nil
	}
	per := spec.Metrics[0].Target.PerReplica.Or(math.NaN())
	if math.IsNaN(per) {
		return quantileFor(objective), nil
	}
	under := bad / 1e6 * per * 3600 // what an hour of a missing replica's requests costs
	return min(max(under/(under+replica), 0.5), 0.9999), nil
}
