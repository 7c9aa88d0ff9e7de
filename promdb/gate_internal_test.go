package promdb

import (
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// A reader may ask for whole chunks, or give no hints: the gate holds.
func TestGateHoldsWithoutTrimming(t *testing.T) {
	db, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := db.Series("x")
	if err != nil {
		t.Fatal(err)
	}
	for k := range 100 {
		at := time.UnixMilli(int64(k))
		if err := db.Append(s, at, 0); err != nil {
			t.Fatal(err)
		}
		if err := db.Commit(at); err != nil {
			t.Fatal(err)
		}
	}
	for name, hints := range map[string]*storage.SelectHints{
		"none": nil, "whole chunks": {Start: 0, End: 99, DisableTrimming: true}, "all ahead": {Start: 50, End: 99},
	} {
		q, err := gated{Queryable: db.tsdb, maxt: 42}.Querier(0, 99)
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		seen := 0
		set := q.Select(t.Context(), false, hints, labels.MustNewMatcher(labels.MatchEqual, "__name__", "x"))
		for set.Next() {
			for it := set.At().Iterator(nil); it.Next() != chunkenc.ValNone; seen++ {
				if at := it.AtT(); at > 42 {
					t.Errorf("%s: a sample at %d behind a gate at 42", name, at)
				}
			}
		}
		want := 43
		if name == "all ahead" {
			want = 0
		}
		if set.Err() != nil || seen != want {
			t.Errorf("%s: %d samples, %v, want %d", name, seen, set.Err(), want)
		}
	}
}
