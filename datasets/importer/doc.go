// Package importer turns recordings made by others into load: access logs,
// metrics in text form and the public traces, into one table on an even grid.
//
// A file is read once, as a stream; what is held is the table and one state a
// series, whatever the length of the file. A line that is not understood is
// counted and shown, and never guessed at. The package opens only what it is
// given, asks no server and invents no data: a time without samples is a gap,
// save in lists of events, where it is a time without events.
package importer
