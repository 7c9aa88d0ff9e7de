// Package grafana describes the dashboards in Go; `make dashboards` writes them as the
// JSON files beside it, which Grafana imports. They show a cluster and a run behind
// `hindcast serve` alike: a cluster's series have no label policy, which the default of
// the variable policy allows for.
//
// It refuses to invent: a query names only metrics of internal/metricnames, and where
// there is no data a panel is empty rather than zero. It asks no server.
package grafana
