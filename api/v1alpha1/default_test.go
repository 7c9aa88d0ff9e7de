package v1alpha1_test

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
)

func duration(d time.Duration) metav1.Duration { return metav1.Duration{Duration: d} }

func TestDefaultOfAScaler(t *testing.T) {
	var got v1alpha1.PredictiveScaler
	got.Default()
	stale := duration(2 * time.Minute)
	want := v1alpha1.PredictiveScaler{
		TypeMeta: metav1.TypeMeta{APIVersion: "autoscaling.hindcast.dev/v1alpha1", Kind: "PredictiveScaler"},
		Spec: v1alpha1.PredictiveScalerSpec{
			MinReplicas: new(int32(1)),
			Mode:        v1alpha1.ModeShadow,
			Actuation:   v1alpha1.Actuation{Type: v1alpha1.ActuationHPAMinReplicas},
			Forecast:    v1alpha1.ForecastSpec{Model: "auto", Season: "auto", Horizon: "auto", Quantile: "auto"},
			SLO:         v1alpha1.SLO{Latency: duration(250 * time.Millisecond), Objective: "99.9"},
			Cost:        v1alpha1.Cost{PerReplicaHour: "0.05"},
			Safety:      v1alpha1.Safety{ReactiveFloor: new(true), StaleAfter: &stale, MinSeriesShare: "0.75"},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestDefaultOfAnExperiment has the default world of the design.
func TestDefaultOfAnExperiment(t *testing.T) {
	got := v1alpha1.Experiment{Spec: v1alpha1.ExperimentSpec{
		Datasets: []v1alpha1.Dataset{{Scenario: "step"}, {Path: "traces/nab/load.csv.gz"}, {Path: "load.csv"}},
	}}
	got.Default()
	wait, second, minute, grace := duration(20*time.Millisecond), duration(time.Second), duration(time.Minute), duration(30*time.Second)
	want := v1alpha1.Experiment{
		TypeMeta: metav1.TypeMeta{APIVersion: "autoscaling.hindcast.dev/v1alpha1", Kind: "Experiment"},
		Spec: v1alpha1.ExperimentSpec{
			Datasets: []v1alpha1.Dataset{
				{Name: "step", Scenario: "step", Scale: "auto"},
				{Name: "nab", Path: "traces/nab/load.csv.gz", Unit: "rps", Scale: "auto"},
				{Name: "load", Path: "load.csv", Unit: "rps", Scale: "auto"},
			},
			App: v1alpha1.App{
				CPUPerRequest: duration(5 * time.Millisecond), CPUVariation: "1", Wait: &wait,
				Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{"cpu": resource.MustParse("500m"), "memory": resource.MustParse("512Mi")},
					Limits:   corev1.ResourceList{"cpu": resource.MustParse("1000m"), "memory": resource.MustParse("1Gi")},
				},
				Queue: 200, Timeout: duration(5 * time.Second), ErrorRate: "0",
				TimeToReady:      v1alpha1.TimeToReady{P50: duration(40 * time.Second), P95: duration(90 * time.Second)},
				WarmUp:           v1alpha1.WarmUp{Duration: &minute, InitialSpeed: "0.3"},
				TerminationGrace: &grace, PeakPods: 20,
			},
			Cluster: v1alpha1.Cluster{
				Nodes: v1alpha1.NodePool{
					Allocatable: corev1.ResourceList{"cpu": resource.MustParse("4"), "memory": resource.MustParse("16Gi")},
					PerNodeHour: "0",
				},
				ScrapeInterval: duration(15 * time.Second), ScrapeDelay: &second, MetricResolution: duration(15 * time.Second), EvaluationInterval: duration(15 * time.Second),
			},
			Policies:  []v1alpha1.PolicyRef{{Name: "static"}, {Name: "hpa"}, {Name: "v2"}, {Name: "v3"}, {Name: "oracle"}},
			Candidate: "v3",
			Models:    []string{"naive", "seasonal-naive", "harmonic", "ridge", "auto"},
			Seed:      new(uint64(1)), Seeds: 1, Warmup: "25%", MinReplicas: new(int32(1)),
			SLO:      v1alpha1.SLO{Latency: duration(250 * time.Millisecond), Objective: "99.9"},
			Cost:     v1alpha1.Cost{PerReplicaHour: "0.05"},
			EqualSLA: new(true), Metrics: "needed",
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if err := got.Validate(); err != nil {
		t.Errorf("the defaults are not valid: %v", err)
	}
}

func TestDefaultKeepsWhatIsThere(t *testing.T) {
	for _, tc := range []struct {
		name     string
		policies []v1alpha1.PolicyRef
		want     string
	}{
		{"v3 is the candidate", []v1alpha1.PolicyRef{{Name: "v3"}, {Name: "hpa"}}, "v3"},
		{"else the last", []v1alpha1.PolicyRef{{Name: "static"}, {Name: "hpa"}}, "hpa"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := v1alpha1.Experiment{Spec: v1alpha1.ExperimentSpec{Policies: tc.policies}}
			e.Spec.App.Resources.Requests = corev1.ResourceList{"cpu": resource.MustParse("2")}
			e.Default()
			if e.Spec.Candidate != tc.want {
				t.Errorf("candidate = %q, want %q", e.Spec.Candidate, tc.want)
			}
			if got := e.Spec.App.Resources.Requests.Cpu().String(); got != "2" {
				t.Errorf("request = %s, want 2", got)
			}
			if !slices.Equal(e.Spec.Policies, tc.policies) {
				t.Errorf("policies = %v, want %v", e.Spec.Policies, tc.policies)
			}
		})
	}
}

// TestExamples holds that the shipped files are valid, that defaulting is
// idempotent and that they survive writing and reading.
func TestExamples(t *testing.T) {
	for _, file := range []string{"hpa.yaml", "predictivescaler.yaml", "experiment.yaml", "faults.yaml", "slow-cluster.yaml"} {
		t.Run(file, func(t *testing.T) {
			data, err := os.ReadFile("../../examples/" + file)
			if err != nil {
				t.Fatal(err)
			}
			once, err := v1alpha1.Decode(data, file)
			if err != nil {
				t.Fatal(err)
			}
			twice, err := v1alpha1.Decode(data, file)
			if err != nil {
				t.Fatal(err)
			}
			for i := range once {
				once[i].Default()
				twice[i].Default()
				twice[i].Default()
				if err := once[i].Validate(); err != nil {
					t.Error(err)
				}
				roundTrip(t, once[i])
			}
			if d := cmp.Diff(once, twice, cmpopts.IgnoreUnexported(v1alpha1.Document{})); d != "" {
				t.Errorf("defaulting twice: -once +twice:\n%s", d)
			}
		})
	}
}

// TestDocs holds that the pages name every field of the types.
func TestDocs(t *testing.T) {
	for _, tc := range []struct {
		page string
		of   reflect.Type
	}{
		{"scaler.md", reflect.TypeFor[v1alpha1.PredictiveScalerSpec]()},
		{"experiment.md", reflect.TypeFor[v1alpha1.ExperimentSpec]()},
	} {
		t.Run(tc.page, func(t *testing.T) {
			data, err := os.ReadFile("../../docs/" + tc.page)
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range fieldPaths(tc.of, "") {
				if !strings.Contains(string(data), "`"+path+"`") {
					t.Errorf("`%s` is not on the page", path)
				}
			}
		})
	}
}

// fieldPaths returns the paths of the fields of a struct of this API, with [] for
// the elements of lists. The insides of types of Kubernetes are not listed.
func fieldPaths(of reflect.Type, prefix string) []string {
	ours := reflect.TypeFor[v1alpha1.PredictiveScaler]().PkgPath()
	var all []string
	for f := range of.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		path, inner, depth := prefix+name, f.Type, 0
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			if inner.Kind() == reflect.Slice {
				depth++
			}
			inner = inner.Elem()
		}
		path += strings.Repeat("[]", depth)
		all = append(all, strings.TrimSuffix(path, "[]"))
		if inner.Kind() == reflect.Struct && inner.PkgPath() == ours {
			all = append(all, fieldPaths(inner, path+".")...)
		}
	}
	return all
}

func TestParsedFields(t *testing.T) {
	for _, tc := range []struct {
		season string
		want   []time.Duration
	}{
		{"auto", nil}, {"none", []time.Duration{}}, {"24h, 168h", []time.Duration{24 * time.Hour, 168 * time.Hour}},
	} {
		f := v1alpha1.ForecastSpec{Season: tc.season}
		got, err := f.Seasons()
		if err != nil || !cmp.Equal(got, tc.want) {
			t.Errorf("Seasons of %q = %v, %v, want %v", tc.season, got, err, tc.want)
		}
	}
	f := v1alpha1.ForecastSpec{Horizon: "5m", Quantile: "0.95"}
	if d, auto, err := f.HorizonLength(); d != 5*time.Minute || auto || err != nil {
		t.Errorf("HorizonLength = %v, %v, %v", d, auto, err)
	}
	if q, auto, err := f.QuantileLevel(); q != 0.95 || auto || err != nil {
		t.Errorf("QuantileLevel = %v, %v, %v", q, auto, err)
	}
	for _, tc := range []struct {
		warmup string
		share  float64
		length time.Duration
	}{
		{"25%", 0.25, 0}, {"0%", 0, 0}, {"12.5 %", 0.125, 0}, {"24h", 0, 24 * time.Hour},
	} {
		s := v1alpha1.ExperimentSpec{Warmup: tc.warmup}
		share, length, err := s.WarmupPart()
		if share != tc.share || length != tc.length || err != nil {
			t.Errorf("WarmupPart of %q = %v, %v, %v", tc.warmup, share, length, err)
		}
	}
	for _, bad := range []string{"100%", "-1%", "%", "x%", "-1h", "NaN%", ""} {
		s := v1alpha1.ExperimentSpec{Warmup: bad}
		if _, _, err := s.WarmupPart(); err == nil {
			t.Errorf("WarmupPart of %q: no error", bad)
		}
	}
	d := v1alpha1.Dataset{Scale: "2.5"}
	if k, auto, err := d.Factor(); k != 2.5 || auto || err != nil {
		t.Errorf("Factor = %v, %v, %v", k, auto, err)
	}
}
