package importer_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"hindcast.dev/datasets/importer"
)

const epoch = 1_770_000_000 // a whole minute

func TestOpenMetricsCounter(t *testing.T) {
	// Two series of a counter, one of which begins again at 0.
	var b strings.Builder
	b.WriteString("# TYPE http_requests counter\n")
	for i, v := range []int{100, 160, 190, 15, 45} {
		fmt.Fprintf(&b, "http_requests_total{code=\"200\",pod=\"a\"} %d %d\n", v, epoch+30*i)
		fmt.Fprintf(&b, "http_requests_total{code=\"503\",pod=\"a\"} %d %d.000\n", 10*i, epoch+30*i)
	}
	content := b.String() + "# EOF\n"
	res := mustImport(t, importer.Config{}, text("m", content))
	if res.Start.Unix() != epoch {
		t.Errorf("start %v", res.Start)
	}
	equal(t, "200", column(t, res, "code_200"), []float64{90. / 60, 45. / 60})
	equal(t, "503", column(t, res, "code_503"), []float64{20. / 60, 20. / 60})
	equal(t, "load", res.Values, []float64{110. / 60, 65. / 60})

	res = mustImport(t, importer.Config{Select: []string{`http_requests_total{code=~"5.."}`}}, text("m", content))
	equal(t, "selected", res.Values, []float64{20. / 60, 20. / 60})
	// Milliseconds are the older form.
	older := strings.ReplaceAll(strings.ReplaceAll(content, ".000\n", "\n"), "\nhttp", "\nhttp")
	for i := range 5 {
		older = strings.ReplaceAll(older, fmt.Sprintf(" %d\n", epoch+30*i), fmt.Sprintf(" %d000\n", epoch+30*i))
	}
	equal(t, "milliseconds", mustImport(t, importer.Config{}, text("m", older)).Values, []float64{110. / 60, 65. / 60})
}

func TestOpenMetricsHistogramAndGauges(t *testing.T) {
	var b strings.Builder
	b.WriteString("# TYPE d histogram\n# TYPE mem gauge\n")
	for i := range 9 {
		for j, le := range []string{"0.1", "0.5", "+Inf"} {
			fmt.Fprintf(&b, "d_bucket{le=\"%s\"} %d %d # {trace=\"x}y\"} 0.3 1.5\n", le, i*(j+1)*30, epoch+15*i)
		}
		fmt.Fprintf(&b, "d_count %d %d\nd_sum %g %d\n", i*90, epoch+15*i, float64(i)*12, epoch+15*i)
		fmt.Fprintf(&b, "mem{pod=\"a\"} %d %d\nmem{pod=\"b\"} 50 %d\n", 100+i, epoch+15*i, epoch+15*i)
	}
	b.WriteString("# EOF\n")
	res := mustImport(t, importer.Config{Select: []string{"d_bucket", "memory_bytes=mem", `sum=d_sum`}}, text("m", b.String()))
	equal(t, "requests", res.Values, []float64{6, 6, math.NaN()})
	equal(t, "le_0.1", column(t, res, "le_0.1"), []float64{2, 2, math.NaN()})
	equal(t, "le_0.5", column(t, res, "le_0.5"), []float64{4, 4, math.NaN()})
	equal(t, "le_inf", column(t, res, "le_inf"), []float64{6, 6, math.NaN()})
	equal(t, "sum", column(t, res, "sum"), []float64{0.8, 0.8, math.NaN()})
	// The last sample holds for 15 s, a quarter of its minute, which is not enough.
	equal(t, "memory", column(t, res, "memory_bytes"), []float64{150 + 1.5, 150 + 5.5, math.NaN()})

	refused(t, importer.Config{}, `4 metrics: d_bucket, d_count, d_sum, mem; say which is the load with --select`, text("m", b.String()))
	refused(t, importer.Config{Select: []string{"nothing"}}, `no line meets nothing`, text("m", b.String()))
	refused(t, importer.Config{Select: []string{"d_bucket{le}"}}, "is no selector", text("m", b.String()))
}

