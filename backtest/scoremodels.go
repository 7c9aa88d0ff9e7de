package backtest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"hindcast.dev/backtest/gate"
	"hindcast.dev/backtest/result"
	"hindcast.dev/forecast"
)

// refitModels is how often models are fitted anew while they are scored, and
// modelHistory how much of the past they are given.
const (
	refitModels  = day
	modelHistory = 28 * day
)

// scoreModels scores every model of the experiment on the load, from the scored part
// on, and writes the forecasts of V3's model at the horizon that V3 acts on.
func (b *bench) scoreModels(ctx context.Context) ([]result.Forecast, error) {
	series, err := b.env.series()
	if err != nil {
		return nil, err
	}
	warmUp := int(b.env.scoredFrom.Sub(series.Start) / series.Step)
	horizons := b.env.horizons(series.Step)
	known := forecast.Series{Start: series.Start, Step: series.Step, Values: series.Values[:warmUp]}
	seasons := forecast.DetectSeason(known)
	longest := horizons[len(horizons)-1]
	settings := forecast.Settings{
		Step: series.Step, Seasons: seasons, Season: forecast.MainSeason(known, seasons, longest), Horizon: longest,
	}
	b.seasons, b.noiseFloor = seasons, b.env.noiseFloor(series)
	scores := []result.Forecast{}
	b.blocks.Series, b.blocks.Models = gate.SeriesOf(b.env.recorded.Name, series, warmUp), []result.ModelBlocks{}
	// A model that cannot be fitted to so short a past is left out, visibly.
	for _, id := range b.x.Spec.Models {
		m, err := newModel(id, settings)
		if err != nil {
			return nil, err
		}
		eval, err := b.evaluate(ctx, series, m, warmUp, horizons, settings.Season)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			b.note(fmt.Sprintf("Model %s is not scored: %v.", id, err))
			continue
		}
		if f := eval.Models[0].Failures; f.Any() {
			b.note(fmt.Sprintf("Model %s fell back to what was fitted before, or to the last value: %d fits failed and %d forecasts were no number; first: %v.",
				id, f.Fits, f.Forecasts, f.First))
		}
		scores = append(scores, modelScores(id, eval.Models[0], series.Step)...)
		b.blocks.Models = append(b.blocks.Models, gate.ModelOf(id, eval.Models[0], series.Step))
		if track := eval.Models[0].Track; track != nil {
			if err := b.writeForecasts(id, track); err != nil {
				return nil, err
			}
		}
	}
	if len(seasons) == 0 {
		b.note("No season was found in the warm-up: seasonal-naive equals naive, and the seasonal models have no season.")
	}
	return scores, nil
}

func (b *bench) evaluate(ctx context.Context, s forecast.Series, m forecast.Model, warmUp int, horizons []int, season int) (forecast.Evaluation, error) {
	opt := forecast.EvaluateOptions{
		Horizons:    horizons,
		WarmUp:      warmUp,
		Season:      season,
		RefitEvery:  max(1, int(refitModels/s.Step)),
		RefitEarly:  true,
		Window:      int(modelHistory / s.Step),
		TrackModels: []string{forecast.DefaultModel},
	}
	if m.Name() == forecast.DefaultModel {
		opt.TrackHorizon = trackHorizon(b.env.v3Horizon(), s.Step, horizons)
	}
	return forecast.Evaluate(ctx, s, []forecast.Model{m}, opt)
}

// trackHorizon is the horizon, of those scored, that V3 acts on.
func trackHorizon(want, step time.Duration, horizons []int) int {
	n := max(1, int(math.Ceil(float64(want)/float64(step))))
	if slices.Contains(horizons, n) {
		return n
	}
	return horizons[0]
}

func modelScores(id string, m forecast.ModelEvaluation, step time.Duration) []result.Forecast {
	var out []result.Forecast
	for _, h := range m.Horizons {
		out = append(out, result.Forecast{
			Model: id, HorizonSeconds: int((time.Duration(h.Horizon) * step).Seconds()), N: h.N,
			Accuracy: result.Number(h.Accuracy), WAPE: result.Number(h.WAPE),
			MASE: result.Number(h.MASE), RMSSE: result.Number(h.RMSSE), Pinball: result.Number(h.Pinball),
			Coverage80: result.Number(h.Coverage80), Coverage95: result.Number(h.Coverage95), Bias: result.Number(h.Bias),
		})
	}
	return out
}

func (b *bench) writeForecasts(id string, t *forecast.Track) error {
	rows := make([]result.ForecastRow, len(t.Time))
	for i := range rows {
		rows[i] = result.ForecastRow{
			Time: t.Time[i], Actual: t.Actual[i], Point: t.Point[i],
			Lower80: t.Lower80[i], Upper80: t.Upper80[i], Lower95: t.Lower95[i], Upper95: t.Upper95[i],
		}
	}
	f, err := b.out.Create(result.ForecastsDir, id+".csv.gz")
	if err != nil {
		return err
	}
	if err := result.WriteForecasts(f, rows); err != nil {
		return fmt.Errorf("write forecasts of %s: %w", id, err)
	}
	return f.Close()
}
