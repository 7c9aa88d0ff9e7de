package importer_test

import (
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hindcast.dev/datasets/importer"
)

// naive is an access log read the slow way, by a regular expression and the standard
// library's parser of times.
type naive struct {
	lines, malformed int
	minutes          map[int64]float64            // requests by unix minute
	codes            map[string]map[int64]float64 // by status code
	bytes            float64
	durations        []float64
}

var naiveLine = regexp.MustCompile(`^[^\[]*\[(\d\d/[A-Za-z]{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "(?:[^"\\]|\\.)*" ([1-5]\d\d)(?: (\d+|-))?( .*)?$`)

func readNaive(content string) naive {
	n := naive{minutes: make(map[int64]float64), codes: make(map[string]map[int64]float64)}
	for line := range strings.Lines(content) {
		n.lines++
		m := naiveLine.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil {
			n.malformed++
			continue
		}
		when, err := time.Parse("02/Jan/2006:15:04:05 -0700", m[1])
		if err != nil {
			n.malformed++
			continue
		}
		minute := when.Unix() / 60
		n.minutes[minute]++
		if n.codes[m[2]] == nil {
			n.codes[m[2]] = make(map[int64]float64)
		}
		n.codes[m[2]][minute]++
		if b, err := strconv.ParseFloat(m[3], 64); err == nil {
			n.bytes += b
		}
		if f := strings.Fields(m[4]); len(f) > 0 {
			if v, err := strconv.ParseFloat(f[len(f)-1], 64); err == nil {
				n.durations = append(n.durations, v)
			}
		}
	}
	return n
}

// check compares an import in steps of a minute with the slow reader.
func (n naive) check(t testing.TB, res *importer.Result) {
	t.Helper()
	if res.Report.Lines != int64(n.lines) || res.Report.Malformed != int64(n.malformed) {
		t.Errorf("%d lines, %d malformed; want %d and %d: %v", res.Report.Lines, res.Report.Malformed, n.lines, n.malformed, res.Report.Faults)
	}
	series := func(byMinute map[int64]float64) []float64 {
		all := make([]float64, len(res.Values))
		for minute, count := range byMinute {
			i := minute - res.Start.Unix()/60
			if i < 0 || i >= int64(len(all)) {
				t.Fatalf("minute %d is outside", minute)
			}
			all[i] = count / 60
		}
		return all
	}
	minutes := slices.Sorted(maps.Keys(n.minutes))
	if got, want := res.Start.Unix()/60, minutes[0]; got != want {
		t.Fatalf("start %d, want %d", got, want)
	}
	if got, want := int64(len(res.Values)), minutes[len(minutes)-1]-minutes[0]+1; got != want {
		t.Fatalf("%d values, want %d", got, want)
	}
	equal(t, "requests", res.Values, series(n.minutes))
	for code, counts := range n.codes {
		equal(t, code, column(t, res, "code_"+code), series(counts))
	}
	if got := sum(t, res, "bytes"); math.Abs(got-n.bytes) > 1e-6*(1+n.bytes) {
		t.Errorf("%g bytes, want %g", got, n.bytes)
	}
}

func TestAccessLogSamples(t *testing.T) {
	for _, name := range []string{"apache_combined.log", "apache_common_cut_from_combined.log"} {
		src := onDisk(t, "access_log/"+name)
		r, err := src.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		readNaive(string(b)).check(t, mustImport(t, importer.Config{}, src))
	}
}

