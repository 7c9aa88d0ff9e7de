package v1alpha1

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PredictiveScaler scales one workload ahead of its load. The file that was
// backtested is the file that is applied.
type PredictiveScaler struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	Spec PredictiveScalerSpec `json:"spec"`
}

// PredictiveScalerSpec says what to scale, on what, how far ahead and how boldly.
type PredictiveScalerSpec struct {
	// ScaleTargetRef names the workload; it must have a scale subresource.
	ScaleTargetRef autoscalingv2.CrossVersionObjectReference `json:"scaleTargetRef"`
	// MinReplicas is the lower bound; default 1.
	MinReplicas *int32 `json:"minReplicas,omitempty"`
	// MaxReplicas is the upper bound.
	MaxReplicas int32 `json:"maxReplicas"`
	// Mode says whether decisions are carried out; default Shadow. A backtest
	// ignores it.
	Mode Mode `json:"mode,omitempty"`
	// Actuation says how a decision becomes replicas; default HPAMinReplicas.
	Actuation Actuation `json:"actuation,omitzero"`
	// Metrics are the loads to forecast. Their needed replicas are combined by
	// maximum, or, where each of them has a weight, by the weighted mean.
	Metrics []Metric `json:"metrics"`
	// Forecast chooses the model and what is read off it.
	Forecast ForecastSpec `json:"forecast,omitzero"`
	// SLO is what a good request is, and how many of them there should be.
	SLO SLO `json:"slo,omitzero"`
	// Cost holds the prices that the quantile follows from.
	Cost Cost `json:"cost,omitzero"`
	// Behavior limits the speed of scaling, with the meaning that it has in a
	// HorizontalPodAutoscaler.
	Behavior *autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior,omitempty"`
	// Safety holds the rails.
	Safety Safety `json:"safety,omitzero"`
}

// Mode says whether decisions are carried out.
type Mode string

// The modes, from least to most powerful.
const (
	ModePaused Mode = "Paused" // decides nothing
	ModeShadow Mode = "Shadow" // decides and records, scales nothing
	ModeActive Mode = "Active" // scales
)

// ActuationType says how a decision becomes replicas.
type ActuationType string

// The ways to scale.
const (
	// ActuationHPAMinReplicas raises the floor of an existing HPA.
	ActuationHPAMinReplicas ActuationType = "HPAMinReplicas"
	// ActuationScale writes the scale subresource.
	ActuationScale ActuationType = "Scale"
)

// Actuation says how a decision becomes replicas.
type Actuation struct {
	Type   ActuationType `json:"type,omitempty"`
	HPARef *HPARef       `json:"hpaRef,omitempty"`
}

// HPARef names a HorizontalPodAutoscaler in the namespace of the scaler.
type HPARef struct {
	Name string `json:"name"`
}

// A Metric is one load to forecast.
type Metric struct {
	// Name is unique within the scaler.
	Name string `json:"name"`
	// Query is a PromQL expression; a vector is summed.
	Query string `json:"query"`
	// Target says how much of it one replica carries.
	Target MetricTarget `json:"target"`
	// Weight is the share of this metric in the combined wish.
	Weight Decimal `json:"weight,omitempty"`
}

// MetricTarget says how much one ready replica carries: exactly one of PerReplica
// and Utilization is set.
type MetricTarget struct {
	// PerReplica is in the unit of the query.
	PerReplica Decimal `json:"perReplica,omitempty"`
	// Utilization is a percentage of the resource request named by Of.
	Utilization *int32 `json:"utilization,omitempty"`
	// Of is cpu or memory.
	Of string `json:"of,omitempty"`
}

// Auto is the value of a forecast field that is to be worked out.
const Auto = "auto"

// ForecastSpec chooses the model and what is read off it. Every field is "auto" by
// default.
type ForecastSpec struct {
	// Model is the id of a forecasting model.
	Model string `json:"model,omitempty"`
	// Season is a duration such as 24h, "none", or a comma-separated list.
	Season string `json:"season,omitempty"`
	// Horizon is how far to look ahead, such as 5m; auto: time-to-ready plus one
	// interval.
	Horizon string `json:"horizon,omitempty"`
	// Quantile is the level of the demand to provide for, in (0,1); auto: from
	// prices and SLO.
	Quantile string `json:"quantile,omitempty"`
}

// SLO defines a good request: answered without 5xx, timeout or shedding, within
// Latency.
type SLO struct {
	// Latency is the bound on the response time; default 250ms.
	Latency metav1.Duration `json:"latency,omitzero"`
	// Objective is the percentage of requests that are to be good; default 99.9.
	Objective Decimal `json:"objective,omitempty"`
}

// Cost holds prices, all in one currency.
type Cost struct {
	// PerReplicaHour is the price of one replica for an hour; default 0.05.
	PerReplicaHour Decimal `json:"perReplicaHour,omitempty"`
	// PerMillionBadRequests is the price of a million bad requests; omitted: solved
	// online so that the bad share is 1 - objective.
	PerMillionBadRequests Decimal `json:"perMillionBadRequests,omitempty"`
}

// Safety holds the rails.
type Safety struct {
	// ReactiveFloor keeps at least the replicas that the load observed now needs;
	// default true.
	ReactiveFloor *bool `json:"reactiveFloor,omitempty"`
	// MaxStep is the largest change of one decision, in replicas; 0 or absent: no
	// limit.
	MaxStep *int32 `json:"maxStep,omitempty"`
	// StaleAfter is the age from which data no longer counts as current; default 2m.
	StaleAfter *metav1.Duration `json:"staleAfter,omitempty"`
	// DemoteWhenSkillBelow is the skill against last value under which the forecast
	// is not used; absent: never demoted.
	DemoteWhenSkillBelow Decimal `json:"demoteWhenSkillBelow,omitempty"`
}
