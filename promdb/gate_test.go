package promdb_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"hindcast.dev/promdb"
)

// The future is poisoned: from some instant on, every series goes mad and new
// ones appear. No query made up to that instant plus the delay may notice.
func TestPoisonedFutureIsNeverSeen(t *testing.T) {
	const hours = 9
	points := world(epoch, epoch.Add(hours*time.Hour), 4)
	rng := rand.New(rand.NewPCG(4, 4))
	for _, delay := range []time.Duration{0, time.Second, 20 * time.Second} {
		clean := open(t, promdb.Config{Delay: delay, BlockDuration: 2 * time.Hour})
		replay(t, clean, points)
		for _, poisonedFrom := range []time.Duration{time.Hour, 4*time.Hour + 10*time.Second, 8 * time.Hour} {
			from := epoch.Add(poisonedFrom)
			poisoned := open(t, promdb.Config{Delay: delay, BlockDuration: 2 * time.Hour})
			replay(t, poisoned, poison(points, from))
			differs := 0
			for range 6 {
				// Up to and including the last instant that must not notice.
				back := time.Duration(rng.Int64N(int64(20 * time.Minute)))
				if rng.IntN(4) == 0 {
					back = time.Millisecond
				}
				before := from.Add(delay - max(back, time.Millisecond))
				for _, expr := range questions {
					want, wantErr := clean.Query(t.Context(), expr, before)
					got, gotErr := poisoned.Query(t.Context(), expr, before)
					sameAnswer(t, fmt.Sprintf("%s at %s, poisoned from %s, delay %s", expr, before, from, delay), got, gotErr, want, wantErr)

					wants, wantErr := clean.QueryRange(t.Context(), expr, before.Add(-10*time.Minute), before, 47*time.Second)
					gots, gotErr := poisoned.QueryRange(t.Context(), expr, before.Add(-10*time.Minute), before, 47*time.Second)
					if fmt.Sprint(gots, gotErr) != fmt.Sprint(wants, wantErr) {
						t.Errorf("%s up to %s, poisoned from %s, delay %s: got %v, %v; want %v, %v", expr, before, from, delay, gots, gotErr, wants, wantErr)
					}

					after := from.Add(delay + time.Minute)
					want, _ = clean.Query(t.Context(), expr, after)
					if got, _ := poisoned.Query(t.Context(), expr, after); got != want {
						differs++
					}
				}
			}
			if differs == 0 {
				t.Error("the poison shows nowhere, so that its absence proves nothing")
			}
		}
	}
}

func poison(points []point, from time.Time) []point {
	var out []point
	for i, p := range points {
		if p.at.Before(from) {
			out = append(out, p)
			continue
		}
		p.stale = false
		p.value = 1e12 * float64(i%3-1)
		if i%5 == 0 {
			p.value = math.NaN()
		}
		out = append(out, p)
		if i+1 == len(points) || points[i+1].at.After(p.at) {
			out = append(out, point{name: "mad", at: p.at, value: 1}, point{name: "requests_total", labels: []promdb.Label{{Name: "pod", Value: "mad"}}, at: p.at, value: 1e15})
		}
	}
	return out
}

// How the samples are laid out on disk, and how far ahead the database is
// filled, changes no bit of an answer.
func TestAnswersDoNotDependOnTheLayout(t *testing.T) {
	end := epoch.Add(30 * time.Hour)
	points := world(epoch, end, 5)
	reference := open(t, promdb.Config{})
	replay(t, reference, points)
	for name, cfg := range map[string]promdb.Config{
		"again":         {},
		"small blocks":  {BlockDuration: time.Hour},
		"one block":     {BlockDuration: 100 * time.Hour},
		"WAL":           {Dir: t.TempDir(), WAL: true},
		"odd block":     {BlockDuration: 7777777 * time.Millisecond},
		"external name": {ExternalLabels: map[string]string{"policy": "hpa"}},
	} {
		db := open(t, cfg)
		replay(t, db, points)
		rng := rand.New(rand.NewPCG(5, 5))
		for range 100 {
			at := epoch.Add(time.Duration(rng.Int64N(int64(31 * time.Hour))))
			expr := questions[rng.IntN(len(questions))]
			want, wantErr := reference.Query(t.Context(), expr, at)
			got, gotErr := db.Query(t.Context(), expr, at)
			sameAnswer(t, fmt.Sprintf("%s: %s at %s", name, expr, at), got, gotErr, want, wantErr)
		}
	}
}

// Series are created in an order that is not theirs, and tie: which of them is
// first decides topk and the last bits of stddev, in memory and in blocks alike.
func TestOrderOfSeriesIsThatOfTheirLabels(t *testing.T) {
	end := epoch.Add(9 * time.Hour)
	ask := func(cfg promdb.Config, at time.Time) string {
		db := open(t, cfg)
		for now := epoch; !now.After(end); now = now.Add(time.Minute) {
			for i := range 50 {
				k := i * 37 % 50
				s := handle(t, db, "x", promdb.Label{Name: "i", Value: strconv.Itoa(k)})
				if err := db.Append(s, now, math.Sqrt(float64(k%7))); err != nil {
					t.Fatal(err)
				}
			}
			commit(t, db, now)
		}
		first, err1 := db.QueryVector(t.Context(), "topk(1, x)", at)
		spread, err2 := db.QueryVector(t.Context(), "stddev(x)", at)
		return fmt.Sprint(first, err1, spread, err2)
	}
	for _, at := range []time.Time{epoch.Add(time.Hour), end} {
		want := ask(promdb.Config{BlockDuration: 100 * time.Hour}, at)
		if !strings.Contains(want, `i="13"`) { // the first in order of labels with the highest value
			t.Errorf("at %s: got %s", at, want)
		}
		if got := ask(promdb.Config{BlockDuration: time.Hour}, at); got != want {
			t.Errorf("at %s: got %s in blocks, %s in memory", at, got, want)
		}
	}
}
