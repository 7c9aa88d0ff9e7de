package forecast

import (
	"errors"
	"fmt"
	"time"
)

// ErrUnknownModel is the error of a name that ByName does not know.
var ErrUnknownModel = errors.New("unknown model")

// DefaultModel is the name of the model to use where nobody chose one: the best
// single model of those here on most recorded loads.
const DefaultModel = "ridge"

// Settings are what a model should know of the series it will see.
type Settings struct {
	Step time.Duration
	// Seasons are the periods in steps, shortest first. Nil leaves them to the model,
	// empty says that there are none. A model of one season takes the shortest.
	Seasons []int
	// Horizon is the number of steps ahead that will be asked for; at least 1.
	Horizon int
}

// season returns the shortest season, 0 where there is none.
func (s Settings) season() int {
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
		{"theta", func(s Settings) Model { return Theta{Season: s.season()} }},
		{"holt-winters", func(s Settings) Model { return HoltWinters{Season: s.season(), Damped: true} }},
		{"ets", func(s Settings) Model { return ETS{Season: s.season()} }},
		{"harmonic", newHarmonic},
		{"prophet", newProphet},
		{"ridge", func(s Settings) Model { return Ridge{Horizons: max(s.Horizon, 1), Seasons: s.Seasons} }},
	}
}

func newHarmonic(s Settings) Model {
	waves := make([]Waves, len(s.Seasons))
	for i, period := range s.Seasons {
		waves[i].Period = period
	}
	return Harmonic{Seasons: waves}
}

// Names returns the names that ByName knows, yardsticks first.
func Names() []string {
	all := registered()
	names := make([]string, len(all))
	for i, r := range all {
		names[i] = r.name
	}
	return names
}

// ByName returns the model of a name, with its default settings for such a series.
func ByName(name string, s Settings) (Model, error) {
	for _, r := range registered() {
		if r.name == name {
			return r.build(s), nil
		}
	}
	return nil, fmt.Errorf("%w %q", ErrUnknownModel, name)
}
