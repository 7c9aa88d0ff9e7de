package reports

import (
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/plot"

	"hindcast.dev/backtest/result"
)

func (run *runTimelines) timePanel(yLabel string, y plot.Ticker, from, to float64) *plot.Plot {
	p := newPanel(run.clock.axis(), yLabel, run.clock, y)
	p.X.Min, p.X.Max = from, to
	return p
}

func (run *runTimelines) instant(at float64) string {
	return run.clock.instant(unix(at))
}

// loadFigure shows the offered load over the whole data, the warm-up shaded.
func loadFigure(r *result.Result, run *runTimelines) *figure {
	p := run.timePanel("offered load (requests/s)", linearTicks{n: 6}, run.start, run.end)
	low, high, ok := run.load.extent()
	if !ok {
		low, high = 0, 1
	}
	p.Y.Min, p.Y.Max = 0, headroom(high)
	load := line{run.load.envelope(), pen{color: blue, width: 0.9}}
	p.Add(stretch{run.start, run.scored, "warm-up, scored for nobody"}, load)
	legend := run.addFaults(p, []entry{{"offered load", load}})
	caption := "Load offered to the application. Each column of the picture keeps its lowest and highest value."
	if run.scored > run.start {
		caption += " The shaded warm-up is scored for nobody."
	}
	if r.Dataset.Missing > 0 {
		caption += " " + plural(r.Dataset.Missing, "missing value is", "missing values are") + " left out as gaps."
	}
	return &figure{
		name: "load", title: "Load", caption: caption, height: 190, panels: []*plot.Plot{p},
		alt: fmt.Sprintf("Line chart of offered load in requests per second over time, from %s to %s; it lies between %s and %s. Scores count from %s.",
			run.instant(run.start), run.instant(run.end), significant(low, 3), significant(high, 3), run.instant(run.scored)),
		legend: legend,
	}
}

// addFaults marks what went wrong within a panel, by its number in the table, and adds it to a
// legend.
func (run *runTimelines) addFaults(p *plot.Plot, legend []entry) []entry {
	var last happening
	drawn := false
	for i, f := range run.faults {
		from, to := seconds1970(f.Start), seconds1970(f.End)
		if to < p.X.Min || from > p.X.Max {
			continue
		}
		last = happening{from, to, strconv.Itoa(i + 1)}
		if len(run.faults) > faultsNumbered {
			last.word = ""
		}
		p.Add(last)
		drawn = true
	}
	if !drawn {
		return legend
	}
	return append(legend, entry{"fault", last})
}

// faultsNumbered is the most faults whose numbers do not crowd a picture.
const faultsNumbered = 20

// demandPen draws what was needed, the same in all pictures.
func demandPen() pen { return pen{color: ink(230), width: 0.9} }

// replicasFigure shows one policy's replicas against the demand.
func replicasFigure(run *runTimelines, t *policyTimeline) *figure {
	k := t.scored
	p := run.timePanel("replicas", linearTicks{n: 5, whole: true}, run.scored, run.end)
	p.Y.Min, p.Y.Max = 0, headroom(run.top())
	demand := k.demand.means()
	over := area{demand, shifted(demand, k.over, 1), faint(sky, 130)}
	under := area{shifted(demand, k.under, -1), demand, faint(vermillion, 230)}
	spread := area{k.demand.lows(), k.demand.highs(), ink(56)}
	need := line{demand, demandPen()}
	wanted := line{k.desired.means(), pen{color: purple, width: 0.7, dash: dashed(3, 2)}}
	p.Add(over, spread, under, wanted, need)
	legend := run.addFaults(p, []entry{
		{"demand", need}, {"desired (.spec.replicas)", wanted},
		{"ready above demand: over-provisioned", over}, {"ready below: under-provisioned", under},
	})
	name := plain(t.policy.Name)
	title := "Replicas of " + name
	if hindsight(t.policy) {
		title += " (hindsight)"
	}
	s := t.policy.Provisioning
	measured := fmt.Sprintf("%s is over-provisioned by %s %% and under-provisioned by %s %% of the demand.",
		name, percent(s.ThetaOver), percent(s.ThetaUnder))
	caption := measured
	if t == &run.policies[0] {
		caption = "Light blue above the demand line is paid for and not needed, red below it is needed and not ready. " +
			"Columns show time-weighted means, so the areas are those of the data, and behind them in grey the lowest and highest demand; " +
			"all policies are drawn to the same scale. " + measured
	}
	return &figure{
		name: "replicas-" + t.file, title: title, height: 150, panels: []*plot.Plot{p}, caption: caption,
		alt:    "Step chart of demanded, desired and ready replicas over the scored part for " + name + ". " + measured,
		legend: legend,
	}
}

// top is the highest number of replicas in any policy's picture.
func (run *runTimelines) top() float64 {
	top := 0.0
	for _, t := range run.policies {
		top = max(top, highest(t.scored.demand, t.scored.ready, t.scored.desired))
	}
	return top
}

