package remoteread

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"

	"hindcast.dev/internal/promtest"
	"hindcast.dev/live/promclient"
	"hindcast.dev/promdb"
	"hindcast.dev/record"
)

var begin = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// samples are those of series, by their labels: milliseconds and bits, as NaN is not NaN.
type samples map[string][][2]uint64

const external = "global: {external_labels: {replica: a, zone: eu-1}}\n"

// write fills dir with ten hours of series that come and go: some are scraped at uneven
// times, end in staleness markers, begin again, and hold what floats can hold.
func write(t *testing.T, dir string) samples {
	t.Helper()
	db, err := promdb.Open(promdb.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 8))
	odd := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), math.MaxFloat64, math.SmallestNonzeroFloat64, 1.0 / 3}
	var series []*promdb.Series
	for i := range 12 {
		s, err := db.Series("requests_total", promdb.Label{Name: "job", Value: "shop"}, promdb.Label{Name: "pod", Value: fmt.Sprintf("p\"%d", i)})
		if err != nil {
			t.Fatal(err)
		}
		series = append(series, s)
	}
	other, err := db.Series("up", promdb.Label{Name: "job", Value: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	written := samples{}
	keep := func(s *promdb.Series, at time.Time, v float64) {
		key := s.String()
		written[key] = append(written[key], [2]uint64{uint64(at.UnixMilli()), math.Float64bits(v)})
	}
	alive := make([]bool, len(series))
	for at := begin; at.Before(begin.Add(10 * time.Hour)); at = at.Add(15 * time.Second) {
		scraped := at
		for i, s := range series {
			scraped = scraped.Add(time.Duration(random.IntN(900)) * time.Millisecond)
			if random.IntN(200) == 0 {
				if alive[i] {
					if err := db.Stale(s, scraped); err != nil {
						t.Fatal(err)
					}
					keep(s, scraped, math.Float64frombits(0x7ff0000000000002))
				}
				alive[i] = !alive[i]
				continue
			}
			if !alive[i] && at.After(begin) {
				continue
			}
			alive[i] = true
			v := 1e4 * random.Float64()
			if random.IntN(20) == 0 {
				v = odd[random.IntN(len(odd))]
			}
			if err := db.Append(s, scraped, v); err != nil {
				t.Fatal(err)
			}
			keep(s, scraped, v)
		}
		if err := errors.Join(db.Append(other, at, 1), db.Commit(scraped)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(db.Finish(), db.Close()); err != nil {
		t.Fatal(err)
	}
	return written
}

func client(t *testing.T, address string) *promclient.Client {
	t.Helper()
	c, err := promclient.New(promclient.Config{URL: address, Retries: -1, BreakAfter: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// stored reads what a folder of blocks holds.
func stored(t *testing.T, dir string) samples {
	t.Helper()
	db, err := promdb.OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	q, err := db.Querier(math.MinInt64, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	got := samples{}
	set := q.Select(t.Context(), true, nil, labels.MustNewMatcher(labels.MatchNotEqual, "__name__", ""))
	for set.Next() {
		it := set.At().Iterator(nil)
		for it.Next() == chunkenc.ValFloat {
			ms, v := it.At()
			key := set.At().Labels().String()
			got[key] = append(got[key], [2]uint64{uint64(ms), math.Float64bits(v)})
		}
		if it.Err() != nil {
			t.Fatal(it.Err())
		}
	}
	if set.Err() != nil {
		t.Fatal(set.Err())
	}
	return got
}

func compare(t *testing.T, want, got samples) {
	t.Helper()
	for key, w := range want {
		g := got[key]
		if !slices.Equal(w, g) {
			t.Errorf("%s: %d samples, want %d", key, len(g), len(w))
			for i := range min(len(w), len(g)) {
				if w[i] != g[i] {
					t.Errorf("sample %d is %x, want %x", i, g[i], w[i])
					break
				}
			}
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Errorf("%s is of no series that was written", key)
		}
	}
}

// recorded records what a selector has into blocks.
func recorded(t *testing.T, source record.Source, how record.RemoteRead, from, to time.Time) string {
	t.Helper()
	output := filepath.Join(t.TempDir(), "blocks")
	r, err := record.Begin(record.Plan{
		Source: "http://prometheus", Queries: []record.Query{{Name: "requests", Expr: `requests_total{job="shop"}`}}, Raw: true,
		Since: "x", Until: "y", From: from, To: to, Step: time.Minute, Format: record.TSDB,
	}, output)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Undecided() {
		t.Error("it is decided how the samples come before anybody was asked")
	}
	if err := r.ReadRemotely(how); err != nil {
		t.Fatal(err)
	}
	if err := r.Fetch(t.Context(), source, func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Write(t.Context(), output, false); err != nil {
		t.Fatal(err)
	}
	return output
}

// What is recorded by remote read are the samples that a real server stores, bit by bit and
// marker by marker, whichever kind of answer it gives; queries show the same but for the
// markers.
func TestRecordsWhatPrometheusStores(t *testing.T) {
	promtest.RequireMajor(t, 3, "sums of older ones keep the sign of a zero, which plain answers do not hold")
	dir := t.TempDir()
	written := write(t, dir)
	server := promtest.StartWith(t, dir, external)
	from, to := begin.Add(37*time.Minute+50*time.Millisecond), begin.Add(9*time.Hour+41*time.Second)
	want, unmarked := samples{}, samples{}
	markers := 0
	for key, all := range written {
		for _, s := range all {
			if int64(s[0]) <= from.UnixMilli() || int64(s[0]) > to.UnixMilli() {
				continue
			}
			want[key] = append(want[key], s)
			if promdb.IsStale(math.Float64frombits(s[1])) {
				markers++
			} else {
				// A query writes NaN in three letters.
				if math.IsNaN(math.Float64frombits(s[1])) {
					s[1] = math.Float64bits(math.NaN())
				}
				unmarked[key] = append(unmarked[key], s)
			}
		}
	}
	if len(want) != 12 || markers < 20 {
		t.Fatalf("%d series with %d markers: the case is too simple", len(want), markers)
	}
	c := client(t, server.URL())
	if err := New(c, nil).Offered(t.Context(), from); err != nil {
		t.Fatal(err)
	}
	added, err := ExternalLabels(t.Context(), c)
	if err != nil || len(added) != 2 || added["replica"] != "a" || added["zone"] != "eu-1" {
		t.Fatalf("external labels %v, %v", added, err)
	}
	for _, kind := range []prompb.ReadRequest_ResponseType{prompb.ReadRequest_STREAMED_XOR_CHUNKS, prompb.ReadRequest_SAMPLES} {
		t.Run(kind.String(), func(t *testing.T) {
			source := New(c, added)
			source.accepted = []prompb.ReadRequest_ResponseType{kind}
			blocks := recorded(t, source, record.RemoteRead{External: added}, from, to)
			if kind == prompb.ReadRequest_SAMPLES {
				// Messages of proto3 do not hold a zero, nor its sign.
				compare(t, unsigned(want), unsigned(stored(t, blocks)))
			} else {
				compare(t, want, stored(t, blocks))
			}

			// A server over the recording shows what the first one shows, also where series end.
			copied := promtest.Start(t, blocks)
			for at := begin.Add(time.Hour); at.Before(to); at = at.Add(7*time.Minute + 13*time.Second) {
				expr := `sum by (pod) (requests_total{job="shop"} > -Inf) or count(requests_total)`
				if w, g := server.Query(t, expr, at), copied.Query(t, expr, at); fmt.Sprint(w) != fmt.Sprint(g) {
					t.Errorf("at %v the copy shows %v, the server %v", at, g, w)
				}
			}
		})
	}
	compare(t, unmarked, hourly(t, server, from, to))
}

// unsigned makes every zero a positive one.
func unsigned(of samples) samples {
	out := samples{}
	for key, all := range of {
		for _, s := range all {
			if math.Float64frombits(s[1]) == 0 {
				s[1] = 0
			}
			out[key] = append(out[key], s)
		}
	}
	return out
}

// hourly asks for the samples by queries with a range of an hour, as people do.
func hourly(t *testing.T, server *promtest.Server, from, to time.Time) samples {
	t.Helper()
	got := samples{}
	for end := from.Add(time.Hour); end.Before(to.Add(time.Hour)); end = end.Add(time.Hour) {
		stamp := strconv.FormatFloat(float64(end.UnixMilli())/1000, 'f', 3, 64)
		code, body := server.Get(t, "/api/v1/query", url.Values{"query": {`requests_total{job="shop"}[1h]`}, "time": {stamp}})
		var answer struct {
			Data struct {
				Result []struct {
					Metric map[string]string
					Values [][2]any
				}
			}
		}
		if err := json.Unmarshal(body, &answer); err != nil || code != http.StatusOK {
			t.Fatalf("%d, %v: %s", code, err, body)
		}
		for _, r := range answer.Data.Result {
			key := labels.FromMap(r.Metric).String()
			for _, p := range r.Values {
				ms := uint64(math.Round(p[0].(float64) * 1000))
				v, err := strconv.ParseFloat(p[1].(string), 64)
				if err != nil {
					t.Fatal(err)
				}
				if int64(ms) <= to.UnixMilli() {
					got[key] = append(got[key], [2]uint64{ms, math.Float64bits(v)})
				}
			}
		}
	}
	return got
}

// Native histograms are refused by name; numbers beside them are read.
func TestRefusesHistograms(t *testing.T) {
	promtest.RequireMajor(t, 3, "older ones leave native histograms out of plain answers")
	dir := t.TempDir()
	db, err := tsdb.Open(dir, nil, nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	app := db.AppenderV2(t.Context())
	for i := range 100 {
		ms := begin.Add(time.Duration(i) * time.Minute).UnixMilli()
		for _, err := range []error{
			second(app.Append(0, labels.FromStrings("__name__", "latency", "kind", "native"), 0, ms, 0, tsdbutil.GenerateTestHistogram(int64(i)), nil, storage.AOptions{})),
			second(app.Append(0, labels.FromStrings("__name__", "latency", "kind", "native-float"), 0, ms, 0, nil, tsdbutil.GenerateTestFloatHistogram(int64(i)), storage.AOptions{})),
			second(app.Append(0, labels.FromStrings("__name__", "queue"), 0, ms, float64(i), nil, nil, storage.AOptions{})),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(app.Commit(), db.Close()); err != nil {
		t.Fatal(err)
	}
	server := promtest.Start(t, dir)
	for _, kind := range []prompb.ReadRequest_ResponseType{prompb.ReadRequest_STREAMED_XOR_CHUNKS, prompb.ReadRequest_SAMPLES} {
		source := New(client(t, server.URL()), nil)
		source.accepted = []prompb.ReadRequest_ResponseType{kind}
		for _, selector := range []string{`latency{kind="native"}`, `latency{kind="native-float"}`} {
			_, err := source.Raw(t.Context(), selector, begin, begin.Add(time.Hour))
			if !errors.Is(err, ErrHistograms) || !strings.Contains(err.Error(), "latency") {
				t.Errorf("%v: %s: %v", kind, selector, err)
			}
		}
		got, err := source.Raw(t.Context(), "queue", begin, begin.Add(time.Hour))
		if err != nil || len(got) != 1 || len(got[0].Samples) != 60 {
			t.Errorf("%v: %v, %v", kind, got, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// Who does not offer remote read is told from who fails.
func TestNotOffered(t *testing.T) {
	for _, tc := range []struct {
		code    int
		offered string
	}{
		{http.StatusNotFound, "no"}, {http.StatusMethodNotAllowed, "no"}, {http.StatusNotImplemented, "unknown"},
		{http.StatusForbidden, "no"}, {http.StatusBadRequest, "no"}, {http.StatusOK, "no"}, {http.StatusInternalServerError, "unknown"},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tc.code)
			_, _ = w.Write([]byte("<html>hello</html>"))
		}))
		err := New(client(t, s.URL), nil).Offered(t.Context(), begin)
		s.Close()
		if err == nil || NotOffered(err) != (tc.offered == "no") {
			t.Errorf("code %d: %v", tc.code, err)
		}
	}
}
