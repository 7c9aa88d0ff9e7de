package v1alpha1

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PredictiveScaler scales one workload ahead of its load. The file that was
// backtested is the file that is applied.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=pscaler
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.spec.scaleTargetRef.name`
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.status.mode`
// +kubebuilder:printcolumn:name="Current",type=integer,JSONPath=`.status.currentReplicas`
// +kubebuilder:printcolumn:name="Desired",type=integer,JSONPath=`.status.desiredReplicas`
// +kubebuilder:printcolumn:name="Accuracy",type=string,JSONPath=`.status.forecast.accuracy`
// +kubebuilder:printcolumn:name="Active",type=string,JSONPath=`.status.conditions[?(@.type=="Active")].status`
// +kubebuilder:printcolumn:name="Forecast",type=string,JSONPath=`.status.forecast.upper`,priority=1
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.reason`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type PredictiveScaler struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	Spec PredictiveScalerSpec `json:"spec"`
	// Status is what the controller last saw and did; a file has none.
	// +optional
	Status PredictiveScalerStatus `json:"status,omitzero"`
}

// PredictiveScalerList is a list of scalers, as the API server returns it.
//
// +kubebuilder:object:root=true
type PredictiveScalerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []PredictiveScaler `json:"items"`
}

// PredictiveScalerSpec says what to scale, on what, how far ahead and how boldly.
//
// +kubebuilder:object:generate=true
// +kubebuilder:validation:XValidation:rule="self.minReplicas <= self.maxReplicas",message="maxReplicas is less than minReplicas; raise it or lower minReplicas"
// +kubebuilder:validation:XValidation:rule="has(self.actuation)",message="actuation is missing: write actuation: {type: HPAMinReplicas, hpaRef: {name: ...}}, or {type: Scale} where there is no HPA"
// +kubebuilder:validation:XValidation:rule="self.minReplicas > 0 || self.metrics.exists(m, has(m.target.perReplica))",message="minReplicas 0 needs a metric with target.perReplica, since without replicas there is no utilization to scale up on"
// +kubebuilder:validation:XValidation:rule="!has(self.safety) || !has(self.safety.cpuFloor) || !self.safety.cpuFloor || !has(self.actuation) || self.actuation.type != 'HPAMinReplicas'",message="safety.cpuFloor has no meaning with type HPAMinReplicas, where an HPA is the floor; remove it or write actuation: {type: Scale}"
type PredictiveScalerSpec struct {
	// ScaleTargetRef names the workload; it must have a scale subresource.
	// +kubebuilder:validation:XValidation:rule="self.kind != ''",message="kind is missing; set it, such as Deployment"
	// +kubebuilder:validation:XValidation:rule="self.name != ''",message="name is missing; set it"
	ScaleTargetRef autoscalingv2.CrossVersionObjectReference `json:"scaleTargetRef"`
	// MinReplicas is the lower bound; default 1.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	MinReplicas *int32 `json:"minReplicas,omitempty"`
	// MaxReplicas is the upper bound.
	// +kubebuilder:validation:Minimum=1
	MaxReplicas int32 `json:"maxReplicas"`
	// Mode says whether decisions are carried out; default Shadow. A backtest
	// ignores it.
	// +optional
	// +kubebuilder:default=Shadow
	Mode Mode `json:"mode,omitempty"`
	// Actuation says how a decision becomes replicas; default HPAMinReplicas.
	// +optional
	Actuation Actuation `json:"actuation,omitzero"`
	// Metrics are the loads to forecast. Their needed replicas are combined by
	// maximum, or, where each of them has a weight, by the weighted mean.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(m, has(m.weight)) || self.all(m, !has(m.weight))",message="give all metrics a weight, or none"
	// +kubebuilder:validation:XValidation:rule="self.all(m, !has(m.weight)) || self.exists(m, has(m.weight) && double(m.weight) > 0.0)",message="all weights are 0; raise one, or remove them all"
	Metrics []Metric `json:"metrics"`
	// Forecast chooses the model and what is read off it.
	// +optional
	// +kubebuilder:default={}
	Forecast ForecastSpec `json:"forecast,omitzero"`
	// SLO is what a good request is, and how many of them there should be.
	// +optional
	// +kubebuilder:default={}
	SLO SLO `json:"slo,omitzero"`
	// Cost holds the prices that the quantile follows from.
	// +optional
	// +kubebuilder:default={}
	Cost Cost `json:"cost,omitzero"`
	// Behavior limits the speed of scaling, with the meaning that it has in a
	// HorizontalPodAutoscaler.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!has(self.scaleUp) || !has(self.scaleUp.stabilizationWindowSeconds) || (self.scaleUp.stabilizationWindowSeconds >= 0 && self.scaleUp.stabilizationWindowSeconds <= 3600)",message="scaleUp.stabilizationWindowSeconds is out of range; write 0 to 3600"
	// +kubebuilder:validation:XValidation:rule="!has(self.scaleUp) || !has(self.scaleUp.selectPolicy) || self.scaleUp.selectPolicy in ['Max', 'Min', 'Disabled']",message="scaleUp.selectPolicy is unknown; write Max, Min or Disabled"
	// +kubebuilder:validation:XValidation:rule="!has(self.scaleUp) || !has(self.scaleUp.policies) || self.scaleUp.policies.size() > 0",message="scaleUp.policies is empty; give a policy, or leave the list out for the default ones"
	// +kubebuilder:validation:XValidation:rule="!has(self.scaleUp) || !has(self.scaleUp.policies) || self.scaleUp.policies.all(p, p.type in ['Pods', 'Percent'] && p.value >= 1 && p.periodSeconds >= 1 && p.periodSeconds <= 1800)",message="scaleUp.policies: write type Pods or Percent, a value of 1 or more and periodSeconds from 1 to 1800"
	// +kubebuilder:validation:XValidation:rule="!has(self.scaleUp) || !has(self.scaleUp.tolerance) || quantity(string(self.scaleUp.tolerance)).compareTo(quantity('0')) >= 0",message="scaleUp.tolerance is negative; write 0 or more, such as 100m for 10 percent"
	// +kubebuilder:validation:XValidation:rule="!has(self.scaleDown) || !has(self.scaleDown.stabilizationWindowSeconds) || (self.scaleDown.stabilizationWindowSeconds >= 0 && self.scaleDown.stabilizationWindowSeconds <= 3600)",message="scaleDown.stabilizationWindowSeconds is out of range; write 0 to 3600"
	// +kubebuilder:validation:XValidation:rule="!has(self.scaleDown) || !has(self.scaleDown.selectPolicy) || self.scaleDown.selectPolicy in ['Max', 'Min', 'Disabled']",message="scaleDown.selectPolicy is unknown; write Max, Min or Disabled"
	// +kubebuilder:validation:XValidation:rule="!has(self.scaleDown) || !has(self.scaleDown.policies) || self.scaleDown.policies.size() > 0",message="scaleDown.policies is empty; give a policy, or leave the list out for the default ones"
	// +kubebuilder:validation:XValidation:rule="!has(self.scaleDown) || !has(self.scaleDown.policies) || self.scaleDown.policies.all(p, p.type in ['Pods', 'Percent'] && p.value >= 1 && p.periodSeconds >= 1 && p.periodSeconds <= 1800)",message="scaleDown.policies: write type Pods or Percent, a value of 1 or more and periodSeconds from 1 to 1800"
	// +kubebuilder:validation:XValidation:rule="!has(self.scaleDown) || !has(self.scaleDown.tolerance) || quantity(string(self.scaleDown.tolerance)).compareTo(quantity('0')) >= 0",message="scaleDown.tolerance is negative; write 0 or more, such as 100m for 10 percent"
	Behavior *autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior,omitempty"`
	// Safety holds the rails.
	// +optional
	// +kubebuilder:default={}
	Safety Safety `json:"safety,omitzero"`
}

