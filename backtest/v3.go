package backtest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/forecast"
	"hindcast.dev/internal/metricnames"
	"hindcast.dev/policy"
)

// leadOf is what V3 is told of the time until a new replica serves at full speed:
// the 95th percentile of its time to ready, and its warm-up. A user reads the same
// off the cluster's own metrics.
func (e *env) leadOf() time.Duration { return e.timeToReady.Quantile(0.95) + e.warmUp }

// v3Horizon is how far V3 looks ahead before it adds replicas.
func (e *env) v3Horizon() time.Duration {
	return (e.leadOf() + policy.V3Interval + policy.V3Step - 1) / policy.V3Step * policy.V3Step
}

// loadQuery is the load offered at the ingress, which no scaling changes.
func (e *env) loadQuery() string {
	return "sum(rate(" + metricnames.IngressRequests + `{namespace="` + e.namespace + `",ingress="` + e.app + `"}[30s]))`
}

// newV3 is V3 as it comes: the load at the ingress, the default model, the SLO's objective as
// the quantile, scaling directly. That load is one series, of which no part can be missing.
func newV3(e *env) (entrant, error) {
	ent := entrant{
		name: "v3", kind: "v3",
		description: fmt.Sprintf("predictive: %s on the ingress's requests, %s ahead, every %s, scaling up and down on quantile %.4g; told that a replica carries %.4g requests/s",
			forecast.DefaultModel, words(e.v3Horizon()), words(policy.V3Interval), policy.QuantileFor(e.objective), e.capacity),
		knob: &knob{name: "objective", from: 0.8, to: e.reachable(0.99999), configured: e.objective, errors: true},
	}
	m, err := forecast.ByName(forecast.DefaultModel, forecast.Settings{Step: policy.V3Step, Horizon: int(policy.V3ScaleDownAfter/policy.V3Step) + 1})
	if err != nil {
		return entrant{}, err
	}
	shared := newSharedModel(m)
	ent.build = func(v float64) (setup, error) {
		// The objective sets both what a replica is taken to carry and how sure V3 is to
		// be that the load ahead stays below.
		metrics := []policy.V3Metric{{
			Query:      policy.Query{Name: "requests", Expr: e.loadQuery()},
			PerReplica: e.service.Capacity(v),
		}}
		w, err := e.workload()
		if err != nil {
			return setup{}, err
		}
		p, err := policy.NewV3(policy.V3Config{
			Metrics: metrics, Min: e.min, Max: e.max, Model: shared,
			Interval: policy.V3Interval, Step: policy.V3Step, Lead: w.Lead, ScaleDownAfter: policy.V3ScaleDownAfter,
			Quantile: policy.QuantileFor(v), ReactiveFloor: true, DemoteBelow: 0, Fallback: w.Fallback,
		})
		return setup{policy: p}, err
	}
	return ent, nil
}

// workload is what a scaler is told of the Deployment.
func (e *env) workload() (policy.Workload, error) {
	fallback, err := policy.NewHPA(hpaSpec(e), policy.HPAConfig{Sync: policy.V3Interval})
	return policy.Workload{
		RequestMilliCPU: e.requestMilliCPU, RequestBytes: e.requestBytes,
		Lead: e.leadOf(), Fallback: fallback,
	}, err
}

// workloadOf is what the scaler of a manifest is told of the Deployment, the same as in a
// cluster.
func (e *env) workloadOf(spec *v1alpha1.PredictiveScalerSpec) (policy.Workload, error) {
	fallback, err := policy.FallbackFor(spec, e.requestMilliCPU)
	return policy.Workload{
		RequestMilliCPU: e.requestMilliCPU, RequestBytes: e.requestBytes,
		Lead: e.leadOf(), Fallback: fallback,
	}, err
}

// newScaler reads a PredictiveScaler manifest.
func newScaler(e *env, name string, s *v1alpha1.PredictiveScaler, manifests map[string]v1alpha1.Document) (entrant, []string, error) {
	spec := &s.Spec
	w, err := e.workloadOf(spec)
	if err != nil {
		return entrant{}, nil, err
	}
	cfg, err := policy.V3FromSpec(spec, w)
	if err != nil {
		return entrant{}, nil, err
	}
	inner := e.hpaFor(spec, manifests)
	floorMode := spec.Actuation.Type == v1alpha1.ActuationHPAMinReplicas
	ent := entrant{
		name: name, kind: "v3", floor: floorMode,
		description: fmt.Sprintf("PredictiveScaler %s: %s on %d metrics, quantile %.4g, %d to %d replicas, %s",
			s.Name, cfg.Model.Name(), len(cfg.Metrics), cfg.Quantile, *spec.MinReplicas, spec.MaxReplicas, spec.Actuation.Type),
		knob: &knob{name: "quantile of the highest load ahead", from: 0.5, to: 0.9999, configured: cfg.Quantile, errors: true},
	}
	if cfg.CPUFloor {
		ent.description += ", at least what an HPA at " + strconv.Itoa(policy.ReferenceCPUTarget) + " % of CPU keeps"
	}
	shared := newSharedModel(cfg.Model)
	ent.build = func(v float64) (setup, error) {
		w, err := e.workloadOf(spec)
		if err != nil {
			return setup{}, err
		}
		cfg, err := policy.V3FromSpec(spec, w)
		if err != nil {
			return setup{}, err
		}
		cfg.Quantile, cfg.Model = v, shared
		p, err := policy.NewV3(cfg)
		set := setup{policy: p, leastSources: spec.Safety.MinSeriesShare.Or(0)}
		if err != nil || !floorMode {
			return set, err
		}
		set.hpa, err = policy.NewHPA(inner, policy.HPAConfig{Sync: hpaInterval})
		return set, err
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
