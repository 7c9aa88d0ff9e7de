package forecast_test

import (
	"encoding/csv"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"hindcast.dev/forecast"
)

// The organisers' forecasts of the M4 competition (Makridakis, Spiliotis and
// Assimakopoulos, International Journal of Forecasting 36, 2020) on 60 hourly series,
// value by value. On two series their search of alpha stopped a little short of the
// least squared errors, which costs SES the last digit.
func TestM4(t *testing.T) {
	const day = 24
	past := m4(t, "Hourly-train-60.csv")
	for _, tt := range []struct {
		file      string
		model     forecast.Model
		tolerance float64
	}{
		{"sNaive-60.csv", forecast.SeasonalNaive{Season: day}, 1e-9},
		{"Naive2-60.csv", forecast.Naive2{Season: day}, 1e-9},
		{"SES-60.csv", forecast.SES{Season: day}, 2e-6},
	} {
		t.Run(tt.file, func(t *testing.T) {
			for id, want := range m4(t, tt.file) {
				got := predict(mustFit(t, tt.model, hours(past[id]...)), len(want))
				for h := range want {
					// The files have six digits.
					rounding := .5 * math.Pow(10, math.Floor(math.Log10(want[h]))-5)
					if !(math.Abs(got[h]-want[h]) <= rounding+tt.tolerance*want[h]) {
						t.Errorf("%s, %d ahead: %v, want %v", id, h+1, got[h], want[h])
					}
				}
			}
		})
	}
}

// m4 reads the series of a file of the competition by their ids, or skips the test
// where the files are not at hand.
func m4(t *testing.T, name string) map[string][]float64 {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "..", "shared", "data", "m4", name))
	if errors.Is(err, fs.ErrNotExist) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("M4 file %s is missing: %v", name, err)
		}
		t.Skipf("M4 file %s is not at hand: %v", name, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reader := csv.NewReader(file)
	reader.FieldsPerRecord = -1
	rows, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	series := make(map[string][]float64)
	for _, row := range rows[1:] {
		for _, field := range row[1:] {
			if field == "" {
				break
			}
			v, err := strconv.ParseFloat(field, 64)
			if err != nil {
				t.Fatal(err)
			}
			series[row[0]] = append(series[row[0]], v)
		}
	}
	return series
}
