package reports_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"hindcast.dev/reports"
)

func chart() reports.Chart {
	return reports.Chart{
		Title: "Load <b>&", YLabel: "requests/s", Start: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC), Step: time.Hour,
		Series: []reports.ChartSeries{
			{Name: "observed", Values: []float64{1, 2, math.NaN(), 4, 5, 6}},
			{Name: `</svg><script>`, Values: []float64{6, 5, 4, 3, 2, 1}, Reference: true},
		},
	}
}

func TestChartIsWellFormed(t *testing.T) {
	for _, change := range []func(*reports.Chart){
		func(*reports.Chart) {},
		func(c *reports.Chart) { c.Holds = true },
		func(c *reports.Chart) { c.Stacked = true },
		func(c *reports.Chart) { c.Series = nil },
		func(c *reports.Chart) {
			c.Series = []reports.ChartSeries{{Name: "nothing", Values: []float64{math.NaN()}}}
		},
	} {
		c := chart()
		change(&c)
		svg := c.SVG()
		d := xml.NewDecoder(bytes.NewReader(svg))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v: %s", err, svg)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "script" {
				t.Error("a name became markup")
			}
		}
		if !bytes.Equal(svg, c.SVG()) {
			t.Error("the same chart gives other bytes")
		}
		data, err := c.PNG()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(data)); err != nil {
			t.Error(err)
		}
	}
}

// A missing value breaks a line in two; stacked series reach up to their sum.
func TestChartDrawsWhatItIsGiven(t *testing.T) {
	lines := func(c reports.Chart) int {
		c.Series = c.Series[:1]
		whole := strings.Count(string(c.SVG()), "<path")
		c.Series[0].Values = []float64{1, 2, 3, 4, 5, 6}
		return whole - strings.Count(string(c.SVG()), "<path")
	}
	if n := lines(chart()); n != 1 {
		t.Errorf("a gap makes %d more lines", n)
	}
	between := func(c reports.Chart) string {
		return regexp.MustCompile(`its values lie between (\S+ and \S+)\.`).FindStringSubmatch(string(c.SVG()))[1]
	}
	c := chart()
	if got := between(c); got != "1.00 and 6.00" {
		t.Errorf("its values lie between %s", got)
	}
	c.Stacked = true
	if got := between(c); got != "1.00 and 7.00" {
		t.Errorf("stacked, its values lie between %s", got)
	}
	c.Scale = 100
	if got := between(c); got != "100 and 700" {
		t.Errorf("scaled, its values lie between %s", got)
	}
}
