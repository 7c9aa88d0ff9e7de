//go:build unix

package forecast_test

import (
	"syscall"
	"testing"
	"time"

	"hindcast.dev/forecast"
)

// The fit and the forecasts; scripts/speed.sh puts them beside R's. The other figures say
// whether they are as good: AICc less that of R's model, and how far the forecasts are
// apart. The time is that of the processor, which other work on the machine changes little.
func BenchmarkAgainstR(b *testing.B) {
	cases, series := casesOfR(b)
	for _, c := range cases {
		b.Run(c.Model+"/"+c.Series, func(b *testing.B) {
			m, past := c.model(b), minutes(series[c.Series]...)
			dst := make([]float64, len(c.Forecast))
			var p forecast.Predictor
			before := processorTime(b)
			for b.Loop() {
				p = mustFit(b, m, past)
				p.Predict(dst)
			}
			b.ReportMetric(float64((processorTime(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms")
			if fitted, ok := p.(interface{ AICc() float64 }); ok {
				b.ReportMetric(fitted.AICc()-c.AICc, "AICc-R's")
			}
			b.ReportMetric(100*c.distance(p), "%apart")
		})
	}
}

// processorTime returns what this process has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
