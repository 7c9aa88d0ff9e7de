package grafana

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func autoscaler() board {
	return board{
		file: "autoscaler.json", uid: "hindcast-autoscaler", title: "hindcast / Autoscaler", from: "now-24h",
		about: "What the predictive scaler sees, expects and does for one Deployment, and what comes of it.",
		variables: []cog.Builder[dashboard.VariableModel]{
			datasource(), namespace(), deployment(),
			values("scaler", "Scaler", "The PredictiveScaler.", `label_values(hindcast_scaler_desired_replicas{namespace="$namespace"}, scaler)`),
			values("metric", "Metric", "One of the scaler's metrics.", `label_values(hindcast_scaler_observed{namespace="$namespace",scaler="$scaler"}, metric)`),
			values("horizon", "Horizon", "How far ahead a forecast looks.", `label_values(hindcast_scaler_forecast{namespace="$namespace",scaler="$scaler",metric="$metric"}, horizon)`).
				// 3m comes before 11m.
				Sort(dashboard.VariableSortNumericalAsc),
			policies(), latency(), objective(), price(),
		},
		rows: []row{
			{"Now", nowPanels()}, {"Forecast", forecastPanels()}, {"Replicas", replicaPanels()},
			{"Shadow: what it would do, against what runs", shadowPanels()},
			{"Service level", servicePanels()}, {"Cost", costPanels()}, {"The scaler itself", healthPanels()},
		},
	}
}

func nowPanels() []panel {
	return []panel{
		{
			title: "Ready", kind: number, unit: "short", about: "Pods that are ready.",
			marks:   someReady,
			queries: []query{{expr: `sum by (policy) (kube_deployment_status_replicas_ready{@deployment})`, legend: byPolicy}},
		},
		{
			title: "Desired by the scaler", kind: number, unit: "short", about: "Replicas of its last decision, carried out or not.",
			queries: []query{{expr: `hindcast_scaler_desired_replicas{@scaler}`, legend: byPolicy}},
		},
		{
			title: "Forecast accuracy", kind: number, unit: "percentunit", decimals: 1,
			about:   "1 - WAPE at the chosen horizon over about a day, out of sample. A smooth load flatters every model: see skill beside it.",
			marks:   []mark{{0, "red"}, {0.8, "orange"}, {0.9, "green"}},
			queries: []query{{expr: `hindcast_scaler_accuracy_ratio{@scaler,metric="$metric",horizon="$horizon"}`, legend: byPolicy}},
		},
		{
			title: "Forecast skill", kind: number, unit: "percentunit", decimals: 1,
			about:   "How much smaller the loss of the model is than that of the last value. At 0 or below the model is of no use, and the scaler demotes it where it is told to.",
			marks:   []mark{{0, "red"}, {0.001, "orange"}, {0.1, "green"}},
			queries: []query{{expr: `hindcast_scaler_skill_ratio{@scaler,metric="$metric"}`, legend: byPolicy}},
		},
		{
			title: "Error budget burn, last hour", kind: number, unit: "none", decimals: 2,
			about:   "How many times faster than the objective allows errors are made: above 1 the budget will not last, 14.4 for an hour is 2 % of a month's.",
			marks:   []mark{{0, "green"}, {1, "orange"}, {14.4, "red"}},
			queries: []query{{expr: burnRate("1h"), legend: byPolicy}},
		},
		{
			title: "Cost an hour", kind: number, unit: "none", decimals: 2, about: "Pods that exist, at the price chosen above.",
			queries: []query{{expr: `sum by (policy) (kube_deployment_status_replicas{@deployment}) * $price`, legend: byPolicy}},
		},
	}
}

func forecastPanels() []panel {
	return []panel{
		{
			title: "What was expected, and what came", unit: "short", min: zero, width: 24,
			about: "The fan is the forecasts made one horizon earlier of the highest value until then, by quantile; the line is the highest value that came in that time. It should stay below the upper edge about as often as its quantile says.",
			queries: []query{
				{expr: `hindcast_scaler_forecast{@scaler,metric="$metric",horizon="$horizon"} offset $horizon`, legend: "{{policy}} expected, quantile {{quantile}}", dashed: true},
				{expr: `max_over_time(hindcast_scaler_observed{@scaler,metric="$metric"}[$horizon])`, legend: "{{policy}} highest that came"},
			},
		},
		{
			title: "Load, and the forecast made now", unit: "short", min: zero,
			about: "The newest value of the metric, and the forecast of the highest value between now and the horizon, by quantile.",
			queries: []query{
				{expr: `hindcast_scaler_observed{@scaler,metric="$metric"}`, legend: "{{policy}} observed"},
				{expr: `hindcast_scaler_forecast{@scaler,metric="$metric",horizon="$horizon"}`, legend: "{{policy}} quantile {{quantile}}", dashed: true},
			},
		},
		{
			title: "Accuracy and skill", unit: "percentunit", max: new(1.0),
			about: "Accuracy is 1 - WAPE over about a day, for every horizon; skill is against the last value, and the model is worth its keep only above 0.",
			marks: []mark{{0, "red"}, {0.0001, "transparent"}},
			queries: []query{
				{expr: `hindcast_scaler_accuracy_ratio{@scaler,metric="$metric"}`, legend: "{{policy}} accuracy {{horizon}} ahead"},
				{expr: `hindcast_scaler_skill_ratio{@scaler,metric="$metric"}`, legend: "{{policy}} skill", dashed: true},
			},
		},
	}
}

