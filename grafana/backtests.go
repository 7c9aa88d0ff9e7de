package grafana

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func backtests() board {
	one := func(name, label, about, usual string) cog.Builder[dashboard.VariableModel] {
		return values(name, label, about,
			`label_values(kube_deployment_spec_replicas{namespace="$namespace",deployment="$deployment"}, policy)`).Current(chosen(usual, usual))
	}
	return board{
		file: "backtest.json", uid: "hindcast-backtest", title: "hindcast / Backtest", from: "now-24h",
		about: "The policies of a run side by side, on the same load: needs a run behind `hindcast serve`. Time ranges that cover the whole run agree with its report to within what a scrape interval hides.",
		variables: []cog.Builder[dashboard.VariableModel]{
			datasource(), namespace(), deployment(), policies(),
			one("candidate", "Candidate", "The policy that is looked at.", "v3"),
			one("baseline", "Baseline", "The policy that it is compared with.", "v2"),
			latency(), objective(), price(),
		},
		rows: []row{
			{"The time range in figures", []panel{scoreTable()}},
			{"Side by side", sidePanels()}, {"Candidate against baseline", duelPanels()}, {"Load and latency", loadPanels()},
		},
	}
}

func scoreTable() panel {
	const hours = `sum by (policy) (sum_over_time(kube_deployment_status_replicas{@deployment}[$__range:1m])) / 60`
	return panel{
		title: "Policies", kind: columns, unit: "short",
		about: "Of the time range. Fewer replica-hours count for nothing where fewer requests are good: the report compares at equal service level.",
		queries: []query{
			{expr: hours, legend: "Replica-hours", unit: "short", decimals: 1},
			{expr: hours + ` * $price`, legend: "Cost", unit: "none", decimals: 2},
			{expr: `1 - ` + badShare("$__range"), legend: "Good requests", unit: "percentunit", decimals: 3},
			{expr: burnRate("$__range"), legend: "Error budget used", unit: "percentunit", decimals: 1, marks: []mark{{0, "green"}, {0.75, "orange"}, {1, "red"}}},
			{expr: `histogram_quantile(0.99, sum by (le, policy) (rate(http_request_duration_seconds_bucket{@pod}[$__range])))`, legend: "p99", unit: "s", decimals: 3},
			{expr: `sum by (policy) (changes(kube_deployment_spec_replicas{@deployment}[$__range]))`, legend: "Changes of size", unit: "short"},
			{expr: `max by (policy) (max_over_time(kube_deployment_status_replicas_ready{@deployment}[$__range]))`, legend: "Most ready", unit: "short"},
			{expr: `avg by (policy) (avg_over_time(kube_deployment_status_replicas_ready{@deployment}[$__range]))`, legend: "Mean ready", unit: "short", decimals: 2},
		},
	}
}

func sidePanels() []panel {
	return []panel{
		{
			title: "Ready replicas", kind: steps, unit: "short", min: zero, width: 24, about: "Of every policy, on the same load and with the same luck of start-up times.",
			queries: []query{{expr: `sum by (policy) (kube_deployment_status_replicas_ready{@deployment})`, legend: byPolicy}},
		},
		{
			title: "Asked for beyond perfect foresight", kind: steps, unit: "short",
			about:   "Replicas more than the oracle asked for: above 0 is paid for headroom, below 0 is a risk. Needs the policy oracle in the run.",
			marks:   []mark{{0, "orange"}, {0, "transparent"}},
			queries: []query{{expr: `sum by (policy) (kube_deployment_spec_replicas{@deployment}) - on () group_left () sum(kube_deployment_spec_replicas{@oracle})`, legend: byPolicy}},
		},
		{
			title: "Error budget burn over an hour", unit: "none", min: zero, about: "How many times faster than the objective allows errors are made.",
			marks:   []mark{{0, "transparent"}, {1, "yellow"}, {14.4, "red"}},
			queries: []query{{expr: burnRate("1h"), legend: byPolicy}},
		},
		{
			title: "Requested CPU that is used", unit: "percentunit", min: zero, about: "Of the cores that the pods request.",
			marks:   usedShare,
			queries: []query{{expr: `sum by (policy) (rate(container_cpu_usage_seconds_total` + ofContainers + `[$__rate_interval])) / sum by (policy) (kube_pod_container_resource_requests{@pod,resource="cpu"}` + unfinished + `)`, legend: byPolicy}},
		},
		{
			title: "Changes of size", unit: "short", min: zero, about: "Within the last hour.",
			marks:   restless,
			queries: []query{{expr: `changes(kube_deployment_spec_replicas{@deployment}[1h])`, legend: byPolicy}},
		},
	}
}

// duelPanels compare two policies, such as V3 with V2.
func duelPanels() []panel {
	return []panel{
		{
			title: "Ready", kind: steps, unit: "short", min: zero, about: "The two policies chosen above.",
			queries: []query{
				{expr: `sum by (policy) (kube_deployment_status_replicas_ready{@candidate})`, legend: byPolicy},
				{expr: `sum by (policy) (kube_deployment_status_replicas_ready{@baseline})`, legend: byPolicy, dashed: true},
			},
		},
		{
			title: "Replicas that the candidate has more", kind: steps, unit: "short", about: "Below 0 it has fewer than the baseline.",
			queries: []query{{expr: `sum(kube_deployment_status_replicas{@candidate}) - sum(kube_deployment_status_replicas{@baseline})`, legend: "$candidate - $baseline"}},
		},
		{
			title: "Replica-hours saved", kind: number, unit: "short", decimals: 1, width: 12, about: "By the candidate, over the time range; below 0 it took more.",
			marks:   savings,
			queries: []query{{expr: `(sum(sum_over_time(kube_deployment_status_replicas{@baseline}[$__range:1m])) - sum(sum_over_time(kube_deployment_status_replicas{@candidate}[$__range:1m]))) / 60`, legend: "$candidate against $baseline"}},
		},
		{
			title: "Share saved", kind: number, unit: "percentunit", decimals: 1, width: 12, about: "Of the baseline's replica-hours.",
			marks:   savings,
			queries: []query{{expr: `1 - sum(sum_over_time(kube_deployment_status_replicas{@candidate}[$__range:1m])) / sum(sum_over_time(kube_deployment_status_replicas{@baseline}[$__range:1m]))`, legend: "$candidate against $baseline"}},
		},
	}
}

func loadPanels() []panel {
	return []panel{
		{
			title: "Load", unit: "reqps", min: zero, width: 8, about: "Requests that arrive at the ingress: no policy changes it, so the lines are one.",
			queries: []query{{expr: `sum by (policy) (rate(nginx_ingress_controller_requests{@ingress}[$__rate_interval]))`, legend: byPolicy}},
		},
		{
			title: "p99", unit: "s", min: zero, width: 8, about: "99 of 100 requests are answered faster, to within the width of a bucket.",
			queries: []query{{expr: quantileOf("0.99", "http_request_duration_seconds"), legend: byPolicy}, {expr: `$latency`, legend: "good until", dashed: true}},
		},
		{
			title: "Requests that wait", unit: "short", min: zero, width: 8, about: "For a core, in all pods.",
			queries: []query{{expr: `sum by (policy) (http_requests_queued{@pod})`, legend: byPolicy}},
		},
	}
}
