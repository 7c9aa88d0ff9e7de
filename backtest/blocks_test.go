package backtest_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hindcast.dev/api/v1alpha1"
	"hindcast.dev/backtest"
	"hindcast.dev/backtest/result"
	"hindcast.dev/internal/promtest"
	"hindcast.dev/promdb"
)

// blocksOfARun runs two policies on steps of load and returns the run and one folder
// with the blocks of both.
func blocksOfARun(t *testing.T) (*result.Folder, string) {
	t.Helper()
	x := experiment("step", "v3", "hpa")
	x.Spec.Datasets = []v1alpha1.Dataset{{Name: "steps", Path: recording(t)}}
	dir, _ := run(t, x, backtest.Options{Parallel: 2})
	f, err := result.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	merged := t.TempDir()
	for _, p := range f.Result.Policies {
		if err := os.CopyFS(merged, os.DirFS(filepath.Join(dir, result.TSDBDir, p.Name))); err != nil {
			t.Fatal(err)
		}
	}
	return f, merged
}

// checkBlocks compares what query answers with the timelines, between scrapes: servers
// before 3.0 count a sample at the very start of a range, later ones do not.
func checkBlocks(t *testing.T, f *result.Folder, query func(expr string, at time.Time) float64) {
	t.Helper()
	changes := 0
	for _, p := range f.Result.Policies {
		var rows []result.Row
		for row, err := range f.Timeline(p.Name) {
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
		}
		k := 0
		since := rows[0].Time // of the load
		last := int32(-1)
		for at := f.Result.Dataset.Start.Add(7 * time.Second); at.Before(f.Result.Dataset.End); at = at.Add(105 * time.Second) {
			scrape := at.Truncate(15 * time.Second)
			for k+1 < len(rows) && !rows[k+1].Time.After(scrape) {
				if k++; rows[k].Load != rows[k-1].Load {
					since = rows[k].Time
				}
			}
			if rows[k].Desired != last {
				changes, last = changes+1, rows[k].Desired
			}
			if got := query(`kube_deployment_spec_replicas{policy="`+p.Name+`"}`, at); got != float64(rows[k].Desired) {
				t.Errorf("%s at %v: blocks say %v replicas, the timeline %d", p.Name, at, got, rows[k].Desired)
			}
			if got := query(`kube_deployment_status_replicas_ready{policy="`+p.Name+`"}`, at); got != float64(rows[k].Ready) {
				t.Errorf("%s at %v: blocks say %v replicas are ready, the timeline %d", p.Name, at, got, rows[k].Ready)
			}
			// A rate over a minute of one load is that load, but for a request at each end.
			if scrape.Sub(since) > 90*time.Second {
				got := query(`sum(rate(nginx_ingress_controller_requests{policy="`+p.Name+`"}[1m]))`, at)
				if math.Abs(got-rows[k].Load) > 1./45 {
					t.Errorf("%s at %v: blocks say %v requests/s, the timeline %v", p.Name, at, got, rows[k].Load)
				}
			}
		}
	}
	if changes < 20 {
		t.Errorf("only %d sizes: this test would not notice", changes)
	}
}

func TestBlocksShowTheTimeline(t *testing.T) {
	f, merged := blocksOfARun(t)
	var dirs []string
	for _, p := range f.Result.Policies {
		dirs = append(dirs, filepath.Join(f.Dir, result.TSDBDir, p.Name))
	}
	for _, open := range [][]string{dirs, {merged}} {
		db, err := promdb.OpenReadOnly(open...)
		if err != nil {
			t.Fatal(err)
		}
		checkBlocks(t, f, func(expr string, at time.Time) float64 {
			v, err := db.Query(t.Context(), expr, at)
			if err != nil {
				t.Fatal(err)
			}
			return v
		})
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestPrometheusServesTheBlocks(t *testing.T) {
	promtest.Find(t) // before the run is made
	f, merged := blocksOfARun(t)
	server := promtest.Start(t, merged)
	checkBlocks(t, f, func(expr string, at time.Time) float64 {
		vector := server.Query(t, expr, at)
		if len(vector) != 1 {
			t.Fatalf("%s at %v: %v", expr, at, vector)
		}
		for _, v := range vector {
			return v
		}
		return math.NaN()
	})
}
