package promapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hindcast.dev/promdb"
	"hindcast.dev/promdb/promapi"
)

var (
	epoch = time.Date(2024, 3, 4, 0, 0, 2, 0, time.UTC)
	end   = epoch.Add(14 * time.Hour)
)

const scrape = 15 * time.Second

// built holds the blocks that all tests share.
var built struct {
	sync.Mutex
	home string
	dirs []string
}

func TestMain(m *testing.M) {
	home, err := os.MkdirTemp("", "promapi-")
	if err != nil {
		panic(err)
	}
	built.home = home
	code := m.Run()
	if err := os.RemoveAll(home); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// blocks writes two policies' worth of a small world: counters with resets, gauges with
// gaps and staleness, a histogram, and labels that need escaping. It returns one folder
// for each policy.
func blocks(t testing.TB) []string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if built.dirs != nil {
		return built.dirs
	}
	var dirs []string
	for seed, policy := range []string{"hpa", "v3"} {
		dir := filepath.Join(built.home, policy)
		db, err := promdb.Open(promdb.Config{Dir: dir, ExternalLabels: map[string]string{"policy": policy}})
		if err != nil {
			t.Fatal(err)
		}
		fill(t, db, rand.New(rand.NewPCG(uint64(seed), 7)))
		if err := db.Finish(); err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
	}
	built.dirs = dirs
	return dirs
}

func fill(t testing.TB, db *promdb.DB, rng *rand.Rand) {
	t.Helper()
	series := func(name string, pairs ...string) *promdb.Series {
		var ls []promdb.Label
		for i := 0; i < len(pairs); i += 2 {
			ls = append(ls, promdb.Label{Name: pairs[i], Value: pairs[i+1]})
		}
		s, err := db.Series(name, ls...)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	var requests, durations []*promdb.Series
	for pod := range 3 {
		for _, code := range []string{"200", "503"} {
			requests = append(requests, series("requests_total", "pod", strconv.Itoa(pod), "code", code))
		}
	}
	for _, le := range []string{"0.1", "0.5", "1", "+Inf"} {
		durations = append(durations, series("duration_seconds_bucket", "le", le))
	}
	replicas, queue := series("replicas"), series("queue", "path", `a"b\c<é`+"\n")
	tiny := series("tiny")
	alert, since := series("ALERTS", "alertname", "AtMax", "alertstate", "firing"), series("ALERTS_FOR_STATE", "alertname", "AtMax")
	totals, within := make([]float64, len(requests)), make([]float64, len(durations))
	for i, at := 0, epoch; !at.After(end); i, at = i+1, at.Add(scrape) {
		for k, s := range requests {
			totals[k] += math.Round(rng.ExpFloat64() * 100)
			if k == 1 && i%700 == 0 {
				totals[k] = 0
			}
			check(db.Append(s, at, totals[k]))
		}
		for k, s := range durations {
			within[k] += float64(10 + 10*k)
			check(db.Append(s, at, within[k]))
		}
		if i%40 < 33 {
			check(db.Append(queue, at, rng.NormFloat64()))
		}
		switch {
		case i%200 < 120:
			check(db.Append(replicas, at, float64(i%7)))
		case i%200 == 120:
			check(db.Stale(replicas, at))
		}
		check(db.Append(alert, at, 1))
		check(db.Append(since, at, float64(epoch.Add(time.Hour).Unix())))
		check(db.Append(tiny, at, 1e-9*float64(i)+1e22*float64(i%2)))
		check(db.Commit(at))
	}
}

func reader(t testing.TB, dirs []string) *promdb.Reader {
	t.Helper()
	db, err := promdb.OpenReadOnly(dirs...)
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

// newAPI serves the small world as cfg says, its bounds filled in.
func newAPI(t testing.TB, cfg promapi.Config) http.Handler {
	t.Helper()
	cfg.Start, cfg.End = epoch, end
	return promapi.New(reader(t, blocks(t)), cfg)
}

// get asks h and returns the status code and the body.
func get(t testing.TB, h http.Handler, path string, form url.Values) (int, []byte) {
	t.Helper()
	return do(h, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path+"?"+form.Encode(), nil))
}

func do(h http.Handler, r *http.Request) (int, []byte) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}

// An answer is what the tests look at.
type answer struct {
	Status, ErrorType, Error string
	Data                     struct {
		ResultType string
		Result     json.RawMessage
	}
	Warnings, Infos []string
}

