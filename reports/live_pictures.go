package reports

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"hindcast.dev/backtest/result"
	"hindcast.dev/live/liveview"
)

// liveFigures are all pictures of a live scaler, in the order of the page.
func liveFigures(v *liveview.View) []*figure {
	var figures []*figure
	add := func(fig *figure) {
		if fig != nil {
			figures = append(figures, fig)
		}
	}
	add(liveReplicasFigure(v))
	add(liveSumsFigure(v))
	var names []string
	for _, m := range v.Metrics {
		for _, h := range m.Horizons {
			names = append(names, m.Name+" "+h.Ahead.String())
		}
	}
	files := slugs(names)
	for i := range v.Metrics {
		for j := range v.Metrics[i].Horizons {
			add(liveForecastFigure(v, &v.Metrics[i], &v.Metrics[i].Horizons[j], "forecast-"+files[0]))
			files = files[1:]
		}
	}
	add(liveRollingFigure(v))
	add(liveReasonsFigure(v))
	add(liveStatesFigure(v))
	return figures
}

// liveBins thins a series of the view to the columns of a picture that begins so many
// seconds after its start and ends so many after its end; the values are drawn shift
// seconds late.
func liveBins(v *liveview.View, values []float64, shift, beyond float64) *bins {
	from, step := seconds1970(v.From), v.Step.Seconds()
	b := newBins(from, liveEnd(v)+beyond, columns)
	for i, value := range values {
		t := from + float64(i)*step + shift
		b.add(t, t+step, value)
	}
	return b
}

// liveEnd is the end of the last step.
func liveEnd(v *liveview.View) float64 {
	return seconds1970(v.From) + float64(v.Steps)*v.Step.Seconds()
}

// livePanel is a panel over the time of the view and so many seconds beyond.
func livePanel(v *liveview.View, yLabel string, y plot.Ticker, beyond float64) *plot.Plot {
	k := clock{start: v.From}
	p := newPanel(k.axis(), yLabel, k, y)
	p.X.Min, p.X.Max = seconds1970(v.From), liveEnd(v)+beyond
	return p
}

// span names the time of the view for those who cannot see a picture.
func span(v *liveview.View) string {
	k := clock{start: v.From}
	return "from " + k.instant(v.From) + " to " + k.instant(v.To)
}

// otherModes shade the time in which the scaler was not in Shadow, where it was at all.
func otherModes(v *liveview.View) []plot.Plotter {
	if v.Verdict.Mode == "" {
		return nil
	}
	var all []plot.Plotter
	from, step := seconds1970(v.From), v.Step.Seconds()
	for _, m := range v.Modes {
		if m.Name == v.Verdict.Mode {
			continue
		}
		for i := 0; i < len(m.Values); i++ {
			first := i
			for i < len(m.Values) && m.Values[i] == 1 {
				i++
			}
			if i > first {
				all = append(all, stretch{from + float64(first)*step, from + float64(i)*step, plain(m.Name)})
			}
		}
	}
	return all
}

// liveReplicasFigure shows what was asked for beside what ran.
func liveReplicasFigure(v *liveview.View) *figure {
	desired, current := liveBins(v, v.Desired, 0, 0), liveBins(v, v.Current, 0, 0)
	fewest, most := liveBins(v, v.Fewest, 0, 0), liveBins(v, v.Most, 0, 0)
	top := highest(desired, current, fewest)
	if top == 0 {
		return nil
	}
	p := livePanel(v, "replicas", linearTicks{n: 5, whole: true}, 0)
	p.Y.Min, p.Y.Max = 0, headroom(top)
	p.Add(otherModes(v)...)
	ran := line{current.envelope(), pen{color: ink(230), width: 1}}
	wanted := line{desired.envelope(), pen{color: blue, width: 1.5}}
	floor := line{fewest.means(), referencePen(1)}
	p.Add(floor, ran, wanted)
	fig := &figure{
		name: "replicas", title: "Replicas: decided, and what ran", height: 210, panels: []*plot.Plot{p},
		caption: "What each decision asked for, carried out or not, and what ran at that moment (.status.replicas).",
		alt:     fmt.Sprintf("Step chart of the replicas that the scaler decided and those that ran, %s.", span(v)),
		legend:  []entry{{"decided", wanted}, {"ran", ran}, {"fewest allowed", floor}},
	}
	if len(otherModes(v)) > 0 {
		fig.caption += " Shaded: not in Shadow."
	}
	if _, limit, ok := most.extent(); ok {
		if limit <= 1.5*top {
			ceiling := line{most.means(), referencePen(0)}
			p.Add(ceiling)
			p.Y.Max = headroom(max(top, limit))
			fig.legend = append(fig.legend, entry{"most allowed", ceiling})
		} else {
			fig.caption += " At most " + trimmed(significant(limit, 4)) + " are allowed, which lies above the picture."
		}
	}
	return fig
}

