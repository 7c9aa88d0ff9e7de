// Package promdb is the memory of a backtest: an embedded Prometheus TSDB with
// its PromQL engine, filled as simulated time passes.
//
// It refuses to look ahead. A query is made at an instant and sees no sample
// later than that instant less the delay of scrape and query, whatever the
// database already holds; the @ modifier and negative offsets are errors. It
// refuses to make things up: a query without a sample is ErrNoData, never 0. And
// it reads no clock: blocks are cut and head chunks written out when the
// simulated time of a Commit says so, hence the same samples give the same
// answers, bit for bit, whatever the machine was doing.
//
// DB is written and queried by one run. Shared holds series that no policy can
// change and is asked by many runs at once, each behind its own delay. Reader
// opens the block directory that Finish leaves behind, which a Prometheus server
// opens too.
//
// All times have the millisecond as their unit inside the database. Sample times
// are rounded up to it and query times down, so that rounding hides a sample for
// a moment rather than reveal it early.
package promdb
