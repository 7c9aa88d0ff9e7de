// Package promapi answers the HTTP API of a Prometheus server from the blocks of a
// run, so that what reads Prometheus (Grafana, promtool, scripts) reads a run too.
//
// It refuses to change anything: what writes, deletes or configures is not there. It
// listens to nothing and reads no clock: "now" is the end of the run, handed in. An
// answer is that of a Prometheus server over the same blocks, byte for byte but for the
// order of series where PromQL leaves it open; the tests ask both.
//
// Prometheus's own web/api/v1 is not used: docs/adr/0010-http-api.md says why.
package promapi