func ask(t testing.TB, h http.Handler, path string, form url.Values) answer {
	t.Helper()
	code, body := get(t, h, promapi.Prefix+path, form)
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatalf("%s: %v: %s", path, err, body)
	}
	if (code == http.StatusOK) != (a.Status == "success") {
		t.Errorf("%s: code %d for %s", path, code, body)
	}
	return a
}

func unix(at time.Time) string {
	return strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', -1, 64)
}

// A query without a time is made at the end of the run.
func TestNowIsTheEndOfTheRun(t *testing.T) {
	h := newAPI(t, promapi.Config{})
	got := ask(t, h, "query", url.Values{"query": {"time()"}})
	if want := "[" + unix(end) + `,"` + unix(end) + `"]`; string(got.Data.Result) != want {
		t.Errorf("it is %s, want %s", got.Data.Result, want)
	}
	query := url.Values{"query": {"sum(requests_total)"}}
	now := ask(t, h, "query", query)
	query.Set("time", unix(end))
	if then := ask(t, h, "query", query); string(now.Data.Result) != string(then.Data.Result) || len(now.Data.Result) < 5 {
		t.Errorf("now %s, at the end %s", now.Data.Result, then.Data.Result)
	}
}

// A run shifted answers as the same run at its own time does, but for the times.
func TestShift(t *testing.T) {
	const shift = 777*24*time.Hour + 13*time.Minute
	here := newAPI(t, promapi.Config{})
	there := newAPI(t, promapi.Config{Shift: shift})
	at := epoch.Add(5*time.Hour + 3*time.Second)
	for _, query := range []string{
		`sum(rate(requests_total[5m]))`, `replicas`, `queue offset 7m`, `hour()`, `max_over_time(queue[1h:30s])`,
		`requests_total @ start() - requests_total @ end()`, `1`, `"text"`,
	} {
		a := ask(t, here, "query", url.Values{"query": {query}, "time": {unix(at)}})
		b := ask(t, there, "query", url.Values{"query": {query}, "time": {unix(at.Add(shift))}})
		if want := moved(t, a.Data.Result, shift); string(b.Data.Result) != want {
			t.Errorf("%s: %s, want %s", query, b.Data.Result, want)
		}
		if query == `"text"` {
			continue
		}
		form := url.Values{"query": {query}, "start": {unix(at)}, "end": {unix(at.Add(time.Hour))}, "step": {"60"}}
		a = ask(t, here, "query_range", form)
		form.Set("start", unix(at.Add(shift)))
		form.Set("end", unix(at.Add(shift+time.Hour)))
		b = ask(t, there, "query_range", form)
		if want := moved(t, a.Data.Result, shift); string(b.Data.Result) != want || len(want) < 100 {
			t.Errorf("%s: %.200s, want %.200s", query, b.Data.Result, want)
		}
	}
	for _, query := range []string{`sum(requests_total @ %s)`, `max_over_time(requests_total[1h:5m] @ %s)`, `rate(requests_total[5m] @ %s offset 1m)`} {
		a := ask(t, here, "query", url.Values{"query": {sprintf(query, unix(at))}})
		b := ask(t, there, "query", url.Values{"query": {sprintf(query, unix(at.Add(shift)))}})
		if want := moved(t, a.Data.Result, shift); string(b.Data.Result) != want || len(want) < 10 {
			t.Errorf("%s: %s, want %s", query, b.Data.Result, want)
		}
	}
	// A time of the run itself is long before the clients' time of it.
	for _, path := range []string{"labels", "label/pod/values", "series"} {
		form := url.Values{"match[]": {"requests_total"}, "start": {unix(epoch)}, "end": {unix(end)}}
		if code, body := get(t, there, promapi.Prefix+path, form); code != http.StatusOK || string(body) != `{"status":"success","data":[]}` {
			t.Errorf("%s before the run: %d %s", path, code, body)
		}
		form.Set("start", unix(epoch.Add(shift)))
		form.Set("end", unix(end.Add(shift)))
		if _, body := get(t, there, promapi.Prefix+path, form); len(body) < 40 {
			t.Errorf("%s: %s", path, body)
		}
	}
}

// moved returns the result of a query with its times moved.
func moved(t *testing.T, result json.RawMessage, by time.Duration) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(result, &v); err != nil {
		t.Fatal(err)
	}
	var move func(v any)
	move = func(v any) {
		switch v := v.(type) {
		case []any:
			if at, ok := v[0].(float64); ok {
				v[0] = json.Number(unix(time.UnixMilli(int64(math.Round(at * 1000))).Add(by)))
				return
			}
			for _, e := range v {
				move(e)
			}
		case map[string]any:
			for _, e := range v {
				move(e)
			}
		}
	}
	move(v)
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(text.String())
}

