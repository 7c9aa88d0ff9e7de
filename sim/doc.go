// Package sim is a small world with a clock and no opinions: one Deployment, its
// pods and nodes, the service they give under an offered load, and what a metrics
// pipeline would see of them. It decides nothing: whoever drives it asks for
// replicas and lets time pass.
//
// Time is simulated and moves only in WaitUntil. At equal instants the world moves
// first, then it is observed, then controllers act (see Priority), so that the order
// of events never depends on how they were scheduled. All randomness comes from
// named streams of one seed: the n-th pod ever created takes as long to start under
// every policy.
//
// Requests are a fluid, not events: see Service for the model, its sources and its
// exactness.
package sim
