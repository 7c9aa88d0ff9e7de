package datasets_test

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"hindcast.dev/datasets"
)

func TestTableRoundTrip(t *testing.T) {
	want := datasets.Table{
		Series: datasets.Series{Name: "x", Unit: datasets.RPS, Start: at("2026-01-05T00:00:00Z"), Step: time.Minute, Values: []float64{1, nan, 3}},
		Columns: []datasets.Column{
			{Name: "code_200", Values: []float64{1, nan, 2.5}}, {Name: `a "b", c`, Values: []float64{nan, 4, nan}}, {Name: "empty", Values: []float64{nan, nan, nan}},
		},
	}
	var b bytes.Buffer
	if err := datasets.WriteTable(&b, want); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	got, err := datasets.ReadTable(strings.NewReader(text), "x")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	same(t, got.Series, want.Series)
	// What sees the load only reads the same load.
	load, err := datasets.ReadCSV(strings.NewReader(text), "x")
	if err != nil {
		t.Fatal(err)
	}
	same(t, load, want.Series)
	if len(got.Columns) != 3 {
		t.Fatalf("%d columns", len(got.Columns))
	}
	for i, c := range want.Columns {
		if got.Columns[i].Name != strings.ReplaceAll(c.Name, `""`, `"`) {
			t.Errorf("column %d is called %q, want %q", i, got.Columns[i].Name, c.Name)
		}
		for j, v := range c.Values {
			if g := got.Columns[i].Values[j]; g != v && !(math.IsNaN(g) && math.IsNaN(v)) {
				t.Errorf("%s[%d] is %g, want %g", c.Name, j, g, v)
			}
		}
	}
}

func TestTableErrors(t *testing.T) {
	table := datasets.Table{
		Series:  datasets.Series{Start: at("2026-01-05T00:00:00Z"), Step: time.Minute, Values: []float64{1, 2}},
		Columns: []datasets.Column{{Name: "a", Values: []float64{1}}},
	}
	if err := datasets.WriteTable(&bytes.Buffer{}, table); err == nil || !strings.Contains(err.Error(), `column "a" has 1 values, the load 2`) {
		t.Errorf("%v", err)
	}
	_, err := datasets.ReadTable(strings.NewReader("time,value,a\n0,1,x\n60,2,1\n"), "f.csv")
	if err == nil || !strings.Contains(err.Error(), `f.csv:2: value "x" is not a number`) {
		t.Errorf("%v", err)
	}
}

func FuzzReadTable(f *testing.F) {
	f.Add([]byte("timestamp,value,code_200,le_0.5\n2026-01-05T00:00:00Z,1,,3\n2026-01-05T00:01:00Z,,2,\n2026-01-05T00:02:00Z,3,1,1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := datasets.ReadTable(bytes.NewReader(data), "fuzz")
		if err != nil || len(table.Values) > 10_000 {
			return
		}
		for _, c := range table.Columns {
			if len(c.Values) != len(table.Values) {
				t.Fatalf("column %q has %d values, the load %d", c.Name, len(c.Values), len(table.Values))
			}
		}
	})
}
