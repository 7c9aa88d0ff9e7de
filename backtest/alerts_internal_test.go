package backtest

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/backtest/result"
	"hindcast.dev/datasets"
	"hindcast.dev/internal/metricnames"
	"hindcast.dev/promdb"
)

// shippedRules are the rule files of manifests/monitoring.
func shippedRules(t *testing.T) []*promdb.RuleFile {
	t.Helper()
	paths, err := filepath.Glob("../manifests/monitoring/rules/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var files []*promdb.RuleFile
	for _, path := range paths {
		if name := filepath.Base(path); name == "kustomization.yaml" || strings.HasSuffix(name, "_test.yaml") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, rulesOf(t, path, string(text)))
	}
	if len(files) < 4 {
		t.Fatalf("only %d rule files", len(files))
	}
	return files
}

// TestShippedRulesReadWhatIsExposed: no rule asks for a metric that nobody exposes or
// records.
func TestShippedRulesReadWhatIsExposed(t *testing.T) {
	recorded := map[string]bool{}
	for _, f := range shippedRules(t) {
		for _, name := range f.Records() {
			recorded[name] = true
		}
	}
	for _, f := range shippedRules(t) {
		names, exact, err := f.Metrics()
		if err != nil || !exact {
			t.Errorf("metrics of the rules: exact %v, %v", exact, err)
		}
		for _, name := range names {
			if _, ok := metricnames.Find(name); !ok && !recorded[name] {
				t.Errorf("%s is neither exposed nor recorded", name)
			}
		}
	}
}

// hours is a load in requests/s of so many hours, by minute.
func hours(n int, of func(minute int) float64) datasets.Series {
	s := datasets.Series{Name: "load", Unit: datasets.RPS, Start: monday, Step: time.Minute}
	for i := range n * 60 {
		s.Values = append(s.Values, of(i))
	}
	return s
}

// calm is a day's rhythm without surprises.
func calm(minute int) float64 {
	return 300 + 150*math.Sin(float64(minute)*2*math.Pi/1440) + 5*math.Sin(float64(minute))
}

func lasting(d time.Duration) metav1.Duration { return metav1.Duration{Duration: d} }

// An alertCase is a simulated scenario and the alerts that have to fire in it: no other
// may, unless it is in also.
type alertCase struct {
	load    datasets.Series
	change  func(*v1alpha1.ExperimentSpec)
	faults  []v1alpha1.ClusterFault
	entrant string
	value   float64 // of its knob; 0: as configured
	fires   []string
	also    []string
}

