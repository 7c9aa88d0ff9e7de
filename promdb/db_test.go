package promdb_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"hindcast.dev/promdb"
)

func TestConfigValidateListsAllFaults(t *testing.T) {
	cfg := promdb.Config{
		Delay:          -time.Second,
		BlockDuration:  time.Hour + time.Microsecond,
		Lookback:       -time.Minute,
		MaxSamples:     -1,
		ExternalLabels: map[string]string{"__name__": "x", "empty": "", "bad\xff": "x", "policy": "hpa"},
	}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"delay", "blockDuration", "lookback", "maxSamples", "__name__", "empty", `"bad\xff"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
	if strings.Contains(err.Error(), "policy") {
		t.Errorf("a good label is in %q", err)
	}
	if _, openErr := promdb.Open(cfg); openErr == nil || !strings.Contains(openErr.Error(), err.Error()) {
		t.Errorf("Open: %v; want that of Validate", openErr)
	}
	if err := (promdb.Config{}).Validate(); err != nil {
		t.Errorf("zero Config: %v", err)
	}
}

func TestTemporaryDirectoryIsRemoved(t *testing.T) {
	db := open(t, promdb.Config{})
	replay(t, db, world(epoch, epoch.Add(time.Hour), 1))
	if _, err := os.Stat(db.Dir()); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(db.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close: %v; want that it does not exist", err)
	}
}

func TestOpenRefusesADirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := promdb.Open(promdb.Config{Dir: dir}); !errors.Is(err, promdb.ErrNotEmpty) {
		t.Errorf("got %v, want ErrNotEmpty", err)
	}
}

// A killed run is a copy of the directory taken while the run is alive.
func TestWALBringsBackAKilledRun(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	points := world(epoch, epoch.Add(20*time.Hour), 1)
	half := len(points) / 2
	for points[half].at.Equal(points[half-1].at) {
		half++
	}
	killed := open(t, promdb.Config{Dir: dir, WAL: true})
	replay(t, killed, points[:half])
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	resumed := open(t, promdb.Config{Dir: copied, WAL: true})
	replay(t, resumed, points[half:])
	whole := open(t, promdb.Config{})
	replay(t, whole, points)
	for at := epoch; at.Before(epoch.Add(20 * time.Hour)); at = at.Add(7 * time.Minute) {
		for _, expr := range questions {
			want, wantErr := whole.Query(t.Context(), expr, at)
			got, gotErr := resumed.Query(t.Context(), expr, at)
			sameAnswer(t, expr+" at "+at.String(), got, gotErr, want, wantErr)
		}
	}
}

func TestEverythingButCloseFailsOnceClosed(t *testing.T) {
	db := open(t, promdb.Config{})
	s := handle(t, db, "x")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, queryErr := db.Query(t.Context(), "x", epoch)
	_, rangeErr := db.QueryRange(t.Context(), "x", epoch, epoch, time.Second)
	_, vectorErr := db.QueryVector(t.Context(), "x", epoch)
	_, shareErr := promdb.Share(db)
	for name, err := range map[string]error{
		"Append": db.Append(s, epoch, 1), "Stale": db.Stale(s, epoch), "Commit": db.Commit(epoch),
		"Finish": db.Finish(), "Query": queryErr, "QueryRange": rangeErr, "QueryVector": vectorErr, "Share": shareErr,
	} {
		if !errors.Is(err, promdb.ErrClosed) {
			t.Errorf("%s: got %v, want ErrClosed", name, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestNoGoroutineIsLeftBehind(t *testing.T) {
	cycle := func() {
		db, err := promdb.Open(promdb.Config{Dir: filepath.Join(t.TempDir(), "tsdb"), WAL: true})
		if err != nil {
			t.Fatal(err)
		}
		replay(t, db, world(epoch, epoch.Add(10*time.Hour), 1))
		if _, err := db.Query(t.Context(), questions[0], epoch.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := db.Finish(); err != nil {
			t.Fatal(err)
		}
		r, err := promdb.OpenReadOnly(db.Dir())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Query(t.Context(), questions[0], epoch.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	cycle() // what the first use of a library starts for good
	before := runtime.NumGoroutine()
	for range 5 {
		cycle()
	}
	for range 100 { // a goroutine that is about to end counts until it is scheduled
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestStats(t *testing.T) {
	db := open(t, promdb.Config{})
	points := world(epoch, epoch.Add(time.Hour), 1)
	replay(t, db, points)
	for range 3 {
		if _, err := db.Query(t.Context(), "queue", epoch); err != nil {
			t.Fatal(err)
		}
	}
	got := db.Stats()
	if want := (promdb.Stats{Samples: uint64(len(points)), Series: 4, Queries: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
