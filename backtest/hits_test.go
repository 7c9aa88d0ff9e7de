package backtest_test

import (
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/backtest"
	"hindcast.dev/backtest/result"
)

// TestHitsInTheResult: the faults of every seed are in the result, and what they hit under every
// policy: as many pods as a share of those that the timeline has, and the same nodes whatever
// the policy.
func TestHitsInTheResult(t *testing.T) {
	x := experiment("shop", "hpa", "static")
	x.Spec.Seeds = 2
	x.Spec.Cluster.Faults = []v1alpha1.ClusterFault{
		{Kind: v1alpha1.FaultMetricsOutage, At: "10h", Duration: metav1.Duration{Duration: time.Minute}},
		{Kind: v1alpha1.FaultNodeLoss, PerDay: "1", Duration: metav1.Duration{Duration: 20 * time.Minute}},
		{Kind: v1alpha1.FaultRollout, At: "100h"},
		{Kind: v1alpha1.FaultPodRestart, At: "201h", Share: "0.5"},
	}
	dir, res := run(t, x, backtest.Options{Parallel: 2})
	f, err := result.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d := f.Result; !reflect.DeepEqual(d.FaultsBySeed, res.FaultsBySeed) || !reflect.DeepEqual(d.Policies[0].Hits, res.Policies[0].Hits) {
		t.Error("what was written is read otherwise")
	}
	if len(res.FaultsBySeed) != 2 || !reflect.DeepEqual(res.FaultsBySeed[0], result.SeedFaults{Seed: res.Seed, Faults: res.Faults}) {
		t.Fatalf("faults by seed: %+v", res.FaultsBySeed)
	}
	if reflect.DeepEqual(res.FaultsBySeed[1].Faults, res.Faults) {
		t.Error("both seeds have the same random faults")
	}
	nodes := map[string][][]string{}
	for _, p := range res.Policies {
		var want []result.Hit // but for what was hit
		for _, s := range res.FaultsBySeed {
			for i, fault := range s.Faults {
				if fault.Kind == v1alpha1.FaultNodeLoss || fault.Kind == v1alpha1.FaultPodRestart {
					want = append(want, result.Hit{Seed: s.Seed, Fault: i})
				}
			}
		}
		if len(want) != len(p.Hits) || len(want) < 10 {
			t.Fatalf("%s: %d hits, want %d", p.Name, len(p.Hits), len(want))
		}
		for i, h := range p.Hits {
			if h.Seed != want[i].Seed || h.Fault != want[i].Fault {
				t.Errorf("%s: hit %+v, want one of seed %d and fault %d", p.Name, h, want[i].Seed, want[i].Fault)
			}
			if h.Seed != res.Seed {
				continue
			}
			if len(h.Nodes) > 0 {
				nodes[p.Name] = append(nodes[p.Name], h.Nodes)
				continue
			}
			// The timeline is that of the first seed.
			ready := readyAt(t, f, p.Name, res.Faults[h.Fault].Start)
			if got, want := len(h.Pods), int(math.Ceil(float64(ready)/2)); got != want || want == 0 {
				t.Errorf("%s: %d pods crashed, want half of %d", p.Name, got, ready)
			}
		}
	}
	if !reflect.DeepEqual(nodes["hpa"], nodes["static"]) || len(nodes["hpa"]) == 0 {
		t.Errorf("nodes that failed: %v", nodes)
	}
	if all := slices.Concat(nodes["hpa"]...); len(slices.Compact(slices.Sorted(slices.Values(all)))) < 2 {
		t.Errorf("it is always the same node: %v", all)
	}
}

// readyAt is how many pods were ready just before an instant.
func readyAt(t *testing.T, f *result.Folder, policy string, at time.Time) (ready int32) {
	t.Helper()
	for row, err := range f.Timeline(policy) {
		if err != nil {
			t.Fatal(err)
		}
		if !row.Time.Before(at) {
			return ready
		}
		ready = row.Ready
	}
	t.Fatalf("%s ends before %v", policy, at)
	return 0
}
