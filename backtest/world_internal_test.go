package backtest

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
	"hindcast.dev/backtest/result"
	"hindcast.dev/datasets"
)

// ramp is a load in requests/s that rises evenly to the capacity of so many pods and
// a little more, over the given minutes.
func ramp(pods float64, minutes int) datasets.Series {
	s := datasets.Series{Name: "ramp", Unit: datasets.RPS, Start: monday, Step: time.Minute}
	for i := range minutes {
		s.Values = append(s.Values, pods*100*float64(i+1)/float64(minutes))
	}
	return s
}

// days is a synthetic load of so many days with a quarter of it as warm-up: humps,
// bursts, noise, and a gap in the last day.
func days(n int) datasets.Series {
	s := datasets.Series{Name: "days", Unit: datasets.RPS, Start: monday, Step: time.Minute}
	for i := range n * 1440 {
		hour := float64(i%1440) / 60
		v := 250 + 200*math.Sin((hour-9)*math.Pi/12) + 20*math.Sin(float64(i)*1.7) + 10*math.Sin(float64(i)*0.37)
		if i%613 < 9 {
			v *= 1.8
		}
		if i >= n*1440-300 && i < n*1440-280 {
			v = math.NaN()
		}
		s.Values = append(s.Values, v)
	}
	return s
}

// scenario is the start of a shipped scenario.
func scenario(t testing.TB, name string, n int) datasets.Series {
	t.Helper()
	sc, err := datasets.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	s := sc.Generate(1)
	s.Values = s.Values[:min(len(s.Values), int(time.Duration(n)*day/s.Step))]
	return s
}

// experiment is one with defaults on a load that is written to a file, for 8 pods.
func experiment(t testing.TB, s datasets.Series) *v1alpha1.Experiment {
	t.Helper()
	file := filepath.Join(t.TempDir(), "load.csv")
	var b bytes.Buffer
	if err := datasets.WriteCSV(&b, s); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	x := &v1alpha1.Experiment{}
	x.Spec.Datasets = []v1alpha1.Dataset{{Name: "load", Path: file, Unit: string(s.Unit)}}
	x.Spec.App.PeakPods = 8
	x.Spec.EqualSLA = new(false)
	x.Default()
	if err := x.Validate(); err != nil {
		t.Fatal(err)
	}
	return x
}

// testEnv is the env of an experiment on a load.
func testEnv(t testing.TB, s datasets.Series, change ...func(*v1alpha1.ExperimentSpec)) *env {
	t.Helper()
	x := experiment(t, s)
	for _, c := range change {
		c(&x.Spec)
	}
	e, err := newEnv(x, x.Spec.Datasets[0], "default", "shop")
	if err != nil {
		t.Fatal(err)
	}
	closeEnv(t, e)
	return e
}

// testEnvWith is testEnv with a change that the shared store has to know of.
func testEnvWith(t testing.TB, s datasets.Series, change func(*env)) *env {
	t.Helper()
	e := testEnv(t, s)
	change(e)
	return e
}

func closeEnv(t testing.TB, e *env) {
	t.Helper()
	t.Cleanup(func() {
		if err := e.close(); err != nil {
			t.Error(err)
		}
	})
}

// A trial is a recorded run, in memory but for its blocks.
type trial struct {
	output
	timeline  []result.Row
	decisions []autoscaler.Record
	lines     [][]byte // of decisions.jsonl
	blocks    string   // folder
}

type file struct{ bytes.Buffer }

func (*file) Close() error { return nil }

// try runs an entrant with its knob at a value, recording all there is.
func try(t testing.TB, e *env, ent *entrant, value float64, keep catalog) trial {
	t.Helper()
	var timeline, decisions file
	tr := trial{blocks: filepath.Join(t.TempDir(), "tsdb")}
	w := result.NewTimelineWriter(&timeline)
	out, err := e.run(t.Context(), task{
		entrant: ent, value: value, seed: 1, latencies: true, timeline: w,
		record: &recording{decisions: &decisions, tsdb: tr.blocks, keep: keep},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	tr.output = out
	for row, err := range result.ReadTimeline(&timeline) {
		if err != nil {
			t.Fatal(err)
		}
		tr.timeline = append(tr.timeline, row)
	}
	tr.lines = slices.Collect(bytes.Lines(decisions.Bytes()))
	for _, line := range tr.lines {
		var rec autoscaler.Record
		if err := json.Unmarshal(line, &rec); err != nil {
			t.Fatal(err)
		}
		tr.decisions = append(tr.decisions, rec)
	}
	return tr
}

func configured(ent *entrant) float64 {
	if ent.knob == nil {
		return math.NaN()
	}
	return ent.knob.configured
}

// scaler is a PredictiveScaler whose queries need the run's own database.
func scaler(t testing.TB, actuation string) *v1alpha1.PredictiveScaler {
	t.Helper()
	docs, err := v1alpha1.Decode([]byte(`
apiVersion: autoscaling.hindcast.dev/v1alpha1
kind: PredictiveScaler
metadata: {name: shop, namespace: default}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
  minReplicas: 1
  maxReplicas: 20
  actuation: `+actuation+`
  metrics:
  - name: served
    query: sum(rate(http_requests_total{namespace="default",pod=~"shop-.*"}[1m]))
    target: {perReplica: "70"}
  - name: cpu
    query: sum(rate(container_cpu_usage_seconds_total{namespace="default",pod=~"shop-.*"}[1m]))
    target: {utilization: 70, of: cpu}
`), "scaler.yaml")
	if err != nil {
		t.Fatal(err)
	}
	docs[0].Default()
	if err := docs[0].Validate(); err != nil {
		t.Fatal(err)
	}
	return docs[0].PredictiveScaler
}

// entrantOf is the policy of a PredictiveScaler.
func entrantOf(t testing.TB, e *env, name string, s *v1alpha1.PredictiveScaler) *entrant {
	t.Helper()
	ent, _, err := newEntrant(e, v1alpha1.PolicyRef{Name: name, File: "scaler.yaml"}, map[string]v1alpha1.Document{"scaler.yaml": {PredictiveScaler: s}})
	if err != nil {
		t.Fatal(err)
	}
	return ent
}

// onTheLoad is a scaler on the load at the ingress and nothing else.
func onTheLoad(t testing.TB, e *env, actuation string) *v1alpha1.PredictiveScaler {
	t.Helper()
	s := scaler(t, actuation)
	s.Spec.Metrics = s.Spec.Metrics[:1]
	s.Spec.Metrics[0].Name, s.Spec.Metrics[0].Query = "requests", e.loadQuery()
	return s
}

// entrants are all built-in policies and a manifest in both actuations.
func entrants(t testing.TB, e *env) []*entrant {
	t.Helper()
	manifests := map[string]v1alpha1.Document{
		"scale.yaml": {PredictiveScaler: scaler(t, "{type: Scale}")},
		"floor.yaml": {PredictiveScaler: scaler(t, "{type: HPAMinReplicas, hpaRef: {name: shop}}")},
	}
	var out []*entrant
	refs := []v1alpha1.PolicyRef{{Name: "scale", File: "scale.yaml"}, {Name: "floor", File: "floor.yaml"}}
	for _, id := range v1alpha1.Policies() {
		refs = append(refs, v1alpha1.PolicyRef{Name: id})
	}
	for _, ref := range refs {
		ent, _, err := newEntrant(e, ref, manifests)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, ent)
	}
	return out
}