// toReady is how long each pod took, unless its readiness is that of a later start.
const toReady = `kube_pod_status_ready_time{@pod} - kube_pod_created{@pod}` +
	` unless on (policy, namespace, pod) (kube_pod_container_status_restarts_total{@pod} > 0)`

func replicaPanels() []panel {
	return []panel{
		{
			title: "Replicas", kind: steps, unit: "short", min: zero, width: 24,
			about: "Asked for of the Deployment, ready, the scaler's wish and its limits, and, in a backtest with the policy oracle, what perfect foresight would have had.",
			queries: []query{
				{expr: `kube_deployment_spec_replicas{@deployment}`, legend: "{{policy}} asked for"},
				{expr: `kube_deployment_status_replicas_ready{@deployment}`, legend: "{{policy}} ready"},
				{expr: `hindcast_scaler_desired_replicas{@scaler}`, legend: "{{policy}} desired by the scaler", dashed: true},
				{expr: `hindcast_scaler_min_replicas{@scaler}`, legend: "{{policy}} fewest", dashed: true},
				{expr: `hindcast_scaler_max_replicas{@scaler}`, legend: "{{policy}} most", dashed: true},
				{expr: `kube_deployment_spec_replicas{@oracle}`, legend: "perfect foresight"},
			},
		},
		{
			title: "Reasons", kind: stack, unit: "short", min: zero,
			about:   "Decisions of five minutes by reason.",
			queries: []query{{expr: `sum by (policy, reason) (increase(hindcast_scaler_decisions_total{@scaler}[5m]))`, legend: "{{policy}} {{reason}}"}},
		},
		{
			title: "Changes of size", unit: "short", min: zero,
			about:   "How often the number of replicas changed within the last hour. More than some ten is restless.",
			marks:   restless,
			queries: []query{{expr: `changes(kube_deployment_spec_replicas{@deployment}[1h])`, legend: byPolicy}},
		},
		{
			title: "From created to ready", unit: "s", min: zero,
			about: "How long the pods that exist now took to become ready: what a forecast has to look ahead. Pods whose containers were started again are left out: when they became ready first is not known any more.",
			marks: slowStart,
			queries: []query{
				{expr: `quantile by (policy) (0.5, ` + toReady + `)`, legend: "{{policy}} median"},
				{expr: `max by (policy) (` + toReady + `)`, legend: "{{policy}} slowest"},
			},
		},
		{
			title: "The HPA", kind: steps, unit: "short", min: zero,
			about: "What the Deployment's HorizontalPodAutoscaler asks for, and its floor, which a scaler with actuation HPAMinReplicas raises.",
			queries: []query{
				{expr: `kube_horizontalpodautoscaler_status_desired_replicas{@hpa}`, legend: "{{policy}} desired"},
				{expr: `kube_horizontalpodautoscaler_status_current_replicas{@hpa}`, legend: "{{policy}} current"},
				{expr: `kube_horizontalpodautoscaler_spec_min_replicas{@hpa}`, legend: "{{policy}} floor", dashed: true},
				{expr: `kube_horizontalpodautoscaler_spec_max_replicas{@hpa}`, legend: "{{policy}} most", dashed: true},
			},
		},
	}
}

// shadowPanels compare a scaler that only watches with what runs: V2 or an HPA.
func shadowPanels() []panel {
	const wish = `sum by (policy) (hindcast_scaler_desired_replicas{@scaler})`
	const runs = `sum by (policy) (kube_deployment_spec_replicas{@deployment})`
	return []panel{
		{
			title: "Would do, and runs", kind: steps, unit: "short", min: zero,
			about: "In Shadow mode the scaler changes nothing: its wish is beside the size that V2 or an HPA set. An active scaler's lines are one.",
			queries: []query{
				{expr: wish, legend: "{{policy}} V3 would have"},
				{expr: runs, legend: "{{policy}} runs"},
			},
		},
		{
			title: "Difference", kind: steps, unit: "short",
			about:   "Replicas that the scaler would have more (above 0) or fewer (below) than run.",
			queries: []query{{expr: wish + " - " + runs, legend: byPolicy}},
		},
		{
			title: "Replica-hours that it would save", kind: number, unit: "short", decimals: 1, width: 12,
			about:   "Over the time range, as far as the scaler decided in it, compared with what ran: below 0 it would take more. Whether that is too few is for the service level to say, which is only seen once the scaler is active.",
			marks:   savings,
			queries: []query{{expr: `sum_over_time((` + runs + ` - ` + wish + `)[$__range:1m]) / 60`, legend: byPolicy}},
		},
		{
			title: "Mode", kind: states, unit: "short", about: "The mode in force; in a backtest it is Active.",
			marks:   []mark{{0, "transparent"}, {1, "blue"}},
			queries: []query{{expr: `max by (policy, mode) (hindcast_scaler_mode{@scaler})`, legend: "{{policy}} {{mode}}"}},
		},
	}
}

