package metricnames

// Names of what hindcast exposes of each PredictiveScaler, live and in a backtest.
const (
	ScalerDesired          = "hindcast_scaler_desired_replicas"
	ScalerCurrent          = "hindcast_scaler_current_replicas"
	ScalerMin              = "hindcast_scaler_min_replicas"
	ScalerMax              = "hindcast_scaler_max_replicas"
	ScalerForecast         = "hindcast_scaler_forecast"
	ScalerObserved         = "hindcast_scaler_observed"
	ScalerAccuracy         = "hindcast_scaler_accuracy_ratio"
	ScalerSkill            = "hindcast_scaler_skill_ratio"
	ScalerDecisionDuration = "hindcast_scaler_decision_duration_seconds"
	ScalerQueryErrors      = "hindcast_scaler_query_errors_total"
	ScalerStale            = "hindcast_scaler_stale"
	ScalerMode             = "hindcast_scaler_mode"
	ScalerDemotions        = "hindcast_scaler_demotions_total"
	ScalerDecisions        = "hindcast_scaler_decisions_total"
	ScalerReplicaSeconds   = "hindcast_scaler_replica_seconds_total"
	ScalerRestarts         = "hindcast_scaler_restarts_total"
	ScalerCondition        = "hindcast_scaler_condition"
	ScalerScaleErrors      = "hindcast_scaler_scale_errors_total"
	ScalerShortSeconds     = "hindcast_scaler_short_seconds_total"
	ScalerSources          = "hindcast_scaler_sources"
	ScalerSourcesExpected  = "hindcast_scaler_sources_expected"
)

var scaler = []Metric{
	{ScalerAccuracy, Gauge, "", []string{"namespace", "scaler", "metric", "horizon"}, Scaler, "1 - WAPE of the point forecasts a horizon ahead, over about a day: sum of |forecast - observed| over sum of observed. No sample before an hour of forecasts was judged."},
	{ScalerCondition, Gauge, "", []string{"namespace", "scaler", "condition", "status", "reason"}, Scaler, "1 for what each condition of the status (Active, Fresh, Trusted, AbleToScale) says: status true or false, and the reason. No sample for anything else."},
	{ScalerCurrent, Gauge, "replicas", []string{"namespace", "scaler"}, Scaler, ".status.replicas at the last decision."},
	{ScalerDecisionDuration, Histogram, "seconds", []string{"namespace", "scaler"}, Scaler, "Time from the first query of a decision to its end. In a backtest deciding takes no simulated time."},
	{ScalerDecisions, Counter, "", []string{"namespace", "scaler", "reason"}, Scaler, "Decisions by reason."},
	{ScalerDemotions, Counter, "", []string{"namespace", "scaler"}, Scaler, "How often the model was demoted to last value for want of skill."},
	{ScalerDesired, Gauge, "replicas", []string{"namespace", "scaler"}, Scaler, "Replicas that the last decision asked for, carried out or not."},
	{ScalerForecast, Gauge, "as the metric", []string{"namespace", "scaler", "metric", "horizon", "quantile"}, Scaler, "Quantile of the highest value of a metric between now and a horizon, such as 3m, ahead."},
	{ScalerMax, Gauge, "replicas", []string{"namespace", "scaler"}, Scaler, "The most replicas that the scaler may ask for."},
	{ScalerMin, Gauge, "replicas", []string{"namespace", "scaler"}, Scaler, "The fewest replicas that the scaler may ask for."},
	{ScalerMode, Gauge, "", []string{"namespace", "scaler", "mode"}, Scaler, "1 for the mode in force (Active, Shadow, Paused), 0 for the others. In a backtest it is Active."},
	{ScalerObserved, Gauge, "as the metric", []string{"namespace", "scaler", "metric"}, Scaler, "Newest value of a metric. No sample while there is none."},
	{ScalerQueryErrors, Counter, "", []string{"namespace", "scaler", "metric"}, Scaler, "Queries that failed or had no data."},
	{ScalerReplicaSeconds, Counter, "", []string{"namespace", "scaler", "kind"}, Scaler, "Replica-seconds that ran (kind actual) and that would have, had every decision been carried out and taken effect after the lead (kind decided)."},
	{ScalerRestarts, Counter, "", []string{"namespace", "scaler", "reason"}, Scaler, "How often the loop of a scaler began anew: its clock was set (reason ClockJumped), Prometheus answered at last (WarmingUp), or it ended with an error (Failed)."},
	{ScalerScaleErrors, Counter, "", []string{"namespace", "scaler"}, Scaler, "Reads and updates of the replicas that failed."},
	{ScalerShortSeconds, Counter, "", []string{"namespace", "scaler", "kind"}, Scaler, "Time in which fewer replicas ran (kind actual), or would have (kind decided), than the load needed by the targets of the metrics."},
	{ScalerSkill, Gauge, "", []string{"namespace", "scaler", "metric"}, Scaler, "1 - pinball loss of the model / that of last value, over about a day, at the quantile and lead in use. No sample before an hour of forecasts was judged."},
	{ScalerSources, Gauge, "", []string{"namespace", "scaler", "metric"}, Scaler, "Scrape targets, or pods, that the series of a metric come from, as last counted. No sample where the count failed, or safety.minSeriesShare is 0."},
	{ScalerSourcesExpected, Gauge, "", []string{"namespace", "scaler", "metric"}, Scaler, "How many there should be, by the counts before and the number of pods: with less than safety.minSeriesShare of them the scaler does not scale down by the metric."},
	{ScalerStale, Gauge, "", []string{"namespace", "scaler"}, Scaler, "1 while the scaler has no current data of a metric, or only of a part of its series, and only scales up."},
}

// InBacktest reports whether the world of a backtest exposes m: what the live controller
// reckons of decisions that were not carried out is measured in a backtest, and no loop begins
// anew there.
func (m Metric) InBacktest() bool {
	switch m.Name {
	case ScalerReplicaSeconds, ScalerShortSeconds, ScalerRestarts:
		return false
	}
	return true
}
