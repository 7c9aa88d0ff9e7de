package record_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/datasets"
	"hindcast.dev/live/promclient"
	"hindcast.dev/promdb"
	"hindcast.dev/record"
)

var from = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// load is what the fake server has at an instant, of each of two pods.
func load(t time.Time, pod int) (float64, bool) {
	minute := int(t.Sub(from) / time.Minute)
	if minute >= 700 && minute < 760 {
		return 0, false // an hour without data
	}
	return float64(100+minute%60) + float64(pod)/3, true
}

// server answers range queries of load, and instant queries with a range selector with
// samples every minute. After so many requests it is gone, if that is not negative.
func server(t *testing.T, requests int) (*promclient.Client, *int) {
	t.Helper()
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked == requests {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		asked++
		number := func(name string) time.Time {
			v, _ := strconv.ParseFloat(r.FormValue(name), 64)
			return time.UnixMilli(int64(math.Round(v * 1000))).UTC()
		}
		start, end, step := number("start"), number("end"), time.Minute
		if strings.HasSuffix(r.URL.Path, "/query") {
			end = number("time")
			query := r.FormValue("query")
			ms, _ := strconv.Atoi(strings.TrimSuffix(query[strings.LastIndex(query, "[")+1:], "ms]"))
			// As servers before 3.0 do, with the sample at the very start.
			start = end.Add(-time.Duration(ms) * time.Millisecond).Truncate(time.Minute)
		} else {
			seconds, _ := strconv.ParseFloat(r.FormValue("step"), 64)
			step = time.Duration(seconds * float64(time.Second))
			if end.Sub(start)/step >= 11_000 {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
		}
		var series []string
		for pod := range 2 {
			var points []string
			for at := start; !at.After(end); at = at.Add(step) {
				if v, ok := load(at, pod); ok {
					points = append(points, fmt.Sprintf(`[%d,"%v"]`, at.Unix(), v))
				}
			}
			if len(points) > 0 {
				series = append(series, fmt.Sprintf(`{"metric":{"__name__":"load","pod":"%d","note":"a\"b\\\n"},"values":[%s]}`, pod, strings.Join(points, ",")))
			}
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[%s]}}`, strings.Join(series, ","))
	}))
	t.Cleanup(s.Close)
	c, err := promclient.New(promclient.Config{URL: s.URL, Retries: -1, BreakAfter: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c, &asked
}

func plan(format record.Format, raw bool) record.Plan {
	return record.Plan{
		Source: "http://prometheus", Queries: []record.Query{{Name: "load", Expr: "load"}}, Raw: raw,
		Since: "3d", Until: "x", From: from, To: from.Add(72 * time.Hour), Step: time.Minute, Format: format,
	}
}

func quiet(int, int) {}

// fetched returns a recording that has all parts.
func fetched(t *testing.T, p record.Plan, output string) *record.Recording {
	t.Helper()
	r, err := record.Begin(p, output)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := server(t, -1)
	if err := r.Fetch(t.Context(), c, quiet); err != nil {
		t.Fatal(err)
	}
	return r
}

// whole records without a stop.
func whole(t *testing.T, p record.Plan, output string) record.Summary {
	t.Helper()
	r := fetched(t, p, output)
	sum, err := r.Write(t.Context(), output, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(record.Staging(output)); err == nil {
		t.Error("parts are left behind")
	}
	return sum
}

func TestCSV(t *testing.T) {
	output := filepath.Join(t.TempDir(), "load.csv")
	sum := whole(t, plan(record.CSV, false), output)
	if sum.Series != 2 || sum.Samples != 2*(72*60+1-60) {
		t.Errorf("got %+v", sum)
	}
	s, err := datasets.Open(output)
	if err != nil {
		t.Fatal(err)
	}
	if s.Step != time.Minute || !s.Start.Equal(from) || len(s.Values) != 72*60+1 {
		t.Fatalf("%d values every %v from %v", len(s.Values), s.Step, s.Start)
	}
	for i, got := range s.Values {
		a, ok := load(from.Add(time.Duration(i)*time.Minute), 0)
		b, _ := load(from.Add(time.Duration(i)*time.Minute), 1)
		if ok && got != a+b || !ok && !math.IsNaN(got) {
			t.Fatalf("minute %d is %v, want %v", i, got, a+b)
		}
	}
}

// A recording that was broken off anywhere goes on where it was and ends in the same
// bytes; what is there is not asked for again.
func TestResumes(t *testing.T) {
	for _, tc := range []struct {
		name string
		plan record.Plan
	}{
		{"load.csv", plan(record.CSV, false)}, {"load.csv.gz", plan(record.CSV, false)},
		{"load.om", plan(record.OpenMetrics, false)}, {"raw.om", plan(record.OpenMetrics, true)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			uninterrupted := filepath.Join(t.TempDir(), tc.name)
			whole(t, tc.plan, uninterrupted)
			want, err := os.ReadFile(uninterrupted)
			if err != nil {
				t.Fatal(err)
			}
			for _, stop := range []int{0, 1, 2} {
				output := filepath.Join(t.TempDir(), tc.name)
				r, err := record.Begin(tc.plan, output)
				if err != nil {
					t.Fatal(err)
				}
				broken, _ := server(t, stop)
				if err := r.Fetch(t.Context(), broken, quiet); !errors.Is(err, promclient.ErrUnavailable) {
					t.Fatal(err)
				}
				if _, err := os.Stat(output); err == nil {
					t.Fatal("half a recording stands in the place of a whole one")
				}
				// What a kill in the middle of a write leaves.
				if err := os.WriteFile(filepath.Join(record.Staging(output), "part-00002-0000.gob.tmp"), []byte("half"), 0o600); err != nil {
					t.Fatal(err)
				}
				later := tc.plan
				if r, err = record.Begin(later, output); err != nil {
					t.Fatal(err)
				}
				if r.Resumed != stop {
					t.Errorf("goes on with %d parts, want %d", r.Resumed, stop)
				}
				rest, asked := server(t, -1)
				if err := r.Fetch(t.Context(), rest, quiet); err != nil {
					t.Fatal(err)
				}
				if *asked != r.Parts()-stop {
					t.Errorf("asked %d times, want %d", *asked, r.Parts()-stop)
				}
				if _, err := r.Write(t.Context(), output, false); err != nil {
					t.Fatal(err)
				}
				got, err := os.ReadFile(output)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("stopped after %d parts: the file differs from an uninterrupted one (%v)", stop, err)
				}
			}
		})
	}
}

// "Until now" is the now of the first time.
func TestResumesWhatItBegan(t *testing.T) {
	output := filepath.Join(t.TempDir(), "load.csv")
	first := plan(record.CSV, false)
	first.Until = ""
	if _, err := record.Begin(first, output); err != nil {
		t.Fatal(err)
	}
	later := first
	later.From, later.To = first.From.Add(time.Hour), first.To.Add(time.Hour)
	r, err := record.Begin(later, output)
	if err != nil || !r.Plan.To.Equal(first.To) {
		t.Errorf("%v: to %v", err, r.Plan.To)
	}
	for name, change := range map[string]func(*record.Plan){
		"query":  func(p *record.Plan) { p.Queries = []record.Query{{Name: "load", Expr: "other"}} },
		"step":   func(p *record.Plan) { p.Step = time.Second },
		"since":  func(p *record.Plan) { p.Since = "4d" },
		"source": func(p *record.Plan) { p.Source = "http://other" },
		"format": func(p *record.Plan) { p.Format = record.OpenMetrics },
		"raw":    func(p *record.Plan) { p.Raw, p.Format = true, record.TSDB },
	} {
		other := first
		change(&other)
		if _, err := record.Begin(other, output); !errors.Is(err, record.ErrOther) {
			t.Errorf("another %s: %v", name, err)
		}
	}
}

func TestBlocks(t *testing.T) {
	for _, raw := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "blocks")
		p := plan(record.TSDB, raw)
		if raw {
			p.Queries[0].Lead = 7 * time.Minute
			p.Queries = append(p.Queries, record.Query{Name: "again", Expr: `load{pod=~".+"}`})
		}
		sum := whole(t, p, dir)
		if sum.Series != 2 || len(sum.Silent) != 0 {
			t.Errorf("%+v", sum)
		}
		db, err := promdb.OpenReadOnly(dir)
		if err != nil {
			t.Fatal(err)
		}
		first, _ := db.Bounds()
		if want := from.Add(-map[bool]time.Duration{true: 6 * time.Minute}[raw]); !first.Equal(want) {
			t.Errorf("raw %v: blocks begin at %v, want %v", raw, first, want)
		}
		for minute := 0; minute <= 72*60; minute += 7 {
			at := from.Add(time.Duration(minute) * time.Minute)
			got, err := db.QueryVector(t.Context(), `load`, at)
			if err != nil {
				t.Fatal(err)
			}
			for pod, s := range got {
				if want, ok := load(at, pod); ok && s.Value != want {
					t.Fatalf("raw %v: pod %d at minute %d is %v, want %v", raw, pod, minute, s.Value, want)
				}
			}
			if _, ok := load(at, 0); ok && len(got) != 2 {
				t.Fatalf("raw %v: minute %d has %d series", raw, minute, len(got))
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenMetricsText(t *testing.T) {
	output := filepath.Join(t.TempDir(), "load.om")
	p := plan(record.OpenMetrics, false)
	p.To = from.Add(time.Minute)
	whole(t, p, output)
	got, err := os.ReadFile(output)
	want := `# TYPE load unknown
load{note="a\"b\\\n",pod="0"} 100 1772409600
load{note="a\"b\\\n",pod="0"} 101 1772409660
load{note="a\"b\\\n",pod="1"} 100.33333333333333 1772409600
load{note="a\"b\\\n",pod="1"} 101.33333333333333 1772409660
# EOF
`
	if d := cmp.Diff(want, string(got)); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
}

// A recording that is interrupted while it is written keeps its parts, and goes on from them.
func TestInterruptedWhileWritten(t *testing.T) {
	for _, p := range []record.Plan{plan(record.CSV, false), plan(record.OpenMetrics, true), plan(record.TSDB, false)} {
		output := filepath.Join(t.TempDir(), "load")
		r := fetched(t, p, output)
		stopped, stop := context.WithCancel(t.Context())
		stop()
		if _, err := r.Write(stopped, output, false); !errors.Is(err, context.Canceled) || r.Done() != r.Parts() {
			t.Errorf("%s: %v, and %d of %d parts are kept", p.Format, err, r.Done(), r.Parts())
		}
		if _, err := os.Stat(output); err == nil {
			t.Errorf("%s: half a recording was written", p.Format)
		}
		if _, err := r.Write(t.Context(), output, false); err != nil {
			t.Error(err)
		}
	}
}

func TestNothing(t *testing.T) {
	output := filepath.Join(t.TempDir(), "load.csv")
	p := plan(record.CSV, false)
	p.From, p.To = from.Add(705*time.Minute), from.Add(715*time.Minute)
	r := fetched(t, p, output)
	if _, err := r.Write(t.Context(), output, false); !errors.Is(err, record.ErrNothing) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(output); err == nil {
		t.Error("a file without data was written")
	}
}

// large answers no more than an hour at once.
type large struct{ *promclient.Client }

func (l large) Series(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]promclient.Series, error) {
	if to.Sub(from) > time.Hour {
		return nil, promclient.ErrTooLarge
	}
	return l.Client.Series(ctx, expr, from, to, step)
}

func (l large) Raw(ctx context.Context, expr string, from, to time.Time) ([]promclient.RawSeries, error) {
	if to.Sub(from) > time.Hour {
		return nil, promclient.ErrTooLarge
	}
	return l.Client.Raw(ctx, expr, from, to)
}

// What is too large at once comes in halves, and is the same.
func TestHalves(t *testing.T) {
	for _, raw := range []bool{false, true} {
		var texts [2]string
		for i := range texts {
			output := filepath.Join(t.TempDir(), "load.om")
			r, err := record.Begin(plan(record.OpenMetrics, raw), output)
			if err != nil {
				t.Fatal(err)
			}
			c, _ := server(t, -1)
			source := record.Source(c)
			if i == 1 {
				source = large{c}
			}
			if err := r.Fetch(t.Context(), source, quiet); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Write(t.Context(), output, false); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(output)
			if err != nil {
				t.Fatal(err)
			}
			texts[i] = string(text)
		}
		if texts[0] != texts[1] {
			t.Errorf("raw %v: the halves make another file", raw)
		}
	}
}

// slow answers no more than some time at once in time, and counts what it was asked.
type slow struct {
	*promclient.Client
	most  time.Duration
	asked *int
}

func (s slow) Series(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]promclient.Series, error) {
	*s.asked++
	if to.Sub(from) > s.most {
		return nil, promclient.ErrTimeout
	}
	return s.Client.Series(ctx, expr, from, to, step)
}

// What takes too long at once comes in halves too, and is the same; a server that hangs is not asked
// down to the last step.
func TestTimeouts(t *testing.T) {
	want := filepath.Join(t.TempDir(), "load.csv")
	whole(t, plan(record.CSV, false), want)
	c, _ := server(t, -1)
	output, asked := filepath.Join(t.TempDir(), "load.csv"), 0
	r, err := record.Begin(plan(record.CSV, false), output)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Fetch(t.Context(), slow{c, 0, &asked}, quiet); !errors.Is(err, promclient.ErrTimeout) || asked > 6 {
		t.Errorf("a server that hangs was asked %d times: %v", asked, err)
	}
	if err := r.Fetch(t.Context(), slow{c, 4 * time.Hour, &asked}, quiet); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Write(t.Context(), output, false); err != nil {
		t.Fatal(err)
	}
	a, err := os.ReadFile(want)
	b, errB := os.ReadFile(output)
	if err := errors.Join(err, errB); err != nil || !bytes.Equal(a, b) {
		t.Errorf("the halves make another file (%v)", err)
	}
}
