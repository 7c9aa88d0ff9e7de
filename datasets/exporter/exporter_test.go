package exporter_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"hindcast.dev/datasets"
	"hindcast.dev/datasets/exporter"
	"hindcast.dev/datasets/importer"
)

var nan = math.NaN()

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func table(step time.Duration, values []float64, columns ...datasets.Column) datasets.Table {
	return datasets.Table{
		Series:  datasets.Series{Name: "x", Unit: datasets.RPS, Start: at("2026-01-05T00:00:00Z"), Step: step, Values: values},
		Columns: columns,
	}
}

func openMetrics(t *testing.T, table datasets.Table, cfg exporter.Config) string {
	t.Helper()
	e, err := exporter.New(table, cfg)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := e.WriteOpenMetrics(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWriteOpenMetrics(t *testing.T) {
	got := openMetrics(t, table(time.Minute, []float64{2, nan, 1}, datasets.Column{Name: "memory_bytes", Values: []float64{5, nan, 7}}),
		exporter.Config{Interval: 30 * time.Second, Labels: []exporter.Label{{Name: "b", Value: `x"\`}, {Name: "a", Value: "1"}}})
	const want = `# HELP container_memory_working_set_bytes The level of each step of a load.
# TYPE container_memory_working_set_bytes gauge
container_memory_working_set_bytes{a="1",b="x\"\\"} 5 1767571200
container_memory_working_set_bytes{a="1",b="x\"\\"} 5 1767571230
container_memory_working_set_bytes{a="1",b="x\"\\"} 7 1767571320
container_memory_working_set_bytes{a="1",b="x\"\\"} 7 1767571350
container_memory_working_set_bytes{a="1",b="x\"\\"} 7 1767571380
# HELP http_requests Counted up from a load at the even pace of each of its steps.
# TYPE http_requests counter
http_requests_total{a="1",b="x\"\\"} 0 1767571200
http_requests_total{a="1",b="x\"\\"} 60 1767571230
http_requests_total{a="1",b="x\"\\"} 120 1767571260
http_requests_total{a="1",b="x\"\\"} 120 1767571320
http_requests_total{a="1",b="x\"\\"} 150 1767571350
http_requests_total{a="1",b="x\"\\"} 180 1767571380
# EOF
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestImportUndoesExport exports loads and imports the text again.
func TestImportUndoesExport(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		values, ok, failed := make([]float64, 40), make([]float64, 40), make([]float64, 40)
		fast, all := make([]float64, 40), make([]float64, 40)
		for i := range values {
			ok[i], failed[i] = float64(rng.IntN(1000)), float64(rng.IntN(50))
			values[i] = ok[i] + failed[i]
			fast[i], all[i] = ok[i], values[i]
		}
		text := openMetrics(t, table(time.Minute, values,
			datasets.Column{Name: "code_200", Values: ok}, datasets.Column{Name: "code_500", Values: failed},
			datasets.Column{Name: "le_0.25", Values: fast}, datasets.Column{Name: "le_inf", Values: all}), exporter.Config{})
		res, err := importer.Import([]importer.Source{{Name: "om", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}},
			importer.Config{Select: []string{"http_requests_total", "histogram=http_request_duration_seconds_bucket"}})
		if err != nil {
			t.Fatal(err)
		}
		if !res.Start.Equal(at("2026-01-05T00:00:00Z")) || len(res.Values) != 40 {
			t.Fatalf("%d values from %v", len(res.Values), res.Start)
		}
		want := map[string][]float64{"code_200": ok, "code_500": failed, "le_0.25": fast, "le_inf": all, "histogram": all}
		same(t, "load", res.Values, values)
		for _, c := range res.Columns {
			same(t, c.Name, c.Values, want[c.Name])
			delete(want, c.Name)
		}
		if len(want) > 0 {
			t.Errorf("lost %v", want)
		}
	}
}

func same(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range got {
		if math.Abs(got[i]-want[i]) > 1e-6*(1+want[i]) {
			t.Fatalf("%s: value %d is %g, want %g", what, i, got[i], want[i])
		}
	}
}

func TestNames(t *testing.T) {
	for _, tc := range []struct {
		unit datasets.Unit
		cfg  exporter.Config
		want string
	}{
		{datasets.RPS, exporter.Config{}, "http_requests_total} 60 "},
		{datasets.CountPerStep, exporter.Config{}, "http_requests_total} 1 "},
		{datasets.Cores, exporter.Config{}, "container_cpu_usage_seconds_total} 60 "},
		{datasets.Percent, exporter.Config{}, "hindcast_load_percent} 1 "},
		{datasets.RPS, exporter.Config{Metric: "queue_depth"}, "queue_depth} 1 "},
		{datasets.RPS, exporter.Config{Metric: "jobs_total"}, "jobs_total} 60 "},
	} {
		in := table(time.Minute, []float64{1, 1})
		in.Unit = tc.unit
		tc.cfg.Interval = time.Minute
		if got := strings.ReplaceAll(openMetrics(t, in, tc.cfg), "total ", "total} "); !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(got, "percent ", "percent} "), "depth ", "depth} "), "\n"+tc.want) {
			t.Errorf("%s, %+v: no %q in\n%s", tc.unit, tc.cfg, tc.want, got)
		}
	}
	// Where codes do not add up to the load, the load is a series of its own.
	_, err := exporter.New(table(time.Minute, []float64{1, 1}, datasets.Column{Name: "code_200", Values: []float64{1, 0.5}}), exporter.Config{})
	if err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	load := table(time.Minute, []float64{1, 2})
	relative := load
	relative.Relative = true
	for _, tc := range []struct {
		table datasets.Table
		cfg   exporter.Config
		want  string
	}{
		{load, exporter.Config{Metric: "a-b"}, `metric "a-b"`},
		{load, exporter.Config{Metric: "a", Kind: exporter.Counter}, "ends in _total"},
		{load, exporter.Config{Kind: "summary"}, "neither counter nor gauge"},
		{load, exporter.Config{Labels: []exporter.Label{{Name: "0"}}}, `label "0"`},
		{load, exporter.Config{Labels: []exporter.Label{{Name: "le"}}}, "sets it itself"},
		{load, exporter.Config{Labels: []exporter.Label{{Name: "a"}, {Name: "a"}}}, "is there twice"},
		{load, exporter.Config{Interval: time.Microsecond}, "less than a millisecond"},
		{relative, exporter.Config{}, "has no dates"},
		{table(time.Minute, []float64{1, 2}, datasets.Column{Name: "errors", Values: []float64{1, 2}}), exporter.Config{Metric: "http_errors_total"}, "two columns become the series http_errors_total"},
	} {
		if _, err := exporter.New(tc.table, tc.cfg); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %s", tc.cfg, err, tc.want)
		}
	}
	e, err := exporter.New(relative, exporter.Config{Start: at("2026-01-05T00:00:00Z")})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.WriteOpenMetrics(broken{}); !errors.Is(err, errFull) {
		t.Errorf("%v", err)
	}
}

var errFull = errors.New("disk full")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errFull }

func ExampleExport_WriteOpenMetrics() {
	load := datasets.Table{Series: datasets.Series{Unit: datasets.RPS, Start: time.Unix(1767571200, 0), Step: time.Minute, Values: []float64{2, 3}}}
	e, err := exporter.New(load, exporter.Config{Interval: time.Minute, Labels: []exporter.Label{{Name: "namespace", Value: "shop"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	var b strings.Builder
	if err := e.WriteOpenMetrics(&b); err != nil {
		fmt.Println(err)
	}
	fmt.Print(b.String())
	// Output:
	// # HELP http_requests Counted up from a load at the even pace of each of its steps.
	// # TYPE http_requests counter
	// http_requests_total{namespace="shop"} 0 1767571200
	// http_requests_total{namespace="shop"} 120 1767571260
	// http_requests_total{namespace="shop"} 300 1767571320
	// # EOF
}
