package forecast

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Longest pasts that experts are fitted to: smoothing forgets older values anyway.
const smoothingWindow = 2000

// farAhead is the part of the day, or of a longer shortest season, from which a horizon
// is a long one.
const farAhead = 4

// Priors of experts: what has fewer parameters is believed sooner, a half for each up to
// four, the last value as smoothing of the rate 1, as a description of that length would have it (Rissanen, Automatica 14, 1978). On a
// long past they are soon forgotten; on a short one they keep models with much to learn
// from spoiling the forecast before they have learnt it.
const (
	priorLevel = 1. / 2  // a rate, a window or a period
	priorTrend = 1. / 4  // and a second
	priorMany  = 1. / 16 // a model of many coefficients
)

// seasons returns the periods that experts try: those given, those that the past shows,
// and day and week in any case, which a short past cannot show yet.
func (m Auto) seasons(past Series) []int {
	seasons := append(slices.Clone(m.Seasons), DetectSeason(past)...)
	for _, d := range []time.Duration{24 * time.Hour, 7 * 24 * time.Hour} {
		if period := int(d / past.Step); d%past.Step == 0 && period >= 3 {
			seasons = append(seasons, period)
		}
	}
	slices.Sort(seasons)
	return slices.Compact(seasons)
}

// experts returns the models that take part in forecasts of a series with these seasons.
func (m Auto) experts(past Series) []Expert {
	day := max(int(24*time.Hour/past.Step), 1)
	experts := []Expert{
		{Model: Naive{}, Prior: priorLevel},
		{Model: SES{}, Prior: priorLevel, After: 10, Window: smoothingWindow},
		{Model: HoltWinters{Damped: true}, Prior: priorTrend, Label: "damped", After: 20, Window: smoothingWindow},
		{Model: Median{Window: 15}, Prior: priorLevel, Label: "median-15", After: 15},
		{Model: Median{Window: 60}, Prior: priorLevel, Label: "median-60", After: 60},
		{Model: Median{Window: 240}, Prior: priorLevel, Label: "median-240", After: 240},
		{Model: Ridge{Horizons: m.Horizons, HalfLife: max(day/8, 60)}, Prior: priorMany, Label: "ridge-short", After: 60},
		{Model: Ridge{Horizons: m.Horizons, HalfLife: max(day, 300)}, Prior: priorMany, Label: "ridge-day", After: 60},
		{Model: Ridge{Horizons: m.Horizons, HalfLife: max(7*day, 2000)}, Prior: priorMany, Label: "ridge-week", After: 60},
	}
	var waves []Waves
	seasons := m.seasons(past)
	experts = append(experts,
		Expert{Model: NLinear{Horizons: m.Horizons, Seasons: seasons}, Prior: priorMany, After: 100, Window: 10000},
		Expert{Model: Trees{Horizons: m.Horizons}, Prior: priorMany, After: 1000},
	)
	for _, s := range seasons {
		length := seasonName(s, past.Step)
		experts = append(experts,
			Expert{Model: SeasonalNaive{Season: s}, Prior: priorLevel, Label: "seasonal-naive-" + length, After: s},
			Expert{Model: Profile{Season: s}, Prior: priorLevel, Label: "profile-" + length, After: s + 15},
			Expert{Model: Jumps{Season: s}, Prior: priorLevel, Label: "jumps-" + length, After: s + 15},
		)
		waves = append(waves, Waves{Period: s})
	}
	// Models of the whole shape of a season pay where forecasts reach far into it; a few
	// steps ahead they add nothing but the time of their fits.
	if len(seasons) > 0 && m.Horizons > max(day, seasons[0])/farAhead {
		experts = append(experts,
			Expert{Model: MSTL{Seasons: seasons}, Prior: priorMany, After: 3 * seasons[0]},
			Expert{Model: HarmonicARMA{Seasons: waves[:1]}, Prior: priorMany, After: 3 * seasons[0], Window: 2000},
			Expert{Model: Prophet{Seasons: waves}, Prior: priorMany, After: 3 * seasons[0]},
		)
	}
	if len(waves) > 0 {
		experts = append(experts, Expert{Model: Harmonic{Seasons: waves}, Prior: priorMany, After: 2 * seasons[0]},
			Expert{Model: Theta{Season: seasons[0]}, Prior: priorTrend, After: 2 * seasons[0]})
	}
	return experts
}

// seasonName writes a season as 1d, 3h or the like, or in steps.
func seasonName(period int, step time.Duration) string {
	length := time.Duration(period) * step
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{7 * 24 * time.Hour, "w"}, {24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if length >= unit.length && length%unit.length == 0 {
			return fmt.Sprintf("%d%s", length/unit.length, unit.name)
		}
	}
	return strconv.Itoa(period)
}
