// Package metricnames is the one list of the metrics that the house exposes, reads in
// dashboards and judges in rules: the world of a backtest and the live controller expose
// them under these names, and what shows them is checked against this list.
//
// It is a leaf that holds words only: it reads, computes and registers nothing.
package metricnames

import (
	"slices"
	"strings"
)

// A Type is the Prometheus type of a metric.
type Type string

// The types.
const (
	Counter   Type = "counter"
	Gauge     Type = "gauge"
	Histogram Type = "histogram"
	Summary   Type = "summary"
)

// A Source is what exposes a metric in a cluster.
type Source string

// The sources.
const (
	Prometheus       Source = "Prometheus"
	Ingress          Source = "ingress-nginx"
	CAdvisor         Source = "cAdvisor"
	KubeStateMetrics Source = "kube-state-metrics"
	NodeExporter     Source = "node_exporter"
	App              Source = "the application"
	Scaler           Source = "hindcast"
)

// A Metric describes one metric family.
type Metric struct {
	Name   string
	Type   Type
	Unit   string // "seconds", "bytes", "cores", ...; empty: a count or a yes or no
	Labels []string
	Source Source
	Help   string
}

// Series returns the names under which the samples of m are stored.
func (m Metric) Series() []string {
	switch m.Type {
	case Histogram:
		return []string{m.Name + Bucket, m.Name + Sum, m.Name + Count}
	case Summary:
		return []string{m.Name, m.Name + Sum, m.Name + Count}
	default:
		return []string{m.Name}
	}
}

// What the names of a histogram's and a summary's series end in.
const (
	Bucket = "_bucket"
	Sum    = "_sum"
	Count  = "_count"
)

// All returns every metric, sorted by source in the order above, then by name.
func All() []Metric {
	var all []Metric
	for _, table := range [][]Metric{platform, cluster, nodes, application, scaler} {
		for _, m := range table {
			m.Labels = slices.Clone(m.Labels)
			all = append(all, m)
		}
	}
	return all
}

// Find returns the metric that a series of this name belongs to.
func Find(series string) (Metric, bool) {
	for _, m := range All() {
		if slices.Contains(m.Series(), series) {
			return m, true
		}
	}
	return Metric{}, false
}

// SeriesLabels returns the labels of the series of m with the given name: those of m,
// and le or quantile where it has one.
func (m Metric) SeriesLabels(series string) []string {
	labels := slices.Clone(m.Labels)
	switch {
	case m.Type == Histogram && strings.HasSuffix(series, Bucket):
		labels = append(labels, "le")
	case m.Type == Summary && series == m.Name:
		labels = append(labels, "quantile")
	}
	slices.Sort(labels)
	return labels
}
