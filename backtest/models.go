package backtest

import (
	"errors"
	"fmt"
	"strings"

	"hindcast.dev/forecast"
	"hindcast.dev/internal/suggest"
)

// newModel builds the model of an id for a series.
func newModel(id string, settings forecast.Settings) (forecast.Model, error) {
	m, err := forecast.ByName(id, settings)
	if errors.Is(err, forecast.ErrUnknownModel) {
		plain := strings.TrimPrefix(id, forecast.TransformedPrefix)
		return nil, fmt.Errorf("%w%s", err, suggest.Hint(plain, forecast.Names()))
	}
	return m, err
}
