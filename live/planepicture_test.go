package live_test

import (
	"encoding/csv"
	"flag"
	"os"
	"strconv"
	"testing"
	"time"

	"hindcast.dev/reports"
)

var update = flag.Bool("update", false, "draw the pictures of docs/live.md anew from their log")

// TestPlanePictures: the pictures of a run on a whole control plane show what its log
// says. `HINDCAST_PLANE_LOG=../docs/img/whole-plane.csv` of TestWholePlane writes a new log.
func TestPlanePictures(t *testing.T) {
	file, err := os.Open("../docs/img/whole-plane.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil || len(rows) < 100 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	number := func(row []string, name string) float64 {
		v, err := strconv.ParseFloat(row[column[name]], 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	// Looks come every five seconds and a little more; a chart has even steps.
	const step = 5.0
	var even [][]string
	for _, row := range rows[1:] {
		for float64(len(even))*step <= number(row, "seconds") {
			even = append(even, row)
		}
	}
	values := func(name string, unit float64) []float64 {
		var all []float64
		for _, row := range even {
			all = append(all, number(row, name)/unit)
		}
		return all
	}
	for path, series := range map[string][]reports.ChartSeries{
		"whole-plane-scale.svg": {
			{Name: "asked for", Values: values("scaled_spec", 1)}, {Name: "ready", Values: values("scaled_ready", 1)},
		},
		"whole-plane-floor.svg": {
			{Name: "minReplicas", Values: values("floored_floor", 1)}, {Name: "asked for by the HPA", Values: values("floored_spec", 1)},
			{Name: "ready", Values: values("floored_ready", 1)},
		},
	} {
		chart := reports.Chart{
			Title: "Replicas in " + map[string]string{"whole-plane-scale.svg": "Scale mode", "whole-plane-floor.svg": "HPA floor mode"}[path], YLabel: "replicas",
			Start: time.Unix(0, 0).UTC(), Step: step * time.Second, Holds: true,
			Series: append([]reports.ChartSeries{{Name: "needed by the load", Values: values("load", planeCarries), Reference: true}}, series...),
		}
		path = "../docs/img/" + path
		want := chart.SVG()
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != string(want) {
			t.Errorf("%s is not of its log: go test ./live -run PlanePictures -update (%v)", path, err)
		}
	}
}
