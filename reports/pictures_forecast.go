package reports

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"gonum.org/v1/plot"

	"hindcast.dev/backtest/result"
)

// forecastShown is how much of the end of the scored part is drawn, seconds.
const forecastShown = 2 * 86400

// forecastSeries is one model's forecasts against what came, over the last days.
type forecastSeries struct {
	model                              string
	from, to                           float64
	actual, point                      *bins
	lower80, upper80, lower95, upper95 *bins
}

// simple reports whether a model is there to be beaten.
func simple(model string) bool {
	switch model {
	case "naive", "seasonal-naive", "naive2":
		return true
	}
	return false
}

// readForecast reads the forecasts of the main model: auto, else the first one with
// forecasts in the folder that is not a naive one. It returns nil where there is none.
func readForecast(f *result.Folder) (*forecastSeries, error) {
	var names []string
	for _, fc := range f.Result.Forecasts {
		if !slices.Contains(names, fc.Model) {
			names = append(names, fc.Model)
		}
	}
	rank := func(model string) int {
		switch {
		case model == "auto":
			return 0
		case !simple(model):
			return 1
		}
		return 2
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	for _, model := range names {
		s, err := readModel(f, model)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("forecasts of %s: %w", plain(model), err)
		}
		return s, nil
	}
	return nil, nil
}

func readModel(f *result.Folder, model string) (*forecastSeries, error) {
	var rows []result.ForecastRow
	for row, err := range f.ForecastSeries(model) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return seriesOf(model, rows, f.Result.Dataset.StepSeconds)
}

// seriesOf thins the forecasts of the last days to the width of a picture.
func seriesOf(model string, rows []result.ForecastRow, step float64) (*forecastSeries, error) {
	if len(rows) < 2 {
		return nil, fs.ErrNotExist
	}
	s := &forecastSeries{model: model, to: seconds1970(rows[len(rows)-1].Time) + step}
	s.from = max(s.to-forecastShown, seconds1970(rows[0].Time))
	for _, b := range []**bins{&s.actual, &s.point, &s.lower80, &s.upper80, &s.lower95, &s.upper95} {
		*b = newBins(s.from, s.to, columns)
	}
	for i, r := range rows {
		t0 := seconds1970(r.Time)
		t1 := t0 + step
		if i+1 < len(rows) {
			t1 = min(t1, seconds1970(rows[i+1].Time))
		}
		s.actual.add(t0, t1, r.Actual)
		s.point.add(t0, t1, r.Point)
		s.lower80.add(t0, t1, r.Lower80)
		s.upper80.add(t0, t1, r.Upper80)
		s.lower95.add(t0, t1, r.Lower95)
		s.upper95.add(t0, t1, r.Upper95)
	}
	return s, nil
}

// forecastFigure shows the main model's forecast with its bands against what came.
func forecastFigure(k clock, s *forecastSeries, unit, ahead string) *figure {
	p := newPanel(k.axis(), "load ("+unit+")", k, linearTicks{n: 5})
	p.X.Min, p.X.Max = s.from, s.to
	p.Y.Min, p.Y.Max = 0, headroom(highest(s.actual, s.point, s.upper80))
	wide := area{s.lower95.means(), s.upper95.means(), faint(sky, 70)}
	narrow := area{s.lower80.means(), s.upper80.means(), faint(sky, 130)}
	point := line{s.point.means(), pen{color: blue, width: 1.4}}
	actual := line{s.actual.envelope(), pen{color: ink(230), width: 0.7}}
	p.Add(wide, narrow, actual, point)
	name := plain(s.model)
	return &figure{
		name: "forecast", title: "Forecast of " + name + " against what came", height: 230, panels: []*plot.Plot{p},
		caption: fmt.Sprintf("The last %s. Every forecast was made %s before the moment at which it is drawn, "+
			"knowing nothing later; about 95 %% of the load should lie in the wide band.", duration(s.to-s.from), ahead),
		alt: fmt.Sprintf("Line chart of the load and its forecast by %s with 80 and 95 percent bands, from %s to %s.",
			name, k.instant(unix(s.from)), k.instant(unix(s.to))),
		legend: []entry{{"what came", actual}, {"forecast", point}, {"80 % band", narrow}, {"95 % band", wide}},
	}
}

