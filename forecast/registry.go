package forecast

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrUnknownModel is the error of a name that ByName does not know.
var ErrUnknownModel = errors.New("unknown model")

// DefaultModel is the name of the model to use where nobody chose one.
const DefaultModel = "auto"

// TransformedPrefix before the name of a model stands for that model on another scale of
// the series, by Transformed: "transformed:ets".
const TransformedPrefix = "transformed:"

// Settings are what a model should know of the series it will see.
type Settings struct {
	Step time.Duration
	// Seasons are the periods in steps, shortest first. Nil leaves them to the model,
	// empty says that there are none.
	Seasons []int
	// Season is the one of them that models of one season take; 0 means the shortest.
	Season int
	// Events are what models that know of events are told of: prophet.
	Events []Event
	// Location is the time zone by whose clock models count days; nil means UTC. Prophet
	// does so itself, the others by LocalTime.
	Location *time.Location
	// Horizon is the number of steps ahead that will be asked for; at least 1.
	Horizon int
}

// season returns the season of models of one, 0 where there is none.
func (s Settings) season() int {
	if s.Season > 0 {
		return s.Season
	}
	if len(s.Seasons) > 0 {
		return s.Seasons[0]
	}
	return 0
}

// A registration is a model by its name on the command line, with its default settings
// for a series.
type registration struct {
	name  string
	build func(Settings) Model
}

// registered returns all models, yardsticks first.
func registered() []registration {
	return []registration{
		{"naive", func(Settings) Model { return Naive{} }},
		{"seasonal-naive", func(s Settings) Model { return SeasonalNaive{Season: s.season()} }},
		{"naive2", func(s Settings) Model { return Naive2{Season: s.season()} }},
		{"ses", func(s Settings) Model { return SES{Season: s.season()} }},
		{"median", func(Settings) Model { return Median{} }},
		{"moving-average", func(Settings) Model { return MovingAverage{} }},
		{"holt", func(s Settings) Model { return Holt{Season: s.season()} }},
		{"damped", func(s Settings) Model { return Holt{Season: s.season(), Damped: true} }},
		{"profile", func(s Settings) Model { return Profile{Season: s.season()} }},
		{"jumps", func(s Settings) Model { return Jumps{Season: s.season()} }},
		{"mstl", func(s Settings) Model { return MSTL{Seasons: s.Seasons} }},
		{"theta", func(s Settings) Model { return Theta{Season: s.season()} }},
		{"dotm", func(s Settings) Model { return DOTM{Season: s.season()} }},
		{"holt-winters", func(s Settings) Model { return HoltWinters{Season: s.season(), Damped: true} }},
		{"ets", func(s Settings) Model { return ETS{Season: s.season()} }},
		{"arima", func(s Settings) Model { return ARIMA{Season: s.season()} }},
		{"harmonic", newHarmonic},
		{"harmonic-arma", func(s Settings) Model { return HarmonicARMA{Seasons: wavesOf(s.Seasons), Differences: true} }},
		{"nlinear", func(s Settings) Model { return NLinear{Horizons: max(s.Horizon, 1), Seasons: s.Seasons} }},
		{"dlinear", func(s Settings) Model { return DLinear{Horizons: max(s.Horizon, 1), Seasons: s.Seasons} }},
		{"forest", func(s Settings) Model { return RandomForest{Horizons: max(s.Horizon, 1)} }},
		{"trees", func(s Settings) Model { return Trees{Horizons: max(s.Horizon, 1)} }},
		{"lstm", func(s Settings) Model { return LSTM{Horizons: max(s.Horizon, 1), Seasons: s.Seasons} }},
		{"gru", func(s Settings) Model { return GRU{Horizons: max(s.Horizon, 1), Seasons: s.Seasons} }},
		{"prophet", newProphet},
		{"ridge", func(s Settings) Model { return Ridge{Horizons: max(s.Horizon, 1), Seasons: s.Seasons} }},
		{"auto", func(s Settings) Model { return Auto{Horizons: max(s.Horizon, 1), Seasons: s.Seasons} }},
	}
}

func newHarmonic(s Settings) Model { return Harmonic{Seasons: wavesOf(s.Seasons)} }

func wavesOf(periods []int) []Waves {
	waves := make([]Waves, len(periods))
	for i, period := range periods {
		waves[i].Period = period
	}
	return waves
}

// Names returns the names that ByName knows without a prefix, yardsticks first.
func Names() []string {
	all := registered()
	names := make([]string, len(all))
	for i, r := range all {
		names[i] = r.name
	}
	return names
}

// KnowsEvents reports whether the model of a name makes use of Settings.Events.
func KnowsEvents(name string) bool { return strings.TrimPrefix(name, TransformedPrefix) == "prophet" }

// Known reports whether ByName knows a name.
func Known(name string) bool {
	_, err := ByName(name, Settings{})
	return err == nil
}

// ByName returns the model of a name, which may have the TransformedPrefix, with its
// default settings for such a series.
func ByName(name string, s Settings) (Model, error) {
	plain, transformed := strings.CutPrefix(name, TransformedPrefix)
	for _, r := range registered() {
		if r.name != plain {
			continue
		}
		m := r.build(s)
		if transformed {
			m = Transformed{Model: m, Season: s.season()}
		}
		if s.Location != nil && s.Location != time.UTC && !KnowsEvents(name) {
			m = LocalTime{Model: m, Location: s.Location}
		}
		return m, nil
	}
	return nil, fmt.Errorf("%w %q", ErrUnknownModel, name)
}
