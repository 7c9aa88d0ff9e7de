package reports

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"hindcast.dev/backtest/result"
)

// mostCurves is how many models a picture with curves tells apart.
const mostCurves = 7

// scoreFigures are the pictures of the i-th load.
func scoreFigures(f *result.ScoresFolder, i int) ([]*figure, error) {
	s := &f.All[i]
	k := clock{start: s.Load.Start, relative: s.Load.Relative}
	var figures []*figure
	add := func(fig *figure) {
		if fig != nil {
			figures = append(figures, fig)
		}
	}
	add(accuracyFigure(accuracyOf(s)))
	add(skillFigure(s))
	var rows []result.ForecastRow
	if s.Shown != "" {
		for row, err := range f.Shown(i) {
			if err != nil {
				return nil, fmt.Errorf("forecasts of %s: %w", plain(s.Shown), err)
			}
			rows = append(rows, row)
		}
	}
	add(fanFigure(k, s, rows))
	series, err := seriesOf(s.Shown, rows, s.Load.StepSeconds)
	switch {
	case err == nil:
		add(forecastFigure(k, series, s.Load.Unit, duration(s.MainSeconds)))
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	add(coverageFigure(s))
	add(widthFigure(s))
	add(hoursFigure(s))
	if len(f.All) > 1 {
		for _, fig := range figures {
			fig.name = "load-" + itoa(i+1) + "-" + fig.name
		}
	}
	return figures, nil
}

// accuracyOf is as much of a run as its picture of accuracy needs.
func accuracyOf(s *result.Scores) *result.Result {
	r := &result.Result{Dataset: result.Dataset{NoiseFloor: s.Load.NoiseFloor}}
	for _, m := range shownModels(s, mostCurves) {
		for _, h := range m.Horizons {
			r.Forecasts = append(r.Forecasts, result.Forecast{Model: m.Name, HorizonSeconds: int(h.HorizonSeconds), Accuracy: h.Accuracy})
		}
	}
	return r
}

// A rung is one line of a ladder: a name, and a value of each series of marks.
type rung struct {
	name   string
	values []float64
}

// ladder draws a line for each rung, the first on top, and a mark on it for each value. The
// series come in the order of the legend.
func ladder(xLabel string, x plot.Ticker, rungs []rung, series []string, pens []pen) (*plot.Plot, []entry) {
	var names plot.ConstantTicks
	marks := make([]dots, len(series))
	for j := range series {
		marks[j] = dots{line{nil, pens[j]}, false, 4}
	}
	low, high := math.Inf(1), math.Inf(-1)
	for i, r := range rungs {
		y := float64(len(rungs) - i)
		names = append(names, plot.Tick{Value: y, Label: r.name})
		for j, v := range r.values {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				marks[j].points = append(marks[j].points, xy{v, y})
				low, high = min(low, v), max(high, v)
			}
		}
	}
	p := newPanel(xLabel, "", x, names)
	p.Y.Min, p.Y.Max = .4, float64(len(rungs))+.6
	room := max(.04*(high-low), 1e-3)
	p.X.Min, p.X.Max = low-room, high+room
	var legend []entry
	for j := range marks {
		p.Add(marks[j])
		legend = append(legend, entry{series[j], marks[j]})
	}
	return p, legend
}

// ladderHeight is that of the picture of so many rungs.
func ladderHeight(rungs int) vg.Length { return vg.Length(52 + 15*rungs) }

func ladderPens() []pen {
	solid := seriesPen(0)
	return []pen{solid, seriesPen(1), seriesPen(2), referencePen(0), referencePen(1)}
}

// worstSkill is where a picture of skill ends to the left: what is worse is drawn there.
const worstSkill = -1

