package reports_test

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/reports"
)

// TestFaultsAreDrawn: each fault is a row of the table, and stands in the pictures where its time
// is, by its number.
func TestFaultsAreDrawn(t *testing.T) {
	f := synthetic{days: 8, name: "shop", plain: true}.folder(t, t.TempDir())
	at := []time.Duration{30 * time.Hour, 100 * time.Hour, 150 * time.Hour}
	for i, d := range at {
		start := f.Result.Dataset.Start.Add(d)
		f.Result.Faults = append(f.Result.Faults, result.Fault{
			Kind: "node-loss", Start: start, End: start.Add(time.Duration(i) * time.Hour), Description: fmt.Sprintf("<b>fault | %d</b>", i),
		})
	}
	if err := reports.Write(f, f.Dir); err != nil {
		t.Fatal(err)
	}
	x := map[string]float64{}
	for _, e := range elements(t, readFile(t, filepath.Join(f.Dir, result.PlotsDir, "load.svg"))) {
		// The numbers of axes are not of this colour.
		if e.name != "text" || !strings.EqualFold(e.attrs["fill"], "#d55e00") {
			continue
		}
		v, err := strconv.ParseFloat(e.attrs["x"], 64)
		if err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
		x[e.text] = v
	}
	if len(x) != 3 {
		t.Fatalf("the numbers in the picture are at %v", x)
	}
	got := (x["2"] - x["1"]) / (x["3"] - x["1"])
	if want := (at[1] - at[0]).Hours() / (at[2] - at[0]).Hours(); math.Abs(got-want) > 0.01 {
		t.Errorf("fault 2 is %v of the way from 1 to 3, want %v", got, want)
	}
	texts := ""
	for _, e := range elements(t, readFile(t, filepath.Join(f.Dir, result.HTMLFile))) {
		switch e.name {
		case "b":
			t.Error("a description became an element")
		case "table":
			texts += e.text
		}
	}
	for i := range at {
		if !strings.Contains(texts, fmt.Sprintf("<b>fault | %d</b>", i)) {
			t.Errorf("fault %d is in no table", i)
		}
	}
	// The first is before the scored part.
	for name, want := range map[string]int{"replicas-hpa.svg": 2, "replicas-v3.svg": 2} {
		n := 0
		for _, e := range elements(t, readFile(t, filepath.Join(f.Dir, result.PlotsDir, name))) {
			if e.name == "text" && strings.EqualFold(e.attrs["fill"], "#d55e00") {
				n++
			}
		}
		if n != want {
			t.Errorf("%s shows %d faults, want %d", name, n, want)
		}
	}
}
