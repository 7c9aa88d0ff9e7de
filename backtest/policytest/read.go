package policytest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/internal/strict"
	"hindcast.dev/policy"
	"hindcast.dev/promdb"
)

// The series that stand for the resource metrics API. They have no labels.
const (
	podMilliCPU = "pod_cpu_millicores" // CPU use of each pod
	podBytes    = "pod_memory_bytes"   // working set of each pod
)

const (
	defaultInterval = 15 * time.Second
	maxPods         = 100_000
)

// The format of a file.
type (
	fileFormat struct {
		Interval metav1.Duration `json:"evaluation_interval"`
		Tests    []strict.Node   `json:"tests"`
	}
	testFormat struct {
		Name    string         `json:"name"`
		Scaler  strict.Node    `json:"scaler"`
		File    string         `json:"file"`
		Initial *int32         `json:"initial_replicas"`
		Pods    podFormat      `json:"pods"`
		Series  []seriesFormat `json:"input_series"`
		Expect  string         `json:"expect_replicas"`
	}
	podFormat struct {
		ReadyAfter    metav1.Duration   `json:"ready_after"`
		CPURequest    resource.Quantity `json:"cpu_request"`
		MemoryRequest resource.Quantity `json:"memory_request"`
		Container     string            `json:"container"`
	}
	seriesFormat struct {
		Series string `json:"series"`
		Values string `json:"values"`
	}
)

// A podTraits is what all pods of a test have in common.
type podTraits struct {
	readyAfter   time.Duration
	requestMilli int64 // CPU, 0: none
	requestBytes int64
	container    string
}

// A reader turns the format into tests.
type reader struct{ dir string }

func (r *reader) file(doc strict.Node, f *File) error {
	var in fileFormat
	if err := doc.Decode(&in); err != nil {
		return err
	}
	var errs []error
	f.interval = in.Interval.Duration
	switch {
	case f.interval == 0:
		f.interval = defaultInterval
	case f.interval < 0 || f.interval%time.Millisecond != 0:
		errs = append(errs, doc.Fault("evaluation_interval: %s is not a positive number of milliseconds", f.interval))
		f.interval = defaultInterval
	}
	if len(in.Tests) == 0 {
		errs = append(errs, doc.Fault("tests: is empty; write at least one"))
	}
	lines := make(map[string]int)
	for i, n := range in.Tests {
		if n.Line() == 0 {
			errs = append(errs, doc.Fault("tests[%d]: is empty; write a test, or take it out", i))
			continue
		}
		t := test{line: n.Line(), interval: f.interval}
		errs = append(errs, r.test(n, &t))
		if first, twice := lines[t.name]; twice {
			errs = append(errs, n.Fault("name: %q stands twice, first on line %d; give every test a name of its own",
				t.name, first))
		} else if t.name != "" {
			lines[t.name] = t.line
		}
		f.tests = append(f.tests, t)
	}
	return errors.Join(errs...)
}

func (r *reader) test(n strict.Node, t *test) error {
	var in testFormat
	if err := n.Decode(&in); err != nil {
		return err
	}
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, n.Fault(format, args...)) }
	if t.name = in.Name; t.name == "" {
		fault("name: is missing; set it")
	}
	t.initial = 1
	if in.Initial != nil {
		t.initial = *in.Initial
	}
	if t.initial < 0 || t.initial > maxPods {
		fault("initial_replicas: %d is out of range; write 0 to %d", t.initial, maxPods)
	}
	t.pods = podTraits{
		readyAfter:   in.Pods.ReadyAfter.Duration,
		requestMilli: in.Pods.CPURequest.MilliValue(),
		requestBytes: in.Pods.MemoryRequest.Value(),
		container:    in.Pods.Container,
	}
	if t.pods.readyAfter < 0 {
		fault("pods.ready_after: %s is negative; write a duration such as 30s", t.pods.readyAfter)
	}
	if t.pods.requestMilli < 0 || t.pods.requestBytes < 0 {
		fault("pods: a request is negative; write an amount such as 500m or 512Mi")
	}
	errs = append(errs, t.readSeries(n, in.Series))
	var err error
	if t.expect, err = parseExpectation(in.Expect); err != nil {
		fault("expect_replicas: %v", err)
	}
	doc, err := r.scaler(n, &in)
	if err == nil {
		err = t.prepare(n, doc)
	}
	return errors.Join(append(errs, err)...)
}

func (t *test) readSeries(n strict.Node, all []seriesFormat) error {
	var errs []error
	seen := make(map[string]bool)
	for i, in := range all {
		s, err := parseSeries(in.Series, in.Values)
		switch {
		case err != nil:
			errs = append(errs, n.Fault("input_series[%d]: %v", i, err))
			continue
		case seen[s.id]:
			errs = append(errs, n.Fault("input_series[%d]: %s stands twice; write one series of all its values",
				i, in.Series))
			continue
		}
		seen[s.id] = true
		t.series = append(t.series, s)
		if s.name != podMilliCPU && s.name != podBytes {
			continue
		}
		amounts, err := s.amounts()
		if err != nil {
			errs = append(errs, n.Fault("input_series[%d]: %v", i, err))
		}
		if s.name == podMilliCPU {
			t.milliCPU = amounts
		} else {
			t.bytes = amounts
		}
	}
	return errors.Join(errs...)
}