// liveSumsFigure shows how cost and shortage grew.
func liveSumsFigure(v *liveview.View) *figure {
	fig := &figure{
		name: "sums", title: "What ran, and what would have: sums from the start", height: 20,
		caption: "Above the replica-hours, below the hours in which too few replicas ran, or would have, for what the load needed. Only while the scaler was in Shadow do the lines compare what it would do with what others did.",
		alt:     fmt.Sprintf("Line charts of the replica-hours and of the hours short that ran and that would have, as they grew %s.", span(v)),
	}
	ranPen, wouldPen := pen{color: ink(230), width: 1}, pen{color: blue, width: 1.5}
	for _, part := range []struct {
		name       string
		ran, would []float64
	}{
		{"replica-hours", v.Running.ReplicaHours, v.Running.DecidedReplicaHours},
		{"hours short", v.Running.ShortHours, v.Running.DecidedShortHours},
	} {
		ran, would := liveBins(v, part.ran, 0, 0), liveBins(v, part.would, 0, 0)
		if _, _, ok := ran.extent(); !ok {
			continue
		}
		p := livePanel(v, part.name, linearTicks{n: 4}, 0)
		p.Y.Min, p.Y.Max = 0, headroom(highest(ran, would))
		p.Add(otherModes(v)...)
		p.Add(line{ran.means(), ranPen}, line{would.means(), wouldPen})
		if n := len(fig.panels); n > 0 {
			above := fig.panels[n-1]
			above.X.Label.Text, above.X.Tick.Marker, above.X.Tick.Label.Font.Size = "", unnamed{above.X.Tick.Marker}, 1
		}
		fig.panels = append(fig.panels, p)
		fig.height += 105
	}
	if len(fig.panels) == 0 {
		return nil
	}
	fig.legend = []entry{{"what ran", line{pen: ranPen}}, {"what would have, by its decisions", line{pen: wouldPen}}}
	return fig
}

// liveForecastFigure shows forecasts where their time ended, and the highest value that
// came until then.
func liveForecastFigure(v *liveview.View, m *liveview.Metric, h *liveview.Horizon, name string) *figure {
	ahead := h.Ahead.Seconds()
	came := liveBins(v, h.Came, ahead, ahead)
	curves := make([]*bins, len(h.Quantiles))
	for i, q := range h.Quantiles {
		curves[i] = liveBins(v, q.Forecasts, ahead, ahead)
	}
	if len(curves) == 0 {
		return nil
	}
	metric := plain(m.Name)
	p := livePanel(v, "value of the metric", linearTicks{n: 5}, ahead)
	p.Y.Min, p.Y.Max = 0, headroom(highest(append(curves, came)...))
	last := len(curves) - 1
	fig := &figure{
		name: name, title: "Forecasts of " + metric + ", " + duration(ahead) + " ahead, and what came", height: 220, panels: []*plot.Plot{p},
	}
	level := func(q liveview.Quantile) string { return trimmed(significant(q.Level, 4)) }
	if last > 0 {
		band := area{curves[0].means(), curves[last].means(), faint(sky, 110)}
		p.Add(band)
		fig.legend = append(fig.legend, entry{"quantiles " + level(h.Quantiles[0]) + " to " + level(h.Quantiles[last]), band})
	}
	upper := line{curves[last].envelope(), pen{color: blue, width: 1.3}}
	actual := line{came.envelope(), pen{color: ink(230), width: 0.8}}
	p.Add(upper, actual)
	fig.legend = append(fig.legend, entry{"quantile " + level(h.Quantiles[last]), upper}, entry{"highest that came", actual})
	q := h.Quantiles[last]
	fig.caption = fmt.Sprintf("Each forecast is of the highest value within the next %s and is drawn where they end, beside the highest value that came in them.", duration(ahead))
	if q.Judged > 0 {
		fig.caption += fmt.Sprintf(" Quantile %s held for %s %% of %s forecasts.", level(q), trimmed(goodShare(result.Number(q.Held))), count(q.Judged))
	}
	fig.alt = fmt.Sprintf("Line chart of forecasts of the metric %s, %s ahead, at %s, against what came, %s.", metric, duration(ahead), plural(len(curves), "quantile", "quantiles"), span(v))
	return fig
}

// liveRollingFigure shows accuracy and skill over time.
func liveRollingFigure(v *liveview.View) *figure {
	p := livePanel(v, "accuracy, skill (%)", linearTicks{n: 5, scale: 100}, 0)
	fig := &figure{
		name: "accuracy", title: "Accuracy and skill over about a day", height: 200, panels: []*plot.Plot{p},
		caption: "As the controller works them out from its own forecasts. Where the skill is below 0, the last value would have done better.",
		alt:     fmt.Sprintf("Line chart of the accuracy of the forecasts and of their skill against the last value, %s.", span(v)),
	}
	low := 0.0
	n := 0
	add := func(name string, r liveview.Rolling) {
		b := liveBins(v, r.Values, 0, 0)
		if l, _, ok := b.extent(); ok {
			low = min(low, l)
			mark := line{b.means(), seriesPen(n)}
			n++
			p.Add(mark)
			fig.legend = append(fig.legend, entry{name, mark})
		}
	}
	for i := range v.Metrics {
		m := &v.Metrics[i]
		for _, h := range m.Horizons {
			add(plain(m.Name)+": accuracy "+duration(h.Ahead.Seconds())+" ahead", h.Accuracy)
		}
		add(plain(m.Name)+": skill", m.Skill)
	}
	if n == 0 {
		return nil
	}
	const cut = -1
	if low < cut {
		low = cut
		fig.caption += " What is worse than −100 % lies below the picture."
	}
	p.Y.Min, p.Y.Max = low*1.05, 1.02
	p.Add(level{0, "", pen{color: ink(200), width: 0.7}})
	return fig
}

