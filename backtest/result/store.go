package result

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
)

// The names of the files of a run's folder.
const (
	ResultFile     = "result.json"
	TimingFile     = "timing.json"
	ExperimentFile = "experiment.yaml"
	HTMLFile       = "report.html"
	MarkdownFile   = "report.md"
	PlotsDir       = "plots"
	RunsDir        = "runs"
	TSDBDir        = "tsdb"
	ForecastsDir   = "forecasts"
	TimelineFile   = "timeline.csv.gz"
	DecisionsFile  = "decisions.jsonl"
	// HPADecisionsFile holds the decisions of the HPA whose floor a policy raises.
	HPADecisionsFile = "hpa-decisions.jsonl"
	LatencyFile      = "latency.csv"
	// RulesDir holds the rule files that were in force, as they were read; RulesFile says
	// how the rules of a policy's run stood at its end.
	RulesDir  = "rules"
	RulesFile = "rules.json"
)

// SeedDir is the folder, within that of a policy in RunsDir, with the timeline and
// latencies of a seed other than the first.
func SeedDir(seed uint64) string { return "seed-" + strconv.FormatUint(seed, 10) }

// ErrExists reports an output folder that is already there.
var ErrExists = errors.New("output folder exists")

// A Writer builds a run's folder beside its final place; nothing is seen under the
// final name before Commit. Its methods may be used by several goroutines, for
// different files.
type Writer struct {
	final, staging string
	replace        bool
}

// NewWriter prepares the folder dir. Where dir exists, it refuses with ErrExists
// unless replace is set and dir is empty or holds a run or scores.
func NewWriter(dir string, replace bool) (*Writer, error) {
	dir = filepath.Clean(dir)
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		replace = false
	case err != nil:
		return nil, fmt.Errorf("output folder: %w", err)
	case !replace:
		return nil, fmt.Errorf("%s: %w", dir, ErrExists)
	case len(entries) > 0:
		_, noRun := os.Stat(filepath.Join(dir, ResultFile))
		if _, noScores := os.Stat(filepath.Join(dir, ScoresFile)); noRun != nil && noScores != nil {
			return nil, fmt.Errorf("%s: not a run (no %s), so it is not replaced", dir, ResultFile)
		}
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, fmt.Errorf("output folder: %w", err)
	}
	staging, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".partial-")
	if err != nil {
		return nil, fmt.Errorf("output folder: %w", err)
	}
	if err := os.Chmod(staging, 0o755); err != nil {
		return nil, errors.Join(err, os.RemoveAll(staging))
	}
	return &Writer{final: dir, staging: staging, replace: replace}, nil
}

// Path returns where the file or folder of the given path elements is to be written
// until Commit, and makes its parent folders. A path that leads out of the run is
// refused.
func (w *Writer) Path(name ...string) (string, error) {
	inside := filepath.Join(name...)
	if !filepath.IsLocal(inside) {
		return "", fmt.Errorf("output folder: %q is not a path within it", inside)
	}
	p := filepath.Join(w.staging, inside)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		return "", fmt.Errorf("output folder: %w", err)
	}
	return p, nil
}

// Create opens a new file for writing.
func (w *Writer) Create(name ...string) (*os.File, error) {
	p, err := w.Path(name...)
	if err != nil {
		return nil, err
	}
	return os.Create(p)
}

// WriteFile writes a whole file.
func (w *Writer) WriteFile(data []byte, name ...string) error {
	p, err := w.Path(name...)
	if err != nil {
		return err
	}
	return os.WriteFile(p, data, 0o644)
}

// WriteJSON writes v as indented JSON.
func (w *Writer) WriteJSON(v any, name ...string) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Join(name...), err)
	}
	return w.WriteFile(b.Bytes(), name...)
}

// Staging is the folder that becomes the run's at Commit; what draws reports reads
// and writes there.
func (w *Writer) Staging() string { return w.staging }