// randomLog writes lines that are a few seconds out of order, with statuses, sizes and,
// if unit is not empty, response times at the end.
func randomLog(rng *rand.Rand, lines int, unit string) string {
	var b strings.Builder
	zones := []string{"+0000", "-0400", "+0530", "-0330", "+1400"}
	zone := zones[rng.IntN(len(zones))]
	offset, err := time.Parse("-0700", zone)
	if err != nil {
		panic(err)
	}
	now := time.Date(2026, 3, 28, 22, 0, 0, 0, offset.Location())
	for i := range lines {
		now = now.Add(time.Duration(rng.IntN(9000)) * time.Millisecond)
		when := now.Add(-time.Duration(rng.IntN(20)) * time.Second)
		size := strconv.Itoa(rng.IntN(100_000))
		if i%17 == 0 {
			size = "-"
		}
		fmt.Fprintf(&b, `10.0.0.%d - user%d [%s] "GET /a/%d?q=\\\"x\\\" HTTP/1.1" %d %s`, rng.IntN(256), i, when.Format("02/Jan/2006:15:04:05 -0700"),
			i, []int{200, 200, 200, 304, 404, 500, 503}[rng.IntN(7)], size)
		if rng.IntN(2) == 0 || unit != "" {
			b.WriteString(` "https://example.org/\"a\"" "agent [x] \\"`)
		}
		switch seconds := rng.ExpFloat64(); unit {
		case "s":
			fmt.Fprintf(&b, " %.3f", seconds)
		case "us":
			fmt.Fprintf(&b, " %d", int(seconds*1e6))
		}
		b.WriteString("\n")
		if i%97 == 50 {
			b.WriteString("garbage [not a time] \"x\" 200 1\n")
		}
	}
	return b.String()
}

func TestAccessLogAgainstSlowReader(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 20 {
		content := randomLog(rng, 500, []string{"", "s", "us"}[i%3])
		res := mustImport(t, importer.Config{Format: "access-log"}, text("log", content))
		readNaive(content).check(t, res)
		readsBack(t, res)
	}
}

func TestAccessLogResponseTimes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for unit, scale := range map[string]float64{"s": 1, "us": 1e-6} {
		content := randomLog(rng, 2000, unit)
		want := readNaive(content)
		res := mustImport(t, importer.Config{}, text("log", content))
		total := 0.0
		for _, d := range want.durations {
			total += d * scale
		}
		if got := sum(t, res, "duration_seconds"); math.Abs(got-total) > 1e-6*total {
			t.Errorf("%s: %g s in all, want %g", unit, got, total)
		}
		for _, le := range []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, math.Inf(1)} {
			n := 0.0
			for _, d := range want.durations {
				if d*scale <= le {
					n++
				}
			}
			name := fmt.Sprintf("le_%g", le)
			if math.IsInf(le, 1) {
				name = "le_inf"
			}
			if got := sum(t, res, name); math.Abs(got-n) > 1e-6*(1+n) {
				t.Errorf("%s: %s has %g, want %g", unit, name, got, n)
			}
		}
	}
}

// TestAccessLogWhereTimesAre has the forms in which servers write response times.
func TestAccessLogWhereTimesAre(t *testing.T) {
	for _, tc := range []struct {
		name, behind string // behind the size
		field, unit  string
		seconds      float64 // 0: none
	}{
		{"nginx", ` "-" "agent" 0.250`, "", "", 0.25},
		{"nginx with upstream", ` "-" "agent" 0.250 0.249`, "", "", 0.25},
		{"ingress", ` "-" "agent" 512 0.250 [default-web-80] [] 10.0.0.1:8080 77 0.249 200 abc`, "", "", 0.25},
		{"key", ` "-" "agent" uct="0.001" rt=0.250 urt=0.2`, "", "", 0.25},
		{"apache %D", ` "-" "agent" 250000`, "", "", 0.25},
		{"apache %D in common", ` 250000`, "", "", 0.25},
		{"apache %T", ` "-" "agent" 2`, "3", "s", 2},
		{"traefik", ` "-" "-" 42 "web@docker" "http://10.0.0.1" 250ms`, "", "", 0.25},
		{"milliseconds", ` "-" "agent" 250`, "3", "ms", 0.25},
		{"own key", ` "-" "agent" took=250`, "took", "ms", 0.25},
		{"switched off", ` "-" "agent" 250000`, "none", "", 0},
		{"none", ` "-" "agent" "10.1.2.3"`, "", "", 0},
		{"a dash", ` "-" "agent" -`, "", "", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b strings.Builder
			for i := range 4 {
				fmt.Fprintf(&b, "1.2.3.4 - - [17/May/2015:10:0%d:03 +0000] \"GET / HTTP/1.1\" 200 99%s\n", i, tc.behind)
			}
			res := mustImport(t, importer.Config{Duration: tc.field, DurationUnit: tc.unit}, text("log", b.String()))
			if tc.seconds == 0 {
				for _, c := range res.Columns {
					if strings.HasPrefix(c.Name, "le_") || c.Name == "duration_seconds" {
						t.Errorf("column %s", c.Name)
					}
				}
				return
			}
			if got := sum(t, res, "duration_seconds"); math.Abs(got-4*tc.seconds) > 1e-9 {
				t.Errorf("%g s, want %g", got, 4*tc.seconds)
			}
		})
	}
}

