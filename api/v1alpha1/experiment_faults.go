package v1alpha1

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The values of ClusterFault.Kind.
const (
	FaultScrapeOutage  = "scrape-outage"         // Prometheus is down, or the targets of one job are
	FaultMetricsOutage = "metrics-server-outage" // the resource metrics API does not answer
	FaultPodRestart    = "pod-restart"           // containers of ready pods crash and start again
	FaultNodeLoss      = "node-loss"             // machines fail
	FaultRollout       = "rollout"               // the Deployment gets a new template
)

// FaultKinds returns the values of ClusterFault.Kind.
func FaultKinds() []string {
	return []string{FaultScrapeOutage, FaultMetricsOutage, FaultPodRestart, FaultNodeLoss, FaultRollout}
}

// ScrapeJobs returns the jobs of Prometheus whose targets an outage may take away: the
// values of the label job in the simulated world.
func ScrapeJobs() []string {
	return []string{"app", "cadvisor", "hindcast", "ingress-nginx", "kube-state-metrics", "node-exporter"}
}

// ClusterFault is something that goes wrong in the simulated cluster, or is done to it: once,
// at a time, or again and again at random. All policies meet the same faults.
type ClusterFault struct {
	// Kind is what happens: scrape-outage, metrics-server-outage, pod-restart, node-loss or
	// rollout.
	Kind string `json:"kind"`
	// At is when: a duration since the start of the data such as 26h, or a time such as
	// 2026-01-05T12:00:00Z. Either this or PerDay.
	At string `json:"at,omitempty"`
	// PerDay is how often it happens in a day on average, at times drawn from the seed
	// (a Poisson process).
	PerDay Decimal `json:"perDay,omitempty"`
	// Duration is how long an outage lasts, and until the machine is back.
	Duration metav1.Duration `json:"duration,omitzero"`
	// Job whose targets do not answer in a scrape-outage; default: Prometheus itself is
	// down.
	Job string `json:"job,omitempty"`
	// Share of the ready pods that a pod-restart hits, or of the nodes that a node-loss does,
	// such as "0.25", rounded up; default: one.
	Share Decimal `json:"share,omitempty"`
}

// mostPerDay bounds how often a fault happens: once a minute.
const mostPerDay = 24 * 60

// lasts reports whether a kind of fault goes on for a duration.
func lasts(kind string) bool { return kind != FaultPodRestart && kind != FaultRollout }

// hasShare reports whether a kind of fault hits a share of what there is.
func hasShare(kind string) bool { return kind == FaultPodRestart || kind == FaultNodeLoss }

// When returns when a fault at a fixed time happens, as a time since the start of the data.
func (c *ClusterFault) When(start time.Time) (time.Duration, error) {
	if at, err := time.Parse(time.RFC3339, c.At); err == nil {
		return at.Sub(start), nil
	}
	d, err := time.ParseDuration(c.At)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is neither a duration nor a time", c.At)
	}
	return d, nil
}

// FaultsWithin returns an error for each fault at a fixed time outside the data of that name, which
// are from start until before end, one a line, each with its path and a remedy.
func (s *ExperimentSpec) FaultsWithin(data string, start, end time.Time) error {
	var f faults
	for i := range s.Cluster.Faults {
		c := &s.Cluster.Faults[i]
		if c.At == "" {
			continue
		}
		path := fmt.Sprintf("spec.cluster.faults[%d].at", i)
		switch at, err := c.When(start); {
		case err != nil:
			f.add(path, "%v", err)
		case at < 0 || at >= end.Sub(start):
			f.add(path, "%s is outside the data of %s, which are from %s to %s; write a time within",
				c.At, data, start.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339))
		}
	}
	return f.err()
}

func (f *faults) clusterFaults(all []ClusterFault) {
	for i := range all {
		f.clusterFault(fmt.Sprintf("spec.cluster.faults[%d]", i), &all[i])
	}
}

func (f *faults) clusterFault(path string, c *ClusterFault) {
	if !f.required(path+".kind", c.Kind) {
		return
	}
	f.oneOf(path+".kind", "kind of fault", c.Kind, FaultKinds())
	known := slices.Contains(FaultKinds(), c.Kind)
	switch {
	case c.At == "" && c.PerDay == "":
		f.add(path, "has neither at nor perDay; say when it happens, or how often")
	case c.At != "" && c.PerDay != "":
		f.add(path, "has both at and perDay; remove one")
	case c.At != "":
		if _, err := c.When(time.Time{}); err != nil {
			f.add(path+".at", "%v; write a time since the start of the data such as 26h, or 2026-01-05T12:00:00Z", err)
		}
	default:
		f.number(path+".perDay", c.PerDay, 0, mostPerDay, true)
	}
	switch {
	case !known:
	case lasts(c.Kind):
		f.positive(path+".duration", c.Duration)
	case c.Duration.Duration != 0:
		f.add(path+".duration", "a %s has no duration; remove it", c.Kind)
	}
	if known && !hasShare(c.Kind) && c.Share != "" {
		f.add(path+".share", "a %s has no share; remove it", c.Kind)
	} else if v, ok := f.number(path+".share", c.Share, 0, 1, false); ok && v == 0 {
		f.add(path+".share", "0 hits nothing; write a share such as \"0.25\", or remove the fault")
	}
	if c.Job != "" {
		if c.Kind != FaultScrapeOutage {
			f.add(path+".job", "only a scrape-outage has a job; remove it")
		}
		f.oneOf(path+".job", "job", c.Job, ScrapeJobs())
	}
}