// skillFigure shows what part of the error of the simple models each model saves.
func skillFigure(s *result.Scores) *figure {
	var rungs []rung
	cut := false
	for _, m := range rankedModels(s, s.MainSeconds) {
		if m.Name == "naive" || m.Name == "seasonal-naive" {
			continue
		}
		h := m.At(s.MainSeconds)
		r := rung{name: plain(m.Name)}
		for _, v := range []result.Number{h.SkillNaive, h.SkillSeasonal} {
			cut = cut || v < worstSkill
			r.values = append(r.values, max(float64(v), worstSkill))
		}
		rungs = append(rungs, r)
	}
	if len(rungs) == 0 {
		return nil
	}
	pens := ladderPens()
	p, legend := ladder("error saved (%)", linearTicks{n: 6, scale: 100}, rungs, []string{"of last value", "of seasonal naive"}, []pen{pens[0], pens[1]})
	p.X.Min, p.X.Max = min(p.X.Min, -.02), max(p.X.Max, .02)
	p.Add(upright{0, "no better", pen{color: ink(150), width: .8, dash: dashed(3, 2)}})
	caption := fmt.Sprintf("Right of the dashed line a model makes less error %s ahead than what costs nothing: the last value, "+
		"or the value one season ago. The best stands on top.", duration(s.MainSeconds))
	if cut {
		caption += " What is more than twice as bad as either is drawn at −100 %."
	}
	return &figure{
		name: "skill", title: "Skill against naive and seasonal naive", height: ladderHeight(len(rungs)), panels: []*plot.Plot{p}, caption: caption, legend: legend,
		alt: fmt.Sprintf("Dot chart of the part of the error saved by %s against last value and seasonal naive.", plural(len(rungs), "model", "models")),
	}
}

// coverageFigure shows how often what came lay in the intervals.
func coverageFigure(s *result.Scores) *figure {
	var rungs []rung
	for _, m := range rankedModels(s, s.MainSeconds) {
		h := m.At(s.MainSeconds)
		rungs = append(rungs, rung{plain(m.Name), []float64{float64(h.Coverage80), float64(h.Coverage95)}})
	}
	if len(rungs) == 0 {
		return nil
	}
	pens := ladderPens()
	p, legend := ladder("what came lay inside (%)", linearTicks{n: 6, scale: 100}, rungs, []string{"80 % interval", "95 % interval"}, []pen{pens[0], pens[1]})
	p.X.Min, p.X.Max = min(p.X.Min, .74), 1
	guide := pen{color: ink(150), width: .8, dash: dashed(3, 2)}
	p.Add(upright{.8, "80", guide}, upright{.95, "95", guide})
	return &figure{
		name: "coverage", title: "Coverage of intervals", height: ladderHeight(len(rungs)), panels: []*plot.Plot{p}, legend: legend,
		caption: fmt.Sprintf("An interval that is honest lies on its line: left of it too much came outside, right of it the interval was wider than it need be. %s ahead.", duration(s.MainSeconds)),
		alt:     fmt.Sprintf("Dot chart of the coverage of the 80 and 95 percent intervals of %s.", plural(len(rungs), "model", "models")),
	}
}

// widest is where a picture of widths ends, as a multiple of the narrowest.
const widest = 6

// widthFigure shows what honesty costs: how wide the intervals are.
func widthFigure(s *result.Scores) *figure {
	ranked := rankedModels(s, s.MainSeconds)
	narrow := math.Inf(1)
	for _, m := range ranked {
		if w := float64(m.At(s.MainSeconds).Width95); w > 0 {
			narrow = min(narrow, w)
		}
	}
	if math.IsInf(narrow, 1) {
		return nil
	}
	var rungs []rung
	cut := false
	for _, m := range ranked {
		r := rung{name: plain(m.Name)}
		for _, w := range []result.Number{m.At(s.MainSeconds).Width80, m.At(s.MainSeconds).Width95} {
			cut = cut || float64(w) > widest*narrow
			r.values = append(r.values, min(float64(w), widest*narrow))
		}
		rungs = append(rungs, r)
	}
	pens := ladderPens()
	p, legend := ladder("mean width (% of the mean load)", linearTicks{n: 6, scale: 100}, rungs, []string{"80 % interval", "95 % interval"}, []pen{pens[0], pens[1]})
	p.X.Min = 0
	caption := fmt.Sprintf("Of two models whose intervals hold, the one with the narrower ones says more, and needs fewer replicas to be safe. %s ahead.", duration(s.MainSeconds))
	if cut {
		caption += fmt.Sprintf(" What is wider than %d times the narrowest is drawn at the right edge.", widest)
	}
	return &figure{
		name: "width", title: "Width of intervals", height: ladderHeight(len(rungs)), panels: []*plot.Plot{p}, legend: legend, caption: caption,
		alt: fmt.Sprintf("Dot chart of the mean width of the 80 and 95 percent intervals of %s.", plural(len(rungs), "model", "models")),
	}
}