// Mode says whether decisions are carried out.
//
// +kubebuilder:validation:Enum=Paused;Shadow;Active
type Mode string

// The modes, from least to most powerful.
const (
	ModePaused Mode = "Paused" // decides nothing
	ModeShadow Mode = "Shadow" // decides and records, scales nothing
	ModeActive Mode = "Active" // scales
)

// ActuationType says how a decision becomes replicas.
//
// +kubebuilder:validation:Enum=HPAMinReplicas;Scale;External
type ActuationType string

// The ways to scale.
const (
	// ActuationHPAMinReplicas raises the floor of an existing HPA.
	ActuationHPAMinReplicas ActuationType = "HPAMinReplicas"
	// ActuationScale writes the scale subresource.
	ActuationScale ActuationType = "Scale"
	// ActuationExternal writes nothing: the decision is what an HPA reads as an external
	// metric, or KEDA from the external scaler.
	ActuationExternal ActuationType = "External"
)

// Actuation says how a decision becomes replicas.
//
// +kubebuilder:object:generate=true
// +kubebuilder:validation:XValidation:rule="self.type != 'HPAMinReplicas' || has(self.hpaRef)",message="type HPAMinReplicas needs hpaRef.name: the HorizontalPodAutoscaler whose minReplicas is raised; or write type: Scale where there is none"
// +kubebuilder:validation:XValidation:rule="self.type == 'HPAMinReplicas' || !has(self.hpaRef)",message="hpaRef has no meaning without type HPAMinReplicas; remove it or write type: HPAMinReplicas"
type Actuation struct {
	// Type is HPAMinReplicas, which keeps an HPA as the reactive floor and raises its
	// minReplicas, Scale, which writes the scale subresource, or External, which leaves
	// scaling to an HPA that reads the decision as a metric, or to KEDA.
	// +optional
	// +kubebuilder:default=HPAMinReplicas
	Type ActuationType `json:"type,omitempty"`
	// HPARef names the HPA whose minReplicas is raised.
	// +optional
	HPARef *HPARef `json:"hpaRef,omitempty"`
}

