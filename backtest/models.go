package backtest

import (
	"errors"
	"fmt"
	"time"

	"hindcast.dev/forecast"
	"hindcast.dev/internal/suggest"
)

// newModel builds the model of an id for a series of the given step. Seasons are in
// steps, shortest first.
func newModel(id string, step time.Duration, seasons []int, horizon int) (forecast.Model, error) {
	m, err := forecast.ByName(id, forecast.Settings{Step: step, Seasons: seasons, Horizon: horizon})
	if errors.Is(err, forecast.ErrUnknownModel) {
		return nil, fmt.Errorf("%w%s", err, suggest.Hint(id, forecast.Names()))
	}
	return m, err
}
