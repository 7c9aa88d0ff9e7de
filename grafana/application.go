package grafana

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func application() board {
	return board{
		file: "application.json", uid: "hindcast-application", title: "hindcast / Application", from: "now-6h",
		about:     "What the users of a Deployment get: rate, latency, errors, and what it waits for.",
		variables: []cog.Builder[dashboard.VariableModel]{datasource(), namespace(), deployment(), policies(), latency(), objective()},
		rows: []row{
			{"Requests", requestPanels()}, {"Saturation", saturationPanels()}, {"What it depends on", dependencyPanels()}, {"Business", businessPanels()},
		},
	}
}

// quantileOf is a quantile of a histogram of the pods.
func quantileOf(q, metric string) string {
	return `histogram_quantile(` + q + `, sum by (le, policy) (rate(` + metric + `_bucket{@pod}[$__rate_interval])))`
}

func requestPanels() []panel {
	return []panel{
		{
			title: "Rate", unit: "reqps", min: zero,
			about: "Requests that were answered, whatever the answer, and those that arrived at the ingress. What lies between is waiting, or was turned away before it got to a pod.",
			queries: []query{
				{expr: `sum by (policy) (rate(http_requests_total{@pod}[$__rate_interval]))`, legend: "{{policy}} answered"},
				{expr: `sum by (policy) (rate(nginx_ingress_controller_requests{@ingress}[$__rate_interval]))`, legend: "{{policy}} arrived", dashed: true},
			},
		},
		{
			title: "Latency", unit: "s", min: zero,
			about: "Half, 95 and 99 of 100 requests are answered faster, to within the width of a bucket.",
			queries: []query{
				{expr: quantileOf("0.5", "http_request_duration_seconds"), legend: "{{policy}} p50"},
				{expr: quantileOf("0.95", "http_request_duration_seconds"), legend: "{{policy}} p95"},
				{expr: quantileOf("0.99", "http_request_duration_seconds"), legend: "{{policy}} p99"},
				{expr: `$latency`, legend: "good until", dashed: true},
			},
		},
		{
			title: "Errors by code", kind: stack, unit: "reqps", min: zero,
			about:   "Answers with a code of 500 or above: failed, turned away for want of room (503), timed out (504).",
			queries: []query{{expr: `sum by (policy, code) (rate(http_requests_total{@pod,code=~"5.."}[$__rate_interval]))`, legend: "{{policy}} {{code}}"}},
		},
		{
			title: "Requests that are not good", unit: "percentunit", min: zero,
			about:   "Share of requests that were not answered within the latency, or with an error of the server. The objective allows 1 - objective.",
			queries: []query{{expr: badShare("$__rate_interval"), legend: byPolicy}, {expr: `1 - $objective`, legend: "allowed", dashed: true}},
		},
	}
}

func saturationPanels() []panel {
	return []panel{
		{
			title: "In flight, and waiting", unit: "short", min: zero, width: 8,
			about: "Requests that came in and are not yet answered, and those among them that wait for a core (in a backtest) or for a thread (in the sample). A queue that does not go away wants more pods.",
			queries: []query{
				{expr: `sum by (policy) (http_requests_in_flight{@pod})`, legend: "{{policy}} in flight"},
				{expr: `sum by (policy) (http_requests_queued{@pod})`, legend: "{{policy}} waiting", dashed: true},
			},
		},
		{
			title: "Longest queue of a pod", unit: "short", min: zero, width: 8,
			about:   "Where one pod's is much longer than the others', load is not spread evenly.",
			queries: []query{{expr: `max by (policy) (http_requests_queued{@pod})`, legend: byPolicy}},
		},
		{
			title: "Connections", unit: "short", min: zero, width: 8,
			about:   "Open connections, idle ones included.",
			queries: []query{{expr: `sum by (policy) (http_connections_active{@pod})`, legend: byPolicy}},
		},
	}
}

func dependencyPanels() []panel {
	return []panel{
		{
			title: "Cache hits", unit: "percentunit", min: zero, max: new(1.0), width: 8,
			about:   "Share of look-ups that the cache answered. When it falls, the database gets the rest.",
			queries: []query{{expr: `sum by (policy) (rate(cache_hits_total{@pod}[$__rate_interval])) / (sum by (policy) (rate(cache_hits_total{@pod}[$__rate_interval])) + sum by (policy) (rate(cache_misses_total{@pod}[$__rate_interval])))`, legend: byPolicy}},
		},
		{
			title: "Database queries", unit: "s", min: zero, width: 8,
			about: "How long queries of the database take. If this rises with the number of pods, more pods do not help.",
			queries: []query{
				{expr: quantileOf("0.5", "db_query_duration_seconds"), legend: "{{policy}} p50"},
				{expr: quantileOf("0.95", "db_query_duration_seconds"), legend: "{{policy}} p95"},
				{expr: quantileOf("0.99", "db_query_duration_seconds"), legend: "{{policy}} p99"},
			},
		},
		{
			title: "Calls of other services", unit: "s", min: zero, width: 8,
			about: "How long calls of other services take: the mean, and the worst pod's 99 of 100.",
			queries: []query{
				{expr: `sum by (policy) (rate(external_api_duration_seconds_sum{@pod}[$__rate_interval])) / sum by (policy) (rate(external_api_duration_seconds_count{@pod}[$__rate_interval]))`, legend: "{{policy}} mean"},
				{expr: `max by (policy) (external_api_duration_seconds{@pod,quantile="0.99"})`, legend: "{{policy}} p99"},
			},
		},
	}
}

func businessPanels() []panel {
	return []panel{
		{
			title: "Transactions", unit: "ops", min: zero,
			about:   "Business transactions that were completed, by type: what the service is there for.",
			queries: []query{{expr: `sum by (policy, type) (rate(business_transactions_total{@pod}[$__rate_interval]))`, legend: "{{policy}} {{type}}"}},
		},
		{
			title: "Transactions for each request", unit: "percentunit", min: zero,
			about:   "Where this falls while the rate does not, users give up.",
			queries: []query{{expr: `sum by (policy) (rate(business_transactions_total{@pod}[$__rate_interval])) / sum by (policy) (rate(http_requests_total{@pod}[$__rate_interval]))`, legend: byPolicy}},
		},
	}
}