// HPARef names a HorizontalPodAutoscaler in the namespace of the scaler.
//
// +kubebuilder:object:generate=true
type HPARef struct {
	// Name of the HorizontalPodAutoscaler.
	// +kubebuilder:validation:MinLength=1
	Name string `json:"name"`
}

// A Metric is one load to forecast.
//
// +kubebuilder:object:generate=true
type Metric struct {
	// Name is unique within the scaler.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
	// Query is a PromQL expression; a vector is summed.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=8192
	Query string `json:"query"`
	// Target says how much of it one replica carries.
	Target MetricTarget `json:"target"`
	// Weight is the share of this metric in the combined wish.
	// +optional
	// +kubebuilder:validation:XValidation:rule="double(self) >= 0.0",message="write a number that is not negative"
	Weight Decimal `json:"weight,omitempty"`
}

// MetricTarget says how much one ready replica carries: exactly one of PerReplica
// and Utilization is set.
//
// +kubebuilder:object:generate=true
// +kubebuilder:validation:XValidation:rule="has(self.perReplica) != has(self.utilization)",message="set exactly one of perReplica and utilization: how much one replica carries"
// +kubebuilder:validation:XValidation:rule="has(self.of) == has(self.utilization)",message="utilization needs of: cpu or memory, and of has no meaning without utilization"
type MetricTarget struct {
	// PerReplica is in the unit of the query.
	// +optional
	// +kubebuilder:validation:XValidation:rule="double(self) > 0.0",message="write a number above 0"
	PerReplica Decimal `json:"perReplica,omitempty"`
	// Utilization is a percentage of the resource request named by Of.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Utilization *int32 `json:"utilization,omitempty"`
	// Of is cpu or memory.
	// +optional
	// +kubebuilder:validation:Enum=cpu;memory
	Of string `json:"of,omitempty"`
}

// Auto is the value of a forecast field that is to be worked out.
const Auto = "auto"

// ForecastSpec chooses the model and what is read off it. Every field is "auto" by
// default.
//
// +kubebuilder:object:generate=true
type ForecastSpec struct {
	// Model is the id of a forecasting model, behind "transformed:" on a scale chosen
	// from the past.
	// +optional
	// +kubebuilder:default=auto
	Model string `json:"model,omitempty"`
	// Season is a duration such as 24h, "none", or a comma-separated list.
	// +optional
	// +kubebuilder:default=auto
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self in ['', 'auto', 'none'] || self.matches('^[ ]*[+]?(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|ms|s|m|h))+[ ]*(,[ ]*[+]?(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|ms|s|m|h))+[ ]*)*$') && self.split(',').all(d, duration(d.trim()) > duration('0s'))",message="write durations above 0 such as 24h or 24h,168h, none or auto"
	Season string `json:"season,omitempty"`
	// Horizon is how far to look ahead, such as 5m; auto: time-to-ready plus one
	// interval.
	// +optional
	// +kubebuilder:default=auto
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self in ['', 'auto'] || self.matches('^[+]?(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|ms|s|m|h))+$') && duration(self) > duration('0s')",message="write a duration above 0 such as 5m, or auto"
	Horizon string `json:"horizon,omitempty"`
	// Quantile is the level of the demand to provide for, in (0,1); auto: from
	// prices and SLO.
	// +optional
	// +kubebuilder:default=auto
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self in ['', 'auto'] || self.matches('^[+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$') && double(self) > 0.0 && double(self) < 1.0",message="write a number between 0 and 1, or auto"
	Quantile string `json:"quantile,omitempty"`
}

