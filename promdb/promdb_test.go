package promdb_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"hindcast.dev/promdb"
)

// The tests share a small world: two counters, a gauge with gaps, a series that
// goes stale and comes back, and one that starts late.

var epoch = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

const scrape = 15 * time.Second

// A point is one sample of the world, or a staleness marker.
type point struct {
	name   string
	labels []promdb.Label
	at     time.Time
	value  float64
	stale  bool
}

// world returns the samples of [start, end] in order of time.
func world(start, end time.Time, seed uint64) []point {
	rng := rand.New(rand.NewPCG(seed, 1))
	var out []point
	total := [2]float64{}
	for i := 0; ; i++ {
		at := start.Add(time.Duration(i) * scrape)
		if at.After(end) {
			return out
		}
		for k := range total {
			total[k] += math.Round(rng.ExpFloat64() * 100)
			if k == 1 && i%500 == 0 {
				total[k] = 0 // a counter reset
			}
			out = append(out, point{name: "requests_total", labels: []promdb.Label{{Name: "pod", Value: strconv.Itoa(k)}}, at: at, value: total[k]})
		}
		if i%40 < 33 {
			out = append(out, point{name: "queue", at: at, value: rng.NormFloat64()})
		}
		switch {
		case i%200 < 120:
			out = append(out, point{name: "replicas", at: at, value: float64(i % 7)})
		case i%200 == 120:
			out = append(out, point{name: "replicas", at: at, stale: true})
		}
		if i > 300 {
			out = append(out, point{name: "late", at: at, value: float64(i)})
		}
	}
}

// questions are expressions over the world, of every kind that looks at more
// than one sample.
var questions = []string{
	`sum(rate(requests_total[1m]))`,
	`rate(requests_total{pod="1"}[5m])`,
	`increase(requests_total[10m])`,
	`irate(requests_total{pod=~"0|1"}[2m])`,
	`avg_over_time(queue[5m])`,
	`stddev_over_time(queue[20m])`,
	`max_over_time(rate(requests_total{pod="0"}[1m])[10m:30s])`,
	`quantile_over_time(0.9, queue[1h])`,
	`deriv(queue[15m])`,
	`predict_linear(requests_total{pod="0"}[10m], 600)`,
	`queue`,
	`queue offset 3m`,
	`replicas`,
	`replicas or queue`,
	`late`,
	`count({__name__=~".+"})`,
	`timestamp(queue)`,
	`absent(replicas)`,
	`time() - timestamp(late)`,
	`sum by (pod) (requests_total) / on() group_left sum(requests_total)`,
	`changes(replicas[30m]) + resets(requests_total{pod="1"}[30m])`,
	`sum_over_time(count_over_time(queue[2m])[6m:1m])`,
	`topk(1, requests_total)`,
}

// open opens a DB that is closed with the test.
func open(t testing.TB, cfg promdb.Config) *promdb.DB {
	t.Helper()
	db, err := promdb.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func handle(t testing.TB, db *promdb.DB, name string, ls ...promdb.Label) *promdb.Series {
	t.Helper()
	s, err := db.Series(name, ls...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// replay appends points, one Commit for each instant.
func replay(t testing.TB, db *promdb.DB, points []point) {
	t.Helper()
	for i, p := range points {
		s := handle(t, db, p.name, p.labels...)
		var err error
		if p.stale {
			err = db.Stale(s, p.at)
		} else {
			err = db.Append(s, p.at, p.value)
		}
		if err != nil {
			t.Fatal(err)
		}
		if i+1 == len(points) || points[i+1].at.After(p.at) {
			commit(t, db, p.at)
		}
	}
}

func commit(t testing.TB, db *promdb.DB, now time.Time) {
	t.Helper()
	if err := db.Commit(now); err != nil {
		t.Fatal(err)
	}
}

// sameAnswer fails unless two answers agree: the same bits, or the same error.
func sameAnswer(t testing.TB, what string, got float64, gotErr error, want float64, wantErr error) {
	t.Helper()
	if math.Float64bits(got) != math.Float64bits(want) || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
		t.Errorf("%s: got %v, %v; want %v, %v", what, got, gotErr, want, wantErr)
	}
}
