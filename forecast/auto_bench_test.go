package forecast_test

import (
	"testing"
	"time"

	"hindcast.dev/forecast"
)

// One observation and forecasts of 10 minutes, by all experts, on two weeks of minutes.
func BenchmarkAutoUpdate(b *testing.B) {
	s := forecast.Series{Step: time.Minute, Values: daily(14*1440, 1440, 41)}
	p := mustFit(b, forecast.Auto{Horizons: 10}, s)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		p.Update(s.Values[i%len(s.Values)])
		i++
	}
}