func TestAccessLogLines(t *testing.T) {
	const good = `1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 12`
	for _, tc := range []struct{ name, line, why string }{
		{"common", good, ""},
		{"no size", `h - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200`, ""},
		{"blank in user", `h - a b [c] [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1`, ""},
		{"quotes within", `h - - [17/May/2015:10:05:03 +0000] "GET /"a" HTTP/1.0" 404 -`, ""},
		{"a request that looks like the end", `h - - [17/May/2015:10:05:03 +0000] "GET /\" 500 1" 200 1`, ""},
		{"without protocol", `h - - [17/May/2015:10:05:03 +0000] "-" 408 -`, ""},
		{"latin 1", "h - - [17/May/2015:10:05:03 +0000] \"GET /\xe9 HTTP/1.0\" 200 1", ""},
		{"virtual host", `www:443 1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 12`, ""},
		{"leap second", `h - - [30/Jun/2015:23:59:60 +0000] "GET / HTTP/1.1" 200 12`, ""},
		{"cut off", `h - - [17/May/2015:10:05:03 +0000] "GET /ind`, "no request in quotes"},
		{"no status", `h - - [17/May/2015:10:05:03 +0000] "GET /" x 12`, "no status"},
		{"status", `h - - [17/May/2015:10:05:03 +0000] "GET /" 999 12`, "between 100 and 599"},
		{"no time", `h - - "GET /" 200 12`, "no time in brackets"},
		{"month", `h - - [17/Mai/2015:10:05:03 +0000] "GET /" 200 12`, "time is not understood"},
		{"day", `h - - [31/Jun/2015:10:05:03 +0000] "GET /" 200 12`, "time is not understood"},
		{"hour", `h - - [17/May/2015:24:05:03 +0000] "GET /" 200 12`, "time is not understood"},
		{"year", `h - - [17/May/1960:10:05:03 +0000] "GET /" 200 12`, "outside 1970"},
		{"long ago", `h - - [10/May/2015:10:05:03 +0000] "GET /" 200 12`, "too far before"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			content := good + "\n" + strings.Replace(good, "10:05", "10:06", 1) + "\n" + tc.line + "\n"
			res := mustImport(t, importer.Config{Format: "access-log"}, text("a.log", content))
			if tc.why == "" {
				if res.Report.Accepted != 3 {
					t.Errorf("malformed: %v", res.Report.Faults)
				}
				return
			}
			if len(res.Report.Faults) != 1 || res.Report.Faults[0].Line != 3 || !strings.Contains(res.Report.Faults[0].Why, tc.why) {
				t.Errorf("faults %v, want line 3: %s", res.Report.Faults, tc.why)
			}
		})
	}
}

