package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Experiment is a file that describes a backtest completely: load, application,
// cluster, policies and how to compare them. It is never applied to a cluster.
type Experiment struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	Spec ExperimentSpec `json:"spec"`
}

// ExperimentSpec describes a backtest. Every field but Datasets has a default, and
// none of the defaults is hidden: the experiment in force is written beside the
// result.
type ExperimentSpec struct {
	// Datasets are the loads; each gives a result of its own.
	Datasets []Dataset `json:"datasets"`
	// App is the application under load.
	App App `json:"app,omitzero"`
	// Cluster is what the application runs on and is observed with.
	Cluster Cluster `json:"cluster,omitzero"`
	// Policies are compared with each other; default: all that are built in.
	Policies []PolicyRef `json:"policies"`
	// Candidate is the policy that is compared with all others; default: v3, else
	// the last one.
	Candidate string `json:"candidate,omitempty"`
	// Models are scored on the load; ids of forecasting models, behind "transformed:" on
	// a scale chosen from the past; default: all.
	Models []string `json:"models,omitempty"`
	// Seed is the first seed and Seeds how many in a row are run; defaults 1 and 1.
	Seed  *uint64 `json:"seed,omitempty"`
	Seeds int     `json:"seeds,omitempty"`
	// Warmup is the part of the data that is scored for nobody: a percentage such
	// as "25%" (the default) or a duration such as "24h".
	Warmup string `json:"warmup,omitempty"`
	// MinReplicas and MaxReplicas bound every policy that names no bounds of its
	// own; defaults 1 and 0, which is 1.5 times the demand at the highest scored load.
	MinReplicas *int32 `json:"minReplicas,omitempty"`
	MaxReplicas int32  `json:"maxReplicas,omitempty"`
	// SLO and Cost score every policy alike.
	SLO  SLO  `json:"slo,omitzero"`
	Cost Cost `json:"cost,omitzero"`
	// EqualSLA runs the sweeps that the verdict rests on; default true.
	EqualSLA *bool `json:"equalSLA,omitempty"`
	// Metrics says which series the embedded TSDB keeps: needed (default) or all.
	Metrics string `json:"metrics,omitempty"`
	// Rules are files of Prometheus rules, relative to the experiment, that are evaluated
	// on simulated time in the recorded run of each policy.
	Rules []string `json:"rules,omitempty"`
}

// Dataset names one load: exactly one of Path and Scenario is set.
type Dataset struct {
	// Name is unique; default: the scenario, or the file or, where that is called
	// load, its folder.
	Name string `json:"name,omitempty"`
	// Path is a recording, relative to the experiment: a CSV file, or tsdb: and the
	// folder of the data of a Prometheus server.
	Path string `json:"path,omitempty"`
	// Query is what the load is in a tsdb: folder; default: what hindcast record made it
	// of, or its only metric.
	Query string `json:"query,omitempty"`
	// Step is how often Query is evaluated; default: that of hindcast record, or 1m.
	Step metav1.Duration `json:"step,omitzero"`
	// Scenario is the name of a synthetic load.
	Scenario string `json:"scenario,omitempty"`
	// Unit of the values: rps, cores, percent or count-per-step; default: rps, or
	// the scenario's own.
	Unit string `json:"unit,omitempty"`
	// Scale is the factor on the load, or auto: so that its p99 needs
	// app.peakPods replicas; default auto. default auto.
	Scale string `json:"scale,omitempty"`
}

// App is the simulated application.
type App struct {
	// CPUPerRequest is the mean CPU time of a request, log-normal with the
	// coefficient of variation CPUVariation; defaults 5ms and 1.
	CPUPerRequest metav1.Duration `json:"cpuPerRequest,omitzero"`
	CPUVariation  Decimal         `json:"cpuVariation,omitempty"`
	// Wait is the time of a request without CPU; default 20ms.
	Wait *metav1.Duration `json:"wait,omitempty"`
	// Resources of the single container; defaults 500m/512Mi, limits 1/1Gi, each of
	// the four on its own.
	Resources corev1.ResourceRequirements `json:"resources,omitzero"`
	// Queue is how many requests may be in the CPU stage of a pod; default 200.
	Queue int `json:"queue,omitempty"`
	// Timeout is when a client gives up; default 5s.
	Timeout metav1.Duration `json:"timeout,omitzero"`
	// ErrorRate is the share of served requests that answer 5xx; default 0.
	ErrorRate Decimal `json:"errorRate,omitempty"`
	// TimeToReady is from creation of a pod to its first Ready; default 40s at the
	// median, 90s at the 95th percentile.
	TimeToReady TimeToReady `json:"timeToReady,omitzero"`
	// WarmUp is how a ready pod gets up to speed.
	WarmUp WarmUp `json:"warmUp,omitzero"`
	// TerminationGrace is how long a deleted pod may drain; default 30s.
	TerminationGrace *metav1.Duration `json:"terminationGrace,omitempty"`
	// PeakPods is what the load's p99 is scaled to where scale is auto; default 20.
	PeakPods int32 `json:"peakPods,omitempty"`
}

// TimeToReady is a log-normal distribution given by two of its quantiles.
type TimeToReady struct {
	P50 metav1.Duration `json:"p50,omitzero"`
	P95 metav1.Duration `json:"p95,omitzero"`
}

// WarmUp ramps the CPU speed of a ready pod linearly from InitialSpeed, a share of
// full speed, to 1 over Duration; defaults 60s and 0.3.
type WarmUp struct {
	Duration     *metav1.Duration `json:"duration,omitempty"`
	InitialSpeed Decimal          `json:"initialSpeed,omitempty"`
}

// Cluster is what the application runs on and is observed with.
type Cluster struct {
	// Nodes is the only node pool.
	Nodes NodePool `json:"nodes,omitzero"`
	// ScrapeInterval of Prometheus; default 15s. ScrapeDelay is the time until a
	// sample can be queried; default 1s.
	ScrapeInterval metav1.Duration  `json:"scrapeInterval,omitzero"`
	ScrapeDelay    *metav1.Duration `json:"scrapeDelay,omitempty"`
	// EvaluationInterval is how often rules are evaluated whose group does not say;
	// default 15s.
	EvaluationInterval metav1.Duration `json:"evaluationInterval,omitzero"`
	// MetricResolution of metrics-server; default 15s.
	MetricResolution metav1.Duration `json:"metricResolution,omitzero"`
	// Faults are what goes wrong, or is done to the cluster; default: nothing.
	Faults []ClusterFault `json:"faults,omitempty"`
}

// NodePool is a fixed number of equal nodes.
type NodePool struct {
	// Count of nodes; 0: as many as maxReplicas pods need.
	Count int32 `json:"count,omitempty"`
	// Allocatable of one node; default 4 cores and 16Gi.
	Allocatable corev1.ResourceList `json:"allocatable,omitempty"`
	// PerNodeHour is the price of a node for an hour; default 0: replicas are priced.
	PerNodeHour Decimal `json:"perNodeHour,omitempty"`
}

// PolicyRef names a built-in policy or a manifest file.
type PolicyRef struct {
	// Name is an id of a built-in policy, or, with File, a name of the user's.
	Name string `json:"name"`
	// File is a HorizontalPodAutoscaler or PredictiveScaler manifest.
	File string `json:"file,omitempty"`
	// Knob is the range of the policy's one knob in the sweeps; absent: the
	// policy's own.
	Knob *KnobRange `json:"knob,omitempty"`
}

// KnobRange is the range of the one knob of a policy.
type KnobRange struct {
	From Decimal `json:"from"`
	To   Decimal `json:"to"`
}
