package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// The types of the conditions of a PredictiveScaler.
const (
	// ConditionActive is true while the scaler runs and may do what its mode says.
	ConditionActive = "Active"
	// ConditionFresh is true while every metric has current data.
	ConditionFresh = "Fresh"
	// ConditionTrusted is true while the forecast is used: enough has been seen, and its
	// skill has not fallen below the limit.
	ConditionTrusted = "Trusted"
	// ConditionAbleToScale is true after replicas were read and, where asked for, written.
	ConditionAbleToScale = "AbleToScale"
)

// Reasons of conditions that a loop gives, in a cluster and in a backtest. A controller has others for
// Active, which say why there is no loop.
const (
	ReasonRunning           = "Running"           // Active
	ReasonCurrent           = "Current"           // Fresh
	ReasonNoCurrentData     = "NoCurrentData"     // not Fresh
	ReasonSeriesMissing     = "SeriesMissing"     // not Fresh: of a part of the series only
	ReasonSkilled           = "Skilled"           // Trusted
	ReasonLearning          = "Learning"          // not Trusted: too little was seen
	ReasonDemoted           = "Demoted"           // not Trusted: worse than last value
	ReasonReadyForNewScale  = "ReadyForNewScale"  // AbleToScale
	ReasonFailedGetScale    = "FailedGetScale"    // not AbleToScale
	ReasonFailedUpdateScale = "FailedUpdateScale" // not AbleToScale
)

// The annotations that the controller reads and writes.
const (
	// AnnotationMode on a PredictiveScaler lowers its mode: Shadow or Paused.
	AnnotationMode = Group + "/mode"
	// AnnotationScaler on an HPA names the scaler that raised its minReplicas.
	AnnotationScaler = Group + "/raised-by"
	// AnnotationOriginal on an HPA is the minReplicas that it had before.
	AnnotationOriginal = Group + "/original-min-replicas"
	// AnnotationFloor on an HPA is the minReplicas that the scaler set.
	AnnotationFloor = Group + "/floor"
	// Finalizer on a PredictiveScaler keeps it until the HPA has its own minReplicas back.
	Finalizer = Group + "/floor"
)

// PredictiveScalerStatus is what the controller last saw and did.
//
// +kubebuilder:object:generate=true
type PredictiveScalerStatus struct {
	// ObservedGeneration is the generation of the spec that is in force.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions are Active, Fresh, Trusted and AbleToScale.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// Mode in force: that of the spec, or a lower one by annotation or flag.
	// +optional
	Mode Mode `json:"mode,omitempty"`
	// CurrentReplicas is what the workload, or the floor of its HPA, is set to.
	// +optional
	CurrentReplicas int32 `json:"currentReplicas"`
	// DesiredReplicas is the newest decision.
	// +optional
	DesiredReplicas int32 `json:"desiredReplicas"`
	// Holding says that the newest decision was to leave the replicas as they are, for want
	// of data or of the right to decide: desiredReplicas is what was found, no wish.
	// +optional
	Holding bool `json:"holding,omitempty"`
	// Reason of the newest decision.
	// +optional
	Reason string `json:"reason,omitempty"`
	// LastDecisionTime is when that was, to within the interval at which an unchanged
	// status is written.
	// +optional
	LastDecisionTime *metav1.Time `json:"lastDecisionTime,omitempty"`
	// LastScaleTime is when replicas were last changed.
	// +optional
	LastScaleTime *metav1.Time `json:"lastScaleTime,omitempty"`
	// Forecast is the newest forecast, of the metric that asks for most.
	// +optional
	Forecast *ForecastStatus `json:"forecast,omitempty"`
	// Lead is the time from a decision until a new replica is ready, as measured on the
	// pods of the workload.
	// +optional
	Lead *metav1.Duration `json:"lead,omitempty"`
	// Floor is the HPA whose minReplicas was raised, until it is restored.
	// +optional
	Floor *FloorStatus `json:"floor,omitempty"`
	// RecentChanges are the changes that rate limits still count, the oldest first.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	RecentChanges []ReplicaChange `json:"recentChanges,omitempty"`
	// LastRestart is when and why the loop last began anew.
	// +optional
	LastRestart *RestartStatus `json:"lastRestart,omitempty"`
	// Shadow compares what was decided with what happened.
	// +optional
	Shadow *ShadowStatus `json:"shadow,omitempty"`
}

// ForecastStatus is one forecast.
//
// +kubebuilder:object:generate=true
type ForecastStatus struct {
	// Metric is the one that it is of.
	// +optional
	Metric string `json:"metric,omitempty"`
	// Model that was used, and why it is not the one of the spec where it is not.
	Model string `json:"model"`
	// Horizon is the length of the window ahead.
	Horizon metav1.Duration `json:"horizon"`
	// Observed is the load at the decision.
	// +optional
	Observed Decimal `json:"observed,omitempty"`
	// Point is the expected highest load of the window.
	// +optional
	Point Decimal `json:"point,omitempty"`
	// Upper is the quantile of the highest load that is provided for.
	// +optional
	Upper Decimal `json:"upper,omitempty"`
	// Accuracy is 1 - WAPE of the point forecasts of the load at the horizon, over about
	// the last day.
	// +optional
	Accuracy Decimal `json:"accuracy,omitempty"`
	// Skill is 1 - loss/loss of last value, over about the last day; below 0 the forecast
	// is worse than none.
	// +optional
	Skill Decimal `json:"skill,omitempty"`
}

// FloorStatus names an HPA whose minReplicas was raised.
//
// +kubebuilder:object:generate=true
type FloorStatus struct {
	// HPA is its name.
	HPA string `json:"hpa"`
	// OriginalMinReplicas is what it had before.
	OriginalMinReplicas int32 `json:"originalMinReplicas"`
}

// RestartStatus is why a loop began anew.
//
// +kubebuilder:object:generate=true
type RestartStatus struct {
	Time metav1.Time `json:"time"`
	// Reason is ClockJumped, WarmingUp (Prometheus answered at last) or Failed.
	Reason string `json:"reason"`
}

// ReplicaChange is one change that was carried out.
//
// +kubebuilder:object:generate=true
type ReplicaChange struct {
	Time metav1.MicroTime `json:"time"`
	From int32            `json:"from"`
	To   int32            `json:"to"`
}

// ShadowStatus compares, since Since, what the decisions would have cost and prevented
// with what happened. Had the decisions been carried out, a replica would have served
// after the lead, and an HPA above a floor would have run what it ran where that is more.
//
// +kubebuilder:object:generate=true
type ShadowStatus struct {
	Since metav1.Time `json:"since"`
	// ReplicaHours and DecidedReplicaHours are those that ran, and those that were decided.
	ReplicaHours        Decimal `json:"replicaHours"`
	DecidedReplicaHours Decimal `json:"decidedReplicaHours"`
	// ShortHours and DecidedShortHours are the time in which fewer replicas ran, or would
	// have run, than the load needed by the targets of the metrics.
	ShortHours        Decimal `json:"shortHours"`
	DecidedShortHours Decimal `json:"decidedShortHours"`
}