// The alerts are those of the run's end, since the clients' time of their beginning.
func TestAlerts(t *testing.T) {
	h := newAPI(t, promapi.Config{Shift: 48 * time.Hour})
	_, body := get(t, h, promapi.Prefix+"alerts", nil)
	want := `{"status":"success","data":{"alerts":[` +
		`{"labels":{"alertname":"AtMax","policy":"hpa"},"annotations":{},"state":"firing","activeAt":"2024-03-06T01:00:02Z"},` +
		`{"labels":{"alertname":"AtMax","policy":"v3"},"annotations":{},"state":"firing","activeAt":"2024-03-06T01:00:02Z"}]}}`
	if string(body) != want {
		t.Errorf("%s, want %s", body, want)
	}
}

// Who asks for a time at which there was no run is told when it was.
func TestOutsideTheRun(t *testing.T) {
	h := newAPI(t, promapi.Config{Shift: 24 * time.Hour})
	const want = "no data: the run goes from 2024-03-05T00:00:02Z to 2024-03-05T14:00:02Z"
	for _, at := range []time.Time{epoch, end.Add(30 * time.Hour)} {
		a := ask(t, h, "query", url.Values{"query": {"replicas"}, "time": {unix(at)}})
		b := ask(t, h, "query_range", url.Values{"query": {"replicas"}, "start": {unix(at)}, "end": {unix(at.Add(time.Minute))}, "step": {"15"}})
		for _, got := range []answer{a, b} {
			if string(got.Data.Result) != "[]" || len(got.Warnings) != 1 || got.Warnings[0] != want {
				t.Errorf("at %s: %s, warnings %q", at, got.Data.Result, got.Warnings)
			}
		}
	}
	for _, query := range []string{"1+1", "vector(1)"} {
		if a := ask(t, h, "query", url.Values{"query": {query}, "time": {"1000"}}); len(a.Warnings) != 0 {
			t.Errorf("%s warns: %q", query, a.Warnings)
		}
	}
}

// Nothing that changes a Prometheus server is there.
func TestReadOnly(t *testing.T) {
	dirs := blocks(t)
	h := promapi.New(reader(t, dirs), promapi.Config{Start: epoch, End: end})
	before := files(t, dirs)
	for _, path := range []string{"admin/tsdb/delete_series", "admin/tsdb/snapshot", "admin/tsdb/clean_tombstones", "write", "otlp/v1/metrics", "query/x", ""} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodGet, http.MethodOptions} {
			r := httptest.NewRequestWithContext(t.Context(), method, promapi.Prefix+path+"?match[]=replicas", nil)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusNotFound {
				t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
			}
			for name := range w.Header() {
				if name != "Content-Type" {
					t.Errorf("%s %s: header %s", method, path, name)
				}
			}
		}
	}
	if after := files(t, dirs); after != before {
		t.Errorf("files changed from %s to %s", before, after)
	}
}

func files(t *testing.T, dirs []string) string {
	t.Helper()
	var list strings.Builder
	for _, dir := range dirs {
		for _, name := range []string{"", "wal", "chunks_head"} {
			entries, err := os.ReadDir(dir + "/" + name)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			for _, e := range entries {
				list.WriteString(name + "/" + e.Name() + " ")
			}
		}
	}
	return list.String()
}

// A query that takes too long ends, as does one whose client is gone, and one that waits
// for others.
func TestTimeouts(t *testing.T) {
	h := newAPI(t, promapi.Config{Timeout: 20 * time.Millisecond, Concurrency: 1})
	slow := url.Values{
		"query": {`max_over_time(sum(rate({__name__=~".+"}[2h]))[12h:1s])`}, "start": {unix(epoch)}, "end": {unix(end)}, "step": {"15"},
	}
	if a := ask(t, h, "query_range", slow); a.ErrorType != "timeout" {
		t.Errorf("it ended with %+v", a)
	}
	patient := newAPI(t, promapi.Config{})
	for _, timeout := range []string{"0.02", "20ms"} {
		slow.Set("timeout", timeout)
		if a := ask(t, patient, "query_range", slow); a.ErrorType != "timeout" {
			t.Errorf("it ended with %+v", a)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	slow.Del("timeout")
	code, body := do(patient, httptest.NewRequestWithContext(ctx, http.MethodGet, promapi.Prefix+"query_range?"+slow.Encode(), nil))
	if code != 499 {
		t.Errorf("%d %s", code, body)
	}
}