// accuracyCurve is the accuracy of one model by horizon in minutes.
type accuracyCurve struct {
	model  string
	points []xy
}

func accuracyCurves(r *result.Result) []accuracyCurve {
	var out []accuracyCurve
	at := map[string]int{}
	for _, f := range r.Forecasts {
		i, ok := at[f.Model]
		if !ok {
			i = len(out)
			at[f.Model] = i
			out = append(out, accuracyCurve{model: f.Model})
		}
		if f.Accuracy.Defined() && f.HorizonSeconds > 0 {
			out[i].points = append(out[i].points, xy{float64(f.HorizonSeconds) / 60, float64(f.Accuracy)})
		}
	}
	for _, c := range out {
		slices.SortStableFunc(c.points, func(a, b xy) int { return cmp.Compare(a.x, b.x) })
	}
	return out
}

// horizonTicks marks the horizons themselves, labelled where there is room.
func horizonTicks(curves []accuracyCurve) plot.ConstantTicks {
	var at []float64
	for _, c := range curves {
		for _, pt := range c.points {
			at = append(at, pt.x)
		}
	}
	slices.Sort(at)
	var ticks plot.ConstantTicks
	last := 0.0
	for _, v := range slices.Compact(at) {
		tick := plot.Tick{Value: math.Log10(v)}
		if v > 1.25*last {
			tick.Label, last = trimmed(significant(v, 2)), v
		}
		ticks = append(ticks, tick)
	}
	return ticks
}

// accuracyFigure shows accuracy by horizon for every model, nil without scores.
func accuracyFigure(r *result.Result) *figure {
	curves := accuracyCurves(r)
	left, right, low := math.Inf(1), math.Inf(-1), 1.0
	for _, c := range curves {
		for _, pt := range c.points {
			left, right, low = min(left, pt.x), max(right, pt.x), min(low, pt.y)
		}
	}
	if left > right {
		return nil
	}
	const cut = -0.5
	caption := "Accuracy is 1 − WAPE of the point forecast, out of sample. A model earns its keep only above the dashed naive ones."
	if low < cut {
		caption += " What is worse than " + percent(cut) + " % lies outside the picture."
	}
	low = max(low, cut)
	p := newPanel("horizon (minutes, logarithmic)", "accuracy (%)", horizonTicks(curves), linearTicks{n: 5, scale: 100})
	p.X.Min, p.X.Max = math.Log10(left/1.15), math.Log10(right*1.15)
	top := 1.0
	p.Y.Min, p.Y.Max = low-0.08*(top-low)-1e-3, top
	fig := &figure{
		name: "accuracy", title: "Forecast accuracy by horizon", height: 260, panels: []*plot.Plot{p}, caption: caption,
		alt: fmt.Sprintf("Line chart of forecast accuracy in percent against the horizon in minutes for %s, the naive ones dashed.",
			plural(len(curves), "model", "models")),
	}
	if n := r.Dataset.NoiseFloor; n.Defined() && n > 0 && n < 1 {
		p.Add(level{1 - float64(n), "noise floor: a perfect forecast of the mean", pen{color: ink(150), width: 0.7, dash: dashed(1, 2)}})
	}
	next, reference := 0, 0
	for _, c := range curves {
		var pen pen
		name := plain(c.model)
		if simple(c.model) {
			pen = referencePen(1 + reference)
			reference++
		} else {
			pen = seriesPen(next)
			next++
		}
		if c.model == "auto" {
			pen.width = 1.8
		}
		mark := dots{line{nil, pen}, true, 2.6}
		for _, pt := range c.points {
			mark.points = append(mark.points, xy{math.Log10(pt.x), pt.y})
		}
		p.Add(mark)
		fig.legend = append(fig.legend, entry{name, mark})
	}
	return fig
}
