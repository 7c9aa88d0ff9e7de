package datasets_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hindcast.dev/datasets"
)

// FuzzReadCSV checks that a reader never fails other than by a ParseError on one
// line, and that what it reads is a load that survives writing.
func FuzzReadCSV(f *testing.F) {
	for _, text := range []string{
		"timestamp,value\n2026-01-05T00:00:00Z,1\n2026-01-05T00:01:00Z,\n2026-01-05T00:02:00Z,3\n",
		"0;1,5\r\n60;2\r\n", "1767571200000,1\n1767571260000,2\n", "load,time,x\n1,0,a\n2,60,b\n", "0,1\n120,3\n240,5\n300,6\n",
		"\xef\xbb\xbf\"0\",\"1\"\n60.5,2\n", "# c\n0,1\n1e2,2e2\n", "0,1\n4e9,2\n4000000001,2\n", "\x1f\x8b\x08\x00",
		"2026-01-05,1\n2026-01-06,2\n", "0,\n60,NaN\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := datasets.ReadCSV(bytes.NewReader(data), "fuzz")
		if err != nil {
			var parse *datasets.ParseError
			if !errors.As(err, &parse) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("not a one-line ParseError: %q", err)
			}
			return
		}
		if len(s.Values) < 2 || s.Step <= 0 || math.IsNaN(datasets.Quantile(s, 0.5)) {
			t.Fatalf("not a load: %d values every %s", len(s.Values), s.Step)
		}
		if len(s.Values) > 10_000 {
			return
		}
		roundTrip(t, s)
	})
}

// FuzzParseScenario checks that what is read as a scenario survives writing and
// generates a load.
func FuzzParseScenario(f *testing.F) {
	for _, s := range datasets.Scenarios() {
		text, err := s.YAML()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(head + "{type: noise, op: multiply, sd: 10}, {type: trend, op: multiply, perDay: 1e9}]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := datasets.ParseScenario(data)
		if err != nil {
			return
		}
		text, err := s.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := datasets.ParseScenario(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(s, again); diff != "" {
			t.Fatal(diff)
		}
		if s.Length/s.Step > 5000 || len(s.Components) > 20 {
			return
		}
		got := s.Generate(1)
		if len(got.Values) != int(s.Length/s.Step) {
			t.Fatalf("%d values", len(got.Values))
		}
		for i, v := range got.Values {
			if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
				t.Fatalf("value %d is %g", i, v)
			}
		}
	})
}
