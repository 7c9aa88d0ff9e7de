package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/datasets"
	"hindcast.dev/forecast"
	"hindcast.dev/reports"
)

// TestForecastEvalStops holds that an interrupt ends the scoring without results.
func TestForecastEvalStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	args := []string{"hindcast", "forecast", "eval", "--data", "scenario:shop", "--json", filepath.Join(dir, "scores.json")}
	var stdout, stderr bytes.Buffer
	if code := run(ctx, args, strings.NewReader(""), &stdout, &stderr); code != exitInterrupted {
		t.Errorf("exit code %d, want %d", code, exitInterrupted)
	}
	if got, want := stderr.String(), "hindcast: interrupted; nothing was written\n"; got != want || stdout.Len() > 0 {
		t.Errorf("standard error %q, standard output %q; want %q and none", got, stdout.String(), want)
	}
	if left, err := files(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestForecastBenchOnM4 scores the methods whose forecasts the organisers of the M4
// competition published, and compares with the scores of those forecasts. Both are
// exact but for the six digits of the files.
func TestForecastBenchOnM4(t *testing.T) {
	const season = 24
	train, test := m4Rows(t, "Hourly-train-60.csv"), m4Rows(t, "Hourly-test-60.csv")
	want := map[string][2]float64{}
	for model, file := range map[string]string{"seasonal-naive": "sNaive-60.csv", "naive2": "Naive2-60.csv", "ses": "SES-60.csv"} {
		var smape, mase float64
		for id, f := range m4Rows(t, file) {
			x, y := train[id], test[id]
			var scale, percentage, miss float64
			for i := season; i < len(x); i++ {
				scale += math.Abs(x[i] - x[i-season])
			}
			for h := range y {
				percentage += 200 * math.Abs(y[h]-f[h]) / (math.Abs(y[h]) + math.Abs(f[h]))
				miss += math.Abs(y[h] - f[h])
			}
			n := float64(len(y)) // the same for every series
			smape += percentage / n / float64(len(test))
			mase += miss / n / (scale / float64(len(x)-season)) / float64(len(test))
		}
		want[model] = [2]float64{smape, mase}
	}

	var stdout, stderr bytes.Buffer
	args := []string{"hindcast", "forecast", "bench", "--train", m4File("Hourly-train-60.csv"), "--test", m4File("Hourly-test-60.csv"),
		"--season", strconv.Itoa(season), "--models", "ses,seasonal-naive", "--json", "-"}
	if code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	var got benchFile
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Models) != len(want) {
		t.Fatalf("%d models, want %d", len(got.Models), len(want))
	}
	benchmark := want[owaBenchmark]
	for _, m := range got.Models {
		w := want[m.Name]
		for name, pair := range map[string][2]float64{
			"sMAPE": {float64(m.SMAPE), w[0]},
			"MASE":  {float64(m.MASE), w[1]},
			"OWA":   {float64(m.OWA), (w[0]/benchmark[0] + w[1]/benchmark[1]) / 2},
		} {
			if !(math.Abs(pair[0]-pair[1]) <= 1e-5*pair[1]) {
				t.Errorf("%s: %s %v, want %v", m.Name, name, pair[0], pair[1])
			}
		}
	}
}

func m4File(name string) string {
	return filepath.Join("..", "..", "..", "shared", "data", "m4", name)
}

// m4Rows reads a file of the competition, or skips the test where it is not at hand.
func m4Rows(t *testing.T, name string) map[string][]float64 {
	t.Helper()
	file, err := os.Open(m4File(name))
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") != "true" {
		t.Skipf("M4 file %s is not at hand: %v", name, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]float64{}
	for _, row := range rows[1:] {
		for _, field := range row[1:] {
			if field == "" {
				break
			}
			v, err := strconv.ParseFloat(field, 64)
			if err != nil {
				t.Fatal(err)
			}
			all[row[0]] = append(all[row[0]], v)
		}
	}
	return all
}

// TestForecastEvalTellsFailures holds that a model which fell back says so.
func TestForecastEvalTellsFailures(t *testing.T) {
	p := &evalPlan{
		evalFlags: &evalFlags{}, series: datasets.Series{Step: time.Minute, Values: []float64{1, 2, 3}},
		options: forecast.EvaluateOptions{Horizons: []int{1}, WarmUp: 1},
	}
	e := forecast.ModelEvaluation{Name: "arima", Failures: forecast.Failures{Fits: 2, First: errors.New("no optimum")}}
	e.Horizons = []forecast.HorizonScore{{Horizon: 1, WAPE: math.NaN()}}
	e.Weights = []forecast.Weight{{Name: "few", Weight: .25}, {Name: "most", Weight: .75}}
	var text bytes.Buffer
	if err := reports.ScoresText(&text, []result.Scores{p.scores([]modelScore{{ModelEvaluation: e}})}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"fell back: arima: 2 fits failed and 0 forecasts", "first: no optimum", "arima  most        75.00\narima  few         25.00\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in:\n%s", want, text.String())
		}
	}
}
