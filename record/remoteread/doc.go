// Package remoteread gets the samples of series from a Prometheus server by its remote
// read protocol: as they are stored, at the instants of their scrapes, staleness markers
// among them, which queries do not show.
//
// Messages (prompb) and chunks (chunkenc) are Prometheus's own. Its client (storage/remote)
// is not used: it has credentials of its own and no patience, repeats what a server says,
// registers metrics for everybody and links the SDKs of clouds; requests go through
// promclient instead. The package refuses native histograms, which a recording does not
// hold, and frames whose checksum is wrong.
package remoteread
