package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hindcast.dev/backtest/result"
)

// spending picks what the frontiers are drawn in: the price, or pod-hours where
// replicas have no price.
func spending(r *result.Result) (label string, of func(result.Cost) float64) {
	for _, p := range r.Policies {
		if p.Cost.Price > 0 {
			return "price of the scored part (currency units, logarithmic)",
				func(c result.Cost) float64 { return float64(c.Price) }
		}
	}
	return "cost of the scored part (pod-hours, logarithmic)", func(c result.Cost) float64 { return float64(c.PodHours) }
}

// frontier are the points of one policy: x is the share of bad requests, y what was
// spent.
type frontier struct {
	configured xy
	sweep      []xy
}

func frontiers(r *result.Result) []frontier {
	_, of := spending(r)
	point := func(s result.SLA, c result.Cost) xy { return xy{1 - float64(s.RequestsGood), of(c)} }
	out := make([]frontier, len(r.Policies))
	for i, p := range r.Policies {
		out[i].configured = point(p.SLA, p.Cost)
		var runs []result.Run
		for _, run := range r.Runs {
			if run.Policy == p.Name && run.Sample == result.EqualSLA && run.SLA.RequestsGood.Defined() {
				runs = append(runs, run)
			}
		}
		slices.SortStableFunc(runs, func(a, b result.Run) int { return cmp.Compare(a.Value, b.Value) })
		for _, run := range runs {
			out[i].sweep = append(out[i].sweep, point(run.SLA, run.Cost))
		}
	}
	return out
}

// frontierFigure shows cost against bad requests for every policy, nil without a
// point that can be drawn.
func frontierFigure(r *result.Result) *figure {
	fronts := frontiers(r)
	low, high, bottom, top, none, swept := math.Inf(1), math.Inf(-1), math.Inf(1), 0.0, false, false
	worst := 0.0 // of the policies as configured
	see := func(pt xy) {
		if math.IsNaN(pt.x) || math.IsNaN(pt.y) {
			return
		}
		top = max(top, pt.y)
		if pt.y > 0 {
			bottom = min(bottom, pt.y)
		}
		if pt.x <= 0 {
			none = true
			return
		}
		low, high = min(low, pt.x), max(high, pt.x)
	}
	for _, f := range fronts {
		see(f.configured)
		worst = max(worst, f.configured.x)
		for _, pt := range f.sweep {
			see(pt)
			swept = true
		}
	}
	if top == 0 {
		return nil
	}
	objective := 1 - r.SLO.Objective
	if objective > 0 {
		low, high = min(low, objective), max(high, objective)
	}
	if low > high {
		low, high = 1e-4, 1e-2
	}
	caption := "The markers are the policies as configured; their knobs were not swept, so they differ in service and in cost."
	if swept {
		caption = "Each line is one policy with its one knob turned; the large marker is the policy as configured. " +
			"Lower and further left is better; policies are compared fairly only on a vertical line."
	}
	if far := max(100*objective, 2*worst); objective > 0 && high > far {
		high = far / 2 // the axis ends at twice that
		caption += " What serves worse than " + percent(result.Number(far)) + " % bad requests lies outside the picture."
	}
	low, high = low/2, min(high*2, 1.5)
	if none {
		low /= 2
	}
	label, _ := spending(r)
	p := newPanel("bad requests (% of all, logarithmic; left is better)", label,
		shareTicks{none: none}, logTicks{label: func(v float64) string { return significant(v, 2) }})
	p.X.Min, p.X.Max = math.Log10(low), math.Log10(high)
	bottom /= 1.2
	p.Y.Min, p.Y.Max = math.Log10(bottom), math.Log10(1.3*top)
	if objective > 0 {
		p.Add(upright{logOf(objective, low), "objective: " + trimmed(percent(result.Number(objective))) + " % bad",
			pen{color: ink(230), width: 0.8, dash: dashed(4, 2)}})
	}
	fig := &figure{
		name: "frontiers", title: "Cost against service", height: 300, panels: []*plot.Plot{p},
		caption: caption,
		alt: fmt.Sprintf("Scatter chart of cost against the share of bad requests for %s; the objective is %s %% bad requests.",
			plural(len(r.Policies), "policy", "policies"), trimmed(percent(result.Number(objective)))),
	}
	names := labels{}
	for i, pen := range policyPens(r) {
		f, name := fronts[i], plain(r.Policies[i].Name)
		if hindsight(r.Policies[i]) {
			name += " (hindsight)"
		}
		at := func(pt xy) xy { return xy{logOf(pt.x, low), logOf(pt.y, bottom)} }
		sweep := dots{line{nil, pen}, true, 1.8}
		for _, pt := range f.sweep {
			sweep.points = append(sweep.points, at(pt))
		}
		configured := at(f.configured)
		p.Add(sweep, dots{line{[]xy{configured}, pen}, false, 4.5})
		names = append(names, namedPoint{configured, plain(r.Policies[i].Name)})
		sweep.radius = 3
		fig.legend = append(fig.legend, entry{name, sweep})
	}
	p.Add(names)
	return fig
}

// shareTicks marks decades of a share as percentages, and the low end as none.
type shareTicks struct{ none bool }

func (t shareTicks) Ticks(low, high float64) []plot.Tick {
	ticks := logTicks{label: func(v float64) string { return significant(100*v, 1) + " %" }}.Ticks(low, high)
	if t.none {
		ticks = slices.DeleteFunc(ticks, func(k plot.Tick) bool { return k.Value < low+0.2 })
		ticks = append(ticks, plot.Tick{Value: low, Label: "none"})
	}
	return ticks
}

// labels writes names beside points, where there is room for them.
type labels []namedPoint

type namedPoint struct {
	at   xy
	name string
}

func (l labels) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var taken []vg.Rectangle
	for _, pt := range l {
		if !math.IsNaN(pt.at.y) && !math.IsNaN(pt.at.x) {
			at := vg.Point{X: x(pt.at.x), Y: y(pt.at.y)}
			taken = append(taken, vg.Rectangle{Min: at.Sub(vg.Point{X: 5, Y: 5}), Max: at.Add(vg.Point{X: 5, Y: 5})})
		}
	}
	for _, pt := range l {
		if math.IsNaN(pt.at.y) || math.IsNaN(pt.at.x) {
			continue
		}
		at := vg.Point{X: x(pt.at.x), Y: y(pt.at.y)}
		for _, side := range [...]vg.Point{{X: 7, Y: 6}, {X: -7, Y: 6}, {X: 7, Y: -6}, {X: -7, Y: -6}, {X: 0, Y: 13}} {
			style := textStyle(9.5, draw.XLeft, draw.YCenter)
			if side.X < 0 {
				style.XAlign = draw.XRight
			} else if side.X == 0 {
				style.XAlign = draw.XCenter
			}
			where := at.Add(side)
			box := style.Rectangle(pt.name).Add(where)
			if overlaps(box, taken) || box.Min.X < c.Min.X || box.Max.X > c.Max.X {
				continue
			}
			c.FillText(style, where, pt.name)
			taken = append(taken, box)
			break
		}
	}
}

func overlaps(r vg.Rectangle, all []vg.Rectangle) bool {
	for _, o := range all {
		if r.Min.X < o.Max.X && o.Min.X < r.Max.X && r.Min.Y < o.Max.Y && o.Min.Y < r.Max.Y {
			return true
		}
	}
	return false
}
