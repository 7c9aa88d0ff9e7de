package promdb_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/promdb"
)

// A straight line answers rate and the like in closed form, wherever the samples
// lie in the range: extrapolation continues the line.
func TestQueryOnAStraightLine(t *testing.T) {
	db := open(t, promdb.Config{})
	a := handle(t, db, "x", promdb.Label{Name: "i", Value: "a"})
	b := handle(t, db, "x", promdb.Label{Name: "i", Value: "b"})
	for k := range 400 {
		at := epoch.Add(time.Duration(k) * scrape)
		if err := errors.Join(db.Append(a, at, 1000+30*float64(k)), db.Append(b, at, 5000+60*float64(k))); err != nil {
			t.Fatal(err)
		}
		commit(t, db, at)
	}
	at := epoch.Add(300*scrape + 4*time.Second)
	for expr, want := range map[string]float64{
		`rate(x{i="a"}[1m])`:                  2,
		`sum(rate(x[5m]))`:                    6,
		`rate(x[1m])`:                         6, // a vector is summed
		`x`:                                   15000 + 23000 - 5000,
		`x{i="a"} offset 1m`:                  10000 - 4*30,
		`deriv(x{i="b"}[10m])`:                4,
		`count_over_time(x{i="a"}[1m])`:       4,
		`max_over_time(sum(x)[2m:15s])`:       15000 + 23000 - 5000,
		`time()`:                              float64(at.Unix()),
		`1/0`:                                 math.Inf(1),
		`scalar(x{i="a"}) * 2`:                20000,
		`count(x) + 0 * scalar(absent(none))`: 2,
	} {
		got, err := db.Query(t.Context(), expr, at)
		if err != nil || math.Abs(got-want) > 1e-9*math.Abs(want) && got != want {
			t.Errorf("%s: got %v, %v, want %v", expr, got, err, want)
		}
	}
}

func TestNoDataIsNotZero(t *testing.T) {
	db := open(t, promdb.Config{})
	if _, err := db.Query(t.Context(), "x", epoch); !errors.Is(err, promdb.ErrNoData) {
		t.Errorf("empty database: got %v", err)
	}
	s := handle(t, db, "x")
	if err := db.Append(s, epoch, 0); err != nil {
		t.Fatal(err)
	}
	commit(t, db, epoch)
	for _, expr := range []string{`y`, `sum(y)`, `x > 1`, `rate(x[1m])`, `x / 0`, `0/0`, `scalar(y)`, `x + y`} {
		got, err := db.Query(t.Context(), expr, epoch)
		if got != 0 || !errors.Is(err, promdb.ErrNoData) {
			t.Errorf("%s: got %v, %v, want ErrNoData", expr, got, err)
		}
		if nan := strings.Contains(fmt.Sprint(err), "not a number"); nan != slices.Contains([]string{`x / 0`, `0/0`, `scalar(y)`}, expr) {
			t.Errorf("%s: wrong reason in %q", expr, err)
		}
	}
	if got, err := db.Query(t.Context(), "x", epoch); got != 0 || err != nil {
		t.Errorf("a sample of 0: got %v, %v", got, err)
	}
	if got, err := db.QueryVector(t.Context(), "y", epoch); len(got) != 0 || err != nil {
		t.Errorf("vector: got %v, %v, want none", got, err)
	}
}

