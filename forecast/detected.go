package forecast

import "context"

// Detected is a model that takes its seasons from the past that it is fitted to: each
// Fit looks for them and fits the model that Build makes of them.
type Detected struct {
	// Build makes the model. It is also called without seasons, for the name and cost.
	Build func(Settings) Model
	// Settings are handed to Build. Where Seasons is nil, Fit fills in Seasons, empty
	// where there are none, and Season.
	Settings Settings
}

var (
	_ Model  = Detected{}
	_ Coster = Detected{}
)

// Name returns the name of the model that is built.
func (m Detected) Name() string { return m.Build(m.Settings).Name() }

// Fit returns the Predictor and the errors of the model built.
func (m Detected) Fit(ctx context.Context, past Series) (Predictor, error) {
	settings := m.Settings
	if settings.Seasons == nil {
		seasons, err := findSeasons(ctx, past)
		if err != nil {
			return nil, err
		}
		settings.Seasons = make([]int, len(seasons))
		for i, season := range seasons {
			settings.Seasons[i] = season.Period
		}
		settings.Season = MainSeason(past, settings.Seasons, settings.Horizon)
	}
	return m.Build(settings).Fit(ctx, past)
}

// FitOperations counts the search for seasons and the fit of the model without them.
func (m Detected) FitOperations(steps int) float64 {
	operations := 0.0
	if m.Settings.Seasons == nil {
		operations = seasonOperations(steps)
	}
	if c, ok := m.Build(m.Settings).(Coster); ok {
		operations += c.FitOperations(steps)
	}
	return operations
}

// seasonOperations are those of DetectSeason.
func seasonOperations(steps int) float64 { return 1000 * float64(steps) }
