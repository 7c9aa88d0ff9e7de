// Package peertest runs real servers that answer queries as Prometheus does, Thanos, Mimir
// and VictoriaMetrics, for tests. It builds and downloads nothing, and judges nothing.
package peertest
