package promdb_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"hindcast.dev/promdb"
)

type asked struct {
	expr string
	at   time.Time
}

// A database filled ahead answers as one that is filled step by step.
func TestSharedAnswersLikeADatabaseInTheMaking(t *testing.T) {
	end := epoch.Add(14 * time.Hour)
	points := world(epoch, end, 6)
	shared := share(t, points)
	rng := rand.New(rand.NewPCG(6, 6))
	var asks []asked
	for range 200 {
		at := epoch.Add(time.Duration(rng.Int64N(int64(14 * time.Hour))))
		if rng.IntN(2) == 0 {
			at = at.Truncate(scrape)
		}
		asks = append(asks, asked{questions[rng.IntN(len(questions))], at})
	}
	slices.SortStableFunc(asks, func(a, b asked) int { return a.at.Compare(b.at) })
	for _, delay := range []time.Duration{0, time.Second, 7 * time.Second, 20 * time.Second} {
		view, err := shared.View(delay)
		if err != nil {
			t.Fatal(err)
		}
		// Two hours a block, and a lagging delay in place of the gate: a sample is
		// appended only when it may be seen.
		stepwise := open(t, promdb.Config{BlockDuration: 2 * time.Hour})
		next := 0
		for _, ask := range asks {
			var due []point
			for next < len(points) && !points[next].at.Add(delay).After(ask.at) {
				due = append(due, points[next])
				next++
			}
			replay(t, stepwise, due)
			want, wantErr := stepwise.Query(t.Context(), ask.expr, ask.at)
			for _, how := range []string{"computed", "remembered"} {
				got, gotErr := view.Query(t.Context(), ask.expr, ask.at)
				sameAnswer(t, fmt.Sprintf("%s at %s, delay %s, %s", ask.expr, ask.at, delay, how), got, gotErr, want, wantErr)
			}
			from := ask.at.Add(-time.Hour)
			wants, wantErr := stepwise.QueryRange(t.Context(), ask.expr, from, ask.at, time.Minute)
			gots, gotErr := view.QueryRange(t.Context(), ask.expr, from, ask.at, time.Minute)
			if fmt.Sprint(gots, gotErr) != fmt.Sprint(wants, wantErr) {
				t.Errorf("%s up to %s, delay %s: got %v, %v; want %v, %v", ask.expr, ask.at, delay, gots, gotErr, wants, wantErr)
			}
		}
	}
}

func TestSharedIsSafeForManyRuns(t *testing.T) {
	shared := share(t, world(epoch, epoch.Add(3*time.Hour), 7))
	reference := open(t, promdb.Config{Delay: time.Second})
	replay(t, reference, world(epoch, epoch.Add(3*time.Hour), 7))
	want := make(map[asked]float64)
	for at := epoch; at.Before(epoch.Add(3 * time.Hour)); at = at.Add(11 * time.Minute) {
		for _, expr := range questions {
			v, err := reference.Query(t.Context(), expr, at)
			if err == nil {
				want[asked{expr, at}] = v
			}
		}
	}
	var runs sync.WaitGroup
	for range 4 {
		runs.Go(func() {
			view, err := shared.View(time.Second)
			if err != nil {
				t.Error(err)
				return
			}
			for ask, v := range want {
				if got, err := view.Query(t.Context(), ask.expr, ask.at); got != v || err != nil {
					t.Errorf("%s at %s: got %v, %v, want %v", ask.expr, ask.at, got, err, v)
				}
			}
		})
	}
	runs.Wait()
}

func TestSharedIsAskedOnce(t *testing.T) {
	db := open(t, promdb.Config{})
	replay(t, db, world(epoch, epoch.Add(time.Hour), 8))
	shared, err := promdb.Share(db)
	if err != nil {
		t.Fatal(err)
	}
	for _, delay := range []time.Duration{0, 0, time.Second} {
		view, err := shared.View(delay)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			for _, expr := range []string{"queue", "none", "0/0"} {
				_, err := view.Query(t.Context(), expr, epoch.Add(time.Minute))
				if errors.Is(err, promdb.ErrNoData) != (expr != "queue") {
					t.Errorf("%s: got %v", expr, err)
				}
			}
		}
	}
	if got := db.Stats().Queries; got != 6 { // three expressions, two delays
		t.Errorf("%d evaluations, want 6", got)
	}
}

func TestSharedRefusals(t *testing.T) {
	db := open(t, promdb.Config{})
	s := handle(t, db, "x")
	if err := db.Append(s, epoch, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := promdb.Share(db); err == nil {
		t.Error("shared with samples that are not committed")
	}
	commit(t, db, epoch)
	shared, err := promdb.Share(db)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"Append": db.Append(s, epoch.Add(time.Second), 1), "Commit": db.Commit(epoch.Add(time.Second)), "Finish": db.Finish(),
	} {
		if !errors.Is(err, promdb.ErrShared) {
			t.Errorf("%s: got %v, want ErrShared", name, err)
		}
	}
	if _, err := shared.View(-time.Second); err == nil {
		t.Error("a negative delay was accepted")
	}
	view, err := shared.View(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := shared.Close(); err != nil {
		t.Fatal(err)
	}
	_, queryErr := view.Query(t.Context(), "x", epoch)
	_, rangeErr := view.QueryRange(t.Context(), "x", epoch, epoch, time.Second)
	if !errors.Is(queryErr, promdb.ErrClosed) || !errors.Is(rangeErr, promdb.ErrClosed) {
		t.Errorf("after Close: got %v and %v, want ErrClosed", queryErr, rangeErr)
	}
}

func share(t testing.TB, points []point) *promdb.Shared {
	t.Helper()
	db := open(t, promdb.Config{})
	replay(t, db, points)
	shared, err := promdb.Share(db)
	if err != nil {
		t.Fatal(err)
	}
	return shared
}