// TestAccessLogRotation cuts a log up as rotation does and names the parts in any order.
func TestAccessLogRotation(t *testing.T) {
	content := randomLog(rand.New(rand.NewPCG(5, 6)), 3000, "s")
	lines := slices.Collect(strings.Lines(content))
	join := func(from, to int) string { return strings.Join(lines[from:to], "") }
	whole := mustImport(t, importer.Config{}, text("access.log", content))
	parts := mustImport(t, importer.Config{},
		text("access.log", join(2000, len(lines))), text("access.log.1", join(900, 2000)), text("access.log.2.gz", zipped(t, join(0, 900))))
	if got := fmt.Sprint(parts.Report.Files); got != "[access.log.2.gz access.log.1 access.log]" {
		t.Errorf("read in the order %s", got)
	}
	equal(t, "requests", parts.Values, whole.Values)
	for _, c := range whole.Columns {
		equal(t, c.Name, column(t, parts, c.Name), c.Values)
	}
	refused(t, importer.Config{}, "access.log: the file is named twice", text("access.log", content), text("access.log", content))
}

// TestAccessLogClockChange has a server whose zone changes from +0100 to +0200.
func TestAccessLogClockChange(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, start := range []string{"2026-03-28T23:30:00Z", "2026-10-24T23:30:00Z"} {
		var b strings.Builder
		for i := range 240 {
			when := at(start).Add(time.Duration(i) * time.Minute).In(berlin)
			fmt.Fprintf(&b, "h - - [%s] \"GET / HTTP/1.1\" 200 1\n", when.Format("02/Jan/2006:15:04:05 -0700"))
		}
		res := mustImport(t, importer.Config{}, text("log", b.String()))
		if !res.Start.Equal(at(start)) || len(res.Values) != 240 {
			t.Fatalf("%d values from %v", len(res.Values), res.Start)
		}
		for i, v := range res.Values {
			if v != 1.0/60 {
				t.Fatalf("minute %d has %g requests", i, v*60)
			}
		}
	}
}

