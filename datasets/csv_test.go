package datasets_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hindcast.dev/datasets"
)

var nan = math.NaN()

// same compares series; NaN equals NaN.
func same(t *testing.T, got, want datasets.Series) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("series differs (-want +got):\n%s", diff)
	}
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func TestReadCSV(t *testing.T) {
	monday := at("2026-01-05T00:00:00Z")
	minute := func(values ...float64) datasets.Series {
		return datasets.Series{Name: "x", Unit: datasets.RPS, Start: monday, Step: time.Minute, Values: values}
	}
	relative := func(start int64, values ...float64) datasets.Series {
		return datasets.Series{Name: "x", Unit: datasets.RPS, Start: time.Unix(start, 0).UTC(),
			Step: time.Minute, Values: values, Relative: true}
	}
	tests := []struct {
		name, text string
		want       datasets.Series
	}{
		{"RFC 3339", "timestamp,value\n2026-01-05T00:00:00Z,1\n2026-01-05T00:01:00Z,2.5\n", minute(1, 2.5)},
		{"no header", "2026-01-05T00:00:00Z,1\n2026-01-05T00:01:00Z,2\n", minute(1, 2)},
		{"no newline at the end", "2026-01-05T00:00:00Z,1\n2026-01-05T00:01:00Z,2", minute(1, 2)},
		{"offset", "2026-01-05T01:00:00+01:00,1\n2026-01-05T01:01:00+01:00,2\n", minute(1, 2)},
		{"two offsets", "2026-01-05T01:00:00+01:00,1\n2026-01-05T00:01:00Z,2\n", minute(1, 2)},
		{"blank for T and an offset", "2026-01-05 00:00:00+00:00,1\n2026-01-05 00:01:00+00:00,2\n", minute(1, 2)},
		{"no zone is UTC", "2026-01-05 00:00:00,1\n2026-01-05 00:01:00,2\n", minute(1, 2)},
		{"no seconds", "2026-01-05 00:00,1\n2026-01-05 00:01,2\n", minute(1, 2)},
		{"unix seconds", "1767571200,1\n1767571260,2\n", minute(1, 2)},
		{"unix seconds with a point", "1767571200.0,1\n1767571260.0,2\n", minute(1, 2)},
		{"unix milliseconds", "1767571200000,1\n1767571260000,2\n", minute(1, 2)},
		{"seconds from 0", "0,1\n60,2\n", relative(0, 1, 2)},
		{"seconds from day 3", "172800,1\n172860,2\n", relative(172800, 1, 2)},
		{"exponent and zero", "0,1e3\n60,0\n", relative(0, 1000, 0)},
		{"byte order mark", "\xef\xbb\xbftimestamp,value\n0,1\n60,2\n", relative(0, 1, 2)},
		{"CRLF", "timestamp,value\r\n0,1\r\n60,2\r\n", relative(0, 1, 2)},
		{"semicolon", "timestamp;value\n0;1.5\n60;2\n", relative(0, 1.5, 2)},
		{"semicolon and decimal comma", "0;1,5\n60;2,25\n", relative(0, 1.5, 2.25)},
		{"semicolon and tab", "timestamp;\tvalue\n0;\t1\n60;\t2\n", relative(0, 1, 2)},
		{"quoted", "\"timestamp\",\"value\"\n\"0\",\"1\"\n\"60\",\"2\"\n", relative(0, 1, 2)},
		{"quoted decimal comma stays one field", "\"a;b\",value\n0,1\n60,2\n", relative(0, 1, 2)},
		{"blank lines and comments", "# made by hand\n\ntimestamp,value\n0,1\n\n  \n# pause\n60,2\n", relative(0, 1, 2)},
		{"names swapped", "load,time\n1,0\n2,60\n", relative(0, 1, 2)},
		{"unknown names in order", "zeit,last\n0,1\n60,2\n", relative(0, 1, 2)},
		{"header without a name for the time", ",value\n0,1\n60,2\n", relative(0, 1, 2)},
		{"columns by name", "host,Timestamp,Value,note\na,0,1,\nb,60,2,x\n", relative(0, 1, 2)},
		{"empty value is a gap", "0,1\n60,\n120,3\n", relative(0, 1, nan, 3)},
		{"gaps at the ends", "0,\n60,2\n120,\n", relative(0, nan, 2, nan)},
		{"missing rows are a gap", "0,1\n60,2\n240,5\n", relative(0, 1, 2, nan, nan, 5)},
		{"smallest step when most rows are missing", "0,1\n120,3\n240,5\n300,6\n", relative(0, 1, nan, 3, nan, 5, 6)},
		{"a tenth of a step is tolerated", "0,1\n66,2\n114,3\n180,4\n240,5\n300,6\n", relative(0, 1, 2, 3, 4, 5, 6)},
		{"two rows", "0,1\n60,2\n", relative(0, 1, 2)},
		{"sub-second step", "1767571200.25,1\n1767571200.5,2\n", datasets.Series{Name: "x", Unit: datasets.RPS,
			Start: at("2026-01-05T00:00:00.25Z"), Step: 250 * time.Millisecond, Values: []float64{1, 2}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := datasets.ReadCSV(strings.NewReader(tt.text), "x")
			if err != nil {
				t.Fatal(err)
			}
			same(t, got, tt.want)
			zipped, err := datasets.ReadCSV(bytes.NewReader(compress(t, tt.text)), "x")
			if err != nil {
				t.Fatal("gzip:", err)
			}
			same(t, zipped, tt.want)
			slow, err := datasets.ReadCSV(iotest.OneByteReader(strings.NewReader(tt.text)), "x")
			if err != nil {
				t.Fatal("byte by byte:", err)
			}
			same(t, slow, tt.want)
		})
	}
}