// zoomFigure shows all policies around the steepest rise of demand.
func zoomFigure(run *runTimelines) *figure {
	p := run.timePanel("ready replicas", linearTicks{n: 6, whole: true}, run.zoomFrom, run.zoomTo)
	fig := &figure{name: "zoom", height: 280, panels: []*plot.Plot{p},
		title: "Ready replicas around the steepest rise of demand"}
	top := 0.0
	for i := range run.policies {
		t := &run.policies[i]
		top = max(top, highest(t.zoom.ready, t.zoom.demand))
		if i == 0 {
			demand := t.zoom.demand.means()
			need := area{shifted(demand, nil, 0), demand, ink(44)}
			p.Add(need)
			fig.legend = append(fig.legend, entry{"demand (fewest that meet the SLO)", need})
		}
		ready := line{t.zoom.ready.means(), t.pen}
		p.Add(ready)
		name := plain(t.policy.Name)
		if hindsight(t.policy) {
			name += " (hindsight)"
		}
		fig.legend = append(fig.legend, entry{name, ready})
	}
	p.Y.Min, p.Y.Max = 0, headroom(top)
	fig.legend = run.addFaults(p, fig.legend)
	fig.caption = fmt.Sprintf("The %s from %s, in which demand rose most within %s; chosen from the data. "+
		"A line below the grey demand is a policy that came too late.",
		duration(run.zoomTo-run.zoomFrom), run.instant(run.zoomFrom), duration(riseWithin.Seconds()))
	fig.alt = fmt.Sprintf("Step chart of the ready replicas of %s and the demand from %s to %s.",
		plural(len(run.policies), "policy", "policies"), run.instant(run.zoomFrom), run.instant(run.zoomTo))
	return fig
}

// latencyFigure shows the worst p99 of each column, one strip a policy.
func latencyFigure(r *result.Result, run *runTimelines) *figure {
	slo := r.SLO.LatencySeconds
	low, high := math.Inf(1), math.Inf(-1)
	for i := range run.policies {
		if l, h, ok := run.policies[i].scored.p99.extent(); ok && h > 0 {
			low, high = min(low, max(l, h/1e4)), max(high, h)
		}
	}
	if low > high {
		return nil
	}
	if slo > 0 {
		low, high = min(low, slo), max(high, slo)
	}
	low, high = low/1.3, high*2
	fig := &figure{name: "latency", title: "Response time, p99 (seconds, logarithmic)", height: 26}
	objective := pen{color: ink(230), width: 0.8, dash: dashed(4, 2)}
	limit := line{pen: objective}
	y := logTicks{label: func(v float64) string { return significant(v, 1) }}
	for i := range run.policies {
		t := &run.policies[i]
		p := newPanel("", "seconds", unnamed{run.clock}, y)
		if i == len(run.policies)-1 {
			p = newPanel(run.clock.axis(), "seconds", run.clock, y)
		} else {
			p.X.Tick.Label.Font.Size = 1
		}
		p.X.Min, p.X.Max = run.scored, run.end
		p.Y.Min, p.Y.Max = math.Log10(low), math.Log10(high)
		best, worst := logsOf(t.scored.p99.lows(), low), logsOf(t.scored.p99.highs(), low)
		p.Add(area{best, worst, haze(t.pen.color)}, line{worst, pen{color: t.pen.color, width: 0.8}},
			level{logOf(slo, low), "", objective}, corner{plain(t.policy.Name)})
		fig.panels = append(fig.panels, p)
		fig.height += 66
	}
	fig.legend = []entry{
		{"worst p99 of the column", line{pen: pen{color: ink(230), width: 0.8}}}, {"down to the best", area{color: ink(56)}},
		{"SLO " + duration(slo), limit},
	}
	fig.caption = "The line is the worst p99 within each column of the picture, so a short spike shows in full; " +
		"above the dashed line more than 1 % of the requests are too late. Gaps are times without requests."
	fig.alt = fmt.Sprintf("Line charts below each other, one for each of %s, of p99 response time over the scored part against the SLO of %s; the worst is %s.",
		plural(len(run.policies), "policy", "policies"), duration(slo), duration(high/2))
	return fig
}

// logsOf moves points to a logarithmic axis.
func logsOf(points []xy, floor float64) []xy {
	for i := range points {
		points[i].y = logOf(points[i].y, floor)
	}
	return points
}

// shifted returns base moved by sign times the means of by; without by, zero.
func shifted(base []xy, by *bins, sign float64) []xy {
	out := make([]xy, len(base))
	for i, pt := range base {
		out[i] = xy{pt.x, 0}
		if by != nil {
			out[i].y = pt.y + sign*by.mean(i/2)
		} else if math.IsNaN(pt.y) {
			out[i].y = pt.y
		}
	}
	return out
}

func highest(all ...*bins) float64 {
	top := 0.0
	for _, b := range all {
		if _, high, ok := b.extent(); ok {
			top = max(top, high)
		}
	}
	return top
}

// headroom is the end of an axis that shows values up to v.
func headroom(v float64) float64 {
	if v <= 0 {
		return 1
	}
	return 1.06 * v
}
