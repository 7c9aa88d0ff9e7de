package policytest_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/backtest/policytest"
)

// external is a test whose metric asks for as many replicas as the series says.
func external(name, initial, values, expect string) string {
	return `
- name: ` + name + `
  scaler:
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    spec:
      scaleTargetRef: {kind: Deployment, name: shop}
      maxReplicas: 1000
      metrics:
      - type: External
        external: {metric: {name: wish}, target: {type: AverageValue, averageValue: "1"}}
      behavior: {scaleDown: {stabilizationWindowSeconds: 0}, scaleUp: {policies: [{type: Pods, value: 1000, periodSeconds: 1}]}}
  initial_replicas: ` + initial + `
  input_series: [{series: wish, values: '` + values + `'}]
  expect_replicas: '` + expect + `'
`
}

// cpu is a test of a target of 50 % with pods that start in 30 s.
func cpu(values, expect string) string {
	return `
- name: cpu
  scaler:
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    spec:
      scaleTargetRef: {kind: Deployment, name: shop}
      maxReplicas: 1000
      metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
      behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
  initial_replicas: 4
  pods: {ready_after: 30s, cpu_request: 100m}
  input_series: [{series: pod_cpu_millicores, values: '` + values + `'}]
  expect_replicas: '` + expect + `'
`
}

func runText(t *testing.T, tests string) policytest.Report {
	t.Helper()
	f, err := policytest.Decode([]byte("tests:"+tests), "t.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return run(t, f)
}

func got(r policytest.Result) []int32 {
	var all []int32
	for _, e := range r.Evaluations {
		all = append(all, e.Got)
	}
	return all
}

// TestNotation reads the replicas off the series: the notation is that of promtool.
func TestNotation(t *testing.T) {
	for _, tc := range []struct {
		values string
		want   []int32
	}{
		{"2 4 6", []int32{2, 4, 6}},
		{"5x2", []int32{5, 5, 5}},
		{"5x0 2", []int32{5, 2}},
		{"10+20x3", []int32{10, 30, 50, 70}},
		{"90-20x2 2", []int32{90, 70, 50, 2}},
		{"  3\n  9 ", []int32{3, 9}},
		{"1e2 0.5e1", []int32{100, 5}},
		{"2.5 7.01", []int32{3, 8}},
		// An instant selector looks back 5 minutes, that is 20 evaluations.
		{"3 _ 9", []int32{3, 3, 9}},
		{"3 _x2 9", []int32{3, 3, 3, 9}},
		// Without data the HPA holds.
		{"stale 9", []int32{1, 9}},
		{"_ 9 stale", []int32{1, 9, 9}},
	} {
		expect := fmt.Sprintf("_x%d", len(tc.want))
		r := runText(t, external("a", "1", tc.values, expect))
		if d := cmp.Diff(tc.want, got(r.Tests[0])); d != "" {
			t.Errorf("%q: -want +got:\n%s", tc.values, d)
		}
		if !r.Tests[0].Passed() {
			t.Errorf("%q: a test that expects anything failed", tc.values)
		}
	}
}

func TestLostSeriesEndsAfterFiveMinutes(t *testing.T) {
	r := runText(t, external("a", "1", "3", "3 _x21"))
	for k, e := range r.Tests[0].Evaluations {
		lost := strings.Contains(e.Reason, "no data")
		if want := k >= 20; lost != want {
			t.Errorf("evaluation %d, %s after the last sample: lost is %v, want %v", k, e.At, lost, want)
		}
	}
}

func TestPodsThatStart(t *testing.T) {
	// 4 pods at 90 % ask for 8; while the 4 new ones start, 0 is taken for them, so
	// that 45 % in the mean is within the tolerance; once all count it is 90 % again.
	r := runText(t, cpu("90x2 90", "8 8 15 _"))
	if d := cmp.Diff([]int32{8, 8, 15, 15}, got(r.Tests[0])); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestScaleUpFromZero(t *testing.T) {
	text := strings.ReplaceAll(external("a", "0", "0 3", "0 3"), "maxReplicas", "minReplicas: 0, maxReplicas")
	text = strings.ReplaceAll(text, "minReplicas: 0, maxReplicas: 1000", "minReplicas: 0\n      maxReplicas: 1000")
	if r := runText(t, text); !r.Tests[0].Passed() {
		t.Errorf("failed:\n%s", r.Tests[0].Diff())
	}
	// At zero without minReplicas 0, somebody else switched the workload off.
	if r := runText(t, external("a", "0", "0 3", "0 0")); !r.Tests[0].Passed() {
		t.Errorf("failed:\n%s", r.Tests[0].Diff())
	}
}

func TestDiff(t *testing.T) {
	r := runText(t, external("a", "1", "2x16 20 40 80", "2x16 30 _ 70"))
	want := `time       4m0s  4m15s  4m30s  4m45s
expected      2     30      _     70
got           2     20     40     80
                     ^             ^
first difference: evaluation 17, at 4m15s: 2 -> 20, expected 30
`
	diff := r.Tests[0].Diff()
	if !strings.HasPrefix(diff, want) {
		t.Errorf("diff begins with\n%s\nwant\n%s", diff, want)
	}
	for _, part := range []string{"\n  ", "metric wish: 20 replicas"} {
		if !strings.Contains(diff, part) {
			t.Errorf("diff without %q:\n%s", part, diff)
		}
	}
	if r.Failures() != 1 {
		t.Errorf("%d failures, want 1", r.Failures())
	}
}

func TestWriteText(t *testing.T) {
	r := runText(t, external("fine", "1", "2", "2")+external(`"bad\e[31m"`, "1", "2", "3"))
	var b strings.Builder
	if err := policytest.WriteText(&b, []policytest.Report{r}); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"ok   t.yaml:2: fine\n", "FAIL t.yaml:17: \"bad\\x1b[31m\"\n     time", "\n1 of 2 tests failed\n"} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("text without %q:\n%s", part, b.String())
		}
	}
}

