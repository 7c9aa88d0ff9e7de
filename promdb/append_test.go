package promdb_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/promdb"
)

func TestSeriesFaults(t *testing.T) {
	db := open(t, promdb.Config{ExternalLabels: map[string]string{"policy": "hpa"}})
	for name, tc := range map[string]struct {
		metric string
		labels []promdb.Label
	}{
		"no metric name": {"", nil},
		"empty value":    {"x", []promdb.Label{{Name: "a", Value: ""}}},
		"empty name":     {"x", []promdb.Label{{Name: "", Value: "a"}}},
		"twice":          {"x", []promdb.Label{{Name: "a", Value: "1"}, {Name: "a", Value: "2"}}},
		"metric twice":   {"x", []promdb.Label{{Name: "__name__", Value: "y"}}},
		"external":       {"x", []promdb.Label{{Name: "policy", Value: "v3"}}},
		"not UTF-8":      {"x", []promdb.Label{{Name: "a", Value: "\xff"}}},
	} {
		if s, err := db.Series(tc.metric, tc.labels...); err == nil {
			t.Errorf("%s: got %s, want an error", name, s)
		}
	}
}

func TestSeriesIsOneWhateverTheOrderOfItsLabels(t *testing.T) {
	db := open(t, promdb.Config{})
	a, b := promdb.Label{Name: "a", Value: "1"}, promdb.Label{Name: "b", Value: "2"}
	s := handle(t, db, "x", a, b)
	if handle(t, db, "x", b, a) != s {
		t.Error("two handles for one series")
	}
	if handle(t, db, "x", a) == s || handle(t, db, "y", a, b) == s {
		t.Error("one handle for two series")
	}
	if got, want := s.String(), `{__name__="x", a="1", b="2"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestExternalLabelsAreOnEverySeries(t *testing.T) {
	db := open(t, promdb.Config{ExternalLabels: map[string]string{"policy": "hpa", "a": "ext"}})
	if err := db.Append(handle(t, db, "x", promdb.Label{Name: "pod", Value: "p"}), epoch, 3); err != nil {
		t.Fatal(err)
	}
	commit(t, db, epoch)
	got, err := db.QueryVector(t.Context(), "x", epoch)
	if err != nil {
		t.Fatal(err)
	}
	want := []promdb.Sample{{Labels: []promdb.Label{{"__name__", "x"}, {"a", "ext"}, {"pod", "p"}, {"policy", "hpa"}}, Value: 3}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, want := got[0].String(), `{__name__="x", a="ext", pod="p", policy="hpa"} 3`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAppendRefusesWhatIsNotLater(t *testing.T) {
	db, other := open(t, promdb.Config{}), open(t, promdb.Config{})
	s := handle(t, db, "x")
	append1 := func(at time.Time) error { return db.Append(s, at, 1) }
	if err := append1(epoch); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"same instant, same batch":    append1(epoch),
		"same millisecond":            append1(epoch.Add(-time.Microsecond)),
		"earlier":                     append1(epoch.Add(-time.Second)),
		"staleness marker, same time": db.Stale(s, epoch),
	} {
		if !errors.Is(err, promdb.ErrOutOfOrder) {
			t.Errorf("%s: got %v, want ErrOutOfOrder", name, err)
		}
	}
	commit(t, db, epoch)
	if err := append1(epoch); !errors.Is(err, promdb.ErrOutOfOrder) {
		t.Errorf("same instant, next batch: got %v, want ErrOutOfOrder", err)
	}
	if err := append1(epoch.Add(time.Millisecond)); err != nil {
		t.Errorf("next millisecond: %v", err)
	}
	if err := other.Append(s, epoch.Add(time.Second), 1); err == nil {
		t.Error("a series of another database was accepted")
	}
}

func TestCommitRefusesTheFutureAndThePast(t *testing.T) {
	db := open(t, promdb.Config{})
	if err := db.Append(handle(t, db, "x"), epoch.Add(time.Second), 1); err != nil {
		t.Fatal(err)
	}
	if err := db.Commit(epoch); !errors.Is(err, promdb.ErrAhead) {
		t.Errorf("a sample of the future: got %v, want ErrAhead", err)
	}
	commit(t, db, epoch.Add(10*time.Second))
	if err := db.Commit(epoch.Add(9 * time.Second)); !errors.Is(err, promdb.ErrAhead) {
		t.Errorf("time going back: got %v, want ErrAhead", err)
	}
}

func TestSamplesAreSeenOnceCommitted(t *testing.T) {
	db := open(t, promdb.Config{})
	s := handle(t, db, "x")
	if err := db.Append(s, epoch, 1); err != nil {
		t.Fatal(err)
	}
	if v, err := db.Query(t.Context(), "x", epoch); !errors.Is(err, promdb.ErrNoData) {
		t.Errorf("before Commit: got %v, %v, want ErrNoData", v, err)
	}
	commit(t, db, epoch)
	if v, err := db.Query(t.Context(), "x", epoch); v != 1 || err != nil {
		t.Errorf("after Commit: got %v, %v, want 1", v, err)
	}
}

func TestStaleEndsASeriesAtOnce(t *testing.T) {
	db := open(t, promdb.Config{})
	s := handle(t, db, "x")
	for _, err := range []error{
		db.Append(s, epoch, 1), db.Stale(s, epoch.Add(15*time.Second)), db.Append(s, epoch.Add(60*time.Second), 2),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	commit(t, db, epoch.Add(time.Minute))
	for _, tc := range []struct {
		after time.Duration
		want  float64
		gone  bool
	}{
		{after: 14 * time.Second, want: 1},
		{after: 15 * time.Second, gone: true},
		{after: 59 * time.Second, gone: true},
		{after: 60 * time.Second, want: 2},
		{after: 60*time.Second + 5*time.Minute - time.Millisecond, want: 2},
		{after: 60*time.Second + 5*time.Minute, gone: true}, // the lookback is open at its start
	} {
		got, err := db.Query(t.Context(), "x", epoch.Add(tc.after))
		if got != tc.want || errors.Is(err, promdb.ErrNoData) != tc.gone {
			t.Errorf("after %s: got %v, %v; want %v, gone %t", tc.after, got, err, tc.want, tc.gone)
		}
	}
}

// A sample between two milliseconds must not be seen by a query between the same
// two that is earlier than it.
func TestRoundingRevealsNothingEarly(t *testing.T) {
	db := open(t, promdb.Config{})
	at := epoch.Add(900 * time.Microsecond)
	if err := db.Append(handle(t, db, "x"), at, 1); err != nil {
		t.Fatal(err)
	}
	commit(t, db, at)
	for after, seen := range map[time.Duration]bool{
		0: false, 500 * time.Microsecond: false, 999 * time.Microsecond: false, time.Millisecond: true,
	} {
		if _, err := db.Query(t.Context(), "x", epoch.Add(after)); (err == nil) != seen {
			t.Errorf("after %s: %v; want seen %t", after, err, seen)
		}
	}
}

// Compaction drops a series that was silent from the head; its handle must go on
// writing to the same series.
func TestSeriesOutlivesALongSilence(t *testing.T) {
	db := open(t, promdb.Config{BlockDuration: time.Hour})
	silent, busy := handle(t, db, "silent"), handle(t, db, "busy")
	end := epoch.Add(24 * time.Hour)
	for at := epoch; !at.After(end); at = at.Add(time.Minute) {
		if err := db.Append(busy, at, 1); err != nil {
			t.Fatal(err)
		}
		if at.Equal(epoch) || at.Equal(end) {
			if err := db.Append(silent, at, 7); err != nil {
				t.Fatal(err)
			}
		}
		commit(t, db, at)
	}
	for expr, want := range map[string]float64{
		"count_over_time(silent[25h])": 2, "count_over_time(busy[25h])": 24*60 + 1, "count(silent)": 1,
	} {
		if got, err := db.Query(t.Context(), expr, end); got != want || err != nil {
			t.Errorf("%s: got %v, %v, want %v", expr, got, err, want)
		}
	}
}
