package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/datasets"
	"hindcast.dev/forecast"
)

// scores is what is written down of the models on one load.
func (p *evalPlan) scores(models []modelScore) result.Scores {
	step := p.series.Step.Seconds()
	s := result.Scores{
		Schema: result.ScoresSchema, Dataset: p.load.Name, Load: p.scoredLoad(), Refit: p.refit.words,
		Models: []result.ModelScores{}, Notes: p.notes(models),
		MainSeconds: float64(p.options.Horizons[0]) * step,
		Blocks:      p.blocks(models),
	}
	for _, h := range p.horizons {
		if h.ready {
			s.ReadySeconds = float64(steps(h.ahead, p.series.Step)) * step
		}
	}
	for _, m := range models {
		s.Models = append(s.Models, p.modelScores(m, models))
	}
	s.Best = p.bestTwo(models)
	for _, m := range models {
		if m.Name == p.shown && m.unfit == nil {
			s.Shown, s.Fans = m.Name, p.fans(m.Fans)
		}
	}
	return s
}

func (p *evalPlan) fans(fans []forecast.Fan) []result.Fan {
	var out []result.Fan
	for _, f := range fans {
		g := result.Fan{Origin: f.Origin, Last: result.Rounded(f.Last)}
		for _, h := range f.Horizon {
			g.HorizonSeconds = append(g.HorizonSeconds, (time.Duration(h) * p.series.Step).Seconds())
		}
		for _, pair := range [...]struct {
			from []float64
			to   *[]result.Number
		}{
			{f.Point, &g.Point}, {f.Lower50, &g.Lower50}, {f.Upper50, &g.Upper50}, {f.Lower80, &g.Lower80}, {f.Upper80, &g.Upper80},
			{f.Lower95, &g.Lower95}, {f.Upper95, &g.Upper95},
		} {
			for _, v := range pair.from {
				*pair.to = append(*pair.to, result.Rounded(v))
			}
		}
		out = append(out, g)
	}
	return out
}

func (p *evalPlan) scoredLoad() result.ScoredLoad {
	stats := datasets.Stats(p.series)
	scored := p.series
	scored.Values = p.series.Values[p.options.WarmUp:]
	l := result.ScoredLoad{
		Unit: string(p.load.Unit), UnitFrom: p.said, Start: p.series.Start, Relative: p.series.Relative,
		StepSeconds: p.series.Step.Seconds(), RecordedSeconds: p.load.Step.Seconds(),
		Points: len(p.series.Values), Missing: stats.Missing, ScoredFrom: p.past(0).Time(p.options.WarmUp),
		Mean: result.Number(datasets.Stats(scored).Mean), SeasonSeconds: []float64{}, NoiseFloor: result.Number(p.noiseFloor()),
	}
	for _, season := range p.seasons {
		l.SeasonSeconds = append(l.SeasonSeconds, float64(season)*l.StepSeconds)
	}
	return l
}

// noteSilence is the share of steps without load that shows in the coverage of intervals.
const noteSilence = .05

// silent returns the share of the scored steps observed at which the load is 0.
func (p *evalPlan) silent() float64 {
	zeros, observed := 0, 0
	for _, y := range p.series.Values[p.options.WarmUp:] {
		if !math.IsNaN(y) {
			observed++
			if y == 0 {
				zeros++
			}
		}
	}
	return float64(zeros) / float64(max(observed, 1))
}

// notes are what has to be known to judge the scores.
func (p *evalPlan) notes(models []modelScore) []string {
	notes := []string{}
	for _, h := range p.horizons {
		name := datasets.Duration(h.ahead).String()
		if h.ready {
			name = readyHorizon + ", " + name + ","
		}
		if whole := time.Duration(steps(h.ahead, p.series.Step)) * p.series.Step; whole != h.ahead {
			notes = append(notes, fmt.Sprintf("horizon %s is rounded up to %v, whole steps", name, datasets.Duration(whole)))
		}
	}
	if len(p.seasons) == 0 {
		notes = append(notes, "no season found in the warm-up: seasonal-naive equals naive")
	}
	if share := p.silent(); share >= noteSilence {
		notes = append(notes, fmt.Sprintf("the load is 0 at %.0f %% of the scored steps: intervals hold there for certain, and on the whole more often than they say", 100*share))
	}
	for _, m := range models {
		if m.unfit != nil {
			notes = append(notes, fmt.Sprintf("not scored: %v", m.unfit))
		}
	}
	for _, m := range models {
		if m.Failures.Any() {
			notes = append(notes, fmt.Sprintf("fell back: %s: %s", m.Name, fellBack(m.Failures)))
		}
	}
	return notes
}

