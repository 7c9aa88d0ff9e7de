package result_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"iter"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hindcast.dev/backtest/result"
)

const (
	timelineHeader = "time,load,demand,desired,ready,good,bad,p99Seconds,podHours,errors,nodeHours"
	forecastHeader = "time,actual,point,lower80,upper80,lower95,upper95"
)

// A sink is a file in memory that remembers whether it was closed.
type sink struct {
	bytes.Buffer
	closed bool
}

func (s *sink) Close() error {
	s.closed = true
	return nil
}

func writeTimeline(t testing.TB, rows []result.Row) []byte {
	t.Helper()
	var file sink
	w := result.NewTimelineWriter(&file)
	for _, r := range rows {
		w.Write(r)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !file.closed {
		t.Error("the file was left open")
	}
	return file.Bytes()
}

func zip(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	if _, err := io.WriteString(gz, text); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// collect returns the rows up to an error, which must be the last pair.
func collect[T any](t testing.TB, rows iter.Seq2[T, error]) ([]T, error) {
	t.Helper()
	var out []T
	var last error
	for row, err := range rows {
		if last != nil {
			t.Fatal("a row after an error")
		}
		if last = err; err == nil {
			out = append(out, row)
		}
	}
	return out, last
}

// anyFloat draws from all magnitudes, and sometimes nothing.
func anyFloat(r *rand.Rand) float64 {
	switch r.IntN(6) {
	case 0:
		return math.NaN()
	case 1:
		return 0
	case 2:
		return r.Float64()
	}
	for {
		if v := math.Float64frombits(r.Uint64()); !math.IsInf(v, 0) && !math.IsNaN(v) {
			return v
		}
	}
}

func anyRow(r *rand.Rand) result.Row {
	return result.Row{
		Time: time.Unix(r.Int64N(4e9), r.Int64N(1e9)).UTC(),
		Load: anyFloat(r), Demand: r.Int32(), Desired: r.Int32(), Ready: r.Int32(),
		Good: anyFloat(r), Bad: anyFloat(r), P99: anyFloat(r),
		PodHours: anyFloat(r), Errors: anyFloat(r), NodeHours: anyFloat(r),
	}
}

func TestTimelineReadsBackAsWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 200 {
		rows := make([]result.Row, r.IntN(20))
		for i := range rows {
			rows[i] = anyRow(r)
		}
		data := writeTimeline(t, rows)
		got, err := collect(t, result.ReadTimeline(bytes.NewReader(data)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rows, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("timeline %d (-written +read):\n%s", n, diff)
		}
		if !bytes.Equal(data, writeTimeline(t, rows)) {
			t.Fatal("the same rows gave different bytes")
		}
	}
}

// TestTimelineIsPlainCSV holds the columns and their text, which other programs read.
func TestTimelineIsPlainCSV(t *testing.T) {
	data := writeTimeline(t, []result.Row{{
		Time: time.Date(2026, 1, 5, 1, 2, 3, 500e6, time.FixedZone("", 3600)),
		Load: 0.1, Demand: 1, Desired: 2, Ready: 3, Good: 4, Bad: 1e21, P99: math.NaN(), PodHours: 0.25, Errors: math.Inf(1), NodeHours: 5,
	}})
	gz, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(gz)
	if err != nil {
		t.Fatal(err)
	}
	want := timelineHeader + "\n2026-01-05T00:02:03.5Z,0.1,1,2,3,4,1e+21,,0.25,,5\n"
	if string(text) != want {
		t.Errorf("got %q, want %q", text, want)
	}
}

func TestTimelineStopsWhenAsked(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	data := writeTimeline(t, []result.Row{anyRow(r), anyRow(r), anyRow(r)})
	n := 0
	for range result.ReadTimeline(bytes.NewReader(data)) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestTablesNameTheirFaults(t *testing.T) {
	row := "2026-01-05T00:00:00Z,1,1,1,1,1,0,0.1,1,0,1\n"
	truncated := zip(t, timelineHeader+"\n"+strings.Repeat(row, 100))
	for name, tc := range map[string]struct {
		data []byte
		want string
	}{
		"not gzip":       {[]byte("time,load\n"), "read timeline: gzip"},
		"empty":          {nil, "read timeline: EOF"},
		"no header":      {zip(t, ""), "empty file"},
		"other header":   {zip(t, "time,load\n"), "want"},
		"truncated":      {truncated[:len(truncated)-9], "unexpected EOF"},
		"short row":      {zip(t, timelineHeader+"\n2026-01-05T00:00:00Z,1\n"), "line 2: wrong number of fields"},
		"bad time":       {zip(t, timelineHeader+"\n"+row+"noon,1,1,1,1,1,0,0.1,1,0,1\n"), `line 3: parsing time "noon"`},
		"bad count":      {zip(t, timelineHeader+"\n2026-01-05T00:00:00Z,1,1.5,1,1,1,0,0.1,1,0,1\n"), `line 2: strconv.ParseInt: parsing "1.5"`},
		"bad float":      {zip(t, timelineHeader+"\n2026-01-05T00:00:00Z,1,1,1,1,one,0,0.1,1,0,1\n"), `parsing "one"`},
		"infinite float": {zip(t, timelineHeader+"\n2026-01-05T00:00:00Z,1,1,1,1,Inf,0,0.1,1,0,1\n"), `"Inf" is not a finite number`},
		"count too big":  {zip(t, timelineHeader+"\n2026-01-05T00:00:00Z,1,3000000000,1,1,1,0,0.1,1,0,1\n"), "out of range"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := collect(t, result.ReadTimeline(bytes.NewReader(tc.data)))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q in it", err, tc.want)
			}
			if _, err := collect(t, result.ReadForecasts(bytes.NewReader(tc.data))); err == nil || !strings.HasPrefix(err.Error(), "read forecasts: ") {
				t.Errorf("read as forecasts: %v", err)
			}
		})
	}
}

// TestTablesMayGrow: columns are added at the end, so that older programs read newer
// runs.
func TestTablesMayGrow(t *testing.T) {
	rows, err := collect(t, result.ReadTimeline(bytes.NewReader(zip(t,
		timelineHeader+",queued\n2026-01-05T00:00:00Z,7,1,1,1,1,0,0.1,1,0,1,42\n"))))
	if err != nil || len(rows) != 1 || rows[0].Load != 7 {
		t.Errorf("got %v, %v", rows, err)
	}
}

func TestForecastsReadBackAsWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	rows := make([]result.ForecastRow, 300)
	for i := range rows {
		rows[i] = result.ForecastRow{
			Time: time.Unix(r.Int64N(4e9), 0).UTC(), Actual: anyFloat(r), Point: anyFloat(r),
			Lower80: anyFloat(r), Upper80: anyFloat(r), Lower95: anyFloat(r), Upper95: anyFloat(r),
		}
	}
	var first, second bytes.Buffer
	for _, b := range []*bytes.Buffer{&first, &second} {
		if err := result.WriteForecasts(b, rows); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same rows gave different bytes")
	}
	got, err := collect(t, result.ReadForecasts(&first))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows, got, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
}

