package promclient_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hindcast.dev/live/promclient"
)

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const expr = `sum(rate(http_requests_total{namespace="shop"}[1m]))`

func vector(samples ...string) string {
	return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(samples, ",") + `]}}`
}

func sample(pod, value string) string {
	return fmt.Sprintf(`{"metric":{"pod":%q},"value":[1772366400,%q]}`, pod, value)
}

// serve returns a client of a server that answers every request the same.
func serve(t *testing.T, code int, body string, change ...func(*promclient.Config)) (*promclient.Client, *atomic.Int64) {
	t.Helper()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return newClient(t, server.URL, change...), &asked
}

func newClient(t *testing.T, url string, change ...func(*promclient.Config)) *promclient.Client {
	t.Helper()
	cfg := promclient.Config{URL: url, Backoff: time.Millisecond}
	for _, c := range change {
		c(&cfg)
	}
	c, err := promclient.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func TestQuery(t *testing.T) {
	for name, tc := range map[string]struct {
		code int
		body string
		want float64
		err  error
		asks int64
	}{
		"sum of a vector":      {200, vector(sample("a", "1.5"), sample("b", "2")), 3.5, nil, 1},
		"half the series":      {200, vector(sample("a", "1.5")), 1.5, nil, 1},
		"zero is a number":     {200, vector(sample("a", "0")), 0, nil, 1},
		"scalar":               {200, `{"status":"success","data":{"resultType":"scalar","result":[1772366400,"7"]}}`, 7, nil, 1},
		"empty":                {200, vector(), 0, promclient.ErrNoData, 1},
		"NaN":                  {200, vector(sample("a", "NaN")), 0, promclient.ErrNotFinite, 1},
		"one NaN of two":       {200, vector(sample("a", "1"), sample("b", "NaN")), 0, promclient.ErrNotFinite, 1},
		"infinite":             {200, vector(sample("a", "+Inf")), 0, promclient.ErrNotFinite, 1},
		"infinities":           {200, vector(sample("a", "+Inf"), sample("b", "-Inf")), 0, promclient.ErrNotFinite, 1},
		"string":               {200, `{"status":"success","data":{"resultType":"string","result":[1772366400,"7"]}}`, 0, promclient.ErrBadResponse, 1},
		"histogram":            {200, vector(`{"metric":{},"histogram":[1772366400,{"count":"1","sum":"1","buckets":[]}]}`), 0, promclient.ErrQuery, 1},
		"warning":              {200, `{"status":"success","warnings":["store b is down"],"data":{"resultType":"vector","result":[` + sample("a", "1") + `]}}`, 0, promclient.ErrPartial, 1},
		"truncated":            {200, `{"status":"success","warnings":["results truncated due to limit"],"data":{"resultType":"vector","result":[` + sample("a", "1") + `]}}`, 0, promclient.ErrTooLarge, 1},
		"info is no warning":   {200, `{"status":"success","infos":["metric might not be a counter"],"data":{"resultType":"vector","result":[` + sample("a", "1") + `]}}`, 1, nil, 1},
		"malformed JSON":       {200, `{"status":"success","data":{"resultType":"vector","res`, 0, promclient.ErrBadResponse, 1},
		"empty body":           {200, ``, 0, promclient.ErrBadResponse, 1},
		"a web page":           {200, `<html>Sign in</html>`, 0, promclient.ErrBadResponse, 1},
		"another resultType":   {200, `{"status":"success","data":{"resultType":"streams","result":[]}}`, 0, promclient.ErrBadResponse, 1},
		"an error with 200":    {200, `{"status":"error","errorType":"bad_data","error":"no"}`, 0, promclient.ErrBadResponse, 1},
		"redirect":             {302, ``, 0, promclient.ErrBadResponse, 1},
		"not found":            {404, `404 page not found`, 0, promclient.ErrBadResponse, 1},
		"bad query":            {400, `{"status":"error","errorType":"bad_data","error":"parse error at char 3"}`, 0, promclient.ErrQuery, 1},
		"too many samples":     {422, `{"status":"error","errorType":"execution","error":"too many samples"}`, 0, promclient.ErrQuery, 1},
		"a store is away":      {422, `{"status":"error","errorType":"execution","error":"expanding series: proxy Series(): fetch series for {replica=\"b\"}: rpc error: code = Unavailable desc = connection error"}`, 0, promclient.ErrPartial, 3},
		"unauthorized":         {401, `login`, 0, promclient.ErrDenied, 1},
		"forbidden, twice":     {403, `no`, 0, promclient.ErrDenied, 2}, // by POST and by GET
		"internal error":       {500, `boom`, 0, promclient.ErrUnavailable, 1},
		"throttled":            {429, `slow down`, 0, promclient.ErrThrottled, 3},
		"bad gateway":          {502, ``, 0, promclient.ErrUnavailable, 3},
		"unavailable":          {503, `{"status":"error","errorType":"timeout","error":"query timed out"}`, 0, promclient.ErrUnavailable, 3},
		"gateway timeout":      {504, ``, 0, promclient.ErrUnavailable, 3},
		"body beyond the max":  {200, strings.Repeat(" ", 5000), 0, promclient.ErrTooLarge, 1},
		"series beyond a max":  {200, vector(sample("a", "1"), sample("b", "1"), sample("c", "1"), sample("d", "1"), sample("e", "1"), sample("f", "1"), sample("g", "1")), 0, promclient.ErrTooLarge, 1},
		"error beyond the max": {500, strings.Repeat("x", 5000), 0, promclient.ErrTooLarge, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c, asked := serve(t, tc.code, tc.body, func(cfg *promclient.Config) { cfg.MaxBytes, cfg.MaxSeries = 4096, 6 })
			got, err := c.Query(t.Context(), expr, at)
			if !errors.Is(err, tc.err) || got != tc.want {
				t.Errorf("got %v, %v; want %v, %v", got, err, tc.want, tc.err)
			}
			if asked.Load() != tc.asks {
				t.Errorf("asked %d times, want %d", asked.Load(), tc.asks)
			}
			if err != nil && (strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "http_requests_total") || len(err.Error()) > 700) {
				t.Errorf("error is not one short line that names the query: %q", err)
			}
			if err != nil && promclient.Kind(err) == "other" {
				t.Errorf("kind of %v is other", err)
			}
		})
	}
}

