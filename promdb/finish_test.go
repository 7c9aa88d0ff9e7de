package promdb_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"hindcast.dev/promdb"
)

// worldCup is when the World Cup trace of 1998 starts: replays are of any year.
var worldCup = time.Date(1998, 4, 30, 21, 30, 17, 0, time.UTC)

func TestFinishLeavesEverySampleInBlocks(t *testing.T) {
	for name, tc := range map[string]struct {
		start  time.Time
		length time.Duration
		cfg    promdb.Config
	}{
		"2024":              {epoch, 31 * time.Hour, promdb.Config{}},
		"1998":              {worldCup, 31 * time.Hour, promdb.Config{BlockDuration: 2 * time.Hour}},
		"less than a block": {epoch, 10 * time.Minute, promdb.Config{}},
		"one instant":       {epoch, 0, promdb.Config{}},
		"WAL":               {epoch.Add(time.Millisecond), 13 * time.Hour, promdb.Config{WAL: true}},
		"labels":            {epoch, time.Hour, promdb.Config{ExternalLabels: map[string]string{"policy": "v3"}}},
	} {
		t.Run(name, func(t *testing.T) {
			points := world(tc.start, tc.start.Add(tc.length), 9)
			dir := finished(t, tc.cfg, points)
			db, err := tsdb.OpenDBReadOnly(dir, t.TempDir(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()

			want := make(map[string][]string)
			for _, p := range points {
				key := labels.NewBuilder(labels.FromMap(tc.cfg.ExternalLabels)).Set("__name__", p.name)
				for _, l := range p.labels {
					key.Set(l.Name, l.Value)
				}
				v := p.value
				if p.stale {
					v = math.Float64frombits(value.StaleNaN)
				}
				id := key.Labels().String()
				want[id] = append(want[id], fmt.Sprintf("%d %x", p.at.UnixMilli(), math.Float64bits(v)))
			}
			if diff := cmp.Diff(want, everySample(t, db, points[len(points)-1].at)); diff != "" {
				t.Errorf("samples differ (-want +got):\n%s", diff)
			}
			checkBlocks(t, db, points[0].at, points[len(points)-1].at)
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range entries {
				if len(entry.Name()) != 26 {
					t.Errorf("%s is not a block", entry.Name())
				}
			}
		})
	}
}

// everySample returns all samples by series, exact to the bit. Asked for more than
// the blocks hold, the TSDB would look for a write-ahead log.
func everySample(t *testing.T, db *tsdb.DBReadOnly, last time.Time) map[string][]string {
	t.Helper()
	q, err := db.Querier(math.MinInt64, last.UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	got := make(map[string][]string)
	set := q.Select(t.Context(), true, nil, labels.MustNewMatcher(labels.MatchRegexp, "__name__", ".+"))
	var it chunkenc.Iterator
	for set.Next() {
		id := set.At().Labels().String()
		it = set.At().Iterator(it)
		for it.Next() == chunkenc.ValFloat {
			at, v := it.At()
			got[id] = append(got[id], fmt.Sprintf("%d %x", at, math.Float64bits(v)))
		}
		if it.Err() != nil {
			t.Fatal(it.Err())
		}
	}
	if set.Err() != nil {
		t.Fatal(set.Err())
	}
	return got
}

// checkBlocks fails unless the blocks cover [first, last] without overlap, and
// hold chunks that servers older than our library can read.
func checkBlocks(t *testing.T, db *tsdb.DBReadOnly, first, last time.Time) {
	t.Helper()
	blocks, err := db.Blocks()
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range blocks {
		if i > 0 && blocks[i-1].Meta().MaxTime > b.Meta().MinTime {
			t.Errorf("block %d overlaps the one before", i)
		}
	}
	if got := blocks[0].Meta().MinTime; got != first.UnixMilli() {
		t.Errorf("first block starts at %d, first sample is at %d", got, first.UnixMilli())
	}
	if got := blocks[len(blocks)-1].Meta().MaxTime; got != last.UnixMilli()+1 {
		t.Errorf("last block ends at %d, last sample is at %d", got, last.UnixMilli())
	}
	q, err := db.ChunkQuerier(math.MinInt64, last.UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	set := q.Select(t.Context(), false, nil, labels.MustNewMatcher(labels.MatchRegexp, "__name__", ".+"))
	for set.Next() {
		for it := set.At().Iterator(nil); it.Next(); {
			if got := it.At().Chunk.Encoding(); got != chunkenc.EncXOR {
				t.Fatalf("a chunk of %s is encoded as %s", set.At().Labels(), got)
			}
		}
	}
	if set.Err() != nil {
		t.Fatal(set.Err())
	}
}

func TestFinishRefusals(t *testing.T) {
	if err := open(t, promdb.Config{}).Finish(); err == nil {
		t.Error("finished in a temporary directory")
	}
	db := open(t, promdb.Config{Dir: t.TempDir()})
	if err := db.Append(handle(t, db, "x"), epoch, 1); err != nil {
		t.Fatal(err)
	}
	if err := db.Finish(); err == nil {
		t.Error("finished with samples that are not committed")
	}
	commit(t, db, epoch)
	if err := db.Finish(); err != nil {
		t.Errorf("after Commit: %v", err)
	}
	if err := db.Finish(); !errors.Is(err, promdb.ErrClosed) {
		t.Errorf("second Finish: got %v, want ErrClosed", err)
	}
}

func TestFinishOfAnEmptyRunLeavesNoBlocks(t *testing.T) {
	dir := finished(t, promdb.Config{}, nil)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("got %v, %v, want an empty directory", entries, err)
	}
	if _, err := promdb.OpenReadOnly(dir); !errors.Is(err, promdb.ErrNoData) {
		t.Errorf("open: got %v, want ErrNoData", err)
	}
}

func TestReaderAnswersLikeTheRun(t *testing.T) {
	end := worldCup.Add(20 * time.Hour)
	points := world(worldCup, end, 10)
	live := open(t, promdb.Config{})
	replay(t, live, points)
	dir := finished(t, promdb.Config{}, points)
	before := files(t, dir)
	reader, err := promdb.OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if first, last := reader.Bounds(); !first.Equal(worldCup) || last.After(end) || end.Sub(last) >= scrape {
		t.Errorf("bounds %s and %s", first, last)
	}
	for at := worldCup; at.Before(end.Add(time.Hour)); at = at.Add(17*time.Minute + 3*time.Second) {
		for _, expr := range questions {
			want, wantErr := live.Query(t.Context(), expr, at)
			got, gotErr := reader.Query(t.Context(), expr, at)
			sameAnswer(t, expr+" at "+at.String(), got, gotErr, want, wantErr)
		}
	}
	wantRange, err1 := live.QueryRange(t.Context(), questions[0], worldCup, end, time.Minute)
	gotRange, err2 := reader.QueryRange(t.Context(), questions[0], worldCup, end, time.Minute)
	if err := errors.Join(err1, err2); err != nil || fmt.Sprint(gotRange) != fmt.Sprint(wantRange) {
		t.Errorf("range differs: %v", err)
	}
	wantVector, err1 := live.QueryVector(t.Context(), "requests_total", end)
	gotVector, err2 := reader.QueryVector(t.Context(), "requests_total", end)
	if diff := cmp.Diff(wantVector, gotVector); diff != "" || errors.Join(err1, err2) != nil {
		t.Error(diff, err1, err2)
	}
	if diff := cmp.Diff(before, files(t, dir)); diff != "" {
		t.Errorf("reading changed the directory:\n%s", diff)
	}
}

func TestReaderMergesRuns(t *testing.T) {
	var dirs []string
	for i, policy := range []string{"v3", "hpa"} {
		points := []point{{name: "replicas", at: epoch, value: float64(i + 1)}}
		dirs = append(dirs, finished(t, promdb.Config{ExternalLabels: map[string]string{"policy": policy}}, points))
	}
	reader, err := promdb.OpenReadOnly(dirs...)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for expr, want := range map[string]float64{`replicas`: 3, `replicas{policy="hpa"}`: 2, `count(replicas)`: 2} {
		if got, err := reader.Query(t.Context(), expr, epoch); got != want || err != nil {
			t.Errorf("%s: got %v, %v, want %v", expr, got, err, want)
		}
	}
}

func TestReaderRefusesAnUnfinishedRun(t *testing.T) {
	for name, cfg := range map[string]promdb.Config{"WAL": {WAL: true}, "no WAL": {}} {
		cfg.Dir = t.TempDir()
		replay(t, open(t, cfg), world(epoch, epoch.Add(20*time.Hour), 11)) // and is never finished
		if _, err := promdb.OpenReadOnly(cfg.Dir); !errors.Is(err, promdb.ErrUnfinished) {
			t.Errorf("%s: got %v, want ErrUnfinished", name, err)
		}
	}
	if _, err := promdb.OpenReadOnly(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: got %v", err)
	}
	if _, err := promdb.OpenReadOnly(); !errors.Is(err, promdb.ErrNoData) {
		t.Errorf("none given: got %v", err)
	}
}

// finished returns the directory of a finished run over points.
func finished(t testing.TB, cfg promdb.Config, points []point) string {
	t.Helper()
	cfg.Dir = filepath.Join(t.TempDir(), "tsdb")
	db := open(t, cfg)
	replay(t, db, points)
	if err := db.Finish(); err != nil {
		t.Fatal(err)
	}
	return cfg.Dir
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		out = append(out, fmt.Sprint(path, info.Size(), info.ModTime()))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}
