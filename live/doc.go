// Package live runs PredictiveScalers against a real cluster: it watches the objects,
// gives each of them the loop of package autoscaler with the cluster behind its ports,
// and carries out, or only records, what the loop decides.
//
// It decides nothing itself, and it holds neither a simulator nor a database: the same
// loop and the same policy are what a backtest runs. It reads no Secret through the API
// and writes nothing but the scale of workloads (or the minReplicas of HPAs), the status
// of scalers, events and its own lease.
package live
