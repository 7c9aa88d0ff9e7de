package forecast_test

import (
	"context"
	"testing"

	"hindcast.dev/forecast"
)

// A week of minutes, at horizons of up to 10 steps.
func BenchmarkTreesFit(b *testing.B) {
	s := minutes(daily(8*1440, 1440, 51)...)
	for b.Loop() {
		if _, err := (forecast.Trees{Horizons: 10}).Fit(context.Background(), s); err != nil {
			b.Fatal(err)
		}
	}
}