func fellBack(f forecast.Failures) string {
	return fmt.Sprintf("%d fits failed and %d forecasts were no number; what was fitted before, or the last value, stood in; first: %v", f.Fits, f.Forecasts, f.First)
}

func (p *evalPlan) modelScores(m modelScore, all []modelScore) result.ModelScores {
	out := result.ModelScores{
		Name: m.Name, Horizons: []result.HorizonScores{}, Hours: result.HourScores{N: []int{}, WAPE: []result.Number{}, Bias: []result.Number{}}, Weights: []result.ExpertWeight{},
		Fits: m.Fits, SkippedFits: m.SkippedFits, ChargedSeconds: m.Charged.Seconds(), Waited: m.Waited,
	}
	if m.unfit != nil {
		out.Unfit = m.unfit.Error()
		return out
	}
	if m.Failures.Any() {
		out.FellBack = fellBack(m.Failures)
	}
	for _, h := range m.Horizons[:len(p.options.Horizons)] { // further ones are drawn only
		out.Horizons = append(out.Horizons, result.HorizonScores{
			HorizonSeconds: (time.Duration(h.Horizon) * p.series.Step).Seconds(), N: h.N,
			Accuracy: result.Number(h.Accuracy), WAPE: result.Number(h.WAPE),
			MASE: result.Number(h.MASE), RMSSE: result.Number(h.RMSSE), Pinball: result.Number(h.Pinball),
			Coverage80: result.Number(h.Coverage80), Coverage95: result.Number(h.Coverage95), Bias: result.Number(h.Bias),
			SkillNaive:    result.Number(forecast.Skill(h.WAPE, wapeOf("naive", h.Horizon, all))),
			SkillSeasonal: result.Number(forecast.Skill(h.WAPE, wapeOf("seasonal-naive", h.Horizon, all))),
			Coverage50:    result.Number(h.Coverage50), StandardError80: result.Number(h.Error80), StandardError95: result.Number(h.Error95),
			Width80: result.Number(h.Width80), Width95: result.Number(h.Width95),
			Within10: result.Number(h.Within10),
		})
	}
	slices.SortFunc(out.Horizons, func(a, b result.HorizonScores) int { return cmp.Compare(a.HorizonSeconds, b.HorizonSeconds) })
	for _, h := range m.Hours {
		out.Hours.N = append(out.Hours.N, h.N)
		out.Hours.WAPE = append(out.Hours.WAPE, result.Number(h.WAPE))
		out.Hours.Bias = append(out.Hours.Bias, result.Number(h.Bias))
	}
	for _, w := range m.Weights {
		out.Weights = append(out.Weights, result.ExpertWeight{Name: w.Name, Weight: w.Weight})
	}
	return out
}

// wapeOf is the WAPE of a model at a horizon in steps, NaN where it was not scored.
func wapeOf(name string, horizon int, all []modelScore) float64 {
	for _, m := range all {
		for _, h := range m.Horizons {
			if m.Name == name && h.Horizon == horizon {
				return h.WAPE
			}
		}
	}
	return math.NaN()
}

// bestTwo tests the model of the least WAPE at the main horizon against the second.
func (p *evalPlan) bestTwo(models []modelScore) *result.BestTwo {
	var ranked []modelScore
	for _, m := range models {
		if m.unfit == nil && m.Horizons[0].WAPE >= 0 {
			ranked = append(ranked, m)
		}
	}
	slices.SortStableFunc(ranked, func(a, b modelScore) int { return cmp.Compare(a.Horizons[0].WAPE, b.Horizons[0].WAPE) })
	if len(ranked) < 2 {
		return nil
	}
	test := forecast.DieboldMariano{Horizon: p.options.Horizons[0], Level: .95, Seed: 1}
	c, err := test.Compare(ranked[0].Errors, ranked[1].Errors)
	if errors.Is(err, forecast.ErrTooShort) {
		return nil
	}
	if err != nil {
		panic("forecast eval: " + err.Error()) // errors of one series have one length
	}
	return &result.BestTwo{
		First: ranked[0].Name, Second: ranked[1].Name, N: c.N,
		Difference: result.Number(c.Relative), Interval: result.Interval{result.Number(c.Low), result.Number(c.High)}, Level: test.Level,
		Statistic: result.Number(c.Statistic), P: result.Number(c.P), BootstrapP: result.Number(c.BootstrapP), BlockSteps: c.Block,
	}
}