// reasonsShown is how many reasons have a colour of their own.
const reasonsShown = 5

// liveReasonsFigure shows of which reasons the decisions of each column were.
func liveReasonsFigure(v *liveview.View) *figure {
	total := make([]float64, v.Steps)
	names, rises := []string{}, [][]float64{}
	for i, e := range v.Reasons {
		if e.Total == 0 {
			continue
		}
		for j, r := range e.Rises {
			total[j] += r
		}
		if i < reasonsShown || len(v.Reasons) == reasonsShown+1 {
			names, rises = append(names, plain(e.Name)), append(rises, slices.Clone(e.Rises))
			continue
		}
		if len(names) == reasonsShown {
			names, rises = append(names, "others"), append(rises, make([]float64, v.Steps))
		}
		for j, r := range e.Rises {
			rises[reasonsShown][j] += r
		}
	}
	if len(names) == 0 {
		return nil
	}
	// A decision stands until the next one.
	for j := 1; j < v.Steps; j++ {
		if total[j] == 0 && !math.IsNaN(v.Desired[j]) {
			total[j] = total[j-1]
			for n := range rises {
				rises[n][j] = rises[n][j-1]
			}
		}
	}
	all := liveBins(v, total, 0, 0)
	p := livePanel(v, "decisions (%)", linearTicks{n: 4, scale: 100}, 0)
	p.Y.Min, p.Y.Max = 0, 1
	fig := &figure{
		name: "reasons", title: "Decisions by reason", height: 160, panels: []*plot.Plot{p},
		caption: "Share of the decisions within each column of the picture; a decision stands until the next one.",
		alt:     fmt.Sprintf("Stacked chart of the shares of %s of decisions, %s.", plural(len(names), "reason", "reasons"), span(v)),
	}
	below := all.steps(func(i int) float64 {
		if all.mean(i) > 0 {
			return 0
		}
		return math.NaN()
	})
	for n, name := range names {
		b := liveBins(v, rises[n], 0, 0)
		above := b.steps(func(i int) float64 { return b.mean(i) / all.mean(i) })
		for i := range above {
			above[i].y += below[i].y
		}
		shade := area{below, above, haze(seriesPen(n).color)}
		p.Add(shade)
		fig.legend = append(fig.legend, entry{name, shade})
		below = above
	}
	return fig
}

// liveStatesFigure shows when what was in force or went wrong, a row each.
func liveStatesFigure(v *liveview.View) *figure {
	type row struct {
		name   string
		values []float64
		wrong  bool
	}
	var rows []row
	for _, m := range v.Modes {
		rows = append(rows, row{plain(m.Name), m.Values, false})
	}
	rows = append(rows, row{"no current data", v.Stale, true})
	for _, e := range v.QueryErrors {
		rows = append(rows, row{"query failed: " + plain(e.Name), e.Rises, true})
	}
	rows = append(rows, row{"replicas not read or set", v.ScaleErrors.Rises, true}, row{"demoted", v.Demotions.Rises, true})
	var ticks plot.ConstantTicks
	p := livePanel(v, "state", nil, 0)
	fig := &figure{
		name: "states", title: "Mode, and what went wrong", height: vg.Length(60 + 15*len(rows)), panels: []*plot.Plot{p},
		caption: "A bar is a time in which it was so, at least once in the column of the picture.",
		alt:     fmt.Sprintf("Bars over time that show the mode in force, stale data, failed queries, failed updates and demotions, %s.", span(v)),
	}
	var calm, wrong area
	for n, r := range rows {
		at := float64(len(rows) - 1 - n)
		name := r.name
		if runes := []rune(name); len(runes) > 32 {
			name = string(runes[:31]) + "…"
		}
		ticks = append(ticks, plot.Tick{Value: at, Label: name})
		b := liveBins(v, r.values, 0, 0)
		edge := func(y float64) []xy {
			return b.steps(func(i int) float64 {
				if b.cols[i].value(b.cols[i].high) > 0 {
					return y
				}
				return math.NaN()
			})
		}
		mark := area{edge(at - 0.35), edge(at + 0.35), blue}
		if r.wrong {
			mark.color = vermillion
			wrong = mark
		} else {
			calm = mark
		}
		p.Add(mark)
	}
	p.Y.Tick.Marker = ticks
	p.Y.Min, p.Y.Max = -0.6, float64(len(rows))-0.4
	fig.legend = []entry{{"mode in force", calm}, {"something was wrong", wrong}}
	return fig
}
