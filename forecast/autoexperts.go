package forecast

import (
	"fmt"
	"time"
)

// experts returns the models that take part in forecasts of a series with these seasons.
func (m Auto) experts(past Series) []Expert {
	day := max(int(24*time.Hour/past.Step), 1)
	experts := []Expert{
		{Model: Naive{}},
		{Model: SES{}, After: 10, Window: 2000},
		{Model: HoltWinters{Damped: true}, Label: "damped", After: 20, Window: 2000},
		{Model: Median{Window: 15}, Label: "median-15", After: 15},
		{Model: Median{Window: 60}, Label: "median-60", After: 60},
		{Model: Median{Window: 240}, Label: "median-240", After: 240},
		{Model: Ridge{Horizons: m.Horizons, HalfLife: max(day/8, 60)}, Label: "ridge-short", After: 60},
		{Model: Ridge{Horizons: m.Horizons, HalfLife: max(day, 300)}, Label: "ridge-day", After: 60},
		{Model: Ridge{Horizons: m.Horizons, HalfLife: max(7*day, 2000)}, Label: "ridge-week", After: 60},
	}
	var waves []Waves
	for _, s := range m.Seasons {
		waves = append(waves, Waves{Period: s})
		experts = append(experts,
			Expert{Model: SeasonalNaive{Season: s}, Label: fmt.Sprintf("seasonal-naive-%d", s), After: s},
			Expert{Model: Profile{Season: s}, Label: fmt.Sprintf("profile-%d", s), After: s + 15},
		)
	}
	if len(waves) > 0 {
		experts = append(experts, Expert{Model: Harmonic{Seasons: waves}, After: 2 * m.Seasons[0]},
			Expert{Model: Theta{Season: m.Seasons[0]}, After: 2 * m.Seasons[0]})
	}
	return experts
}