// What takes more than a server lets a query take is too large, in the words of each; what is
// wrong by itself is not, nor would half of it do.
func TestServersLimits(t *testing.T) {
	for text, large := range map[string]bool{
		"query processing would load too many samples into memory in query execution": true, // Prometheus
		"exceeded sample limit (1000)":                                                                                         true, // its remote read
		"expanding series: exceeded series limit: limit 10 violated (got 12)":                                                  true, // Thanos
		"the query exceeded the maximum number of chunks (limit: 2 chunks) (err-mimir-max-chunks-per-query)":                   true,
		"the query time range exceeds the limit (query length: 721h0m0s, limit: 720h0m0s)":                                     true, // Cortex
		"cannot select more than -search.maxSamplesPerQuery=1000 samples; possible solutions: reduce time range for the query": true, // VictoriaMetrics
		"multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)":                          false,
	} {
		c, _ := serve(t, 422, fmt.Sprintf(`{"status":"error","errorType":"execution","error":%q}`, text))
		_, err := c.Query(t.Context(), expr, at)
		if !errors.Is(err, promclient.ErrQuery) || errors.Is(err, promclient.ErrTooLarge) != large {
			t.Errorf("%s: too large %v, want %v: %v", text, errors.Is(err, promclient.ErrTooLarge), large, err)
		}
	}
	c, _ := serve(t, 503, `{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}`)
	if _, err := c.Query(t.Context(), expr, at); !errors.Is(err, promclient.ErrTimeout) || !errors.Is(err, promclient.ErrUnavailable) {
		t.Errorf("a query that the server gave up: %v", err)
	}
}

// A NaN is as good as no data, an infinity is not.
func TestNaNIsNoData(t *testing.T) {
	c, _ := serve(t, 200, vector(sample("a", "NaN")))
	if _, err := c.Query(t.Context(), expr, at); !errors.Is(err, promclient.ErrNoData) {
		t.Errorf("NaN: %v", err)
	}
	c, _ = serve(t, 200, vector(sample("a", "-Inf")))
	if _, err := c.Query(t.Context(), expr, at); errors.Is(err, promclient.ErrNoData) {
		t.Errorf("infinity: %v", err)
	}
}

func TestRequest(t *testing.T) {
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		got = r
		_, _ = io.WriteString(w, vector(sample("a", "1")))
	}))
	defer server.Close()
	c := newClient(t, server.URL+"/select/0/prometheus/", func(cfg *promclient.Config) { cfg.Tenant, cfg.MaxSeries = "team-a", 77 })
	if _, err := c.Query(t.Context(), expr, at.Add(1234567*time.Nanosecond)); err != nil {
		t.Fatal(err)
	}
	if got.URL.Path != "/select/0/prometheus/api/v1/query" {
		t.Errorf("path %s", got.URL.Path)
	}
	if tenant := got.Header.Get("X-Scope-OrgID"); tenant != "team-a" {
		t.Errorf("tenant %q", tenant)
	}
	for name, want := range map[string]string{
		"query": expr, "time": "1772366400.001", "partial_response": "false", "deny_partial_response": "1", "nocache": "1", "timeout": "10s", "limit": "77",
	} {
		if v := got.Form.Get(name); v != want {
			t.Errorf("%s is %q, want %q", name, v, want)
		}
	}
}