// SLO defines a good request: answered without 5xx, timeout or shedding, within
// Latency.
//
// +kubebuilder:object:generate=true
type SLO struct {
	// Latency is the bound on the response time; default 250ms.
	// +optional
	// +kubebuilder:default="250ms"
	// +kubebuilder:validation:XValidation:rule="duration(self) > duration('0s')",message="write a duration above 0, such as 250ms"
	Latency metav1.Duration `json:"latency,omitzero"`
	// Objective is the percentage of requests that are to be good; default 99.9.
	// +optional
	// +kubebuilder:default="99.9"
	// +kubebuilder:validation:XValidation:rule="double(self) > 0.0 && double(self) < 100.0",message="write a percentage between 0 and 100, such as 99.9"
	Objective Decimal `json:"objective,omitempty"`
}

// Cost holds prices, all in one currency.
//
// +kubebuilder:object:generate=true
type Cost struct {
	// PerReplicaHour is the price of one replica for an hour; default 0.05.
	// +optional
	// +kubebuilder:default="0.05"
	// +kubebuilder:validation:XValidation:rule="double(self) >= 0.0",message="write a number that is not negative"
	PerReplicaHour Decimal `json:"perReplicaHour,omitempty"`
	// PerMillionBadRequests is the price of a million bad requests; omitted: solved
	// online so that the bad share is 1 - objective.
	// +optional
	// +kubebuilder:validation:XValidation:rule="double(self) >= 0.0",message="write a number that is not negative"
	PerMillionBadRequests Decimal `json:"perMillionBadRequests,omitempty"`
}

// Safety holds the rails.
//
// +kubebuilder:object:generate=true
type Safety struct {
	// ReactiveFloor keeps at least the replicas that the load observed now needs;
	// default true.
	// +optional
	// +kubebuilder:default=true
	ReactiveFloor *bool `json:"reactiveFloor,omitempty"`
	// CPUFloor keeps at least the replicas that an HPA at 70 % of the requested CPU
	// would, and decides as often as it; default false. Actuation HPAMinReplicas has an HPA
	// for that.
	// +optional
	CPUFloor bool `json:"cpuFloor,omitempty"`
	// MaxStep is the largest change of one decision, in replicas; 0 or absent: no
	// limit.
	// +optional
	// +kubebuilder:validation:Minimum=0
	MaxStep *int32 `json:"maxStep,omitempty"`
	// StaleAfter is the age from which data no longer counts as current; default 2m.
	// +optional
	// +kubebuilder:default="2m"
	// +kubebuilder:validation:XValidation:rule="duration(self) > duration('0s')",message="write a duration above 0, such as 2m"
	StaleAfter *metav1.Duration `json:"staleAfter,omitempty"`
	// DemoteWhenSkillBelow is the skill against last value under which the forecast
	// is not used; absent: never demoted.
	// +optional
	// +kubebuilder:validation:XValidation:rule="double(self) < 1.0",message="write a number below 1"
	DemoteWhenSkillBelow Decimal `json:"demoteWhenSkillBelow,omitempty"`
	// MinSeriesShare is the share of the scrape targets, or pods, expected behind the series of a
	// metric, from which on its value is taken for the whole load: with fewer it is not
	// scaled down by. Default 0.75; 0: they are not counted.
	// +optional
	// +kubebuilder:default="0.75"
	// +kubebuilder:validation:XValidation:rule="double(self) >= 0.0 && double(self) <= 1.0",message="write a share between 0 and 1, such as 0.75"
	MinSeriesShare Decimal `json:"minSeriesShare,omitempty"`
}
