// Package promclient asks a Prometheus server, or what speaks its HTTP API (Thanos,
// Mimir, VictoriaMetrics), for numbers.
//
// It refuses to make things up: an answer without a sample is ErrNoData, one that is not
// a finite number ErrNotFinite, one that the server calls incomplete ErrPartial, and none
// of them is 0. It refuses to let a secret out: no error and no log line holds a token, a
// password or a tenant's key, even where the server sends them back. And it refuses to
// decide what time it is asked about: the instant of every query is an argument. The wall
// clock only bounds how long the client waits.
//
// A Client is one server. Shared lets many scalers share the answers to the same
// question; Guard keeps the query of a namespace within that namespace and within limits.
//
// The package imports nothing of ours: its Client fits autoscaler.Querier, except that
// ErrNoData is its own, which live maps to policy.ErrNoData.
package promclient
