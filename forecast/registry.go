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

// Names returns the names that ByName knows, yardsticks first.
func Names() []string {
	return []string{"naive", "seasonal-naive", "naive2", "ses", "theta", "holt-winters", "ets", "harmonic", "ridge"}
}

// Settings are what a model should know of the series it will see.
type Settings struct {
	Step time.Duration
	// Seasons are the periods in steps, shortest first. Nil leaves them to the model,
	// empty says that there are none. A model of one season takes the shortest.
	Seasons []int
	// Horizon is the number of steps ahead that will be asked for; at least 1.
	Horizon int
}

// ByName returns the model of a name, with its default settings for such a series.
func ByName(name string, s Settings) (Model, error) {
	first := 0
	if len(s.Seasons) > 0 {
		first = s.Seasons[0]
	}
	switch name {
	case "naive":
		return Naive{}, nil
	case "seasonal-naive":
		return SeasonalNaive{Season: first}, nil
	case "naive2":
		return Naive2{Season: first}, nil
	case "ses":
		return SES{Season: first}, nil
	case "theta":
		return Theta{Season: first}, nil
	case "holt-winters":
		return HoltWinters{Season: first, Damped: true}, nil
	case "ets":
		return ETS{Season: first}, nil
	case "harmonic":
		waves := make([]Waves, len(s.Seasons))
		for i, period := range s.Seasons {
			waves[i].Period = period
		}
		return Harmonic{Seasons: waves}, nil
	case "ridge":
		return Ridge{Horizons: max(s.Horizon, 1), Seasons: s.Seasons}, nil
	}
	return nil, fmt.Errorf("%w %q", ErrUnknownModel, name)
}
