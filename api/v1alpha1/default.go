package v1alpha1

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Default fills in every field that is absent and has a default. Defaulting twice
// changes nothing.
func (s *PredictiveScaler) Default() {
	fill(&s.APIVersion, APIVersion)
	fill(&s.Kind, KindPredictiveScaler)
	spec := &s.Spec
	fillPointer(&spec.MinReplicas, 1)
	fill(&spec.Mode, ModeShadow)
	fill(&spec.Actuation.Type, ActuationHPAMinReplicas)
	fill(&spec.Forecast.Model, Auto)
	fill(&spec.Forecast.Season, Auto)
	fill(&spec.Forecast.Horizon, Auto)
	fill(&spec.Forecast.Quantile, Auto)
	spec.SLO.setDefaults()
	spec.Cost.setDefaults()
	fillPointer(&spec.Safety.ReactiveFloor, true)
	fillPointer(&spec.Safety.StaleAfter, duration(2*time.Minute))
	fill(&spec.Safety.MinSeriesShare, "0.75")
}

// Default fills in every field that is absent and has a default. Defaulting twice
// changes nothing. Datasets have no default.
func (e *Experiment) Default() {
	fill(&e.APIVersion, APIVersion)
	fill(&e.Kind, KindExperiment)
	s := &e.Spec
	for i := range s.Datasets {
		s.Datasets[i].setDefaults()
	}
	s.App.setDefaults()
	s.Cluster.setDefaults()
	if len(s.Policies) == 0 {
		for _, id := range Policies() {
			s.Policies = append(s.Policies, PolicyRef{Name: id})
		}
	}
	if s.Candidate == "" {
		isV3 := func(p PolicyRef) bool { return p.Name == "v3" }
		s.Candidate = s.Policies[len(s.Policies)-1].Name
		if slices.ContainsFunc(s.Policies, isV3) {
			s.Candidate = "v3"
		}
	}
	if len(s.Models) == 0 {
		s.Models = []string{"naive", "seasonal-naive", "harmonic", "ridge", "auto"}
	}
	fillPointer(&s.Seed, 1)
	fill(&s.Seeds, 1)
	fill(&s.Warmup, "25%")
	fillPointer(&s.MinReplicas, 1)
	s.SLO.setDefaults()
	s.Cost.setDefaults()
	fillPointer(&s.EqualSLA, true)
	fill(&s.Metrics, MetricsNeeded)
}

func (s *SLO) setDefaults() {
	fill(&s.Latency, duration(250*time.Millisecond))
	fill(&s.Objective, "99.9")
}

func (c *Cost) setDefaults() { fill(&c.PerReplicaHour, "0.05") }

func (d *Dataset) setDefaults() {
	if d.Scenario != "" {
		fill(&d.Name, d.Scenario)
	} else if d.Path != "" {
		fill(&d.Name, nameOf(d.Path))
		fill(&d.Unit, "rps")
	}
	fill(&d.Scale, Auto)
}

// nameOf turns the path of a recording into a name: its folder's where the file is
// called load, else its own, without extensions.
func nameOf(path string) string {
	path = strings.TrimPrefix(path, "tsdb:")
	clean := filepath.ToSlash(filepath.Clean(path))
	base := clean[strings.LastIndex(clean, "/")+1:]
	base = strings.TrimSuffix(strings.TrimSuffix(base, ".gz"), ".csv")
	if folder := filepath.Base(filepath.Dir(path)); base == "load" && folder != "." && folder != ".." {
		return folder
	}
	return base
}

func (a *App) setDefaults() {
	fill(&a.CPUPerRequest, duration(5*time.Millisecond))
	fill(&a.CPUVariation, "1")
	fillPointer(&a.Wait, duration(20*time.Millisecond))
	fillResource(&a.Resources.Requests, corev1.ResourceCPU, "500m")
	fillResource(&a.Resources.Requests, corev1.ResourceMemory, "512Mi")
	fillResource(&a.Resources.Limits, corev1.ResourceCPU, "1")
	fillResource(&a.Resources.Limits, corev1.ResourceMemory, "1Gi")
	fill(&a.Queue, 200)
	fill(&a.Timeout, duration(5*time.Second))
	fill(&a.ErrorRate, "0")
	fill(&a.TimeToReady.P50, duration(40*time.Second))
	fill(&a.TimeToReady.P95, duration(90*time.Second))
	fillPointer(&a.WarmUp.Duration, duration(time.Minute))
	fill(&a.WarmUp.InitialSpeed, "0.3")
	fillPointer(&a.TerminationGrace, duration(30*time.Second))
	fill(&a.PeakPods, 20)
}

func (c *Cluster) setDefaults() {
	fillResource(&c.Nodes.Allocatable, corev1.ResourceCPU, "4")
	fillResource(&c.Nodes.Allocatable, corev1.ResourceMemory, "16Gi")
	fill(&c.Nodes.PerNodeHour, "0")
	fill(&c.ScrapeInterval, duration(15*time.Second))
	fillPointer(&c.ScrapeDelay, duration(time.Second))
	fill(&c.MetricResolution, duration(15*time.Second))
	fill(&c.EvaluationInterval, duration(15*time.Second))
}

func fill[T comparable](field *T, def T) {
	var zero T
	if *field == zero {
		*field = def
	}
}

func fillPointer[T any](field **T, def T) {
	if *field == nil {
		*field = new(def)
	}
}

func fillResource(list *corev1.ResourceList, name corev1.ResourceName, amount string) {
	if _, ok := (*list)[name]; ok {
		return
	}
	if *list == nil {
		*list = corev1.ResourceList{}
	}
	(*list)[name] = resource.MustParse(amount)
}

func duration(d time.Duration) metav1.Duration { return metav1.Duration{Duration: d} }