func compress(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadCSVTwoHourGapStaysAGap(t *testing.T) {
	var text strings.Builder
	start := at("2026-01-05T00:00:00Z")
	for i := range 24 * 60 {
		if i < 600 || i >= 720 {
			fmt.Fprintf(&text, "%s,%d\n", start.Add(time.Duration(i)*time.Minute).Format(time.RFC3339), i)
		}
	}
	s, err := datasets.ReadCSV(strings.NewReader(text.String()), "gap")
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Values) != 24*60 {
		t.Fatalf("%d points, want a day of minutes", len(s.Values))
	}
	for i, v := range s.Values {
		if missing := i >= 600 && i < 720; missing != math.IsNaN(v) || !missing && v != float64(i) {
			t.Fatalf("minute %d is %g", i, v)
		}
	}
	if got := datasets.Stats(s).LongestGap; got != 2*time.Hour {
		t.Errorf("longest gap %s, want 2h", got)
	}
}

func TestReadCSVErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty file", "", "f.csv: the file is empty; write a time and a value per row"},
		{"blank lines only", "\n \n", "f.csv: the file is empty; write a time and a value per row"},
		{"header only", "timestamp,value\n", "f.csv: a header and no rows; write a time and a value per row"},
		{"one column", "1\n2\n", "f.csv:1: one column; each row needs a time and a value, separated by comma or semicolon"},
		{"tabs", "timestamp\tvalue\n0\t1\n", "f.csv:1: one column; each row needs a time and a value, separated by comma or semicolon"},
		{"three columns without a header", "0,1,2\n", "f.csv:1: 3 columns and no header; keep two columns, or add a header that names timestamp and value"},
		{"header names no load", "timestamp,a,b\n0,1,2\n",
			"f.csv:1: 3 columns, of which the header calls 1 a time and 0 a load; name one column timestamp and one value, or keep only those two"},
		{"header names two loads", "timestamp,load,value\n0,1,2\n",
			"f.csv:1: 3 columns, of which the header calls 1 a time and 2 a load; name one column timestamp and one value, or keep only those two"},
		{"a column more", "0,1\n60,2,3\n", "f.csv:2: columns: 3, but 2 in the first row; give every row the same columns"},
		{"a column less", "0,1\n60\n", "f.csv:2: columns: 1, but 2 in the first row; give every row the same columns"},
		{"NaN", "0,1\n60,NaN\n", `f.csv:2: value "NaN" is not finite; for a gap leave the value empty or leave out the row`},
		{"NaN in the first row", "0,NaN\n60,1\n", `f.csv:1: value "NaN" is not finite; for a gap leave the value empty or leave out the row`},
		{"infinity", "0,1\n60,+Inf\n", `f.csv:2: value "+Inf" is not finite; for a gap leave the value empty or leave out the row`},
		{"too large", "0,1\n60,1e999\n", `f.csv:2: value "1e999" is not finite; for a gap leave the value empty or leave out the row`},
		{"too much", "0,1e300\n60,1.1e300\n", `f.csv:2: load "1.1e300" is above 1e+300; for a gap leave the value empty or leave out the row`},
		{"negative load", "0,1\n60,-2\n", `f.csv:2: load "-2" is negative; for a gap leave the value empty or leave out the row`},
		{"word for a number", "0,1\n60,null\n", `f.csv:2: value "null" is not a number; for a gap leave the value empty or leave out the row`},
		{"thousands", "0;1.000,5\n60;2\n", `f.csv:1: value "1.000,5" is not a number; for a gap leave the value empty or leave out the row`},
		{"bad time", "0,1\nnoon,2\n", `f.csv:2: time "noon" is not understood; write RFC 3339 (2026-01-05T08:00:00Z), unix seconds or unix milliseconds`},
		{"bad time in the first row is no header", "2026-13-05T00:00:00Z,1\n", `f.csv:1: time "2026-13-05T00:00:00Z" is not understood; write RFC 3339 (2026-01-05T08:00:00Z), unix seconds or unix milliseconds`},
		{"bad time and empty value is no header", "2026-13-05,\n", `f.csv:1: time "2026-13-05" is not understood; write RFC 3339 (2026-01-05T08:00:00Z), unix seconds or unix milliseconds`},
		{"microseconds", "1767571200000000,1\n", `f.csv:1: time "1767571200000000" is outside 1970 to 2200; numbers are unix seconds, or milliseconds from 1e11`},
		{"negative time", "-60,1\n0,2\n", `f.csv:1: time "-60" is outside 1970 to 2200; numbers are unix seconds, or milliseconds from 1e11`},
		{"year 0", "0001-01-01T00:00:00Z,1\n", `f.csv:1: time "0001-01-01T00:00:00Z" is outside 1970 to 2200; numbers are unix seconds, or milliseconds from 1e11`},
		{"duplicate", "timestamp,value\n0,1\n60,2\n60,3\n", "f.csv:4: time 60 repeats line 3; keep one row per time"},
		{"unordered", "2026-01-05T00:02:00Z,1\n\n2026-01-05T00:01:00Z,2\n",
			"f.csv:3: time 2026-01-05T00:01:00Z is before 2026-01-05T00:02:00Z on line 1; sort the rows by time"},
		{"unordered milliseconds", "1767571260000,1\n1767571200000,2\n",
			"f.csv:2: time 1767571200000 is before 1767571260000 on line 1; sort the rows by time"},
		{"clocks go back", "2025-10-26 02:30,1\n2025-10-26 02:45,2\n2025-10-26 02:00,3\n",
			"f.csv:3: time 2025-10-26T02:00:00Z is before 2025-10-26T02:45:00Z on line 2; sort the rows by time; " +
				"local time steps back when the clocks change, write UTC or an offset"},
		{"single row", "timestamp,value\n0,1\n", "f.csv:2: a single row, so the step is unknown; add at least a second row"},
		{"nothing but gaps", "0,\n60,\n", "f.csv:1: every value is empty; record at least one value"},
		{"two formats", "0,1\n2026-01-05T00:00:00Z,2\n",
			`f.csv:2: time "2026-01-05T00:00:00Z" is RFC 3339 where the rows before have unix seconds; write all times in one format`},
		{"zone comes and goes", "2026-01-05T00:00:00Z,1\n2026-01-05T00:01:00,2\n",
			`f.csv:2: time "2026-01-05T00:01:00" is a date without a zone where the rows before have RFC 3339; write all times in one format`},
		{"seconds, then milliseconds", "1767571200,1\n1767571260000,2\n",
			`f.csv:2: time "1767571260000" is unix milliseconds where the rows before have unix seconds; write all times in one format`},
		{"off the grid", "0,1\n60,2\n120,3\n180,4\n270,5\n360,6\n",
			"f.csv:5: time 270 is 30s off the grid of 1m that starts at 0; record with a constant step, or round the times to one"},
		{"just over a tenth of a step", "0,1\n60,2\n120,3\n187,4\n240,5\n300,6\n",
			"f.csv:4: time 187 is 7s off the grid of 1m that starts at 0; record with a constant step, or round the times to one"},
		{"two rows on one grid point", "0,1\n60,2\n120,3\n123,4\n180,5\n240,6\n",
			"f.csv:4: time 123 is 3s off the grid of 1m that starts at 0; record with a constant step, or round the times to one"},
		{"gap too long", "0,1\n1,2\n2,3\n100000000,4\n101000000,4\n",
			"f.csv:4: with the gap of 1157d9h46m38s before this row the file spans 101000001 steps of 1s, and 50000000 is the most; correct the time, or split the file"},
		{"stray quote", "0,1\n60,2\"3\n", `f.csv:2: bare " in non-quoted-field; quote a whole field, and double a quote inside it`},
		{"UTF-16", "\xff\xfet\x00", "f.csv:1: the text is UTF-16; save it as UTF-8"},
		{"long field is cut", "0,1\n60," + strings.Repeat("x", 1000) + "\n",
			`f.csv:2: value "` + strings.Repeat("x", 40) + `..." is not a number; for a gap leave the value empty or leave out the row`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := datasets.ReadCSV(strings.NewReader(tt.text), "f.csv")
			if err == nil {
				t.Fatalf("no error, but %+v", s)
			}
			if err.Error() != tt.want {
				t.Errorf("got  %s\nwant %s", err, tt.want)
			}
			var parse *datasets.ParseError
			if !errors.As(err, &parse) || parse.File != "f.csv" || parse.Msg == "" || parse.Hint == "" {
				t.Errorf("%#v is not a complete ParseError", err)
			}
		})
	}
}

