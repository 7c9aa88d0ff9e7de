package datasets_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/datasets"
)

func readM4(r *datasets.M4Reader) ([]datasets.M4Series, error) {
	var all []datasets.M4Series
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
}

func TestM4Reader(t *testing.T) {
	one := []datasets.M4Series{{ID: "H1", Values: []float64{1, 2.5}, Line: 1}}
	for name, tc := range map[string]struct {
		text string
		want []datasets.M4Series
	}{
		"header, quotes and ragged rows": {
			"\"V1\",\"V2\",\"V3\",\"V4\"\n\"H1\",\"605\",\"586\",\"\"\n\"H2\",\"-3e2\",\"\",\"\"\n\"H3\",1,2,3\n",
			[]datasets.M4Series{
				{ID: "H1", Values: []float64{605, 586}, Line: 2},
				{ID: "H2", Values: []float64{-300}, Line: 3},
				{ID: "H3", Values: []float64{1, 2, 3}, Line: 4},
			},
		},
		"no header":              {"H1,1,2.5\n", one},
		"rows of any length":     {"H1,1\nH2,1,2\n", []datasets.M4Series{{ID: "H1", Values: []float64{1}, Line: 1}, {ID: "H2", Values: []float64{1, 2}, Line: 2}}},
		"byte order mark":        {"\xef\xbb\xbfH1,1,2.5\r\n", one},
		"semicolons":             {"H1;1;2,5\n", one},
		"blank lines":            {"H1,1,2.5\n\n,,\n", one},
		"an id that is a number": {"7,1\n", []datasets.M4Series{{ID: "7", Values: []float64{1}, Line: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, packed := range []bool{false, true} {
				var b bytes.Buffer
				if packed {
					w := gzip.NewWriter(&b)
					if _, err := io.WriteString(w, tc.text); err != nil {
						t.Fatal(err)
					}
					if err := w.Close(); err != nil {
						t.Fatal(err)
					}
				} else {
					b.WriteString(tc.text)
				}
				r, err := datasets.NewM4Reader(&b, "m4.csv")
				if err != nil {
					t.Fatal(err)
				}
				got, err := readM4(r)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("gzip %v (-want +got):\n%s", packed, diff)
				}
			}
		})
	}
}

func TestM4ReaderFaults(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "m4.csv: no series in this file; write an id and values per row",
		"id,F1,F2\n":            "m4.csv: no series in this file; write an id and values per row",
		"id,F1\nH1,1\nH2\n":     `m4.csv:3: series "H2" has no value; write its values behind the id, separated by commas`,
		"id,F1\nH1,,\n":         `m4.csv:2: series "H1" has no value; write its values behind the id, separated by commas`,
		"H1,1\n,2\n":            "m4.csv:2: a row without an id; begin each row with the id of the series",
		"H1,1,,3\n":             `m4.csv:1: value 2 of series "H1" is missing; series have no gaps here; fill it or leave the series out`,
		"H1,many,3\n":           `m4.csv:1: value "many" of series "H1" is not a number; write an id and then numbers per row`,
		"H1,1\nH2,NaN\n":        `m4.csv:2: value "NaN" of series "H2" is not finite; series have no gaps here; leave the series out`,
		"H1,1\nH2,-1e307\n":     `m4.csv:2: value "-1e307" of series "H2" is beyond 1e+300; write the series in a larger unit`,
		"H1,1\nH2,1e999\n":      `m4.csv:2: value "1e999" of series "H2" is not finite; series have no gaps here; leave the series out`,
		"H1,1\n\"H2,1\n":        `m4.csv:2: extraneous or missing " in quoted-field; quote a whole field, and double a quote inside it`,
		"\xff\xfeH\x001\x00,\n": "m4.csv:1: the text is UTF-16; save it as UTF-8",
	} {
		var all []datasets.M4Series
		r, err := datasets.NewM4Reader(strings.NewReader(text), "m4.csv")
		if err == nil {
			all, err = readM4(r)
		}
		if _, ok := errors.AsType[*datasets.ParseError](err); !ok {
			t.Errorf("%q gave %v, %v; want a ParseError", text, all, err)
		} else if err.Error() != want {
			t.Errorf("%q gave\n%s\nwant\n%s", text, err, want)
		}
	}
}

func TestOpenM4(t *testing.T) {
	dir := t.TempDir()
	if _, err := datasets.OpenM4(filepath.Join(dir, "none.csv")); err == nil || !strings.HasSuffix(err.Error(), "none.csv: no such file; check the path") {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := datasets.OpenM4(dir); err == nil || !strings.HasSuffix(err.Error(), ": is a folder; name a CSV file in it") {
		t.Errorf("a folder: %v", err)
	}
	name := filepath.Join(dir, "m4.csv")
	if err := os.WriteFile(name, []byte("H1,1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := datasets.OpenM4(name)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readM4(r); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func ExampleM4Reader() {
	r, err := datasets.NewM4Reader(strings.NewReader("\"V1\",\"V2\",\"V3\"\n\"H1\",\"605\",\"586\"\n\"H2\",\"3124\",\"\"\n"), "train.csv")
	for err == nil {
		var s datasets.M4Series
		if s, err = r.Next(); err == nil {
			fmt.Println(s.ID, s.Values)
		}
	}
	fmt.Println(err)
	// Output:
	// H1 [605 586]
	// H2 [3124]
	// EOF
}

// FuzzM4Reader checks that a reader never fails other than by a ParseError on one
// line, and that what it reads survives writing.
func FuzzM4Reader(f *testing.F) {
	for _, text := range []string{
		"\"V1\",\"V2\"\n\"H1\",\"605\",\"\"\n", "H1,1,2\nH2,-1e3\n", "H1;1,5\r\n", "id,F1\nH1,,1\n", "H1\n", ",1\n", "\"H1,1\n",
		"\xef\xbb\xbfH1,1\n", "\x1f\x8b\x08\x00", "# c\nH1,0x1p-2\n", "\"a,\"\"b\n\",1\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var all []datasets.M4Series
		r, err := datasets.NewM4Reader(bytes.NewReader(data), "fuzz")
		if err == nil {
			all, err = readM4(r)
		}
		if err != nil {
			if _, ok := errors.AsType[*datasets.ParseError](err); !ok || strings.Contains(err.Error(), "\n") {
				t.Fatalf("not a one-line ParseError: %q", err)
			}
			return
		}
		text := bytes.NewBufferString("id,F1\n")
		for i, s := range all {
			if s.ID == "" || len(s.Values) == 0 {
				t.Fatalf("not a series: %+v", s)
			}
			all[i].Line = 0
			fmt.Fprintf(text, `"%s"`, strings.ReplaceAll(s.ID, `"`, `""`))
			for _, v := range s.Values {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("series %q has value %v", s.ID, v)
				}
				fmt.Fprintf(text, ",%g", v)
			}
			text.WriteString("\n")
		}
		if r, err = datasets.NewM4Reader(text, "again"); err != nil {
			t.Fatal(err)
		}
		again, err := readM4(r)
		if err != nil {
			t.Fatal(err)
		}
		for i := range again {
			again[i].Line = 0
		}
		if diff := cmp.Diff(all, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
