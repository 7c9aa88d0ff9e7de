package v1alpha1_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
)

// FuzzWhenOfAFault holds that a fault whose time is accepted happens at that time, written as a
// duration or as an instant, and that it is within data exactly where it is not before them, at
// their end or after it.
func FuzzWhenOfAFault(f *testing.F) {
	for _, at := range []string{"0s", "26h", "1.5h", "-1h", "noon", "2026-01-05T12:00:00Z", "2026-01-05T12:00:00+02:00", "0000-01-01T00:00:00Z", "9e9h", ""} {
		f.Add(at)
	}
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	end := start.Add(48 * time.Hour)
	f.Fuzz(func(t *testing.T, at string) {
		var x v1alpha1.Experiment
		x.Spec.Datasets = []v1alpha1.Dataset{{Scenario: "shop"}}
		x.Spec.Cluster.Faults = []v1alpha1.ClusterFault{{Kind: v1alpha1.FaultScrapeOutage, At: at, Duration: metav1.Duration{Duration: time.Minute}}}
		x.Default()
		if err := x.Validate(); err != nil {
			if !strings.HasPrefix(err.Error(), "spec.cluster.faults[0]") {
				t.Fatalf("the message has another place: %v", err)
			}
			return
		}
		fault := &x.Spec.Cluster.Faults[0]
		since, err := fault.When(start)
		if err != nil {
			t.Fatalf("%q is valid and has no time: %v", at, err)
		}
		within := since >= 0 && since < end.Sub(start)
		if err := x.Spec.FaultsWithin("load.csv", start, end); within != (err == nil) {
			t.Fatalf("%q is %v after the start: %v", at, since, err)
		}
		if !within {
			return
		}
		for _, same := range []string{since.String(), start.Add(since).Format(time.RFC3339Nano)} {
			if got, err := (&v1alpha1.ClusterFault{At: same}).When(start); err != nil || got != since {
				t.Errorf("%q is %v, and as %q %v, %v", at, since, same, got, err)
			}
		}
	})
}
