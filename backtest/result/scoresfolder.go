package result

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strconv"
)

// A ScoresFolder is what `forecast eval -o` wrote.
type ScoresFolder struct {
	Dir string
	All []Scores
}

// OpenScores reads the scores of a folder.
func OpenScores(dir string) (*ScoresFolder, error) {
	name := filepath.Join(dir, ScoresFile)
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("open scores: %w; give the folder that `hindcast forecast eval -o` wrote", err)
	}
	all, err := DecodeScores(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &ScoresFolder{dir, all}, nil
}

// ShownFile is the file, in ForecastsDir, with the forecasts of the model that is drawn of
// the i-th load. Names of loads are anybody's, so it is named by number.
func ShownFile(i int) string { return "load-" + strconv.Itoa(i+1) + ".csv.gz" }

// Shown yields the forecasts of the model that is drawn of the i-th load, at the main
// horizon.
func (f *ScoresFolder) Shown(i int) iter.Seq2[ForecastRow, error] {
	return func(yield func(ForecastRow, error) bool) {
		forecastsIn(filepath.Join(f.Dir, ForecastsDir, ShownFile(i)), yield)
	}
}
