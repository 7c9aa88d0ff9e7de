package reports

import (
	"fmt"
	"math"
	"time"

	"gonum.org/v1/plot"
)

// A Chart is a picture of series over time that somebody else worked out.
type Chart struct {
	Title, YLabel string
	Start         time.Time
	Step          time.Duration
	Series        []ChartSeries
	// Holds says that a value lasts until the next one, Stacked that the series stand upon
	// each other. Scale is what labels of the values are multiplied by; 0 is 1.
	Holds, Stacked bool
	Scale          float64
}

// A ChartSeries has a value for each step; NaN is a gap.
type ChartSeries struct {
	Name   string
	Values []float64
	// Reference says that the series is there to measure others against.
	Reference bool
}

// SVG returns the chart as a file of its own, light or dark as the viewer is.
func (c Chart) SVG() []byte { return c.figure().svg(false) }

// PNG returns the chart on white.
func (c Chart) PNG() ([]byte, error) { return c.figure().png() }

func (c Chart) figure() *figure {
	k, scale := clock{start: c.Start}, c.Scale
	if scale == 0 {
		scale = 1
	}
	low, high := c.extent()
	p := newPanel(k.axis(), c.YLabel, k, linearTicks{n: 5, scale: c.Scale})
	p.Y.Min, p.Y.Max = min(low*1.06, 0), headroom(high)
	steps := 0
	fig := &figure{name: "chart", title: plain(c.Title), height: 200, panels: []*plot.Plot{p}}
	ordinary, reference := 0, 0
	var below []float64
	for _, s := range c.Series {
		steps = max(steps, len(s.Values))
		name := plain(s.Name)
		if c.Stacked {
			for len(below) < len(s.Values) {
				below = append(below, 0)
			}
			a := area{color: haze(seriesPen(ordinary).color)}
			ordinary++
			a.low = c.points(below[:len(s.Values)])
			for i, v := range s.Values {
				if !math.IsNaN(v) {
					below[i] += v
				}
			}
			a.high = c.points(below[:len(s.Values)])
			p.Add(a)
			fig.legend = append(fig.legend, entry{name, a})
			continue
		}
		l := line{points: c.points(s.Values)}
		if s.Reference {
			l.pen = referencePen(reference)
			reference++
		} else {
			l.pen = seriesPen(ordinary)
			ordinary++
		}
		p.Add(l)
		fig.legend = append(fig.legend, entry{name, l})
	}
	p.X.Min = seconds1970(c.Start)
	p.X.Max = seconds1970(c.Start.Add(time.Duration(max(steps-1, 1)) * c.Step))
	fig.alt = fmt.Sprintf("Line chart of %s over time, from %s to %s; its values lie between %s and %s.",
		plural(len(c.Series), "series", "series"), k.instant(c.Start), k.instant(unix(p.X.Max)),
		significant(low*scale, 3), significant(high*scale, 3))
	return fig
}

// extent returns the lowest and the highest value that is drawn.
func (c Chart) extent() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	var sums []float64
	for _, s := range c.Series {
		for i, v := range s.Values {
			if math.IsNaN(v) {
				continue
			}
			if c.Stacked {
				for len(sums) <= i {
					sums = append(sums, 0)
				}
				sums[i] += v
				v = sums[i]
			}
			low, high = min(low, v), max(high, v)
		}
	}
	if low > high {
		return 0, 1
	}
	return low, high
}

func (c Chart) points(values []float64) []xy {
	var pts []xy
	for i, v := range values {
		at := seconds1970(c.Start.Add(time.Duration(i) * c.Step))
		if c.Holds && i > 0 {
			pts = append(pts, xy{at, values[i-1]})
		}
		pts = append(pts, xy{at, v})
	}
	return pts
}
