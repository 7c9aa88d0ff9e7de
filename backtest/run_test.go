package backtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/backtest"
	"hindcast.dev/backtest/result"
)

// experiment is one on a scenario with 8 pods at its peak, without sweeps.
func experiment(scenario string, policies ...string) *v1alpha1.Experiment {
	x := &v1alpha1.Experiment{}
	x.Spec.Datasets = []v1alpha1.Dataset{{Scenario: scenario}}
	for _, id := range policies {
		x.Spec.Policies = append(x.Spec.Policies, v1alpha1.PolicyRef{Name: id})
	}
	x.Spec.Candidate = policies[0]
	x.Spec.App.PeakPods = 8
	x.Spec.EqualSLA = new(false)
	x.Spec.Models = []string{"naive"}
	return x
}

// run carries out an experiment into a new folder.
func run(t testing.TB, x *v1alpha1.Experiment, opt backtest.Options) (string, result.Result) {
	t.Helper()
	x.Default()
	if err := x.Validate(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	w, err := result.NewWriter(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	res, err := backtest.Run(t.Context(), x, x.Spec.Datasets[0], w, opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	return dir, res
}

// files reads all files under dir, of the blocks only the samples: their folders are
// named after the moment they were written.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if rest, ok := strings.CutPrefix(name, result.TSDBDir+"/"); ok {
			parts := strings.Split(rest, "/") // policy, block, ...
			if !strings.HasPrefix(strings.Join(parts[2:], "/"), "chunks/") {
				return nil
			}
			name = result.TSDBDir + "/" + parts[0] + "/" + firstSample(t, filepath.Join(dir, result.TSDBDir, parts[0], parts[1])) + "/" + parts[3]
		}
		out[name], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// firstSample is where a block begins, by which it is known.
func firstSample(t *testing.T, block string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(block, "meta.json"))
	if err != nil {
		t.Fatal(err)
	}
	var meta struct {
		MinTime json.Number `json:"minTime"`
	}
	if err := json.Unmarshal(data, &meta); err != nil {
		t.Fatal(err)
	}
	return meta.MinTime.String()
}

// TestTwiceIsTheSame runs one experiment one at a time and four at once: every file is
// the same to the byte, sweeps, intervals and two seeds included.
func TestTwiceIsTheSame(t *testing.T) {
	scaler := decode(t, `
apiVersion: autoscaling.hindcast.dev/v1alpha1
kind: PredictiveScaler
metadata: {name: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
  maxReplicas: 12
  actuation: {type: Scale}
  metrics:
  - {name: cpu, query: 'sum(rate(container_cpu_usage_seconds_total{pod=~"shop-.*"}[1m]))', target: {utilization: 70, of: cpu}}
`)
	var all []map[string][]byte
	for _, parallel := range []int{1, 4} {
		x := experiment("step", "v3", "hpa", "v2", "static", "oracle")
		x.Spec.Policies = append(x.Spec.Policies, v1alpha1.PolicyRef{Name: "ours", File: "scaler.yaml"})
		x.Spec.EqualSLA = new(true)
		x.Spec.Seeds = 2
		x.Spec.Models = nil
		dir, _ := run(t, x, backtest.Options{Parallel: parallel, Manifests: map[string]v1alpha1.Document{"scaler.yaml": scaler}})
		all = append(all, files(t, dir))
	}
	for name, data := range all[0] {
		if !bytes.Equal(data, all[1][name]) {
			t.Errorf("%s differs", name)
			if strings.HasSuffix(name, ".json") {
				t.Log(cmp.Diff(strings.Split(string(data), "\n"), strings.Split(string(all[1][name]), "\n")))
			}
		}
	}
	for _, want := range []string{
		"result.json", "forecasts/auto.csv.gz",
		"runs/v3/timeline.csv.gz", "runs/v3/decisions.jsonl", "runs/v3/latency.csv", "runs/ours/timeline.csv.gz", "runs/oracle/decisions.jsonl",
	} {
		if len(all[0][want]) == 0 {
			t.Errorf("no %s was written", want)
		}
	}
	blocks := 0
	for name := range all[0] {
		if strings.HasPrefix(name, result.TSDBDir) {
			blocks++
		}
	}
	if blocks < 6 || len(all[0]) != len(all[1]) {
		t.Errorf("%d and %d files, %d of blocks", len(all[0]), len(all[1]), blocks)
	}
}

// TestNamespaceOfTheManifest: a manifest's queries find the world where the manifest is, and what
// that is called changes nothing.
func TestNamespaceOfTheManifest(t *testing.T) {
	timeline := func(namespace, queried string) []byte {
		scaler := decode(t, `
apiVersion: autoscaling.hindcast.dev/v1alpha1
kind: PredictiveScaler
metadata: {name: shop, namespace: `+namespace+`}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
  maxReplicas: 12
  actuation: {type: Scale}
  metrics:
  - {name: offered, query: 'sum(rate(nginx_ingress_controller_requests{namespace="`+queried+`"}[1m]))', target: {perReplica: "50"}}
  - {name: cpu, query: 'sum(rate(container_cpu_usage_seconds_total{namespace="`+queried+`"}[1m]))', target: {utilization: 70, of: cpu}}
`)
		x := experiment("step", "v3")
		x.Spec.Policies = append(x.Spec.Policies, v1alpha1.PolicyRef{Name: "ours", File: "scaler.yaml"})
		dir, _ := run(t, x, backtest.Options{Parallel: 1, Manifests: map[string]v1alpha1.Document{"scaler.yaml": scaler}})
		return files(t, dir)["runs/ours/timeline.csv.gz"]
	}
	want := timeline("default", "default")
	if !bytes.Equal(timeline("shop", "shop"), want) {
		t.Error("a scaler of another namespace decides otherwise")
	}
	if bytes.Equal(timeline("shop", "default"), want) {
		t.Error("the world is in every namespace")
	}
}

func decode(t *testing.T, text string) v1alpha1.Document {
	t.Helper()
	docs, err := v1alpha1.Decode([]byte(text), "scaler.yaml")
	if err != nil {
		t.Fatal(err)
	}
	docs[0].Default()
	if err := docs[0].Validate(); err != nil {
		t.Fatal(err)
	}
	return docs[0]
}

func policyOf(t *testing.T, res result.Result, name string) result.Policy {
	t.Helper()
	i := slices.IndexFunc(res.Policies, func(p result.Policy) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("no %s", name)
	}
	return res.Policies[i]
}

// TestPoliciesDoNotMeet: who else takes part, and in which order, changes nothing.
func TestPoliciesDoNotMeet(t *testing.T) {
	aloneDir, alone := run(t, experiment("step", "hpa"), backtest.Options{})
	_, some := run(t, experiment("step", "v3", "hpa", "static"), backtest.Options{Parallel: 3})
	otherDir, other := run(t, experiment("step", "static", "v3", "hpa"), backtest.Options{Parallel: 2})
	for _, res := range []result.Result{some, other} {
		if diff := cmp.Diff(policyOf(t, alone, "hpa"), policyOf(t, res, "hpa"), sameNumbers); diff != "" {
			t.Errorf("alone and in company (-alone +company):\n%s", diff)
		}
	}
	for _, name := range []string{"v3", "static"} {
		if diff := cmp.Diff(policyOf(t, some, name), policyOf(t, other, name), sameNumbers); diff != "" {
			t.Errorf("%s in another order:\n%s", name, diff)
		}
	}
	one, two := files(t, aloneDir), files(t, otherDir)
	for _, name := range []string{"runs/hpa/timeline.csv.gz", "runs/hpa/decisions.jsonl", "runs/hpa/latency.csv"} {
		if !bytes.Equal(one[name], two[name]) {
			t.Errorf("%s differs", name)
		}
	}
}

// sameNumbers compares figures to the bit, undefined ones as equal.
var sameNumbers = cmp.Comparer(func(a, b result.Number) bool { return a == b || !a.Defined() && !b.Defined() })

// TestSeedsAreLuck: another seed is another run of the same policies on the same
// demand, and two seeds together are their mean.
func TestSeedsAreLuck(t *testing.T) {
	of := func(seed uint64, seeds int) result.Result {
		x := experiment("step", "hpa")
		x.Spec.Seed, x.Spec.Seeds = &seed, seeds
		// The scenario itself is drawn from the first seed: a recording is not.
		x.Spec.Datasets = []v1alpha1.Dataset{{Name: "step", Path: recording(t)}}
		_, res := run(t, x, backtest.Options{})
		return res
	}
	one, two, both := of(1, 1), of(2, 1), of(1, 2)
	a, b, mean := policyOf(t, one, "hpa"), policyOf(t, two, "hpa"), policyOf(t, both, "hpa")
	if a.Cost.PodHours == b.Cost.PodHours {
		t.Error("two seeds, one run")
	}
	if want := (a.Cost.PodHours + b.Cost.PodHours) / 2; !near(mean.Cost.PodHours, want) {
		t.Errorf("two seeds cost %v pod-hours on average, want the mean of %v and %v", mean.Cost.PodHours, a.Cost.PodHours, b.Cost.PodHours)
	}
	if got, want := mean.Scaling.ScaleUpSeconds.N, a.Scaling.ScaleUpSeconds.N+b.Scaling.ScaleUpSeconds.N; got != want || a.Scaling.ScaleUpSeconds.N != b.Scaling.ScaleUpSeconds.N {
		t.Errorf("%d rises of demand, %d and %d under single seeds", got, a.Scaling.ScaleUpSeconds.N, b.Scaling.ScaleUpSeconds.N)
	}
	if one.App != two.App {
		t.Errorf("the application depends on the seed: %+v, %+v", one.App, two.App)
	}
}

func near(a, b result.Number) bool { return a-b < 1e-9*b && b-a < 1e-9*b }

// recording is a small load with steps up and down.
func recording(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("timestamp,value\n")
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for i := range 8 * 60 {
		fmt.Fprintf(&b, "%s,%d\n", at.Add(time.Duration(i)*time.Minute).Format(time.RFC3339), 100+300*(i/40%3))
	}
	name := filepath.Join(t.TempDir(), "load.csv")
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestAnInterruptedRunLeavesNothing: what is cancelled says so and writes no result.
func TestAnInterruptedRunLeavesNothing(t *testing.T) {
	x := experiment("flash-crowd", "v3", "hpa")
	x.Default()
	parent := t.TempDir()
	w, err := result.NewWriter(filepath.Join(parent, "run"), false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	afterADay := func(time.Duration, time.Duration) { cancel() }
	_, err = backtest.Run(ctx, x, x.Spec.Datasets[0], w, backtest.Options{Parallel: 2, Progress: afterADay})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if list, err := os.ReadDir(parent); err != nil || len(list) != 0 {
		t.Errorf("left behind: %v, %v", list, err)
	}
}

// A backtest of the HPA and the oracle on a load of steps.
func ExampleRun() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	x := experiment("step", "hpa", "oracle")
	x.Default()
	if err := x.Validate(); err != nil {
		fmt.Println(err)
		return
	}
	w, err := result.NewWriter(filepath.Join(dir, "run"), false)
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := backtest.Run(context.Background(), x, x.Spec.Datasets[0], w, backtest.Options{Parallel: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := w.Commit(); err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range res.Policies {
		fmt.Printf("%s meets the objective: %v\n", p.Name, float64(p.SLA.RequestsGood) >= res.SLO.Objective)
	}
	// Output:
	// hpa meets the objective: false
	// oracle meets the objective: true
}