// FuzzReadTimeline feeds text behind the compression: whatever is read without an
// error is written and read again as it was.
func FuzzReadTimeline(f *testing.F) {
	f.Add(timelineHeader + "\n2026-01-05T00:02:03.5Z,0.1,1,2,3,4,1e21,,0.25,,5\n")
	f.Add(timelineHeader + "\n2026-01-05T00:00:00+01:00,,-1,2,3,-0,0x1p-2,,,,\n")
	f.Add(timelineHeader + ",more\n\"2026-01-05T00:00:00Z\",,1,2,3,,,,,,,x\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := collect(t, result.ReadTimeline(bytes.NewReader(zip(t, text))))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "read timeline: ") {
				t.Errorf("error without what was done: %v", err)
			}
			return
		}
		for i := range rows {
			rows[i].Time = rows[i].Time.UTC()
			if y := rows[i].Time.Year(); y < 0 || y > 9999 {
				return // RFC 3339 has no such years; another time zone leads there
			}
		}
		again, err := collect(t, result.ReadTimeline(bytes.NewReader(writeTimeline(t, rows))))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rows, again, cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
	})
}

// FuzzTablesNeverPanic feeds raw bytes.
func FuzzTablesNeverPanic(f *testing.F) {
	f.Add(zip(f, timelineHeader+"\n"))
	f.Add(zip(f, forecastHeader+"\n2026-01-05T00:02:03Z,1,2,3,4,5,6\n"))
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(_ *testing.T, data []byte) {
		for range result.ReadTimeline(bytes.NewReader(data)) {
		}
		for range result.ReadForecasts(bytes.NewReader(data)) {
		}
	})
}

func ExampleReadTimeline() {
	var file sink
	w := result.NewTimelineWriter(&file)
	at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	w.Write(result.Row{Time: at, Load: 120, Demand: 1, Desired: 2, Ready: 2, Good: 7190, Bad: 10, P99: 0.08, PodHours: 2. / 60})
	w.Write(result.Row{Time: at.Add(time.Minute), Load: math.NaN(), P99: math.NaN()})
	if err := w.Close(); err != nil {
		fmt.Println(err)
		return
	}
	for row, err := range result.ReadTimeline(&file) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(row.Time.Format(time.TimeOnly), row.Load, row.Good)
	}
	// Output:
	// 00:00:00 120 7190
	// 00:01:00 NaN 0
}

func BenchmarkTimelineWriter(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 8))
	rows := make([]result.Row, 1024)
	for i := range rows {
		rows[i] = anyRow(r)
	}
	w := result.NewTimelineWriter(discard{})
	for i := 0; b.Loop(); i++ {
		w.Write(rows[i%len(rows)])
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }
