package v1alpha1

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"hindcast.dev/internal/suggest"
)

// The values of ExperimentSpec.Metrics.
const (
	MetricsNeeded = "needed" // the series that the run's policies and rules read
	MetricsAll    = "all"    // every series that a real cluster would expose
)

// Validate returns everything that is wrong with the values, one fault a line, each
// with its path and a remedy, or nil. Defaults must be filled in. Files are not
// looked for.
func (e *Experiment) Validate() error {
	var f faults
	s := &e.Spec
	f.datasets(s.Datasets)
	f.app(&s.App)
	f.cluster(&s.Cluster)
	f.policies(s)
	for i, m := range s.Models {
		f.model(fmt.Sprintf("spec.models[%d]", i), m)
	}
	if s.Seeds < 1 {
		f.add("spec.seeds", "%d is less than 1; write how many seeds to run", s.Seeds)
	}
	if _, _, err := s.WarmupPart(); err != nil {
		f.add("spec.warmup", "%v; write a percentage such as 25%% or a duration such as 24h", err)
	}
	f.experimentBounds(s)
	f.slo("spec.slo", &s.SLO)
	f.cost("spec.cost", &s.Cost)
	f.oneOf("spec.metrics", "choice", s.Metrics, []string{MetricsNeeded, MetricsAll})
	for i, file := range s.Rules {
		path := fmt.Sprintf("spec.rules[%d]", i)
		if f.required(path, file) && slices.Contains(s.Rules[:i], file) {
			f.add(path, "%q stands twice; remove one", file)
		}
	}
	return f.err()
}

// WarmupPart returns the part of the data that is scored for nobody: a share in
// [0,1), or, where it is given as one, a duration.
func (s *ExperimentSpec) WarmupPart() (share float64, d time.Duration, err error) {
	if percent, ok := strings.CutSuffix(s.Warmup, "%"); ok {
		v, err := Decimal(strings.TrimSpace(percent)).Float()
		if err != nil || !(v >= 0 && v < 100) {
			return 0, 0, fmt.Errorf("%q is not a percentage of at least 0 and under 100", s.Warmup)
		}
		return v / 100, 0, nil
	}
	d, err = time.ParseDuration(s.Warmup)
	if err != nil || d < 0 {
		return 0, 0, fmt.Errorf("%q is neither a percentage nor a duration", s.Warmup)
	}
	return 0, d, nil
}

func (f *faults) datasets(all []Dataset) {
	if len(all) == 0 {
		f.add("spec.datasets", "is empty; give a dataset with a path or a scenario")
	}
	seen := make(map[string]bool)
	for i := range all {
		d := &all[i]
		path := fmt.Sprintf("spec.datasets[%d]", i)
		switch {
		case d.Path == "" && d.Scenario == "":
			f.add(path, "has neither path nor scenario; set one")
		case d.Path != "" && d.Scenario != "":
			f.add(path, "has both path and scenario; remove one")
		}
		if (d.Query != "" || d.Step.Duration != 0) && !strings.HasPrefix(d.Path, "tsdb:") {
			f.add(path, "has a query or a step, which only a path tsdb:FOLDER has; remove them")
		}
		if d.Step.Duration < 0 {
			f.add(path+".step", "%v is negative; write a duration such as 30s", d.Step.Duration)
		}
		if d.Name != "" && seen[d.Name] {
			f.add(path+".name", "%q stands twice; give every dataset a name of its own", d.Name)
		}
		seen[d.Name] = true
		if d.Unit != "" {
			f.oneOf(path+".unit", "unit", d.Unit, Units())
		}
		if _, _, err := d.Factor(); err != nil {
			f.add(path+".scale", "%v; write a factor such as 2.5, or auto", err)
		}
	}
}

// Factor returns the factor on the load, or auto.
func (d *Dataset) Factor() (factor float64, auto bool, err error) {
	if d.Scale == Auto || d.Scale == "" {
		return 0, true, nil
	}
	factor, err = Decimal(d.Scale).Float()
	if err != nil || factor <= 0 {
		return 0, false, fmt.Errorf("%q is not a positive number", d.Scale)
	}
	return factor, false, nil
}

func (f *faults) app(a *App) {
	const path = "spec.app"
	f.positive(path+".cpuPerRequest", a.CPUPerRequest)
	f.number(path+".cpuVariation", a.CPUVariation, 0, math.Inf(1), false)
	f.notNegative(path+".wait", a.Wait)
	f.resources(path+".resources", &a.Resources)
	if a.Queue < 1 {
		f.add(path+".queue", "%d is less than 1; write how many requests a pod may hold", a.Queue)
	}
	f.positive(path+".timeout", a.Timeout)
	if v, ok := f.number(path+".errorRate", a.ErrorRate, 0, 1, false); ok && v == 1 {
		f.add(path+".errorRate", "1 leaves no good request; write a share under 1")
	}
	f.positive(path+".timeToReady.p50", a.TimeToReady.P50)
	if a.TimeToReady.P95.Duration < a.TimeToReady.P50.Duration {
		f.add(path+".timeToReady.p95", "%s is less than p50 %s; raise it",
			a.TimeToReady.P95.Duration, a.TimeToReady.P50.Duration)
	}
	f.notNegative(path+".warmUp.duration", a.WarmUp.Duration)
	if v, ok := f.number(path+".warmUp.initialSpeed", a.WarmUp.InitialSpeed, 0, 1, false); ok && v == 0 {
		f.add(path+".warmUp.initialSpeed", "0 would never serve anything; write a share of full speed above 0")
	}
	f.notNegative(path+".terminationGrace", a.TerminationGrace)
	if a.PeakPods < 1 {
		f.add(path+".peakPods", "%d is less than 1; write how many replicas the p99 of the load should need",
			a.PeakPods)
	}
}

func (f *faults) resources(path string, r *corev1.ResourceRequirements) {
	if len(r.Claims) > 0 {
		f.add(path+".claims", "are not simulated; remove them")
	}
	for _, part := range []struct {
		name string
		list corev1.ResourceList
	}{{"requests", r.Requests}, {"limits", r.Limits}} {
		f.amounts(path+"."+part.name, part.list)
	}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		request, limit := r.Requests[name], r.Limits[name]
		if limit.Sign() > 0 && limit.Cmp(request) < 0 {
			f.add(fmt.Sprintf("%s.limits.%s", path, name),
				"%s is less than the request %s; raise it or lower the request", limit.String(), request.String())
		}
	}
}

// amounts checks that a list holds positive amounts of CPU and memory only.
func (f *faults) amounts(path string, list corev1.ResourceList) {
	known := []string{string(corev1.ResourceCPU), string(corev1.ResourceMemory)}
	names := make([]string, 0, len(list))
	for name := range list {
		names = append(names, string(name))
	}
	slices.Sort(names)
	for _, name := range names {
		if !slices.Contains(known, name) {
			f.add(path, "%q is not simulated%s", name, suggest.Hint(name, known))
			continue
		}
		if q := list[corev1.ResourceName(name)]; q.Sign() <= 0 {
			f.add(path+"."+name, "%s is not positive; write an amount such as 500m or 512Mi", q.String())
		}
	}
}

func (f *faults) cluster(c *Cluster) {
	const path = "spec.cluster"
	if c.Nodes.Count < 0 {
		f.add(path+".nodes.count", "%d is negative; write a number of nodes, or 0 for as many as are needed",
			c.Nodes.Count)
	}
	f.amounts(path+".nodes.allocatable", c.Nodes.Allocatable)
	f.number(path+".nodes.perNodeHour", c.Nodes.PerNodeHour, 0, math.Inf(1), false)
	f.positive(path+".scrapeInterval", c.ScrapeInterval)
	f.notNegative(path+".scrapeDelay", c.ScrapeDelay)
	f.positive(path+".metricResolution", c.MetricResolution)
	f.positive(path+".evaluationInterval", c.EvaluationInterval)
	f.clusterFaults(c.Faults)
}

func (f *faults) policies(s *ExperimentSpec) {
	if len(s.Policies) == 0 {
		f.add("spec.policies", "is empty; name at least one policy")
		return
	}
	var names []string
	for i := range s.Policies {
		p := &s.Policies[i]
		path := fmt.Sprintf("spec.policies[%d]", i)
		if f.required(path+".name", p.Name) {
			f.policyName(path+".name", p, slices.Contains(names, p.Name))
		}
		if p.Name != "" && !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
		if p.Knob != nil {
			f.knob(path+".knob", p.Knob)
		}
	}
	if !slices.Contains(names, s.Candidate) {
		f.add("spec.candidate", "%q is none of the policies%s", s.Candidate, suggest.Hint(s.Candidate, names))
	}
}

func (f *faults) policyName(path string, p *PolicyRef, twice bool) {
	switch {
	case twice:
		f.add(path, "%q stands twice; give every policy a name of its own", p.Name)
	case p.File == "" && !slices.Contains(Policies(), p.Name):
		f.add(path, "unknown policy %q%s; a policy of your own needs a file",
			p.Name, suggest.Hint(p.Name, Policies()))
	case !isFileName(p.Name):
		f.add(path, "%q cannot be the name of a folder of the result; use letters, digits, -, _ and .", p.Name)
	}
}

// isFileName reports whether s can name a folder of the result on every system.
func isFileName(s string) bool {
	for _, c := range s {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && !strings.ContainsRune("-_.", c) {
			return false
		}
	}
	return s != "" && s[0] != '.' && len(s) <= 63
}

func (f *faults) knob(path string, k *KnobRange) {
	for _, end := range []struct {
		name string
		d    Decimal
	}{{".from", k.From}, {".to", k.To}} {
		if f.required(path+end.name, string(end.d)) {
			if _, err := end.d.Float(); err != nil {
				f.add(path+end.name, "%v; write a decimal number such as \"0.5\"", err)
			}
		}
	}
	from, err1 := k.From.Float()
	to, err2 := k.To.Float()
	if err1 == nil && err2 == nil && from >= to {
		f.add(path, "from %q is not less than to %q; swap or spread them", k.From, k.To)
	}
}

func (f *faults) experimentBounds(s *ExperimentSpec) {
	low := int32(1)
	if s.MinReplicas != nil {
		low = *s.MinReplicas
	}
	if low < 0 {
		f.add("spec.minReplicas", "%d is negative; write 0 or more", low)
	}
	if s.MaxReplicas < 0 {
		f.add("spec.maxReplicas", "%d is negative; write a number of replicas, or 0 for 1.5 times the highest demand",
			s.MaxReplicas)
	} else if s.MaxReplicas != 0 && s.MaxReplicas < low {
		f.maximum("spec.maxReplicas", s.MaxReplicas, low)
	}
}