// TestOpenMetricsOutage has no samples for ten minutes.
func TestOpenMetricsOutage(t *testing.T) {
	for _, kind := range []string{"counter", "gauge"} {
		var b strings.Builder
		fmt.Fprintf(&b, "# TYPE x %s\n", kind)
		for i := range 200 {
			if i < 60 || i >= 100 {
				fmt.Fprintf(&b, "x 30 %d\n", epoch+15*i)
			}
		}
		res := mustImport(t, importer.Config{}, text("m", b.String()))
		missing := 0
		for _, v := range res.Values {
			if math.IsNaN(v) {
				missing++
			}
		}
		// 59 x 15 s is the last sample before; the gauge holds a quarter of a minute longer.
		if missing != 10 {
			t.Errorf("%s: %d minutes missing, want 10", kind, missing)
		}
	}
}

// readTextparse reads the file with Prometheus's own parser: the sum over all series of the
// increases of a counter, and the number of samples.
func readTextparse(t testing.TB, content string) (samples int, increase map[string]float64) {
	t.Helper()
	p, err := textparse.New([]byte(content), "application/openmetrics-text", labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		t.Fatal(err)
	}
	increase = make(map[string]float64)
	last := make(map[string]float64)
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return samples, increase
		}
		if err != nil {
			t.Fatal(err)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		samples++
		_, _, v := p.Series()
		var l labels.Labels
		p.Labels(&l)
		key := l.String()
		if before, ok := last[key]; ok {
			if gain := v - before; gain >= 0 {
				increase[l.Get("code")] += gain
			} else {
				increase[l.Get("code")] += v
			}
		}
		last[key] = v
	}
}

func TestOpenMetricsAgainstPrometheusParser(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var b strings.Builder
		b.WriteString("# HELP http_requests All of them, \\n by code.\n# TYPE http_requests counter\n")
		for s := range 1 + rng.IntN(8) {
			v, when := float64(rng.IntN(1000)), float64(epoch)
			for range 100 {
				when += 5 + float64(rng.IntN(40_000))/1000
				if v += float64(rng.IntN(50)); rng.IntN(30) == 0 {
					v = float64(rng.IntN(20))
				}
				fmt.Fprintf(&b, "http_requests_total{code=\"%d\",path=\"/a\\\\b\\\"c}{,\\n\",pod=\"%d\"} %g %.3f", 200+s%3, s, v, when)
				if rng.IntN(5) == 0 {
					b.WriteString(` # {id="a b"} 1 1.5`)
				}
				b.WriteByte('\n')
			}
		}
		b.WriteString("# EOF\n")
		samples, increase := readTextparse(t, b.String())
		for _, step := range []time.Duration{time.Second, 7 * time.Second} {
			res := mustImport(t, importer.Config{Step: step}, text("m", b.String()))
			if res.Report.Accepted != int64(samples) {
				t.Fatalf("%d samples, want %d: %v", res.Report.Accepted, samples, res.Report.Faults)
			}
			// Every increase is in some step; a step that is observed in part counts by its part,
			// which only happens at the ends, where series begin and end.
			for code, want := range increase {
				if got := sum(t, res, "code_"+code); math.Abs(got-want) > 0.05*want {
					t.Errorf("step %v: code %s rose by %g, want %g", step, code, got, want)
				}
			}
		}
	}
}

