// Package reports draws what a backtest has written down: a page, Markdown, short
// text tables and pictures.
//
// It draws and never computes: every score comes from result.json, every curve from
// the timelines and forecasts of the run's folder, thinned to the width of the
// picture. It judges nothing that the result has not judged, reads no clock and
// fetches nothing: the page is one file without scripts. The same folder gives the
// same bytes.
package reports
