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

// goodIn is a tenth less for each policy during the i-th fault, and nothing during the first.
func goodIn(policies []result.Policy, i int) map[string]result.Number {
	good := map[string]result.Number{}
	for j, p := range policies {
		if i > 0 {
			good[p.Name] = result.Number(1 - 0.09*float64(i)*float64(j))
		}
	}
	return good
}

// TestFaultsAreDrawn: each fault is a row of the table, and stands in the pictures where its time
// is, by its number.
func TestFaultsAreDrawn(t *testing.T) {
	f := synthetic{days: 8, name: "shop", plain: true}.folder(t, t.TempDir())
	at := []time.Duration{30 * time.Hour, 100 * time.Hour, 150 * time.Hour}
	for i, d := range at {
		start := f.Result.Dataset.Start.Add(d)
		f.Result.Faults = append(f.Result.Faults, result.Fault{
			RequestsGood: goodIn(f.Result.Policies, i), Kind: "node-loss", Start: start, End: start.Add(time.Duration(i) * time.Hour), Description: fmt.Sprintf("<b>fault | %d</b>", i),
		})
	}
	for i := range f.Result.Policies {
		if f.Result.Policies[i].Name == "v3" {
			f.Result.Policies[i].Scaling.Refused = 7
		}
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
	// The first is before the scored part, so that nobody's requests are counted.
	md := string(readFile(t, filepath.Join(f.Dir, result.MarkdownFile)))
	_, md, _ = strings.Cut(md, "Requests good during each fault")
	md, _, _ = strings.Cut(md, "## ")
	if strings.Contains(md, "| 1 ") || !strings.Contains(md, "| 2 ") || !strings.Contains(md, " 91.0 ") || !strings.Contains(md, " 64 |") ||
		!strings.Contains(md, "were refused: v3 7.") {
		t.Errorf("the table of service during faults is\n%s", md)
	}
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
