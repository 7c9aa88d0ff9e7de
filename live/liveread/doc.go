// Package liveread finds out from a Prometheus that scrapes the controller what became of
// one live scaler: its forecasts against what came, its decisions against what ran, and
// what they would have cost and prevented.
//
// It reads the metrics that the controller publishes and nothing else, so it says no more
// than they do. It knows counters that begin anew, controllers that take over from each
// other and gaps; it fills none. It reads no clock and draws nothing.
package liveread