// TestEveryAlertFires: for each alert that is shipped a scenario fires it,
// and others do not: a calm day and more fires none at all.
func TestEveryAlertFires(t *testing.T) {
	files := shippedRules(t)
	noise := rand.New(rand.NewPCG(1, 2))
	fired, judged := map[string]bool{}, map[string]bool{}
	cases := map[string]alertCase{
		"calm": {load: hours(25, calm), entrant: "v3"},
		"a tenth of the requests fail": {
			load: hours(7, calm), entrant: "static", value: 5,
			change: func(spec *v1alpha1.ExperimentSpec) { spec.App.ErrorRate, spec.SLO.Objective = "0.1", "85" },
			fires:  []string{"HindcastSLOBurnFast", "HindcastSLOBurnMedium", "HindcastSLOBurnSlow"},
		},
		"a little more than the budget fails": {
			load: hours(7, calm), entrant: "static", value: 5,
			change: func(spec *v1alpha1.ExperimentSpec) { spec.App.ErrorRate, spec.SLO.Objective = "0.002", "99" },
			fires:  []string{"HindcastSLOBurnSlow"},
		},
		"the metrics of the application are lost": {
			load: hours(6, calm), entrant: "scale",
			change: func(spec *v1alpha1.ExperimentSpec) { spec.MaxReplicas = 20 },
			faults: []v1alpha1.ClusterFault{{Kind: v1alpha1.FaultScrapeOutage, Job: metricnames.JobApp, At: "4h", Duration: lasting(30 * time.Minute)}},
			fires:  []string{"HindcastScalerStale", "HindcastTargetDown"},
			also:   []string{"HindcastForecastAccuracyLow", "HindcastScalerAtMax"},
		},
		"the API server refuses all writes while the load doubles": {
			load: hours(6, func(minute int) float64 { return calm(minute) * float64(1+minute/242) }), entrant: "v3",
			change: func(spec *v1alpha1.ExperimentSpec) { spec.MaxReplicas = 20 },
			faults: []v1alpha1.ClusterFault{{Kind: v1alpha1.FaultAPIErrors, At: "4h", Duration: lasting(20 * time.Minute)}},
			fires:  []string{"HindcastScalerBlocked"},
			also:   []string{"HindcastSLOBurnFast", "HindcastSLOBurnMedium", "HindcastSLOBurnSlow", "HindcastForecastAccuracyLow"},
		},
		"it does so for a moment": {
			load: hours(6, func(minute int) float64 { return calm(minute) * float64(1+minute/242) }), entrant: "v3",
			change: func(spec *v1alpha1.ExperimentSpec) { spec.MaxReplicas = 20 },
			faults: []v1alpha1.ClusterFault{{Kind: v1alpha1.FaultAPIErrors, At: "4h", Duration: lasting(6 * time.Minute)}},
			also:   []string{"HindcastSLOBurnFast", "HindcastSLOBurnMedium", "HindcastSLOBurnSlow", "HindcastForecastAccuracyLow"},
		},
		"the controller is gone": {
			load: hours(5, calm), entrant: "v3",
			faults: []v1alpha1.ClusterFault{{Kind: v1alpha1.FaultScrapeOutage, Job: metricnames.JobScaler, At: "4h", Duration: lasting(30 * time.Minute)}},
			fires:  []string{"HindcastControllerGone", "HindcastTargetDown"},
		},
		"the controller is gone for a moment, Prometheus for longer": {
			load: hours(6, calm), entrant: "v3",
			faults: []v1alpha1.ClusterFault{
				{Kind: v1alpha1.FaultScrapeOutage, Job: metricnames.JobScaler, At: "3h", Duration: lasting(4 * time.Minute)},
				{Kind: v1alpha1.FaultScrapeOutage, At: "4h", Duration: lasting(40 * time.Minute)},
			},
			also: []string{"HindcastScalerStale"},
		},
		"nothing can be foreseen": {
			load:    hours(5, func(int) float64 { return 10 + 600*math.Pow(noise.Float64(), 4) }),
			entrant: "v3",
			fires:   []string{"HindcastForecastAccuracyLow"},
			also:    []string{"HindcastScalerFlapping", "HindcastScalerAtMax", "HindcastSLOBurnFast", "HindcastSLOBurnMedium", "HindcastSLOBurnSlow"},
		},
		"fewer replicas than the load needs": {
			load: hours(4, calm), entrant: "hpa",
			change: func(spec *v1alpha1.ExperimentSpec) { spec.MaxReplicas = 2 },
			fires:  []string{"HindcastScalerAtMax"},
			also:   []string{"HindcastSLOBurnFast", "HindcastSLOBurnMedium", "HindcastSLOBurnSlow"},
		},
		"one number is all there is, by an HPA": {
			load: hours(8, calm), entrant: "hpa",
			change: func(spec *v1alpha1.ExperimentSpec) { spec.MinReplicas, spec.MaxReplicas = new(int32(6)), 6 },
		},
		"one number is all there is, by a scaler": {
			load: hours(8, calm), entrant: "v3",
			change: func(spec *v1alpha1.ExperimentSpec) { spec.MinReplicas, spec.MaxReplicas = new(int32(6)), 6 },
		},
		"up and down": {
			load: hours(4, func(minute int) float64 {
				if minute/3%2 == 0 {
					return 100
				}
				return 600
			}),
			change:  func(spec *v1alpha1.ExperimentSpec) { spec.App.PeakPods = 8 },
			entrant: "hpa",
			fires:   []string{"HindcastScalerFlapping"},
			also:    []string{"HindcastSLOBurnFast", "HindcastSLOBurnMedium", "HindcastSLOBurnSlow", "HindcastScalerAtMax"},
		},
		"far too many": {
			load: hours(25, calm), entrant: "static", value: 10,
			change: func(spec *v1alpha1.ExperimentSpec) {
				spec.MaxReplicas, spec.App.PeakPods, spec.Cluster.ScrapeInterval.Duration = 10, 1, 30*time.Second
			},
			fires: []string{"HindcastOverProvisioned"},
		},
		"no room for the pods": {
			load: hours(3, calm), entrant: "static", value: 12,
			change: func(spec *v1alpha1.ExperimentSpec) { spec.Cluster.Nodes.Count = 1 },
			fires:  []string{"HindcastPodsPending"},
		},
		"half of the nodes are lost": {
			load: hours(4, calm), entrant: "hpa",
			faults: []v1alpha1.ClusterFault{{Kind: v1alpha1.FaultNodeLoss, Share: "0.5", At: "3h", Duration: lasting(30 * time.Minute)}},
			fires:  []string{"HindcastTargetDown", "HindcastPodsPending"},
			also:   []string{"HindcastScalerAtMax", "HindcastSLOBurnFast", "HindcastSLOBurnMedium", "HindcastSLOBurnSlow"},
		},
		"Prometheus is down": { // and nobody judges anything
			load: hours(4, calm), entrant: "static", value: 5,
			faults: []v1alpha1.ClusterFault{
				{Kind: v1alpha1.FaultScrapeOutage, At: "3h", Duration: lasting(40 * time.Minute)},
				{Kind: v1alpha1.FaultNodeLoss, Share: "1", At: "181m", Duration: lasting(30 * time.Minute)},
			},
			also: []string{"HindcastSLOBurnFast", "HindcastSLOBurnMedium", "HindcastSLOBurnSlow"},
		},
		"a rollout": {
			load: hours(6, calm), entrant: "static", value: 5,
			faults: []v1alpha1.ClusterFault{{Kind: v1alpha1.FaultRollout, At: "3h"}, {Kind: v1alpha1.FaultRollout, At: "4h"}},
		},
	}
	ran := 0
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			change := func(spec *v1alpha1.ExperimentSpec) {
				spec.Warmup, spec.App.PeakPods, spec.Cluster.Faults = "1h", 3, tc.faults
				if tc.change != nil {
					tc.change(spec)
				}
			}
			e := testEnv(t, tc.load, change)
			if err := e.rules.add(files); err != nil {
				t.Fatal(err)
			}
			ent := entrantNamed(t, e, tc.entrant)
			value := tc.value
			if value == 0 {
				value = configured(ent)
			}
			tr := try(t, e, ent, value, catalog{})
			if tr.ruleFault != nil {
				t.Errorf("a rule failed: %v", tr.ruleFault)
			}
			ran++
			for _, want := range tc.fires {
				if !slices.ContainsFunc(tr.alerts, func(a result.Alert) bool { return a.Name == want && a.Firings > 0 && a.Seconds > 0 }) {
					t.Errorf("%s did not fire: %+v", want, tr.alerts)
				}
			}
			for _, a := range tr.alerts {
				judged[a.Name] = true
				if a.Firings > 0 && slices.Contains(tc.fires, a.Name) {
					fired[a.Name] = true
				}
				if a.Firings > 0 && !slices.Contains(tc.fires, a.Name) && !slices.Contains(tc.also, a.Name) {
					t.Errorf("%s fired %d times for %v s", a.Name, a.Firings, a.Seconds)
				}
			}
		})
	}
	if ran < len(cases) {
		return // Some were asked for by name.
	}
	for name := range judged {
		if !fired[name] {
			t.Errorf("%s fired in no scenario that is to fire it", name)
		}
	}
	shipped := map[string]bool{}
	for _, f := range files {
		for _, alert := range regexp.MustCompile(`(?m)^ *- alert: (\w+)$`).FindAllSubmatch(f.Text(), -1) {
			shipped[string(alert[1])] = true
		}
	}
	if diff := cmp.Diff(shipped, judged); diff != "" || len(shipped) < 12 {
		t.Errorf("%d alerts are shipped; not those that were judged: %s", len(shipped), diff)
	}
}
