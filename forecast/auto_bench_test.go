package forecast_test

import (
	"runtime"
	"strconv"
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

// A fit to a night, half a day, a day and two weeks of minutes, beside the operations that it
// declares, and the memory that its forecast holds.
func BenchmarkAutoFit(b *testing.B) {
	for _, n := range []int{480, 720, 1440, 14 * 1440} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := forecast.Series{Step: time.Minute, Values: daily(n, 1440, 41)}
			m := forecast.Auto{}
			for b.Loop() {
				mustFit(b, m, s)
			}
			b.ReportMetric(m.FitOperations(n), "declared-ns")
			before := heldBytes()
			p := mustFit(b, m, s)
			b.ReportMetric(float64(heldBytes())-float64(before), "held-B")
			runtime.KeepAlive(p)
		})
	}
}

// heldBytes returns what of the heap is in use.
func heldBytes() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