func TestAccessLogSelect(t *testing.T) {
	var log strings.Builder
	for i, r := range []string{`"GET /api/a HTTP/1.1" 200`, `"GET /health HTTP/1.1" 200`, `"POST /api/b HTTP/1.1" 503`, `"GET /api HTTP/1.1" 404`} {
		fmt.Fprintf(&log, "10.0.0.%d - - [17/May/2015:10:0%d:03 +0000] %s 1\n", i, i, r)
	}
	content := log.String()
	for _, tc := range []struct {
		conditions []string
		want       float64
	}{
		{[]string{"path!=/health"}, 3}, {[]string{"path=~/api/.*"}, 2}, {[]string{"status=~[45].."}, 2}, {[]string{"status=~[45].."}, 2},
		{[]string{"method=GET", "path!~/health|/api"}, 1}, {[]string{"host=10.0.0.2"}, 1},
	} {
		res, err := importer.Import([]importer.Source{text("log", content)}, importer.Config{Select: tc.conditions, Step: time.Second})
		if tc.want == 1 {
			// One event is one step, which is no load.
			if err == nil || !strings.Contains(err.Error(), "within one step") {
				t.Errorf("%v: %v", tc.conditions, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := sum(t, res, ""); math.Abs(got-tc.want) > 1e-9 {
			t.Errorf("%v: %g requests, want %g", tc.conditions, got, tc.want)
		}
	}
	refused(t, importer.Config{Select: []string{"paht=/"}}, `no field "paht"; did you mean "path"?`, text("log", content))
	refused(t, importer.Config{Select: []string{"path"}}, "is no condition", text("log", content))
	refused(t, importer.Config{Select: []string{"path=~("}}, "error parsing regexp", text("log", content))
	refused(t, importer.Config{Select: []string{"path=/nowhere"}}, "no line meets path=/nowhere", text("log", content))
}

func TestMalformedLinesAreCountedAndBounded(t *testing.T) {
	content := randomLog(rand.New(rand.NewPCG(7, 8)), 200, "")
	content = strings.Repeat("junk\n", 20) + content
	res := mustImport(t, importer.Config{Format: "access-log"}, text("log", content))
	if r := res.Report; r.Malformed != 22 || len(r.Faults) != 5 || r.Faults[4].Line != 5 {
		t.Errorf("%d malformed, shown %v", r.Malformed, r.Faults)
	}
	refused(t, importer.Config{Format: "access-log", MaxMalformed: 0.05}, `log:1: 22 of 222 lines are malformed, such as this: there is no time in brackets`, text("log", content))
	// Ten malformed lines are few, but not where the share was said.
	short := func(good, bad int) importer.Source {
		return text("log", randomLog(rand.New(rand.NewPCG(7, 8)), good, "")+strings.Repeat("junk\n", bad))
	}
	if r := mustImport(t, importer.Config{Format: "access-log"}, short(30, 10)).Report; r.Malformed != 10 || r.Accepted != 30 {
		t.Errorf("%+v", r)
	}
	refused(t, importer.Config{Format: "access-log"}, "11 of 41 lines are malformed", short(30, 11))
	refused(t, importer.Config{Format: "access-log", MaxMalformed: 0.2}, "10 of 40 lines are malformed", short(30, 10))
	refused(t, importer.Config{Format: "access-log", MaxMalformed: math.SmallestNonzeroFloat64}, "1 of 31 lines are malformed", short(30, 1))
	refused(t, importer.Config{Format: "access-log"}, "no line is understood as access-log", text("log", "a\nb\n"))
	refused(t, importer.Config{}, "log: the format is not recognised; say which with --format", text("log", "a\nb\n"))
	refused(t, importer.Config{}, "log: the file is empty", text("log", ""))
	refused(t, importer.Config{Format: "acess-log"}, `did you mean "access-log"?`, text("log", content))
	refused(t, importer.Config{Column: "code_201"}, `no column "code_201"`, text("log", content))
	long := content + strings.Repeat("x", 1<<20) + "\n" + content
	res = mustImport(t, importer.Config{Format: "access-log", MaxMalformed: 1, MaxDisorder: 1e6 * time.Hour}, text("log", long))
	if res.Report.Malformed != 45 || res.Report.Accepted != 400 {
		t.Errorf("a line of a megabyte: %d accepted, %d malformed", res.Report.Accepted, res.Report.Malformed)
	}
}

func TestAccessLogGaps(t *testing.T) {
	line := func(when string) string {
		return fmt.Sprintf("h - - [%s +0000] \"GET / HTTP/1.1\" 200 1\n", when)
	}
	content := line("17/May/2015:10:00:30") + line("17/May/2015:10:02:30") + line("17/May/2015:12:00:30")
	res := mustImport(t, importer.Config{}, text("log", content))
	if got := res.Values[1]; got != 0 {
		t.Errorf("a minute without requests has %g", got)
	}
	if !slices.ContainsFunc(res.Report.Notes, func(n string) bool {
		return strings.Contains(n, "nothing happened from 2015-05-17T10:02:30Z to 2015-05-17T12:00:30Z")
	}) {
		t.Errorf("the silence is not told: %q", res.Report.Notes)
	}
	res = mustImport(t, importer.Config{GapAfter: time.Hour}, text("log", content))
	if len(res.Values) != 121 || res.Values[1] != 0 || !math.IsNaN(res.Values[3]) || !math.IsNaN(res.Values[119]) || math.IsNaN(res.Values[120]) {
		t.Errorf("%d values: %v", len(res.Values), res.Values)
	}
	if v := column(t, res, "code_200"); !math.IsNaN(v[60]) {
		t.Errorf("the gap is %g in a column", v[60])
	}
}

func FuzzAccessLog(f *testing.F) {
	f.Add([]byte(detectable()["access-log"]))
	f.Add([]byte(randomLog(rand.New(rand.NewPCG(9, 10)), 5, "us")))
	f.Add([]byte("h - - [17/May/2015:10:05:03 -0330] \"GET /\"a\" HTTP/1.0\" 404 - rt=1e3ms\n\nh - - [17/May/2015:10:08:03 -0330] \"\\\" 200 \" 500\n"))
	f.Fuzz(func(t *testing.T, data []byte) { fuzz(t, "access-log", data) })
}
