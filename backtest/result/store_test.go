package result_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hindcast.dev/backtest/result"
)

func newWriter(t *testing.T, dir string, replace bool) *result.Writer {
	t.Helper()
	w, err := result.NewWriter(dir, replace)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// writeRun writes the smallest run, marked by its seed.
func writeRun(t *testing.T, w *result.Writer, seed uint64) {
	t.Helper()
	if err := w.WriteJSON(result.Result{Schema: result.Schema, Seed: seed}, result.ResultFile); err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, w *result.Writer) {
	t.Helper()
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

func seedOf(t *testing.T, dir string) uint64 {
	t.Helper()
	f, err := result.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f.Result.Seed
}

// entries are the names in a folder, hidden ones included.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestNothingIsSeenBeforeCommit(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "deep", "run")
	w := newWriter(t, dir, false)
	writeRun(t, w, 1)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the folder is there before Commit: %v", err)
	}
	commit(t, w)
	if seedOf(t, dir) != 1 {
		t.Error("another result")
	}
	if err := w.Abort(); err != nil {
		t.Errorf("Abort after Commit: %v", err)
	}
	if got := entries(t, filepath.Dir(dir)); len(got) != 1 || seedOf(t, dir) != 1 {
		t.Errorf("left behind: %v", got)
	}
	// Anyone who may read the parent may read the run.
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("folder has mode %v, %v", info.Mode(), err)
	}
}

func TestAbortLeavesNothing(t *testing.T) {
	parent := t.TempDir()
	w := newWriter(t, filepath.Join(parent, "run"), false)
	if err := w.WriteFile([]byte("x"), result.RunsDir, "hpa", result.DecisionsFile); err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, parent); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

func TestWriterRefusesWhatIsThere(t *testing.T) {
	parent := t.TempDir()
	run, empty, other, file := filepath.Join(parent, "run"), filepath.Join(parent, "empty"), filepath.Join(parent, "other"), filepath.Join(parent, "file")
	w := newWriter(t, run, false)
	writeRun(t, w, 1)
	commit(t, w)
	for _, dir := range []string{empty, other} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{file, filepath.Join(other, "thesis.doc")} {
		if err := os.WriteFile(name, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		dir     string
		replace bool
		refused bool
	}{
		{run, false, true}, {run, true, false}, {empty, false, true}, {empty, true, false},
		{other, false, true}, {other, true, true}, {file, false, true}, {file, true, true},
	} {
		t.Run(fmt.Sprint(filepath.Base(tc.dir), " replace ", tc.replace), func(t *testing.T) {
			w, err := result.NewWriter(tc.dir, tc.replace)
			if (err != nil) != tc.refused {
				t.Fatalf("got %v, want refused %v", err, tc.refused)
			}
			if err == nil {
				if err := w.Abort(); err != nil {
					t.Fatal(err)
				}
			} else if wantExists := !tc.replace && tc.dir != file; errors.Is(err, result.ErrExists) != wantExists {
				t.Errorf("got %v, ErrExists wanted: %v", err, wantExists)
			}
		})
	}
	if got := entries(t, parent); len(got) != 4 {
		t.Errorf("left behind: %v", got)
	}
	if data, err := os.ReadFile(filepath.Join(other, "thesis.doc")); err != nil || string(data) != "mine" {
		t.Errorf("a stranger's file is now %q, %v", data, err)
	}
}

func TestReplaceSwapsWholeRuns(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "run")
	w := newWriter(t, dir, false)
	writeRun(t, w, 1)
	if err := w.WriteFile([]byte("old"), "stale.txt"); err != nil {
		t.Fatal(err)
	}
	commit(t, w)

	next := newWriter(t, dir, true)
	if seedOf(t, dir) != 1 {
		t.Error("the old run is gone before the new one is written")
	}
	writeRun(t, next, 2)
	if seedOf(t, dir) != 1 {
		t.Error("the old run is gone before Commit")
	}
	commit(t, next)
	if seedOf(t, dir) != 2 {
		t.Error("the new run is not in place")
	}
	if got := entries(t, dir); len(got) != 1 {
		t.Errorf("files of the old run stay: %v", got)
	}
	if got := entries(t, parent); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}

	aborted := newWriter(t, dir, true)
	writeRun(t, aborted, 3)
	if err := aborted.Abort(); err != nil {
		t.Fatal(err)
	}
	if seedOf(t, dir) != 2 {
		t.Error("Abort touched the run that was to be replaced")
	}
}

// TestCommitNeverMixesRuns: a folder that appeared meanwhile is not overwritten.
func TestCommitNeverMixesRuns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	first, second := newWriter(t, dir, false), newWriter(t, dir, false)
	writeRun(t, first, 1)
	writeRun(t, second, 2)
	commit(t, first)
	if err := second.Commit(); err == nil {
		t.Error("a second run took the place of the first without being asked to")
	}
	if err := second.Abort(); err != nil {
		t.Fatal(err)
	}
	if seedOf(t, dir) != 1 {
		t.Error("the first run is gone")
	}
}