// hoursFigure shows the error by the hour of the day.
func hoursFigure(s *result.Scores) *figure {
	p := newPanel(hourHead(s), "WAPE (%)", linearTicks{n: 8, whole: true}, linearTicks{n: 5, scale: 100})
	p.X.Min, p.X.Max = -.5, 23.5
	fig := &figure{
		name: "hours", title: "Error by hour of day", height: 220, panels: []*plot.Plot{p},
		caption: fmt.Sprintf("WAPE of forecasts %s ahead, by the hour that was forecast. An hour that stands out is one with a job or a rush that the model does not know.", duration(s.MainSeconds)),
		alt:     "Line chart of the error of each model by the hour of the day.",
	}
	top, hours := 0.0, 0
	next, reference := 0, 0
	for _, m := range shownModels(s, 5) {
		if len(m.Hours.N) != 24 {
			continue
		}
		var pen pen
		if simple(m.Name) {
			pen = referencePen(1 + reference)
			reference++
		} else {
			pen = seriesPen(next)
			next++
		}
		mark := dots{line{nil, pen}, true, 2.2}
		seen := 0
		for hour, w := range m.Hours.WAPE {
			v := math.NaN()
			if w.Defined() {
				v, seen = float64(w), seen+1
				top = max(top, v)
			}
			mark.points = append(mark.points, xy{float64(hour), v})
		}
		hours = max(hours, seen)
		p.Add(mark)
		fig.legend = append(fig.legend, entry{plain(m.Name), mark})
	}
	if hours < 2 {
		return nil
	}
	p.Y.Min, p.Y.Max = 0, headroom(top)
	return fig
}

