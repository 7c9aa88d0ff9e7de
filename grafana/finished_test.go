package grafana_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"hindcast.dev/grafana"
	"hindcast.dev/internal/metricnames"
	"hindcast.dev/promdb"
)

// TestFinishedPodsRequestNothing: kube-state-metrics goes on to tell of what a pod requested that is
// done or was evicted. Nothing that a panel shows of requests and limits is of such pods.
func TestFinishedPodsRequestNothing(t *testing.T) {
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	db, err := promdb.Open(promdb.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	sample := func(at time.Time, v float64, metric string, labels ...string) {
		ls := []promdb.Label{{Name: "namespace", Value: "default"}, {Name: "container", Value: "web"}}
		for i := 0; i < len(labels); i += 2 {
			ls = append(ls, promdb.Label{Name: labels[i], Value: labels[i+1]})
		}
		s, err := db.Series(metric, ls...)
		if err == nil {
			err = db.Append(s, at, v)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for at := start; !at.After(start.Add(5 * time.Minute)); at = at.Add(30 * time.Second) {
		for pod, phase := range map[string]string{"app-1": "Running", "app-2": "Pending", "app-3": "Failed", "app-4": "Succeeded"} {
			finished := phase == "Failed" || phase == "Succeeded"
			for _, p := range []string{"Running", "Pending", "Failed", "Succeeded", "Unknown"} {
				is := 0.0
				if p == phase {
					is = 1
				}
				sample(at, is, metricnames.PodPhase, "pod", pod, "phase", p)
			}
			value := 2.0
			if finished {
				value = map[string]float64{"Failed": 64, "Succeeded": 1.0 / 64}[phase]
			}
			for _, resource := range []string{"cpu", "memory"} {
				sample(at, value, metricnames.PodRequests, "pod", pod, "resource", resource, "node", "n")
				sample(at, value, metricnames.PodLimits, "pod", pod, "resource", resource, "node", "n")
			}
			if !finished {
				sample(at, 2*at.Sub(start).Seconds(), metricnames.ContainerCPU, "pod", pod)
			}
		}
		if err := db.Commit(at); err != nil {
			t.Fatal(err)
		}
	}
	checked := 0
	for name, d := range dashboards(t) {
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				if !strings.Contains(q.Expr, "kube_pod_container_resource_") {
					continue
				}
				checked++
				want := 4.0 // of two pods
				switch {
				case strings.Contains(q.Expr, metricnames.ContainerCPU):
					want = 1
				case !strings.HasPrefix(q.Expr, "sum"):
					want = 2 // of the largest or the smallest
				}
				got, err := db.Query(t.Context(), grafana.Fill(q.Expr, chosen), start.Add(5*time.Minute))
				if err != nil || math.Abs(got-want) > 1e-9 {
					t.Errorf("%s: %s: %s is %v, want %v: %v", name, p.Title, q.LegendFormat, got, want, err)
				}
			}
		}
	}
	if checked < 8 {
		t.Errorf("only %d queries", checked)
	}
}
