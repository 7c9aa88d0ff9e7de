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
	FaultSlowStart     = "slow-start"            // pods take longer until they are ready
	FaultScrapeLag     = "scrape-lag"            // samples reach queries late
	FaultAPIErrors     = "api-errors"            // the API server refuses requests of scalers
)

// FaultKinds returns the values of ClusterFault.Kind.
func FaultKinds() []string {
	return []string{
		FaultScrapeOutage, FaultMetricsOutage, FaultPodRestart, FaultNodeLoss, FaultRollout,
		FaultSlowStart, FaultScrapeLag, FaultAPIErrors,
	}
}

// The values of ClusterFault.Stage.
const (
	StagePull  = "pull"  // the image is pulled
	StageStart = "start" // the container runs and is not ready yet
)

// FaultStages returns the values of ClusterFault.Stage.
func FaultStages() []string { return []string{StagePull, StageStart} }

// The values of ClusterFault.Requests.
const (
	RequestsWrites = "writes" // changes of a scale, and of the minReplicas of an HPA
	RequestsAll    = "all"    // reading them as well
)

// FaultRequests returns the values of ClusterFault.Requests.
func FaultRequests() []string { return []string{RequestsWrites, RequestsAll} }

// ScrapeJobs returns the jobs of Prometheus whose targets an outage may take away: the
// values of the label job in the simulated world.
func ScrapeJobs() []string {
	return []string{"app", "cadvisor", "hindcast", "ingress-nginx", "kube-state-metrics", "node-exporter"}
}

// jobOfPods is the job that has a target in every pod.
const jobOfPods = "app"

// ClusterFault is something that goes wrong in the simulated cluster, or is done to it: once,
// at a time, or again and again at random. All policies meet the same faults.
type ClusterFault struct {
	// Kind is what happens: scrape-outage, metrics-server-outage, pod-restart, node-loss, rollout,
	// slow-start, scrape-lag or api-errors.
	Kind string `json:"kind"`
	// At is when: a duration since the start of the data such as 26h, or a time such as
	// 2026-01-05T12:00:00Z. Either this or PerDay.
	At string `json:"at,omitempty"`
	// PerDay is how often it happens in a day on average, at times drawn from the seed
	// (a Poisson process).
	PerDay Decimal `json:"perDay,omitempty"`
	// Duration is how long it lasts; of a node-loss, until the machine is back.
	Duration metav1.Duration `json:"duration,omitzero"`
	// Job whose targets do not answer in a scrape-outage; default: Prometheus itself is
	// down.
	Job string `json:"job,omitempty"`
	// Share of the ready pods that a pod-restart hits, or of the nodes that a node-loss does,
	// such as "0.25", rounded up; default: one. Of the nodes on which a slow-start is slow, rounded
	// up, of the requests that fail of api-errors, or of the pods that do not answer in a
	// scrape-outage of job app; default: all.
	Share Decimal `json:"share,omitempty"`
	// Factor is how many times as long a pod takes in a slow-start.
	Factor Decimal `json:"factor,omitempty"`
	// Stage of its start that a slow-start slows down: pull or start; default: all of it, from its
	// creation until it is ready.
	Stage string `json:"stage,omitempty"`
	// Delay until a sample can be queried in a scrape-lag, beyond the usual one.
	Delay metav1.Duration `json:"delay,omitzero"`
	// Requests that api-errors refuse: writes, or all; default: writes.
	Requests string `json:"requests,omitempty"`
}

// mostPerDay bounds how often a fault happens: once a minute.
const mostPerDay = 24 * 60

// mostFactor bounds how slow a start is: a pod of a minute then takes 17 hours.
const mostFactor = 1000

// lasts reports whether a kind of fault goes on for a duration.
func lasts(kind string) bool { return kind != FaultPodRestart && kind != FaultRollout }

// hasShare reports whether a kind of fault hits a share of what there is.
func hasShare(kind string) bool {
	return kind == FaultPodRestart || kind == FaultNodeLoss || kind == FaultSlowStart || kind == FaultAPIErrors || kind == FaultScrapeOutage
}

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
	f.faultShare(path, c, known)
	f.faultFields(path, c, known)
}

func (f *faults) faultShare(path string, c *ClusterFault, known bool) {
	switch {
	case known && !hasShare(c.Kind) && c.Share != "":
		f.add(path+".share", "a %s has no share; remove it", c.Kind)
		return
	case c.Kind == FaultScrapeOutage && c.Job != jobOfPods && c.Share != "":
		f.add(path+".share", "of a %s is that of the pods of job %s; write job: %s, or remove it", c.Kind, jobOfPods, jobOfPods)
		return
	}
	if v, ok := f.number(path+".share", c.Share, 0, 1, false); ok && v == 0 {
		f.add(path+".share", "0 hits nothing; write a share such as \"0.25\", or remove the fault")
	}
}

// faultFields looks at what only one kind of fault has.
func (f *faults) faultFields(path string, c *ClusterFault, known bool) {
	only := func(field, kind, given string) bool {
		if given == "" {
			return false
		}
		if known && c.Kind != kind {
			f.add(path+"."+field, "is for %s only; remove it", kind)
			return false
		}
		return true
	}
	if only("job", FaultScrapeOutage, c.Job) {
		f.oneOf(path+".job", "job", c.Job, ScrapeJobs())
	}
	if only("factor", FaultSlowStart, string(c.Factor)) {
		f.number(path+".factor", c.Factor, 1, mostFactor, true)
	} else if c.Kind == FaultSlowStart {
		f.add(path+".factor", "is missing; write how many times as long a start takes, such as \"3\"")
	}
	if only("stage", FaultSlowStart, c.Stage) {
		f.oneOf(path+".stage", "stage", c.Stage, FaultStages())
	}
	switch {
	case c.Kind == FaultScrapeLag:
		f.positive(path+".delay", c.Delay)
	case known && c.Delay.Duration != 0:
		f.add(path+".delay", "is for %s only; remove it", FaultScrapeLag)
	}
	if only("requests", FaultAPIErrors, c.Requests) {
		f.oneOf(path+".requests", "requests", c.Requests, FaultRequests())
	}
}