func TestQueryFaults(t *testing.T) {
	db := open(t, promdb.Config{MaxSamples: 100})
	replay(t, db, world(epoch, epoch.Add(time.Hour), 1))
	at := epoch.Add(time.Hour)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct {
		name, expr string
		ctx        context.Context
		is         error
		say        string
	}{
		{name: "syntax", expr: "sum(\n", say: `parse query "sum(\n": 2:1: parse error`},
		{name: "at", expr: "queue @ 1", is: promdb.ErrLookAhead},
		{name: "negative offset", expr: "queue offset -1m", is: promdb.ErrLookAhead},
		{name: "matrix", expr: "queue[5m]", is: promdb.ErrType, say: "range vector"},
		{name: "string", expr: `"queue"`, is: promdb.ErrType},
		{name: "many to many", expr: "requests_total * on() requests_total", say: "duplicate series"},
		{name: "too large", expr: "rate(requests_total[1h])", say: "too many samples"},
		{name: "canceled", expr: "queue", ctx: canceled, is: context.Canceled},
	} {
		ctx := tc.ctx
		if ctx == nil {
			ctx = t.Context()
		}
		_, instantErr := db.Query(ctx, tc.expr, at)
		_, rangeErr := db.QueryRange(ctx, tc.expr, at, at, time.Minute)
		_, vectorErr := db.QueryVector(ctx, tc.expr, at)
		for _, err := range []error{instantErr, rangeErr, vectorErr} {
			switch {
			case err == nil || errors.Is(err, promdb.ErrNoData):
				t.Errorf("%s: got %v", tc.name, err)
			case tc.is != nil && !errors.Is(err, tc.is):
				t.Errorf("%s: got %v, want %v", tc.name, err, tc.is)
			case !strings.Contains(err.Error(), tc.say) || strings.Contains(err.Error(), "\n"):
				t.Errorf("%s: got %q, want one line with %q", tc.name, err, tc.say)
			}
		}
	}
	for name, tc := range map[string]struct {
		from, to time.Time
		step     time.Duration
	}{
		"backwards":      {at, at.Add(-time.Second), time.Second},
		"no step":        {at, at, 0},
		"negative step":  {at, at, -time.Second},
		"fraction of ms": {at, at, 1500 * time.Microsecond},
	} {
		if _, err := db.QueryRange(t.Context(), "queue", tc.from, tc.to, tc.step); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Without a delay, a range query is a row of instant queries.
func TestQueryRangeIsARowOfInstants(t *testing.T) {
	db := open(t, promdb.Config{BlockDuration: 2 * time.Hour})
	replay(t, db, world(epoch, epoch.Add(12*time.Hour), 2))
	from, to, step := epoch.Add(-10*time.Minute), epoch.Add(12*time.Hour+10*time.Minute), 97*time.Second
	for _, expr := range questions {
		got, err := db.QueryRange(t.Context(), expr, from, to, step)
		if err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		if want := int(to.Sub(from)/step) + 1; len(got) != want {
			t.Fatalf("%s: got %d steps, want %d", expr, len(got), want)
		}
		for i, v := range got {
			want, err := db.Query(t.Context(), expr, from.Add(time.Duration(i)*step))
			if errors.Is(err, promdb.ErrNoData) {
				want = math.NaN()
			} else if err != nil {
				t.Fatal(err)
			}
			if v != want && !(math.IsNaN(v) && math.IsNaN(want)) {
				t.Errorf("%s, step %d: got %v, want %v", expr, i, v, want)
			}
		}
	}
}

// A range query is one request at its end: what the delay still hides then is
// hidden, and what it hid earlier no longer is.
func TestQueryRangeIsMadeAtItsEnd(t *testing.T) {
	db := open(t, promdb.Config{Delay: 20 * time.Second})
	s := handle(t, db, "x")
	for k := range 5 {
		at := epoch.Add(time.Duration(k) * scrape)
		if err := db.Append(s, at, float64(k)); err != nil {
			t.Fatal(err)
		}
		commit(t, db, at)
	}
	got, err := db.QueryRange(t.Context(), "x", epoch, epoch.Add(4*scrape), scrape)
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{0, 1, 2, 2, 2}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, err := db.Query(t.Context(), "x", epoch.Add(3*scrape)); got != 1 || err != nil {
		t.Errorf("instant: got %v, %v, want 1", got, err)
	}
}

func TestQueryVectorIsSortedByLabels(t *testing.T) {
	db := open(t, promdb.Config{})
	for i, pod := range []string{"c", "a", "b"} {
		if err := db.Append(handle(t, db, "x", promdb.Label{Name: "pod", Value: pod}), epoch, float64(i)); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, db, epoch)
	got, err := db.QueryVector(t.Context(), `sum by (pod) (x) / 0`, epoch)
	if err != nil {
		t.Fatal(err)
	}
	pod := func(v string) []promdb.Label { return []promdb.Label{{Name: "pod", Value: v}} }
	want := []promdb.Sample{{pod("a"), math.Inf(1)}, {pod("b"), math.Inf(1)}, {pod("c"), math.NaN()}}
	equalNaN := cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })
	if diff := cmp.Diff(want, got, equalNaN); diff != "" {
		t.Error(diff)
	}
	scalar, err := db.QueryVector(t.Context(), `1+1`, epoch)
	if diff := cmp.Diff([]promdb.Sample{{Value: 2, Labels: []promdb.Label{}}}, scalar); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

// The selectors, written down again in the plainest way, over random samples,
// instants and delays.
func TestSelectorsAgainstALoop(t *testing.T) {
	points := world(epoch, epoch.Add(10*time.Hour), 3)
	rng := rand.New(rand.NewPCG(3, 3))
	for _, delay := range []time.Duration{0, time.Second, 7 * time.Second, 20 * time.Second, 6 * time.Minute} {
		db := open(t, promdb.Config{Delay: delay, BlockDuration: 2 * time.Hour})
		replay(t, db, points)
		for range 100 {
			at := epoch.Add(time.Duration(rng.Int64N(int64(11 * time.Hour)))).Truncate(time.Millisecond)
			if rng.IntN(3) == 0 {
				at = at.Truncate(scrape)
			}
			name := []string{"queue", "replicas", "late"}[rng.IntN(3)]
			window := time.Duration(1+rng.IntN(40)) * 15 * time.Second

			var last point
			sum, n := 0.0, 0
			for _, p := range points {
				switch {
				case p.name != name || p.at.After(at.Add(-delay)):
				case p.at.After(at.Add(-5 * time.Minute)):
					last = p
					fallthrough
				default:
					if p.at.After(at.Add(-window)) && !p.stale {
						sum += p.value
						n++
					}
				}
			}
			got, err := db.Query(t.Context(), name, at)
			if want := last.value; got != want || (last.at.IsZero() || last.stale) != errors.Is(err, promdb.ErrNoData) {
				t.Errorf("%s at %s, delay %s: got %v, %v, want %v", name, at, delay, got, err, want)
			}
			expr := fmt.Sprintf("sum_over_time(%s[%s])", name, window)
			got, err = db.Query(t.Context(), expr, at)
			if math.Abs(got-sum) > 1e-9 || (n == 0) != errors.Is(err, promdb.ErrNoData) {
				t.Errorf("%s at %s, delay %s: got %v, %v, want %v", expr, at, delay, got, err, sum)
			}
		}
	}
}
