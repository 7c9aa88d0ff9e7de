package promdb_test

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"
	"time"

	"hindcast.dev/promdb"
)

// TestFullDisk fills a database in a process that may write no file of more than some
// size, since the TSDB panics where it cannot write chunks out. Whatever write fails,
// an error must come, the DB must refuse to go on, and nothing may be left behind.
func TestFullDisk(t *testing.T) {
	if limit := os.Getenv("PROMDB_TEST_FILE_LIMIT"); limit != "" {
		fillDisk(t, limit)
		return
	}
	for _, limit := range []string{"100", "5000", "60000", "400000"} {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
		cmd.Env = append(os.Environ(), "PROMDB_TEST_FILE_LIMIT="+limit, "TMPDIR="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("limit %s: %v\n%s", limit, err, out)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("limit %s: left behind: %v, %v", limit, left, err)
		}
	}
}

// fillDisk is the process.
func fillDisk(t *testing.T, limit string) {
	db, err := promdb.Open(promdb.Config{})
	if err != nil {
		t.Fatal(err)
	}
	size, err := strconv.ParseUint(limit, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	failed := fillUp(t, db)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if failed == nil {
		t.Error("nothing failed")
	} else if err := db.Commit(time.Unix(1e9, 0)); !errors.Is(err, promdb.ErrBroken) && !errors.Is(err, promdb.ErrClosed) {
		t.Errorf("after %v: Commit returns %v, want ErrBroken", failed, err)
	}
	if err := db.Close(); err != nil && failed == nil {
		t.Errorf("close: %v", err)
	}
}

// fillUp appends until something fails, two days at most.
func fillUp(t *testing.T, db *promdb.DB) error {
	var series []*promdb.Series
	for i := range 50 {
		s, err := db.Series("m", promdb.Label{Name: "i", Value: strconv.Itoa(i)})
		if err != nil {
			t.Fatal(err)
		}
		series = append(series, s)
	}
	start := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for at := start; at.Before(start.Add(48 * time.Hour)); at = at.Add(15 * time.Second) {
		for i, s := range series {
			if err := db.Append(s, at, float64(i)+1/float64(1+at.Unix()%977)); err != nil {
				return err
			}
		}
		if err := db.Commit(at); err != nil {
			return err
		}
	}
	return nil
}