// scaler returns the one manifest under test, with its defaults, after validation.
func (r *reader) scaler(n strict.Node, in *testFormat) (v1alpha1.Document, error) {
	var none v1alpha1.Document
	switch {
	case in.Scaler.IsZero() && in.File == "":
		return none, n.Fault("scaler: is missing; write the manifest there, or its path under file")
	case !in.Scaler.IsZero() && in.File != "":
		return none, n.Fault("has both scaler and file; remove one")
	case in.File == "":
		doc, err := v1alpha1.DecodeNode(in.Scaler)
		if err != nil {
			return none, err
		}
		doc.Default()
		if err := validate(doc); err != nil {
			return none, prefixed(in.Scaler, err)
		}
		return doc, nil
	}
	path := in.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.dir, path)
	}
	data, err := readRegular(path)
	if err != nil {
		return none, n.Fault("file: %v", err)
	}
	docs, err := v1alpha1.Decode(data, path)
	if err != nil {
		return none, err
	}
	if len(docs) != 1 {
		return none, n.Fault("file: %s holds %d objects; name a file with one", path, len(docs))
	}
	docs[0].Default()
	return docs[0], docs[0].Validate()
}

// readRegular reads a file that has an end.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	return os.ReadFile(path)
}

// validate returns the faults of a manifest without a place.
func validate(doc v1alpha1.Document) error {
	switch {
	case doc.HorizontalPodAutoscaler != nil:
		return v1alpha1.ValidateHPA(doc.HorizontalPodAutoscaler)
	case doc.PredictiveScaler != nil:
		return doc.PredictiveScaler.Validate()
	}
	return nil
}

// prefixed puts its place within the manifest n before each of the joined faults.
func prefixed(n strict.Node, err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return n.Fault("%v", err)
	}
	var all []error
	for _, e := range joined.Unwrap() {
		path, _, _ := strings.Cut(e.Error(), ": ")
		all = append(all, n.FaultAt(path, e.Error()))
	}
	return errors.Join(all...)
}

// prepare finds the constructor of the policy and checks that the test gives what
// the policy needs.
func (t *test) prepare(n strict.Node, doc v1alpha1.Document) error {
	t.build = constructor(doc, t)
	if t.build == nil {
		return n.Fault("scaler: kind %s is no scaler; write a %s or a %s",
			doc.Kind(), v1alpha1.KindHorizontalPodAutoscaler, v1alpha1.KindPredictiveScaler)
	}
	p, err := t.build()
	if err != nil {
		return n.Fault("scaler: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	needs := p.Needs()
	var errs []error
	for _, q := range needs.Queries {
		if err := promdb.Validate(q.Expr); err != nil {
			errs = append(errs, n.Fault("scaler: metric %s: %v", q.Name, err))
		}
	}
	for _, name := range podSeries(doc, needs) {
		if name == podMilliCPU && t.milliCPU == nil || name == podBytes && t.bytes == nil {
			errs = append(errs, n.Fault("input_series: the scaler looks at pods; give the series %s, "+
				"which holds for each of them", name))
		}
	}
	return errors.Join(errs...)
}

// constructor returns what makes a new policy of a manifest, one that decides at
// every evaluation of t, or nil where there is none for its kind.
func constructor(doc v1alpha1.Document, t *test) func() (policy.Policy, error) {
	if h := doc.HorizontalPodAutoscaler; h != nil {
		return func() (policy.Policy, error) {
			return policy.NewHPA(h.Spec, policy.HPAConfig{
				Sync: t.interval, Container: t.pods.container,
				// A workload that begins at an allowed zero is one that the HPA put there.
				ScaledToZero: t.initial == 0 && h.Spec.MinReplicas != nil && *h.Spec.MinReplicas == 0,
			})
		}
	}
	if ps := doc.PredictiveScaler; ps != nil {
		return func() (policy.Policy, error) {
			cfg, err := policy.V3FromSpec(&ps.Spec, policy.Workload{
				RequestMilliCPU: t.pods.requestMilli, RequestBytes: t.pods.requestBytes, Lead: t.pods.readyAfter,
			})
			if err != nil {
				return nil, err
			}
			cfg.Interval = t.interval
			return policy.NewV3(cfg)
		}
	}
	return nil
}

// podSeries returns the series that stand for the pods' metrics which the policy reads.
func podSeries(doc v1alpha1.Document, needs policy.Needs) []string {
	h := doc.HorizontalPodAutoscaler
	switch {
	case !needs.Pods:
		return nil
	case h == nil || len(h.Spec.Metrics) == 0:
		return []string{podMilliCPU}
	}
	var names []string
	for _, m := range h.Spec.Metrics {
		switch resourceOf(m) {
		case corev1.ResourceCPU:
			names = append(names, podMilliCPU)
		case corev1.ResourceMemory:
			names = append(names, podBytes)
		default: // No other metric is about pods.
		}
	}
	return names
}

func resourceOf(m autoscalingv2.MetricSpec) corev1.ResourceName {
	switch {
	case m.Resource != nil:
		return m.Resource.Name
	case m.ContainerResource != nil:
		return m.ContainerResource.Name
	}
	return ""
}
