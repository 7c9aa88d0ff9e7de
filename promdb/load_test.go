package promdb_test

import (
	"errors"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hindcast.dev/internal/promtest"
	"hindcast.dev/promdb"
	"hindcast.dev/promdb/promapi"
)

// writeLoad writes a counter of 60 a minute, scraped every 15 s, and leaves the newest
// hours in the write-ahead log, as a server that was killed does; or nothing, if it is
// finished.
func writeLoad(t *testing.T, finish bool) (dir string, end time.Time) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	db, err := promdb.Open(promdb.Config{Dir: dir, WAL: true, BlockDuration: 2 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s, err := db.Series("requests_total")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 * 60 * 7 {
		end = epoch.Add(time.Duration(i) * 15 * time.Second)
		if err := errors.Join(db.Append(s, end, float64(15*i)), db.Commit(end)); err != nil {
			t.Fatal(err)
		}
	}
	if finish {
		err = db.Finish()
	} else {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, end
}

func snapshotOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			files[path] = "folder"
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// The log is part of the data, the folder stays as it is, and nothing is left behind.
func TestOpenLoadReadsTheLog(t *testing.T) {
	const rate = `rate(requests_total[1m])`
	for name, damage := range map[string]func(t *testing.T, dir string){
		"as a server leaves it": nil,
		"torn at the end": func(t *testing.T, dir string) {
			segments, err := filepath.Glob(filepath.Join(dir, "wal", "0*"))
			if err != nil || len(segments) == 0 {
				t.Fatal(segments, err)
			}
			last := segments[len(segments)-1]
			info, err := os.Stat(last)
			if err == nil {
				err = os.Truncate(last, info.Size()-7)
			}
			if err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, end := writeLoad(t, false)
			if damage != nil {
				damage(t, dir)
				end = end.Add(-time.Minute)
			}
			if _, err := promdb.OpenReadOnly(dir); !errors.Is(err, promdb.ErrUnfinished) {
				t.Fatalf("the data has no log: %v", err)
			}
			tmp := t.TempDir()
			t.Setenv("TMPDIR", tmp)
			before := snapshotOf(t, dir)
			s, err := promdb.OpenLoad(t.Context(), "tsdb:"+dir, rate, 30*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if s.Start.After(epoch.Add(time.Minute)) || s.End().Before(end) || s.Step != 30*time.Second {
				t.Errorf("the load is from %v to %v every %v, want from %v to %v", s.Start, s.End(), s.Step, epoch, end)
			}
			for i, v := range s.Values {
				// At first the range reaches back before the first sample.
				if i > 2 && math.Abs(v-1) > 1e-9 {
					t.Fatalf("the rate of step %d is %v, want 1", i, v)
				}
			}
			after := snapshotOf(t, dir)
			if len(before) != len(after) {
				t.Errorf("%d files became %d", len(before), len(after))
			}
			for path, text := range before {
				if after[path] != text {
					t.Errorf("%s was changed", path)
				}
			}
			if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

// The folder of a real server is refused while the server runs, which goes on undisturbed;
// its data, log included, is read once it has stopped, and where a server that was killed left
// its lock behind.
func TestOpenLoadOfAPrometheusServer(t *testing.T) {
	promtest.Find(t)
	dir, end := writeLoad(t, true)
	const query = `increase(requests_total[2m])`
	t.Run("running", func(t *testing.T) {
		promtest.RequireVersion(t, promapi.Version) // Debian's takes no lock unless it is told to
		server := promtest.Start(t, dir)            // it makes a log of its own
		before := snapshotOf(t, dir)
		if _, err := promdb.OpenLoad(t.Context(), "tsdb:"+dir, query, 0); !errors.Is(err, promdb.ErrRunning) || strings.Contains(err.Error(), "\n") {
			t.Errorf("while it is running: %v", err)
		}
		if after := snapshotOf(t, dir); !maps.Equal(before, after) {
			t.Error("the folder was changed")
		}
		if got := server.Query(t, query, end); len(got) != 1 {
			t.Errorf("the server answers %v", got)
		}
	})
	for _, locked := range []bool{false, true} {
		if locked {
			if err := os.WriteFile(filepath.Join(dir, "lock"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := promdb.OpenLoad(t.Context(), "tsdb:"+dir, query, 0)
		if err != nil {
			t.Fatal(err)
		}
		if s.Step != promdb.DefaultLoadStep || s.End().Before(end) || math.Abs(s.Values[100]-120) > 1e-6 {
			t.Errorf("every %v until %v, %v", s.Step, s.End(), s.Values[100])
		}
	}
	// And a server starts on it afterwards: the lock was let go of.
	if got := promtest.Start(t, dir).Query(t, query, end); len(got) != 1 {
		t.Errorf("the server answers %v", got)
	}
}

func TestOpenLoadFindsTheQuery(t *testing.T) {
	dir, _ := writeLoad(t, true)
	s, err := promdb.OpenLoad(t.Context(), "tsdb:"+dir, "", 0)
	if err != nil || s.Values[1] != 60 || s.Name != "data" {
		t.Errorf("the only metric: %v, %s", err, s.Name)
	}
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "recording.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"load": [{"name": "requests", "expr": "rate(requests_total[1m])"}], "step": 120000000000}`)
	if s, err = promdb.OpenLoad(t.Context(), "tsdb:"+dir, "", 0); err != nil || s.Step != 2*time.Minute || math.Abs(s.Values[5]-1) > 1e-9 {
		t.Errorf("that of the recording: %v, every %v", err, s.Step)
	}
	for query, want := range map[string]string{
		`-requests_total - 1`: "load is from 0 to 1e+300", `requests_total * 1e307`: "load is from 0 to 1e+300", `no_such`: "no series matches", `requests_total / 0`: "load is from 0 to 1e+300", `requests_total > 1e9`: "no data", `sum(`: "parse query", `requests_total @ 0`: "look ahead",
	} {
		if _, err := promdb.OpenLoad(t.Context(), "tsdb:"+dir, query, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", query, err)
		}
	}
	write(`{`)
	if _, err := promdb.OpenLoad(t.Context(), "tsdb:"+dir, "", 0); err == nil {
		t.Error("a damaged recording.json")
	}
	for _, path := range []string{"tsdb:" + t.TempDir(), "tsdb:" + dir + "/none", "tsdb:" + dir + "/recording.json"} {
		if _, err := promdb.OpenLoad(t.Context(), path, "", 0); err == nil {
			t.Errorf("%s: no error", path)
		}
	}
}
