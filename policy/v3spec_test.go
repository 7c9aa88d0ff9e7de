package policy_test

import (
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/forecast"
	"hindcast.dev/policy"
)

// TestNewV3ListsAllFaults: each fault is told, all in one error.
func TestNewV3ListsAllFaults(t *testing.T) {
	metric := func(change func(*policy.V3Metric)) func(*policy.V3Config) {
		return func(c *policy.V3Config) { change(&c.Metrics[0]) }
	}
	faults := []struct {
		name   string
		change func(*policy.V3Config)
		want   string
	}{
		{"no metrics", func(c *policy.V3Config) { c.Metrics = nil }, "metrics: none"},
		{"carries nothing", metric(func(m *policy.V3Metric) { m.PerReplica = 0 }), "metric load: a replica that carries 0"},
		{"carries everything", metric(func(m *policy.V3Metric) { m.PerReplica = math.Inf(1) }), "metric load: a replica that carries +Inf"},
		{"carries what?", metric(func(m *policy.V3Metric) { m.PerReplica = math.NaN() }), "metric load: a replica that carries NaN"},
		{"negative weight", metric(func(m *policy.V3Metric) { m.Weight = -1 }), "metric load: weight -1"},
		{"endless weight", metric(func(m *policy.V3Metric) { m.Weight = math.Inf(1) }), "metric load: weight +Inf"},
		{"no weight at all", metric(func(m *policy.V3Metric) { m.Weight = math.NaN() }), "metric load: weight NaN"},
		{"no model", func(c *policy.V3Config) { c.Model = nil }, "model: not set"},
		{"negative min", func(c *policy.V3Config) { c.Min = -1 }, "min, max: -1, 100"},
		{"no max", func(c *policy.V3Config) { c.Max = 0 }, "min, max: 1, 0"},
		{"min above max", func(c *policy.V3Config) { c.Min = 101 }, "min, max: 101, 100"},
		{"step below interval", func(c *policy.V3Config) { c.Step = time.Second }, "interval 30s, step 1s"},
		{"negative interval", func(c *policy.V3Config) { c.Interval = -1 }, "interval -1ns"},
		{"negative lead", func(c *policy.V3Config) { c.Lead = -1 }, "lead: -1ns is negative"},
		{"negative staleness", func(c *policy.V3Config) { c.StaleAfter = -1 }, "stale after: -1ns is negative"},
		{"negative learning", func(c *policy.V3Config) { c.Learning = -1 }, "learning: -1ns is negative"},
		{"quantile 0", func(c *policy.V3Config) { c.Quantile = 0 }, "quantile: 0 is not in (0,1)"},
		{"quantile 1", func(c *policy.V3Config) { c.Quantile = 1 }, "quantile: 1 is not in (0,1)"},
		{"quantile NaN", func(c *policy.V3Config) { c.Quantile = math.NaN() }, "quantile: NaN is not in (0,1)"},
		{"a CPU floor of nobody", func(c *policy.V3Config) { c.CPUFloor = true }, "CPU floor: there is no fallback"},
		{"negative max step", func(c *policy.V3Config) { c.MaxStep = -1 }, "max step: -1 is negative"},
		{"a fallback that queries", func(c *policy.V3Config) {
			c.Fallback = mustHPA(t, autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 3, Metrics: []autoscalingv2.MetricSpec{external("1", true)}})
		}, "a fallback may look at pods only"},
	}
	for _, f := range faults {
		cfg := v3Config(forecast.Naive{})
		f.change(&cfg)
		if v, err := policy.NewV3(cfg); err == nil || v != nil || !strings.HasPrefix(err.Error(), "v3: ") || !strings.Contains(err.Error(), f.want) {
			t.Errorf("%s: %v, want %s", f.name, err, f.want)
		}
	}
	_, err := policy.NewV3(policy.V3Config{Lead: -1, MaxStep: -1, StaleAfter: -1})
	for _, want := range []string{"metrics", "model", "min, max", "lead", "quantile", "max step", "stale after"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("all at once lacks %s: %v", want, err)
		}
	}
}

// The API names the models that there are, without knowing them.
func TestModelsOfTheAPI(t *testing.T) {
	if got, want := v1alpha1.Models(), forecast.Names(); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		t.Errorf("models of the API %v, of forecast %v", got, want)
	}
	if v1alpha1.TransformedPrefix != forecast.TransformedPrefix {
		t.Errorf("%q in the API, %q in forecast", v1alpha1.TransformedPrefix, forecast.TransformedPrefix)
	}
}

// TestV3Docs holds docs/v3.md to the configuration: it has every field in its table.
func TestV3Docs(t *testing.T) {
	doc, err := os.ReadFile("../docs/v3.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[policy.V3Config](), reflect.TypeFor[policy.V3Metric]()} {
		for f := range typ.Fields() {
			if !strings.Contains(string(doc), "`"+f.Name+"`") {
				t.Errorf("docs/v3.md does not name %s", f.Name)
			}
		}
	}
}