// Commit moves the folder to its final name. A replaced run is gone only once the
// new one stands in its place.
func (w *Writer) Commit() error {
	old := ""
	if w.replace {
		old = w.staging + ".old"
		if err := os.Rename(w.final, old); err != nil {
			return fmt.Errorf("replace %s: %w", w.final, err)
		}
	}
	if err := os.Rename(w.staging, w.final); err != nil {
		if old != "" {
			err = errors.Join(err, os.Rename(old, w.final))
		}
		return fmt.Errorf("write %s: %w", w.final, err)
	}
	if old != "" {
		return os.RemoveAll(old)
	}
	return nil
}

// Abort removes what was written; after Commit it does nothing.
func (w *Writer) Abort() error { return os.RemoveAll(w.staging) }

// A Folder is a finished run.
type Folder struct {
	Dir    string
	Result Result
}

// Open reads the result.json of a run's folder, or of the file itself.
func Open(dir string) (*Folder, error) {
	if filepath.Base(dir) == ResultFile {
		dir = filepath.Dir(dir)
	}
	data, err := os.ReadFile(filepath.Join(dir, ResultFile))
	if err != nil {
		return nil, fmt.Errorf("open run: %w; give the folder that `hindcast backtest -o` wrote", err)
	}
	f := &Folder{Dir: dir}
	if err := json.Unmarshal(data, &f.Result); err != nil {
		return nil, fmt.Errorf("%s%s: %w; %s", filepath.Join(dir, ResultFile), LineOf(data, err), err, again)
	}
	if f.Result.Schema != Schema {
		return nil, fmt.Errorf("%s: schema %q, want %q; %s, or use the version of hindcast that made it",
			filepath.Join(dir, ResultFile), f.Result.Schema, Schema, again)
	}
	for _, p := range f.Result.Policies {
		// Its files are looked for under its name.
		if !filepath.IsLocal(p.Name) {
			return nil, fmt.Errorf("%s: policy %q cannot be the name of a folder; %s", filepath.Join(dir, ResultFile), p.Name, again)
		}
	}
	return f, nil
}

// again is the remedy for a file that nobody but us should have written.
const again = "make the run again"

// LineOf returns ":line" where an error of package json says where in data it is.
func LineOf(data []byte, err error) string {
	offset := int64(-1)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = wrong.Offset
	}
	if offset < 0 || offset > int64(len(data)) {
		return ""
	}
	return fmt.Sprintf(":%d", 1+bytes.Count(data[:offset], []byte("\n")))
}

// Timeline yields the rows of one policy's timeline.
func (f *Folder) Timeline(policy string) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		file, err := os.Open(filepath.Join(f.Dir, RunsDir, policy, TimelineFile))
		if err != nil {
			yield(Row{}, err)
			return
		}
		defer file.Close()
		for row, err := range ReadTimeline(file) {
			if err != nil {
				err = fmt.Errorf("%s: %w; %s", file.Name(), err, again)
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// ForecastSeries yields the forecasts of one model against what came, at the
// horizon that policies act on.
func (f *Folder) ForecastSeries(model string) iter.Seq2[ForecastRow, error] {
	return func(yield func(ForecastRow, error) bool) {
		forecastsIn(filepath.Join(f.Dir, ForecastsDir, model+".csv.gz"), yield)
	}
}

func forecastsIn(name string, yield func(ForecastRow, error) bool) {
	file, err := os.Open(name)
	if err != nil {
		yield(ForecastRow{}, err)
		return
	}
	defer file.Close()
	for row, err := range ReadForecasts(file) {
		if err != nil {
			err = fmt.Errorf("%s: %w; %s", name, err, again)
		}
		if !yield(row, err) {
			return
		}
	}
}

// Text returns a file of the run, such as ExperimentFile.
func (f *Folder) Text(name string) (string, error) {
	file, err := os.Open(filepath.Join(f.Dir, name))
	if err != nil {
		return "", err
	}
	defer file.Close()
	b, err := io.ReadAll(file)
	return string(b), err
}