// fanFigure shows forecasts as they were made, each from one instant on.
func fanFigure(k clock, s *result.Scores, rows []result.ForecastRow) *figure {
	if len(s.Fans) == 0 || len(rows) < 2 {
		return nil
	}
	step := s.Load.StepSeconds
	first, last := seconds1970(s.Fans[0].Origin), seconds1970(s.Fans[0].Origin)
	for _, f := range s.Fans {
		at := seconds1970(f.Origin)
		first, last = min(first, at), max(last, at)
		if n := len(f.HorizonSeconds); n > 0 {
			last = max(last, at+f.HorizonSeconds[n-1])
		}
	}
	from, to := first-8*step, last+2*step
	p := newPanel(k.axis(), "load ("+s.Load.Unit+")", k, linearTicks{n: 5})
	p.X.Min, p.X.Max = from, to
	actual := line{nil, pen{color: ink(230), width: 1}}
	low, high := math.Inf(1), 0.0
	see := func(v float64) {
		if !math.IsNaN(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	for _, r := range rows {
		if at := seconds1970(r.Time); at >= from && at <= to {
			actual.points = append(actual.points, xy{at, r.Actual})
			see(r.Actual)
		}
	}
	colors := [...]struct {
		name  string
		alpha uint8
	}{{"95 %", 60}, {"80 %", 90}, {"50 %", 130}}
	point := line{nil, pen{color: blue, width: 1.5}}
	for _, f := range s.Fans {
		at := seconds1970(f.Origin)
		for j, b := range [...][2][]result.Number{{f.Lower95, f.Upper95}, {f.Lower80, f.Upper80}, {f.Lower50, f.Upper50}} {
			band := area{[]xy{{at, float64(f.Last)}}, []xy{{at, float64(f.Last)}}, faint(sky, colors[j].alpha)}
			if !f.Last.Defined() {
				band.low, band.high = nil, nil
			}
			for i, h := range f.HorizonSeconds {
				band.low = append(band.low, xy{at + h, float64(b[0][i])})
				band.high = append(band.high, xy{at + h, float64(b[1][i])})
				if j > 0 { // The widest may reach very far: it is cut.
					see(float64(b[0][i]))
					see(float64(b[1][i]))
				}
			}
			p.Add(band)
		}
		path := line{[]xy{{at, float64(f.Last)}}, point.pen}
		for i, h := range f.HorizonSeconds {
			path.points = append(path.points, xy{at + h, float64(f.Point[i])})
		}
		p.Add(path)
	}
	p.Add(actual)
	if !(high > 0) {
		high = 1
	}
	p.Y.Min, p.Y.Max = max(0, low-.1*(high-low)), headroom(high)
	fig := &figure{
		name: "fan", title: "What " + plain(s.Shown) + " foresaw around the highest load", height: 230, panels: []*plot.Plot{p},
		caption: "Every fan starts at an instant and shows what was forecast then, knowing nothing later; its bands hold what came in 50, 80 and 95 of a hundred cases. " +
			"It is drawn where the load was highest, which is where forecasts are hardest, not where they look best. The widest band may be cut at the top.",
		alt:    fmt.Sprintf("Line chart of the load with %s of widening bands.", plural(len(s.Fans), "forecast", "forecasts")),
		legend: []entry{{"what came", actual}, {"forecast", point}},
	}
	for j := range slices.Backward(colors[:]) {
		fig.legend = append(fig.legend, entry{colors[j].name, area{color: faint(sky, colors[j].alpha)}})
	}
	return fig
}

// loadsFigure compares the error on all loads with that of the last value.
func loadsFigure(all []result.Scores) *figure {
	var rungs []rung
	const most = 2
	for i := range all {
		s := &all[i]
		naive := float64(wapeAt(s, "naive", s.MainSeconds))
		name := mainModel(s)
		best := math.NaN()
		for _, m := range rankedModels(s, s.MainSeconds) {
			if m.Name != name && !simple(m.Name) {
				best = float64(m.At(s.MainSeconds).WAPE)
				break
			}
		}
		r := rung{name: plain(s.Dataset)}
		for _, v := range []float64{float64(wapeAt(s, name, s.MainSeconds)), best, float64(wapeAt(s, "seasonal-naive", s.MainSeconds))} {
			r.values = append(r.values, min(v/naive, most))
		}
		rungs = append(rungs, r)
	}
	if len(rungs) < 2 {
		return nil
	}
	pens := ladderPens()
	p, legend := ladder("WAPE, as a part of that of the last value (%)", linearTicks{n: 6, scale: 100}, rungs,
		[]string{mainModel(&all[0]), "best of the others", "seasonal naive"}, []pen{pens[0], pens[1], referencePen(1)})
	p.X.Min, p.X.Max = 0, max(p.X.Max, 1.05)
	p.Add(upright{1, "last value", pen{color: ink(150), width: .8, dash: dashed(3, 2)}})
	return &figure{
		name: "loads", title: "Error on all loads against the last value", height: ladderHeight(len(rungs)), panels: []*plot.Plot{p}, legend: legend,
		caption: "Left of the dashed line a model beats what costs nothing. What is more than twice as bad is drawn at 200 %.",
		alt:     fmt.Sprintf("Dot chart of the error on %s relative to that of the last value.", plural(len(all), "load", "loads")),
	}
}