func servicePanels() []panel {
	return []panel{
		{
			title: "Error budget burn", unit: "none", min: zero, width: 16,
			about: "How many times faster than the objective allows errors are made. The usual alerts: 14.4 over 1 h, 6 over 6 h, 1 over 3 d, each confirmed by a shorter window.",
			marks: []mark{{0, "transparent"}, {1, "yellow"}, {6, "orange"}, {14.4, "red"}},
			queries: []query{
				{expr: burnRate("5m"), legend: "{{policy}} 5 m", dashed: true},
				{expr: burnRate("1h"), legend: "{{policy}} 1 h"},
				{expr: burnRate("6h"), legend: "{{policy}} 6 h"},
				{expr: burnRate("3d"), legend: "{{policy}} 3 d"},
			},
		},
		{
			title: "Good requests", kind: number, unit: "percentunit", decimals: 3,
			about:   "Over the time range.",
			queries: []query{{expr: `1 - ` + badShare("$__range"), legend: byPolicy}},
		},
		{
			title: "Error budget left", kind: number, unit: "percentunit", decimals: 1,
			about:   "Of what the objective allows in the time range; below 0 it is overdrawn.",
			marks:   []mark{{0, "red"}, {0.0001, "orange"}, {0.25, "green"}},
			queries: []query{{expr: `1 - ` + burnRate("$__range"), legend: byPolicy}},
		},
	}
}

func costPanels() []panel {
	return []panel{
		{
			title: "Cost an hour", unit: "none", min: zero,
			about: "Pods that exist, at the price chosen above, and, in a backtest with the policy oracle, with perfect foresight.",
			queries: []query{
				{expr: `sum by (policy) (kube_deployment_status_replicas{@deployment}) * $price`, legend: byPolicy},
				{expr: `sum(kube_deployment_status_replicas{@oracle}) * $price`, legend: "perfect foresight", dashed: true},
			},
		},
		{
			title: "Requested CPU that is used", unit: "percentunit", min: zero,
			about:   "Of the cores that the pods request: what is not used was paid for headroom. Under a quarter for most of a day is what HindcastOverProvisioned means; above 1 they use more than they asked for.",
			marks:   usedShare,
			queries: []query{{expr: `sum by (policy) (rate(container_cpu_usage_seconds_total{@pod,container!="",container!="POD"}[$__rate_interval])) / sum by (policy) (kube_pod_container_resource_requests{@pod,resource="cpu"}` + unfinished + `)`, legend: byPolicy}},
		},
		{
			title: "Replica-hours", kind: number, unit: "short", decimals: 1, width: 6, about: "Over the time range.",
			queries: []query{{expr: `sum by (policy) (sum_over_time(kube_deployment_status_replicas{@deployment}[$__range:1m])) / 60`, legend: byPolicy}},
		},
		{
			title: "Cost", kind: number, unit: "none", decimals: 2, width: 6, about: "Over the time range, at the price chosen above.",
			queries: []query{{expr: `sum by (policy) (sum_over_time(kube_deployment_status_replicas{@deployment}[$__range:1m])) / 60 * $price`, legend: byPolicy}},
		},
	}
}

func healthPanels() []panel {
	return []panel{
		{
			title: "Time to decide", unit: "s", min: zero, width: 8,
			about:   "99 of 100 decisions took no longer, from the first query on; the histogram ends at 10 s. In a backtest deciding takes no simulated time.",
			marks:   []mark{{0, "transparent"}, {2.5, "orange"}, {10, "red"}},
			queries: []query{{expr: `histogram_quantile(0.99, sum by (le, policy) (rate(hindcast_scaler_decision_duration_seconds_bucket{@scaler}[5m])))`, legend: byPolicy}},
		},
		{
			title: "Errors", unit: "short", min: zero, width: 8,
			about: "Queries that failed or had no data, and updates of the size that failed, within five minutes.",
			marks: []mark{{0, "transparent"}, {1, "red"}},
			queries: []query{
				{expr: `sum by (policy, metric) (increase(hindcast_scaler_query_errors_total{@scaler}[5m]))`, legend: "{{policy}} queries of {{metric}}"},
				{expr: `sum by (policy) (increase(hindcast_scaler_scale_errors_total{@scaler}[5m]))`, legend: "{{policy}} scaling"},
			},
		},
		{
			title: "Stale, and demotions", kind: steps, unit: "short", min: zero, width: 8,
			about: "1 while there is no current data and the scaler only scales up; and how often its model was demoted within the last hour.",
			marks: []mark{{0, "transparent"}, {1, "red"}},
			queries: []query{
				{expr: `max by (policy) (hindcast_scaler_stale{@scaler})`, legend: "{{policy}} stale"},
				{expr: `sum by (policy) (increase(hindcast_scaler_demotions_total{@scaler}[1h]))`, legend: "{{policy}} demotions", dashed: true},
			},
		},
	}
}