func TestWriterStaysInItsFolder(t *testing.T) {
	parent := t.TempDir()
	w := newWriter(t, filepath.Join(parent, "run"), false)
	for _, name := range [][]string{{"..", "x"}, {result.RunsDir, "../../../x", "y"}, {"/etc/x"}, {""}} {
		if _, err := w.Create(name...); err == nil {
			t.Errorf("%q was created", name)
		}
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, parent); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

func TestOpenNamesWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	for _, tc := range []struct{ text, want string }{
		{"{", ":1: unexpected end of JSON input; make the run again"},
		{"{\n\"seeds\": 1,\n", ":3: unexpected end of JSON input; make the run again"},
		{`{"schema":"hindcast/result/v9"}`, `: schema "hindcast/result/v9", want "hindcast/result/v1"; make the run again, or`},
		{`{"schema":"hindcast/result/v1","policies":[{"name":"v3"},{"name":"../../etc"}]}`, `: policy "../../etc" cannot be the name of a folder; make the run again`},
		{`{"schema":"hindcast/result/v1","policies":[{"name":""}]}`, `: policy "" cannot`},
		{"{\"schema\":\"hindcast/result/v1\",\n\"seed\":\"one\"}", ":2: "},
	} {
		if err := os.WriteFile(filepath.Join(dir, result.ResultFile), []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := result.Open(dir); err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), result.ResultFile) {
			t.Errorf("%s: got %v, want %q", tc.text, err, tc.want)
		}
	}
	if _, err := result.Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestTimelineThatIsCutOff: the error names the file and the line, and what to do.
func TestTimelineThatIsCutOff(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	w := newWriter(t, dir, false)
	file, err := w.Create(result.RunsDir, "v3", result.TimelineFile)
	if err != nil {
		t.Fatal(err)
	}
	tw := result.NewTimelineWriter(file)
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for i := range 5000 {
		tw.Write(result.Row{Time: start.Add(time.Duration(i*i) * time.Second), Load: math.Sqrt(float64(i))})
	}
	if err := errors.Join(tw.Close(), w.WriteJSON(result.Result{Schema: result.Schema}, result.ResultFile), w.Commit()); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, result.RunsDir, "v3", result.TimelineFile)
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, info.Size()/2); err != nil {
		t.Fatal(err)
	}
	f, err := result.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, err = range f.Timeline("v3") {
		if err == nil {
			rows++
		}
	}
	if want := fmt.Sprintf("%s: read timeline: line %d: unexpected EOF; make the run again", name, rows+2); err == nil || err.Error() != want || rows == 0 {
		t.Errorf("after %d rows got %v, want %s", rows, err, want)
	}
}

func TestFolderReadsItsTables(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	w := newWriter(t, dir, false)
	writeRun(t, w, 1)
	file, err := w.Create(result.RunsDir, "hpa", result.TimelineFile)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	lines := result.NewTimelineWriter(file)
	lines.Write(result.Row{Time: at, Load: 1, P99: math.NaN()})
	if err := lines.Close(); err != nil {
		t.Fatal(err)
	}
	var forecasts bytes.Buffer
	if err := result.WriteForecasts(&forecasts, []result.ForecastRow{{Time: at, Actual: 2}}); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteFile(forecasts.Bytes(), result.ForecastsDir, "ridge.csv.gz"); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteFile([]byte("spec: {}\n"), result.ExperimentFile); err != nil {
		t.Fatal(err)
	}
	commit(t, w)

	// The file's own name does as well as its folder's.
	f, err := result.Open(filepath.Join(dir, result.ResultFile))
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := collect(t, f.Timeline("hpa")); err != nil || len(rows) != 1 || rows[0].Load != 1 {
		t.Errorf("timeline: %v, %v", rows, err)
	}
	if rows, err := collect(t, f.ForecastSeries("ridge")); err != nil || len(rows) != 1 || rows[0].Actual != 2 {
		t.Errorf("forecasts: %v, %v", rows, err)
	}
	if text, err := f.Text(result.ExperimentFile); err != nil || text != "spec: {}\n" {
		t.Errorf("experiment: %q, %v", text, err)
	}
	for what, err := range map[string]error{
		"timeline":  second(collect(t, f.Timeline("v9"))),
		"forecasts": second(collect(t, f.ForecastSeries("v9"))),
		"text":      second(f.Text("v9")),
	} {
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s of nobody: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestJSONIsTheSameBytes: result.json is compared byte by byte.
func TestJSONIsTheSameBytes(t *testing.T) {
	var texts [2][]byte
	for i := range texts {
		dir := filepath.Join(t.TempDir(), "run")
		w := newWriter(t, dir, false)
		err := w.WriteJSON(result.Result{
			Schema: result.Schema, Notes: []string{"a < b & c"},
			Policies: []result.Policy{{Name: "hpa", SLA: result.SLA{RequestsGood: result.Undefined()}}},
		}, result.ResultFile)
		if err != nil {
			t.Fatal(err)
		}
		commit(t, w)
		if texts[i], err = os.ReadFile(filepath.Join(dir, result.ResultFile)); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(texts[0], texts[1]) {
		t.Error("the same result gave different bytes")
	}
	if !bytes.Contains(texts[0], []byte(`"requestsGood": null`)) {
		t.Errorf("an undefined share is not null: %s", texts[0])
	}
}
