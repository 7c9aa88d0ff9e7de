package live

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/autoscaler"
	"hindcast.dev/internal/metricnames"
	"hindcast.dev/policy"
)

// TestWhatRestsIsNotShown: once a loop ended its gauges are gone, so that nobody takes them
// for news; its counters, its mode and its conditions stay, as they do in its status. What is gone for good leaves nothing.
func TestWhatRestsIsNotShown(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := newMetrics(reg)
	m.begins("shop", "web", "")
	m.setMode("shop", "web", v1alpha1.ModeShadow)
	m.fewest.WithLabelValues("shop", "web").Set(1)
	m.most.WithLabelValues("shop", "web").Set(9)
	m.step("shop", "web", autoscaler.Step{
		Input: policy.Input{Values: []policy.Value{{Name: "requests", Value: 3}}}, Decision: policy.Decision{Reason: "Steady: enough"},
	}, time.Second)
	m.outlook("shop", "web", []policy.V3Status{{Metric: "requests", Observed: 3, Skill: 0.5}}, []autoscaler.Sources{{Count: 2, Expected: 3}}, 0.99, map[string]int{})
	m.accuracy.WithLabelValues("shop", "web", "requests", "3m").Set(0.9)
	m.forecast.WithLabelValues("shop", "web", "requests", "3m", "0.99").Set(5)
	m.shadow("shop", "web", tick{})
	m.conditions("shop", "web", []metav1.Condition{{Type: v1alpha1.ConditionActive, Status: metav1.ConditionTrue, Reason: "Running"}})
	shown := func() map[string]bool {
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, f := range families {
			names[f.GetName()] = true
		}
		return names
	}
	before := shown()
	for _, metric := range metricnames.All() {
		if metric.Source == metricnames.Scaler && !before[metric.Name] {
			t.Errorf("%s is not shown after a decision", metric.Name)
		}
	}
	m.rest("shop", "web")
	after := shown()
	for _, metric := range metricnames.All() {
		want := before[metric.Name] && (metric.Type != metricnames.Gauge || metric.Name == metricnames.ScalerMode || metric.Name == metricnames.ScalerCondition)
		if metric.Source == metricnames.Scaler && after[metric.Name] != want {
			t.Errorf("%s is shown while the loop rests: %v, want %v", metric.Name, after[metric.Name], want)
		}
	}
	m.forget("shop", "web")
	if left := shown(); len(left) > 0 {
		t.Errorf("left of what is gone: %v", left)
	}
}