func TestOpenMetricsLines(t *testing.T) {
	const good = "a_total 1 1700000000\na_total 2 1700000060\na_total 3 1700000120\n"
	for _, tc := range []struct{ line, why string }{
		{`a_total{x="y"} 5 1700000060`, ""},
		{`a_total{x="y",} 5 1700000060`, ""},
		{`{"a_total",x="y"} 5 1700000060`, ""},
		{"a_total{ x = \"y\" , z = \"\\\\\" } 5 1700000060", ""},
		{`a_total{x="}"} 5 1700000060 # {t="a"} 1`, ""},
		{`b_total{x="y"} NaN 1700000060`, ""},
		{`a_total{x="y"} 5`, "no timestamp"},
		{`a_total{x="y"} 5 # {t="a"} 1`, "no timestamp"},
		{`a_total{x="y"`, "not closed"},
		{`a_total{x=y} 5 1700000060`, "not understood"},
		{`a_total{x="y"} five 1700000060`, "no number"},
		{`a_total{x="y"} -5 1700000060`, "negative"},
		{`a_total{x="y"}`, "no value"},
		{`a_total{x="y"} 5 then`, "time is not understood"},
		{`a_total{x="y"} 5 1700000060 7`, "more after"},
		{`a_total 2 1700000060`, "is there already"},
		{"é 5 1700000060", "no name"},
	} {
		res := mustImport(t, importer.Config{Format: "openmetrics", Column: "a_total"}, text("m", good+tc.line+"\n"))
		switch {
		case tc.why == "" && res.Report.Accepted != 4:
			t.Errorf("%s: %v", tc.line, res.Report.Faults)
		case tc.why != "" && (len(res.Report.Faults) != 1 || !strings.Contains(res.Report.Faults[0].Why, tc.why) || res.Report.Faults[0].Line != 4):
			t.Errorf("%s: %v, want %s", tc.line, res.Report.Faults, tc.why)
		}
	}
}

func FuzzOpenMetrics(f *testing.F) {
	f.Add([]byte(detectable()["openmetrics"]))
	f.Add([]byte("# TYPE d histogram\nd_bucket{le=\"+Inf\"} 3 1700000000000 # {a=\"b\"} 1 2\n{\"d_bucket\",le=\"0.5\"} 1e3 1700000060000\nx NaN 1.7e9\n"))
	f.Fuzz(func(t *testing.T, data []byte) { fuzz(t, "openmetrics", data) })
}

// FuzzOpenMetricsLine holds the reader of lines to Prometheus's own: what that accepts with
// a time is a sample here too.
func FuzzOpenMetricsLine(f *testing.F) {
	f.Add(`a_total{x="y\\\"}",z="\n"} 5e3 1700000060.5 # {t="a"} 1`)
	f.Add(`{"a.b",x="y"} 5 1700000060`)
	f.Add("a 1 0")
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\n\r\t") || len(line) > 1000 || strings.HasPrefix(line, "#") || line == "" {
			return
		}
		p, err := textparse.New([]byte(line+"\n# EOF\n"), "application/openmetrics-text", labels.NewSymbolTable(), textparse.ParserOptions{})
		if err != nil {
			return
		}
		entry, err := p.Next()
		if err != nil || entry != textparse.EntrySeries {
			return
		}
		_, stamp, v := p.Series()
		if stamp == nil || *stamp < 0 || *stamp > 4e12 || v < 0 || math.IsInf(v, 0) {
			return
		}
		// The parser lets the name be empty; what scrapes with it does not.
		var ls labels.Labels
		if p.Labels(&ls); ls.Get("__name__") == "" {
			return
		}
		if _, err := p.Next(); err != nil && !errors.Is(err, io.EOF) {
			return // An exemplar that is wrong.
		}
		res, err := importer.Import([]importer.Source{text("m", "zzz 1 0\n"+line+"\nzzz 1 300\nzzz 1 600\n")},
			importer.Config{Format: "openmetrics", Column: "zzz", MaxMalformed: 1})
		if err != nil {
			return
		}
		if res.Report.Malformed > 0 && !strings.Contains(res.Report.Faults[0].Why, "already") && !strings.Contains(res.Report.Faults[0].Why, "is no number") {
			t.Fatalf("%q: %v", line, res.Report.Faults)
		}
	})
}
