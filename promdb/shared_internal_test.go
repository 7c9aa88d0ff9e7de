package promdb

import (
	"testing"
	"time"
)

func TestSharedForgetsWhenFull(t *testing.T) {
	db, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	shared, err := Share(db)
	if err != nil {
		t.Fatal(err)
	}
	defer shared.Close()
	shared.limit = 10
	view, err := shared.View(0)
	if err != nil {
		t.Fatal(err)
	}
	for k := range 1000 {
		at := time.Unix(int64(k), 0)
		for range 2 {
			if got, err := view.Query(t.Context(), "time()", at); got != float64(k) || err != nil {
				t.Fatalf("got %v, %v, want %d", got, err, k)
			}
		}
		held := 0
		for _, answers := range shared.answers {
			held += len(answers)
		}
		if held != shared.count || held > shared.limit {
			t.Fatalf("%d answers held, %d counted, %d allowed", held, shared.count, shared.limit)
		}
	}
}