// A server, or a proxy, that takes no POST is asked by GET.
func TestFallsBackToGet(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		if r.URL.Query().Get("query") != expr {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, vector(sample("a", "4")))
	}))
	defer server.Close()
	if v, err := newClient(t, server.URL).Query(t.Context(), expr, at); v != 4 || err != nil {
		t.Errorf("got %v, %v", v, err)
	}
}

func TestNobodyListens(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	_, err := newClient(t, server.URL).Query(t.Context(), expr, at)
	if !errors.Is(err, promclient.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestSlowServer(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	c := newClient(t, server.URL, func(cfg *promclient.Config) { cfg.Timeout = 50 * time.Millisecond })
	start := time.Now()
	if _, err := c.Query(t.Context(), expr, at); !errors.Is(err, promclient.ErrTimeout) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Query(ctx, expr, at); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

// An answer whose connection breaks off half-way is asked for again.
func TestBrokenOff(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		body := vector(sample("a", "3"))
		if asked.Add(1) == 1 {
			w.Header().Set("Content-Length", "1000")
		}
		_, _ = io.WriteString(w, body)
	}))
	defer server.Close()
	if v, err := newClient(t, server.URL).Query(t.Context(), expr, at); v != 3 || err != nil {
		t.Errorf("got %v, %v", v, err)
	}
}

func matrix(series ...string) string {
	return `{"status":"success","data":{"resultType":"matrix","result":[` + strings.Join(series, ",") + `]}}`
}

func TestQueryRange(t *testing.T) {
	c, _ := serve(t, 200, matrix(
		`{"metric":{"pod":"b"},"values":[[1772366400,"1"],[1772366430,"2"],[1772366490,"NaN"]]}`,
		`{"metric":{"pod":"a"},"values":[[1772366400,"10"],[1772366520,"+Inf"]]}`,
	))
	got, err := c.QueryRange(t.Context(), expr, at, at.Add(140*time.Second), 30*time.Second)
	nan := math.NaN()
	if want := []float64{11, 2, nan, nan, nan}; err != nil || !same(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	c, _ = serve(t, 200, matrix())
	if got, err := c.QueryRange(t.Context(), expr, at, at.Add(time.Minute), 30*time.Second); err != nil || !same(got, []float64{nan, nan, nan}) {
		t.Errorf("empty: got %v, %v", got, err)
	}
	// VictoriaMetrics moves the bounds of a range when it caches.
	c, _ = serve(t, 200, matrix(`{"metric":{},"values":[[1772366415,"1"]]}`))
	if _, err := c.QueryRange(t.Context(), expr, at, at.Add(time.Minute), 30*time.Second); !errors.Is(err, promclient.ErrBadResponse) {
		t.Errorf("off the grid: %v", err)
	}
	for name, r := range map[string]struct {
		to   time.Time
		step time.Duration
	}{"no step": {at, 0}, "step of nanoseconds": {at, 1500 * time.Microsecond}, "backwards": {at.Add(-time.Second), time.Second}} {
		if _, err := c.QueryRange(t.Context(), expr, at, r.to, r.step); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Many series that come and go are too large over many steps, all of which each of them would have.
func TestSparseSeries(t *testing.T) {
	var all []string
	for i := range 6000 {
		all = append(all, fmt.Sprintf(`{"metric":{"pod":"%d"},"values":[[1772366400,"1"]]}`, i))
	}
	c, _ := serve(t, 200, matrix(all...))
	if _, err := c.Series(t.Context(), expr, at, at.Add(9999*time.Second), time.Second); !errors.Is(err, promclient.ErrTooLarge) {
		t.Errorf("10,000 steps of 6,000 series: %v", err)
	}
	if got, err := c.Series(t.Context(), expr, at, at.Add(99*time.Second), time.Second); err != nil || len(got) != len(all) {
		t.Errorf("100 steps: %d series, %v", len(got), err)
	}
}

func same(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Float64bits(a[i]) != math.Float64bits(b[i]) && !(math.IsNaN(a[i]) && math.IsNaN(b[i])) {
			return false
		}
	}
	return true
}
