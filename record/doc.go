// Package record copies series from a Prometheus server, or what speaks its HTTP API,
// into a file: CSV for a backtest, OpenMetrics text, or blocks of a TSDB.
//
// A recording is made in parts, small enough for the limits of the server, that are kept
// beside its place until all are there. One that was killed half-way goes on where it was,
// and ends in the same file. The package refuses to fill gaps (a step without a sample
// has none in the file either), to write half a file in the place of a whole one, and to
// mix parts of two recordings. It reads no clock.
package record