func TestReadCSVDamagedInput(t *testing.T) {
	var text strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&text, "%d,%d\n", i*60, i*i%1009)
	}
	whole := compress(t, text.String())
	cut := whole[:len(whole)-1000]
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-6] ^= 1 // in the checksum
	broken := errors.New("disk on fire")
	tests := []struct {
		name string
		r    io.Reader
		want error // nil for any
	}{
		{"gzip cut short", bytes.NewReader(cut), io.ErrUnexpectedEOF},
		{"gzip checksum", bytes.NewReader(flipped), gzip.ErrChecksum},
		{"gzip header only", bytes.NewReader(whole[:5]), nil},
		{"read error at once", iotest.ErrReader(broken), broken},
		{"read error later", io.MultiReader(strings.NewReader(text.String()), iotest.ErrReader(broken)), broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := datasets.ReadCSV(tt.r, "f")
			if _, ok := errors.AsType[*datasets.ParseError](err); !ok {
				t.Fatalf("got %v, want a ParseError", err)
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("%v does not wrap %v", err, tt.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	write := func(path string, data []byte) string {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const text = "0,1\n60,2\n"
	for path, name := range map[string]string{
		"shop.csv":               "shop",
		"with.dots.csv":          "with.dots",
		"no-extension":           "no-extension",
		"zipped.csv.gz":          "zipped",
		"folder/load.csv":        "folder",
		"folder/zip/LOAD.csv.gz": "zip",
		"folder/other.csv":       "other",
	} {
		data := []byte(text)
		if strings.HasSuffix(path, ".gz") {
			data = compress(t, text)
		}
		s, err := datasets.Open(write(path, data))
		if err != nil {
			t.Error(err)
			continue
		}
		same(t, s, datasets.Series{Name: name, Unit: datasets.RPS, Start: time.Unix(0, 0).UTC(),
			Step: time.Minute, Values: []float64{1, 2}, Relative: true})
	}

	missing := filepath.Join(dir, "none.csv")
	_, err := datasets.Open(missing)
	if want := missing + ": no such file; check the path, or name a scenario"; err == nil || err.Error() != want {
		t.Errorf("missing file: %v, want %s", err, want)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v does not wrap fs.ErrNotExist", err)
	}
	_, err = datasets.Open(dir)
	if want := dir + ": is a folder; name a CSV file in it"; err == nil || err.Error() != want {
		t.Errorf("folder: %v, want %s", err, want)
	}
	odd := write("odd\nname.csv", []byte("0,1\n"))
	if _, err := datasets.Open(odd); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("a name with a newline gives %q, want one line", err)
	}
}

// TestRecordedTraces reads every trace of the shared data and checks it against
// the counts in its PROVENANCE.md.
func TestRecordedTraces(t *testing.T) {
	const traces = "../../shared/data/traces"
	if _, err := os.Stat(traces); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("recorded traces are missing: %v", err)
		}
		t.Skipf("recorded traces are missing: %v", err)
	}
	tests := []struct {
		name            string
		step            time.Duration
		points, missing int
		min, mean, max  float64
		relative        bool
	}{
		{"alibaba2018_cluster_cpu", 10 * time.Second, 51839, 0, 17.749, 38.757, 79.849, true},
		{"azure_functions_2019_day", time.Minute, 1440, 0, 142.72, 211.57, 445.75, true},
		{"azure_llm_2023_conv", 10 * time.Second, 349, 0, 1.4, 5.5467, 10.1, false},
		{"bitbrains_vm871", 5 * time.Minute, 8640, 9, nan, nan, nan, false},
		{"bitbrains_vm997", 5 * time.Minute, 8640, 0, nan, nan, nan, false},
		{"nab_asg_cpu", 5 * time.Minute, 18050, 0, 11.529, 38.283, 100, false},
		{"nab_nyc_taxi", 30 * time.Minute, 10320, 0, 8, 15138, 39197, false},
		{"nab_rds_cpu_e47b3b", 5 * time.Minute, 4032, 0, 12.628, 18.935, 76.23, false},
		{"nab_twitter_amzn", 5 * time.Minute, 15831, 0, 0, 53.298, 1673, false},
		{"worldcup98", time.Minute, 125310, 10, 0.016667, 179.94, 3823.8, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := datasets.Open(filepath.Join(traces, tt.name, "load.csv"))
			if err != nil {
				t.Fatal(err)
			}
			got := datasets.Stats(s)
			if s.Name != tt.name || s.Step != tt.step || s.Relative != tt.relative ||
				got.Points != tt.points || got.Missing != tt.missing {
				t.Errorf("%s: step %s, relative %v, %d points, %d missing", s.Name, s.Step, s.Relative, got.Points, got.Missing)
			}
			for _, pair := range [][2]float64{{got.Min, tt.min}, {got.Mean, tt.mean}, {got.Max, tt.max}} {
				// PROVENANCE.md prints five digits.
				if math.Abs(pair[0]-pair[1]) > 5e-5*pair[1] {
					t.Errorf("statistic %g, want %g", pair[0], pair[1])
				}
			}
			roundTrip(t, s)
		})
	}
	functions, err := filepath.Glob(filepath.Join(traces, "azure_functions_2019_day", "functions", "*.csv"))
	if err != nil || len(functions) < 2 {
		t.Fatalf("functions: %v, %v", functions, err)
	}
	for _, path := range functions {
		s, err := datasets.Open(path)
		if filepath.Base(path) == "INDEX.csv" { // a table, not a load
			if err == nil {
				t.Error("INDEX.csv was read as load")
			}
			continue
		}
		if err != nil || len(s.Values) != 1440 || datasets.Stats(s).Missing != 0 {
			t.Errorf("%s: %d points, error %v", path, len(s.Values), err)
		}
	}
}

// TestWorldCupTotal checks against the published count of requests,
// 1,352,804,107 (Arlitt and Jin, 1999): the file has rates a minute with six
// digits, so each minute's count is known once rounded.
func TestWorldCupTotal(t *testing.T) {
	s, err := datasets.Open("../../shared/data/traces/worldcup98/load.csv")
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") != "true" {
		t.Skip("the recorded trace is missing")
	}
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for _, v := range s.Values {
		if !math.IsNaN(v) {
			total += math.Round(v * 60)
		}
	}
	if total != 1_352_804_107 {
		t.Errorf("%.0f requests, want 1352804107", total)
	}
}