// TestWriteJUnit reads the file back: names that try to leave their element do not.
func TestWriteJUnit(t *testing.T) {
	const hostile = `</testcase><img src=x onerror=alert(1)> & "|=cmd()`
	r := runText(t, external("fine", "1", "2", "2")+external("'"+hostile+"'", "1", "2", "3"))
	var b strings.Builder
	if err := policytest.WriteJUnit(&b, []policytest.Report{r, {File: "empty.yaml"}}); err != nil {
		t.Fatal(err)
	}
	type testCase struct {
		Name    string `xml:"name,attr"`
		Line    int    `xml:"line,attr"`
		Failure *struct {
			Message string `xml:"message,attr"`
			Text    string `xml:",chardata"`
		} `xml:"failure"`
	}
	var read struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Suites   []struct {
			Name     string     `xml:"name,attr"`
			Tests    int        `xml:"tests,attr"`
			Failures int        `xml:"failures,attr"`
			Cases    []testCase `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(b.String()), &read); err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	if read.Tests != 2 || read.Failures != 1 || len(read.Suites) != 2 || len(read.Suites[0].Cases) != 2 {
		t.Fatalf("%d tests, %d failures, %d suites in\n%s", read.Tests, read.Failures, len(read.Suites), b.String())
	}
	good, bad := read.Suites[0].Cases[0], read.Suites[0].Cases[1]
	if good.Name != "fine" || good.Line != 2 || good.Failure != nil {
		t.Errorf("good case = %+v", good)
	}
	if bad.Name != hostile || bad.Failure == nil {
		t.Fatalf("bad case = %+v", bad)
	}
	if want := "evaluation 0: got 2 replicas, expected 3"; bad.Failure.Message != want {
		t.Errorf("message = %q, want %q", bad.Failure.Message, want)
	}
	if bad.Failure.Text != r.Tests[1].Diff() {
		t.Errorf("text = %q, want the diff", bad.Failure.Text)
	}
}

func TestTwiceIsTheSame(t *testing.T) {
	f, err := policytest.Load("../../examples/policy-tests/hpa-metrics.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(run(t, f), run(t, f)); d != "" {
		t.Errorf("-first +second run:\n%s", d)
	}
}

// TestScalingLoadAndCapacity multiplies what is measured and what a replica carries.
func TestScalingLoadAndCapacity(t *testing.T) {
	const values, expect = "1 3 6 20 4 4", "_x6"
	times := func(k int) policytest.Report {
		text := strings.ReplaceAll(external("a", "1", values, expect), `averageValue: "1"`, fmt.Sprintf("averageValue: %d", k))
		var scaled []string
		for v := range strings.FieldsSeq(values) {
			scaled = append(scaled, v+strings.Repeat("0", len(strconv.Itoa(k))-1))
		}
		return runText(t, strings.ReplaceAll(text, values, strings.Join(scaled, " ")))
	}
	if d := cmp.Diff(got(times(1).Tests[0]), got(times(1000).Tests[0])); d != "" {
		t.Errorf("-as it is +both times 1000:\n%s", d)
	}
}

// TestJSON holds that a file may be JSON.
func TestJSON(t *testing.T) {
	f, err := policytest.Decode([]byte(`{
	"evaluation_interval": "30s",
	"tests": [{"name": "a", "scaler": {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": {
		"scaleTargetRef": {"kind": "Deployment", "name": "a"}, "maxReplicas": 9,
		"metrics": [{"type": "External", "external": {"metric": {"name": "q"}, "target": {"type": "Value", "value": 5}}}]}},
		"input_series": [{"series": "q", "values": "10 5"}], "expect_replicas": "2 2"}]}`), "t.json")
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, f)
	if r.Failures() != 0 || r.Tests[0].Evaluations[1].At.String() != "30s" {
		t.Errorf("%d failures, second evaluation at %s", r.Failures(), r.Tests[0].Evaluations[1].At)
	}
}

func ExampleFile_Run() {
	f, err := policytest.Load("../../examples/policy-tests/hpa-scale-up.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := f.Run(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	report.File = "hpa-scale-up.yaml"
	if err := policytest.WriteText(os.Stdout, []policytest.Report{report}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// ok   hpa-scale-up.yaml:6: without a behavior it doubles, at least to 4
	// ok   hpa-scale-up.yaml:21: with an empty behavior it grows by 4 or by 100 percent
	// ok   hpa-scale-up.yaml:37: 4 pods a minute
	// ok   hpa-scale-up.yaml:56: 10 percent a minute
	// ok   hpa-scale-up.yaml:75: a window of a minute takes the lowest wish in it
	// ok   hpa-scale-up.yaml:93: the smaller of two policies
	// 6 tests passed
}

func BenchmarkRun(b *testing.B) {
	f, err := policytest.Load("../../examples/policy-tests/hpa-scale-down.yaml")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := f.Run(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
